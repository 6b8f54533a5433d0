"""How words of people find names of the catalog."""

import pytest

from config.catalog import Ambiguous, Catalog, Found, NotFound
from config.lookup import likeness


@pytest.mark.parametrize(
    ("word", "name", "exact"),
    [
        ("tasks-service", "tasks-service", True),
        ("TASKS_Service", "tasks-service", True),
        ("tareas", "tasks-service", True),
        ("tasks", "tasks-service", False),
        ("ta", "tasks-service", False),
        ("autenticacion", "auth-service", True),
        ("gate", "api-gateway", False),
    ],
)
def test_services(sample: Catalog, word: str, name: str, exact: bool) -> None:
    assert sample.find_service(word) == Found(sample.service(name), exact)


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("prod", "prod"),
        ("production", "prod"),
        ("producción", "prod"),
        ("PRODUCCION", "prod"),
        ("produccio\u0301n", "prod"),
        ("live", "prod"),
        ("Desarrollo", "dev"),
        ("de", "dev"),
        ("QA", "qa"),
        ("staging", "qa"),
    ],
)
def test_environments(sample: Catalog, word: str, name: str) -> None:
    found = sample.find_environment(word)
    assert isinstance(found, Found)
    assert found.item.name == name


def test_a_short_form_of_several_is_ambiguous(sample: Catalog) -> None:
    assert sample.find_service("service") == Ambiguous(
        (
            "auth-service",
            "projects-service",
            "forms-service",
            "tasks-service",
            "notifications-service",
        )
    )


def test_one_letter_chooses_nothing(sample: Catalog) -> None:
    assert isinstance(sample.find_environment("p"), NotFound)
    assert isinstance(sample.find_service("t"), NotFound)


def test_the_middle_of_a_word_is_no_short_form(sample: Catalog) -> None:
    assert isinstance(sample.find_service("asks"), NotFound)


@pytest.mark.parametrize(
    ("word", "nearest"),
    [
        ("tasks-servce", ("tasks-service",)),
        ("taks", ("tasks-service",)),
        ("gatway", ("api-gateway",)),
        ("notfications", ("notifications-service",)),
        ("xyzzy", ()),
        ("", ()),
        ("t" * 100_000, ()),
    ],
)
def test_near_services(sample: Catalog, word: str, nearest: tuple[str, ...]) -> None:
    assert sample.find_service(word) == NotFound(nearest)


@pytest.mark.parametrize(
    ("word", "nearest"), [("prdo", "prod"), ("dve", "dev"), ("qq", "qa"), ("produccon", "prod")]
)
def test_near_environments(sample: Catalog, word: str, nearest: str) -> None:
    found = sample.find_environment(word)
    assert isinstance(found, NotFound)
    assert found.nearest[0] == nearest


def test_at_most_three_are_near(sample: Catalog) -> None:
    found = sample.find_service("xxxxxx-service")
    assert isinstance(found, NotFound)
    assert len(found.nearest) <= 3


def test_what_is_longer_than_any_name_is_never_compared() -> None:
    assert likeness("a" * 64, "a" * 64) == 1.0
    assert likeness("a" * 65, "a" * 65) == 0.0

"""Broken files: every mistake at once, each with its line and what would be right."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from config.catalog import CatalogError, Mistake, load_catalog

CASES = yaml.safe_load((Path(__file__).parent / "mistakes.yml").read_text("utf-8"))


def mistakes_of(path: Path) -> tuple[Mistake, ...]:
    with pytest.raises(CatalogError) as caught:
        load_catalog(path)
    assert caught.value.mistakes
    return caught.value.mistakes


def only(path: Path) -> Mistake:
    mistakes = mistakes_of(path)
    assert len(mistakes) == 1, [str(mistake) for mistake in mistakes]
    return mistakes[0]


def line_of(path: Path, text: str) -> int:
    lines = path.read_text("utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if text in line)


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["new"]).strip() or case["old"])
def test_a_mistake_is_told_with_its_line_and_what_would_be_right(
    changed: Callable[..., Path], sample_path: Path, case: dict[str, str]
) -> None:
    path = changed((case["old"], case["new"]))
    before = sample_path.read_text("utf-8").partition(case["old"])[0]
    mistake = only(path)
    assert case["says"] in mistake.message
    assert case["fix"] in mistake.fix
    assert mistake.line == (line_of(path, case["at"]) if "at" in case else before.count("\n") + 1)
    assert mistake.path == str(path)


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(
    changed: Callable[..., Path],
) -> None:
    path = changed(
        ("language: en", "language: fr"),
        ("C0QADEPLOYS", "qa"),
        ("    channel: qa-deploys", "    channel: nowhere"),
        ("    confirm: true", "    confrim: true"),
        ("    aliases: [tareas]", "    aliases: [tareas, &anchor login2]"),
        ("    automatic: ci", "    automatic: ci\n    automatic: ci"),
    )
    mistakes = mistakes_of(path)
    assert [mistake.line for mistake in mistakes] == [
        line_of(path, text)
        for text in (
            "language: fr",
            "qa-deploys: qa",
            "channel: nowhere",
            "confrim",
            "&anchor",
        )
    ] + [line_of(path, "    automatic: ci") + 1]


def test_the_error_reads_as_one_line_for_each_mistake(changed: Callable[..., Path]) -> None:
    path = changed(("language: en", "language: fr"), ("    confirm: true", "    confirm: 1"))
    with pytest.raises(CatalogError) as caught:
        load_catalog(path)
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    assert lines[0] == (
        f"{path}:{line_of(path, 'language: fr')}:1: language cannot be 'fr'; write one of: en, es"
    )


def test_thousands_of_mistakes_are_cut(written: Callable[[str], Path]) -> None:
    path = written("".join(f"key{number}: 1\n" for number in range(3_000)))
    with pytest.raises(CatalogError) as caught:
        load_catalog(path)
    assert str(caught.value).endswith("more")
    assert len(str(caught.value).splitlines()) == 51


@pytest.mark.parametrize(
    "content", ["services: []\nroles: 1\nchannels: x\nenvironments: {}\n", "[]", "7", "word"]
)
def test_a_file_of_another_shape_is_said_to_be_one(
    written: Callable[[str], Path], content: str
) -> None:
    assert any("must be" in mistake.message for mistake in mistakes_of(written(content)))


def test_a_required_checklist_without_items_is_told(changed: Callable[..., Path]) -> None:
    text = changed().read_text("utf-8")
    path = changed((text[text.index("\nchecklist:") :], "\n"))
    assert only(path).message == "there is no checklist"


@pytest.mark.parametrize(
    ("section", "typed"),
    [("environments", "enviroments"), ("channels", "chanels"), ("roles", "rols")],
)
def test_a_misspelt_section_is_one_mistake_and_hides_none_within(
    changed: Callable[..., Path], section: str, typed: str
) -> None:
    path = changed((f"\n{section}:", f"\n{typed}:"))
    mistake = only(path)
    assert mistake.message == f"unknown key '{typed}'"
    assert section in mistake.fix
    path = changed((f"\n{section}:", f"\n{typed}:"), ("    confirm: true", "    confrim: true"))
    assert [m.message for m in mistakes_of(path) if m.line == line_of(path, "confrim")] == [
        "unknown key 'confrim'"
    ]
    assert len(mistakes_of(path)) == 2


@pytest.mark.parametrize("section", ["channels", "roles", "services"])
def test_a_section_that_is_missing_is_one_mistake(
    changed: Callable[..., Path], section: str
) -> None:
    path = changed((f"\n{section}:", "\nzzzz:"))
    mistakes = mistakes_of(path)
    assert [mistake.message for mistake in mistakes] == [
        f"the file needs {section}",
        "unknown key 'zzzz'",
    ]


def test_two_misspellings_of_one_section_do_not_become_one(changed: Callable[..., Path]) -> None:
    path = changed(("\nchannels:", "\nchanels:"), ("\nroles:", "\nchannel: {}\n\nroles:"))
    assert {m.message for m in mistakes_of(path)} == {
        "unknown key 'chanels'",
        "unknown key 'channel'",
    }


def test_what_is_missing_is_said_with_the_name_of_its_own_service(
    changed: Callable[..., Path],
) -> None:
    path = changed(("    repository: https://github.com/yourorg/forms-service\n", ""))
    assert only(path).fix == "write https://github.com/yourorg/forms-service"


def test_a_key_that_was_cut_short_is_recognised(changed: Callable[..., Path]) -> None:
    line = "repository: https://github.com/yourorg/forms-service\n"
    path = changed((f"    {line}", f"    {line}    repo: x\n"))
    assert only(path).fix == "did you mean repository?"

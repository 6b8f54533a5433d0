"""What `dynamo.yml` says of policies, of differences, and of what a configuration does to pods."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.catalog import Catalog, CatalogError, OnConfig, Policy, Severity, load_catalog

ROOT = Path(__file__).parents[2]
Load = Callable[[Callable[[dict[str, Any]], None]], Catalog]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def loaded(edit: Callable[[dict[str, Any]], None]) -> Catalog:
        whole = yaml.safe_load((ROOT / "config" / "dynamo.yml").read_text())
        edit(whole)
        path = tmp_path / "dynamo.yml"
        path.write_text(yaml.safe_dump(whole, sort_keys=False, allow_unicode=True))
        return load_catalog(path)

    return loaded


def policies(*entries: Any) -> Callable[[dict[str, Any]], None]:
    def edit(whole: dict[str, Any]) -> None:
        whole["environments"][1]["policies"] = list(entries)

    return edit


def test_a_name_alone_has_the_usual_severity_and_another_one_may_be_said(load: Load) -> None:
    qa = load(policies("isolated-supabase", {"production-parity": "block"})).environment("qa")
    assert qa.policies == (Policy.ISOLATED_SUPABASE, Policy.PRODUCTION_PARITY)
    assert qa.severity(Policy.ISOLATED_SUPABASE) is Severity.BLOCK
    assert qa.severity(Policy.PRODUCTION_PARITY) is Severity.BLOCK
    assert qa.severity(Policy.AUTOSCALING) is Severity.WARN


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("no-debug-tool", "did you mean no-debug-tools"),
        ({"autoscaling": "stop"}, "write block or warn"),
        ({"autoscaling": None}, "write block or warn"),
        ({"autoscalin": "warn"}, "did you mean autoscaling"),
        ({"autoscaling": "warn", "structured-logs": "warn"}, "is no policy"),
        (7, "is no policy"),
    ],
)
def test_a_policy_that_is_none_is_a_mistake_with_a_hint(load: Load, entry: Any, said: str) -> None:
    with pytest.raises(CatalogError) as raised:
        load(policies(entry))
    (mistake,) = raised.value.mistakes
    assert said in str(mistake)


def test_differences_are_patterns_or_regular_expressions(load: Load) -> None:
    said = {"expected": ["*.nodeSelector.*", "/FEATURE_.+/"], "risks": ["TTL"], "injected": ["log"]}
    found = load(lambda whole: whole.update(differences=said)).differences
    assert (found.expected, found.risks, found.injected) == (
        ("*.nodeSelector.*", "/FEATURE_.+/"),
        ("TTL",),
        ("log",),
    )


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"expected": ["/(/"]}, "is no regular expression"),
        ({"expected": [" "]}, "is no path"),
        ({"injected": ["Log Shipper"]}, "is no container name"),
        ({"ignored": []}, "unknown key"),
    ],
)
def test_a_pattern_that_cannot_be_read_is_a_mistake(load: Load, said: Any, why: str) -> None:
    with pytest.raises(CatalogError) as raised:
        load(lambda whole: whole.update(differences=said))
    assert why in str(raised.value.mistakes[0])


def test_pods_are_restarted_unless_the_service_says_otherwise(load: Load) -> None:
    def keep(whole: dict[str, Any]) -> None:
        whole["services"]["tasks-service"]["on_config"] = "keep"

    catalog = load(keep)
    assert catalog.service("tasks-service").on_config is OnConfig.KEEP
    assert catalog.service("api-gateway").on_config is OnConfig.RESTART

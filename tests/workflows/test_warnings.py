"""Warnings of the cluster as lines: what says the same is said once."""

import pytest

from bot.domain.workload import Event
from bot.workflows.diagnosis import warnings


def warning(message: str, reason: str = "FailedCreate", count: int = 1) -> Event:
    return Event("ReplicaSet", "tasks-service-7d9f8", "u1", "Warning", reason, message, count)


def quota(suffix: str, what: str = "pods=3") -> str:
    return (
        f'Error creating: pods "tasks-service-7d9f8-{suffix}" is forbidden: exceeded quota: {what}'
    )


def test_the_same_refusal_of_three_pods_is_one_line_with_the_latest_name() -> None:
    events = [warning(quota("x2k9q")), warning(quota("bcdfg"), count=2), warning(quota("vwxz2"))]
    assert warnings(events) == (f"FailedCreate: {quota('vwxz2')} ×4",)


def test_refusals_for_different_reasons_stay_apart() -> None:
    events = [warning(quota("x2k9q")), warning(quota("bcdfg", "cpu=2"))]
    assert len(warnings(events)) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("10.244.0.5", "10.244.1.17"),
        ("10.244.0.5:8080", "10.244.0.6:8080"),
        ("[fd00::5]:8080", "[fd00::6]:8080"),
    ],
)
def test_a_probe_that_fails_at_two_addresses_is_one_line(one: str, other: str) -> None:
    said = 'Readiness probe failed: Get "http://{}/healthz": dial tcp {}: connect: refused'
    events = [warning(said.format(at, at), "Unhealthy") for at in (one, other)]
    assert warnings(events) == (f"Unhealthy: {said.format(other, other)} ×2",)


def test_versions_and_words_that_are_no_pod_names_stay_apart() -> None:
    images = [
        warning(f'Failed to pull image "r/app:{tag}"', "Failed") for tag in ("1.4.0", "1.4.1")
    ]
    assert len(warnings(images)) == 2
    names = [warning(f"configmap tasks-{name} not found", "Failed") for name in ("flags", "seeds")]
    assert len(warnings(names)) == 2

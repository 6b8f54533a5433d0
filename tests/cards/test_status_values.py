"""What `status` makes of a snapshot of the cluster."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain.rollout import Rollout, RolloutState
from bot.domain.status import Health, PodState, cell_of, foremost, status_of
from bot.domain.workload import Condition, Container, Deployment, Pod, ReplicaSet, Workload

THEN = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NOW = THEN + timedelta(days=3)
READY = (Condition("Ready", "True"),)
IMAGE = "registry.yourapp.com/dynamo/web:1.2.0@sha256:" + "a" * 64


def a_workload(*pods: Pod, **changes: Any) -> Workload:
    counts: dict[str, Any] = {"desired": 2, "replicas": 2, "updated": 2, "ready": 2, "available": 2}
    deployment = Deployment(
        **{
            **counts,
            "name": "web",
            "namespace": "dynamo-qa",
            "uid": "d",
            "revision": 2,
            "images": {"web": IMAGE},
            **changes,
        }
    )
    sets = (
        ReplicaSet("web-new", "n", "d", revision=2, created_at=THEN),
        ReplicaSet("web-old", "o", "d", revision=1, version="1.1.0"),
    )
    return Workload(deployment, sets, pods)


@pytest.mark.parametrize(
    ("changes", "health"),
    [
        ({}, Health.READY),
        ({"ready": 1}, Health.PARTIAL),
        ({"ready": 0}, Health.DOWN),
        ({"updated": 1}, Health.ROLLING),
        ({"replicas": 3}, Health.ROLLING),
        ({"paused": True}, Health.PAUSED),
        ({"paused": True, "updated": 1}, Health.PAUSED),
        ({"desired": 0, "replicas": 0, "updated": 0, "ready": 0}, Health.ZERO),
    ],
)
def test_health_is_what_the_counters_say(changes: dict[str, Any], health: Health) -> None:
    assert cell_of("qa", a_workload(**changes), container="web").health is health


def test_the_version_is_the_templates_own_or_the_images_tag() -> None:
    assert cell_of("qa", a_workload(), container="web").version == "1.2.0"
    assert cell_of("qa", a_workload(version="v9"), container="web").version == "v9"
    assert cell_of("qa", a_workload(), container="web").since == THEN


def test_what_was_never_deployed_is_absent() -> None:
    assert cell_of("qa", Workload(), container="web").health is Health.ABSENT


def test_a_rollout_of_ours_shows_where_it_goes(rollouts: dict[str, Rollout]) -> None:
    cell = cell_of("qa", a_workload(), container="web", rollout=rollouts["progressing"])
    assert (cell.health, cell.towards, cell.state) == (
        Health.ROLLING,
        "1.4.0",
        RolloutState.PROGRESSING,
    )
    queued = cell_of("qa", a_workload(), container="web", rollout=rollouts["queued"])
    assert (queued.health, queued.towards) == (Health.READY, "1.4.0")


def a_pod(name: str, *containers: Container, **more: Any) -> Pod:
    return Pod(**{"name": name, "uid": name, "owner_uid": "n", "containers": containers, **more})


@pytest.mark.parametrize(
    ("pod", "state", "word"),
    [
        (a_pod("a", conditions=READY), PodState.READY, ""),
        (a_pod("a", conditions=READY, deleting=True), PodState.ENDING, ""),
        (a_pod("a", phase="Failed", reason="Evicted"), PodState.FAILING, "Evicted"),
        (a_pod("a", phase="Succeeded"), PodState.FINISHED, ""),
        (
            a_pod("a", Container("web", waiting_reason="CrashLoopBackOff")),
            PodState.FAILING,
            "CrashLoopBackOff",
        ),
        (a_pod("a", Container("web", waiting_reason="ContainerCreating")), PodState.PENDING, ""),
        (a_pod("a", Container("web", running_since=THEN)), PodState.STARTING, ""),
        (
            a_pod("a", conditions=(Condition("PodScheduled", "False", "Unschedulable"),)),
            PodState.PENDING,
            "Unschedulable",
        ),
    ],
)
def test_a_pod_is_told_in_one_word(pod: Pod, state: PodState, word: str) -> None:
    (told,) = status_of("web", "qa", a_workload(pod), container="web").pods
    assert (told.state, told.word) == (state, word)


def test_pods_of_the_new_version_come_first() -> None:
    pods = (a_pod("b", owner_uid="o"), a_pod("c"))
    status = status_of("web", "qa", a_workload(*pods), container="web", warnings=("BackOff: x",))
    assert [pod.name for pod in status.pods] == ["c", "b"]
    assert status.pods[1].version == "1.1.0"
    assert status.digest == "sha256:" + "a" * 64
    assert status.warnings == ("BackOff: x",)


def test_a_request_that_waits_makes_nothing_busy_and_hides_nothing_that_is(make_rollout):
    waiting = make_rollout(id="w", state=RolloutState.AWAITING_APPROVAL)
    queued = make_rollout(id="q", state=RolloutState.QUEUED)
    driven = make_rollout(id="d", state=RolloutState.SOAKING)
    assert foremost([waiting, queued, driven]) == driven
    assert foremost([waiting, queued]) == queued
    assert foremost([waiting]) == waiting
    assert foremost([]) is None
    calm = cell_of("qa", a_workload(), container="web")
    assert cell_of("qa", a_workload(), container="web", rollout=waiting).health is calm.health
    assert cell_of("qa", a_workload(), container="web", rollout=driven).health is Health.ROLLING


def stuck_workload() -> Workload:
    """2.0.0 cannot be pulled; 1.1.0 serves as before."""
    failing = Container("web", waiting_reason="ImagePullBackOff")
    workload = a_workload(a_pod("new", failing), updated=1, replicas=3, ready=2)
    sets = (
        ReplicaSet("web-new", "n", "d", revision=2, version="2.0.0", desired=1, replicas=1),
        ReplicaSet("web-old", "o", "d", revision=1, version="1.1.0", desired=2, ready=2),
    )
    return replace(workload, replica_sets=sets)


def test_a_release_that_cannot_start_is_stuck_and_what_serves_is_the_one_before() -> None:
    cell = cell_of("qa", stuck_workload(), container="web")
    assert (cell.health, cell.version, cell.ready) == (Health.STUCK, "1.1.0", 2)
    assert cell.towards == "1.2.0"


def test_the_age_of_a_version_is_that_of_its_rollout_not_of_its_first_use() -> None:
    done = Condition("Progressing", "True", "NewReplicaSetAvailable", updated_at=NOW)
    assert cell_of("qa", a_workload(conditions=(done,)), container="web").since == NOW

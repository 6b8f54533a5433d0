"""The sandbox's control plane beside a real one: each recorded scenario is run again and compared.

What is compared: how the Deployment's conditions and counters change, what each new pod's container
goes through, and the warnings. Moments may differ by a little (a quarter of a second), those that a
real kubelet spreads at random by what it spreads (back-off jitter). States that were seen for less
than 45 ms are races between real controllers and are left out on both sides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest

Object = dict[str, Any]
Step = tuple[float, Any]
SCENARIOS = (
    "success",
    "first-deploy",
    "image-not-found",
    "invalid-image-name",
    "crash-loop",
    "out-of-memory",
    "readiness-never",
    "missing-configmap",
    "unschedulable",
    "slow-start",
    "scale-up",
    "scale-down",
    "paused",
    "unchanged",
)
COUNTERS = (
    "observedGeneration",
    "replicas",
    "updatedReplicas",
    "readyReplicas",
    "availableReplicas",
    "unavailableReplicas",
    "terminatingReplicas",
)
PROMPT, JITTER = 0.25, 2.6  # seconds
RACE = 0.045  # seconds
# One pod's first probe came a whole period late; one controller saw two steps as one.
WIDER = {"first-deploy": 1.1, "out-of-memory": 0.6}
# Later its three pods restart in an order that the back-off's jitter decides.
COMPARED_UNTIL = {"out-of-memory": 24.0}


def distinct(steps: Sequence[Step]) -> list[Step]:
    """Only the steps that differ from the one before."""
    kept: list[Step] = []
    for at, value in steps:
        if not kept or kept[-1][1] != value:
            kept.append((at, value))
    return kept


def lasting(steps: Sequence[Step]) -> list[Step]:
    """Without the steps that were over before anybody could look."""
    if not steps:
        return []
    ends = [*(at for at, _ in steps[1:]), float("inf")]
    kept = [step for step, end in zip(steps, ends, strict=True) if end - step[0] >= RACE]
    return distinct(kept)


def plain(recording: Any, text: str) -> str:
    """A message without the names that differ from run to run."""
    created = {
        each.object["metadata"]["name"]
        for each in recording.changes
        if each.kind == "ReplicaSet" and each.type == "ADDED" and each.at >= recording.changed_at
    }
    for name in created:
        text = text.replace(name, "NEW")
    text = re.sub(r"tasks-service-[a-z0-9]{6,10}(?=[\"\s-]|$)", "OLD", text)
    text = re.sub(r"(NEW|OLD)-[a-z0-9]{5}(?![a-z0-9])", r"\1-POD", text)
    text = re.sub(r"\b[0-9a-f]{64}\b", "ID", text)
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "UID", text)


def conditions(recording: Any) -> list[Step]:
    return distinct(
        [
            (
                each.at - recording.changed_at,
                sorted(
                    (c["type"], c["status"], c["reason"], plain(recording, c["message"]))
                    for c in each.object.get("status", {}).get("conditions", [])
                ),
            )
            for each in recording.of("Deployment")
        ]
    )


def counters(recording: Any) -> list[Step]:
    return lasting(
        distinct(
            [
                (
                    each.at - recording.changed_at,
                    tuple(each.object.get("status", {}).get(name, 0) for name in COUNTERS),
                )
                for each in recording.of("Deployment")
            ]
        )
    )


def containers(recording: Any, quick: float) -> dict[str, list[Step]]:
    """By pod of the new ReplicaSet, in the order of birth: what its container went through."""
    lives: dict[str, list[Step]] = {}
    for each in recording.of("Pod"):
        pod = each.object
        statuses = pod.get("status", {}).get("containerStatuses")
        name = plain(recording, pod["metadata"]["name"])
        if not statuses or not name.startswith("NEW"):
            continue
        state = _state(recording, statuses[0]["state"])
        last = _state(recording, statuses[0]["lastState"])
        seen = (pod["status"]["phase"], statuses[0]["ready"], statuses[0]["restartCount"])
        moment = each.at - recording.changed_at
        lives.setdefault(pod["metadata"]["name"], []).append((moment, (*seen, state, last)))
    return {name: _without_quick_probes(distinct(steps), quick) for name, steps in lives.items()}


def _without_quick_probes(steps: list[Step], within: float) -> list[Step]:
    """Whether the status was written between the start and a first probe that passed is chance."""
    kept = []
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        quick = following is not None and following[0] - step[0] < within
        if quick and following is not None and following[1] == (step[1][0], True, *step[1][2:]):
            continue
        kept.append(step)
    return kept


def _state(recording: Any, state: Object) -> tuple[Any, ...]:
    for kind, detail in state.items():
        message = plain(recording, detail.get("message", ""))
        return (kind, detail.get("reason"), detail.get("exitCode"), message)
    return ()


def warnings(recording: Any) -> set[tuple[str, str]]:
    return {
        (each.object["reason"], plain(recording, each.object["message"]))
        for each in recording.of("Event")
        if each.object["type"] == "Warning"
    }


def assert_same_course(real: Sequence[Step], ours: Sequence[Step], scenario: str) -> None:
    until = COMPARED_UNTIL.get(scenario, float("inf"))
    real = [step for step in real if step[0] < until]
    ours = [step for step in ours if step[0] < until]
    assert [value for _, value in ours] == [value for _, value in real]
    for (real_at, value), (our_at, _) in zip(real, ours, strict=True):
        tolerance = WIDER.get(scenario, PROMPT) if real_at < 4 else JITTER
        assert our_at == pytest.approx(real_at, abs=tolerance), value


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_conditions_change_as_on_a_real_cluster(
    scenario: str, recorded: Callable[[str], Any], replay: Callable[[str], Any]
) -> None:
    real, ours = recorded(scenario), replay(scenario)
    assert_same_course(conditions(real), conditions(ours), scenario)


RACY_COUNTERS = ("first-deploy", "out-of-memory")  # three pods become ready in any order


@pytest.mark.parametrize("scenario", [each for each in SCENARIOS if each not in RACY_COUNTERS])
def test_counters_change_as_on_a_real_cluster(
    scenario: str, recorded: Callable[[str], Any], replay: Callable[[str], Any]
) -> None:
    real, ours = recorded(scenario), replay(scenario)
    assert_same_course(counters(real), counters(ours), scenario)


@pytest.mark.parametrize("scenario", RACY_COUNTERS)
def test_the_same_counters_are_reached_where_pods_race(
    scenario: str, recorded: Callable[[str], Any], replay: Callable[[str], Any]
) -> None:
    real, ours = counters(recorded(scenario)), counters(replay(scenario))
    first = 0 if scenario == "first-deploy" else 9
    assert [value for _, value in ours][:first] == [value for _, value in real][:first]
    if scenario == "first-deploy":
        assert ours[-1][1] == real[-1][1]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_containers_live_and_die_as_on_a_real_cluster(
    scenario: str, recorded: Callable[[str], Any], replay: Callable[[str], Any]
) -> None:
    quick = WIDER.get(scenario, 0.06)
    real, ours = containers(recorded(scenario), quick), containers(replay(scenario), quick)
    assert len(ours) == len(real)
    for real_life, our_life in zip(real.values(), ours.values(), strict=True):
        both = min(len(real_life), len(our_life))
        assert both >= len(real_life) - 2  # the recording may end in the middle of a restart
        assert_same_course(real_life[:both], our_life[:both], scenario)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_warnings_say_what_a_real_cluster_says(
    scenario: str, recorded: Callable[[str], Any], replay: Callable[[str], Any]
) -> None:
    real, ours = warnings(recorded(scenario)), warnings(replay(scenario))
    assert ours == real


@pytest.mark.parametrize("scenario", ["success", "slow-start", "scale-down"])
def test_old_pods_are_killed_after_their_grace_period_and_vanish(
    scenario: str, recorded: Callable[[str], Any], replay: Callable[[str], Any]
) -> None:
    def ends(recording: Any) -> list[tuple[float, str, int]]:
        marked: dict[str, float] = {}
        found = []
        for each in recording.of("Pod"):
            pod = each.object
            name = pod["metadata"]["name"]
            if "deletionTimestamp" in pod["metadata"]:
                marked.setdefault(name, each.at)
            if each.type == "DELETED":
                ended = pod["status"]["containerStatuses"][0]["state"]["terminated"]
                life = each.at - marked[name]
                found.append((life, pod["status"]["phase"], ended["exitCode"]))
        return found

    real, ours = ends(recorded(scenario)), ends(replay(scenario))
    assert [each[1:] for each in ours] == [each[1:] for each in real]
    for (real_life, *_), (our_life, *_) in zip(real, ours, strict=True):
        assert our_life == pytest.approx(real_life, abs=0.8)  # gone with the next tick


@pytest.mark.parametrize("scenario", ["success", "crash-loop", "image-not-found"])
def test_replica_sets_carry_revision_sizes_and_owner(
    scenario: str, recorded: Callable[[str], Any], replay: Callable[[str], Any]
) -> None:
    def last(recording: Any) -> list[Any]:
        final = {
            each.object["metadata"]["name"]: each.object for each in recording.of("ReplicaSet")
        }
        return [
            (
                each["metadata"]["annotations"],
                each["spec"]["replicas"],
                each["status"],
                sorted(each["metadata"]["labels"]),
                each["metadata"]["ownerReferences"][0]["kind"],
            )
            for _, each in sorted(
                final.items(),
                key=lambda item: item[1]["metadata"]["annotations"][
                    "deployment.kubernetes.io/revision"
                ],
            )
        ]

    assert last(replay(scenario)) == last(recorded(scenario))


@pytest.mark.parametrize("scenario", ["success", "out-of-memory", "crash-loop", "image-not-found"])
def test_objects_have_the_fields_of_real_ones(
    scenario: str, recorded: Callable[[str], Any], replay: Callable[[str], Any]
) -> None:
    def fields(value: Any, path: str = "") -> set[str]:
        if isinstance(value, dict):
            inner = [fields(item, f"{path}.{key}") for key, item in value.items()]
            return {path}.union(*inner) if inner else {path}
        if isinstance(value, list):
            return {path}.union(*(fields(item, f"{path}[]") for item in value))
        return {path}

    def of(recording: Any, kind: str) -> set[str]:
        # A real pod's cgroup limit shows in its status later on; volumes carry a cluster's extra.
        left_out = (".status.resources", ".spec.volumes")
        return {
            path
            for each in recording.of(kind)
            if each.type != "DELETED"
            for path in fields(each.object)
            if not path.startswith(left_out)
        }

    real, ours = recorded(scenario), replay(scenario)
    for kind in ("Deployment", "ReplicaSet", "Pod", "Event"):
        assert of(ours, kind) == of(real, kind), kind

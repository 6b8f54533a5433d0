"""What a Deployment's status says, computed from its ReplicaSets.

Pure: the time is passed in. Follows pkg/controller/deployment (sync.go, progress.go). A condition
that keeps its status and reason is not touched; one that changes moves to the end of the list.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.sandbox.kubernetes.api_objects import condition_of, instant, without_zeros
from bot.sandbox.kubernetes.rolling import bounds_of, wished_pods, wished_replicas

Object = dict[str, Any]
COMPLETE = "NewReplicaSetAvailable"
TIMED_OUT = "ProgressDeadlineExceeded"
_NO_DEADLINE = 2**31 - 1


def deadline_of(deployment: Object) -> int | None:
    """progressDeadlineSeconds; None when there is none (the largest int32 means that too)."""
    seconds = deployment["spec"].get("progressDeadlineSeconds")
    return None if seconds is None or seconds == _NO_DEADLINE else int(seconds)


def condition(kind: str, status: str, reason: str, message: str, now: str) -> Object:
    return {
        "type": kind,
        "status": status,
        "lastUpdateTime": now,
        "lastTransitionTime": now,
        "reason": reason,
        "message": message,
    }


def set_condition(conditions: Sequence[Object], new: Object) -> list[Object]:
    """SetDeploymentCondition: nothing happens when status and reason stay the same."""
    present = next((each for each in conditions if each["type"] == new["type"]), None)
    if present is not None:
        if (present["status"], present.get("reason")) == (new["status"], new.get("reason")):
            return [*conditions]
        if present["status"] == new["status"]:
            new = {**new, "lastTransitionTime": present["lastTransitionTime"]}
    return [*(each for each in conditions if each["type"] != new["type"]), new]


def computed_status(
    deployment: Object, every: Sequence[Object], new: Object | None, now: str
) -> Object:
    """Counters and the Available condition; the other conditions stay (calculateStatus)."""
    bounds = bounds_of(deployment)
    available = _total(every, "availableReplicas")
    counts = {
        "observedGeneration": int(deployment["metadata"].get("generation", 0)),
        "replicas": _total(every, "replicas"),
        "updatedReplicas": _total([new] if new else [], "replicas"),
        "readyReplicas": _total(every, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, wished_pods(every) - available),
        "terminatingReplicas": _total(every, "terminatingReplicas"),
    }
    old = deployment.get("status", {})
    status: Object = dict(without_zeros(counts, keep=("terminatingReplicas",)))
    if old.get("collisionCount"):
        status["collisionCount"] = old["collisionCount"]
    if available >= bounds.fewest_available:
        availability = condition(
            "Available",
            "True",
            "MinimumReplicasAvailable",
            "Deployment has minimum availability.",
            now,
        )
    else:
        availability = condition(
            "Available",
            "False",
            "MinimumReplicasUnavailable",
            "Deployment does not have minimum availability.",
            now,
        )
    status["conditions"] = set_condition(old.get("conditions") or [], availability)
    return status


def _total(replica_sets: Sequence[Object], counter: str) -> int:
    return sum(int(each.get("status", {}).get(counter, 0)) for each in replica_sets)


def is_complete(deployment: Object, status: Object) -> bool:
    wished = wished_replicas(deployment)
    counters = ("updatedReplicas", "replicas", "availableReplicas")
    generation = int(deployment["metadata"].get("generation", 0))
    return all(int(status.get(each, 0)) == wished for each in counters) and (
        int(status.get("observedGeneration", 0)) >= generation
    )


def has_progressed(before: Object, after: Object) -> bool:
    """More new pods, fewer old ones, more ready or more available ones."""

    def of(status: Object, counter: str) -> int:
        return int(status.get(counter, 0))

    def old_pods(status: Object) -> int:
        return of(status, "replicas") - of(status, "updatedReplicas")

    return (
        of(after, "updatedReplicas") > of(before, "updatedReplicas")
        or old_pods(after) < old_pods(before)
        or of(after, "readyReplicas") > of(before, "readyReplicas")
        or of(after, "availableReplicas") > of(before, "availableReplicas")
    )


def has_timed_out(deployment: Object, status: Object, now: datetime) -> bool:
    deadline = deadline_of(deployment)
    progressing = condition_of(status, "Progressing")
    if deadline is None or progressing is None or progressing.get("reason") == COMPLETE:
        return False
    if progressing.get("reason") == TIMED_OUT:
        return True
    return instant(progressing["lastUpdateTime"]) + timedelta(seconds=deadline) < now


def rollout_status(
    deployment: Object,
    every: Sequence[Object],
    new: Object | None,
    now: datetime,
    stamp: str,
) -> Object:
    """The status during a rollout, with Progressing and ReplicaFailure (syncRolloutStatus)."""
    status = computed_status(deployment, every, new, stamp)
    status["conditions"] = _with_progress(deployment, status, new, now, stamp)
    failure = _failure(every, new)
    if failure is None:
        status["conditions"] = _without(status["conditions"], "ReplicaFailure")
    else:
        status["conditions"] = set_condition(status["conditions"], failure)
    return status


def _with_progress(
    deployment: Object, status: Object, new: Object | None, now: datetime, stamp: str
) -> list[Object]:
    conditions: list[Object] = status["conditions"]
    if deadline_of(deployment) is None:
        return _without(conditions, "Progressing")
    before = deployment.get("status", {})
    current = condition_of(before, "Progressing")
    all_new = int(status.get("replicas", 0)) == int(status.get("updatedReplicas", 0))
    if all_new and current is not None and current.get("reason") == COMPLETE:
        return conditions
    what = (
        f'ReplicaSet "{new["metadata"]["name"]}"'
        if new is not None
        else f'Deployment "{deployment["metadata"]["name"]}"'
    )
    if is_complete(deployment, status):
        message = f"{what} has successfully progressed."
        return set_condition(conditions, condition("Progressing", "True", COMPLETE, message, stamp))
    if has_progressed(before, status):
        message = f"{what} is progressing."
        progress = condition("Progressing", "True", "ReplicaSetUpdated", message, stamp)
        if current is not None and current["status"] == "True":
            progress["lastTransitionTime"] = current["lastTransitionTime"]
        return [*_without(conditions, "Progressing"), progress]
    if has_timed_out(deployment, status, now):
        message = f"{what} has timed out progressing."
        return set_condition(
            conditions, condition("Progressing", "False", TIMED_OUT, message, stamp)
        )
    return conditions


def _failure(every: Sequence[Object], new: Object | None) -> Object | None:
    """The new ReplicaSet's ReplicaFailure, or another's."""
    for each in [*([new] if new else []), *every]:
        found = condition_of(each.get("status", {}), "ReplicaFailure")
        if found is not None:
            return {
                "type": "ReplicaFailure",
                "status": found["status"],
                "lastUpdateTime": found["lastTransitionTime"],
                "lastTransitionTime": found["lastTransitionTime"],
                "reason": found["reason"],
                "message": found["message"],
            }
    return None


def _without(conditions: Sequence[Object], kind: str) -> list[Object]:
    return [each for each in conditions if each["type"] != kind]

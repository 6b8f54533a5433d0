"""The arithmetic of a rolling update: how many pods each ReplicaSet may have next.

Pure. Follows pkg/controller/deployment (rolling.go, util/deployment_util.go): surge rounds up,
unavailability rounds down, and both at zero would never move, so one may be unavailable then.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.sandbox.kubernetes.api_objects import annotations_of, scaled

Object = dict[str, Any]
REVISION = "deployment.kubernetes.io/revision"
REVISION_HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far a rollout may leave the wished number of pods, up and down."""

    wished: int
    surge: int
    unavailable: int

    @property
    def most(self) -> int:
        return self.wished + self.surge

    @property
    def fewest_available(self) -> int:
        return self.wished - self.unavailable


def wished_replicas(deployment: Object) -> int:
    replicas = deployment["spec"].get("replicas")
    return 1 if replicas is None else int(replicas)


def is_recreate(deployment: Object) -> bool:
    return bool((deployment["spec"].get("strategy") or {}).get("type") == "Recreate")


def bounds_of(deployment: Object) -> Bounds:
    """MaxSurge and MaxUnavailable with their fenceposts; none for Recreate or for no pods."""
    wished = wished_replicas(deployment)
    if is_recreate(deployment):
        return Bounds(wished, 0, 0)
    rolling = (deployment["spec"].get("strategy") or {}).get("rollingUpdate") or {}
    surge = scaled(rolling.get("maxSurge", "25%"), wished, round_up=True)
    unavailable = scaled(rolling.get("maxUnavailable", "25%"), wished, round_up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return Bounds(wished, surge, min(unavailable, wished))


def replicas_of(replica_set: Object) -> int:
    replicas = replica_set["spec"].get("replicas")
    return 1 if replicas is None else int(replicas)


def available_of(replica_set: Object) -> int:
    return int(replica_set.get("status", {}).get("availableReplicas", 0))


def wished_pods(replica_sets: Sequence[Object]) -> int:
    return sum(replicas_of(each) for each in replica_sets)


def new_replicas(deployment: Object, every: Sequence[Object], own: int) -> int:
    """The next size of the new ReplicaSet that has `own` now (NewRSNewReplicas)."""
    bounds = bounds_of(deployment)
    if is_recreate(deployment):
        return bounds.wished
    room = bounds.most - wished_pods(every)
    if room <= 0:
        return own
    return own + min(room, bounds.wished - own)


def scale_downs(deployment: Object, old: Sequence[Object], new: Object) -> list[tuple[Object, int]]:
    """The old ReplicaSets' next sizes: broken pods go first, then what availability allows."""
    bounds = bounds_of(deployment)
    new_unavailable = replicas_of(new) - available_of(new)
    most = wished_pods(old) + replicas_of(new) - bounds.fewest_available - new_unavailable
    if most <= 0:
        return []
    sizes = {each["metadata"]["name"]: replicas_of(each) for each in old}
    oldest_first = sorted(old, key=lambda each: each["metadata"]["creationTimestamp"])
    gone = 0
    for each in oldest_first:
        broken = sizes[each["metadata"]["name"]] - available_of(each)
        if gone < most and broken > 0:
            removed = min(most - gone, broken)
            sizes[each["metadata"]["name"]] -= removed
            gone += removed
    spare = sum(available_of(each) for each in [*old, new]) - bounds.fewest_available
    for each in oldest_first:
        if spare <= 0:
            break
        removed = min(sizes[each["metadata"]["name"]], spare)
        sizes[each["metadata"]["name"]] -= removed
        spare -= removed
    return [
        (each, sizes[each["metadata"]["name"]])
        for each in oldest_first
        if sizes[each["metadata"]["name"]] != replicas_of(each)
    ]


def proportional_sizes(deployment: Object, active: Sequence[Object]) -> list[tuple[Object, int]]:
    """Sizes after the wished number changed in the middle of a rollout: each gets its share, the
    largest what is left over (scale() in sync.go)."""
    bounds = bounds_of(deployment)
    allowed = bounds.most if bounds.wished > 0 else 0
    to_add = allowed - wished_pods(active)
    ordered = _by_size(active, newest_first=to_add > 0)
    sizes: list[int] = []
    added = 0
    for each in ordered:
        share = _share(deployment, each, to_add, added) if to_add else 0
        sizes.append(replicas_of(each) + share)
        added += share
    if to_add and sizes:
        sizes[0] = max(0, sizes[0] + to_add - added)
    return [*zip(ordered, sizes, strict=True)]


def _by_size(active: Sequence[Object], *, newest_first: bool) -> list[Object]:
    by_age = sorted(
        active, key=lambda each: each["metadata"]["creationTimestamp"], reverse=newest_first
    )
    return sorted(by_age, key=replicas_of, reverse=True)


def _share(deployment: Object, replica_set: Object, to_add: int, added: int) -> int:
    own = replicas_of(replica_set)
    if own == 0 or to_add == added:
        return 0
    fraction = _fraction(deployment, replica_set)
    allowed = to_add - added
    return min(fraction, allowed) if to_add > 0 else max(fraction, allowed)


def _fraction(deployment: Object, replica_set: Object) -> int:
    own = replicas_of(replica_set)
    bounds = bounds_of(deployment)
    if bounds.wished == 0:
        return -own
    before = int(annotations_of(replica_set).get(MAXIMUM) or 0)
    before = before or int(deployment.get("status", {}).get("replicas", 0))
    if before == 0:
        return 0
    size = own * bounds.most / before
    return math.floor(size + 0.5) - own

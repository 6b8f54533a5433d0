"""The arithmetic of rolling updates: rounding, fenceposts, who goes first, shares of a scaling."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.kubernetes import rolling

Object = dict[str, Any]


def a_deployment(replicas: int, surge: Any = "25%", unavailable: Any = "25%") -> Object:
    bounds = {"maxSurge": surge, "maxUnavailable": unavailable}
    return {
        "metadata": {"name": "d"},
        "spec": {
            "replicas": replicas,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": bounds},
        },
        "status": {"replicas": replicas},
    }


def a_replica_set(
    name: str, replicas: int, available: int | None = None, born: int = 0, most: int = 0
) -> Object:
    return {
        "metadata": {
            "name": name,
            "creationTimestamp": f"2026-11-24T00:00:{born:02d}Z",
            "annotations": {rolling.MAXIMUM: str(most)} if most else {},
        },
        "spec": {"replicas": replicas},
        "status": {"availableReplicas": replicas if available is None else available},
    }


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "expected"),
    [
        (3, "25%", "25%", (1, 0)),  # surge rounds up, unavailability down
        (4, "25%", "25%", (1, 1)),
        (10, "25%", "25%", (3, 2)),
        (1, "25%", "25%", (1, 0)),
        (5, 2, 1, (2, 1)),
        (5, 0, 0, (0, 1)),  # both zero would never move
        (5, "0%", "10%", (0, 1)),  # 10 % of 5 rounds down to 0, and then nothing would move
        (2, 0, 7, (0, 2)),  # not more than there are
        (0, "25%", "25%", (0, 0)),
    ],
)
def test_surge_rounds_up_and_unavailability_down(
    replicas: int, surge: Any, unavailable: Any, expected: tuple[int, int]
) -> None:
    bounds = rolling.bounds_of(a_deployment(replicas, surge, unavailable))
    if replicas == 0:
        assert bounds.most == 0
        return
    assert (bounds.surge, bounds.unavailable) == expected


def test_the_new_replica_set_grows_only_into_the_room_that_surge_leaves() -> None:
    deployment = a_deployment(4, surge=1, unavailable=0)
    assert rolling.new_replicas(deployment, [a_replica_set("old", 4)], 0) == 1
    both = [a_replica_set("old", 4), a_replica_set("new", 1)]
    assert rolling.new_replicas(deployment, both, 1) == 1
    assert rolling.new_replicas(deployment, [a_replica_set("old", 1)], 3) == 4


def test_broken_old_pods_go_first_and_free_of_charge() -> None:
    deployment = a_deployment(4, surge=1, unavailable=0)
    old = a_replica_set("old", 4, available=2)
    new = a_replica_set("new", 1, available=1)
    sizes = {
        rs["metadata"]["name"]: size for rs, size in rolling.scale_downs(deployment, [old], new)
    }
    assert sizes == {"old": 3}  # 5 pods, 4 must stay; the one that goes is a broken one


def test_no_old_pod_goes_while_the_new_one_is_not_available() -> None:
    deployment = a_deployment(3, surge=1, unavailable=0)
    new = a_replica_set("new", 1, available=0)
    assert rolling.scale_downs(deployment, [a_replica_set("old", 3)], new) == []


def test_the_oldest_replica_set_shrinks_first() -> None:
    deployment = a_deployment(4, surge=2, unavailable=1)
    oldest, older = a_replica_set("a", 2, born=1), a_replica_set("b", 2, born=2)
    new = a_replica_set("new", 2, born=3)
    downs = rolling.scale_downs(deployment, [older, oldest], new)
    assert [(rs["metadata"]["name"], size) for rs, size in downs] == [("a", 0), ("b", 1)]


def test_scaling_in_the_middle_of_a_rollout_is_shared_by_size() -> None:
    deployment = a_deployment(20, surge=5, unavailable=0)
    old = a_replica_set("old", 8, born=1, most=15)
    new = a_replica_set("new", 7, born=2, most=15)
    sizes = {
        rs["metadata"]["name"]: size
        for rs, size in rolling.proportional_sizes(deployment, [old, new])
    }
    assert sizes == {"old": 13, "new": 12}
    assert sum(sizes.values()) == 25


def test_what_shares_leave_over_goes_to_the_newest_of_the_largest() -> None:
    deployment = a_deployment(11, surge=1, unavailable=0)
    old, new = a_replica_set("old", 5, born=1, most=11), a_replica_set("new", 5, born=2, most=11)
    sizes = rolling.proportional_sizes(deployment, [old, new])
    assert [(rs["metadata"]["name"], size) for rs, size in sizes] == [("new", 7), ("old", 5)]


def test_scaling_to_zero_empties_every_replica_set() -> None:
    deployment = a_deployment(0)
    sets = [a_replica_set("old", 2, most=4), a_replica_set("new", 2, born=1, most=4)]
    assert {size for _, size in rolling.proportional_sizes(deployment, sets)} == {0}

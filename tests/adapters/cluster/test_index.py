"""The index by owner, fed with whatever order events come in."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.kubernetes_index import Index

Object = dict[str, Any]


def thing(uid: str, version: int, *, name: str = "", owner: str = "", **fields: Any) -> Object:
    meta: Object = {"name": name or uid, "uid": uid, "resourceVersion": str(version)}
    if owner:
        meta["ownerReferences"] = [{"uid": owner, "controller": True}]
    return {"metadata": meta, **fields}


def filled() -> Index:
    """A Deployment `tasks`, its ReplicaSet `r1`, their pod `p1`."""
    index = Index()
    index.deployments.replace([thing("d1", 1, name="tasks")])
    index.replica_sets.replace([thing("r1", 2, owner="d1")])
    index.pods.replace([thing("p1", 3, owner="r1", status={"phase": "Pending"})])
    index.changed()
    return index


def phases(index: Index) -> dict[str, str]:
    return {pod.name: pod.phase for pod in index.workload("tasks").pods}


def test_nothing_is_complete_before_all_three_kinds_are_listed() -> None:
    index = Index()
    index.deployments.replace([])
    index.replica_sets.replace([])
    assert not index.filled
    index.pods.replace([])
    assert index.filled


def test_a_pods_change_is_its_deployments_change() -> None:
    index = filled()
    index.pods.put(thing("p1", 9, owner="r1", status={"phase": "Running"}))
    assert index.changed() == {"tasks"}
    assert phases(index) == {"p1": "Running"}
    assert index.changed() == set()


def test_a_change_that_nobody_reads_is_no_change() -> None:
    index = filled()
    index.pods.put(thing("p1", 9, owner="r1", status={"phase": "Pending"}))
    assert index.changed() == set()


def test_pods_that_come_before_their_replica_set_are_found_when_it_comes() -> None:
    index = filled()
    index.pods.put(thing("p2", 10, owner="r2", status={"phase": "Pending"}))
    assert index.changed() == set()
    index.replica_sets.put(thing("r2", 11, owner="d1"))
    assert index.changed() == {"tasks"}
    assert phases(index) == {"p1": "Pending", "p2": "Pending"}


def test_a_deployment_that_was_made_anew_owns_nothing_of_the_old() -> None:
    index = filled()
    index.deployments.put(thing("d2", 20, name="tasks"))
    index.deployments.remove(thing("d1", 21, name="tasks"))
    assert index.changed() == {"tasks"}
    assert index.workload("tasks").deployment is not None
    assert index.workload("tasks").replica_sets == ()


def test_a_deleted_deployment_leaves_an_empty_workload() -> None:
    index = filled()
    index.deployments.remove(thing("d1", 30, name="tasks"))
    assert index.changed() == {"tasks"}
    assert index.workload("tasks").deployment is None
    assert index.names() == []


def test_a_replica_set_that_is_adopted_changes_its_home() -> None:
    index = filled()
    index.replica_sets.put(thing("r9", 10))
    index.changed()
    index.replica_sets.put(thing("r9", 11, owner="d1"))
    assert index.changed() == {"tasks"}
    assert [r.name for r in index.workload("tasks").replica_sets] == ["r1", "r9"]
    index.replica_sets.put(thing("r9", 12))
    assert index.changed() == {"tasks"}
    assert [r.name for r in index.workload("tasks").replica_sets] == ["r1"]


def test_items_of_a_list_that_are_no_objects_count_for_nothing() -> None:
    index = filled()
    odd: list[Any] = [7, None, {}, {"metadata": 7}, {"metadata": {"uid": 7}}]
    index.pods.replace([*odd, thing("p1", 3, owner="r1", status={"phase": "Pending"})])
    assert index.changed() == set()
    assert phases(index) == {"p1": "Pending"}


def test_raw_objects_are_not_kept() -> None:
    index = filled()
    assert index.pods.waiting == 0


def line(raw: Object) -> bytes:
    return json.dumps({"type": "MODIFIED", "object": raw}).encode()


def test_of_many_lines_about_one_object_the_newest_counts() -> None:
    index = filled()
    for version in (10, 14, 12):
        raw = thing("p1", version, owner="r1", status={"phase": f"v{version}"})
        index.pods.put_line("p1", version, line(raw))
    assert index.pods.waiting == 1
    assert index.changed() == {"tasks"}
    assert phases(index) == {"p1": "v14"}


def test_a_line_that_cannot_be_read_is_noticed_and_changes_nothing() -> None:
    index = filled()
    index.pods.put_line("p1", 10, b'{"type":"MODIFIED","object":{')
    assert index.changed() == set()
    assert index.pods.unreadable
    assert phases(index) == {"p1": "Pending"}


Events = st.lists(
    st.tuples(
        st.sampled_from(["p1", "p2", "p3"]),
        st.integers(min_value=10, max_value=40),
        st.sampled_from(["put", "put", "put", "remove"]),
    ),
    max_size=30,
)


@given(events=Events, dice=st.randoms(use_true_random=False))
def test_any_order_and_any_repetition_ends_in_the_same_picture(
    events: list[tuple[str, int, str]], dice: Any
) -> None:
    """An object's end is the newest version that was seen of it, or gone if it was ever deleted."""
    shuffled = events + events[: len(events) // 2]
    dice.shuffle(shuffled)
    pictures = []
    for order in (sorted(events, key=lambda event: event[1]), shuffled):
        index = filled()
        for uid, version, what in order:
            raw = thing(uid, version, owner="r1", status={"phase": f"v{version}"})
            if what == "put":
                index.pods.put(raw)
            else:
                index.pods.remove(raw)
            if dice.random() < 0.3:
                index.changed()
        index.changed()
        pictures.append(phases(index))
    assert pictures[0] == pictures[1]
    newest = {"p1": 3} | {}
    for uid, version, what in events:
        if what == "put":
            newest[uid] = max(newest.get(uid, 0), version)
    for uid in {uid for uid, _, what in events if what == "remove"}:
        newest.pop(uid, None)
    assert pictures[0].keys() == newest.keys()

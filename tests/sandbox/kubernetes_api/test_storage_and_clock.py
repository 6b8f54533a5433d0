"""The store and the clock that controllers build upon."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import orjson
import pytest

from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes.registry import track_fields
from bot.sandbox.kubernetes.storage import Storage
from bot.sandbox.kubernetes.stored import AlreadyExists, Conflict, NotFound


@pytest.fixture
def storage() -> Storage:
    return Storage(Clock(manual=True))


def pod(**spec: Any) -> Any:
    return {"metadata": {"name": "p", "namespace": "qa"}, "spec": spec, "status": {}}


def test_nothing_is_shared_with_the_caller(storage: Storage) -> None:
    given = pod(nodeName="n", containers=[{"name": "a"}])
    made = storage.create("pods", given)
    given["spec"]["containers"][0]["name"] = "changed"
    made["spec"]["containers"][0]["name"] = "changed"
    read = storage.get("pods", "qa", "p")
    assert read is not None
    assert read["spec"]["containers"] == [{"name": "a"}]
    status = {"conditions": [{"type": "Ready"}]}
    changed = storage.update_status("pods", "qa", "p", lambda obj: obj.update(status=status)).copy()
    status["conditions"].clear()
    changed["spec"].clear()
    changed["metadata"].clear()
    read = storage.get("pods", "qa", "p")
    assert read is not None
    assert read["status"] == {"conditions": [{"type": "Ready"}]}
    assert read["spec"]["nodeName"] == "n"
    updated = storage.update("pods", read)
    updated["spec"]["nodeName"] = "elsewhere"
    assert storage.list("pods")[0]["spec"]["nodeName"] == "n"
    listed = storage.list("pods")[0]
    listed["spec"].clear()
    assert storage.list("pods")[0]["spec"]


def test_only_changes_bump_the_version_and_only_the_spec_the_generation(storage: Storage) -> None:
    made = storage.create("pods", pod())
    assert storage.update("pods", made)["metadata"] == made["metadata"]
    again = storage.update_status("pods", "qa", "p", lambda obj: None)
    assert again.view["metadata"] == made["metadata"]
    running = {"phase": "R"}
    moved = storage.update_status("pods", "qa", "p", lambda obj: obj.update(status=running)).copy()
    assert int(moved["metadata"]["resourceVersion"]) == int(made["metadata"]["resourceVersion"]) + 1
    assert moved["metadata"]["generation"] == 1
    moved["spec"]["nodeName"] = "n"
    assert storage.update("pods", moved)["metadata"]["generation"] == 2


def test_a_status_write_reaches_neither_spec_nor_labels(storage: Storage) -> None:
    storage.create("pods", pod(nodeName="n"))

    def everything(obj: Any) -> None:
        obj["spec"] = {"nodeName": "x"}
        obj["metadata"]["labels"] = {"a": "b"}
        obj["metadata"]["annotations"] = {"note": "kept"}
        obj["status"] = {"phase": "Running"}

    made = storage.update_status("pods", "qa", "p", everything).copy()
    assert made["spec"] == {"nodeName": "n"}
    assert "labels" not in made["metadata"]
    assert made["metadata"]["annotations"] == {"note": "kept"}


def test_an_older_version_stays_as_it_was_after_a_status_write(storage: Storage) -> None:
    storage.field_tracker = lambda resource, old, new, manager, subresource: track_fields(
        resource, old, new, manager, subresource, now=new["status"]["startTime"]
    )
    first = {"startTime": "2026-11-24T10:00:00Z"}
    storage.create("pods", {**pod(nodeName="n"), "apiVersion": "v1", "kind": "Pod"})
    write = partial(storage.update_status, "pods", "qa", "p", manager="kubelet")
    before = write(lambda obj: obj.update(status=first))
    seen, shown = before.copy(), before.view

    def later(obj: Any) -> None:
        obj["status"]["startTime"] = "2026-11-24T10:00:09Z"

    after = write(later)
    assert before.copy() == shown == seen
    assert after.view == after.copy()
    entries = [each.view["metadata"]["managedFields"] for each in (before, after)]
    assert [[entry["time"] for entry in each] for each in entries] == [
        ["2026-11-24T10:00:00Z"],
        ["2026-11-24T10:00:09Z"],
    ]
    assert orjson.loads(after.body) == {
        word: item for word, item in after.view.items() if word not in ("kind", "apiVersion")
    }


def test_what_onlookers_see_after_a_status_write_is_what_is_stored(storage: Storage) -> None:
    storage.create("pods", pod(nodeName="n", containers=[{"name": "a"}]))
    status: dict[str, Any] = {"phase": "Running", "conditions": [{"type": "Ready"}]}

    def change(obj: Any) -> None:
        obj["status"] = status
        obj["metadata"]["annotations"] = {"note": "1"}

    seen: list[Any] = []
    storage.subscribe("pods", lambda event: seen.append(event.stored.view))
    returned = storage.update_status("pods", "qa", "p", change).copy()
    status["conditions"].clear()
    returned["spec"]["nodeName"] = "elsewhere"
    returned["metadata"]["annotations"].clear()
    assert seen == [storage.get("pods", "qa", "p")] == [*storage.views("pods")]
    assert seen[0]["status"]["conditions"] == [{"type": "Ready"}]
    assert seen[0]["spec"]["nodeName"] == "n"
    assert seen[0]["metadata"]["annotations"] == {"note": "1"}


def test_annotations_bump_a_deployments_generation_through_update_alone(storage: Storage) -> None:
    made = storage.create("deployments.apps", {"metadata": {"name": "d", "namespace": "qa"}})

    def note(obj: Any) -> None:
        obj["metadata"]["annotations"] = {"revision": "1"}

    noted = storage.update_status("deployments.apps", "qa", "d", note).copy()
    assert noted["metadata"]["generation"] == made["metadata"]["generation"]
    noted["metadata"]["annotations"] = {"revision": "2"}
    assert storage.update("deployments.apps", noted)["metadata"]["generation"] == 2


def test_refusals(storage: Storage) -> None:
    made = storage.create("pods", pod())
    with pytest.raises(AlreadyExists, match='pods "p" already exists'):
        storage.create("pods", pod())
    storage.update("pods", {**made, "spec": {"nodeName": "n"}})
    with pytest.raises(Conflict, match="the object has been modified"):
        storage.update("pods", made, expect=made["metadata"]["resourceVersion"])
    with pytest.raises(NotFound):
        storage.update("pods", {"metadata": {"name": "other", "namespace": "qa"}})


def test_an_object_under_deletion_goes_with_its_last_finalizer(storage: Storage) -> None:
    made = storage.create("pods", pod())
    made["metadata"].update(deletionTimestamp="2026-11-24T00:00:00Z", finalizers=["a", "b"])
    made = storage.update("pods", made)
    seen: list[str] = []
    storage.subscribe("pods", lambda event: seen.append(event.type))
    made["metadata"]["finalizers"] = ["b"]
    made = storage.update("pods", made)
    made["metadata"]["finalizers"] = []
    storage.update("pods", made)
    assert seen == ["MODIFIED", "DELETED"]
    assert storage.get("pods", "qa", "p") is None


def test_subscribers_hear_each_change_with_what_was_before(storage: Storage) -> None:
    seen: list[tuple[str, Any, Any]] = []
    stop = storage.subscribe(
        "pods",
        lambda event: seen.append(
            (
                event.type,
                event.previous and event.previous.view["spec"],
                event.object["spec"],
            )
        ),
    )
    made = storage.create("pods", pod())
    storage.update("pods", {**made, "spec": {"nodeName": "n"}})
    storage.delete("pods", "qa", "p")
    stop()
    storage.create("pods", pod())
    assert seen == [
        ("ADDED", None, {}),
        ("MODIFIED", {}, {"nodeName": "n"}),
        ("DELETED", {"nodeName": "n"}, {"nodeName": "n"}),
    ]


def test_history_forgets_the_oldest(storage: Storage) -> None:
    small = Storage(storage.clock, history=3)
    start = small.revision
    for number in range(5):
        small.create("pods", {"metadata": {"name": f"p{number}", "namespace": "qa"}})
    assert small.events_since("pods", start) is None
    kept = small.events_since("pods", start + 2)
    assert kept is not None
    assert [event.revision for event in kept] == [start + 3, start + 4, start + 5]
    assert small.events_since("services", start + 2) == []


def test_timers_run_in_the_order_of_their_time_at_their_time() -> None:
    clock = Clock(manual=True)
    seen: list[tuple[str, float]] = []

    def first() -> None:
        seen.append(("first", clock.monotonic()))
        clock.call_later(0.5, lambda: seen.append(("chained", clock.monotonic())))

    clock.call_later(2, lambda: seen.append(("last", clock.monotonic())))
    clock.call_later(1, first)
    cancelled = clock.call_later(1.2, lambda: seen.append(("never", 0)))
    cancelled.cancel()
    clock.advance(1.9)
    assert seen == [("first", 1.0), ("chained", 1.5)]
    clock.advance(5)
    assert seen[-1] == ("last", 2.0)
    assert clock.monotonic() == pytest.approx(6.9)
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(-1)


async def test_sleepers_wake_in_turn_while_time_passes() -> None:
    clock = Clock(manual=True)
    seen: list[float] = []

    async def sleeper() -> None:
        for _ in range(3):
            await clock.sleep(2)
            seen.append(clock.monotonic())

    task = asyncio.create_task(sleeper())
    await clock.pass_time(7)
    await task
    assert seen == [2.0, 4.0, 6.0]


async def test_a_fast_clock_really_is_fast_and_can_be_moved_on() -> None:
    clock = Clock(speed=1000)
    start = clock.now()
    async with asyncio.timeout(60):
        await clock.sleep(100)
    assert (clock.now() - start).total_seconds() >= 100
    done = asyncio.Event()
    clock.call_later(3600, done.set)
    clock.advance(3600)
    assert done.is_set()


async def test_a_cancelled_sleep_leaves_no_timer() -> None:
    clock = Clock(manual=True)
    task = asyncio.create_task(clock.sleep(5))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    clock.advance(10)


def test_a_clock_that_stands_or_runs_back_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        Clock(speed=0)


async def test_a_clock_that_changes_its_pace_goes_on_from_where_it_stands() -> None:
    clock = Clock(speed=1e-6)
    clock.advance(100)
    rang = asyncio.Event()
    clock.call_later(50, rang.set)
    clock.pace(1e6)
    await asyncio.wait_for(rang.wait(), 30)
    assert clock.monotonic() >= 150
    clock.pace(1e-6)
    stands = clock.monotonic()
    assert stands <= clock.monotonic() < stands + 1
    with pytest.raises(ValueError, match="above 0"):
        clock.pace(0)

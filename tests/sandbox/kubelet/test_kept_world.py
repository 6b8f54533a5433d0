"""A world that is kept and gone on from: its pods do what they did, and its troubles hold."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes.world import Kept, World

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
QA = "dynamo-qa"
IMAGE = "registry.yourapp.com/dynamo/tasks-service"

Object = dict[str, Any]


def deployment(version: str) -> Object:
    probe = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 2}
    container = {
        "name": "tasks-service",
        "image": f"{IMAGE}:{version}",
        "ports": [{"containerPort": 8080}],
        "readinessProbe": probe,
    }
    labels = {"app.kubernetes.io/name": "tasks-service"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "tasks-service"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def world(kept: Kept | None = None, clock: Clock | None = None) -> World:
    clock = clock or Clock(manual=True, start=START)
    made = World([("qa", QA)], clock=clock, kept=kept)
    if kept is None:
        image = f"{IMAGE}:1.3.2"
        made.seed("qa", QA, [deployment("1.3.2")], image, "1.3.2", 3, replicas=2)
    return made


def gone_on_from(before: World) -> World:
    """A new process: all that it has is what was written down."""
    blobs: dict[str, bytes] = {}

    def put(content: bytes) -> str:
        blobs[f"{len(blobs)}"] = content
        return f"{len(blobs) - 1}"

    text = orjson.dumps(before.kept(put))
    before.stop()
    passed = before.clock.monotonic()
    start = before.clock.now() - timedelta(seconds=passed)
    clock = Clock(manual=True, start=start, passed=passed)
    return world(Kept(orjson.loads(text), blobs.__getitem__), clock)


def roll_out(to: World, version: str) -> None:
    stored = to.storage.get("deployments.apps", QA, "tasks-service")
    assert stored is not None
    stored["spec"]["template"]["spec"]["containers"][0]["image"] = f"{IMAGE}:{version}"
    to.storage.update("deployments.apps", stored)


def pods(of: World) -> list[Object]:
    return of.storage.list("pods", QA)


def newest(of: World) -> Object:
    """A pod of the rollout; empty before there is one."""
    return next((each for each in pods(of) if "1.3.2" not in str(each["spec"])), {})


def status_of(pod: Object) -> Object:
    """Of its container; empty before the kubelet has told it."""
    found: list[Object] = pod.get("status", {}).get("containerStatuses") or [{}]
    return found[0]


def passes_until(of: World, seen: Callable[[], bool], most: float = 400) -> None:
    for _ in range(int(most * 5)):
        if seen():
            return
        of.clock.advance(0.2)
    raise AssertionError(f"not within {most} s: {[each.get('status') for each in pods(of)]}")


def test_what_is_at_rest_stays_as_it_is() -> None:
    before = world()
    before.clock.advance(30)
    objects = {resource: before.storage.list(resource) for resource in before.storage.resources()}
    after = gone_on_from(before)
    after.clock.advance(300)
    assert {each: after.storage.list(each) for each in objects} == objects
    assert after.clock.now() == START + timedelta(seconds=330)


def test_a_rollout_that_was_half_done_comes_to_its_end() -> None:
    before = world()
    roll_out(before, "1.4.0")
    passes_until(before, lambda: len(pods(before)) == 3)
    after = gone_on_from(before)
    passes_until(
        after,
        lambda: (
            {each["spec"]["containers"][0]["image"] for each in pods(after)} == {f"{IMAGE}:1.4.0"}
        ),
    )
    passes_until(after, lambda: all(status_of(pod)["ready"] for pod in pods(after)))


def test_a_container_that_crashes_goes_on_crashing_with_its_count_and_its_words() -> None:
    before = world()
    roll_out(before, "1.5.0")
    passes_until(before, lambda: status_of(newest(before)).get("restartCount") == 2)
    after = gone_on_from(before)
    name = newest(after)["metadata"]["name"]
    said = after.logs.lines(QA, name, "tasks-service", previous=True)
    assert any("DATABASE_URL" in line.text for line in said.so_far())  # type: ignore[union-attr]
    at = after.clock.monotonic()
    passes_until(after, lambda: status_of(newest(after))["restartCount"] == 3)
    assert 10 < after.clock.monotonic() - at < 60  # its back-off is not forgotten


def test_a_container_that_was_to_crash_after_ten_seconds_does_so_at_its_own_age() -> None:
    before = world()
    before.set_trouble("crash-after-ten-seconds", "tasks-service", "qa")
    roll_out(before, "1.4.0")
    passes_until(before, lambda: bool(status_of(newest(before)).get("ready")))
    after = gone_on_from(before)
    at = after.clock.monotonic()
    passes_until(after, lambda: status_of(newest(after))["restartCount"] == 1)
    assert after.clock.monotonic() - at < 14


def test_a_pod_that_is_never_ready_stays_so_until_it_is_healed() -> None:
    before = world()
    before.set_trouble("never-ready", "tasks-service", "qa")
    roll_out(before, "1.4.0")
    passes_until(before, lambda: "running" in status_of(newest(before)).get("state", ()))
    before.clock.advance(5)
    after = gone_on_from(before)
    after.clock.advance(60)
    assert not status_of(newest(after))["ready"]


def test_a_trouble_that_waits_still_waits_and_what_was_taken_comes_back() -> None:
    before = world()
    before.storage.create(
        "configmaps",
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "tasks-service-config", "namespace": QA},
            "data": {"LOG_LEVEL": "info"},
        },
    )
    before.set_trouble("debug-tools", "tasks-service", "qa")
    before.set_trouble("out-of-memory", "tasks-service", "qa")
    after = gone_on_from(before)
    assert after.state()["trouble"]["kind"] == "out-of-memory"
    after.set_trouble("none", None, None)
    config = after.storage.get("configmaps", QA, "tasks-service-config")
    assert config is not None
    assert config["data"] == {"LOG_LEVEL": "info"}


def test_a_pod_that_was_told_to_go_goes() -> None:
    before = world()
    roll_out(before, "1.4.0")
    passes_until(
        before, lambda: any("deletionTimestamp" in pod["metadata"] for pod in pods(before))
    )
    after = gone_on_from(before)
    passes_until(after, lambda: not any("1.3.2" in str(pod["spec"]) for pod in pods(after)))


def test_events_of_an_earlier_run_go_in_their_time() -> None:
    before = world()
    roll_out(before, "1.4.0")
    before.clock.advance(60)
    assert before.storage.list("events", QA)
    after = gone_on_from(before)
    after.clock.advance(3700)
    assert after.storage.list("events", QA) == []


def test_addresses_of_new_pods_are_not_those_of_old_ones() -> None:
    before = world()
    after = gone_on_from(before)
    roll_out(after, "1.4.0")
    passes_until(after, lambda: len(pods(after)) == 3 and "podIP" in newest(after)["status"])
    addresses = [pod["status"]["podIP"] for pod in pods(after)]
    assert len(set(addresses)) == 3

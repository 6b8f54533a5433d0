"""Events are counted, combined and cut as client-go does it."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.kubernetes.events import EventRecorder

ABOUT = {
    "kind": "Pod",
    "apiVersion": "v1",
    "metadata": {"name": "p", "namespace": "dynamo", "uid": "u-1", "resourceVersion": "1"},
}


@pytest.fixture
def recorder(cluster: Any) -> EventRecorder:
    return EventRecorder(cluster.storage, cluster.clock, "kubelet", "localhost")


def test_the_same_event_is_counted(cluster: Any, recorder: EventRecorder) -> None:
    for _ in range(3):
        recorder.warning(ABOUT, "BackOff", "again", "spec.containers{p}")
        cluster.clock.advance(5)
    [event] = cluster.events("BackOff")
    assert event["count"] == 3
    assert event["firstTimestamp"] < event["lastTimestamp"]
    assert event["involvedObject"]["fieldPath"] == "spec.containers{p}"


def test_a_flood_is_cut_after_twenty_five(cluster: Any, recorder: EventRecorder) -> None:
    for _ in range(100):
        recorder.warning(ABOUT, "Unhealthy", "Readiness probe failed: ")
    assert cluster.events("Unhealthy")[0]["count"] == 25
    cluster.clock.advance(301)
    for _ in range(10):
        recorder.warning(ABOUT, "Unhealthy", "Readiness probe failed: ")
    assert cluster.events("Unhealthy")[0]["count"] == 26


def test_many_different_messages_become_one_event(cluster: Any, recorder: EventRecorder) -> None:
    for number in range(14):
        recorder.warning(ABOUT, "FailedCreate", f"Error creating: {number}")
    events = cluster.events("FailedCreate")
    assert len(events) == 10
    combined = [e for e in events if e["message"].startswith("(combined from similar events): ")]
    assert [(e["count"], e["message"][-2:]) for e in combined] == [(5, "13")]


def test_an_event_is_gone_an_hour_after_it_was_last_seen(
    cluster: Any, recorder: EventRecorder
) -> None:
    recorder.normal(ABOUT, "Started", "Container started")
    cluster.clock.advance(3000)
    recorder.normal(ABOUT, "Started", "Container started")
    cluster.clock.advance(3000)
    assert cluster.events("Started")[0]["count"] == 2
    cluster.clock.advance(700)
    assert cluster.events("Started") == []

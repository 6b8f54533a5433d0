"""What containers write, read as the API server reads it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.sandbox.kubernetes.container_logs import ContainerLog
from bot.sandbox.kubernetes.containers import KINDS, Behaviour
from bot.sandbox.kubernetes.kubelet_logs import KEPT_LINES, KubeletLogs
from bot.sandbox.kubernetes.logs import LogError

Object = dict[str, Any]
START = datetime(2026, 11, 24, 9, 0, 0, tzinfo=UTC)


def log_of(behaviour: Behaviour) -> ContainerLog:
    return ContainerLog("tasks-service", "seed", START, behaviour)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_lines_are_in_order_and_counted_as_they_are_written(kind: str) -> None:
    log = log_of(KINDS[kind])
    lines = list(log.lines(at(300)))
    assert [line.at for line in lines] == sorted(line.at for line in lines)
    for moment in (0.0, 0.02, 1.0, 2.9, 10.0, 299.0):
        assert log.count(at(moment)) == sum(line.at <= at(moment) for line in lines)


def test_the_tail_of_a_log_of_weeks_costs_what_the_tail_costs() -> None:
    log = log_of(KINDS["healthy"])
    until = START + timedelta(days=60)
    assert log.count(until) > 1_000_000
    tail = log.tail(until, 3)
    assert [line.at for line in tail] == sorted(line.at for line in tail)
    assert until - tail[-1].at < timedelta(seconds=10)


def test_a_crash_leaves_its_reason_as_the_last_words() -> None:
    words = [line.text for line in log_of(KINDS["crash-at-start"]).lines(at(60))]
    assert "Error: DATABASE_URL is not set" in words
    assert words[-1].startswith("Node.js v")
    assert 'level=info msg="starting tasks-service"' in words[0]


@pytest.fixture
def crashed(cluster: Any, deployment: Callable[..., Object]) -> tuple[Any, KubeletLogs, str]:
    script = "echo starting; echo 'Error: DATABASE_URL is not set' >&2; exit 1"
    container = {"command": ["/bin/sh", "-c", script]}
    cluster.create("deployments.apps", deployment(replicas=1, container=container))
    cluster.clock.advance(4)
    [pod] = cluster.pods()
    return cluster, KubeletLogs(cluster.plane.kubelet, cluster.clock), pod["metadata"]["name"]


def test_the_log_of_the_container_before_is_kept(crashed: tuple[Any, KubeletLogs, str]) -> None:
    _, logs, pod = crashed
    found = logs.lines("dynamo", pod, "tasks-service", previous=True)
    assert not isinstance(found, LogError)
    assert [line.text for line in found.so_far()] == ["starting", "Error: DATABASE_URL is not set"]


def test_there_is_no_log_before_the_first_start_and_none_of_an_unknown_container(
    cluster: Any, deployment: Callable[..., Object]
) -> None:
    cluster.create("deployments.apps", deployment(replicas=1))
    cluster.clock.advance(0.2)
    [pod] = cluster.pods()
    name = pod["metadata"]["name"]
    logs = KubeletLogs(cluster.plane.kubelet, cluster.clock)
    assert isinstance(logs.lines("dynamo", name, "tasks-service", previous=False), LogError)
    cluster.clock.advance(3)
    refused = logs.lines("dynamo", name, "tasks-service", previous=True)
    assert isinstance(refused, LogError)
    assert refused.message == (
        f'previous terminated container "tasks-service" in pod "{name}" not found'
    )
    assert isinstance(logs.lines("dynamo", name, "nope", previous=False), LogError)


async def test_a_followed_log_gives_each_line_as_it_is_written_and_ends_with_the_container(
    cluster: Any, deployment: Callable[..., Object]
) -> None:
    cluster.create("deployments.apps", deployment(replicas=1))
    cluster.clock.advance(5)
    [pod] = cluster.pods()
    logs = KubeletLogs(cluster.plane.kubelet, cluster.clock)
    stream = logs.lines("dynamo", pod["metadata"]["name"], "tasks-service", previous=False)
    assert not isinstance(stream, LogError)
    before = [line.text for line in stream.so_far()]
    assert 'msg="tick 1" version=1.0.0' in before[0]
    seen: list[str] = []

    async def follow() -> None:
        async for line in stream.follow():
            seen.append(line.text)  # noqa: PERF401 - each as it comes, not all at the end

    reading = asyncio.create_task(follow())
    await cluster.clock.pass_time(3)
    assert len(seen) == 3
    assert f'msg="tick {len(before) + 1}"' in seen[0]
    cluster.change("deployments.apps", "tasks-service", lambda obj: obj["spec"].update(replicas=0))
    await cluster.clock.pass_time(5)
    await asyncio.wait_for(reading, timeout=60)
    assert stream.so_far()[-1].text == seen[-1]


def test_a_long_log_is_rotated(cluster: Any, deployment: Callable[..., Object]) -> None:
    cluster.create("deployments.apps", deployment(replicas=1))
    cluster.clock.advance(3 * KEPT_LINES)
    [pod] = cluster.pods()
    logs = KubeletLogs(cluster.plane.kubelet, cluster.clock)
    stream = logs.lines("dynamo", pod["metadata"]["name"], "tasks-service", previous=False)
    assert not isinstance(stream, LogError)
    assert len(stream.so_far()) == KEPT_LINES
    assert len(stream.so_far(tail=5)) == 5

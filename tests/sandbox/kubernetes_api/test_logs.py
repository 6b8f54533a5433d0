"""The log endpoint: which lines, and why there are none."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.sandbox.kubernetes.logs import LogLine

LOG = "/api/v1/namespaces/qa/pods/p/log"
RUNNING = {"state": {"running": {}}, "lastState": {}, "containerID": "containerd://1"}


def pod(status: Any = RUNNING, names: tuple[str, ...] = ("web",), **spec: Any) -> Any:
    statuses = [{"name": name, **status} for name in names] if status is not None else []
    return {
        "metadata": {"name": "p", "namespace": "qa"},
        "spec": {"nodeName": "n", "containers": [{"name": n} for n in names], **spec},
        "status": {"containerStatuses": statuses},
    }


@pytest.fixture
def logging(cluster: Any) -> Any:
    cluster.namespace()
    cluster.storage.create("pods", pod())
    start = cluster.clock.now()
    lines = [LogLine(start + timedelta(seconds=n), f"line {n}") for n in range(10)]
    cluster.logs.logs["p", False] = cluster.new_log(
        lines, [LogLine(start + timedelta(seconds=n), f"new {n}") for n in (10, 11)]
    )
    cluster.clock.advance(9.5)
    return cluster


async def test_all_lines_are_plain_text(logging: Any) -> None:
    answer = await logging.get(LOG)
    assert answer.headers["Content-Type"] == "text/plain"
    assert answer.text == "".join(f"line {n}\n" for n in range(10))


@pytest.mark.parametrize(
    ("query", "lines"),
    [
        ("tailLines=2", ["line 8", "line 9"]),
        ("tailLines=0", []),
        ("tailLines=50", [f"line {n}" for n in range(10)]),
        ("sinceSeconds=2", ["line 8", "line 9"]),
        ("sinceSeconds=5&tailLines=1", ["line 9"]),
        ("sinceSeconds=2&tailLines=5", ["line 8", "line 9"]),
        ("limitBytes=10", ["line 0", "lin"]),
        ("follow=true&tailLines=1", ["line 9", "new 10", "new 11"]),
        ("follow=true&tailLines=1&limitBytes=9", ["line 9", "ne"]),
        ("container=web&tailLines=1", ["line 9"]),
    ],
)
async def test_which_lines(logging: Any, query: str, lines: list[str]) -> None:
    answer = await logging.get(f"{LOG}?{query}")
    assert answer.text.splitlines() == lines


async def test_since_a_moment_and_timestamps(logging: Any) -> None:
    since = (logging.clock.now() - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    answer = await logging.get(f"{LOG}?sinceTime={since}&timestamps=true")
    stamp, text = answer.text.rstrip("\n").split(" ", 1)
    assert text == "line 9"
    assert len(stamp) == len("2026-11-24T01:47:12.591703647Z")
    datetime.fromisoformat(stamp[:26] + "Z")


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ("tailLines=-1", 422, 'PodLogOptions "p" is invalid: tailLines: Invalid value: -1: must be '
         "greater than or equal to 0"),
        ("sinceSeconds=0", 422, 'PodLogOptions "p" is invalid: sinceSeconds: Invalid value: 0: '
         "must be greater than 0"),
        ("tailLines=x", 400, 'strconv.ParseInt: parsing "x": invalid syntax'),
        ("container=nope", 400, "container nope is not valid for pod p"),
        ("previous=true", 400, 'previous terminated container "web" in pod "p" not found'),
    ],
)  # fmt: skip
async def test_wrong_questions(logging: Any, query: str, code: int, message: str) -> None:
    answer = await logging.get(f"{LOG}?{query}")
    assert (answer.status, answer.message) == (code, message)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (None, 'container "web" in pod "p" is not available'),
        (
            {"state": {"waiting": {"reason": "ContainerCreating"}}},
            'container "web" in pod "p" is waiting to start: ContainerCreating',
        ),
        (
            {"state": {"waiting": {"reason": "ImagePullBackOff"}}},
            'container "web" in pod "p" is waiting to start: trying and failing to pull image',
        ),
        (
            {"state": {"waiting": {"reason": "ErrImagePull"}}},
            'container "web" in pod "p" is waiting to start: image can\'t be pulled',
        ),
        ({"state": {}}, 'container "web" in pod "p" is waiting to start - no logs yet'),
    ],
)
async def test_why_there_is_no_log_yet(cluster: Any, status: Any, message: str) -> None:
    cluster.storage.create("pods", pod(status))
    answer = await cluster.get(LOG)
    assert (answer.status, answer.body["reason"]) == (400, "BadRequest")
    assert answer.message == message


async def test_a_container_in_back_off_still_shows_its_last_run(cluster: Any) -> None:
    ended = {"terminated": {"exitCode": 1, "containerID": "containerd://1"}}
    status = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": ended}
    cluster.storage.create("pods", pod(status))
    for previous in (False, True):
        cluster.logs.logs["p", previous] = cluster.new_log(
            [LogLine(cluster.clock.now(), f"previous {previous}")], []
        )
    assert (await cluster.get(LOG)).text == "previous False\n"
    assert (await cluster.get(f"{LOG}?previous=true")).text == "previous True\n"


async def test_one_of_several_containers_must_be_named(cluster: Any) -> None:
    init = [{"name": "setup"}]
    cluster.storage.create("pods", pod(RUNNING, ("web", "side"), initContainers=init))
    answer = await cluster.get(LOG)
    assert answer.message == (
        "a container name must be specified for pod p, choose one of: [web side] or one of the "
        "init containers: [setup]"
    )


async def test_a_pod_without_a_node_has_an_empty_log(cluster: Any) -> None:
    cluster.storage.create("pods", pod(None, nodeName=""))
    answer = await cluster.get(LOG)
    assert (answer.status, answer.text) == (200, "")

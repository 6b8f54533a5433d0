"""Looks on bad input: base URLs that lead where nobody may look, logs that nobody should write.

Probes, HTTPS servers, the workbench's process and the judgement are real; the cluster's answers are
given, since what counts here is what the look makes of them.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

from bot.adapters.http_probes import HttpProbes
from bot.adapters.process_workbench import ProcessWorkbench
from bot.domain.analysis import Reading, Result, Window, Windows
from bot.domain.log_gathering import Gathered
from bot.domain.workload import Container, Deployment, Pod, ReplicaSet, Workload
from bot.errors import PortError, Trouble
from bot.ports import LogOf
from bot.sandbox.launcher import CONFIG
from bot.workflows.edges import Place
from bot.workflows.looks import Subject, logs, response_times
from bot.workflows.looks.response_times import targets_of
from config.catalog import load_catalog
from tests.serving import served

from ..conftest import NOON, MakeRollout, ManualClock

CATALOG = load_catalog(CONFIG)
WRITTEN = NOON - timedelta(minutes=6)
WINDOWS = Windows(
    before=Window(WRITTEN - timedelta(minutes=30), WRITTEN - timedelta(minutes=1)),
    after=Window(NOON - timedelta(minutes=5), NOON),
    written=WRITTEN,
    completed=NOON - timedelta(minutes=5, seconds=30),
)


def place(base_url: str = "https://qa.yourapp.com", **service: Any) -> Place:
    return Place(
        replace(CATALOG.service("tasks-service"), **service),
        replace(CATALOG.environment("qa"), base_url=base_url),
    )


@pytest.fixture
async def workbench() -> AsyncIterator[ProcessWorkbench]:
    made = ProcessWorkbench()
    yield made
    await made.close()


def edges(workbench: ProcessWorkbench, **more: Any) -> Any:
    known = {"probes": None, "logs": None, "workbench": workbench, "clock": ManualClock()}
    return SimpleNamespace(**{**known, **more})


# Response times


@pytest.mark.parametrize(
    ("service", "targets"),
    [
        ({}, {"/tasks": "https://qa.yourapp.com/tasks-service/tasks"}),
        ({"routes": ()}, {"/healthz": "https://qa.yourapp.com/tasks-service/healthz"}),
        ({"path": "/"}, {"/tasks": "https://qa.yourapp.com/tasks"}),
        ({"path": None}, {}),
    ],
)
def test_what_is_asked(service: dict[str, Any], targets: dict[str, str]) -> None:
    found = targets_of(place(**service))
    assert {route: url for route, url in found.items() if "?" not in route} == targets


async def test_a_service_that_is_not_reached_from_outside_is_not_probed(
    workbench: ProcessWorkbench, make_rollout: MakeRollout
) -> None:
    probes = HttpProbes()
    world = edges(workbench, probes=probes)
    hidden = place(path=None)
    assert response_times.LOOK.baseline is not None
    assert await response_times.LOOK.baseline(hidden, world) == ""
    assert await response_times.LOOK.read(Subject(hidden, make_rollout(), WINDOWS), world) == ()


@pytest.mark.parametrize("address", ["https://169.254.169.254", "https://127.0.0.1:9"])
async def test_a_base_url_into_the_metadata_service_is_a_finding(
    workbench: ProcessWorkbench, make_rollout: MakeRollout, address: str
) -> None:
    probes = HttpProbes()
    subject = Subject(place(address), make_rollout(), WINDOWS)
    found = await response_times.LOOK.read(subject, edges(workbench, probes=probes))
    await probes.close()
    assert {(each.name, each.result, each.code) for each in found} == {
        ("ROUTE", Result.WARN, "ROUTE_FORBIDDEN"),
        ("CERTIFICATE", Result.INCONCLUSIVE, "CERTIFICATE_UNSEEN"),
    }


@pytest.mark.slow
async def test_a_host_that_hangs_costs_neither_deploy_nor_summary_their_time(
    workbench: ProcessWorkbench, make_rollout: MakeRollout
) -> None:
    """Three tries of a route, each with its limit; what is known by the end of the time counts."""

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1024):
            pass
        writer.close()

    async with AsyncExitStack() as stack:
        server = await asyncio.start_server(hang, "127.0.0.1", 0)
        stack.callback(server.close)
        port = server.sockets[0].getsockname()[1]
        probes = HttpProbes({"https://qa.yourapp.com": f"http://127.0.0.1:{port}"})
        stack.push_async_callback(probes.close)
        world = edges(workbench, probes=probes)
        began = asyncio.get_running_loop().time()
        assert response_times.LOOK.baseline is not None
        baseline = await response_times.LOOK.baseline(place(), world)
        assert asyncio.get_running_loop().time() - began < 6
        assert json.loads(baseline)["routes"]["/tasks"]["worst"] == "TIMED_OUT"
        subject = Subject(place(), make_rollout(), WINDOWS, baseline)
        found = await response_times.LOOK.read(subject, world)
        assert {each.code for each in found} == {"ROUTE_TIMED_OUT_ALREADY"}


@pytest.mark.parametrize(("status", "requests"), [(200, 13), (503, 3)])
async def test_it_is_polite(workbench: ProcessWorkbench, status: int, requests: int) -> None:
    """Thirteen requests to a route and no more, one after the other; three where it fails."""
    now: dict[str, int] = {}
    most: dict[str, int] = {}
    every: dict[str, int] = {}

    async def handler(request: web.Request) -> web.Response:
        path = request.path_qs
        every[path] = every.get(path, 0) + 1
        now[path] = now.get(path, 0) + 1
        most[path] = max(most.get(path, 0), now[path])
        await asyncio.sleep(0.002)
        now[path] -= 1
        return web.Response(status=status)

    app = web.Application()
    app.router.add_get("/{path:.*}", handler)
    async with served(app) as url:
        probes = HttpProbes({"https://qa.yourapp.com": url})
        assert response_times.LOOK.baseline is not None
        await response_times.LOOK.baseline(place(), edges(workbench, probes=probes))
        await probes.close()
    assert set(every.values()) == {requests}
    assert set(most.values()) == {1}


# Logs


class Lines:
    """A log port whose containers wrote this, handed out in pieces of any size."""

    def __init__(self, text: bytes | PortError, piece: int = 7) -> None:
        self._text = text
        self._piece = piece
        self.asked: list[LogOf] = []

    @asynccontextmanager
    async def log(self, of: LogOf) -> AsyncIterator[AsyncIterator[bytes]]:
        self.asked.append(of)
        if isinstance(self._text, PortError):
            raise self._text
        text = self._text

        async def pieces() -> AsyncIterator[bytes]:
            for start in range(0, len(text), self._piece):
                yield text[start : start + self._piece]

        yield pieces()


class OneWorkload:
    def __init__(self, workload: Workload | PortError) -> None:
        self._workload = workload

    async def workload(self, *_: str) -> Workload:
        if isinstance(self._workload, PortError):
            raise self._workload
        return self._workload


def running(*names: str, since: timedelta = timedelta(hours=1)) -> Workload:
    began = NOON - since
    return Workload(
        Deployment("tasks-service", "dynamo-qa", "d", revision=2),
        (ReplicaSet("tasks-service-new", "r2", "d", 2),),
        tuple(
            Pod(
                name,
                name,
                "r2",
                "Running",
                containers=(Container("tasks-service", running_since=began),),
            )
            for name in names
        ),
    )


def stamped(lines: Sequence[bytes], every: float = 10) -> bytes:
    first = WINDOWS.after.start
    return b"".join(
        f"{first + timedelta(seconds=every * n):%Y-%m-%dT%H:%M:%S.%f}000Z ".encode() + line + b"\n"
        for n, line in enumerate(lines)
    )


async def looked(
    workbench: ProcessWorkbench, rollout: Any, text: bytes | PortError, workload: Any = None
) -> tuple[Reading, ...]:
    world = edges(
        workbench,
        cluster=OneWorkload(workload if workload is not None else running("a")),
        logs=SimpleNamespace(port=Lines(text)),
    )
    before = Gathered(pods=1, of=1, minutes=30, lines=600, levelled=600)
    subject = Subject(place(), rollout, WINDOWS, json.dumps(before.as_json()))
    return await logs.LOOK.read(subject, world)


async def test_lines_that_nobody_should_write_are_read_all_the_same(
    workbench: ProcessWorkbench, make_rollout: MakeRollout
) -> None:
    """Latin-1, NUL, colours, a megabyte in one line, JSON that is none, half a line at the end."""
    text = (
        stamped(
            [
                b"level=info msg=ok x=1",
                b'level=error msg="no pudo guardar la a\xf1o" x=1',
                b"\x00\x00\x1b[31m",
                b'{"level":"error","msg":"' + b"z" * 2**20 + b'"}',
                b'{"level":"error","msg":',
                b'level=error msg="no pudo guardar la a\xf1o" x=1',
            ]
        )
        + b"2026-11-24T12"
    )
    rate, *patterns = await looked(workbench, make_rollout(), text)
    assert rate.values["lines"] == 6
    assert int(rate.values["errors"]) >= 2
    assert all("\x1b" not in str(each.values) for each in patterns)


async def test_logs_that_may_not_be_read_say_so(
    workbench: ProcessWorkbench, make_rollout: MakeRollout
) -> None:
    refused = PortError(
        "cluster", Trouble.FORBIDDEN, temporary=False, values={"message": "pods/log is forbidden"}
    )
    for text, workload in ((refused, None), (b"", refused)):
        (reading,) = await looked(workbench, make_rollout(), text, workload)
        assert (reading.code, reading.result) == ("LOGS_UNREAD", Result.INCONCLUSIVE)
        assert reading.values["message"] == "pods/log is forbidden"


async def test_a_release_without_pods_has_no_lines_to_read(
    workbench: ProcessWorkbench, make_rollout: MakeRollout
) -> None:
    (reading,) = await looked(workbench, make_rollout(), b"", running())
    assert reading.code == "LOGS_NO_PODS"


async def test_of_many_pods_some_are_read_and_they_speak_for_their_share(
    workbench: ProcessWorkbench, make_rollout: MakeRollout
) -> None:
    text = stamped([b"level=error msg=broken x=1"] * 4)
    names = [f"pod-{n:02}" for n in range(12)]
    rate, *_ = await looked(workbench, make_rollout(), text, running(*names))
    assert (rate.values["pods"], rate.values["of"]) == (6, 12)
    assert rate.values["errors"] == 24
    assert rate.values["minutes"] == pytest.approx(2.5)


async def test_the_baseline_reads_pods_that_were_there_and_not_those_that_just_began(
    workbench: ProcessWorkbench,
) -> None:
    """It is taken beside the write: new pods may be starting already."""
    old, fresh = running("old"), running("fresh", since=timedelta(seconds=3))
    mixed = replace(old, pods=(*old.pods, *fresh.pods))
    lines = Lines(stamped([b"level=error msg=broken x=1"] * 4))
    world = edges(workbench, cluster=OneWorkload(mixed), logs=SimpleNamespace(port=lines))
    assert logs.LOOK.baseline is not None
    found = json.loads(await logs.LOOK.baseline(place(), world))
    assert [of.pod for of in lines.asked] == ["old"]
    assert (found["pods"], found["errors"]) == (1, 4)
    assert lines.asked[0].since == NOON - timedelta(minutes=30)


@pytest.mark.parametrize("baseline", ["", "{", "[]", '{"pods": "many"}', "null"])
async def test_a_baseline_that_cannot_be_read_is_none(
    workbench: ProcessWorkbench, make_rollout: MakeRollout, baseline: str
) -> None:
    world = edges(
        workbench,
        cluster=OneWorkload(running("a")),
        logs=SimpleNamespace(port=Lines(stamped([b"level=info msg=ok x=1"]))),
    )
    (reading,) = await logs.LOOK.read(Subject(place(), make_rollout(), WINDOWS, baseline), world)
    assert reading.code == "LOGS_NO_BEFORE"
    assert response_times._remembered(baseline) is None

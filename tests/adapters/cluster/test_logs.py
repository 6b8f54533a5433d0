"""The bytes of a container's log, as the adapter gives them: on whichever cluster is there
(`targets.py`), and what no kubelet can be made to write on one handler of our own."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from bot.adapters.kubernetes_connections import Connections, Timeouts
from bot.adapters.kubernetes_logs import KubernetesLogs
from bot.domain.log_lines import split_stamp, time_of
from bot.domain.log_stream import ELLIPSIS, LONGEST_LINE, LogLine, LogReader
from bot.errors import PortError, Trouble
from bot.ports import LogOf
from tests.adapters.cluster.scripted import status, write_kubeconfig
from tests.adapters.cluster.targets import Target, manifest
from tests.serving import served

NAME = "tasks-service"
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")


def of(there: Target, pod: str, container: str = NAME, **more: object) -> LogOf:
    return LogOf("", there.namespace, pod, container, **more)  # type: ignore[arg-type]


async def read(there: Target, wanted: LogOf) -> list[str]:
    return await _read(KubernetesLogs(there.cluster.connections), wanted)


async def _read(logs: KubernetesLogs, wanted: LogOf) -> list[str]:
    async with logs.log(wanted) as chunks:
        whole = b"".join([chunk async for chunk in chunks])
    return whole.decode().splitlines()


async def refused(there: Target, wanted: LogOf) -> PortError:
    with pytest.raises(PortError) as raised:
        await read(there, wanted)
    return raised.value


async def running(there: Target, **spec: object) -> str:
    """The name of the one pod, once it runs (or has run)."""
    await there.cluster.apply("", there.namespace, manifest(**spec))  # type: ignore[arg-type]
    async with there.followed() as seen:
        await there.wait(lambda: seen.snapshots and any(p.containers for p in seen.last.new_pods))
        [pod] = [pod for pod in seen.last.new_pods if not pod.deleting]
        return pod.name


async def speaking(there: Target, least: int = 3) -> str:
    """A pod that has written so many lines."""
    pod = await running(there)

    async def lines() -> int:
        try:
            return len(await read(there, of(there, pod)))
        except PortError:  # it has not started yet
            return 0

    await there.poll(lines, lambda count: count >= least)
    return pod


@pytest.mark.cluster
async def test_each_line_comes_with_its_time_the_oldest_first(there: Target) -> None:
    lines = await read(there, of(there, await speaking(there)))
    stamps = []
    for line in lines:
        stamp, text = split_stamp(line)
        assert STAMP.match(line)
        assert stamp
        assert text
        stamps.append(stamp)
    assert stamps == sorted(stamps)


@pytest.mark.cluster
async def test_a_tail_is_the_newest_lines(there: Target) -> None:
    pod = await speaking(there)
    whole = await read(there, of(there, pod))
    tail = await read(there, of(there, pod, tail=2))
    assert len(tail) == 2
    assert tail[0] >= whole[-2]
    assert await read(there, of(there, pod, tail=0)) == []


@pytest.mark.cluster
async def test_since_leaves_out_what_is_older(there: Target) -> None:
    pod = await speaking(there, least=6)
    whole = await read(there, of(there, pod))
    middle = time_of(split_stamp(whole[len(whole) // 2])[0])
    assert middle is not None
    later = await read(there, of(there, pod, since=middle))
    second = middle.replace(microsecond=0)
    moments = [time_of(split_stamp(line)[0]) for line in later]
    assert later
    assert all(moment is not None and moment >= second for moment in moments)
    assert set(whole[len(whole) // 2 :]) <= set(later)
    tomorrow = middle + timedelta(days=1)
    assert await read(there, of(there, pod, since=tomorrow)) == []


@pytest.mark.cluster
async def test_previous_is_what_was_said_before_the_restart(there: Target) -> None:
    crash = ["/bin/sh", "-c", "echo no database; exit 3"]
    pod = await running(there, command=crash)

    async def before() -> list[str]:
        try:
            return await read(there, of(there, pod, previous=True))
        except PortError:  # not restarted yet
            return []

    lines = await there.poll(before, bool)
    assert [split_stamp(line)[1] for line in lines] == ["no database"]


@pytest.mark.cluster
async def test_without_a_restart_there_is_no_previous(there: Target) -> None:
    error = await refused(there, of(there, await speaking(there), previous=True))
    assert (error.trouble, error.temporary) == (Trouble.INVALID, False)
    assert "previous terminated container" in error.values["message"]


@pytest.mark.cluster
async def test_a_follow_goes_on_and_ends_with_its_pod(there: Target) -> None:
    pod = await speaking(there)
    logs = KubernetesLogs(there.cluster.connections)
    came: list[bytes] = []
    enough = asyncio.Event()

    async def follow() -> None:
        async with logs.log(of(there, pod, tail=1, follow=True)) as chunks:
            async for chunk in chunks:
                came.append(chunk)
                if b"".join(came).count(b"\n") >= 3:
                    enough.set()

    following = asyncio.create_task(follow())
    try:
        async with asyncio.timeout(60):
            await enough.wait()
            assert not following.done()
            await there.core.delete_namespaced_pod(pod, there.namespace)
            await following  # the stream has an end, and it is no error
    finally:
        following.cancel()
    lines = b"".join(came).decode().splitlines()
    assert lines == sorted(lines)


@pytest.mark.cluster
async def test_a_container_that_never_started_is_a_refusal_with_its_reason(there: Target) -> None:
    pod = await running(there, version="9.9.9")

    async def why() -> PortError:
        return await refused(there, of(there, pod))

    error = await there.poll(why, lambda error: "waiting to start" in error.values["message"])
    assert (error.trouble, error.temporary) == (Trouble.INVALID, False)
    assert NAME in error.values["message"]


@pytest.mark.cluster
async def test_a_pod_that_is_gone_is_not_found(there: Target) -> None:
    error = await refused(there, of(there, "nope"))
    assert (error.trouble, error.values["name"]) == (Trouble.NOT_FOUND, "nope")


@pytest.mark.cluster
async def test_a_container_that_is_none_of_the_pods_is_refused(there: Target) -> None:
    error = await refused(there, of(there, await speaking(there), container="nginx"))
    assert error.trouble is Trouble.INVALID
    assert "nginx" in error.values["message"]


@pytest.mark.cluster
async def test_without_the_right_to_logs_it_is_forbidden(there: Target) -> None:
    pod = await speaking(there)
    with pytest.raises(PortError) as raised:
        await _read(KubernetesLogs(there.nobody.connections), of(there, pod))
    assert raised.value.trouble is Trouble.FORBIDDEN


# What no kubelet can be made to write here: a server of our own


class Server:
    """Answers every request with the same bytes, a piece at a time."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.refusal: web.Response | None = None
        self.queries: list[dict[str, str]] = []
        self.breaks = False

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.queries.append(dict(request.query))
        if self.refusal is not None:
            return self.refusal
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        for piece in self.pieces:
            await response.write(piece)
        if self.breaks:
            assert request.transport is not None
            request.transport.close()
        return response


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def logs(server: Server, tmp_path: Path):
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    async with served(app) as url:
        kubeconfig = write_kubeconfig(tmp_path / "config", url)
        connections = Connections(str(kubeconfig), timeouts=Timeouts(connect=1, total=5, idle=5))
        yield KubernetesLogs(connections)
        await connections.close()


ANY = LogOf("", "qa", "pod", "app")


async def lines_of(logs: KubernetesLogs, wanted: LogOf = ANY) -> list[LogLine]:
    reader = LogReader()
    lines: list[LogLine] = []
    async with logs.log(wanted) as chunks:
        async for chunk in chunks:
            lines += reader.block(chunk).lines()
    return lines + reader.last_block().lines()


def stamped(text: bytes, second: int = 0) -> bytes:
    return b"2026-11-24T05:00:%02d.000000001Z " % second + text + b"\n"


async def test_nul_bytes_and_latin_1_come_as_they_are_and_are_read(logs, server: Server) -> None:
    written = [stamped(b"a\x00b"), stamped(b"caf\xe9 au lait", 1), stamped("café".encode(), 2)]
    server.pieces = written
    async with logs.log(ANY) as chunks:
        assert b"".join([chunk async for chunk in chunks]) == b"".join(written)
    assert [line.text for line in await lines_of(logs)] == ["ab", "café au lait", "café"]


async def test_a_line_of_a_megabyte_is_one_line_with_its_neighbours_whole(
    logs, server: Server
) -> None:
    long = b"word " * (2**20 // 5)
    server.pieces = [stamped(b"before"), stamped(long, 1), stamped(b"after", 2)]
    before, line, after = await lines_of(logs)
    assert (before.text, after.text) == ("before", "after")
    assert line.text.rstrip() == long.decode().rstrip()


async def test_a_line_without_an_end_does_not_fill_the_memory(logs, server: Server) -> None:
    server.pieces = [stamped(b"x " * (3 * 2**20)), stamped(b"after", 1)]
    line, after = await lines_of(logs)
    assert line.text.endswith(ELLIPSIS)
    assert len(line.text) <= LONGEST_LINE
    assert after.text == "after"


async def test_a_character_that_is_cut_between_two_chunks_is_whole(logs, server: Server) -> None:
    whole = stamped("ñandú 🦤".encode())
    server.pieces = [whole[:33], whole[33:41], whole[41:]]
    [line] = await lines_of(logs)
    assert line.text == "ñandú 🦤"


async def test_what_is_asked_for_is_what_the_server_is_asked(logs, server: Server) -> None:
    since = datetime(2026, 11, 24, 6, 0, 0, 500_000, tzinfo=UTC)
    await _read(logs, LogOf("", "qa", "pod", "app", 7, since, previous=True, follow=True))
    await _read(logs, LogOf("", "qa", "pod", ""))
    assert server.queries == [
        {
            "timestamps": "true",
            "container": "app",
            "tailLines": "7",
            "sinceTime": "2026-11-24T06:00:00Z",
            "previous": "true",
            "follow": "true",
        },
        {"timestamps": "true"},
    ]


async def test_a_stream_that_breaks_is_a_trouble_that_passes(logs, server: Server) -> None:
    server.pieces, server.breaks = [stamped(b"before")], True
    with pytest.raises(PortError) as raised:
        await lines_of(logs)
    assert (raised.value.trouble, raised.value.temporary) == (Trouble.AWAY, True)


async def test_a_refusal_is_told_in_the_servers_words(logs, server: Server) -> None:
    message = 'container "app" in pod "pod" is waiting to start: ContainerCreating'
    server.refusal = status(400, message, "BadRequest")
    with pytest.raises(PortError) as raised:
        await lines_of(logs)
    assert (raised.value.trouble, raised.value.values["message"]) == (Trouble.INVALID, message)

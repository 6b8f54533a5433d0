"""The sandbox's API server with a large cluster, and how soon a sandbox opens its page.

200 services in three environments, 1,000 pods. Lists are timed over the wire, beside the same bytes
from a bare handler of the same server: the difference is what the API server itself costs. Watch
events are written and watched in one process, as in a sandbox; the rate is that of the server's
processor, which does both, so that a busy machine does not blur it. Starts are those of `dynamo
sandbox`, with its caches warm, until the page answers.
"""

import asyncio
import os
import statistics
import time

import aiohttp

from tests.bench.processes import running, serving, until_answers
from tests.bench.rows import Row
from tests.bench.sandbox_server import PODS, SERVICES
from tests.programs import free_port

LISTS = 30
EVENTS = 10_000
STARTS = 3
_PATIENCE = 120
_WATCH = "/k/api/v1/pods?watch=true&resourceVersion="


def run() -> list[Row]:
    with serving("tests.bench.sandbox_server") as port:
        url = f"http://127.0.0.1:{port}"
        rows = asyncio.run(_lists(url))
        rows.append(asyncio.run(_events(url)))
    rows.append(asyncio.run(_starts()))
    return rows


async def _lists(url: str) -> list[Row]:
    async with aiohttp.ClientSession() as session:
        rows = []
        for what, path in (
            (f"sandbox: list of {PODS:,} pods", "/api/v1/pods"),
            (f"sandbox: list of {3 * SERVICES} Deployments", "/apis/apps/v1/deployments"),
            (
                "sandbox: pods of one service among all",
                "/api/v1/pods?labelSelector=app.kubernetes.io/name%3Dservice-007",
            ),
        ):
            ours, peer = [], []
            for _ in range(LISTS):  # in turns, so that both meet the same machine
                ours.append(await _timed(session, f"{url}/k{path}"))
                same = path.replace("%", "%25")
                peer.append(await _timed(session, f"{url}/same?path={same}"))
            middle, theirs = statistics.median(ours), statistics.median(peer)
            rows.append(Row(what, middle * 1000, theirs * 1000, "ms over the wire", "≤ 50"))
    return rows


async def _timed(session: aiohttp.ClientSession, url: str) -> float:
    start = time.perf_counter()
    async with session.get(url) as answer:
        await answer.read()
        assert answer.status == 200
    return time.perf_counter() - start


async def _events(url: str) -> Row:
    """From the first written to the last received, with one client that watches all pods."""
    timeout = aiohttp.ClientTimeout(total=_PATIENCE)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        async with session.get(f"{url}/k/api/v1/pods?limit=1") as answer:
            version = (await answer.json())["metadata"]["resourceVersion"]
        async with session.get(f"{url}{_WATCH}{version}") as stream:
            start = await _seconds(session, url)
            writing = asyncio.create_task(_write(session, url))
            seen = 0
            while seen < EVENTS:
                seen += (await stream.content.readany()).count(b"\n")
            await writing
            seconds = await _seconds(session, url) - start
    what = f"sandbox: watch events, written and watched in one process, {PODS:,} pods"
    return Row(what, EVENTS / seconds, None, "events/s of processor time", "≥ 5,000")


async def _seconds(session: aiohttp.ClientSession, url: str) -> float:
    async with session.get(f"{url}/seconds") as answer:
        return float(await answer.json())


async def _write(session: aiohttp.ClientSession, url: str) -> None:
    async with session.post(f"{url}/write?n={EVENTS}") as answer:
        assert answer.status == 200


async def _starts() -> Row:
    seconds = [await _start() for _ in range(STARTS + 1)][1:]  # the first one warms the caches
    what = "sandbox: a later start to the page answering"
    return Row(what, statistics.median(seconds), None, "s", "≤ 2")


async def _start() -> float:
    port = free_port()
    start = time.perf_counter()
    command = ("-m", "bot", "sandbox", "--port", str(port))
    async with running(*command, environment=os.environ):
        await until_answers(f"http://127.0.0.1:{port}/")
        return time.perf_counter() - start

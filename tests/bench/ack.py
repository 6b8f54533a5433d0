"""How fast a slash command is acknowledged over signed HTTP at 100 a second, beside a Bolt app that
does nothing but acknowledge, under the same load.

Dynamo does its work for each of them as well (`/dynamo help`: parse, language, answer by response
URL). Open-loop: a command is sent at its time whether or not the one before was answered, so a
stall shows in every command behind it.
"""

import asyncio
import tempfile
import time
from pathlib import Path

import aiohttp

from bot.sandbox.launcher import Options, Sandbox, launch
from bot.sandbox.slack import seed
from tests.bench.commands import slash
from tests.bench.pressers import send
from tests.bench.processes import running, until_answers
from tests.bench.rows import Row
from tests.processes import bot_environment
from tests.programs import free_port

RATE = 100
SECONDS = 10
WARM_UP = 50


def run() -> list[Row]:
    ours, peer = asyncio.run(_measure())
    return [
        Row("ack of a slash command, 100/s, p50", p(ours, 0.5), p(peer, 0.5), "ms", "—"),
        Row(
            "ack of a slash command, 100/s, p99",
            p(ours, 0.99),
            p(peer, 0.99),
            "ms",
            "≤ 50 and ≤ 2 × a bare Bolt handler",
        ),
    ]


def p(samples: list[float], part: float) -> float:
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1000


async def _measure() -> tuple[list[float], list[float]]:
    with tempfile.TemporaryDirectory() as home:
        async with launch(Options(keep=Path(home), bot=False)) as sandbox:
            sandbox.slack.rates.mode = "off"
            port = free_port()
            environment = bot_environment(
                sandbox.settings, port, SLACK_SIGNING_SECRET=seed.SIGNING_SECRET
            )
            async with running("-m", "bot", "run", environment=environment):
                ours = await _load(port, sandbox)
            port = free_port()
            environment = {"SIGNING": seed.SIGNING_SECRET, "PORT": str(port)}
            async with running("-m", "tests.bench.bare_bolt", environment=environment):
                peer = await _load(port, sandbox)
    return ours, peer


async def _load(port: int, sandbox: Sandbox) -> list[float]:
    url = f"http://127.0.0.1:{port}"
    await until_answers(f"{url}/readyz")
    orders = {"events": f"{url}/slack/events", "secret": seed.SIGNING_SECRET}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        for _ in range(WARM_UP):
            await send(session, orders, slash(sandbox, "help"))
        started = time.perf_counter()
        tasks = []
        for number in range(RATE * SECONDS):
            due = started + number / RATE
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            work = send(session, orders, slash(sandbox, "help"))
            tasks.append(asyncio.ensure_future(work))
        return list(await asyncio.gather(*tasks))

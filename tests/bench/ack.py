"""How fast a slash command is acknowledged over signed HTTP at 100 a second, beside a Bolt app that
does nothing but acknowledge, under the same load.

Dynamo does its work for each of them as well (`/dynamo help`: parse, language, answer by response
URL). Open-loop: a command is sent at its time whether or not the one before was answered, so a
stall shows in every command behind it.
"""

import asyncio
import hashlib
import hmac
import tempfile
import time
from pathlib import Path
from urllib.parse import urlencode

import aiohttp

from bot.sandbox.launcher import Options, Sandbox, launch
from bot.sandbox.slack import seed
from tests.bench.processes import free_port, running, until_answers
from tests.bench.rows import Row
from tests.processes import bot_environment

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
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        for number in range(WARM_UP):
            await _command(session, url, sandbox, f"warm{number}")
        started = time.perf_counter()
        tasks = []
        for number in range(RATE * SECONDS):
            due = started + number / RATE
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(asyncio.ensure_future(_command(session, url, sandbox, str(number))))
        return list(await asyncio.gather(*tasks))


async def _command(
    session: aiohttp.ClientSession, url: str, sandbox: Sandbox, number: str
) -> float:
    urls = sandbox.slack.urls
    body = urlencode(
        {
            "command": "/dynamo",
            "text": "help",
            "team_id": seed.TEAM_ID,
            "team_domain": seed.TEAM_DOMAIN,
            "channel_id": seed.GENERAL,
            "channel_name": "general",
            "user_id": seed.BEN,
            "user_name": "ben",
            "api_app_id": seed.APP_ID,
            "trigger_id": f"{time.time_ns()}.{number}",
            "response_url": urls.absolute(urls.issue("commands", seed.GENERAL, seed.BEN)),
        }
    )
    stamp = str(int(time.time()))
    signed = hmac.new(
        seed.SIGNING_SECRET.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256
    ).hexdigest()
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={signed}",
    }
    began = time.perf_counter()
    async with session.post(f"{url}/slack/events", data=body, headers=headers) as answer:
        assert answer.status == 200, answer.status
        await answer.read()
    return time.perf_counter() - began

"""How soon a request is seen: from the signed command to its card on another person's screen, with
all gates asked, CI of a git host on this machine among them. (Clicks: `checklist.py`.)

The bot is a process of its own, over signed HTTP; the world is here. Each request is for another
release, so that each is one; the worlds are new after all services had theirs. The peer posts one
line for the same command, at once: Bolt, Slack's Web API, and nothing in between.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from bot.sandbox.launcher import Options, Sandbox, launch
from bot.sandbox.slack import seed
from bot.sandbox.slack.driver import SlackDriver
from tests.bench.ack import p
from tests.bench.commands import slash
from tests.bench.pressers import send
from tests.bench.processes import running, until_answers
from tests.bench.rows import Row
from tests.processes import bot_environment
from tests.programs import free_port

WORLDS = 4
SERVICES = (
    "auth-service",
    "projects-service",
    "forms-service",
    "tasks-service",
    "notifications-service",
)
CHANNEL = "#qa-deploys"
READER = "elena"


def run() -> list[Row]:
    return asyncio.run(_measure())


async def _measure() -> list[Row]:
    cards: list[float] = []
    lines: list[float] = []
    for _ in range(WORLDS):
        with tempfile.TemporaryDirectory() as home:
            options = Options(keep=Path(home), bot=False)
            async with launch(options) as sandbox, SlackDriver(sandbox.url) as slack:
                await slack.watch(READER)
                cards += await _cards(sandbox, slack)
                lines += await _lines(sandbox, slack)
    what = "request → first card seen by others, gates asked"
    return [
        Row(f"{what}, p50", p(cards, 0.5), p(lines, 0.5), "ms", "—"),
        Row(
            f"{what}, p95 of {len(cards)}",
            p(cards, 0.95),
            p(lines, 0.95),
            "ms",
            "≤ 500; the peer posts one line at once",
        ),
    ]


async def _cards(sandbox: Sandbox, slack: SlackDriver) -> list[float]:
    port = free_port()
    secret = {"SLACK_SIGNING_SECRET": seed.SIGNING_SECRET}
    environment = bot_environment(sandbox.settings, port, **secret)
    async with _at(sandbox, port, "-m", "bot", "run", environment=environment) as asking:
        await asking.send("help")  # sentences and libraries are read once
        return [await asking.until_seen(slack, f"deploy {each} qa", each) for each in SERVICES]


async def _lines(sandbox: Sandbox, slack: SlackDriver) -> list[float]:
    port = free_port()
    environment = {
        "SIGNING": seed.SIGNING_SECRET,
        "PORT": str(port),
        "CHANNEL": seed.QA_DEPLOYS,
        "TOKEN": sandbox.settings.slack_bot_token.get_secret_value(),
        "API_URL": sandbox.settings.slack_api_url,
    }
    async with _at(sandbox, port, "-m", "tests.bench.bare_bolt", environment=environment) as asking:
        await asking.until_seen(slack, "the first line", "the first line")
        lines = [f"a line about {each}" for each in SERVICES]
        return [await asking.until_seen(slack, line, line) for line in lines]


class _Asking:
    """Somebody who types, through Slack, to a bot on this port."""

    def __init__(self, sandbox: Sandbox, http: aiohttp.ClientSession, port: int) -> None:
        self._sandbox = sandbox
        self._http = http
        events = f"http://127.0.0.1:{port}/slack/events"
        self._orders = {"events": events, "secret": seed.SIGNING_SECRET}

    async def send(self, text: str) -> None:
        await send(self._http, self._orders, slash(self._sandbox, text))

    async def until_seen(self, slack: SlackDriver, text: str, words: str) -> float:
        """Seconds until another person sees a message that begins so; at a pace that Slack takes
        messages of one channel at."""
        await asyncio.sleep(1.2)
        began = time.perf_counter()
        sending = asyncio.ensure_future(self.send(text))
        await slack.message(
            READER, channel=CHANNEL, where=lambda m: m.text.startswith(words), timeout=30
        )
        seconds = time.perf_counter() - began
        await sending
        return seconds


@asynccontextmanager
async def _at(
    sandbox: Sandbox, port: int, *command: str, environment: Mapping[str, str]
) -> AsyncIterator[_Asking]:
    async with running(*command, environment=environment):
        await until_answers(f"http://127.0.0.1:{port}/readyz")
        async with aiohttp.ClientSession() as http:
            yield _Asking(sandbox, http, port)

"""A bot is killed with SIGKILL while a checklist is opened, ticked and shown, and started again.

The world runs in the test, the bot in a process of its own. It dies at the first request of each
kind, before the request takes effect or after it has. In the end there is one message, it shows
what the store holds, and each tick stands in the audit log once.
"""

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from pydantic import TypeAdapter

from bot.app import Dynamo
from bot.domain.checklist import Checklist
from bot.sandbox.launcher import Options, Sandbox, WorldClock, launch
from bot.sandbox.registry.release_table import RELEASES
from bot.sandbox.slack import seed
from bot.sandbox.slack.driver import Message, SlackDriver, SlackRefusal
from tests.processes import bot_environment

ROOT = Path(__file__).parents[2]
PROD = "#production"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
LETHAL = ("chat.postMessage", "chat.update", "chat.getPermalink")


@dataclass(slots=True)
class Executioner:
    when: str
    process: asyncio.subprocess.Process | None = None
    killed_at: list[str] = field(default_factory=list)

    @property
    def middleware(self) -> object:
        @web.middleware
        async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
            step = request.path.removeprefix("/api/")
            kill = step in LETHAL and step not in self.killed_at
            if kill and self.when == "before":
                self.kill(step)
                raise web.HTTPServiceUnavailable
            answer = await handler(request)
            if kill:
                self.kill(step)
            return answer

        return watch

    def kill(self, step: str) -> None:
        assert self.process is not None
        self.killed_at.append(step)
        if self.process.returncode is None:
            os.kill(self.process.pid, signal.SIGKILL)


@asynccontextmanager
async def bot(
    sandbox: Sandbox, home: Path, executioner: Executioner
) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = bot_environment(sandbox.settings, SLACK_APP_TOKEN=seed.APP_TOKEN)
    log = (home / "bot.log").open("ab")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "run", env=environment, stdout=log, stderr=log, cwd=ROOT
    )
    executioner.process = process
    try:
        async with asyncio.timeout(30):
            while not sandbox.slack.socket.connections and process.returncode is None:
                await asyncio.sleep(0.02)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        log.close()


def held_in(path: Path) -> Checklist | None:
    if not path.exists():
        return None
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as db:
        try:
            row = db.execute("select body from checklists").fetchone()
        except sqlite3.OperationalError:  # killed before its tables were made
            return None
    return TypeAdapter(Checklist).validate_json(row[0]) if row else None


def ticks_recorded(path: Path) -> list[str]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as db:
        rows = db.execute("select body from audit").fetchall()
    records = [json.loads(row[0]) for row in rows]
    return [each["after"]["item"] for each in records if each["action"] == "tick"]


async def message_saying(
    slack: SlackDriver, process: asyncio.subprocess.Process, words: str
) -> Message | None:
    """The list's message once it says so; None when the process was killed before."""
    async with asyncio.timeout(40):
        while process.returncode is None:
            for message in await slack.messages("ben", PROD):
                if message.from_app and words in message.words:
                    return message
            await asyncio.sleep(0.05)
    return None


async def try_to(slack: SlackDriver, message: Message, item: str) -> None:
    """Dan presses; what the death of the bot makes of it does not matter here."""
    control = next(
        each
        for each in message.controls
        if each.action_id == "dyn:tick" and each.element["value"].endswith(f"|{item}")
    )
    try:
        await slack._act("U0DAN00000", message, control, {})
    except SlackRefusal:
        return


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_at_every_request_there_is_one_message_and_it_shows_the_store(
    tmp_path: Path, when: str
) -> None:
    executioner = Executioner(when)
    options = Options(keep=tmp_path / "keep", bot=False)
    async with (
        launch(options, middlewares=[executioner.middleware]) as sandbox,
        SlackDriver(sandbox.url) as slack,
    ):
        await slack.watch("ben", "dan")
        path = sandbox.settings.database_path
        opened = None
        while opened is None:  # the first lives: until the message stands
            async with bot(sandbox, tmp_path, executioner) as process:
                if held_in(path) is None:
                    await slack.say("ben", "#general", "/dynamo checklist tasks-service 1.4.0")
                opened = await message_saying(slack, process, "1 of 5")
                if opened is not None:
                    await _settled(path, process)
        shown = None
        while shown is None:  # the next: until the tick is shown
            async with bot(sandbox, tmp_path, executioner) as process:
                held = held_in(path)
                assert held is not None
                if "security-review" not in held.ticks:
                    await try_to(slack, opened, "security-review")
                shown = await message_saying(slack, process, "2 of 5")
        assert {"chat.postMessage", "chat.update"} <= set(executioner.killed_at)
        messages = [m for m in await slack.messages("ben", PROD) if m.from_app]
        assert len(messages) == 1, [m.words for m in messages]
        assert "<@U0DAN00000>" in messages[0].words
        held = held_in(path)
        assert held is not None
        assert held.card.ts == messages[0].ts
        assert sorted(held.ticks) == ["security-review", "tests"]
        assert sorted(ticks_recorded(path)) == ["security-review", "tests"]


async def _settled(path: Path, process: asyncio.subprocess.Process) -> None:
    """Where the message is has been saved, or the process has died before."""
    async with asyncio.timeout(20):
        while process.returncode is None:
            held = held_in(path)
            if held is not None and held.card.ts:
                return
            await asyncio.sleep(0.05)


async def test_a_list_that_waited_for_ci_asks_again_after_a_restart(tmp_path: Path) -> None:
    commit = next(
        each.commit
        for each in RELEASES
        if (each.service, each.version) == ("tasks-service", "1.4.0")
    )
    options = Options(speed=10, keep=tmp_path / "keep", bot=False)
    async with launch(options) as sandbox, SlackDriver(sandbox.url) as slack:
        clock = WorldClock(sandbox.clock)
        sandbox.git_host.set_check("yourorg/tasks-service", commit, "unit", "in_progress")
        first = await Dynamo.start(sandbox.settings, clock=clock)
        await slack.say("ben", "#general", "/dynamo checklist tasks-service 1.4.0")
        await slack.message("ben", channel=PROD, where=lambda m: "0 of 5" in m.words)
        await first.stop()
        sandbox.git_host.set_check("yourorg/tasks-service", commit, "unit", "success")
        second = await Dynamo.start(sandbox.settings, clock=clock)
        try:
            await slack.message("ben", channel=PROD, where=lambda m: "1 of 5" in m.words)
        finally:
            await second.stop()

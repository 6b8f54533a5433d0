"""A real bot process is killed with SIGKILL at each of its requests, and started again.

The world runs in the test, the bot in a process of its own (`dynamo run`), so that a kill is a
kill: nothing is flushed, closed or told. Each kind of request is a step; the first time a step is
seen the process dies, either before the request takes effect or after it has, with its answer lost.
The next process must finish the rollout, apply once, and keep to one card and one reply.
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

from bot.adapters.sqlite_audit import read_file, verify_file
from bot.domain.rollout import Rollout, RolloutState
from bot.sandbox.launcher import Options, Sandbox, launch
from bot.sandbox.slack import seed
from bot.sandbox.slack.driver import Message, SlackDriver
from tests.processes import bot_environment

QA = "#qa-deploys"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Executioner:
    """Kills the bot at the first request of each kind; counts what was let through."""

    when: str  # "before" or "after" the request takes effect
    process: asyncio.subprocess.Process | None = None
    armed: bool = False
    killed_at: list[str] = field(default_factory=list)

    @property
    def middleware(self) -> object:
        @web.middleware
        async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
            step = await step_of(request)
            # The first card means that the request is stored; before that, it is the typist's.
            self.armed = self.armed or step == "chat.postMessage"
            kill = self.armed and step is not None and step not in self.killed_at
            if kill and self.when == "before":
                self.kill(str(step))
                raise web.HTTPServiceUnavailable
            answer = await handler(request)
            if kill:
                self.kill(str(step))
            return answer

        return watch

    def kill(self, step: str) -> None:
        assert self.process is not None
        self.killed_at.append(step)
        if self.process.returncode is None:
            os.kill(self.process.pid, signal.SIGKILL)


async def step_of(request: web.Request) -> str | None:
    """What a request does, where it belongs to a rollout; None for all else (connecting)."""
    path = request.path
    if path.startswith(("/api/chat.", "/api/conversations.")):
        try:
            body = json.loads(await request.text() or "{}")
        except ValueError:
            body = {}
        if path.endswith("chat.update"):
            return f"chat.update {str(body.get('text', '')).split(':')[0]}"
        thread = " in the thread" if body.get("thread_ts") or "replies" in path else ""
        return f"{path.removeprefix('/api/')}{thread}"
    if path.startswith(("/kubernetes/apis/apps", "/kubernetes/api/v1/namespaces")):
        if request.query.get("watch"):
            return f"watch {path.rpartition('/')[2]}"
        dry = " (dry run)" if request.query.get("dryRun") else ""
        return f"{request.method} {path.rpartition('/')[2]}{dry}"
    return None


@asynccontextmanager
async def bot(sandbox: Sandbox, home: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = bot_environment(sandbox.settings, SLACK_APP_TOKEN=seed.APP_TOKEN)
    log = (home / "bot.log").open("ab")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "run", env=environment, stdout=log, stderr=log, cwd=ROOT
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        log.close()


ROOT = Path(__file__).parents[2]


def rollout_in(path: Path) -> Rollout | None:
    """Read beside the running bot: a look at the file, not a second owner of it."""
    if not path.exists():
        return None
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as db:
        try:
            row = db.execute("select body from rollouts").fetchone()
        except sqlite3.OperationalError:  # killed before its tables were made
            return None
    return TypeAdapter(Rollout).validate_json(row[0]) if row else None


async def until_settled(sandbox: Sandbox, process: asyncio.subprocess.Process) -> Rollout | None:
    """The rollout once it has settled; None when the process was killed before."""
    async with asyncio.timeout(60):
        while process.returncode is None:
            found = rollout_in(sandbox.settings.database_path)
            if found is not None and found.settled:
                return found
            await asyncio.sleep(0.05)
    return None


@dataclass(slots=True)
class Story:
    """How it ended, after all the kills."""

    rollout: Rollout
    killed_at: list[str]
    cards: list[Message]
    replies: list[Message]
    changes: int  # how often the Deployment's template was changed
    recorded: list[str]  # the states that the audit log has, in its order


@asynccontextmanager
async def killed_everywhere(
    home: Path, catalog: Path, line: str, when: str
) -> AsyncIterator[Story]:
    """Type the line once, then start the bot again after each kill, to the end of the rollout."""
    executioner = Executioner(when)
    options = Options(keep=home / "keep", config=catalog, bot=False)
    async with (
        launch(options, middlewares=[executioner.middleware]) as sandbox,
        SlackDriver(sandbox.url) as slack,
    ):
        await slack.watch("ben")
        before = generation(sandbox)
        rollout = await first_life(sandbox, slack, home, executioner, line)
        while rollout is None:
            assert len(executioner.killed_at) < 60, executioner.killed_at
            async with bot(sandbox, home) as process:
                executioner.process = process
                rollout = await until_settled(sandbox, process)
        cards = [m for m in await slack.messages("ben", QA) if m.from_app]
        replies = await slack.messages("ben", QA, thread_ts=cards[-1].ts)
        changes = generation(sandbox) - before
        log = list(read_file(sandbox.settings.database_path))
        assert verify_file(sandbox.settings.database_path).flaws == ()
        recorded = [str(record.entry.after["state"]) for record in log]
        yield Story(rollout, executioner.killed_at, cards, replies[1:], changes, recorded)


async def first_life(
    sandbox: Sandbox, slack: SlackDriver, home: Path, executioner: Executioner, line: str
) -> Rollout | None:
    async with bot(sandbox, home) as process:
        executioner.process = process
        async with asyncio.timeout(20):
            while not sandbox.slack.socket.connections:
                await asyncio.sleep(0.02)
        await slack.say("ben", QA, line)
        return await until_settled(sandbox, process)


def generation(sandbox: Sandbox) -> int:
    found = sandbox.world.storage.get("deployments.apps", "dynamo-qa", "tasks-service")
    assert found is not None
    return int(found["metadata"]["generation"])


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_at_every_step_a_rollout_ends_the_same(tmp_path, catalog_file, when):
    line = "/dynamo deploy tasks-service qa"
    async with killed_everywhere(tmp_path, catalog_file, line, when) as story:
        assert story.rollout.state is RolloutState.SUCCEEDED
        assert story.changes == 1, "applied once"
        assert len(story.cards) == 1, "the same card"
        assert story.cards[0].ts == story.rollout.card.ts
        assert "Succeeded" in story.cards[0].words
        assert len(story.replies) == 1, "one reply in its thread"
        states = ["QUEUED", "APPLYING", "PROGRESSING", "SOAKING", "SUCCEEDED"]
        assert story.recorded == states, "each state in the audit log, once"
        for step in ("chat.postMessage", "PATCH tasks-service", "chat.postMessage in the thread"):
            assert step in story.killed_at
        assert len(story.killed_at) >= 8, story.killed_at


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_at_every_step_a_failure_is_still_diagnosed_once(tmp_path, catalog_file, when):
    line = "/dynamo deploy tasks-service dev 1.5.0"
    options = Path(catalog_file)
    options.write_text(options.read_text().replace("C0DEVDEPLOY", "C0QADEPLOYS"))
    async with killed_everywhere(tmp_path, options, line, when) as story:
        assert story.rollout.state is RolloutState.FAILED
        assert len(story.cards) == 1
        assert "DATABASE_URL is not set" in story.cards[0].words
        assert len(story.replies) == 1
        assert story.recorded == ["QUEUED", "APPLYING", "PROGRESSING", "FAILED"]
        assert "kubectl" in story.replies[0].words

"""What tests that kill a bot with SIGKILL have in common: who kills, and lives that begin at once.

The world runs in the test and sees each request of the bot; the `Executioner` stands between them
and kills the bot at the first request of each kind, either before it takes effect or after it has,
with its answer lost. A kill is a kill: nothing is flushed, closed or told. A `Nursery` starts the
next life from a process that has loaded everything already.
"""

import asyncio
import json
import os
import re
import signal
import sqlite3
import sys
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.sandbox.launcher import Options, Sandbox, launch
from bot.sandbox.slack import seed
from bot.sandbox.slack.driver import SlackDriver, SlackRefusal
from tests.processes import bot_environment
from tests.world_bot import world_of

ROOT = Path(__file__).parents[1]
_POD = re.compile(r"-[0-9a-z]{6,10}-[0-9a-z]{5}(?=/log)")  # what is random in its name
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
StepOf = Callable[[web.Request], Awaitable[str | None]]
"""What a request does, by which it is told from others; None for what is not killed at."""


@dataclass(slots=True)
class Life:
    """One bot process: from its start to its end, which is mostly a violent one."""

    pid: int
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def over(self) -> bool:
        return self.ended.is_set()

    def kill(self) -> None:
        if not self.over:
            with suppress(ProcessLookupError):  # it has ended by itself a moment ago
                os.kill(self.pid, signal.SIGKILL)


@dataclass(slots=True)
class Executioner:
    """`when`: "before" or "after" a request takes effect. `arms`: how the step begins from which on
    it kills; "": any. `sees` hears of every answer."""

    when: str
    step_of: StepOf
    arms: str = ""
    sees: Callable[[web.Request, web.StreamResponse], None] = lambda *_: None
    life: Life | None = None
    armed: bool = False
    killed_at: list[str] = field(default_factory=list)

    @property
    def middleware(self) -> Any:
        @web.middleware
        async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
            step = await self.step_of(request)
            self.armed = self.armed or (step or "").startswith(self.arms)
            kill = self.armed and step is not None and step not in self.killed_at
            if kill and self.when == "before":
                await self._kill(str(step))
                raise web.HTTPServiceUnavailable
            answer = await handler(request)
            self.sees(request, answer)
            if kill:
                await self._kill(str(step))
            return answer

        return watch

    async def _kill(self, step: str) -> None:
        assert self.life is not None
        if self.life.over:
            return
        self.killed_at.append(step)
        self.life.kill()
        await self.life.ended.wait()


async def body_of(request: web.Request) -> dict[str, Any]:
    """Of a request to Slack's Web API: JSON or a form; {} where it is neither."""
    text = await request.text()
    if request.content_type == "application/json":
        try:
            found = json.loads(text or "{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}
    return dict(await request.post())


async def step_of(request: web.Request) -> str | None:
    """All that a bot asks of Slack, cluster, registry and git host: messages by where they go and
    how they begin, the rest by method and object. None for what comes from elsewhere."""
    path = request.path
    if path.startswith("/api/"):
        return await _of_slack(request)
    if path.startswith(("/commands/", "/actions/")):
        return f"answer {_head(str((await body_of(request)).get('text', '')))}".strip()
    if path.startswith("/kubernetes/"):
        if request.query.get("watch"):
            return f"watch {path.rpartition('/')[2]}"
        dry = " (dry run)" if request.query.get("dryRun") else ""
        last = _POD.sub("", "/".join(path.split("/")[-3:]))
        return f"{request.method} {last}{dry}"
    if path.startswith("/v2/"):
        kinds = [each for each in path.split("/") if each in {"manifests", "blobs", "tags"}]
        return f"{request.method} {' '.join(kinds)}"
    if path.startswith("/github/"):
        name = path.split("/repos/")[-1].split("/")
        return f"{request.method} {name[0]} {' '.join(name[2:3] + name[4:])}"
    return None


async def _of_slack(request: web.Request) -> str:
    body = await body_of(request)
    step = request.path.removeprefix("/api/")
    if body.get("thread_ts") or "replies" in step:
        step += " in the thread"
    return f"{step} {_head(str(body.get('text', '')))}".strip()


def _head(text: str) -> str:
    """How a message begins: without what is counted in it."""
    return re.split(r"[:(]| done in | after ", text)[0].strip()


@dataclass(slots=True)
class Nursery:
    """`born` is called with each new life, before it can do anything."""

    _process: asyncio.subprocess.Process
    _lives: dict[int, Life] = field(default_factory=dict)
    _births: asyncio.Queue[Life] = field(default_factory=asyncio.Queue)

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator["Nursery"]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.nursery"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        nursery = cls(process)
        hears = asyncio.create_task(nursery._hear())
        try:
            yield nursery
        finally:
            assert process.stdin is not None
            process.stdin.close()
            await process.wait()
            await hears

    @asynccontextmanager
    async def bot(
        self, sandbox: Sandbox, log: Path, *, world: bool = False, **more: str
    ) -> AsyncIterator[Life]:
        """`dynamo run` in this world; with `world`, on its clock and with its builder. `more` are
        further variables of its environment."""
        environment = bot_environment(sandbox.settings, SLACK_APP_TOKEN=seed.APP_TOKEN)
        order = {
            "environment": {**environment, **more},
            "log": str(log),
            "world": world_of(sandbox) if world else None,
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        await self._process.stdin.drain()
        life = await self._births.get()
        try:
            yield life
        finally:
            life.kill()
            await life.ended.wait()

    async def _hear(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            said = json.loads(line)
            if "started" in said:
                life = self._lives[said["started"]] = Life(said["started"])
                self._births.put_nowait(life)
            else:
                self._lives.pop(said["ended"]).ended.set()


async def connected(sandbox: Sandbox, life: Life) -> bool:
    """True once Slack can reach it; False where it was killed before."""
    async with asyncio.timeout(30):
        while not sandbox.slack.socket.connections and not life.over:
            await asyncio.sleep(0.02)
    return not life.over


def rows(path: Path, query: str) -> list[Any]:
    """A look at the database beside the running bot, which is its one owner."""
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as db:
        try:
            return db.execute(query).fetchall()
        except sqlite3.OperationalError:  # killed before its tables were made
            return []


# --- people who go on until it has come to something ---------------------------------------------


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody does in Slack, and by what they know that it has come to something. Whoever was
    not answered, because the bot has died, does it again in its next life."""

    do: Callable[[], Awaitable[object]]
    came: Callable[[], Awaitable[bool]]


@dataclass(slots=True)
class Stage:
    """A world, its people, and a bot that is killed again and again."""

    sandbox: Sandbox
    slack: SlackDriver
    nursery: Nursery
    executioner: Executioner
    home: Path
    lives: int = 0

    @classmethod
    @asynccontextmanager
    async def open(cls, executioner: Executioner, options: Options) -> AsyncIterator["Stage"]:
        assert options.keep is not None
        async with (
            Nursery.open() as nursery,
            launch(options, middlewares=[executioner.middleware]) as sandbox,
            SlackDriver(sandbox.url) as slack,
        ):
            yield cls(sandbox, slack, nursery, executioner, options.keep)

    @property
    def database(self) -> Path:
        return self.sandbox.settings.database_path

    async def play(self, *acts: Act, patience: float = 60) -> None:
        """One act after the other, through as many lives as it takes."""
        left = deque(acts)
        while left:
            self.lives += 1
            assert self.lives < 150, self.executioner.killed_at
            log = self.home / "bot.log"
            begun = self.nursery.bot(self.sandbox, log, world=True)
            async with begun as life, asyncio.timeout(patience):
                self.executioner.life = life
                if await connected(self.sandbox, life):
                    await self._live(life, left)

    async def _live(self, life: Life, left: deque[Act]) -> None:
        while left and not life.over:
            act = left[0]
            if not await act.came() and not await _tried(act, life):
                await asyncio.sleep(0.1)  # a button that was gone in that moment: they look again
                continue
            while not life.over and not await act.came():
                await asyncio.sleep(0.02)
            if await act.came():
                left.popleft()


async def _until_came(act: Act) -> None:
    while not await act.came():
        await asyncio.sleep(0.1)


async def _tried(act: Act, life: Life) -> bool:
    """False where Slack refused it. Nobody waits for the answer of a dead bot, nor for something to
    press that an earlier life has gone past."""
    doing = asyncio.ensure_future(act.do())
    needless = [asyncio.ensure_future(life.ended.wait()), asyncio.ensure_future(_until_came(act))]
    await asyncio.wait([doing, *needless], return_when=asyncio.FIRST_COMPLETED)
    for each in needless:
        each.cancel()
    await asyncio.gather(*needless, return_exceptions=True)
    if not doing.done():
        doing.cancel()
    try:
        await doing
    except asyncio.CancelledError:
        return True
    except SlackRefusal:
        return False
    except TimeoutError:
        if not life.over:
            raise
    return True

"""A Dynamo that lines from terminals reach, over HTTP, in an offline world."""

import asyncio
import hashlib
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from pydantic import SecretStr

from bot.app import Dynamo, Offline
from bot.domain.rollout import Rollout
from bot.sandbox.launcher import CONFIG, Options, Sandbox, WorldClock, launch
from bot.sandbox.simulated_builder import SimulatedBuilder

TOKEN = "a-token-of-ci-that-is-long-enough"
OTHER = "a-token-that-may-look-only"
"""At production; dev and qa are its own."""
DOCS = "a-token-that-deploys-nowhere"
ROOT = Path(__file__).parents[2]


def tokens(*named: tuple[str, str, str]) -> SecretStr:
    pieces = (f"{n}={r}:{hashlib.sha256(t.encode()).hexdigest()}" for n, r, t in named)
    return SecretStr(",".join(pieces))


@dataclass(frozen=True, slots=True)
class Done:
    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Told:
    messages: list[dict[str, Any]]

    @property
    def outcome(self) -> str:
        return str(self.messages[-1]["outcome"])

    @property
    def words(self) -> str:
        return "\n".join(str(each["text"]) for each in self.messages)


@dataclass(frozen=True, slots=True)
class Served:
    sandbox: Sandbox
    dynamo: Dynamo
    url: str

    async def do(self, *words: str, token: str = TOKEN, url: str = "") -> Done:
        """The real command in a process of its own."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        environment = {**kept, "DYNAMO_URL": url or self.url, "DYNAMO_TOKEN": token, "LANG": "C"}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "do", *words,
            cwd=ROOT, env=environment,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(60):
            out, err = await process.communicate()
        return Done(process.returncode or 0, out.decode(), err.decode())

    async def told(self, line: str, token: str = TOKEN, **more: object) -> Told:
        """The same without the process: what it is sent, to the end."""
        status, text = await self.post({"line": line, **more}, token)
        assert status == 200, text
        return Told([json.loads(each) for each in text.splitlines()])

    async def post(self, body: object, token: str = TOKEN) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.url}/do", json=body, headers=headers) as answer,
        ):
            return answer.status, await answer.text()

    async def newest(self) -> Rollout:
        return (await self.dynamo.edges.store.recent())[0]


@asynccontextmanager
async def serving(keep: Path, config: Path = CONFIG) -> AsyncIterator[Served]:
    options = Options(speed=10, keep=keep, bot=False, config=config)
    async with launch(options) as sandbox:
        names = ("ci-tasks", "developers", TOKEN), ("ci-looks", "qa", OTHER)
        given = tokens(*names, ("ci-docs", "docs", DOCS))
        settings = sandbox.settings.model_copy(update={"dynamo_tokens": given})
        builder = SimulatedBuilder(sandbox.world.registry, sandbox.clock)
        offline = Offline(builder, sandbox.sources, sandbox.addresses)
        clock = WorldClock(sandbox.clock)
        dynamo = await Dynamo.start(settings, clock=clock, offline=offline)
        yield Served(sandbox, dynamo, f"http://127.0.0.1:{dynamo.port}")
        await dynamo.stop()

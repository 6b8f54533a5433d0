"""A real bot process is killed with SIGKILL while it builds on a real Docker Engine, and started
again: at each kind of request that it, or the engine for it, makes of Slack, registry and cluster.

However often, there is one build, one image under the version's tag, one card and one rollout.
"""

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from bot.sandbox.launcher import CONFIG, Options, launch
from bot.sandbox.slack import seed
from bot.sandbox.slack.driver import SlackDriver
from tests.processes import bot_environment

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[3]
DEV = "#dev-deploys"


class Executioner:
    """Kills the bot at the first request of each kind, before or after it takes effect."""

    def __init__(self, when: str) -> None:
        self.when = when
        self.process: asyncio.subprocess.Process | None = None
        self.armed = False
        self.killed_at: list[str] = []
        self.pushed: dict[str, set[str]] = {}  # digests by tag

    def middleware(self) -> Any:
        @web.middleware
        async def watch(request: web.Request, handler: Any) -> web.StreamResponse:
            step = await self.step_of(request)
            self.armed = self.armed or step == "chat.postMessage"
            kill = self.armed and step is not None and step not in self.killed_at
            if kill and self.when == "before":
                self.kill(str(step))
                raise web.HTTPServiceUnavailable
            answer: web.StreamResponse = await handler(request)
            if request.method == "PUT" and "/manifests/" in request.path:
                tag = request.path.rpartition("/")[2]
                digest = answer.headers["Docker-Content-Digest"]
                self.pushed.setdefault(tag, set()).add(digest)
            if kill:
                self.kill(str(step))
            return answer

        return watch

    async def step_of(self, request: web.Request) -> str | None:
        path = request.path
        if path.startswith("/api/chat."):
            body = json.loads(await request.text() or "{}")
            thread = " in the thread" if body.get("thread_ts") else ""
            words = body.get("text", "").split(":")[0] if path.endswith("update") else ""
            return f"{path.removeprefix('/api/')}{thread} {words}".strip()
        if path.startswith("/v2/dynamo/"):
            _, _, rest = path.partition("/tasks-service/")
            return f"{request.method} {rest.partition('/')[0]}"
        if path.startswith("/kubernetes/apis/apps") and request.method == "PATCH":
            return f"apply {'(dry run)' if request.query.get('dryRun') else ''}".strip()
        return None

    def kill(self, step: str) -> None:
        self.killed_at.append(step)
        if self.process is not None and self.process.returncode is None:
            os.kill(self.process.pid, signal.SIGKILL)


@asynccontextmanager
async def bot(settings: Any, engine: str, home: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = bot_environment(settings, SLACK_APP_TOKEN=seed.APP_TOKEN, DOCKER_HOST=engine)
    with (home / "bot.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "run", env=environment, stdout=log, stderr=log, cwd=ROOT
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@pytest.fixture
def catalog(tmp_path: Path, repository: Any) -> Path:
    """The sample, with short stability windows and a repository that is a real one."""
    sample = yaml.safe_load(CONFIG.read_text())
    for environment in sample["environments"]:
        environment["stability_window"] = "1s"
    for name, service in sample["services"].items():
        service["manifests"] = str(CONFIG.parent / "k8s" / name)
    sample["services"]["tasks-service"] |= {
        "repository": str(repository.bare),
        "build": "echo built >> app.txt",
        "ci": "none",
    }
    path = tmp_path / "dynamo.yml"
    path.write_text(yaml.safe_dump(sample, sort_keys=False, allow_unicode=True))
    return path


def rows(path: Path, query: str) -> list[Any]:
    if not path.exists():
        return []
    with closing(sqlite3.connect(path, timeout=5)) as db:
        try:
            return db.execute(query).fetchall()
        except sqlite3.OperationalError:  # killed before its tables were made
            return []


async def over(path: Path, process: asyncio.subprocess.Process) -> bool:
    """True once build and rollout have settled; False when the process was killed before."""
    while process.returncode is None:
        builds = rows(path, "select settled from builds")
        rollouts = rows(path, "select settled from rollouts")
        if builds == [(1,)] and rollouts == [(1,)]:
            return True
        await asyncio.sleep(0.05)
    return False


@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_at_every_step_a_build_ends_with_one_digest_one_card_and_one_rollout(
    engine, repository, catalog, tmp_path, when
):
    home = tmp_path / "keep"
    executioner = Executioner(when)
    options = Options(keep=home, bot=False, config=catalog)
    async with (
        launch(options, [executioner.middleware()]) as world,
        SlackDriver(world.url) as slack,
    ):
        await slack.watch("ben")
        database = home / "dynamo.db"
        async with bot(world.settings, engine, tmp_path) as process:
            executioner.process = process
            async with asyncio.timeout(30):
                while not world.slack.socket.connections:
                    await asyncio.sleep(0.05)
            await slack.say("ben", DEV, "/dynamo deploy tasks-service dev main")
            await over(database, process)
        done = False
        while not done:
            assert len(executioner.killed_at) < 40, executioner.killed_at
            async with bot(world.settings, engine, tmp_path) as process:
                executioner.process = process
                async with asyncio.timeout(60):
                    done = await over(database, process)

        for step in ("chat.postMessage", "PUT manifests", "apply"):
            assert step in executioner.killed_at
        [(body,)] = rows(database, "select body from builds")
        [(rollout,)] = rows(database, "select body from rollouts")
        built, rolled = json.loads(body), json.loads(rollout)
        assert (built["state"], rolled["state"]) == ("BUILT", "SUCCEEDED")
        assert built["commit"] == repository.git("rev-parse", "HEAD")
        assert executioner.pushed[built["version"]] == {built["digest"]}
        assert rolled["image"]["digest"] == built["digest"]
        told = rows(database, "select body from audit")
        assert sum('"action":"built"' in each for (each,) in told) == 1
        cards = [m for m in await slack.messages("ben", DEV) if m.from_app and not m.ephemeral]
        assert len(cards) == 1
        assert built["version"] in cards[0].words
        assert list((home / "builds").iterdir()) == []

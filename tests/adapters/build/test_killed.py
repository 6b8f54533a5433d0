"""A real bot process is killed with SIGKILL while it builds on a real Docker Engine, and started
again: at each kind of request that it, or the engine for it, makes of Slack, registry and cluster.

However often, there is one build, one image under the version's tag, one card and one rollout.
"""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.sandbox.launcher import Options, launch
from bot.sandbox.slack.driver import SlackDriver
from tests.killing import Executioner, Life, Nursery, connected, rows
from tests.samples import sample

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(300)]

DEV = "#dev-deploys"


async def step_of(request: web.Request) -> str | None:
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


@pytest.fixture
def catalog(tmp_path: Path, repository: Any) -> Path:
    """The sample, with short stability windows and a repository that is a real one."""

    def real_repository(content: dict[str, Any]) -> None:
        content["services"]["tasks-service"] |= {
            "repository": str(repository.bare),
            "build": "echo built >> app.txt",
            "ci": "none",
        }

    return sample(tmp_path, real_repository, window="1s")


async def over(path: Path, life: Life) -> bool:
    """True once build and rollout have settled; False when the process was killed before."""
    while not life.over:
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
    pushed: dict[str, set[str]] = {}  # digests by tag

    def sees(request: web.Request, answer: web.StreamResponse) -> None:
        if request.method == "PUT" and "/manifests/" in request.path:
            tag = request.path.rpartition("/")[2]
            pushed.setdefault(tag, set()).add(answer.headers["Docker-Content-Digest"])

    executioner = Executioner(when, step_of, arms="chat.postMessage", sees=sees)
    options = Options(keep=home, bot=False, config=catalog)
    async with (
        Nursery.open() as nursery,
        launch(options, [executioner.middleware]) as world,
        SlackDriver(world.url) as slack,
    ):
        await slack.watch("ben")
        database = home / "dynamo.db"
        done = typed = False
        while not done:
            assert len(executioner.killed_at) < 40, executioner.killed_at
            begun = nursery.bot(world, tmp_path / "bot.log", DOCKER_HOST=engine)
            async with begun as executioner.life, asyncio.timeout(60):
                if not typed and await connected(world, executioner.life):
                    await slack.say("ben", DEV, "/dynamo deploy tasks-service dev main")
                    typed = True
                done = await over(database, executioner.life)

        for step in ("chat.postMessage", "PUT manifests", "apply"):
            assert step in executioner.killed_at
        [(body,)] = rows(database, "select body from builds")
        [(rollout,)] = rows(database, "select body from rollouts")
        built, rolled = json.loads(body), json.loads(rollout)
        assert (built["state"], rolled["state"]) == ("BUILT", "SUCCEEDED")
        assert built["commit"] == repository.git("rev-parse", "HEAD")
        assert pushed[built["version"]] == {built["digest"]}
        assert rolled["image"]["digest"] == built["digest"]
        told = rows(database, "select body from audit")
        assert sum('"action":"built"' in each for (each,) in told) == 1
        cards = [m for m in await slack.messages("ben", DEV) if m.from_app and not m.ephemeral]
        assert len(cards) == 1
        assert built["version"] in cards[0].words
        assert list((home / "builds").iterdir()) == []

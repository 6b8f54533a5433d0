"""From starting the process to ready, and its memory, with 200 active rollouts to go on with.

The peer is a Bolt app with one empty handler: what any Slack bot in Python costs before it does
anything.
"""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import aiohttp

from bot.adapters.sqlite_database import SqliteConnection
from bot.adapters.tables.rollouts import RolloutTable
from bot.domain.image import Image
from bot.domain.judgement import Change
from bot.domain.rollout import Actor, CardRef, Rollout, RolloutState
from bot.sandbox.launcher import Options, Sandbox, launch
from bot.sandbox.slack import seed
from tests.bench.processes import (
    resident_mb,
    running,
    until_answers,
)
from tests.bench.rows import Row
from tests.processes import bot_environment
from tests.programs import free_port

ROLLOUTS = 200
TURNS = 3
REPOSITORY = "registry.yourapp.com/dynamo/tasks-service"


def run() -> list[Row]:
    return asyncio.run(_measure())


async def _measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as home:
        async with launch(Options(keep=Path(home), bot=False)) as sandbox:
            sandbox.slack.rates.mode = "off"
            await _two_hundred(sandbox)
            ours = [await _start(sandbox) for _ in range(TURNS)]
            peer = [await _bare() for _ in range(TURNS)]
    seconds, memory = zip(*ours, strict=True)
    their_seconds, their_memory = zip(*peer, strict=True)
    return [
        Row(
            f"start to ready, {ROLLOUTS} active rollouts",
            statistics.median(seconds),
            statistics.median(their_seconds),
            "s",
            "≤ 1.5",
        ),
        Row(
            f"resident memory, {ROLLOUTS} active rollouts",
            max(memory),
            max(their_memory),
            "MB",
            "≤ 150",
        ),
    ]


async def _start(sandbox: Sandbox) -> tuple[float, float]:
    port = free_port()
    environment = bot_environment(sandbox.settings, port, SLACK_APP_TOKEN=seed.APP_TOKEN)
    began = time.perf_counter()
    async with running("-m", "bot", "run", environment=environment) as process:
        await until_answers(f"http://127.0.0.1:{port}/readyz")
        seconds = time.perf_counter() - began
        await asyncio.sleep(5)  # let it read all 200 and follow them
        return seconds, resident_mb(process.pid)


async def _bare() -> tuple[float, float]:
    port = free_port()
    environment = {"SIGNING": seed.SIGNING_SECRET, "PORT": str(port)}
    began = time.perf_counter()
    async with running("-m", "tests.bench.bare_bolt", environment=environment) as process:
        await until_answers(f"http://127.0.0.1:{port}/readyz")
        return time.perf_counter() - began, resident_mb(process.pid)


async def _two_hundred(sandbox: Sandbox) -> None:
    """Deployments in the cluster, and rollouts of them in the store, each with its card."""
    found = sandbox.world.storage.get("deployments.apps", "dynamo-qa", "tasks-service")
    assert found is not None
    image = found["spec"]["template"]["spec"]["containers"][0]["image"]
    connection = SqliteConnection(str(sandbox.settings.database_path))
    await connection.open()
    store = RolloutTable(connection)
    now = sandbox.clock.now()
    session = aiohttp.ClientSession(headers={"Authorization": f"Bearer {seed.BOT_TOKEN}"})
    for number in range(ROLLOUTS):
        name = f"service-{number:03}"
        labels = {"app.kubernetes.io/name": name}
        manifest = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "labels": labels},
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{"name": name, "image": image}]},
                },
            },
        }
        sandbox.world.seed("qa", "dynamo-qa", [manifest], image, "1.3.2", 1)
        card = await _post(session, sandbox, name)
        await store.add(
            Rollout(
                id=f"bench{number:03}",
                service=name,
                environment="qa",
                namespace="dynamo-qa",
                context="",
                image=Image(REPOSITORY, "1.3.2", image.partition("@")[2]),
                version="1.3.2",
                requested_by=Actor(seed.BEN),
                requested_at=now,
                line=f"deploy {name} qa",
                card=CardRef(seed.QA_DEPLOYS, card),
                state=RolloutState.PROGRESSING,
                before_generation=0,
                applying_since=now,
                change=Change(now, 1),
                stability_seconds=3600,
            )
        )
    await session.close()
    await connection.close()


async def _post(session: aiohttp.ClientSession, sandbox: Sandbox, text: str) -> str:
    body = {"channel": seed.QA_DEPLOYS, "text": text}
    async with session.post(f"{sandbox.url}/api/chat.postMessage", json=body) as answer:
        return str((await answer.json())["ts"])

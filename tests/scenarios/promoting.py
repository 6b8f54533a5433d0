"""What stories about promotions have in common: a world, what people wait for, what is read."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from bot.domain.gate import Gate
from bot.domain.rollout import Rollout
from bot.sandbox.launcher import CONFIG, Sandbox
from bot.sandbox.slack.driver import Message, SlackDriver
from tests.scenarios.passing import a_moment

PRODUCTION = "#production"
PRODUCTION_ID = "C0PRODUCTN"
QA = "#qa-deploys"
SERVICE = "tasks-service"
PATIENCE = 60.0

Change = Callable[[dict[str, Any]], None]


def catalog(path: Path, *changes: Change) -> Path:
    """The sample with short windows and no checklist, so that a story is about its approvals."""
    content = yaml.safe_load(CONFIG.read_text())
    for environment in content["environments"]:
        environment["stability_window"] = "2s"
        environment["requires"] = []
    shutil.copytree(CONFIG.parent / "k8s", path.parent / "k8s")
    for change in changes:
        change(content)
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
    return path


def production(content: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = content["environments"][-1]
    return found


async def until(sandbox: Sandbox, holds: Callable[[Rollout], bool]) -> Rollout:
    """The newest rollout, once it is so."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await sandbox.dynamo.edges.store.recent()
            if found and holds(found[0]):
                return found[0]
            await a_moment(sandbox)


async def private(slack: SlackDriver, user: str, said: str, after: str = "") -> Message:
    return await slack.message(
        user,
        where=lambda m: m.ephemeral and m.from_app and said in m.words,
        after=after,
        timeout=PATIENCE,
    )


async def card(slack: SlackDriver, said: str = "", channel: str = PRODUCTION) -> Message:
    """The card in the channel, once it says so."""
    return await slack.message(
        "ben",
        channel=channel,
        where=lambda m: (
            m.from_app and not m.ephemeral and m.thread_ts in (None, m.ts) and said in m.words
        ),
        timeout=PATIENCE,
    )


async def asked_for(slack: SlackDriver, user: str = "ben") -> Message:
    await slack.say(user, PRODUCTION, f'/dynamo promote {SERVICE} prod --reason "fixes #231"')
    refusal = await private(slack, user, "was not started")
    await slack.click(user, refusal, "dyn:ask")
    return await card(slack, "Waiting")


async def running(sandbox: Sandbox, namespace: str = "dynamo") -> str:
    look = await sandbox.dynamo.edges.cluster.workload("", namespace, SERVICE)
    assert look.deployment is not None
    return look.deployment.version


async def audit(sandbox: Sandbox, action: str) -> list[Any]:
    records = await sandbox.dynamo.edges.audit.page(SERVICE, "prod", limit=200)
    return [record.entry for record in records if record.entry.action == action]


def closed(rollout: Rollout) -> set[Gate]:
    return {gate.gate for gate in rollout.gates if not gate.ok}

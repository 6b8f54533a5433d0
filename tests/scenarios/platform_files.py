"""The sample configuration as files of one's own: a test may edit what an operator edits."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import yaml

from bot.domain.audit import AuditEntry
from bot.domain.rollout import Rollout
from bot.sandbox.launcher import CONFIG, Options, Sandbox, launch
from bot.sandbox.slack.driver import Message, SlackDriver
from tests.scenarios.passing import a_moment

T = TypeVar("T")
PATIENCE = 60.0
SERVICE, CONFIG_MAP = "tasks-service", "tasks-service-config"
QA, PRODUCTION = "#qa-deploys", "#production"
NAMESPACES = {"dev": "dynamo-dev", "qa": "dynamo-qa", "prod": "dynamo"}


def files(home: Path, edit: Callable[[dict[str, Any]], None] = lambda _: None) -> Path:
    """A copy of the sample, with short stability windows and what `edit` does to its dynamo.yml."""
    folder = home / "platform"
    shutil.copytree(CONFIG.parent / "k8s", folder / "k8s")
    whole = yaml.safe_load(CONFIG.read_text())
    for environment in whole["environments"]:
        environment["stability_window"] = "1s"
    edit(whole)
    path = folder / "dynamo.yml"
    path.write_text(yaml.safe_dump(whole, sort_keys=False, allow_unicode=True))
    return path


@asynccontextmanager
async def world(home: Path, config: Path) -> AsyncIterator[Sandbox]:
    async with launch(Options(speed=10, keep=home / "keep", config=config)) as sandbox:
        yield sandbox


def config_file(config: Path, name: str = "config.yaml") -> Path:
    return config.parent / "k8s" / SERVICE / name


def edit_config(config: Path, name: str = "config.yaml", /, **data: str | None) -> None:
    """Put keys into a config file, or take them out (None)."""
    path = config_file(config, name)
    manifest = yaml.safe_load(path.read_text())
    for key, value in data.items():
        manifest["data"].pop(key, None)
        if value is not None:
            manifest["data"][key] = value
    path.write_text(yaml.safe_dump(manifest, sort_keys=False))


def live_config(sandbox: Sandbox, environment: str = "qa") -> dict[str, str]:
    found = sandbox.world.storage.get("configmaps", NAMESPACES[environment], CONFIG_MAP)
    assert found is not None
    return dict(found["data"])


def set_live(sandbox: Sandbox, environment: str, /, **data: str) -> None:
    """Somebody edits a ConfigMap by hand."""
    storage = sandbox.world.storage
    found = storage.get("configmaps", NAMESPACES[environment], CONFIG_MAP)
    assert found is not None
    changed = {**found, "data": {**found["data"], **data}}
    storage.update("configmaps", changed, manager="kubectl-edit")


async def answer(slack: SlackDriver, user: str, words: str, after: str = "") -> Message:
    """What this person alone is told."""
    return await slack.message(
        user,
        where=lambda m: m.ephemeral and m.from_app and words in m.words,
        after=after,
        timeout=PATIENCE,
    )


async def typed(slack: SlackDriver, user: str, line: str, words: str = "") -> Message:
    """Type a line; its private answer, once it is there."""
    await slack.say(user, QA, line)
    return await answer(slack, user, words)


async def told(slack: SlackDriver, user: str, words: str, channel: str = QA) -> Message:
    """What the bot says to the whole channel."""
    return await slack.message(
        user,
        where=lambda m: m.from_app and not m.ephemeral and words in m.words,
        channel=channel,
        timeout=PATIENCE,
    )


async def until(seen: Callable[[], Awaitable[T | None]]) -> T:
    """What is seen, once it is there."""
    async with asyncio.timeout(30):
        while True:
            found = await seen()
            if found is not None:
                return found
            await asyncio.sleep(0.05)


async def audit(sandbox: Sandbox) -> list[AuditEntry]:
    """Oldest first."""
    page = await sandbox.dynamo.edges.audit.page(limit=100)
    return [record.entry for record in page][::-1]


async def settled(sandbox: Sandbox, environment: str = "qa") -> Rollout:
    """The newest rollout of the service there, once Slack has confirmed its end."""

    async def seen() -> Rollout | None:
        await a_moment(sandbox)
        found = await sandbox.dynamo.edges.store.recent(SERVICE, environment)
        return found[0] if found and found[0].settled else None

    return await until(seen)

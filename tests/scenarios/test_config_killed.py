"""A bot is killed with SIGKILL from the write of a configuration on, at each of its requests, and
started again: the ConfigMap has what was confirmed, the pods were restarted with it once, and the
channel and the audit log tell of it once."""

from pathlib import Path

import pytest
from aiohttp import web
from pydantic import TypeAdapter

from bot.adapters.audit_reading import read_log, verify_log
from bot.domain.kind import Kind
from bot.domain.rollout import Rollout, RolloutState
from bot.sandbox.launcher import Options
from bot.sandbox.slack.driver import SlackDriver
from tests.killing import Act, Executioner, Stage, rows, step_of
from tests.scenarios.platform_files import CONFIG_MAP, QA, edit_config, files, live_config

_LINE = "/dynamo config tasks-service qa"
_WRITES = ("PATCH ", "POST ", "PUT ", "chat.postMessage", "answer")


async def writing(request: web.Request) -> str | None:
    """What changes something, or is told: reading is killed elsewhere."""
    step = await step_of(request)
    return step if step and step.startswith(_WRITES) and "dry run" not in step else None


def restarts(path: Path) -> list[Rollout]:
    found = rows(path, "select body from rollouts")
    read = (TypeAdapter(Rollout).validate_json(body) for (body,) in found)
    return [each for each in read if each.kind is Kind.RESTART]


async def confirm(slack: SlackDriver) -> None:
    """Ask anew, and press what is shown to the newest question."""
    last = [message.ts for message in await slack.messages("ben", QA)][-1:]
    await slack.say("ben", QA, _LINE)
    question = await slack.message(
        "ben",
        where=lambda m: m.ephemeral and "would change" in m.words,
        after=last[0] if last else "",
        timeout=60,
    )
    await slack.click("ben", question, "Apply")


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_from_the_write_on_a_configuration_is_applied_and_told_once(
    tmp_path: Path, when: str
) -> None:
    config = files(tmp_path)
    executioner = Executioner(when, writing, arms=f"PATCH dynamo-qa/configmaps/{CONFIG_MAP}")
    options = Options(keep=tmp_path / "keep", config=config, bot=False, speed=5)
    async with Stage.open(executioner, options) as stage:
        await stage.slack.watch("ben")
        edit_config(config, LOG_LEVEL="warn")

        async def settled() -> bool:
            return any(each.settled for each in restarts(stage.database))

        async def begun() -> bool:
            return bool(restarts(stage.database))

        await stage.play(
            Act(lambda: confirm(stage.slack), begun), Act(nothing, settled), patience=120
        )
        assert live_config(stage.sandbox)["LOG_LEVEL"] == "warn"
        (restart,) = restarts(stage.database)
        assert restart.state is RolloutState.SUCCEEDED
        channel = [m for m in await stage.slack.messages("ben", QA) if m.from_app]
        told = [m for m in channel if "applied the configuration" in m.words]
        assert len(told) == 1, [m.words for m in channel]
        assert verify_log(stage.database).flaws == ()
        actions = [record.entry.action for record in read_log(stage.database)]
        assert actions.count("config") == 1, actions
        killed = executioner.killed_at
        assert killed[0].startswith("PATCH dynamo-qa/configmaps/"), killed
        assert any("deployments/tasks-service" in step for step in killed), killed
        assert len(killed) >= 4, killed


async def nothing() -> None:
    """Nobody has to do anything for it."""

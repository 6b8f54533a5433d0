"""A real bot process is killed with SIGKILL at each of its requests, and started again.

The world runs in the test, the bot in a process of its own (`dynamo run`), so that a kill is a
kill: nothing is flushed, closed or told. Each kind of request is a step; the first time a step is
seen the process dies, either before the request takes effect or after it has, with its answer lost.
The next process must finish the rollout, apply once, and keep to one card and one reply.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from bot.adapters.audit_reading import read_log, verify_log
from bot.domain.kind import Kind
from bot.domain.rollout import Rollout, RolloutState
from bot.sandbox.launcher import Options, Sandbox, launch
from bot.sandbox.slack.driver import Message, SlackDriver
from tests.killing import Executioner, Life, Nursery, connected, rows, step_of

QA = "#qa-deploys"
SPEED = 5.0


async def until_settled(sandbox: Sandbox, life: Life, kind: Kind | None = None) -> Rollout | None:
    """The rollout once it has settled; None when the process was killed before."""
    async with asyncio.timeout(60):
        while not life.over:
            for (body,) in rows(sandbox.settings.database_path, "select body from rollouts"):
                found = TypeAdapter(Rollout).validate_json(body)
                if found.settled and kind in (None, found.kind):
                    return found
            await asyncio.sleep(0.02)
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
    # The first card means that the request is stored; before that, it is the typist's.
    executioner = Executioner(when, step_of, arms="chat.postMessage")
    options = Options(keep=home / "keep", config=catalog, bot=False, speed=SPEED)
    async with (
        Nursery.open() as nursery,
        launch(options, middlewares=[executioner.middleware]) as sandbox,
        SlackDriver(sandbox.url) as slack,
    ):
        await slack.watch("ben")
        before = generation(sandbox)
        typed = False
        rollout = None
        while rollout is None:
            assert len(executioner.killed_at) < 60, executioner.killed_at
            async with nursery.bot(sandbox, home / "bot.log", world=True) as life:
                executioner.life = life
                if not typed and await connected(sandbox, life):
                    await slack.say("ben", QA, line)
                    typed = True
                rollout = await until_settled(sandbox, life)
        cards = [m for m in await slack.messages("ben", QA) if m.from_app]
        replies = await slack.messages("ben", QA, thread_ts=cards[-1].ts)
        changes = generation(sandbox) - before
        log = list(read_log(sandbox.settings.database_path))
        assert verify_log(sandbox.settings.database_path).flaws == ()
        states = [record.entry.after.get("state") for record in log]
        recorded = [str(state) for state in states if state]  # its checklist is not meant
        yield Story(rollout, executioner.killed_at, cards, replies[1:], changes, recorded)


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
        for step in (
            "chat.postMessage tasks-service 1.4.0",
            "PATCH dynamo-qa/deployments/tasks-service",
            "chat.postMessage in the thread",
        ):
            assert any(each.startswith(step) for each in story.killed_at), story.killed_at
        assert len(story.killed_at) >= 15, story.killed_at


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
        assert "GET pods/tasks-service/log" in story.killed_at, story.killed_at


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_at_every_step_a_scaling_sets_its_number_once(tmp_path, catalog_file, when):
    line = "/dynamo scale tasks-service qa +2"
    async with killed_everywhere(tmp_path, catalog_file, line, when) as story:
        assert story.rollout.state is RolloutState.SUCCEEDED
        assert (story.rollout.scaling.before, story.rollout.scaling.replicas) == (3, 5)
        assert story.changes == 1, "+2 is added once, however often it is written"
        assert len(story.cards) == len(story.replies) == 1
        assert story.recorded == ["QUEUED", "APPLYING", "PROGRESSING", "SUCCEEDED"]
        assert [step for step in story.killed_at if step.startswith("PATCH") and "scale" in step]


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_at_every_step_a_rollback_goes_back_once_and_leaves_one_lock(
    tmp_path, catalog_file, when
):
    """A life that is not killed deploys; then each step of the way back is a death."""
    executioner = Executioner(when, step_of, arms="never")
    options = Options(keep=tmp_path / "keep", config=catalog_file, bot=False, speed=SPEED)
    async with (
        Nursery.open() as nursery,
        launch(options, middlewares=[executioner.middleware]) as sandbox,
        SlackDriver(sandbox.url) as slack,
    ):
        await slack.watch("ben")
        async with nursery.bot(sandbox, tmp_path / "bot.log", world=True) as life:
            executioner.life = life
            await connected(sandbox, life)
            await slack.say("ben", QA, "/dynamo deploy tasks-service qa")
            deployed = await until_settled(sandbox, life)
            assert deployed is not None
            assert deployed.state is RolloutState.SUCCEEDED
        before, shown = generation(sandbox), len(await slack.messages("ben", QA))
        executioner.arms, typed, back = "chat.postMessage", False, None
        while back is None:
            assert len(executioner.killed_at) < 60, executioner.killed_at
            async with nursery.bot(sandbox, tmp_path / "bot.log", world=True) as life:
                executioner.life = life
                if not typed and await connected(sandbox, life):
                    await slack.say("ben", QA, "/dynamo rollback tasks-service qa")
                    typed = True
                back = await until_settled(sandbox, life, kind=Kind.ROLLBACK)
        assert (back.state, back.version) == (RolloutState.SUCCEEDED, "1.3.2")
        assert generation(sandbox) - before == 1, "written once"
        for step in ("PATCH", "chat.postMessage in the thread"):
            assert any(step in killed for killed in executioner.killed_at), executioner.killed_at
        new = [m for m in (await slack.messages("ben", QA))[shown:] if m.from_app]
        assert len([m for m in new if "rolled back" in m.words]) == 1, "one card"
        thread = await slack.messages("ben", QA, thread_ts=back.card.ts)
        assert len([m for m in thread[1:] if "rolled back from" in m.words]) == 1
        log = list(read_log(sandbox.settings.database_path))
        assert verify_log(sandbox.settings.database_path).flaws == ()
        assert [record.entry.action for record in log].count("lock") == 1
        states = [
            record.entry.after["state"]
            for record in log
            if record.entry.after.get("rollout") == back.id and "state" in record.entry.after
        ]
        assert states == ["QUEUED", "APPLYING", "PROGRESSING", "SUCCEEDED"]

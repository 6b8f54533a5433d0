"""The bot is killed with SIGKILL at each request of an analysis, and started again.

From the first word of the summary to the end of the rollback that follows by itself: one message,
one reply in its thread, one way back, each decision in the log once.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from bot.adapters.audit_reading import read_log, verify_log
from bot.domain.analysis import Analysis, Follow, Stage
from bot.domain.rollout import Rollout, RolloutState
from bot.sandbox.launcher import Options, Sandbox, launch
from bot.sandbox.slack.driver import Message, SlackDriver
from tests.killing import Executioner, Life, Nursery, connected, rows, step_of
from tests.pretended_looks import VARIABLE
from tests.samples import in_qa, sample

QA = "#qa-deploys"
SPEED = 15.0
WORSE = "tasks-service 1.4.0 in QA is worse"


def catalog_of(home: Path, *, final: str = "30s", **changes: object) -> Path:
    analysis = {"warm_up": "1s", "provisional": "10s", "final": final}
    return sample(home, in_qa(requires=[], analysis=analysis, **changes), window="1s")


@dataclass(slots=True)
class Story:
    analysis: Analysis
    rollouts: list[Rollout]
    killed_at: list[str]
    summaries: list[Message]
    replies: list[Message]
    decisions: list[tuple[str, str]]


async def killed_everywhere(home: Path, config: Path, when: str) -> Story:
    executioner = Executioner(when, step_of, arms=f"chat.postMessage {WORSE}")
    options = Options(keep=home / "keep", config=config, bot=False, speed=SPEED)
    async with (
        Nursery.open() as nursery,
        launch(options, middlewares=[executioner.middleware]) as sandbox,
        SlackDriver(sandbox.url) as slack,
    ):
        await slack.watch("ben")
        typed = False
        analysis = None
        while analysis is None:
            assert len(executioner.killed_at) < 60, executioner.killed_at
            looks = {VARIABLE: "1.4.0=fail"}
            async with nursery.bot(sandbox, home / "bot.log", world=True, **looks) as life:
                executioner.life = life
                if not typed and await connected(sandbox, life):
                    await slack.say("ben", QA, "/dynamo deploy tasks-service qa")
                    typed = True
                analysis = await until_settled(sandbox, life)
        said = [m for m in await slack.messages("ben", QA) if m.from_app]
        summaries = [m for m in said if "1.4.0 in QA" in m.words and "❌" in m.words]
        replies = await slack.messages("ben", QA, thread_ts=summaries[-1].ts)
        path = sandbox.settings.database_path
        assert verify_log(path).flaws == ()
        log = [record.entry for record in read_log(path)]
        rollouts = [_rollout(body) for (body,) in rows(path, "select body from rollouts")]
        return Story(
            analysis,
            rollouts,
            executioner.killed_at,
            summaries,
            replies[1:],
            [(e.action, str(e.after["follow"])) for e in log if "follow" in e.after],
        )


async def until_settled(sandbox: Sandbox, life: Life) -> Analysis | None:
    """The deploy's analysis once it and every rollout have settled; None when killed before."""
    path = sandbox.settings.database_path
    async with asyncio.timeout(90):
        while not life.over:
            rollouts = [_rollout(body) for (body,) in rows(path, "select body from rollouts")]
            query = "select body from analyses where settled = 1"
            found = [TypeAdapter(Analysis).validate_json(body) for (body,) in rows(path, query)]
            deployed = [each for each in found if not each.is_rollback]
            if deployed and rollouts and all(each.settled for each in rollouts):
                return deployed[0]
            await asyncio.sleep(0.02)
    return None


def _rollout(body: str) -> Rollout:
    return TypeAdapter(Rollout).validate_json(body)


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_at_every_step_a_countdown_rolls_back_once(tmp_path: Path, when: str) -> None:
    # The last look comes after it all, however long the lives take: one look, one reply.
    catalog = catalog_of(tmp_path, final="60m", on_regression="rollback")
    story = await killed_everywhere(tmp_path, catalog, when)
    analysis = story.analysis
    assert (analysis.stage, analysis.follow) == (Stage.STOPPED, Follow.ROLLED_BACK)
    assert len(story.summaries) == 1, "one message"
    assert "Rolled back to 1.3.2 by itself" in story.summaries[0].words
    assert len(story.replies) == 1, "one reply in its thread"
    back = [each for each in story.rollouts if each.kind == "ROLLBACK"]
    assert len(back) == 1, "never twice"
    assert (back[0].id, back[0].state) == (analysis.rollback, RolloutState.SUCCEEDED)
    follows = [("regression", "COUNTDOWN"), ("regression", "ROLLED_BACK")]
    assert [each for each in story.decisions if each[0] == "regression"] == follows
    for step in (f"chat.postMessage {WORSE}", "chat.update"):
        assert any(each.startswith(step) for each in story.killed_at), story.killed_at
    assert len(story.killed_at) >= 6, story.killed_at


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_at_every_step_the_lock_of_hold_is_taken_once(
    tmp_path: Path, when: str
) -> None:
    story = await killed_everywhere(tmp_path, catalog_of(tmp_path, on_regression="hold"), when)
    assert (story.analysis.stage, story.analysis.follow) == (Stage.FINAL, Follow.HELD)
    assert len(story.summaries) == 1, "one message"
    assert "last look" in story.summaries[0].words
    told = [reply.body["metadata"]["event_payload"]["key"] for reply in story.replies]
    assert told[-1].endswith(":final")
    assert len(told) == len(set(told)), "no look is told twice"
    assert [each for each in story.decisions if each[0] == "regression"] == [("regression", "HELD")]

"""What a terminal does beyond one rollout: logs, builds, and the yes to a question."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.cards.card import Card
from bot.domain.audit import By, Surface
from bot.domain.build import BuildState
from bot.domain.log_query import Query
from bot.domain.outcome import TerminalLine
from bot.domain.rollout import RolloutState
from bot.sandbox.slack.driver import SlackDriver
from bot.workflows.log_desk import MOST_OF_ONE
from bot.workflows.log_reading import LogPlace
from bot.workflows.promotion import Released, release
from commands import terminal
from commands.terminal import Terminal
from tests.pacing import until
from tests.scenarios.platform_files import edit_config, files, live_config
from tests.scenarios.serving import DOCS, TOKEN, Served, serving

_LONG = 60.0


def _asks_in_qa(whole: dict[str, Any]) -> None:
    next(each for each in whole["environments"] if each["name"] == "qa")["confirm"] = True


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return files(tmp_path)


@pytest.fixture
async def served(tmp_path: Path, config: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path / "kept", config) as served:
        yield served


async def desired(served: Served, namespace: str) -> int:
    look = await served.dynamo.edges.cluster.workload("", namespace, "tasks-service")
    assert look.deployment is not None
    return look.deployment.desired


# --- logs ----------------------------------------------------------------------------------------


async def test_logs_are_lines_and_what_they_came_to_or_objects_for_a_program(served):
    done = await served.do("logs tasks-service qa --tail 6")
    assert done.code == 0, done.err
    *lines, summary = done.out.splitlines()
    assert len(lines) >= 6
    assert all(line[2] == line[5] == ":" for line in lines[:6]), lines
    assert "info" in summary or "of other levels" in summary or "level" in summary
    told = await served.told("logs tasks-service qa --tail 6", json=True)
    lines = [line for message in told.messages for line in message.get("lines", ())]
    assert len(lines) == 6
    assert all(set(line) == {"time", "pod", "level", "text"} for line in lines)
    assert lines == sorted(lines, key=lambda line: line["time"])
    assert told.outcome == "succeeded"


async def test_what_cannot_be_read_has_its_own_outcome(served):
    assert (await served.told("logs tasks-service qa --grep /(/")).outcome == "usage"
    gone = await served.told("logs tasks-service qa --pod no-such")
    assert (gone.outcome, "no-such" in gone.words) == ("refused", True)
    steps = Terminal(served.dynamo.edges, lambda _: None).do(
        "nobody", TerminalLine("logs tasks-service qa")
    )
    assert [step.outcome async for step in steps] == ["no-rights"]


async def test_a_log_is_followed_over_a_rollout_and_let_go_with_its_listener(served):
    desk = served.dynamo.edges.logs
    body = {"line": "logs tasks-service dev --follow", "json": True}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{served.url}/do", json=body, headers=headers) as answer,
    ):
        await until(lambda: desk._listening.total() == 1)
        deployed = await served.told("deploy tasks-service dev 1.3.2")
        assert deployed.outcome == "succeeded", deployed.words
        events: list[tuple[str, str]] = []
        pods: set[str] = set()
        async with asyncio.timeout(_LONG):
            while len(events) < 2 or not {pod for what, pod in events if what == "joined"} <= pods:
                for line in json.loads(await answer.content.readline()).get("lines", ()):
                    if "event" in line:
                        events.append((line["event"], line["pod"]))
                    else:
                        pods.add(line["pod"])
    assert sorted(what for what, _ in events) == ["joined", "left"]
    await until(lambda: desk._listening.total() == 0)


async def test_a_log_ends_by_itself_when_no_pod_is_left(served):
    waiting = asyncio.create_task(served.told("logs tasks-service dev --follow"))
    await until(lambda: served.dynamo.edges.logs._listening.total() == 1)
    assert (await served.told("scale tasks-service dev 0", yes=True)).outcome == "succeeded"
    async with SlackDriver(served.sandbox.url) as slack, asyncio.timeout(_LONG):
        while not waiting.done():  # two minutes of the sandbox's, from when the last pod has gone
            await slack.advance(60)
            await asyncio.sleep(0.2)
    told = await waiting
    assert told.outcome == "succeeded"
    assert "no pod has been left" in told.words


async def test_who_waits_no_longer_for_a_log_gets_seven_and_too_many_are_refused(served):
    edges = served.dynamo.edges
    done = await served.told("logs tasks-service qa --follow", seconds=0.1)
    assert done.outcome == "timeout"
    place = LogPlace.of(edges.catalog.service("tasks-service"), edges.catalog.environment("qa"))
    query = Query()
    held = [edges.logs.listening(place, query, "ci-tasks") for _ in range(MOST_OF_ONE)]
    for one in held:
        one.__enter__()
    refused = await served.told("logs tasks-service qa --follow")
    for one in held:
        one.__exit__(None, None, None)
    assert (refused.outcome, str(MOST_OF_ONE) in refused.words) == ("refused", True)


# --- builds --------------------------------------------------------------------------------------


async def test_a_build_is_followed_to_its_image_and_a_deploy_of_a_branch_to_its_pods(served):
    built = await served.told("build tasks-service main")
    assert built.outcome == "succeeded", built.words
    assert built.messages[-1]["state"] == BuildState.BUILT
    assert len({message["build"] for message in built.messages if "build" in message}) == 1
    there = await served.told("build tasks-service main")
    assert (there.outcome, "built already" in there.words) == ("succeeded", True)
    deployed = await served.told("deploy tasks-service dev feature/faster-start")
    assert deployed.outcome == "succeeded", deployed.words
    assert deployed.messages[-1]["state"] == RolloutState.SUCCEEDED
    assert {"build", "rollout"} <= {key for message in deployed.messages for key in message}


async def test_a_build_that_a_person_ends_is_six_and_one_that_nobody_waits_for_seven(served):
    desk = served.dynamo.edges.builds
    waiting = asyncio.create_task(served.told("build tasks-service main"))
    await until(lambda: any(running.work for running in desk._running.values()))
    cancelled = await served.told("cancel tasks-service dev")
    assert cancelled.outcome == "succeeded", cancelled.words
    async with asyncio.timeout(_LONG):
        assert (await waiting).outcome == "cancelled"
    left = await served.told("build tasks-service main", seconds=0.01)
    assert left.outcome == "timeout", left.words


async def test_without_the_right_nothing_is_built(served):
    refused = await served.told("build tasks-service main", token=DOCS)
    assert refused.outcome == "no-rights", refused.words


# --- the yes to a question -----------------------------------------------------------------------


async def test_a_scaling_to_zero_is_shown_and_done_only_with_yes(served):
    asked = await served.do("scale tasks-service dev 0")
    assert asked.code == 10, asked.out
    assert "--yes" in asked.out
    assert await desired(served, "dynamo-dev") == 1
    done = await served.do("--yes", "scale tasks-service dev 0")
    assert done.code == 0, done.out
    assert await desired(served, "dynamo-dev") == 0
    records = [record.entry for record in await served.dynamo.edges.audit.page(limit=50)]
    assert {e.surface for e in records if e.actor == "ci-tasks"} == {"terminal"}


async def test_a_rollback_is_shown_and_done_only_with_yes(tmp_path):
    async with serving(tmp_path / "kept", files(tmp_path, _asks_in_qa)) as served:
        edges, engine = served.dynamo.edges, served.dynamo.engine
        waits = await served.told("deploy tasks-service qa", follow=False)
        assert waits.outcome == "begun", waits.words
        rollout = await served.newest()
        by = By("ci-tasks", Surface.TERMINAL)
        released = await release(rollout.id, rollout.covers, by, edges)
        assert isinstance(released, Released), released
        engine.wake(released.rollout)
        followed = await served.told("deploy tasks-service qa")
        assert followed.outcome == "succeeded", followed.words

        asked = await served.told("rollback tasks-service qa")
        assert (asked.outcome, "1.3.2" in asked.words) == ("unconfirmed", True)
        denied = await served.told("rollback tasks-service qa", token=DOCS, yes=True)
        assert denied.outcome == "no-rights", denied.words
        done = await served.told("rollback tasks-service qa", yes=True)
        assert done.outcome == "succeeded", done.words
        assert done.messages[-1]["version"] == "1.3.2"


async def test_yes_gives_no_right_that_the_token_has_not(served):
    denied = await served.told("scale tasks-service dev 0", token=DOCS, yes=True)
    assert denied.outcome == "no-rights", denied.words
    assert not await served.dynamo.edges.store.recent()


async def test_a_question_that_changed_by_the_press_is_not_answered_with_an_old_yes(
    served, config, monkeypatch
):
    """Somebody edits the file between the question and the yes."""
    edit_config(config, FEATURE_X="true")
    found = terminal._question_in

    def late(card: Card | None) -> object:
        question = found(card)
        if question is not None:
            edit_config(config, FEATURE_X="something else")
        return question

    monkeypatch.setattr(terminal, "_question_in", late)
    told = await served.told("config tasks-service qa", yes=True)
    assert (told.outcome, "something else" in told.words) == ("unconfirmed", True)
    assert "FEATURE_X" not in live_config(served.sandbox)


async def test_a_configuration_is_shown_and_applied_only_with_yes_and_not_without_the_right(
    served, config
):
    edit_config(config, FEATURE_X="true")
    asked = await served.told("config tasks-service qa")
    assert (asked.outcome, "FEATURE_X" in asked.words) == ("unconfirmed", True)
    assert "FEATURE_X" not in live_config(served.sandbox)
    denied = await served.told("config tasks-service qa", token=DOCS, yes=True)
    assert denied.outcome == "no-rights", denied.words
    done = await served.told("config tasks-service qa", yes=True)
    assert done.outcome == "succeeded", done.words
    assert live_config(served.sandbox)["FEATURE_X"] == "true"
    assert done.messages[-1]["state"] == RolloutState.SUCCEEDED  # of the restart


async def test_who_may_not_cancel_hears_four_as_who_may_not_deploy(served):
    async with SlackDriver(served.sandbox.url) as slack:
        await slack.say("ana", "#dev-deploys", "/dynamo deploy tasks-service dev")
        await until(lambda: served.dynamo.engine.driving == 1)
        refused = await served.told("cancel tasks-service dev", token=DOCS)
    assert refused.outcome == "no-rights", refused.words

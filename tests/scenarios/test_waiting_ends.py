"""What ends a request that waits without anybody's no: a newer release, a place that is gone.

And what begins for it by itself: the checklist, when the release has been tested.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.app import Dynamo, Offline
from bot.domain.rollout import Rollout, RolloutState
from bot.sandbox.launcher import CONFIG, Options, Sandbox, WorldClock, launch
from bot.sandbox.simulated_builder import SimulatedBuilder
from bot.sandbox.slack.driver import SlackDriver
from bot.sandbox.slack.seed import BEN
from tests.scenarios.promoting import (
    PRODUCTION,
    QA,
    SERVICE,
    asked_for,
    card,
    catalog,
    private,
    running,
)


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    config = catalog(tmp_path / "dynamo.yml")
    async with launch(Options(speed=10, keep=tmp_path / "keep", config=config)) as sandbox:
        yield sandbox


@pytest.fixture
async def slack(sandbox: Sandbox) -> AsyncIterator[SlackDriver]:
    async with SlackDriver(sandbox.url) as slack:
        await slack.watch("ana", "ben", "elena")
        yield slack


async def ran_in_qa(sandbox: Sandbox, slack: SlackDriver, version: str) -> Rollout:
    """Development runs 1.4.0 from the start."""
    if version != "1.4.0":
        await slack.say("ben", QA, f"/dynamo deploy {SERVICE} dev {version}")
        await until(sandbox, lambda r: r.environment == "dev" and r.settled)
    await slack.say("ben", QA, f"/dynamo promote {SERVICE} qa {version}")
    return await until(sandbox, lambda r: r.environment == "qa" and r.settled)


async def until(sandbox: Sandbox, holds: Callable[[Rollout], Any]) -> Rollout:
    """The newest rollout of which it is so, once there is one."""
    async with asyncio.timeout(30):
        while True:
            for found in await sandbox.dynamo.edges.store.recent():
                if holds(found):
                    return found
            await asyncio.sleep(0.05)


async def break_glass(sandbox: Sandbox, slack: SlackDriver, version: str) -> Rollout:
    await slack.say(
        "elena", PRODUCTION, f'/dynamo deploy {SERVICE} prod {version} --override "now"'
    )
    question = await private(slack, "elena", "Todavía no se ha hecho nada")
    await slack.click("elena", question, "dyn:override")
    return await until(sandbox, lambda r: r.version == version and r.settled)


async def get(sandbox: Sandbox, rollout: Rollout) -> Rollout:
    found = await sandbox.dynamo.edges.store.get(rollout.id)
    assert found is not None
    return found


# --- a newer release came ------------------------------------------------------------------------


async def test_a_newer_release_that_came_there_ends_an_older_request_with_a_sentence(
    sandbox, slack
):
    await ran_in_qa(sandbox, slack, "1.3.1")
    waiting = await asked_for(slack)
    request = await until(sandbox, lambda r: r.state is RolloutState.AWAITING_APPROVAL)
    await slack.click("elena", waiting, "Approve")
    await card(slack, "Ready")

    await break_glass(sandbox, slack, "1.4.0")
    shown = await slack.message(
        "ben",
        channel=PRODUCTION,
        where=lambda m: m.ts == waiting.ts and "Overtaken by 1.4.0" in m.words,
        timeout=60,
    )
    assert "nothing was touched" in shown.words
    assert f"/dynamo promote {SERVICE} prod" in shown.words
    assert "Deploy to Production" not in shown.buttons
    assert "Approve" not in shown.buttons
    ended = await until(sandbox, lambda r: r.id == request.id and r.settled)
    assert ended.state is RolloutState.SUPERSEDED
    replies = await slack.messages("ben", PRODUCTION, thread_ts=waiting.ts)
    assert f"<@{BEN}>: 1.4.0, which is newer" in replies[-1].words
    assert await running(sandbox) == "1.4.0"
    await slack.say("ben", PRODUCTION, f"/dynamo history {SERVICE} prod")
    await private(slack, "ben", "1.3.1 was overtaken")


async def test_a_press_in_the_queue_does_not_take_a_newer_release_back(sandbox, slack):
    """Pressed while the newer one was rolling out, it is asked again at its turn."""
    await ran_in_qa(sandbox, slack, "1.3.1")
    waiting = await asked_for(slack)
    request = await until(sandbox, lambda r: r.state is RolloutState.AWAITING_APPROVAL)
    await slack.click("elena", waiting, "Approve")
    ready = await card(slack, "Ready")
    await slack.say("elena", PRODUCTION, f'/dynamo deploy {SERVICE} prod 1.4.0 --override "now"')
    question = await private(slack, "elena", "Todavía no se ha hecho nada")
    await slack.click("elena", question, "dyn:override")
    await until(sandbox, lambda r: r.version == "1.4.0" and r.change is not None)
    await slack.click("elena", ready, "Deploy to Production")
    await slack.message(
        "ben",
        channel=PRODUCTION,
        where=lambda m: m.ts == waiting.ts and "Overtaken by 1.4.0" in m.words,
        timeout=30,
    )
    assert (await get(sandbox, request)).state is RolloutState.SUPERSEDED
    assert await running(sandbox) == "1.4.0"


async def test_an_older_release_that_came_there_ends_nothing(sandbox, slack):
    await ran_in_qa(sandbox, slack, "1.4.0")
    waiting = await asked_for(slack)
    request = await until(sandbox, lambda r: r.state is RolloutState.AWAITING_APPROVAL)
    await break_glass(sandbox, slack, "1.3.1")
    shown = await slack.message(
        "ben",
        channel=PRODUCTION,
        where=lambda m: m.ts == waiting.ts and "1.3.1 → *1.4.0*" in m.words,
        timeout=60,
    )
    assert "Approve" in shown.buttons
    assert (await get(sandbox, request)).state is RolloutState.AWAITING_APPROVAL


async def test_who_asks_for_an_older_release_knowingly_gets_it(sandbox, slack):
    await ran_in_qa(sandbox, slack, "1.3.1")
    await break_glass(sandbox, slack, "1.4.0")
    waiting = await asked_for(slack)
    await slack.click("elena", waiting, "Approve")
    await slack.click("elena", await card(slack, "Ready"), "Deploy to Production")
    done = await until(sandbox, lambda r: r.requested_by.id == BEN and r.settled)
    assert (done.version, done.state) == ("1.3.1", RolloutState.SUCCEEDED)


# --- its place is gone from dynamo.yml -----------------------------------------------------------


async def start_without(sandbox: Sandbox, change: Any) -> None:
    """Another start, with another `dynamo.yml`."""
    await sandbox.dynamo.stop()
    path = Path(str(sandbox.settings.dynamo_config))
    content = yaml.safe_load(path.read_text())
    change(content)
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
    sandbox.bot = await Dynamo.start(sandbox.settings, clock=WorldClock(sandbox.clock))


def no_service(content: dict[str, Any]) -> None:
    content["services"].pop(SERVICE)
    for service in content["services"].values():
        service["depends_on"] = [each for each in service.get("depends_on", ()) if each != SERVICE]


def no_production(content: dict[str, Any]) -> None:
    content["environments"].pop()
    for service in content["services"].values():
        service.get("replicas", {}).pop("prod", None)


@pytest.mark.parametrize(
    ("change", "said"),
    [(no_service, f"the service {SERVICE}"), (no_production, "the environment prod")],
)
async def test_a_waiting_request_whose_place_is_gone_ends_and_says_what_to_do(
    sandbox, slack, change, said
):
    await ran_in_qa(sandbox, slack, "1.4.0")
    waiting = await asked_for(slack)
    request = await until(sandbox, lambda r: r.state is RolloutState.AWAITING_APPROVAL)
    await start_without(sandbox, change)
    shown = await slack.message(
        "ben",
        channel=PRODUCTION,
        where=lambda m: m.ts == waiting.ts and "no longer has" in m.words,
        timeout=60,
    )
    assert said in shown.words
    assert "puts it back" in shown.words
    assert "Approve" not in shown.buttons
    settled = await until(sandbox, lambda r: r.id == request.id and r.settled)
    assert settled.state is RolloutState.REJECTED
    replies = await slack.messages("ben", PRODUCTION, thread_ts=waiting.ts)
    assert f"<@{BEN}>" in replies[-1].words
    assert said in replies[-1].words
    await sandbox.dynamo.stop()


async def test_what_is_under_way_goes_on_to_its_end_without_its_place(sandbox, slack):
    await slack.say("ben", QA, f"/dynamo deploy {SERVICE} qa 1.4.0")
    await until(sandbox, lambda r: r.state is RolloutState.PROGRESSING)
    await start_without(sandbox, no_service)
    done = await until(sandbox, lambda r: r.settled)
    assert done.state is RolloutState.SUCCEEDED
    await sandbox.dynamo.stop()


async def test_a_way_back_that_can_no_longer_be_written_fails_with_what_to_do(sandbox, slack):
    """Cancelled in the moment in which the process died: what runs is not taken back."""
    await slack.say("ben", QA, f"/dynamo deploy {SERVICE} qa 1.4.0")
    rollout = await until(sandbox, lambda r: r.state is RolloutState.PROGRESSING)
    await slack.say("ben", QA, f"/dynamo lock {SERVICE} qa")
    store = sandbox.dynamo.edges.store
    await sandbox.dynamo.engine.stop()
    held = await store.get(rollout.id)
    assert held is not None
    await store.save(held.with_(state=RolloutState.ROLLING_BACK, change=None, ended_by=BEN))
    await start_without(sandbox, no_service)
    done = await until(sandbox, lambda r: r.settled)
    assert done.state is RolloutState.FAILED
    shown = await slack.message("ben", where=lambda m: m.ts == done.card.ts)
    assert f"no longer has {SERVICE}" in shown.words
    assert "sees by hand" in shown.words
    await sandbox.dynamo.stop()


# --- the checklist opens by itself ---------------------------------------------------------------


class TestTheSample:
    """With the checklist as the sample has it."""

    @pytest.fixture
    async def sandbox(self, tmp_path: Path) -> AsyncIterator[Sandbox]:
        content = yaml.safe_load(CONFIG.read_text())
        for environment in content["environments"]:
            environment["stability_window"] = "2s"
        shutil.copytree(CONFIG.parent / "k8s", tmp_path / "k8s")
        path = tmp_path / "dynamo.yml"
        path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
        async with launch(Options(speed=10, keep=tmp_path / "keep", config=path)) as sandbox:
            yield sandbox

    async def test_a_release_that_succeeded_in_qa_gets_its_checklist_once(self, sandbox, slack):
        await slack.say("ben", "#dev-deploys", f"/dynamo deploy {SERVICE} dev 1.3.1")
        await until(sandbox, lambda r: r.settled)
        assert await lists(slack) == [], "it has not been tested yet"
        await slack.say("ben", QA, f"/dynamo promote {SERVICE} qa 1.4.0")
        await until(sandbox, lambda r: r.environment == "qa" and r.settled)
        await slack.message(
            "ben",
            channel=PRODUCTION,
            where=lambda m: "ready for Production? 1 of 5" in m.words,
            timeout=60,
        )
        await slack.say("ben", QA, f"/dynamo checklist {SERVICE}")
        await private(slack, "ben", "1 of 5")
        assert len(await lists(slack)) == 1
        records = await sandbox.dynamo.edges.audit.page(SERVICE, limit=50)
        opened = [r.entry for r in records if r.entry.action == "checklist-open"]
        assert [entry.actor for entry in opened] == ["dynamo"]

    async def test_what_runs_in_production_already_gets_none(self, sandbox, slack):
        await slack.say("ben", QA, f"/dynamo deploy {SERVICE} qa 1.4.0")
        await until(sandbox, lambda r: r.environment == "qa" and r.settled)
        await slack.message("ben", channel=PRODUCTION, where=lambda m: "1 of 5" in m.words)
        await slack.say("elena", PRODUCTION, f'/dynamo promote {SERVICE} prod --override "now"')
        question = await private(slack, "elena", "Todavía no se ha hecho nada")
        await slack.click("elena", question, "dyn:override")
        await until(sandbox, lambda r: r.environment == "prod" and r.settled)
        await slack.say("ben", QA, f"/dynamo deploy {SERVICE} qa 1.3.2")
        await until(sandbox, lambda r: r.version == "1.3.2" and r.settled)
        await slack.say("ben", QA, f"/dynamo deploy {SERVICE} qa 1.4.0")
        await until(sandbox, lambda r: r.version == "1.4.0" and r.environment == "qa" and r.settled)
        current = await sandbox.dynamo.edges.checklists.current(SERVICE)
        assert current is not None
        assert (current.version, current.closed_at is not None) == ("1.4.0", True)
        assert len(await lists(slack)) == 1


async def lists(slack: SlackDriver) -> list[str]:
    found = await slack.messages("ben", PRODUCTION)
    return [m.words for m in found if m.from_app and "ready for Production" in m.words]


async def test_what_is_under_way_can_be_cancelled_without_its_place_and_says_what_it_met(
    sandbox, slack
):
    sandbox.world.set_trouble("slow-start", SERVICE, "qa")
    await slack.say("ben", QA, f"/dynamo deploy {SERVICE} qa 1.4.0")
    rollout = await until(sandbox, lambda r: r.state is RolloutState.PROGRESSING)
    await start_without(sandbox, no_service)
    shown = await slack.message("ben", where=lambda m: m.ts == rollout.card.ts)
    await slack.click("ben", shown, "Cancel rollout")
    done = await until(sandbox, lambda r: r.settled)
    assert (done.state, done.ended_by) == (RolloutState.FAILED, BEN)
    shown = await slack.message("ben", where=lambda m: m.ts == rollout.card.ts)
    assert f"no longer has {SERVICE}" in shown.words
    await sandbox.dynamo.stop()


async def test_a_built_image_whose_environment_is_gone_is_told_to_who_wished_for_it(sandbox, slack):
    dev = "#dev-deploys"
    await slack.say("ben", dev, f"/dynamo deploy {SERVICE} dev main")
    await slack.message(
        "ben", channel=dev, where=lambda m: m.from_app and "is being built" in m.text, timeout=30
    )
    desk = sandbox.dynamo.edges.builds
    assert desk is not None
    (build,) = await desk.builds.unsettled()
    wish = replace(build.wishes[0], environment="staging-of-old")
    await desk.stop()
    held = await desk.builds.get(build.id)
    assert held is not None
    await desk.builds.save(held.with_(wishes=(wish,)))
    await sandbox.dynamo.stop()
    builder = SimulatedBuilder(sandbox.world.registry, sandbox.clock)
    offline = Offline(builder, sandbox.sources)
    clock = WorldClock(sandbox.clock)
    sandbox.bot = await Dynamo.start(sandbox.settings, clock=clock, offline=offline)
    answer = await slack.message(
        "ben",
        channel=dev,
        where=lambda m: m.ephemeral and "no longer has staging-of-old" in m.words,
        timeout=30,
    )
    assert "puts it back" in answer.words
    await sandbox.dynamo.stop()


# --- a tag that moved between request and apply --------------------------------------------------


def move_tag(sandbox: Sandbox, version: str, to: str) -> None:
    (repository,) = [
        found
        for name, found in sandbox.world.registry.repositories.items()
        if name.endswith(f"/{SERVICE}")
    ]
    repository.tags[version] = repository.tags[to]


async def test_a_tag_that_moved_while_it_was_queued_is_told_and_refused_at_its_turn(sandbox, slack):
    dev = "#dev-deploys"
    sandbox.world.set_trouble("slow-start", SERVICE, "dev")
    await slack.say("ben", dev, f"/dynamo deploy {SERVICE} dev 1.3.1")
    await until(sandbox, lambda r: r.state is RolloutState.PROGRESSING)
    await slack.say("ben", dev, f"/dynamo deploy {SERVICE} dev 1.3.2")
    queued = await slack.message("ben", channel=dev, where=lambda m: "number 1 in line" in m.words)
    move_tag(sandbox, "1.3.2", to="1.4.0")
    refused = await slack.message(
        "ben",
        channel=dev,
        where=lambda m: m.ts == queued.ts and "was not started" in m.words,
        timeout=40,
    )
    assert "1.3.2 is another image by now" in refused.words
    assert "Ask for it again" in refused.words
    assert await running(sandbox, "dynamo-dev") == "1.3.1"


async def test_a_tag_that_moved_while_it_waited_is_told_on_the_card(sandbox, slack):
    await ran_in_qa(sandbox, slack, "1.4.0")
    waiting = await asked_for(slack)
    move_tag(sandbox, "1.4.0", to="1.3.1")
    await slack.click("elena", waiting, "Approve")
    await card(slack, "Approved by")
    shown = await card(slack, "1.4.0 is another image by now")
    assert "Deploy to Production" not in shown.buttons
    assert await running(sandbox) == "1.3.2"

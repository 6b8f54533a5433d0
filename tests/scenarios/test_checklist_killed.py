"""A bot is killed with SIGKILL while a checklist is opened, ticked and shown, and started again.

The world runs in the test, the bot in a process of its own. It dies at the first request of each
kind, before the request takes effect or after it has. In the end there is one message, it shows
what the store holds, and each tick stands in the audit log once.
"""

import asyncio
import json
from pathlib import Path

import pytest
from aiohttp import web
from pydantic import TypeAdapter

from bot.app import Dynamo
from bot.domain.checklist import Checklist
from bot.sandbox.launcher import Options, WorldClock, launch
from bot.sandbox.registry.release_table import RELEASES
from bot.sandbox.slack.driver import Message, SlackDriver, SlackRefusal
from tests.killing import Executioner, Life, Nursery, connected, rows

PROD = "#production"
LETHAL = ("chat.postMessage", "chat.update", "chat.getPermalink")


async def step_of(request: web.Request) -> str | None:
    step = request.path.removeprefix("/api/")
    return step if step in LETHAL else None


def held_in(path: Path) -> Checklist | None:
    found = rows(path, "select body from checklists")
    return TypeAdapter(Checklist).validate_json(found[0][0]) if found else None


def ticks_recorded(path: Path) -> list[str]:
    records = [json.loads(body) for (body,) in rows(path, "select body from audit")]
    return [each["after"]["item"] for each in records if each["action"] == "tick"]


async def message_saying(slack: SlackDriver, life: Life, words: str) -> Message | None:
    """The list's message once it says so; None when the process was killed before."""
    async with asyncio.timeout(40):
        while not life.over:
            for message in await slack.messages("ben", PROD):
                if message.from_app and words in message.words:
                    return message
            await asyncio.sleep(0.05)
    return None


async def try_to(slack: SlackDriver, message: Message, item: str) -> None:
    """Dan presses; what the death of the bot makes of it does not matter here."""
    control = next(
        each
        for each in message.controls
        if each.action_id == "dyn:tick" and each.element["value"].endswith(f"|{item}")
    )
    try:
        await slack.click("dan", message, control)
    except SlackRefusal:
        return


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_at_every_request_there_is_one_message_and_it_shows_the_store(
    tmp_path: Path, when: str
) -> None:
    executioner = Executioner(when, step_of)
    options = Options(keep=tmp_path / "keep", bot=False)
    async with (
        Nursery.open() as nursery,
        launch(options, middlewares=[executioner.middleware]) as sandbox,
        SlackDriver(sandbox.url) as slack,
    ):
        await slack.watch("ben", "dan")
        path, log = sandbox.settings.database_path, tmp_path / "bot.log"
        opened = None
        while opened is None:  # the first lives: until the message stands
            async with nursery.bot(sandbox, log) as executioner.life:
                if await connected(sandbox, executioner.life) and held_in(path) is None:
                    await slack.say("ben", "#general", "/dynamo checklist tasks-service 1.4.0")
                opened = await message_saying(slack, executioner.life, "1 of 5")
                if opened is not None:
                    await _settled(path, executioner.life)
        shown = None
        while shown is None:  # the next: until the tick is shown
            async with nursery.bot(sandbox, log) as executioner.life:
                held = held_in(path)
                assert held is not None
                if (
                    await connected(sandbox, executioner.life)
                    and "security-review" not in held.ticks
                ):
                    await try_to(slack, opened, "security-review")
                shown = await message_saying(slack, executioner.life, "2 of 5")
        assert {"chat.postMessage", "chat.update"} <= set(executioner.killed_at)
        messages = [m for m in await slack.messages("ben", PROD) if m.from_app]
        assert len(messages) == 1, [m.words for m in messages]
        assert "<@U0DAN00000>" in messages[0].words
        held = held_in(path)
        assert held is not None
        assert held.card.ts == messages[0].ts
        assert sorted(held.ticks) == ["security-review", "tests"]
        assert sorted(ticks_recorded(path)) == ["security-review", "tests"]


async def _settled(path: Path, life: Life) -> None:
    """Where the message is has been saved, or the process has died before."""
    async with asyncio.timeout(60):
        while not life.over:
            held = held_in(path)
            if held is not None and held.card.ts:
                return
            await asyncio.sleep(0.05)


async def test_a_list_that_waited_for_ci_asks_again_after_a_restart(tmp_path: Path) -> None:
    commit = next(
        each.commit
        for each in RELEASES
        if (each.service, each.version) == ("tasks-service", "1.4.0")
    )
    options = Options(speed=10, keep=tmp_path / "keep", bot=False)
    async with launch(options) as sandbox, SlackDriver(sandbox.url) as slack:
        clock = WorldClock(sandbox.clock)
        sandbox.git_host.set_check("yourorg/tasks-service", commit, "unit", "in_progress")
        first = await Dynamo.start(sandbox.settings, clock=clock)
        await slack.say("ben", "#general", "/dynamo checklist tasks-service 1.4.0")
        await slack.message("ben", channel=PROD, where=lambda m: "0 of 5" in m.words)
        await first.stop()
        sandbox.git_host.set_check("yourorg/tasks-service", commit, "unit", "success")
        second = await Dynamo.start(sandbox.settings, clock=clock)
        try:
            await slack.message("ben", channel=PROD, where=lambda m: "1 of 5" in m.words)
        finally:
            await second.stop()

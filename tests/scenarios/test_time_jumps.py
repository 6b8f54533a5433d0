"""A day of virtual time passes at once, and people go on as if they had been away for a day."""

import asyncio

import pytest

from bot.sandbox.launcher import Sandbox
from bot.sandbox.slack.driver import SlackDriver

pytestmark = pytest.mark.timeout(90)
DAY = 86_400


async def test_the_click_after_a_jump_of_a_day_gets_its_answer(slack: SlackDriver) -> None:
    """The app's socket grew old amid the jump, and so did the ticket with which it dialled."""
    await slack.say("ben", "#qa-deploys", "/dynamo deploy tasks-servce qa")
    typo = await slack.message("ben", where=lambda m: "Did you mean" in m.words)
    await slack.advance(DAY)
    said = await slack.click("ben", typo, "/dynamo deploy tasks-service qa")
    assert said["ok"]
    await slack.message(
        "ben", where=lambda m: "tasks-service → QA · 1.4.0" in m.words, after=typo.ts, timeout=30
    )


async def test_line_after_line_is_answered_between_jumps(
    slack: SlackDriver, sandbox: Sandbox
) -> None:
    newest = ""
    for _ in range(3):
        await slack.advance(DAY)
        assert (await slack.say("ben", "#qa-deploys", "/dynamo status"))["ok"]
        answer = await slack.message(
            "ben", where=lambda m: "What runs where" in m.words, after=newest, timeout=30
        )
        newest = answer.ts
    opened = await slack.calls("apps.connections.open")
    assert len(opened) >= 5  # twice at the start, and again in each day
    assert all(each["status"] == 200 for each in opened)


async def test_a_bot_that_slack_cannot_reach_says_so_and_comes_back(
    slack: SlackDriver, sandbox: Sandbox
) -> None:
    def reachable() -> float:
        return sandbox.dynamo.metrics()["dynamo_slack_reachable"]

    async def until(wanted: float) -> None:
        async with asyncio.timeout(60):
            while reachable() != wanted:
                await asyncio.sleep(0.05)

    await until(1.0)
    await slack.fault(method="link", status=503)
    await slack.sockets("refresh_requested")
    await until(0.0)
    await slack.no_faults()
    await until(1.0)
    assert (await slack.say("ben", "#qa-deploys", "/dynamo help"))["ok"]

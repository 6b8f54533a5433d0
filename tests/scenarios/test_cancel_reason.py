"""Why something was cancelled is kept: on its card, in the audit log, in the history."""

import asyncio

import pytest

from bot.domain.rollout import RolloutState

DEV, QA = "#dev-deploys", "#qa-deploys"


async def settled(sandbox, state: RolloutState):
    async with asyncio.timeout(30):
        while True:
            found = await sandbox.dynamo.edges.store.recent()
            if found and found[0].settled:
                assert found[0].state is state
                return found[0]
            await asyncio.sleep(0.05)


async def recorded(sandbox, state: RolloutState):
    records = await sandbox.dynamo.edges.audit.page(limit=50)
    (entry,) = [r.entry for r in records if r.entry.after.get("state") == state]
    return entry


async def test_the_reason_of_a_cancel_is_on_the_card_in_the_log_and_in_the_history(sandbox, slack):
    await slack.say("ben", QA, "/dynamo deploy tasks-service qa")
    await slack.message(
        "ben", channel=QA, where=lambda m: m.from_app and "In progress" in m.words, timeout=60
    )
    await slack.say("ben", QA, '/dynamo cancel tasks-service qa --reason "wrong <!channel> ticket"')
    ended = await settled(sandbox, RolloutState.ROLLED_BACK)
    assert ended.end_reason == "wrong <!channel> ticket"
    shown = await slack.message("ben", where=lambda m: m.ts == ended.card.ts)
    assert "Cancelled* by <@U0BEN00000>: “wrong" in shown.words
    assert "ticket”" in shown.words
    assert "<!channel>" not in str(shown.body["blocks"])
    entry = await recorded(sandbox, RolloutState.ROLLING_BACK)
    assert entry.after["reason"] == "wrong <!channel> ticket"
    await slack.say("ben", QA, "/dynamo history tasks-service qa")
    history = await slack.message(
        "ben", where=lambda m: m.ephemeral and "History of" in m.words, timeout=60
    )
    assert "goes back to 1.3.2, by <@U0BEN00000>: “wrong" in history.words


async def test_of_what_has_touched_nothing_too_and_of_a_build(sandbox, slack):
    await slack.say("ben", DEV, "/dynamo deploy tasks-service dev feature/faster-start")
    await slack.message(
        "ben", channel=DEV, where=lambda m: m.from_app and "is being built" in m.text, timeout=30
    )
    await slack.say("ben", DEV, '/dynamo cancel tasks-service dev --reason "not this branch"')
    shown = await slack.message(
        "ben",
        channel=DEV,
        where=lambda m: m.from_app and not m.ephemeral and "Cancelled by" in m.words,
        timeout=60,
    )
    assert "“not this branch”" in shown.words
    await slack.say("ben", DEV, "/dynamo history")
    history = await slack.message(
        "ben", where=lambda m: m.ephemeral and "was cancelled by" in m.words, timeout=60
    )
    assert "“not this branch”" in history.words


@pytest.mark.parametrize("length", [301, 10_000])
async def test_a_reason_that_is_too_long_is_refused_and_nothing_is_cancelled(
    sandbox, slack, length
):
    await slack.say("ben", QA, "/dynamo deploy tasks-service qa")
    await slack.message("ben", channel=QA, where=lambda m: m.from_app and "1.4.0" in m.words)
    await slack.say("ben", QA, f'/dynamo cancel tasks-service qa --reason "{"x" * length}"')
    await slack.message(
        "ben", where=lambda m: m.ephemeral and f"that one has {length}" in m.words, timeout=60
    )
    await settled(sandbox, RolloutState.SUCCEEDED)

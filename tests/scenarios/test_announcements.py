"""What a channel is due is told once: also when the process dies around it, or Slack is away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from bot.adapters.tables.audit import AuditTable
from bot.adapters.tables.outbox import OutboxTable
from bot.adapters.tables.rollouts import RolloutTable
from bot.app import Dynamo
from bot.cards.card import Card
from bot.ports import Announcement
from bot.sandbox.launcher import Sandbox, WorldClock
from bot.sandbox.slack.driver import Message, SlackDriver

QA, QA_ID = "#qa-deploys", "C0QADEPLOYS"


def outbox_of(sandbox: Sandbox) -> OutboxTable:
    store = sandbox.dynamo.edges.store
    assert isinstance(store, RolloutTable)
    return OutboxTable(store.connection)


def due(sandbox: Sandbox, key: str) -> Announcement:
    return Announcement(key, QA_ID, Card(f"announcement {key}", ()), sandbox.clock.now())


@pytest.fixture
async def restart(sandbox: Sandbox) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """The bot stops, and another one starts on the same database."""
    started = []

    async def again() -> None:
        await sandbox.dynamo.stop()
        sandbox.bot = await Dynamo.start(sandbox.settings, clock=WorldClock(sandbox.clock))
        started.append(sandbox.bot)

    yield again
    for dynamo in started:
        await dynamo.stop()


async def said(slack: SlackDriver, words: str) -> list[Message]:
    return [m for m in await slack.messages("ben", QA) if words in m.text]


async def emptied(sandbox: Sandbox) -> None:
    async with asyncio.timeout(60):
        while True:
            if not await outbox_of(sandbox).due():
                return
            await asyncio.sleep(0.05)


async def test_what_was_due_when_the_process_died_is_told_after_its_next_start(
    sandbox, slack, restart
):
    await outbox_of(sandbox).add(due(sandbox, "one"))
    await restart()
    await emptied(sandbox)
    assert len(await said(slack, "announcement one")) == 1


async def test_what_was_posted_when_the_process_died_is_not_posted_again(sandbox, slack, restart):
    one = due(sandbox, "one")
    await outbox_of(sandbox).add(one)
    await sandbox.dynamo.edges.messenger.post(QA_ID, one.card, key=one.key)  # and then it died
    await restart()
    await emptied(sandbox)
    assert len(await said(slack, "announcement one")) == 1


async def test_a_slack_that_is_away_is_told_when_it_is_back_and_once(sandbox, slack):
    await slack.fault(method="chat.postMessage", status=503)
    await slack.say("ben", "#dev-deploys", "/dynamo lock qa")
    await slack.message("ben", where=lambda m: m.ephemeral and "could not tell" in m.words)
    assert (await AuditTable(sandbox.dynamo.edges.store.connection).head()).count == 1
    await slack.no_faults()
    await slack.advance(60)
    await emptied(sandbox)
    assert len(await said(slack, "QA is locked")) == 1


async def test_a_post_whose_answer_was_lost_is_not_repeated(sandbox, slack):
    await slack.fault(method="chat.postMessage", status=503, after=True, times=1)
    await slack.say("ben", "#dev-deploys", "/dynamo lock qa")
    await slack.message("ben", where=lambda m: "QA is locked" in m.text)
    await slack.advance(60)
    await emptied(sandbox)
    assert len(await said(slack, "QA is locked")) == 1


async def test_many_at_once_are_each_told_once(sandbox, slack):
    for number in range(5):
        await outbox_of(sandbox).add(due(sandbox, f"n{number}"))
    await asyncio.gather(*(sandbox.dynamo.edges.announcer.tell() for _ in range(5)))
    for number in range(5):
        assert len(await said(slack, f"announcement n{number}")) == 1

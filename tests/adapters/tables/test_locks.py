"""Locks and announcements on both databases: races are settled, nothing is half done."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.adapters.database import Connection
from bot.adapters.tables.audit import AuditTable
from bot.adapters.tables.locks import LockTable
from bot.adapters.tables.outbox import OutboxTable
from bot.adapters.tables.rollouts import RolloutTable
from bot.cards.card import Card
from bot.domain.audit import AuditEntry
from bot.domain.lock import Lock
from bot.ports import Announcement

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ENTRY = AuditEntry(NOON, "U0ANA00000", "slash", "lock", "*/qa")
LOCK = Lock("qa", "U0ANA00000", NOON, reason="ñandú <!channel>", until=NOON + timedelta(hours=2))


@pytest.fixture
def locks(connection: Connection) -> LockTable:
    return LockTable(connection)


async def test_a_lock_comes_back_as_it_was(locks: LockTable) -> None:
    assert await locks.replace(None, LOCK, ENTRY)
    assert list(await locks.all()) == [LOCK]
    assert list(await locks.all("qa")) == [LOCK]
    assert list(await locks.all("prod")) == []


async def test_environment_and_services_are_scopes_of_their_own(locks: LockTable) -> None:
    others = [replace(LOCK, service=name) for name in ("auth-service", "tasks-service")]
    for lock in (*others, LOCK, replace(LOCK, environment="prod")):
        assert await locks.replace(None, lock, ENTRY)
    assert list(await locks.all("qa")) == [LOCK, *others]


async def test_of_twenty_who_ask_at_once_one_gets_the_lock_and_one_record_is_made(
    store: RolloutTable, locks: LockTable
) -> None:
    wanted = [replace(LOCK, owner=f"U0PERSON{number:02}") for number in range(20)]
    got = await asyncio.gather(*(locks.replace(None, lock, ENTRY) for lock in wanted))
    assert sorted(got) == [False] * 19 + [True]
    assert list(await locks.all()) == [wanted[got.index(True)]]
    assert (await AuditTable(store.connection).head()).count == 1


async def test_a_lock_is_replaced_and_removed_only_by_who_has_seen_it(
    store: RolloutTable, locks: LockTable
) -> None:
    await locks.replace(None, LOCK, ENTRY)
    taken = replace(LOCK, owner="U0BEN00000")
    assert await locks.replace(LOCK, taken, ENTRY)
    announcement = Announcement("lock:1", "C1", Card("text", ()), NOON)
    assert not await locks.replace(LOCK, None, ENTRY, announcement)
    assert not await locks.replace(replace(taken, reason=""), None, ENTRY, announcement)
    assert not await locks.replace(None, LOCK, ENTRY, announcement)
    assert list(await locks.all()) == [taken]
    assert (await AuditTable(store.connection).head()).count == 2
    assert list(await OutboxTable(store.connection).due()) == []
    assert await locks.replace(taken, None, ENTRY, announcement)
    assert list(await locks.all()) == []
    assert [due.key for due in await OutboxTable(store.connection).due()] == ["lock:1"]


async def test_announcements_wait_in_order_until_they_are_done(store: RolloutTable) -> None:
    outbox = OutboxTable(store.connection)
    block = {"type": "section", "text": {"type": "mrkdwn", "text": "*QA*"}}
    first = Announcement("b", "C1", Card("first", (block,)), NOON)
    second = Announcement("a", "C2", Card("second", ()), NOON)
    for announcement in (first, second, replace(first, channel="C9")):
        await outbox.add(announcement)
    due = list(await outbox.due())
    assert [(item.key, item.channel, item.card.text) for item in due] == [
        ("b", "C1", "first"),
        ("a", "C2", "second"),
    ]
    assert list(due[0].card.blocks) == [block]
    await outbox.done("b")
    await outbox.done("b")
    assert [item.key for item in await outbox.due()] == ["a"]

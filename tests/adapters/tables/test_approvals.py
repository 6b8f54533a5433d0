"""Approvals on both databases: one decision per person, settled once, recorded with it."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.adapters.database import Connection
from bot.adapters.databases import connection_to
from bot.adapters.sqlite_database import SqliteConnection
from bot.adapters.tables.approvals import ApprovalTable
from bot.adapters.tables.audit import AuditTable
from bot.adapters.tables.rollouts import RolloutTable
from bot.domain.approval import Approval, Decision
from bot.domain.audit import AuditEntry
from bot.domain.rollout import RolloutState

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
YES = Approval(
    service="tasks-service",
    environment="prod",
    digest="sha256:" + "a" * 64,
    covers="f00",
    by="U0ELENA000",
    role="release-managers",
    decision=Decision.APPROVE,
    at=NOON,
    version="1.4.0",
)


def entry(approval: Approval) -> AuditEntry:
    return AuditEntry(
        NOON,
        approval.by,
        "button",
        str(approval.decision),
        f"{approval.service}/{approval.environment}",
        after=approval.recorded,
    )


@pytest.fixture
def approvals(connection: Connection) -> ApprovalTable:
    return ApprovalTable(connection)


async def actions(store: RolloutTable) -> list[str]:
    return [record.entry.action for record in await AuditTable(store.connection).page()]


async def test_a_decision_comes_back_as_it_was(approvals):
    said = replace(YES, decision=Decision.REJECT, reason="ñandú <!channel> 😀")
    assert await approvals.replace(None, said, entry(said))
    assert await approvals.of("tasks-service", "prod") == [said]


async def test_of_many_clicks_at_once_one_is_an_approval_and_one_record(approvals, store):
    took = await asyncio.gather(*(approvals.replace(None, YES, entry(YES)) for _ in range(20)))
    assert sorted(took) == [False] * 19 + [True]
    assert await approvals.of("tasks-service", "prod") == [YES]
    assert await actions(store) == ["approve"]


async def test_who_decides_on_what_is_no_longer_there_has_to_look_again(approvals, store):
    no = replace(YES, decision=Decision.REJECT)
    assert await approvals.replace(None, YES, entry(YES))
    assert not await approvals.replace(no, YES, entry(YES))
    assert await approvals.replace(YES, no, entry(no))
    assert not await approvals.replace(YES, no, entry(no))
    assert await approvals.of("tasks-service", "prod") == [no]
    assert await actions(store) == ["reject", "approve"]


async def test_each_person_and_each_digest_has_a_decision_of_its_own(approvals):
    others = [
        replace(YES, by="U0CARLA000"),
        replace(YES, digest="sha256:" + "b" * 64),
    ]
    elsewhere = [replace(YES, environment="qa"), replace(YES, service="auth-service")]
    for each in (YES, *others, *elsewhere):
        assert await approvals.replace(None, each, entry(each))
    assert set(await approvals.of("tasks-service", "prod")) == {YES, *others}
    assert await approvals.of("tasks-service", "qa") == [elsewhere[0]]


async def test_the_newest_come_first(approvals):
    old = replace(YES, by="UOLD", at=datetime(2026, 1, 1, tzinfo=UTC))
    for each in (old, YES):
        await approvals.replace(None, each, entry(each))
    assert [each.by for each in await approvals.of("tasks-service", "prod")] == [YES.by, "UOLD"]


async def test_a_decision_is_there_after_the_process_is_gone(address):
    first = connection_to(address)
    await first.open()
    await ApprovalTable(first).replace(None, YES, entry(YES))
    await first.close()
    second = connection_to(address)
    await second.open()
    assert await ApprovalTable(second).of("tasks-service", "prod") == [YES]
    await second.close()


# --- what waits keeps nobody from going ----------------------------------------------------------


async def test_what_waits_for_approval_keeps_no_other_release_from_going(store, make_rollout):
    waits = make_rollout(id="waits", state=RolloutState.AWAITING_APPROVAL)
    other = make_rollout(id="other", image=replace(waits.image, digest="sha256:" + "b" * 64))
    third = make_rollout(
        id="third",
        state=RolloutState.AWAITING_APPROVAL,
        image=replace(waits.image, digest="sha256:" + "c" * 64),
    )
    for each in (waits, other, third):
        await store.add(each)
    started = await store.start_next("tasks-service", "qa")
    assert started is not None
    assert started.id == "other"


async def test_the_same_release_is_asked_for_once(store, make_rollout):
    waits = await store.add(make_rollout(id="waits", state=RolloutState.AWAITING_APPROVAL))
    again = await store.add(make_rollout(id="again", state=RolloutState.AWAITING_APPROVAL))
    assert again == waits


async def test_a_file_from_before_loses_the_index_that_counted_what_waits(tmp_path, make_rollout):
    """Version 1 of the index had AWAITING_APPROVAL among the driven states."""
    path = tmp_path / "dynamo.db"
    first = SqliteConnection(str(path))
    await first.open()
    await first.close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("drop index one_driven_rollout")
        db.execute(
            "create unique index one_driven_rollout on rollouts (service, environment)"
            " where state in ('APPLYING', 'AWAITING_APPROVAL', 'BUILDING', 'PROGRESSING')"
        )
        db.execute("delete from _sqlite_migrations where name = '0010_what_waits_is_not_driven'")
        db.commit()
    connection = SqliteConnection(str(path))
    await connection.open()
    second = RolloutTable(connection)
    try:
        waits = make_rollout(id="a", state=RolloutState.AWAITING_APPROVAL)
        await second.add(waits)
        await second.add(
            make_rollout(
                id="b",
                state=RolloutState.AWAITING_APPROVAL,
                image=replace(waits.image, digest="sha256:" + "b" * 64),
            )
        )
        assert len(await second.active()) == 2
    finally:
        await connection.close()

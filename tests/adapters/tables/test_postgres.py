"""What only a server of PostgreSQL has: who works on it, who stands by, and what becomes of a
connection that is lost."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import psycopg
import pytest

from bot.adapters.database import Connection
from bot.adapters.postgres_database import PostgresConnection, parameters_of, place_of
from bot.adapters.tables.audit import AuditTable
from bot.adapters.tables.delivered import END
from bot.adapters.tables.rollouts import _CARD_TS, RolloutTable
from bot.domain.audit import AuditEntry, subject_of
from bot.errors import PortError, Trouble
from tests.databases import empty_database

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
WITHIN = 60.0


@pytest.fixture
def address(server: str) -> str:
    return empty_database(server)


@pytest.fixture
async def second(address: str) -> AsyncIterator[PostgresConnection]:
    waiting = PostgresConnection(address)
    yield waiting
    await waiting.close()


async def session_of(connection: Connection) -> int:
    found = await connection.run(lambda db: db.execute("select pg_backend_pid()").fetchone())
    return int(found[0])


def end_session(server: str, pid: int) -> None:
    """As a crash of it, or a server that is started again, does."""
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute("select pg_terminate_backend(%s, 10000)", [pid])


async def test_the_next_one_stands_by_and_goes_on_from_what_is_stored(
    connection: Connection, second: PostgresConnection, make_rollout
) -> None:
    stored = await RolloutTable(connection).add(make_rollout())
    opening = asyncio.create_task(second.open())
    done, _ = await asyncio.wait({opening}, timeout=0.2)
    assert not done
    await connection.close()
    async with asyncio.timeout(WITHIN):
        await opening
    assert await RolloutTable(second).unsettled() == [stored]


async def test_a_lost_connection_is_made_again_with_its_lock(
    connection: Connection, second: PostgresConnection, server: str, make_rollout
) -> None:
    end_session(server, await session_of(connection))
    store = RolloutTable(connection)
    with pytest.raises(PortError) as lost:
        await store.get("r1")
    assert (lost.value.trouble, lost.value.temporary) == (Trouble.AWAY, True)
    assert await store.add(make_rollout()) == await store.get("r1")
    with pytest.raises(PortError) as refused:
        await second.open(stand_by=False)
    assert refused.value.trouble is Trouble.CONFLICT


async def test_whoever_lost_the_lock_to_another_writes_nothing_more_and_is_told(
    connection: Connection, second: PostgresConnection, server: str, make_rollout
) -> None:
    opening = asyncio.create_task(second.open())
    await asyncio.wait({opening}, timeout=0.1)
    end_session(server, await session_of(connection))
    async with asyncio.timeout(WITHIN):
        await opening
    store = RolloutTable(connection)
    with pytest.raises(PortError):
        await store.add(make_rollout())
    with pytest.raises(PortError) as refused:
        await store.add(make_rollout())
    assert (refused.value.trouble, refused.value.temporary) == (Trouble.CONFLICT, False)
    assert connection.displaced.is_set()
    assert await RolloutTable(second).get("r1") is None


@pytest.mark.parametrize(
    "statement",
    [
        "update audit set hash = 'x'",
        "delete from audit",
        "truncate audit",
        "insert into audit (number, body, hash) values (9, '{}', 'x')",
        "insert into audit (number, body, hash) values (2, '{\"previous\": \"x\"}', 'x')",
    ],
)
async def test_the_audit_log_refuses_everything_but_the_next_record(
    connection: Connection, address: str, statement: str
) -> None:
    audit = AuditTable(connection)
    await audit.record(AuditEntry(NOON, "U0ANA00000", "slash", "lock", subject_of("a", "b")))
    with (
        psycopg.connect(address) as other,
        pytest.raises(
            psycopg.errors.RaiseException, match=r"^(?:the audit log is|an audit record)"
        ),
    ):
        other.execute(statement.encode())
    assert (await audit.head()).count == 1


async def test_the_same_questions_have_their_index(connection: Connection) -> None:
    def plans(db):
        db.execute("set enable_seqscan = off")  # it would read a table of no rows from its start
        for where in (f"environment = 'qa' and {END} >= '2026'", f"{_CARD_TS} = '1'"):
            yield str(db.execute(f"explain select body from rollouts where {where}").fetchall())

    ends, cards = await connection.run(lambda db: list(plans(db)))
    assert "ends_of_rollouts" in ends
    assert "rollouts_by_card" in cards


async def test_a_server_that_does_not_answer_is_told_without_its_password() -> None:
    gone = PostgresConnection("postgresql://dynamo:s3cret@127.0.0.1:9/dynamo")
    with pytest.raises(PortError) as away:
        await gone.open()
    await gone.close()
    assert (away.value.trouble, away.value.temporary) == (Trouble.AWAY, True)
    assert away.value.values["path"] == "127.0.0.1:9/dynamo"
    assert "s3cret" not in f"{away.value} {away.value.values}"


@pytest.mark.parametrize(
    ("url", "mode"),
    [
        ("postgresql://u:p@db.yourapp.com/dynamo", "verify-full"),
        ("postgresql://u:p@db.yourapp.com/dynamo?sslmode=require", None),
        ("postgresql://u:p@127.0.0.1/dynamo", None),
        ("postgresql:///dynamo?host=/run/postgresql", None),
    ],
)
def test_over_a_network_the_server_proves_who_it_is(url: str, mode: str | None) -> None:
    assert parameters_of(url).get("sslmode") == mode
    assert "p@" not in place_of(url)

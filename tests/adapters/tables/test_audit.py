"""The audit log on both databases: it takes inserts in order, and nothing else."""

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.adapters.audit_reading import read_log, verify_log
from bot.adapters.database import Connection, TakenError
from bot.adapters.sqlite_database import SqliteConnection
from bot.adapters.tables.audit import AuditTable
from bot.adapters.tables.rollouts import RolloutTable
from bot.domain.audit import (
    AuditEntry,
    AuditRecord,
    Broken,
    By,
    Head,
    canonical,
    hash_of,
    record_of,
    subject_of,
    verify,
)
from bot.domain.image import Image
from bot.domain.rollout import Rollout, RolloutState
from bot.errors import StaleError
from config.settings import sqlite_path
from tests.databases import on_sqlite

MakeRollout = Callable[..., Rollout]
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def an_entry(number: int, place: tuple[str, str] = ("tasks-service", "qa")) -> AuditEntry:
    subject = subject_of(*place)
    return AuditEntry(NOON, "U0ANA00000", "slash", "lock", subject, after={"number": number})


@pytest.fixture
def path(address: str) -> Path:
    """Of the file, for those tests that are about files."""
    return Path(sqlite_path(address) or "")


@pytest.fixture
def store(connection: Connection) -> RolloutTable:
    return RolloutTable(connection, lambda: NOON)


@pytest.fixture
def audit(connection: Connection) -> AuditTable:
    return AuditTable(connection)


def numbers(found: object) -> list[int]:
    return [record.number for record in found]  # type: ignore[attr-defined]


async def filled(audit: AuditTable, many: int) -> None:
    for number in range(many):
        await audit.record(an_entry(number))


async def test_what_is_recorded_stands_in_a_chain_that_is_whole(
    audit: AuditTable, address: str
) -> None:
    await filled(audit, 5)
    found = verify_log(address)
    assert found.flaws == ()
    assert found.head == await audit.head()
    assert found.head.count == 5


async def test_an_entry_with_a_key_is_recorded_once(audit: AuditTable) -> None:
    entry = AuditEntry(NOON, "dynamo", "engine", "step", subject_of("a", "b"), key="r1:QUEUED")
    await asyncio.gather(*(audit.record(entry) for _ in range(10)))
    await audit.record(an_entry(1))
    await audit.record(an_entry(1))
    assert (await audit.head()).count == 3


async def test_many_at_once_get_a_number_each(audit: AuditTable, address: str) -> None:
    await asyncio.gather(*(audit.record(an_entry(number)) for number in range(50)))
    assert numbers(read_log(address)) == list(range(1, 51))
    assert verify_log(address).flaws == ()


@on_sqlite
@pytest.mark.parametrize(
    "statement",
    [
        "update audit set body = '{}' where number = 2",
        "update audit set hash = 'x'",
        "delete from audit where number = 3",
        "delete from audit",
        "insert into audit (number, body, hash) values (9, '{}', 'x')",
        "insert or replace into audit (number, body, hash) values (2, '{}', 'x')",
        "insert into audit (number, body, hash) values (4, '{\"previous\": \"x\"}', 'x')",
    ],
)
async def test_the_table_refuses_everything_but_the_next_record(
    audit: AuditTable, path: Path, statement: str
) -> None:
    await filled(audit, 3)
    with closing(sqlite3.connect(path)) as conn, pytest.raises(sqlite3.IntegrityError):
        conn.execute(statement)
    assert verify_log(path).flaws == ()


@on_sqlite
async def test_the_table_refuses_a_number_that_is_not_the_next(
    audit: AuditTable, path: Path
) -> None:
    await filled(audit, 3)
    body = canonical({"number": 9, "previous": (await audit.head()).hash})
    with closing(sqlite3.connect(path)) as conn, pytest.raises(sqlite3.IntegrityError):
        conn.execute(
            "insert into audit (number, body, hash) values (9, ?, ?)", [body, hash_of(body)]
        )


async def test_a_log_that_grows_while_it_is_read_is_whole(audit: AuditTable, address: str) -> None:
    """Records and head are read of one moment, beside a bot that goes on writing."""
    await filled(audit, 300)
    writing = asyncio.create_task(filled(audit, 200))
    looks = 0
    while not writing.done() or looks < 3:
        found = await asyncio.to_thread(verify_log, address)
        assert found.flaws == ()
        looks += 1
    await writing


async def test_pages_go_back_and_forth_and_are_filtered(audit: AuditTable) -> None:
    places = [("tasks-service", "qa"), ("auth-service", "qa"), ("", "qa"), ("tasks-service", "")]
    for number in range(12):
        await audit.record(an_entry(number, places[number % 4]))
    assert numbers(await audit.page(limit=3)) == [12, 11, 10]
    assert numbers(await audit.page(limit=3, before=10)) == [9, 8, 7]
    assert numbers(await audit.page(limit=3, after=7)) == [10, 9, 8]
    assert numbers(await audit.page("tasks-service", limit=4)) == [12, 11, 9, 8]
    assert numbers(await audit.page("auth-service", "qa", limit=4)) == [11, 10, 7, 6]
    assert numbers(await audit.page("", "prod")) == [12, 8, 4]
    assert numbers(await audit.page("nothing'; drop table audit", "qa")) == [11, 7, 3]


# --- rollouts: the store records what it saves --------------------------------------------------


async def test_each_state_of_a_rollout_is_recorded_once_with_who_and_before_and_after(
    store: RolloutTable, audit: AuditTable, make_rollout: MakeRollout
) -> None:
    rollout = await store.add(make_rollout(reason="fixes #231"), By("U0ANA00000", "button"))
    started = await store.start_next("tasks-service", "qa")
    assert started is not None
    same_state = await store.save(started.with_(behind="x"))
    ended = same_state.with_(state=RolloutState.CANCELLED, ended_by="U0BEN00000")
    await store.save(ended, By("U0BEN00000", "mention"))

    found = [record.entry for record in await audit.page()][::-1]
    assert [(e.action, e.actor, e.surface) for e in found] == [
        ("request", "U0ANA00000", "button"),
        ("step", "dynamo", "engine"),
        ("step", "U0BEN00000", "mention"),
    ]
    assert [e.after["state"] for e in found] == ["QUEUED", "APPLYING", "CANCELLED"]
    assert [e.before.get("state") for e in found] == [None, "QUEUED", "APPLYING"]
    assert found[0].after["reason"] == "fixes #231"
    assert found[0].after["line"] == rollout.line
    assert {e.subject for e in found} == {"tasks-service/qa"}
    assert {e.after["rollout"] for e in found} == {"r1"}


async def test_a_save_that_comes_too_late_records_nothing(
    store: RolloutTable, audit: AuditTable, make_rollout: MakeRollout
) -> None:
    rollout = await store.add(make_rollout())
    await store.save(rollout.with_(state=RolloutState.CANCELLED))
    with pytest.raises(StaleError):
        await store.save(rollout.with_(state=RolloutState.FAILED))
    assert (await audit.head()).count == 2


async def test_a_release_that_is_under_way_is_not_recorded_as_a_second_request(
    store: RolloutTable, audit: AuditTable, make_rollout: MakeRollout
) -> None:
    await store.add(make_rollout())
    again = await store.add(make_rollout(id="r2"))
    assert again.id == "r1"
    assert (await audit.head()).count == 1


@on_sqlite
async def test_a_state_that_cannot_be_recorded_is_not_saved(
    store: RolloutTable, audit: AuditTable, make_rollout: MakeRollout
) -> None:
    """They are one write: there is never a step that the log does not know."""
    rollout = await store.add(make_rollout())
    await store.connection.run(
        lambda db: db.execute(
            "create trigger full before insert on audit begin select raise(abort, 'full'); end"
        )
    )
    with pytest.raises(TakenError):
        await store.save(rollout.with_(state=RolloutState.CANCELLED))
    assert (await store.get("r1")) == rollout


async def test_history_leaves_out_what_a_rollout_only_passes_through(
    store: RolloutTable, audit: AuditTable, make_rollout: MakeRollout
) -> None:
    rollout = await store.add(make_rollout())
    for state in ("APPLYING", "PROGRESSING", "SOAKING", "SUCCEEDED"):
        rollout = await store.save(rollout.with_(state=RolloutState(state)))
    shown = [record.entry.after["state"] for record in await audit.page(steps=False)]
    assert shown == ["SUCCEEDED", "QUEUED"]
    assert len(await audit.page()) == 5


async def test_the_time_of_a_step_is_the_clock_that_the_store_was_given(
    store: RolloutTable, audit: AuditTable, make_rollout: MakeRollout
) -> None:
    await store.add(make_rollout(image=Image("r/x", "1", "sha256:" + "0" * 64)))
    assert (await audit.page())[0].entry.at == NOON


# --- what somebody does who has the file -------------------------------------------------------


def tampered(path: Path, *statements: str) -> Path:
    """A copy without its triggers, changed."""
    copy = path.with_name("tampered.db")
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
        for name in ("audit_takes_no_update", "audit_takes_no_delete", "audit_grows_at_its_end"):
            target.execute(f"drop trigger {name}")
        for statement in statements:
            target.execute(statement)
        target.commit()
    return copy


@on_sqlite
@pytest.mark.parametrize(
    ("statements", "number", "broken"),
    [
        (["update audit set body = replace(body, 'ANA', 'EVE') where number = 3"], 3, "EDITED"),
        (["delete from audit where number = 3"], 3, "MISSING"),
        (["delete from audit where number > 3"], 4, "TRUNCATED"),
        (
            [
                "update audit set number = 99 where number = 2",
                "update audit set number = 2 where number = 3",
                "update audit set number = 3 where number = 99",
            ],
            2,
            "OUT_OF_PLACE",
        ),
    ],
    ids=["edited", "removed", "cut off", "reordered"],
)
async def test_verify_finds_what_was_done_to_the_file(
    audit: AuditTable,
    path: Path,
    capsys: pytest.CaptureFixture[str],
    statements: list[str],
    number: int,
    broken: str,
) -> None:
    await filled(audit, 5)
    copy = tampered(path, *statements)
    flaws = verify_log(copy).flaws
    assert (flaws[0].number, flaws[0].broken) == (number, Broken(broken))
    assert main(["audit", "verify", "--database", str(copy)]) == 1
    told = capsys.readouterr().out
    assert f"record {number} " in told
    assert "NOT whole" in told


@on_sqlite
async def test_a_log_and_head_rewritten_alike_are_found_by_a_noted_head(
    audit: AuditTable, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await filled(audit, 3)
    noted = await audit.head()
    records = list(read_log(path))
    content = {**json.loads(records[2].body), "actor": "U0EVE00000"}
    body = canonical(content)
    forged = AuditRecord(3, body, hash_of(body))
    copy = tampered(
        path,
        f"update audit set body = '{forged.body}', hash = '{forged.hash}' where number = 3",
        f"update audit_head set hash = '{forged.hash}'",
    )
    assert verify_log(copy).flaws == ()  # the limit that docs/operations.md tells
    assert verify_log(copy, [noted]).flaws[0].broken is Broken.OTHER_WITNESS
    expected = f"{noted.count}:{noted.hash}"
    assert main(["audit", "verify", "--database", str(copy), "--expect", expected]) == 1
    assert main(["audit", "verify", "--database", str(path), "--expect", expected]) == 0
    assert expected in capsys.readouterr().out


@on_sqlite
async def test_export_writes_json_lines_that_can_be_verified_anywhere(
    audit: AuditTable, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await filled(audit, 4)
    assert main(["audit", "export", "--database", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["number"] for line in lines] == [1, 2, 3, 4]
    assert verify(map(record_of, lines), await audit.head()).flaws == ()


@pytest.mark.parametrize("command", ["verify", "export"])
def test_a_file_without_an_audit_log_is_told_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    (tmp_path / "text.db").write_text("no database at all, but some text")
    sqlite3.connect(tmp_path / "empty.db").close()
    for name in ("missing.db", "text.db", "empty.db"):
        assert main(["audit", command, "--database", str(tmp_path / name)]) == 1
        said = capsys.readouterr()
        assert "no audit log can be read there" in said.err
        assert said.out == ""
    assert not (tmp_path / "missing.db").exists()


def test_a_head_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "verify", "--expect", "12:abc"]) == 2
    assert "COUNT:HASH" in capsys.readouterr().err


@on_sqlite
async def test_a_database_of_the_first_version_gets_its_log(
    path: Path, make_rollout: MakeRollout
) -> None:
    """Rollouts that were stored before there was a log go on, and are recorded from there."""
    first = SqliteConnection(str(path))
    await first.open()
    stored = await RolloutTable(first).add(make_rollout())
    await first.close()
    older = path.with_name("older.db")
    shutil.copy(path, older)
    with closing(sqlite3.connect(older)) as conn:
        conn.execute("drop table audit")
        conn.execute("drop table audit_head")
        conn.execute("delete from _sqlite_migrations where name = '0003_audit'")
        conn.commit()
    store = SqliteConnection(str(older))
    await store.open()
    await RolloutTable(store).save(stored.with_(state=RolloutState.CANCELLED))
    await store.close()
    assert verify_log(older).head.count == 1
    assert verify_log(older).flaws == ()
    assert Head() != verify_log(older).head

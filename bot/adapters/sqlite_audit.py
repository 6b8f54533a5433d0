"""`bot.ports.Audit` in Dynamo's database: a table that takes inserts in order and nothing else.

Triggers refuse UPDATE and DELETE, and an insert that does not come next. They stop a mistake and a
careless hand; against somebody who owns the file there is the chain (`bot/domain/audit.py`). The
columns that queries ask for are computed from the body, so that there is nothing beside it that
could be edited without breaking a hash.

`append` is what the store calls within its own transactions: a rollout's new state and the record
of it are one write.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from bot.adapters.sqlite_file import SqliteFile
from bot.adapters.sqlite_schema import migrations
from bot.adapters.sqlite_tables import Database
from bot.domain.audit import AuditEntry, AuditRecord, Head, Verification, chained, verify
from bot.domain.rollout import FINAL, RolloutState
from bot.domain.rollout_records import STEP


@migrations(name="0003_audit")
def _audit(db: Database) -> None:
    db.execute(
        """
        create table audit (
            number integer primary key,
            body text not null,
            hash text not null,
            key text generated always as (nullif(json_extract(body, '$.key'), '')) virtual,
            subject text generated always as (json_extract(body, '$.subject')) virtual,
            service text generated always as
                (substr(json_extract(body, '$.subject'), 1,
                        instr(json_extract(body, '$.subject'), '/') - 1)) virtual,
            environment text generated always as
                (substr(json_extract(body, '$.subject'),
                        instr(json_extract(body, '$.subject'), '/') + 1)) virtual
        )
        """
    )
    db.execute("create unique index audit_once on audit (key)")
    db.execute("create index audit_of_a_service on audit (service, number)")
    db.execute("create index audit_of_an_environment on audit (environment, number)")
    db.execute(
        "create table audit_head"
        " (id integer primary key check (id = 1), count integer not null, hash text not null)"
    )
    db.execute("insert into audit_head (id, count, hash) values (1, 0, ?)", [Head().hash])
    for what in ("update", "delete"):
        db.execute(
            f"create trigger audit_takes_no_{what} before {what} on audit"
            " begin select raise(abort, 'the audit log is append-only'); end"
        )
    db.execute(
        "create trigger audit_grows_at_its_end before insert on audit"
        " when new.number is not (select count + 1 from audit_head)"
        " or json_extract(new.body, '$.previous') is not (select hash from audit_head)"
        " begin select raise(abort, 'an audit record comes after the newest one'); end"
    )


_TELLING = "json_extract(body, '$.after.state') in ({})".format(
    ", ".join(repr(str(state)) for state in sorted(FINAL | {RolloutState.ROLLING_BACK}))
)
"""The states that end a rollout or turn it round: what a person looks for later."""


class SqliteAudit:
    """`bot.ports.Audit`, on the store's connection and thread."""

    def __init__(self, store: SqliteFile) -> None:
        self._store = store

    async def record(self, entry: AuditEntry) -> None:
        def write(db: Database) -> None:
            with db.atomic():
                append(db, entry)

        await self._store.run(write)

    async def page(
        self,
        service: str = "",
        environment: str = "",
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int = 10,
        steps: bool = True,
    ) -> Sequence[AuditRecord]:
        terms, values = _terms(service, environment, before, after, steps=steps)
        order = "asc" if after is not None else "desc"
        found = await self._store.run(
            lambda db: _select(
                db, f"where {terms} order by number {order} limit {int(limit)}", values
            )
        )
        return found[::-1] if after is not None else found

    async def head(self) -> Head:
        return await self._store.run(lambda db: _head(db.conn))


def append(db: Database, entry: AuditEntry) -> None:
    """Write the entry after the newest record, within the caller's transaction. An entry whose key
    is there already is left out: it was recorded."""
    conn = db.conn
    if entry.key:
        seen = conn.execute("select 1 from audit where key = ?", [entry.key]).fetchone()
        if seen is not None:
            return
    record = chained(entry, _head(conn))
    conn.execute(
        "insert into audit (number, body, hash) values (?, ?, ?)",
        [record.number, record.body, record.hash],
    )
    conn.execute("update audit_head set count = ?, hash = ?", [record.number, record.hash])


def _head(conn: sqlite3.Connection) -> Head:
    found = conn.execute("select count, hash from audit_head").fetchone()
    return Head(*found)


def _terms(
    service: str, environment: str, before: int | None, after: int | None, *, steps: bool
) -> tuple[str, dict[str, str | int | None]]:
    """What a page asks for. A record about a whole environment (a lock of it) belongs to each
    service there, and one about a service everywhere (a checklist) to each environment."""
    terms = ["1"]
    if service:
        terms.append("service in (:service, '*')")
    if environment:
        terms.append("environment in (:environment, '*')")
    if before is not None:
        terms.append("number < :before")
    if after is not None:
        terms.append("number > :after")
    if not steps:
        terms.append(f"(json_extract(body, '$.action') <> '{STEP}' or {_TELLING})")
    values = {"service": service, "environment": environment, "before": before, "after": after}
    return " and ".join(terms), values


def _select(db: Database, tail: str, values: Mapping[str, str | int | None]) -> list[AuditRecord]:
    rows = db.conn.execute(f"select number, body, hash from audit {tail}", values)  # noqa: S608
    return [AuditRecord(*row) for row in rows]


# --- the file as `dynamo audit` reads it, beside a running bot -----------------------------------


def verify_file(path: Path, witnesses: Sequence[Head] = ()) -> Verification:
    """Raises sqlite3.Error where the file cannot be read or has no audit log."""
    with closing(_read_only(path)) as conn:
        conn.execute("begin")  # records and head of one moment
        return verify(_records(conn), _head(conn), witnesses)


def read_file(path: Path) -> Iterator[AuditRecord]:
    """All records, oldest first. Raises sqlite3.Error as `verify_file`."""
    with closing(_read_only(path)) as conn:
        conn.execute("begin")
        yield from _records(conn)


def _records(conn: sqlite3.Connection) -> Iterator[AuditRecord]:
    for row in conn.execute("select number, body, hash from audit order by number"):
        yield AuditRecord(*row)


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)

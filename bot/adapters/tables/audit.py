"""`bot.ports.Audit` in Dynamo's database: a table that takes inserts in order and nothing else.

Triggers refuse UPDATE and DELETE, and an insert that does not come next. They stop a mistake and a
careless hand; against somebody who owns the file there is the chain (`bot/domain/audit.py`). The
columns that queries ask for are computed from the body, so that there is nothing beside it that
could be edited without breaking a hash.

`append` is what the store calls within its own transactions: a rollout's new state and the record
of it are one write.
"""

from collections.abc import Iterator, Mapping, Sequence

from bot.adapters.database import Connection, Database, migration
from bot.domain.audit import AuditEntry, AuditRecord, Head, chained
from bot.domain.rollout import FINAL, RolloutState
from bot.domain.rollout_records import STEP

_SQLITE_GUARDS = (
    *(
        f"create trigger audit_takes_no_{what} before {what} on audit"
        " begin select raise(abort, 'the audit log is append-only'); end"
        for what in ("update", "delete")
    ),
    "create trigger audit_grows_at_its_end before insert on audit"
    " when new.number is not (select count + 1 from audit_head)"
    " or json_extract(new.body, '$.previous') is not (select hash from audit_head)"
    " begin select raise(abort, 'an audit record comes after the newest one'); end",
)
_POSTGRES_GUARDS = (
    "create function audit_is_append_only() returns trigger language plpgsql as $$"
    " begin raise exception 'the audit log is append-only'; end $$",
    "create trigger audit_takes_nothing_back before update or delete or truncate on audit"
    " for each statement execute function audit_is_append_only()",
    "create function audit_comes_next() returns trigger language plpgsql as $$"
    " begin if not exists (select 1 from audit_head where count + 1 = new.number"
    " and hash = json_extract(new.body, '$.previous'))"
    " then raise exception 'an audit record comes after the newest one'; end if;"
    " return new; end $$",
    "create trigger audit_grows_at_its_end before insert on audit"
    " for each row execute function audit_comes_next()",
)


@migration("0003_audit")
def _audit(db: Database) -> None:
    where = "json_extract(body, '$.subject')"
    slash = {"sqlite": f"instr({where}, '/')", "postgresql": f"strpos({where}, '/')"}[db.dialect]
    kept = {"sqlite": "virtual", "postgresql": "stored"}[db.dialect]
    db.execute(
        f"""
        create table audit (
            number integer primary key,
            body text not null,
            hash text not null,
            key text generated always as (nullif(json_extract(body, '$.key'), '')) {kept},
            subject text generated always as ({where}) {kept},
            service text generated always as (substr({where}, 1, {slash} - 1)) {kept},
            environment text generated always as (substr({where}, {slash} + 1)) {kept}
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
    for statement in {"sqlite": _SQLITE_GUARDS, "postgresql": _POSTGRES_GUARDS}[db.dialect]:
        db.execute(statement)


_TELLING = "json_extract(body, '$.after.state') in ({})".format(
    ", ".join(repr(str(state)) for state in sorted(FINAL | {RolloutState.ROLLING_BACK}))
)
"""The states that end a rollout or turn it round: what a person looks for later."""


class AuditTable:
    """`bot.ports.Audit`, on the store's connection and thread."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def record(self, entry: AuditEntry) -> None:
        def write(db: Database) -> None:
            with db.atomic():
                append(db, entry)

        await self._connection.run(write)

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
        found = await self._connection.run(
            lambda db: _select(
                db, f"where {terms} order by number {order} limit {int(limit)}", values
            )
        )
        return found[::-1] if after is not None else found

    async def head(self) -> Head:
        return await self._connection.run(head_of)


def append(db: Database, entry: AuditEntry) -> None:
    """Write the entry after the newest record, within the caller's transaction. An entry whose key
    is there already is left out: it was recorded."""
    if entry.key:
        seen = db.execute("select 1 from audit where key = ?", [entry.key]).fetchone()
        if seen is not None:
            return
    record = chained(entry, head_of(db))
    db.execute(
        "insert into audit (number, body, hash) values (?, ?, ?)",
        [record.number, record.body, record.hash],
    )
    db.execute("update audit_head set count = ?, hash = ?", [record.number, record.hash])


def head_of(db: Database) -> Head:
    found = db.execute("select count, hash from audit_head").fetchone()
    return Head(*found)


def records_of(db: Database) -> Iterator[AuditRecord]:
    """All of them, oldest first."""
    for row in db.execute("select number, body, hash from audit order by number"):
        yield AuditRecord(*row)


def _terms(
    service: str, environment: str, before: int | None, after: int | None, *, steps: bool
) -> tuple[str, dict[str, str | int | None]]:
    """What a page asks for. A record about a whole environment (a lock of it) belongs to each
    service there, and one about a service everywhere (a checklist) to each environment."""
    terms = ["true"]
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
    rows = db.execute(f"select number, body, hash from audit {tail}", values)  # noqa: S608
    return [AuditRecord(*row) for row in rows]

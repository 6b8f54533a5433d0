"""`bot.ports.Checklists` in Dynamo's database: one row for each release that has a list.

A click is decided inside the transaction, on what stands there at that moment: two people at once
are one after the other, and the second is told about the first. `shown` is the newest revision that
Slack has confirmed on the list's message, so that a killed process knows what to show again.
"""

from collections.abc import Callable, Sequence

from pydantic import TypeAdapter

from bot.adapters.database import Connection, Database, migration, numbered
from bot.adapters.tables.audit import append
from bot.domain.audit import AuditEntry
from bot.domain.checklist import Before, Checklist, No, Refusal
from bot.domain.rollout import CardRef
from bot.ports import Decide, Record

_CHECKLIST = TypeAdapter(Checklist)
_NEVER = -1  # shown: Slack has no message of it yet


@migration("0020_checklists")
def _checklists(db: Database) -> None:
    db.execute(
        "create table checklists (service text not null, digest text not null,"
        " revision integer not null, shown integer not null, current integer not null,"
        f" body text not null, primary key (service, digest){numbered(db)})"
    )
    db.execute(
        "create unique index one_current_checklist on checklists (service) where current = 1"
    )
    db.execute("create index checklists_to_show on checklists (service) where shown < revision")


class ChecklistTable:
    """On the connection that all tables share."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def get(self, service: str, digest: str) -> Checklist | None:
        return await self._connection.run(lambda db: _get(db, service, digest))

    async def current(self, service: str) -> Checklist | None:
        return await self._connection.run(lambda db: _current(db, service))

    async def open(
        self, wanted: Checklist, leave: Callable[[Checklist], Before], record: Record
    ) -> tuple[Checklist, Checklist | None]:
        def write(db: Database) -> tuple[Checklist, Checklist | None]:
            with db.atomic():
                return _open(db, wanted, leave, record)

        return await self._connection.run(write)

    async def change(
        self, service: str, digest: str, decide: Decide, record: Record
    ) -> Checklist | Refusal:
        def write(db: Database) -> Checklist | Refusal:
            with db.atomic():
                held = _get(db, service, digest)
                if held is None:
                    return Refusal(No.NO_LIST)
                decided = decide(held)
                if isinstance(decided, Refusal) or decided == held:
                    return decided
                return _save(db, held, decided, record)

        return await self._connection.run(write)

    async def live(self) -> Sequence[tuple[str, str]]:
        return await self._keys("current = 1 and json_extract(body, '$.closed_at') is null")

    async def unshown(self) -> Sequence[tuple[str, str]]:
        return await self._keys("shown < revision")

    async def _keys(self, where: str) -> Sequence[tuple[str, str]]:
        def read(db: Database) -> list[tuple[str, str]]:
            query = f"select service, digest from checklists where {where} order by rowid"  # noqa: S608
            return [(row[0], row[1]) for row in db.execute(query).fetchall()]

        return await self._connection.run(read)

    async def placed(self, service: str, digest: str, card: CardRef, shown: int = _NEVER) -> None:
        def write(db: Database) -> None:
            with db.atomic():
                held = _get(db, service, digest)
                if held is not None:
                    _write(db, held.with_(card=card), current=not held.replaced_by)
                    _mark(db, service, digest, shown)

        await self._connection.run(write)

    async def shown(self, service: str, digest: str, revision: int) -> None:
        def write(db: Database) -> None:
            with db.atomic():
                _mark(db, service, digest, revision)

        await self._connection.run(write)


def _open(
    db: Database, wanted: Checklist, leave: Callable[[Checklist], Before], record: Record
) -> tuple[Checklist, Checklist | None]:
    """The list of this release, made current, new where it has none; and the list that was current
    until now, where that is another."""
    held = _get(db, wanted.service, wanted.digest)
    if held is not None and not held.replaced_by:
        return held, None
    former = _current(db, wanted.service)
    if former is not None:
        replaced = former.with_(replaced_by=wanted.version, revision=former.revision + 1)
        _write(db, replaced, current=False)
    if held is not None:
        return _save(db, held, held.with_(replaced_by=""), record), former
    opened = wanted.with_(before=leave(former) if former is not None else None)
    db.execute(
        "insert into checklists (service, digest, revision, shown, current, body)"
        " values (?, ?, 0, ?, 1, ?)",
        [opened.service, opened.digest, _NEVER, _json(opened)],
    )
    _append(db, record(opened, opened))
    return opened, former


def _save(db: Database, held: Checklist, decided: Checklist, record: Record) -> Checklist:
    newer = decided.with_(revision=held.revision + 1)
    _write(db, newer, current=not newer.replaced_by)
    _append(db, record(held, newer))
    return newer


def _write(db: Database, checklist: Checklist, *, current: bool) -> None:
    db.execute(
        "update checklists set revision = ?, current = ?, body = ?"
        " where service = ? and digest = ?",
        [
            checklist.revision,
            int(current),
            _json(checklist),
            checklist.service,
            checklist.digest,
        ],
    )


def _append(db: Database, entry: AuditEntry | None) -> None:
    if entry is not None:
        append(db, entry)


def _mark(db: Database, service: str, digest: str, revision: int) -> None:
    db.execute(
        "update checklists set shown = ? where service = ? and digest = ?",
        [revision, service, digest],
    )


def _get(db: Database, service: str, digest: str) -> Checklist | None:
    return _one(db, "service = ? and digest = ?", service, digest)


def _current(db: Database, service: str) -> Checklist | None:
    return _one(db, "service = ? and current = 1", service)


def _one(db: Database, where: str, *values: str) -> Checklist | None:
    query = f"select body from checklists where {where}"  # noqa: S608
    found = db.execute(query, list(values)).fetchone()
    return _CHECKLIST.validate_json(found[0]) if found else None


def _json(checklist: Checklist) -> str:
    return _CHECKLIST.dump_json(checklist).decode()

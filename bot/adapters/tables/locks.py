"""`bot.ports.Locks` in Dynamo's database: one row for each scope that is locked.

A change is a compare-and-swap on the whole lock, together with its audit record and with what is
to be announced of it, in one transaction: of two people who ask at once one gets the lock, and the
other is told about it.
"""

from collections.abc import Sequence

from pydantic import TypeAdapter

from bot.adapters.database import Connection, Database, migration
from bot.adapters.tables.audit import append
from bot.adapters.tables.outbox import put
from bot.domain.audit import AuditEntry
from bot.domain.lock import Lock
from bot.ports import Announcement

_LOCK = TypeAdapter(Lock)


@migration("0004_locks")
def _locks(db: Database) -> None:
    db.execute(
        "create table locks (environment text not null, service text not null, body text not null,"
        " primary key (environment, service))"
    )


class LockTable:
    """On the connection that all tables share."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def all(self, environment: str = "") -> Sequence[Lock]:
        def read(db: Database) -> list[Lock]:
            rows = db.execute(
                "select body from locks where :environment in ('', environment)"
                " order by environment, service",
                {"environment": environment},
            ).fetchall()
            return [_LOCK.validate_json(row[0]) for row in rows]

        return await self._connection.run(read)

    async def replace(
        self,
        held: Lock | None,
        wanted: Lock | None,
        entry: AuditEntry,
        announcement: Announcement | None = None,
    ) -> bool:
        def write(db: Database) -> bool:
            with db.atomic():
                if not _swap(db, held, wanted):
                    return False
                append(db, entry)
                if announcement is not None:
                    put(db, announcement)
                return True

        return await self._connection.run(write)


def _swap(db: Database, held: Lock | None, wanted: Lock | None) -> bool:
    """Whether `held` is what stood there; then `wanted` stands in its place."""
    scope = held or wanted
    if scope is None:
        return True
    place = [scope.environment, scope.service]
    found = db.execute(
        "select body from locks where environment = ? and service = ?", place
    ).fetchone()
    if (_LOCK.validate_json(found[0]) if found else None) != held:
        return False
    if wanted is None:
        db.execute("delete from locks where environment = ? and service = ?", place)
    else:
        db.execute(
            "insert into locks (environment, service, body) values (?, ?, ?)"
            " on conflict (environment, service) do update set body = excluded.body",
            [*place, _LOCK.dump_json(wanted).decode()],
        )
    return True

"""`bot.ports.Configurations` in Dynamo's database: one row for each time that one was applied.

A beginning is written before the cluster is touched and an end after it, each with its audit record
in one transaction. Of each place the newest ones are kept.
"""

from collections.abc import Sequence

from pydantic import TypeAdapter

from bot.adapters.database import Connection, Database, migration, numbered
from bot.adapters.tables.audit import append
from bot.adapters.tables.outbox import put
from bot.domain.audit import AuditEntry
from bot.domain.configuration import ConfigSnapshot, Stage
from bot.ports import Announcement

KEPT = 20
"""Of each service in each environment: a ConfigMap may have a megabyte."""

_SNAPSHOT = TypeAdapter(ConfigSnapshot)


@migration("0050_configurations")
def _configurations(db: Database) -> None:
    db.execute(
        "create table configurations (id text primary key, service text not null,"
        " environment text not null, stage text not null, taken_at text not null,"
        f" body text not null{numbered(db)})"
    )
    db.execute(
        "create index configurations_of_a_place on configurations (service, environment, taken_at)"
    )


class ConfigurationTable:
    """On the connection that all tables share."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def begin(self, snapshot: ConfigSnapshot, entry: AuditEntry) -> None:
        def write(db: Database) -> None:
            with db.atomic():
                db.execute(
                    "insert into configurations (id, service, environment, stage, taken_at, body)"
                    " values (?, ?, ?, ?, ?, ?)",
                    [
                        snapshot.id,
                        snapshot.service,
                        snapshot.environment,
                        snapshot.stage,
                        snapshot.taken_at.isoformat(),
                        _SNAPSHOT.dump_json(snapshot).decode(),
                    ],
                )
                db.execute(
                    "delete from configurations where service = ? and environment = ?"
                    " and id not in (select id from configurations where service = ?"
                    " and environment = ? order by taken_at desc, rowid desc limit ?)",
                    [*[snapshot.service, snapshot.environment] * 2, KEPT],
                )
                append(db, entry)

        await self._connection.run(write)

    async def end(
        self, snapshot: ConfigSnapshot, entry: AuditEntry, announcement: Announcement | None = None
    ) -> bool:
        def write(db: Database) -> bool:
            with db.atomic():
                written = db.execute(
                    "update configurations set stage = ?, body = ? where id = ? and stage = ?",
                    [
                        snapshot.stage,
                        _SNAPSHOT.dump_json(snapshot).decode(),
                        snapshot.id,
                        Stage.BEGUN,
                    ],
                )
                if written.rowcount != 1:
                    return False
                append(db, entry)
                if announcement is not None:
                    put(db, announcement)
                return True

        return await self._connection.run(write)

    async def of(self, service: str, environment: str) -> Sequence[ConfigSnapshot]:
        where = "service = ? and environment = ? order by taken_at desc, rowid desc"
        return await self._connection.run(lambda db: _read(db, where, service, environment))

    async def unfinished(self) -> Sequence[ConfigSnapshot]:
        where = "stage = ? order by taken_at, rowid"
        return await self._connection.run(lambda db: _read(db, where, Stage.BEGUN))


def _read(db: Database, where: str, *values: str) -> list[ConfigSnapshot]:
    rows = db.execute(f"select body from configurations where {where}", values)  # noqa: S608
    return [_SNAPSHOT.validate_json(row[0]) for row in rows]

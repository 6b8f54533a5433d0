"""`bot.ports.Snapshots` in Dynamo's database: a row for each template of a release at a place."""

from collections.abc import Sequence

from pydantic import TypeAdapter

from bot.adapters.database import Connection, Database, migration, numbered
from bot.domain.snapshot import Snapshot

_SNAPSHOT = TypeAdapter(Snapshot)

MOST = 30
"""Of one place; as many releases as anybody goes back."""


@migration("0040_snapshots")
def _snapshots(db: Database) -> None:
    db.execute(
        "create table snapshots (service text not null, environment text not null,"
        " digest text not null, fingerprint text not null, taken_at text not null,"
        " body text not null, primary key (service, environment, digest, fingerprint)"
        f"{numbered(db)})"
    )


class SnapshotTable:
    """On the connection that all tables share."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def put(self, snapshot: Snapshot) -> None:
        place = [snapshot.service, snapshot.environment]

        def write(db: Database) -> None:
            with db.atomic():
                db.execute(
                    "insert into snapshots"
                    " (service, environment, digest, fingerprint, taken_at, body)"
                    " values (?, ?, ?, ?, ?, ?)"
                    " on conflict (service, environment, digest, fingerprint)"
                    " do update set taken_at = excluded.taken_at, body = excluded.body",
                    [
                        *place,
                        snapshot.digest,
                        snapshot.fingerprint,
                        snapshot.taken_at.isoformat(),
                        _SNAPSHOT.dump_json(snapshot).decode(),
                    ],
                )
                db.execute(
                    "delete from snapshots where service = ? and environment = ? and rowid not in"
                    " (select rowid from snapshots where service = ? and environment = ?"
                    " order by taken_at desc limit ?)",
                    [*place, *place, MOST],
                )

        await self._connection.run(write)

    async def of(self, service: str, environment: str) -> Sequence[Snapshot]:
        def read(db: Database) -> list[Snapshot]:
            rows = db.execute(
                "select body from snapshots where service = ? and environment = ?"
                " order by taken_at desc",
                [service, environment],
            ).fetchall()
            return [_SNAPSHOT.validate_json(row[0]) for row in rows]

        newest: dict[str, Snapshot] = {}
        for snapshot in await self._connection.run(read):
            newest.setdefault(snapshot.digest, snapshot)
        return list(newest.values())

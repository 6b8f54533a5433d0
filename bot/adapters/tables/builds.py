"""`bot.ports.Builds` in Dynamo's database: one row for each commit of a service that was asked for.

The primary key settles races: two requests for the same commit are one build. A change replaces
revision N by N+1 or nothing. The log stands beside the build, so that a restart can still post it.
"""

from collections.abc import Sequence

from pydantic import TypeAdapter

from bot.adapters.database import Connection, Database, migration
from bot.domain.build import Build
from bot.errors import StaleError

_BUILD = TypeAdapter(Build)


@migration("0030_builds")
def _builds(db: Database) -> None:
    db.execute(
        "create table builds (service text not null, commit_id text not null, id text not null"
        " unique, revision integer not null, settled integer not null, requested_at text not null,"
        " body text not null, log text not null default '', primary key (service, commit_id))"
    )
    db.execute("create index unsettled_builds on builds (requested_at) where settled = 0")


class BuildTable:
    """On the connection that all tables share."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def open(self, wanted: Build) -> Build:
        def write(db: Database) -> Build:
            with db.atomic():
                db.execute(
                    "insert into builds"
                    " (service, commit_id, id, revision, settled, requested_at, body)"
                    " values (?, ?, ?, ?, ?, ?, ?) on conflict do nothing",
                    [
                        wanted.service,
                        wanted.commit,
                        wanted.id,
                        wanted.revision,
                        int(wanted.settled),
                        wanted.requested_at.isoformat(),
                        _BUILD.dump_json(wanted).decode(),
                    ],
                )
                where = "service = ? and commit_id = ?"
                return _read(db, where, wanted.service, wanted.commit)[0]

        return await self._connection.run(write)

    async def save(self, build: Build) -> Build:
        """A build that is begun anew has another id: whoever still holds the old one is stale."""
        newer = build.with_(revision=build.revision + 1)

        def write(db: Database) -> Build:
            with db.atomic():
                written = db.execute(
                    "update builds set id = ?, revision = ?, settled = ?, requested_at = ?,"
                    " body = ? where service = ? and commit_id = ? and revision = ?",
                    [
                        newer.id,
                        newer.revision,
                        int(newer.settled),
                        newer.requested_at.isoformat(),
                        _BUILD.dump_json(newer).decode(),
                        build.service,
                        build.commit,
                        build.revision,
                    ],
                )
                if written.rowcount != 1:
                    raise StaleError(f"build {build.id} is no longer at revision {build.revision}")
            return newer

        return await self._connection.run(write)

    async def get(self, build_id: str) -> Build | None:
        return await self._one("id = ?", build_id)

    async def of(self, service: str, commit: str) -> Build | None:
        return await self._one("service = ? and commit_id = ?", service, commit)

    async def unsettled(self, service: str = "") -> Sequence[Build]:
        where = "settled = 0 and (? = '' or service = ?) order by requested_at, id"
        return await self._connection.run(lambda db: _read(db, where, service, service))

    async def keep_log(self, build_id: str, log: str) -> None:
        def write(db: Database) -> None:
            with db.atomic():
                db.execute("update builds set log = ? where id = ?", [log, build_id])

        await self._connection.run(write)

    async def log(self, build_id: str) -> str:
        def read(db: Database) -> str:
            query = "select log from builds where id = ?"
            found = db.execute(query, [build_id]).fetchone()
            return str(found[0]) if found else ""

        return await self._connection.run(read)

    async def _one(self, where: str, *values: str) -> Build | None:
        found = await self._connection.run(lambda db: _read(db, where, *values))
        return found[0] if found else None


def _read(db: Database, where: str, *values: str) -> list[Build]:
    rows = db.execute(f"select body from builds where {where}", values)  # noqa: S608
    return [_BUILD.validate_json(row[0]) for row in rows]

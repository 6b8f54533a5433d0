"""`bot.ports.Analyses` in Dynamo's database: one row for each rollout.

A change replaces revision N by N+1 or nothing, with its audit record in the same transaction. The
samples of the readings are part of the body: a restart draws the same chart.
"""

from collections.abc import Sequence

from pydantic import TypeAdapter

from bot.adapters.database import Connection, Database, migration
from bot.adapters.tables.audit import append
from bot.domain.analysis import Analysis
from bot.domain.audit import AuditEntry
from bot.errors import StaleError

_ANALYSIS = TypeAdapter(Analysis)


@migration("0050_analyses")
def _analyses(db: Database) -> None:
    db.execute(
        "create table analyses (rollout text primary key, service text not null,"
        " environment text not null, digest text not null, written text not null,"
        " revision integer not null, settled integer not null, failed integer not null,"
        " body text not null)"
    )
    db.execute("create index unsettled_analyses on analyses (written) where settled = 0")
    db.execute("create index analyses_of_a_release on analyses (service, environment, digest)")


class AnalysisTable:
    """On the connection that all tables share."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def open(self, wanted: Analysis) -> Analysis:
        def write(db: Database) -> Analysis:
            with db.atomic():
                db.execute(
                    "insert into analyses"
                    " (rollout, service, environment, digest, written, revision, settled, failed,"
                    " body) values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing",
                    [
                        wanted.rollout,
                        wanted.service,
                        wanted.environment,
                        wanted.digest,
                        wanted.written.isoformat(),
                        wanted.revision,
                        int(wanted.settled),
                        int(wanted.failed),
                        _ANALYSIS.dump_json(wanted).decode(),
                    ],
                )
                return _read(db, "rollout = ?", wanted.rollout)[0]

        return await self._connection.run(write)

    async def save(self, analysis: Analysis, entry: AuditEntry | None = None) -> Analysis:
        newer = analysis.with_(revision=analysis.revision + 1)

        def write(db: Database) -> Analysis:
            with db.atomic():
                written = db.execute(
                    "update analyses set revision = ?, settled = ?, failed = ?, body = ?"
                    " where rollout = ? and revision = ?",
                    [
                        newer.revision,
                        int(newer.settled),
                        int(newer.failed),
                        _ANALYSIS.dump_json(newer).decode(),
                        analysis.rollout,
                        analysis.revision,
                    ],
                )
                if written.rowcount != 1:
                    raise StaleError(
                        f"analysis {analysis.rollout} is no longer at revision {analysis.revision}"
                    )
                if entry is not None:
                    append(db, entry)
            return newer

        return await self._connection.run(write)

    async def get(self, rollout_id: str) -> Analysis | None:
        found = await self._connection.run(lambda db: _read(db, "rollout = ?", rollout_id))
        return found[0] if found else None

    async def unsettled(self, service: str = "", environment: str = "") -> Sequence[Analysis]:
        where = (
            "settled = 0 and (? = '' or service = ?) and (? = '' or environment = ?)"
            " order by written, rollout"
        )
        values = (service, service, environment, environment)
        return await self._connection.run(lambda db: _read(db, where, *values))

    async def failed(self, service: str, environment: str) -> frozenset[str]:
        def read(db: Database) -> frozenset[str]:
            where = "service = ? and environment = ? and failed = 1"
            query = f"select rollout from analyses where {where}"  # noqa: S608
            return frozenset(row[0] for row in db.execute(query, [service, environment]))

        return await self._connection.run(read)

    async def of_release(self, service: str, environment: str, digest: str) -> Sequence[Analysis]:
        where = "service = ? and environment = ? and digest = ? order by written desc, rollout desc"
        values = (service, environment, digest)
        return await self._connection.run(lambda db: _read(db, where, *values))


def _read(db: Database, where: str, *values: str) -> list[Analysis]:
    rows = db.execute(f"select body from analyses where {where}", values)  # noqa: S608
    return [_ANALYSIS.validate_json(row[0]) for row in rows]

"""`bot.ports.Approvals` in Dynamo's database: one decision per person, digest and environment.

A change is a compare-and-swap on the whole decision together with its audit record, in one
transaction: a double click is one approval, and of two clicks of one person on two devices the
second is decided on what the first has left.
"""

from collections.abc import Sequence

from pydantic import TypeAdapter

from bot.adapters.sqlite_audit import append
from bot.adapters.sqlite_file import SqliteFile
from bot.adapters.sqlite_schema import migrations
from bot.adapters.sqlite_tables import Database
from bot.domain.approval import Approval
from bot.domain.audit import AuditEntry

_APPROVAL = TypeAdapter(Approval)
_MOST = 500  # of one place: more than that were given for releases long gone


@migrations(name="0011_approvals")
def _approvals(db: Database) -> None:
    db.execute(
        "create table approvals (service text not null, environment text not null,"
        " digest text not null, person text not null, at text not null, body text not null,"
        " primary key (service, environment, digest, person))"
    )
    db.execute("create index approvals_of_a_place on approvals (service, environment, at)")


class SqliteApprovals:
    """On the store's connection and thread."""

    def __init__(self, store: SqliteFile) -> None:
        self._store = store

    async def of(self, service: str, environment: str) -> Sequence[Approval]:
        def read(db: Database) -> list[Approval]:
            rows = db.conn.execute(
                "select body from approvals where service = ? and environment = ?"
                " order by at desc limit ?",
                [service, environment, _MOST],
            ).fetchall()
            return [_APPROVAL.validate_json(row[0]) for row in rows]

        return await self._store.run(read)

    async def replace(self, held: Approval | None, wanted: Approval, entry: AuditEntry) -> bool:
        def write(db: Database) -> bool:
            with db.atomic():
                key = [wanted.service, wanted.environment, wanted.digest, wanted.by]
                found = db.conn.execute(
                    "select body from approvals where service = ? and environment = ?"
                    " and digest = ? and person = ?",
                    key,
                ).fetchone()
                if (_APPROVAL.validate_json(found[0]) if found else None) != held:
                    return False
                db.conn.execute(
                    "insert or replace into approvals values (?, ?, ?, ?, ?, ?)",
                    [*key, wanted.at.isoformat(), _APPROVAL.dump_json(wanted).decode()],
                )
                append(db, entry)
                return True

        return await self._store.run(write)

"""`bot.ports.Approvals` in Dynamo's database: one decision per person, digest and environment.

A change is a compare-and-swap on the whole decision together with its audit record, in one
transaction: a double click is one approval, and of two clicks of one person on two devices the
second is decided on what the first has left.
"""

from collections.abc import Sequence

from pydantic import TypeAdapter

from bot.adapters.database import Connection, Database, migration
from bot.adapters.tables.audit import append
from bot.domain.approval import Approval
from bot.domain.audit import AuditEntry

_APPROVAL = TypeAdapter(Approval)
_MOST = 500  # of one place: more than that were given for releases long gone


@migration("0011_approvals")
def _approvals(db: Database) -> None:
    db.execute(
        "create table approvals (service text not null, environment text not null,"
        " digest text not null, person text not null, at text not null, body text not null,"
        " primary key (service, environment, digest, person))"
    )
    db.execute("create index approvals_of_a_place on approvals (service, environment, at)")


class ApprovalTable:
    """On the connection that all tables share."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def of(self, service: str, environment: str) -> Sequence[Approval]:
        def read(db: Database) -> list[Approval]:
            rows = db.execute(
                "select body from approvals where service = ? and environment = ?"
                " order by at desc limit ?",
                [service, environment, _MOST],
            ).fetchall()
            return [_APPROVAL.validate_json(row[0]) for row in rows]

        return await self._connection.run(read)

    async def replace(self, held: Approval | None, wanted: Approval, entry: AuditEntry) -> bool:
        def write(db: Database) -> bool:
            with db.atomic():
                key = [wanted.service, wanted.environment, wanted.digest, wanted.by]
                found = db.execute(
                    "select body from approvals where service = ? and environment = ?"
                    " and digest = ? and person = ?",
                    key,
                ).fetchone()
                if (_APPROVAL.validate_json(found[0]) if found else None) != held:
                    return False
                db.execute(
                    "insert into approvals (service, environment, digest, person, at, body)"
                    " values (?, ?, ?, ?, ?, ?)"
                    " on conflict (service, environment, digest, person)"
                    " do update set at = excluded.at, body = excluded.body",
                    [*key, wanted.at.isoformat(), _APPROVAL.dump_json(wanted).decode()],
                )
                append(db, entry)
                return True

        return await self._connection.run(write)

"""`bot.ports.Outbox` in Dynamo's database: messages that are due, kept until Slack has them.

`put` belongs to the transaction of what is announced, so that a process that is killed between the
deed and the message still tells it after its next start.
"""

from collections.abc import Sequence

from pydantic import TypeAdapter

from bot.adapters.database import Connection, Database, migration, numbered
from bot.ports import Announcement

_ANNOUNCEMENT = TypeAdapter(Announcement)


@migration("0005_outbox")
def _outbox(db: Database) -> None:
    db.execute(f"create table outbox (key text primary key, body text not null{numbered(db)})")


class OutboxTable:
    """On the connection that all tables share."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def due(self) -> Sequence[Announcement]:
        def read(db: Database) -> list[Announcement]:
            rows = db.execute("select body from outbox order by rowid").fetchall()
            return [_ANNOUNCEMENT.validate_json(row[0]) for row in rows]

        return await self._connection.run(read)

    async def add(self, announcement: Announcement) -> None:
        await self._connection.run(lambda db: put(db, announcement))

    async def done(self, key: str) -> None:
        def remove(db: Database) -> None:
            with db.atomic():
                db.execute("delete from outbox where key = ?", [key])

        await self._connection.run(remove)


def put(db: Database, announcement: Announcement) -> None:
    """Within the caller's transaction; a key that is there already stays as it is."""
    body = _ANNOUNCEMENT.dump_json(announcement).decode()
    db.execute(
        "insert into outbox (key, body) values (?, ?) on conflict do nothing",
        [announcement.key, body],
    )

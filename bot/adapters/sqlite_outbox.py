"""`bot.ports.Outbox` in Dynamo's database: messages that are due, kept until Slack has them.

`put` belongs to the transaction of what is announced, so that a process that is killed between the
deed and the message still tells it after its next start.
"""

from collections.abc import Sequence

from pydantic import TypeAdapter

from bot.adapters.sqlite_file import SqliteFile
from bot.adapters.sqlite_schema import migrations
from bot.adapters.sqlite_tables import Database
from bot.ports import Announcement

_ANNOUNCEMENT = TypeAdapter(Announcement)


@migrations(name="0005_outbox")
def _outbox(db: Database) -> None:
    db.execute("create table outbox (key text primary key, body text not null)")


class SqliteOutbox:
    """On the store's connection and thread."""

    def __init__(self, store: SqliteFile) -> None:
        self._store = store

    async def due(self) -> Sequence[Announcement]:
        def read(db: Database) -> list[Announcement]:
            rows = db.conn.execute("select body from outbox order by rowid").fetchall()
            return [_ANNOUNCEMENT.validate_json(row[0]) for row in rows]

        return await self._store.run(read)

    async def add(self, announcement: Announcement) -> None:
        await self._store.run(lambda db: put(db, announcement))

    async def done(self, key: str) -> None:
        def remove(db: Database) -> None:
            with db.atomic():
                db.conn.execute("delete from outbox where key = ?", [key])

        await self._store.run(remove)


def put(db: Database, announcement: Announcement) -> None:
    """Within the caller's transaction; a key that is there already stays as it is."""
    body = _ANNOUNCEMENT.dump_json(announcement).decode()
    db.execute("insert or ignore into outbox (key, body) values (?, ?)", [announcement.key, body])

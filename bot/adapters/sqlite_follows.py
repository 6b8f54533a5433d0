"""`bot.ports.Follows` in Dynamo's database: which messages show a log live.

A follower itself survives nothing; its message does. What stands here at a start was left open by
the process before, and is told as ended (`bot/workflows/log_desk.py`).
"""

from collections.abc import Sequence

from pydantic import TypeAdapter

from bot.adapters.sqlite_file import SqliteFile
from bot.adapters.sqlite_schema import migrations
from bot.adapters.sqlite_tables import Database
from bot.ports import FollowMessage

_MESSAGE = TypeAdapter(FollowMessage)


@migrations(name="0100_log_follows")
def _follows(db: Database) -> None:
    db.execute("create table log_follows (id text primary key, body text not null)")


class SqliteFollows:
    """On the store's connection and thread."""

    def __init__(self, store: SqliteFile) -> None:
        self._store = store

    async def put(self, message: FollowMessage) -> None:
        body = _MESSAGE.dump_json(message).decode()

        def insert(db: Database) -> None:
            with db.atomic():
                db.conn.execute(
                    "insert or replace into log_follows (id, body) values (?, ?)",
                    [message.id, body],
                )

        await self._store.run(insert)

    async def remove(self, id_: str) -> None:
        def delete(db: Database) -> None:
            with db.atomic():
                db.conn.execute("delete from log_follows where id = ?", [id_])

        await self._store.run(delete)

    async def all(self) -> Sequence[FollowMessage]:
        def read(db: Database) -> list[FollowMessage]:
            rows = db.conn.execute("select body from log_follows order by rowid").fetchall()
            return [_MESSAGE.validate_json(row[0]) for row in rows]

        return await self._store.run(read)

"""`bot.ports.Follows` in Dynamo's database: which messages show a log live.

A follower itself survives nothing; its message does. What stands here at a start was left open by
the process before, and is told as ended (`bot/workflows/log_desk.py`).
"""

from collections.abc import Sequence

from pydantic import TypeAdapter

from bot.adapters.database import Connection, Database, migration, numbered
from bot.ports import FollowMessage

_MESSAGE = TypeAdapter(FollowMessage)


@migration("0100_log_follows")
def _follows(db: Database) -> None:
    db.execute(f"create table log_follows (id text primary key, body text not null{numbered(db)})")


class FollowTable:
    """On the connection that all tables share."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def put(self, message: FollowMessage) -> None:
        body = _MESSAGE.dump_json(message).decode()

        def insert(db: Database) -> None:
            with db.atomic():
                db.execute(
                    "insert into log_follows (id, body) values (?, ?)"
                    " on conflict (id) do update set body = excluded.body",
                    [message.id, body],
                )

        await self._connection.run(insert)

    async def remove(self, id_: str) -> None:
        def delete(db: Database) -> None:
            with db.atomic():
                db.execute("delete from log_follows where id = ?", [id_])

        await self._connection.run(delete)

    async def all(self) -> Sequence[FollowMessage]:
        def read(db: Database) -> list[FollowMessage]:
            rows = db.execute("select body from log_follows order by rowid").fetchall()
            return [_MESSAGE.validate_json(row[0]) for row in rows]

        return await self._connection.run(read)

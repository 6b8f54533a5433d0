"""`bot.ports.Preferences` in Dynamo's database: a row for whoever chose something."""

from bot.adapters.sqlite_file import SqliteFile
from bot.adapters.sqlite_schema import migrations
from bot.adapters.sqlite_tables import Database


@migrations(name="0120_preferences")
def _preferences(db: Database) -> None:
    db.execute("create table preferences (user text primary key, language text not null)")


class SqlitePreferences:
    """On the store's connection and thread. What was read is kept: this process alone writes."""

    def __init__(self, store: SqliteFile) -> None:
        self._store = store
        self._languages: dict[str, str] | None = None

    async def language(self, user: str) -> str:
        if self._languages is None:
            self._languages = await self._store.run(_read)
        return self._languages.get(user, "")

    async def choose_language(self, user: str, language: str) -> None:
        def write(db: Database) -> dict[str, str]:
            with db.atomic():
                db.conn.execute("delete from preferences where user = ?", [user])
                if language:
                    db.conn.execute(
                        "insert into preferences (user, language) values (?, ?)", [user, language]
                    )
            return _read(db)

        self._languages = await self._store.run(write)


def _read(db: Database) -> dict[str, str]:
    return dict(db.conn.execute("select user, language from preferences").fetchall())

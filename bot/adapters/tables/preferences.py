"""`bot.ports.Preferences` in Dynamo's database: a row for whoever chose something."""

from bot.adapters.database import Connection, Database, migration


@migration("0120_preferences")
def _preferences(db: Database) -> None:
    db.execute('create table preferences ("user" text primary key, language text not null)')


class PreferenceTable:
    """On the connection that all tables share. What was read is kept: this process alone writes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._languages: dict[str, str] | None = None

    async def language(self, user: str) -> str:
        if self._languages is None:
            self._languages = await self._connection.run(_read)
        return self._languages.get(user, "")

    async def choose_language(self, user: str, language: str) -> None:
        def write(db: Database) -> dict[str, str]:
            with db.atomic():
                db.execute('delete from preferences where "user" = ?', [user])
                if language:
                    db.execute(
                        'insert into preferences ("user", language) values (?, ?)', [user, language]
                    )
            return _read(db)

        self._languages = await self._connection.run(write)


def _read(db: Database) -> dict[str, str]:
    return dict(db.execute('select "user", language from preferences').fetchall())

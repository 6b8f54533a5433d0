"""Which database an address names: a SQLite file, or a server of PostgreSQL.

psycopg is imported where it is needed alone: it would be a tenth of the time of a start.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from bot.adapters import sqlite_database
from bot.adapters.database import Connection, Database
from config.settings import sqlite_path


class UnreadableError(Exception):
    """Nothing can be read there; says why, without the address."""


def connection_to(address: str) -> Connection:
    """`sqlite:///file` or `postgresql://…`, as DYNAMO_DATABASE has it."""
    path = sqlite_path(address)
    if path is not None:
        return sqlite_database.SqliteConnection(path)
    from bot.adapters.postgres_database import PostgresConnection

    return PostgresConnection(address)


@contextmanager
def reading(address: str) -> Iterator[Database]:
    """Everything of one moment, beside a Dynamo that works, to be read and not written. Raises
    UnreadableError."""
    path = sqlite_path(address)
    if path is not None:
        with _told(sqlite3.Error, sqlite_database.reading(path)) as db:
            yield db
        return
    from bot.adapters import postgres_database

    with _told(postgres_database.ServerError, postgres_database.reading(address)) as db:
        yield db


def place_of(address: str) -> str:
    """In words, without who and what opens it."""
    path = sqlite_path(address)
    if path is not None:
        return path
    from bot.adapters import postgres_database

    return postgres_database.place_of(address)


@contextmanager
def _told(trouble: type[Exception], opened: AbstractContextManager[Database]) -> Iterator[Database]:
    try:
        with opened as db:
            yield db
    except trouble as error:
        raise UnreadableError(str(error).strip()) from error

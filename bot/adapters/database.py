"""What Dynamo's tables stand on: one connection, and the thread that owns it.

Tables (`bot/adapters/tables/`) are written once, in SQL that SQLite and PostgreSQL both read:
parameters are `?` or `:name`, values inside a body are reached by `json_extract`. Where the two
differ a table asks `db.dialect`. `sqlite_database.py` and `postgres_database.py` are the two
connections; `bot/app.py` chooses one.

One thread works on the connection, so the event loop never waits for a disk or a server, and every
piece of work is one after another.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, Literal, Protocol, TypeVar

_T = TypeVar("_T")

Dialect = Literal["sqlite", "postgresql"]
Values = Sequence[Any] | Mapping[str, Any]


class Cursor(Protocol):
    @property
    def rowcount(self) -> int: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...
    def __iter__(self) -> Iterator[Any]: ...


class Database(Protocol):
    """An open database, on its own thread."""

    @property
    def dialect(self) -> Dialect: ...

    def execute(self, sql: str, values: Values = (), /) -> Cursor:
        """A statement outside of `atomic` is a transaction of its own. Raises TakenError."""

    def atomic(self) -> AbstractContextManager[object]:
        """All of it or nothing; within another one, a part of that."""


class TakenError(Exception):
    """A unique index has such a row already."""


Migration = Callable[[Database], None]
MIGRATIONS: dict[str, Migration] = {}
"""By name, in whose order they are applied; a table's module registers its own. One that was
published never changes for a database that has it."""


def migration(name: str) -> Callable[[Migration], Migration]:
    def register(apply: Migration) -> Migration:
        if name in MIGRATIONS:
            raise ValueError(f"there is a migration {name} already")
        MIGRATIONS[name] = apply
        return apply

    return register


def numbered(db: Database) -> str:
    """The end of a table's columns, when it is read in the order of its inserts by `rowid`: every
    table of SQLite has that column."""
    return {"sqlite": "", "postgresql": ", rowid bigint generated always as identity"}[db.dialect]


class Connection(ABC):
    """Opened before anything else of Dynamo, closed after all of it."""

    def __init__(self) -> None:
        self.displaced = asyncio.Event()
        """Set when another Dynamo works on this database: then this one has to end."""
        self._ended = False
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")

    @abstractmethod
    async def open(self, *, stand_by: bool = True) -> None:
        """Be the one Dynamo that works on this database, and bring its tables up to date. With
        `stand_by` another one is waited for, where its end can be noticed. Raises PortError."""

    @abstractmethod
    async def close(self) -> None: ...

    @abstractmethod
    async def run(self, work: Callable[[Database], _T]) -> _T:
        """Raises PortError when the database is away; nothing of the work was done then."""

    async def _end(self, leave: Callable[[], None]) -> None:
        if not self._ended:
            self._ended = True
            await self._on_thread(leave)
            self._thread.shutdown()

    async def _on_thread(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

"""One SQLite file, through sqlite-utils.

SQLite means one process: a lock file beside the database refuses a second one. It is held by the
process, so a SIGKILL frees it.
"""

import fcntl
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Final, TypeVar
from urllib.parse import quote

from bot.adapters import sqlite_library
from bot.adapters.database import MIGRATIONS, Connection, Cursor, Database, TakenError, Values
from bot.adapters.database import Migration as Apply
from bot.errors import PortError, Trouble

_T = TypeVar("_T")


class SqliteConnection(Connection):
    """To a file, or to memory for tests (`:memory:`)."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path
        self._lock: IO[str] | None = None
        self._library: sqlite_library.Database | None = None

    async def open(self, *, stand_by: bool = True) -> None:
        """Raises PortError when another process holds the file or it cannot be used."""
        await self._guarded(self._open)

    async def close(self) -> None:
        await self._end(self._close)

    async def run(self, work: Callable[[Database], _T]) -> _T:
        assert self._library is not None
        return await self._guarded(partial(work, _Sqlite(self._library)))

    async def _guarded(self, work: Callable[[], _T]) -> _T:
        try:
            return await self._on_thread(work)
        except sqlite3.OperationalError as e:
            values = {"message": str(e), "path": self._path}
            raise PortError("store", Trouble.AWAY, temporary=True, values=values) from e

    def _open(self) -> None:
        if self._path != ":memory:":
            Path(self._path).parent.mkdir(parents=True, exist_ok=True)
            self._lock = _lock_file(f"{self._path}.lock")
        connection = sqlite3.connect(self._path, timeout=5)
        self._library = sqlite_library.Database(connection)
        # WAL: readers never wait for the writer. synchronous stays FULL: what Slack or the cluster
        # was told must survive a power cut, and there are a few writes a rollout, not thousands.
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        _migrate(self._library)

    def _close(self) -> None:
        if self._library is not None:
            self._library.close()
            self._library = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None


class _Sqlite:
    """`Database`."""

    dialect: Final = "sqlite"

    def __init__(self, library: sqlite_library.Database) -> None:
        self._library = library

    def execute(self, sql: str, values: Values = ()) -> Cursor:
        try:
            return self._library.execute(
                sql, dict(values) if isinstance(values, Mapping) else values
            )
        except sqlite3.IntegrityError as e:
            raise TakenError(str(e)) from e

    def atomic(self) -> AbstractContextManager[object]:
        return self._library.atomic()


@contextmanager
def reading(path: str) -> Iterator[Database]:
    """Everything of one moment, beside a Dynamo that works. Raises sqlite3.Error."""
    uri = f"file:{quote(path)}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        connection.execute("begin")
        yield _Sqlite(sqlite_library.Database(connection))


def _migrate(library: sqlite_library.Database) -> None:
    migrations = sqlite_library.Migrations("dynamo")
    for name, apply in sorted(MIGRATIONS.items()):
        migrations(name=name)(_on_sqlite(apply))
    migrations.apply(library)


def _on_sqlite(apply: Apply) -> Callable[[sqlite_library.Database], None]:
    def applied(library: sqlite_library.Database) -> None:
        apply(_Sqlite(library))

    return applied


def _lock_file(path: str) -> IO[str]:
    handle = open(path, "w")  # noqa: SIM115  # held until close
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as e:
        handle.close()
        message = "another Dynamo is using this database"
        values = {"message": message, "path": path.removesuffix(".lock")}
        raise PortError("store", Trouble.CONFLICT, temporary=False, values=values) from e
    return handle

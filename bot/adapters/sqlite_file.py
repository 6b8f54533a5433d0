"""What Dynamo remembers: one SQLite file, through sqlite-utils. The modules beside this one keep
their tables in it.

One thread owns the connection, so the event loop never waits for a disk and every piece of work is
one transaction after another. SQLite means one process: a lock file beside the database refuses a
second one. It is held by the process, so a SIGKILL frees it.
"""

import asyncio
import fcntl
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, TypeVar

from bot.adapters.sqlite_schema import migrations
from bot.adapters.sqlite_tables import Database
from bot.errors import PortError, Trouble

_T = TypeVar("_T")


class SqliteFile:
    """A file, or memory for tests (`:memory:`), and the one thread that works on it."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._lock: IO[str] | None = None
        self._db: Database | None = None

    async def open(self) -> None:
        """Take the file, and bring its tables up to date. Raises PortError when another process
        holds it or the file cannot be used."""
        await self.run(self._open)

    async def close(self) -> None:
        await self.run(self._close)
        self._thread.shutdown()

    async def run(self, work: Callable[[Database], _T]) -> _T:
        def call() -> _T:
            return work(self._db)  # type: ignore[arg-type]  # None only before open

        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, call)
        except sqlite3.OperationalError as e:
            values = {"message": str(e), "path": self._path}
            raise PortError("store", Trouble.AWAY, temporary=True, values=values) from e

    def _open(self, _: object) -> None:
        if self._path != ":memory:":
            Path(self._path).parent.mkdir(parents=True, exist_ok=True)
            self._lock = _lock_file(f"{self._path}.lock")
        connection = sqlite3.connect(self._path, timeout=5)
        self._db = Database(connection)
        # WAL: readers never wait for the writer. synchronous stays FULL: what Slack or the cluster
        # was told must survive a power cut, and there are a few writes a rollout, not thousands.
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        migrations.apply(self._db)

    def _close(self, _: object) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None


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

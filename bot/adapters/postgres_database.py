"""A PostgreSQL database, through psycopg: for two Dynamos, of which one works and one stands by.

Slack has one budget of edits for the app, a card has one writer and a live log one follower, so
Dynamo does not share its work: it has a successor. A session's advisory lock names the one that
works. Whoever finds it taken waits; when the other's process or machine is gone, the server lets
the lock go, and the next one does what any start does, from what is stored. A process whose
connection broke takes the lock again with the next one. If another has it by then, this process
must end: `displaced` says so.

Connections go to the server itself: a pooler that hands sessions round would hand the lock round.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta
from enum import Enum
from functools import lru_cache, partial
from typing import Any, Final, TypeVar
from urllib.parse import parse_qs, urlsplit

import psycopg

from bot.adapters.database import MIGRATIONS, Connection, Cursor, Database, TakenError, Values
from bot.errors import PortError, Trouble

log = logging.getLogger(__name__)

ServerError = psycopg.Error

_T = TypeVar("_T")

_CONNECTING: Final = 5
"""Seconds that a server has to answer."""
_LOOK: Final = timedelta(seconds=1)
"""Between two tries for the lock, and a fifth of what passes between two signs of life."""
_ALIVE: Final = 5 * _LOOK
_NOTICED: Final = {
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "25000",
    "options": "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3",
}
"""A machine that is gone without a word is noticed within half a minute, by both sides: until then
the server keeps its lock."""
_LOCK = "select pg_try_advisory_lock(hashtext('dynamo'), hashtext(current_schema()))"
_FUNCTIONS = r"""
    create function json_extract(body text, path text) returns text
    language sql immutable strict parallel safe as $$
        select case when strpos(body, '\u0000') = 0 then body
            else regexp_replace(body, '(?<!\\)((?:\\\\)*)\\u0000', '\1', 'g') end::jsonb
            #>> string_to_array(substr(path, 3), '.')
    $$
"""
"""As SQLite has it: what stands at a path such as $.card.ts, as text; NULL where nothing or null
does. A character of zero, which a log may bring into a body, is no part of what is looked for, and
PostgreSQL's JSON cannot have it."""
_LOOPBACK = re.compile(r"localhost|127\.[\d.]+|\[?::1\]?|")
_MARK = re.compile(r"'(?:[^']|'')*'|\?|(?<![:\w]):([a-z_]+)|%")


class PostgresConnection(Connection):
    """`url` is `postgresql://user:password@host:port/name?parameter=value`, as libpq reads it."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._server: psycopg.Connection[tuple[Any, ...]] | None = None
        self._signs_of_life: asyncio.Task[None] | None = None

    async def open(self, *, stand_by: bool = True) -> None:
        """Wait until no other Dynamo works on this database; a server that goes away meanwhile is
        waited for, too."""
        taken = await self._on_thread(self._take)
        if not taken and not stand_by:
            raise self._trouble("another Dynamo is using this database", Trouble.CONFLICT)
        if not taken:
            log.info("another Dynamo works on %s: standing by", place_of(self._url))
        while not taken:
            await asyncio.sleep(_LOOK.total_seconds())
            with suppress(PortError):
                taken = await self._on_thread(self._take)
        await self.run(_migrate)
        self._signs_of_life = asyncio.create_task(self._look())

    async def close(self) -> None:
        if self._signs_of_life is not None:
            self._signs_of_life.cancel()
            with suppress(asyncio.CancelledError):
                await self._signs_of_life
        await self._end(self._leave)

    async def run(self, work: Callable[[Database], _T]) -> _T:
        """Raises PortError when the server is away; a commit whose answer was lost may be done, as
        a revision then tells whoever tries it again."""
        try:
            return await self._on_thread(partial(self._work, work))
        except PortError as error:
            if error.trouble is Trouble.CONFLICT:
                self.displaced.set()
            raise

    # --- on the thread -----------------------------------------------------------------------

    def _work(self, work: Callable[[Database], _T]) -> _T:
        if (self._server is None or self._server.closed) and not self._take():
            raise self._trouble("another Dynamo is using this database", Trouble.CONFLICT)
        assert self._server is not None
        try:
            return work(_Postgres(self._server))
        except psycopg.OperationalError as e:
            raise self._trouble(str(e), Trouble.AWAY) from e

    def _take(self) -> bool:
        """Connect where needed, and take the lock; False when another session has it. Raises
        PortError."""
        try:
            if self._server is None or self._server.closed:
                self._server = psycopg.connect(
                    **parameters_of(self._url), autocommit=True, connect_timeout=_CONNECTING
                )
            found = self._server.execute(_LOCK).fetchone()
        except psycopg.Error as e:
            raise self._trouble(str(e), Trouble.AWAY) from e
        return bool(found and found[0])

    def _leave(self) -> None:
        if self._server is not None:
            self._server.close()  # the lock goes with its session
            self._server = None

    def _trouble(self, message: str, trouble: Trouble) -> PortError:
        values = {"message": message.strip(), "path": place_of(self._url)}
        return PortError("store", trouble, temporary=trouble is Trouble.AWAY, values=values)

    async def _look(self) -> None:
        """A lost connection is noticed, and its lock taken again, though nobody asks anything."""
        while True:
            await asyncio.sleep(_ALIVE.total_seconds())
            with suppress(PortError):
                await self.run(lambda db: db.execute("select 1"))


class _Postgres:
    """`Database`."""

    dialect: Final = "postgresql"

    def __init__(self, server: psycopg.Connection[tuple[Any, ...]]) -> None:
        self._server = server

    def execute(self, sql: str, values: Values = ()) -> Cursor:
        try:
            if not values:
                return self._server.execute(sql.encode())
            return self._server.execute(_translated(sql).encode(), _plain(values))
        except psycopg.errors.UniqueViolation as e:
            raise TakenError(str(e)) from e

    def atomic(self) -> AbstractContextManager[object]:
        return self._server.transaction()


@contextmanager
def reading(url: str) -> Iterator[Database]:
    """Everything of one moment, beside a Dynamo that works. Raises ServerError."""
    with psycopg.connect(**parameters_of(url), connect_timeout=_CONNECTING) as server:
        server.read_only = True
        server.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        yield _Postgres(server)


def place_of(url: str) -> str:
    """Where it is, without who and what opens it."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.hostname or ''}{port}{parts.path}"


def parameters_of(url: str) -> dict[str, Any]:
    """What libpq is told. Over a network the server proves who it is, by the machine's
    certificates, unless the URL says otherwise (`sslmode`, `sslrootcert`)."""
    given = {name: values[-1] for name, values in parse_qs(urlsplit(url).query).items()}
    safe: dict[str, str] = {}
    host = given.get("host") or urlsplit(url).hostname or ""
    if "sslmode" not in given and not host.startswith("/") and not _LOOPBACK.fullmatch(host):
        safe = {"sslmode": "verify-full", "sslrootcert": given.get("sslrootcert", "system")}
    noticed = {**_NOTICED, "options": f"{given.get('options', '')} {_NOTICED['options']}".strip()}
    return {"conninfo": url, "application_name": "dynamo", **safe, **noticed}


def _migrate(db: Database) -> None:
    db.execute(
        "create table if not exists migrations"
        " (name text primary key, applied_at timestamptz not null default now())"
    )
    applied = {row[0] for row in db.execute("select name from migrations")}
    for name, apply in sorted({"0000_functions": _functions, **MIGRATIONS}.items()):
        if name not in applied:
            with db.atomic():
                apply(db)
                db.execute("insert into migrations (name) values (?)", [name])


def _functions(db: Database) -> None:
    db.execute(_FUNCTIONS)


@lru_cache(maxsize=512)
def _translated(sql: str) -> str:
    """`?` and `:name` as psycopg has them."""

    def mark(found: re.Match[str]) -> str:
        if found[1]:
            return f"%({found[1]})s"
        return "%s" if found[0] == "?" else found[0].replace("%", "%%")

    return _MARK.sub(mark, sql)


def _plain(values: Values) -> Any:
    """psycopg writes a member of an enum by its name."""
    if isinstance(values, Mapping):
        return {name: _value(value) for name, value in values.items()}
    return [_value(value) for value in values]


def _value(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value

"""A log that is read once: all containers at the same time, the newest lines of all by time.

Reading waits for nobody for ever, and one container that cannot be read is told beside what the
others said. Blocks of lines are worked on in one thread: a search that a person made may take its
time, the event loop may not.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from bot.domain.log_answer import LogAnswer
from bot.domain.log_query import Newest, Query
from bot.domain.log_sources import NoSources, Silent, Source, Sources, sources_of
from bot.domain.log_stream import LogReader
from bot.domain.redaction import redact
from bot.errors import PortError, Trouble
from bot.ports import Clock, Cluster, LogOf, Logs
from config.catalog import Environment, Service
from config.values import Policy

_SECONDS = 30.0
"""Somebody waits for an answer; what has come by then is one, and says so."""
_AT_ONCE = 16  # logs that are read side by side
_MOST_READ = 200_000
"""Lines of one container that are looked through for those that are wanted."""
_BLOCK = 128 * 1024
"""Bytes that are worth a turn of the thread."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class LogPlace:
    """Whose logs. `container` is the one that the catalog names; `emails`: addresses are masked."""

    service: str
    environment: str
    context: str
    namespace: str
    container: str
    emails: bool = False

    @classmethod
    def of(cls, service: Service, environment: Environment) -> "LogPlace":
        return cls(
            service.name,
            environment.name,
            environment.context or "",
            environment.namespace,
            service.container,
            Policy.MASK_EMAILS in environment.policies,
        )


@dataclass(slots=True)
class _Reading:
    """What the readers of one answer share."""

    newest: Newest
    failed: dict[int, Silent] = field(default_factory=dict)
    cut: bool = False


class LogThread:
    """One thread for all work on lines: whatever is given to it is done one after the other."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="logs")

    async def run(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)


async def read_logs(
    place: LogPlace, query: Query, *, cluster: Cluster, logs: Logs, clock: Clock, thread: LogThread
) -> LogAnswer | NoSources:
    """Raises PortError where the cluster does not say what runs, or no log could be read for a
    reason that is not the container's own."""
    workload = await cluster.workload(place.context, place.namespace, place.service)
    found = sources_of(workload, query, place.container)
    if isinstance(found, NoSources):
        return found
    since = clock.now() - query.since if query.since is not None else None
    reading = _Reading(Newest(query.tail))
    turn = asyncio.Semaphore(_AT_ONCE)

    async def one(index: int, source: Source) -> PortError | None:
        reader = LogReader(index, emails=place.emails)
        of = log_of(place, source, tail=_tail(query), since=since, previous=query.previous)
        try:
            async with turn:
                await _read(of, reader, query, reading, logs, thread)
        except PortError as error:
            why = silent_of(error, source)
            if why is None:
                return error
            reading.failed[index] = why
        return None

    try:
        async with asyncio.timeout(_SECONDS):
            errors = await asyncio.gather(*(one(i, s) for i, s in enumerate(found.sources)))
    except TimeoutError:
        reading.cut, errors = True, []
    broken = [error for error in errors if error is not None]
    if broken and len(broken) == len(found.sources):
        raise broken[0]
    silent = [*found.silent, *reading.failed.values()]
    silent += [
        Silent("unread", {"pod": source.name, "message": redact(_message(error))})
        for source, error in zip(found.sources, errors, strict=False)
        if error is not None
    ]
    counts_all = query.filters or query.since is not None
    return await thread.run(lambda: _answer(reading, found, silent, since, counts_all=counts_all))


async def _read(
    of: LogOf, reader: LogReader, query: Query, reading: _Reading, logs: Logs, thread: LogThread
) -> None:
    def work(block: bytes) -> None:
        reading.newest.add(query.select(reader.block(block)))

    def finish(block: bytes) -> None:
        work(block)
        reading.newest.add(query.select(reader.last_block()))

    parts: list[bytes] = []
    size = 0
    async with logs.log(of) as chunks:
        async for chunk in chunks:
            parts.append(chunk)
            size += len(chunk)
            if size >= _BLOCK:
                block, parts, size = b"".join(parts), [], 0
                await thread.run(lambda block=block: work(block))  # type: ignore[misc]
    rest = b"".join(parts)
    await thread.run(lambda: finish(rest))


def _answer(
    reading: _Reading,
    found: Sources,
    silent: Sequence[Silent],
    since: datetime | None,
    *,
    counts_all: bool,
) -> LogAnswer:
    """Of the last lines of each log only those that are the newest of all were asked for: there
    the others do not count."""
    lines = reading.newest.lines()
    levels = reading.newest.levels if counts_all else Counter(line.level for line in lines)
    return LogAnswer(
        lines=lines,
        levels=dict(levels),
        total=levels.total(),
        names=tuple(source.name for source in found.sources),
        silent=tuple(silent),
        others=found.others,
        since=since,
        cut=reading.cut,
    )


def _tail(query: Query) -> int | None:
    """The API's own tail, where the newest lines are those that are wanted."""
    return _MOST_READ if query.filters else query.tail


def log_of(
    place: LogPlace,
    source: Source,
    *,
    tail: int | None = None,
    since: datetime | None = None,
    previous: bool = False,
    follow: bool = False,
) -> LogOf:
    return LogOf(
        context=place.context,
        namespace=place.namespace,
        pod=source.pod,
        container=source.container,
        tail=tail,
        since=since,
        previous=previous,
        follow=follow,
    )


def silent_of(error: PortError, source: Source) -> Silent | None:
    """A refusal that is about this one container: it is gone, or has no log. None for others."""
    names = {"pod": source.name, "container": source.container}
    if error.trouble is Trouble.NOT_FOUND:
        return Silent("gone", names)
    if error.trouble is Trouble.INVALID:
        return Silent("refused", {**names, "message": redact(_message(error))[:300]})
    return None


def _message(error: PortError) -> str:
    return error.values.get("message", "") or str(error.trouble)

"""One log that is live: every pod of a workload, as it comes, until nobody needs it any more.

Which pods there are comes from the streams that rollouts share, so it goes on over a rollout: new
pods join, those that are gone leave. A log whose connection ends while its container lives is taken
up where it was left. What was seen is kept, up to a number, for the message and for the file.

`Follower` gathers; who shows it, and how often, is `log_desk.py`.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from bot.domain.back_off import back_off
from bot.domain.log_answer import JOINED, LEFT, End, FollowView
from bot.domain.log_lines import Level, time_of
from bot.domain.log_query import Query
from bot.domain.log_sources import NoSources, Silent, Source, short_names, sources_of
from bot.domain.log_stream import LogBlock, LogLine, LogReader
from bot.domain.redaction import redact
from bot.domain.workload import Workload
from bot.errors import PortError, Trouble
from bot.ports import Clock, Cluster, LogOf, Logs, sleep_until
from bot.workflows.log_reading import LogPlace, LogThread

log = logging.getLogger(__name__)

KEPT: Final = 2_000
"""Lines of one live log that can be downloaded: some 400 kB."""
LONGEST: Final = timedelta(minutes=30)
"""Long enough for an incident's question; whoever still looks presses once more. A message that
nobody looks at any more takes edits from those that somebody does."""
QUIET: Final = timedelta(minutes=10)
NO_PODS: Final = timedelta(minutes=2)
"""A rollout with the strategy Recreate has none for a while."""
_FIRST: Final = 20
"""Lines from before that a live log begins with."""
_MOST_SOURCES: Final = 50
_INLINE: Final = 8 * 1024
"""Bytes below which the thread is not worth its turn, where no search of a person runs."""


_REFUSALS: Final = frozenset({Trouble.FORBIDDEN, Trouble.UNAUTHENTICATED})


class Follower:
    """`changed` is called whenever there is something to show or an end."""

    def __init__(
        self,
        place: LogPlace,
        query: Query,
        *,
        cluster: Cluster,
        logs: Logs,
        clock: Clock,
        thread: LogThread,
        changed: Callable[[], None],
    ) -> None:
        self.place = place
        self._query = query
        self._cluster = cluster
        self._logs = logs
        self._clock = clock
        self._thread = thread
        self._changed = changed
        self._lines: deque[LogLine] = deque(maxlen=KEPT)
        self._seen_lines = 0  # that ever came, with the marks between them
        self._levels: Counter[Level] = Counter()
        self._total = 0
        self._names: list[str] = []
        self._readers: dict[tuple[str, str, str], asyncio.Task[None]] = {}
        self._last: dict[tuple[str, str], tuple[str, int]] = {}
        self._pods: dict[str, str] = {}
        self._wanted: frozenset[tuple[str, str, str]] = frozenset()
        self._silent: tuple[Silent, ...] = ()
        self._obstacle = False
        self._began = clock.now()
        self._news_at = self._began
        self._no_pods_since: datetime | None = None
        self._known = False  # a first look was had
        self._ended: tuple[End, str, str] | None = None
        self._unfollow: Callable[[], None] | None = None

    def start(self) -> None:
        place = self.place
        self._unfollow = self._cluster.follow(
            place.context, place.namespace, place.service, self._seen, self._met
        )

    def close(self) -> None:
        """Let go of the cluster; what was seen stays."""
        if self._unfollow is not None:
            self._unfollow()
            self._unfollow = None
        for task in self._readers.values():
            task.cancel()

    def end(self, why: End, *, by: str = "", message: str = "") -> bool:
        """False where it has ended before."""
        if self._ended is not None:
            return False
        self._ended = (why, by, message)
        self.close()
        self._changed()
        return True

    @property
    def ended(self) -> bool:
        return self._ended is not None

    def look(self, now: datetime) -> datetime:
        """End it where its time is over; when to look again."""
        ends = {End.TIME: self._began + LONGEST, End.QUIET: self._news_at + QUIET}
        if self._no_pods_since is not None:
            ends[End.GONE] = self._no_pods_since + NO_PODS
        why = min(ends, key=lambda end: ends[end])
        if now >= ends[End.TIME]:  # whatever else is over by then
            why = End.TIME
        if now >= ends[why]:
            self.end(why)
        return ends[why]

    @property
    def view(self) -> FollowView:
        why, by, message = self._ended or (None, "", "")
        return FollowView(
            lines=tuple(self._lines),
            levels=dict(self._levels),
            total=self._total,
            names=tuple(self._names),
            pods=tuple(sorted(self._pods.values())),
            silent=self._silent,
            until=self._began + LONGEST,
            ended=why,
            by=by,
            message=message,
            obstacle=self._obstacle,
        )

    def since(self, seen: int) -> tuple[int, int, Sequence[LogLine]]:
        """For who shows each line once: how many have come by now, how many after the `seen` ones
        are kept no longer, and those that are."""
        fresh = self._seen_lines - seen
        kept = min(fresh, len(self._lines))
        lines = list(islice(self._lines, len(self._lines) - kept, None))
        return self._seen_lines, fresh - kept, lines

    # --- which pods there are ------------------------------------------------------------------

    def _seen(self, workload: Workload) -> None:
        """A new snapshot: who came, who went, whose log is not read yet."""
        if self._ended is not None:
            return
        self._note_pods(workload)
        found = sources_of(workload, self._query, self.place.container)
        sources = () if isinstance(found, NoSources) else found.sources[:_MOST_SOURCES]
        silent = () if isinstance(found, NoSources) else found.silent
        none = isinstance(found, NoSources)
        if none and self._no_pods_since is None:
            self._no_pods_since = self._clock.now()
        elif not none:
            self._no_pods_since = None
        self._wanted = frozenset((s.pod, s.container, s.run) for s in sources)
        for source in sources:
            self._read_on(source)
        self._known = True
        if silent != self._silent:
            self._silent = silent
        self._changed()

    def _note_pods(self, workload: Workload) -> None:
        pods = workload.pods
        if self._query.pod:
            word, names = self._query.pod, short_names(pods)
            pods = tuple(
                p for p in pods if word in (p.name, names[p.name]) or p.name.startswith(word)
            )
        now = {pod.name: short for pod in pods for short in [short_names(pods)[pod.name]]}
        if self._known:
            for name in now.keys() - self._pods.keys():
                self._mark(JOINED, now[name])
            for name in self._pods.keys() - now.keys():
                self._mark(LEFT, self._pods[name])
        self._pods = now

    def _mark(self, kind: int, short: str) -> None:
        stamp = self._clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"
        self._lines.append(LogLine(stamp, kind, Level.UNKNOWN, short))
        self._seen_lines += 1

    def _met(self, obstacle: PortError | None) -> None:
        self._obstacle = obstacle is not None
        if obstacle is not None and obstacle.trouble in _REFUSALS:
            self._refused(obstacle)
        self._changed()

    def _refused(self, error: PortError) -> None:
        self.end(End.REFUSED, message=redact(error.values.get("message", ""))[:300])

    # --- reading -------------------------------------------------------------------------------

    def _read_on(self, source: Source) -> None:
        key = (source.pod, source.container, source.run)
        if key in self._readers:
            return
        place = self.place
        of = LogOf(place.context, place.namespace, source.pod, source.container, follow=True)
        if not self._known and self._query.since is not None:
            of = replace(of, since=self._began - self._query.since, tail=self._query.tail)
        elif not self._known:
            of = replace(of, tail=min(self._query.tail, _FIRST))
        index = len(self._names)
        self._names.append(source.name)
        task = asyncio.get_running_loop().create_task(self._reader(key, of, index))
        self._readers[key] = task
        task.add_done_callback(lambda done: self._done(key, done))

    def _done(self, key: tuple[str, str, str], task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            log.error("a follower of %s failed", key[0], exc_info=task.exception())

    async def _reader(self, key: tuple[str, str, str], of: LogOf, index: int) -> None:
        """From one connection to the next, until the container has ended."""
        tries = 0
        while self._ended is None:
            reader = LogReader(index, emails=self.place.emails)
            try:
                async with self._logs.log(of) as chunks:
                    skip = _Repeated(self._last.get(key[:2]))
                    async for chunk in chunks:
                        tries = 0
                        await self._work(reader, chunk, key, skip)
                    self._take(reader.last_block(), key, skip)
            except PortError as error:
                if error.trouble in _REFUSALS:
                    self._refused(error)
                    return
                if not error.temporary and error.trouble is not Trouble.INVALID:
                    return
            if key not in self._wanted and tries:
                return
            await self._wait(back_off(tries).total_seconds())
            tries += 1
            if key not in self._wanted:
                return
            last = self._last.get(key[:2])
            of = replace(of, tail=None, since=time_of(last[0]) if last else self._began)

    async def _work(
        self, reader: LogReader, chunk: bytes, key: tuple[str, str, str], skip: "_Repeated"
    ) -> None:
        if len(chunk) <= _INLINE and self._query.grep is None:
            self._take(reader.block(chunk), key, skip)
            return
        block = await self._thread.run(lambda: reader.block(chunk))
        fresh = skip.rest(block)
        self._remember(fresh, key)
        self._show(await self._thread.run(lambda: self._query.select(fresh)))

    def _take(self, block: LogBlock, key: tuple[str, str, str], skip: "_Repeated") -> None:
        fresh = skip.rest(block)
        self._remember(fresh, key)
        self._show(self._query.select(fresh))

    def _remember(self, block: LogBlock, key: tuple[str, str, str]) -> None:
        """Up to where a log was read: the last time, and how many lines bear it."""
        if not block:
            return
        last = block.stamps[-1]
        same = block.stamps.count(last)
        before = self._last.get(key[:2])
        if before is not None and before[0] == last:
            same += before[1]
        self._last[key[:2]] = (last, same)

    def _show(self, block: LogBlock) -> None:
        if not block or self._ended is not None:
            return
        self._lines.extend(block.after(max(0, len(block) - KEPT)).lines())
        self._levels.update(block.levels)
        self._total += len(block)
        self._seen_lines += len(block)
        self._news_at = self._clock.now()
        self._changed()

    async def _wait(self, seconds: float) -> None:
        await sleep_until(self._clock, self._clock.now() + timedelta(seconds=seconds))


class _Repeated:
    """What a log that is taken up again says once more: it is asked for by the whole second."""

    def __init__(self, last: tuple[str, int] | None) -> None:
        self._stamp, self._same = last or ("", 0)

    def rest(self, block: LogBlock) -> LogBlock:
        if not self._stamp:
            return block
        for place, stamp in enumerate(block.stamps):
            if stamp == self._stamp and self._same:
                self._same -= 1
            elif stamp >= self._stamp:
                self._stamp = ""
                return block.after(place)
        return block.after(len(block))

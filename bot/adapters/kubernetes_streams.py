"""One list+watch of one kind in one namespace, kept going whatever the server does.

client-go has reflectors for this and Python has none; the rules are theirs (research/rollouts.md
§7). List, then watch from the list's version, with bookmarks; go on from the last version when the
server closes; list anew on 410, and on any error inside a stream (a real server answers 504 "Too
large resource version" right after a write); wait longer after each failure in a row, with jitter;
take silence for a dead connection. Lists are consistent reads, so that what is missing in one is
gone, and a server whose versions went backwards is believed.
"""

import asyncio
import logging
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson

from bot.adapters.kubernetes_connections import Call, Connection
from bot.adapters.kubernetes_errors import Asked, Expired, Resource, Status, refused, unexpected
from bot.adapters.kubernetes_index import Shelf
from bot.errors import PortError
from bot.ports import Clock, sleep_until

_LONGEST_LINE = 16 * 2**20
_RELIST_AFTER = 3  # failures in a row: perhaps it is the version that the server stumbles over
_STEADY_AFTER = 5.0  # seconds that a watch must last to count as working again

# An ordinary event as API servers write it (the order of Go's structs): uid and version are found
# without reading the rest. Anchored, so that it cannot be fooled from inside; what is written
# otherwise is read as a whole.
_PLAIN = re.compile(
    rb'\{"type":"(?:ADDED|MODIFIED)","object":\{(?:"(?:kind|apiVersion)":"[^"\\]*",){0,2}'
    rb'"metadata":\{"name":"[^"\\]*",(?:"generateName":"[^"\\]*",)?(?:"namespace":"[^"\\]*",)?'
    rb'"uid":"(?P<uid>[0-9A-Za-z._-]+)","resourceVersion":"(?P<version>[0-9]{1,19})"[,}]'
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: the first and the longest wait after failures, the wait after a refusal that waiting
    does not mend (a missing right), and how long a watch is asked to last."""

    first: float = 0.25
    longest: float = 8
    lasting: float = 20
    watch: tuple[int, int] = (240, 300)


class Stream:
    """Feeds one shelf. `heard` is called after each batch of news, `troubled` with what keeps the
    stream from working, and None when it works again (both may repeat themselves)."""

    def __init__(
        self,
        connection: Connection,
        resource: Resource,
        namespace: str,
        shelf: Shelf[Any],
        *,
        heard: Callable[[], None],
        troubled: Callable[[PortError | None], None],
        clock: Clock,
        pace: Pace,
        dice: random.Random,
    ) -> None:
        self._connection = connection
        self._resource = resource
        self._namespace = namespace
        self._shelf = shelf
        self._heard = heard
        self._troubled = troubled
        self._clock = clock
        self._pace = pace
        self._dice = dice
        self._version = ""
        self._failures = 0
        self._failed_inside = False
        self.open = False

    async def run(self) -> None:
        """Never returns; ends by cancellation."""
        while True:
            error = await self._round()
            if error is not None:
                self._failures += 1
                self._report(error)
                await self._sleep(self._delay(error))

    async def _round(self) -> PortError | None:
        """List if need be and watch to the end; what went wrong, or None."""
        try:
            if not self._version or self._failures >= _RELIST_AFTER:
                await self._list()
            return await self._watch()
        except PortError as error:
            return error
        except Exception as error:  # a bug here must not end the stream unseen
            log.exception("the stream of %s in %s failed", self._resource.full, self._namespace)
            return unexpected(type(error).__name__)

    async def _list(self) -> None:
        self._version = ""
        version, objects = await self._connection.list(self._resource, self._namespace)
        self._shelf.replace(objects)
        self._version = version
        self._heard()

    async def _watch(self) -> PortError | None:
        loop = asyncio.get_running_loop()
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": str(self._dice.randint(*self._pace.watch)),
        }
        call = Call(Asked("watch", self._resource, self._namespace), query)
        try:
            async with self._connection.stream(call) as chunks:
                opened = loop.time()
                self.open = True
                if not self._failed_inside:
                    self._troubled(None)
                news = await self._read(chunks)
        except Expired:
            self._version = ""
            raise
        finally:
            if self.open and loop.time() - opened >= _STEADY_AFTER:
                self._failures = 0
            self.open = False
        if news or loop.time() - opened >= _STEADY_AFTER:
            return None
        # Closed at once, again and again, is no reason to hammer the server; nor is it a trouble.
        return Expired("cluster", unexpected("").trouble, temporary=True)

    async def _read(self, chunks: Any) -> bool:
        """Take the lines to the end; whether there were any. Half a line at the end is dropped: the
        next watch brings it whole."""
        rest = b""
        news = False
        async for chunk in chunks:
            lines = (rest + chunk).split(b"\n")
            rest = lines.pop()
            if len(rest) > _LONGEST_LINE:
                raise unexpected("a line of the stream is too long")
            if self._shelf.unreadable:
                self._shelf.unreadable = False
                self._version = ""
                raise unexpected("an object of the stream could not be read")
            try:
                for line in lines:
                    self._take(line)
            finally:
                self._heard()
            if lines:
                news = True
                self._works()
        return news

    def _take(self, line: bytes) -> None:
        plain = _PLAIN.match(line)
        if plain is not None:
            version = plain["version"].decode()
            self._shelf.put_line(plain["uid"].decode(), int(version), line)
            self._advance(version)
            return
        if not line.strip():
            return
        try:
            event = orjson.loads(line)
            raw, kind = event["object"], event["type"]
            if kind == "ERROR":
                raise self._refused(raw)
            if kind in ("ADDED", "MODIFIED"):
                self._shelf.put(raw)
            elif kind == "DELETED":
                self._shelf.remove(raw)
            self._advance(raw["metadata"]["resourceVersion"])
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise unexpected("a line of the stream is no watch event") from error

    def _refused(self, raw: Any) -> PortError:
        self._version = ""
        self._failed_inside = True
        return refused(Asked("watch", self._resource, self._namespace), Status.of(raw))

    def _advance(self, version: str) -> None:
        """Go on from the newest: an event that came late must not turn the stream back."""
        if not (version.isdigit() and self._version.isdigit()) or int(version) > int(self._version):
            self._version = version

    def _works(self) -> None:
        self._failures = 0
        self._failed_inside = False
        self._troubled(None)

    def _report(self, error: PortError) -> None:
        """One failure is everyday life, and an expired version always; the rest is told."""
        if isinstance(error, Expired):
            return
        if not error.temporary or self._failures >= 2:
            self._troubled(error)

    def _delay(self, error: PortError) -> float:
        pace = self._pace
        if not error.temporary:
            return pace.lasting * self._dice.uniform(0.75, 1.25)
        longest = min(pace.longest, pace.first * 2.0 ** min(self._failures - 1, 20))
        return max(error.retry_after or 0.0, longest * self._dice.uniform(0.5, 1.0))

    async def _sleep(self, seconds: float) -> None:
        await sleep_until(self._clock, self._clock.now() + timedelta(seconds=seconds))

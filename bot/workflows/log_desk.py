"""Logs for whoever asks: read once, or live in one message each.

A live log survives nothing: its message is on record, and the next start tells that it has ended.
Their edits are background: they have a budget of their own, and never take a rollout's.
"""

import asyncio
import logging
import secrets
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from bot.cards.blocks import shown_hash
from bot.cards.card import Card
from bot.cards.logs import follow_card, follow_file_card, log_file_name
from bot.domain import redaction
from bot.domain.log_answer import End, FollowView, LogAnswer
from bot.domain.log_query import Query
from bot.domain.log_sources import NoSources, sources_of
from bot.domain.rollout import CardRef
from bot.errors import PortError
from bot.ports import Clock, Cluster, Follows, Logs, Messenger
from bot.ports import FollowMessage as Message
from bot.text import Texts
from bot.workflows.log_follow import Follower
from bot.workflows.log_reading import LogPlace, LogThread, read_logs

log = logging.getLogger(__name__)

MOST: Final = 100
"""Live logs of one process: each holds a connection for each of its pods."""
MOST_OF_ONE: Final = 5
"""Of one person."""
_EVERY: Final = timedelta(seconds=6)
"""Between two edits of all live logs together: the 10 edits a minute that what is background has
(bot/adapters/slack_updates.py). With n of them each is edited every 6 n seconds."""
_ANOTHER: Final = timedelta(seconds=0.25)
"""How soon one looks again whose turn another one has."""
_KEPT_ENDED: Final = 20
"""Logs that have ended whose lines can still be downloaded."""


@dataclass(slots=True)
class _Live:
    message: Message
    title: str
    follower: Follower
    shown_at: datetime
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    fresh: bool = False
    shown: str = ""
    offer: asyncio.Task[bool] | None = None
    task: asyncio.Task[None] | None = None

    @property
    def waits(self) -> bool:
        """It has news that are not on their way."""
        return self.fresh and self.offer is None

    @property
    def ref(self) -> CardRef:
        return CardRef(channel=self.message.channel, ts=self.message.ts)

    def card(self, view: FollowView) -> Card:
        return _card(self.message, self.title, view)


@dataclass(frozen=True, slots=True)
class TooMany:
    """`yours`: of this person. `count` are live already."""

    count: int
    yours: bool


@dataclass(frozen=True, slots=True)
class Already:
    """The same line is live in the same place."""

    ref: CardRef


class Heard:
    """A log that is followed for one listener, who shows each line once and in no message."""

    def __init__(self, follower: Follower, clock: Clock, wake: asyncio.Event) -> None:
        self.follower = follower
        self._clock = clock
        self._wake = wake

    @property
    def ended(self) -> bool:
        """Whether it is over; looks whether its time is."""
        if not self.follower.ended:
            self.follower.look(self._clock.now())
        return self.follower.ended

    async def news(self, seconds: float) -> bool:
        """Wait for news, at most for so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        news = self._wake.is_set()
        self._wake.clear()
        return news


class LogDesk:
    """One for the process. `titles` gives the environment's title in a language."""

    def __init__(
        self,
        *,
        logs: Logs,
        cluster: Cluster,
        follows: Follows,
        messenger: Messenger,
        clock: Clock,
        titles: Callable[[str, str], str],
    ) -> None:
        self._logs = logs
        self._cluster = cluster
        self._follows = follows
        self._messenger = messenger
        self._clock = clock
        self._titles = titles
        self._thread = LogThread()
        self._live: dict[str, _Live] = {}
        self._listening: Counter[str] = Counter()  # by person
        self._edited_at: datetime | None = None
        self._ended: OrderedDict[str, _Live] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    @property
    def port(self) -> Logs:
        """For who reads logs in a way of its own: the look at them after a deploy."""
        return self._logs

    @property
    def live(self) -> int:
        return len(self._live)

    def start(self) -> None:
        """Tell what the process before left open, and make redaction ready, beside everything
        else: its patterns take a quarter of a second that neither the start nor a loop has."""
        for work in (self._close_left_open(), self._thread.run(redaction.prepare)):
            task = asyncio.get_running_loop().create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Messages that are live stay on record: the next start tells their end."""
        self._stopping = True
        tasks = [*self._tasks]
        for live in self._live.values():
            live.follower.close()
            tasks += [task for task in (live.task, live.offer) if task is not None]  # type: ignore[misc]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._thread.close()

    # --- read once -----------------------------------------------------------------------------

    async def read(self, place: LogPlace, query: Query) -> LogAnswer | NoSources:
        """Raises PortError."""
        return await read_logs(
            place,
            query,
            cluster=self._cluster,
            logs=self._logs,
            clock=self._clock,
            thread=self._thread,
        )

    # --- live ----------------------------------------------------------------------------------

    async def unreadable(self, place: LogPlace, query: Query) -> NoSources | None:
        """Why there is nothing to follow; None where there is. Raises PortError."""
        workload = await self._cluster.workload(place.context, place.namespace, place.service)
        found = sources_of(workload, query, place.container)
        return found if isinstance(found, NoSources) else None

    def already(self, channel: str, line: str) -> Already | None:
        for live in self._live.values():
            if (live.message.channel, live.message.line) == (channel, line):
                return Already(live.ref)
        return None

    def room(self, user: str) -> TooMany | None:
        """Whether one more may begin; None where it may."""
        count = len(self._live) + self._listening.total()
        if count >= MOST:
            return TooMany(count, yours=False)
        own = sum(live.message.started_by == user for live in self._live.values())
        own += self._listening[user]
        return TooMany(own, yours=True) if own >= MOST_OF_ONE else None

    @contextmanager
    def listening(self, place: LogPlace, query: Query, user: str) -> Iterator[Heard]:
        """Followed for as long as the caller listens, and in no message."""
        wake = asyncio.Event()
        follower = self._follower(place, query, wake.set)
        self._listening[user] += 1
        try:
            follower.start()
            yield Heard(follower, self._clock, wake)
        finally:
            follower.close()
            self._listening[user] -= 1

    def _follower(self, place: LogPlace, query: Query, changed: Callable[[], None]) -> Follower:
        return Follower(
            place,
            query,
            cluster=self._cluster,
            logs=self._logs,
            clock=self._clock,
            thread=self._thread,
            changed=changed,
        )

    async def follow(
        self,
        place: LogPlace,
        query: Query,
        *,
        channel: str,
        thread: str,
        line: str,
        language: str,
        user: str,
    ) -> CardRef:
        """Post the message and begin. Raises PortError where it cannot be posted: then nothing
        has begun."""
        now = self._clock.now()
        id_ = secrets.token_hex(6)
        message = Message(
            id=id_,
            channel=channel,
            thread=thread,
            ts="",
            service=place.service,
            environment=place.environment,
            line=line,
            language=language,
            started_by=user,
            started_at=now,
        )
        live = _Live(message, self._titles(place.environment, language), None, now)  # type: ignore[arg-type]
        live.follower = self._follower(place, query, lambda: _touch(live))
        self._live[id_] = live
        try:
            await self._post(live)
        except BaseException:
            del self._live[id_]
            await self._follows.remove(id_)
            raise
        live.follower.start()
        live.task = asyncio.get_running_loop().create_task(self._drive(live))
        return live.ref

    async def _post(self, live: _Live) -> None:
        """On record before and after: what is posted in the moment of a crash is found by its
        key."""
        message = live.message
        await self._follows.put(message)
        card = live.card(live.follower.view)
        ref = await self._messenger.post(
            message.channel, card, thread=message.thread, key=_key(message)
        )
        live.message = _posted(message, ref)
        live.shown, live.shown_at = shown_hash(card), self._clock.now()
        await self._follows.put(live.message)

    async def _drive(self, live: _Live) -> None:
        """Show what is new at this log's turns, and its end at once."""
        try:
            while not live.follower.ended:
                now = self._clock.now()
                again = live.follower.look(now)
                if live.follower.ended:
                    break
                due = self._due(live)
                if live.waits and now >= due:
                    if self._is_next(live):
                        self._show(live, now)
                    else:
                        due = now + _ANOTHER
                waits = live.waits
                await self._sleep(live, min(again, due) if waits else again)
            await self._finish(live)
        except Exception:
            log.exception("the live log %s failed", live.message.id)
            live.follower.end(End.GONE)
        finally:
            live.follower.close()
            if not self._stopping:
                self._live.pop(live.message.id, None)

    def _due(self, live: _Live) -> datetime:
        """The next turn of any of them, and not before this one had its rest."""
        own = live.shown_at + _EVERY
        return own if self._edited_at is None else max(own, self._edited_at + _EVERY)

    def _is_next(self, live: _Live) -> bool:
        """Whoever was shown longest ago goes first."""
        waiting = [each for each in self._live.values() if each.waits]
        return min(waiting, key=lambda each: each.shown_at, default=live) is live

    def _show(self, live: _Live, now: datetime) -> None:
        live.fresh, live.shown_at = False, now
        card = live.card(live.follower.view)
        seen = shown_hash(card)
        if seen == live.shown:
            return
        live.shown = seen
        self._edited_at = now
        live.offer = asyncio.get_running_loop().create_task(
            self._messenger.update(live.ref, card, background=True)
        )
        live.offer.add_done_callback(lambda done: _offered(live, done))

    async def _finish(self, live: _Live) -> None:
        """The last card goes before all halves, and at once where a person waits for it; what was
        seen can be downloaded for a while."""
        live.task = asyncio.current_task()
        self._ended[live.message.id] = live
        while len(self._ended) > _KEPT_ENDED:
            self._ended.popitem(last=False)
        self._live.pop(live.message.id, None)
        view = live.follower.view
        background = view.ended is not End.STOPPED
        try:
            await self._messenger.update(
                live.ref, live.card(view), urgent=True, background=background
            )
        except PortError as error:
            log.warning("the end of a live log was not shown: %s", error)
            if error.temporary:
                return  # the next start tells it
        await self._follows.remove(live.message.id)

    async def _sleep(self, live: _Live, until: datetime) -> None:
        live.wake.clear()
        cancel = self._clock.call_at(until, live.wake.set)
        try:
            await live.wake.wait()
        finally:
            cancel()

    # --- buttons -------------------------------------------------------------------------------

    def message(self, id_: str) -> Message | None:
        """Of a log that is live, or has ended in this process."""
        live = self._live.get(id_) or self._ended.get(id_)
        return live.message if live else None

    def end(self, id_: str, by: str) -> bool:
        """Stop it; False where it is not live (any more)."""
        live = self._live.get(id_)
        return live is not None and live.follower.end(End.STOPPED, by=by)

    async def download(self, id_: str) -> bool:
        """Post what was seen so far as a file in the thread; False where it is kept no longer.
        Raises PortError."""
        live = self._live.get(id_) or self._ended.get(id_)
        if live is None:
            return False
        message, view = live.message, live.follower.view
        texts = Texts.of(message.language)
        file = log_file_name(message.service, message.environment, self._clock.now())
        card = await self._thread.run(lambda: follow_file_card(view, file=file, texts=texts))
        await self._messenger.post(message.channel, card, thread=message.thread or message.ts)
        return True

    # --- what a process before left ------------------------------------------------------------

    async def _close_left_open(self) -> None:
        try:
            left = await self._follows.all()
        except PortError as error:
            log.warning("live logs of the process before are not known: %s", error)
            return
        for message in left:
            if message.id not in self._live:
                await self._tell_restarted(message)

    async def _tell_restarted(self, message: Message) -> None:
        try:
            ref: CardRef | None = CardRef(channel=message.channel, ts=message.ts)
            if not message.ts:
                ref = await self._messenger.find(
                    message.channel, _key(message), message.started_at, thread=message.thread
                )
            if ref is not None:
                title = self._titles(message.environment, message.language)
                card = _card(message, title, FollowView(ended=End.RESTARTED))
                await self._messenger.update(ref, card, urgent=True, background=True)
        except PortError as error:
            log.warning("the end of a live log was not told: %s", error)
            if error.temporary:
                return
        await self._follows.remove(message.id)


def _card(message: Message, title: str, view: FollowView) -> Card:
    return follow_card(
        view,
        id_=message.id,
        service=message.service,
        environment_title=title,
        started_by=message.started_by,
        line=message.line,
        texts=Texts.of(message.language),
    )


def _posted(message: Message, ref: CardRef) -> Message:
    return replace(message, channel=ref.channel, ts=ref.ts)


def _key(message: Message) -> str:
    return f"logs:{message.id}"


def _touch(live: _Live) -> None:
    live.fresh = True
    live.wake.set()


def _offered(live: _Live, done: "asyncio.Task[bool]") -> None:
    live.offer = None
    live.wake.set()
    if not done.cancelled() and done.exception() is not None:
        log.warning("a live log was not shown: %s", done.exception())

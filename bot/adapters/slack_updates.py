"""All edits of all cards, through one budget: newest wins, terminal states first.

Slack allows about 50 `chat.update` a minute for the whole workspace (Tier 3, research/
slack-contract.md §3). They are two lanes that know nothing of each other, so that however much
there is to show of live logs, no rollout's card waits for it: 40 for cards, 10 for what is
background. Progress takes at most 30 of the 40, spread over the cards that are alive, so that an
end is never behind a queue of halves. A card that is replaced before it was sent is dropped; its
offer answers False.

`next_send` is the policy of one lane, pure; `CardUpdates` carries it out.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.cards.card import Card
from bot.domain.rollout import CardRef
from bot.errors import PortError, Trouble
from bot.ports import Clock

WINDOW = timedelta(seconds=60)
BUDGET = 50
LEAST_INTERVAL = timedelta(seconds=3)  # between two progress edits of one card
_SETTLING = timedelta(seconds=1)  # between a post and its first progress edit

Key = tuple[str, str]  # channel, ts


@dataclass(frozen=True, slots=True)
class Lane:
    """Edits a minute: of all, and of those that are progress."""

    most: int
    progress: int

    def interval(self, alive: int) -> timedelta:
        """Between two progress edits of one card, where so many share the lane."""
        return max(LEAST_INTERVAL, WINDOW / self.progress * alive)


BACKGROUND = Lane(10, 10)
CARDS = Lane(BUDGET - BACKGROUND.most, 30)


@dataclass(frozen=True, slots=True)
class Waiting:
    key: Key
    urgent: bool
    since: datetime


@dataclass(frozen=True, slots=True)
class Budget:
    """What was sent in a lane: times of the last minute, the last time of each card, before when a
    card that was just posted is left alone, and until when Slack asked to wait (429)."""

    sent: Collection[datetime] = ()
    last: Mapping[Key, datetime] = field(default_factory=dict)
    paused_until: datetime | None = None
    settles: Mapping[Key, datetime] = field(default_factory=dict)
    lane: Lane = CARDS


def next_send(
    waiting: Collection[Waiting], budget: Budget, now: datetime
) -> tuple[Key | None, datetime | None]:
    """Which card to send now (None: none), and when to ask again if none."""
    if not waiting:
        return None, None
    if budget.paused_until is not None and now < budget.paused_until:
        return None, budget.paused_until
    recent = sorted(t for t in budget.sent if t > now - WINDOW)
    alive = {w.key for w in waiting} | {k for k, t in budget.last.items() if t > now - WINDOW}
    interval = budget.lane.interval(len(alive))

    def due(item: Waiting) -> datetime:
        allowed = budget.lane.most if item.urgent else budget.lane.progress
        free = recent[-allowed] + WINDOW if len(recent) >= allowed else now
        if item.urgent:
            return max(now, free)
        if item.key in budget.last:
            return max(now, free, budget.last[item.key] + interval)
        return max(now, free, budget.settles.get(item.key, now))

    first = min(waiting, key=lambda item: (due(item), not item.urgent, item.since))
    when = due(first)
    return (first.key, None) if when <= now else (None, when)


@dataclass(slots=True)
class _Offer:
    ref: CardRef
    card: Card
    urgent: bool
    lane: Lane
    since: datetime
    answer: asyncio.Future[bool]


@dataclass(slots=True)
class _Sent:
    """What one lane has sent."""

    times: deque[datetime]
    last: dict[Key, datetime] = field(default_factory=dict)


class CardUpdates:
    """Offers in, edits out. `send` edits one message and may raise PortError."""

    def __init__(self, send: Callable[[CardRef, Card], Awaitable[None]], clock: Clock) -> None:
        self._send = send
        self._clock = clock
        self._offers: dict[Key, _Offer] = {}
        self._flying: set[Key] = set()
        self._sent = {lane: _Sent(deque(maxlen=lane.most)) for lane in (CARDS, BACKGROUND)}
        self._settles: dict[Key, datetime] = {}
        self._paused_until: datetime | None = None
        self._cancel_alarm: Callable[[], None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def offer(
        self, ref: CardRef, card: Card, *, urgent: bool, background: bool = False
    ) -> bool:
        """True once Slack took this card; False where a newer one replaced it. Raises PortError."""
        key = (ref.channel, ref.ts)
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        older = self._offers.pop(key, None)
        since = older.since if older else self._clock.now()
        lane = BACKGROUND if background else CARDS
        self._offers[key] = _Offer(ref, card, urgent, lane, since, answer)
        if older is not None and not older.answer.done():
            older.answer.set_result(False)
        self._pump()
        return await answer

    def posted(self, ref: CardRef) -> None:
        """A card was posted: its first progress edit follows a second later, so that the states
        that a rollout passes through at once become one edit."""
        now = self._clock.now()
        self._settles = {key: until for key, until in self._settles.items() if until > now}
        self._settles[ref.channel, ref.ts] = now + _SETTLING

    async def close(self) -> None:
        if self._cancel_alarm is not None:
            self._cancel_alarm()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for offer in self._offers.values():
            offer.answer.cancel()
        self._offers.clear()

    def _pump(self) -> None:
        """Send all that may go now; set one alarm for the rest."""
        if self._cancel_alarm is not None:
            self._cancel_alarm()
            self._cancel_alarm = None
        alarms = [when for lane in self._sent if (when := self._pump_lane(lane)) is not None]
        if alarms:
            self._cancel_alarm = self._clock.call_at(min(alarms), self._pump)

    def _pump_lane(self, lane: Lane) -> datetime | None:
        """Send all of a lane that may go now; when to ask again for the rest."""
        while True:
            now = self._clock.now()
            waiting = [
                Waiting(key, offer.urgent, offer.since)
                for key, offer in self._offers.items()
                if offer.lane == lane and key not in self._flying
            ]
            key, when = next_send(waiting, self._budget(lane, now), now)
            if key is None:
                return when
            self._start(self._offers.pop(key), key, now)

    def _budget(self, lane: Lane, now: datetime) -> Budget:
        sent = self._sent[lane]
        sent.last = {k: t for k, t in sent.last.items() if t > now - WINDOW}
        return Budget(tuple(sent.times), sent.last, self._paused_until, self._settles, lane)

    def _start(self, offer: _Offer, key: Key, now: datetime) -> None:
        self._flying.add(key)
        self._sent[offer.lane].times.append(now)
        self._sent[offer.lane].last[key] = now
        task = asyncio.get_running_loop().create_task(self._fly(offer, key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fly(self, offer: _Offer, key: Key) -> None:
        try:
            await self._send(offer.ref, offer.card)
        except PortError as error:
            self._failed(offer, key, error)
        except asyncio.CancelledError:
            offer.answer.cancel()
            raise
        else:
            if not offer.answer.done():
                offer.answer.set_result(True)
        finally:
            self._flying.discard(key)
            self._pump()

    def _failed(self, offer: _Offer, key: Key, error: PortError) -> None:
        if error.trouble is Trouble.THROTTLED:
            wait = timedelta(seconds=error.retry_after or 1)
            self._paused_until = self._clock.now() + wait
            if key not in self._offers:  # else a newer card already waits in its place
                self._offers[key] = offer
                return
        if not offer.answer.done():
            if key in self._offers:
                offer.answer.set_result(False)
            else:
                offer.answer.set_exception(error)

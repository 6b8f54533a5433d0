"""The engine drives every rollout that is not settled: look, decide, do one thing, save, show.

Decisions are in `bot/domain/progress.py`; here are only effects and their order: intent is saved
before the effect, effects are idempotent (apply *to* a digest, edit *the* card), and a rollout
that somebody else saved meanwhile is read again. It is woken by cluster events, clicks and the
times that judgements name, never by polling; what is idle costs nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from bot.cards.blocks import shown_hash
from bot.cards.card import Card
from bot.domain.gate import GateResult, lets_through
from bot.domain.judge import judge_rollout
from bot.domain.judgement import Judgement
from bot.domain.progress import (
    GIVE_UP_APPLYING,
    AnnounceOverride,
    Apply,
    AskGates,
    Diagnose,
    Observe,
    Outlook,
    PostCard,
    Prepare,
    Recheck,
    Rest,
    ShowEnd,
    Step,
    TakeTurn,
    TellOpen,
    TellThread,
    advance,
    fail,
    look_again,
    next_step,
    overcome,
    said_place,
    soak_ends,
    written,
)
from bot.domain.promotion import next_look
from bot.domain.rollout import (
    WAITING,
    CardRef,
    Diagnosis,
    Obstacle,
    Rollout,
    RolloutState,
    Running,
)
from bot.domain.verdict import Outcome
from bot.domain.workload import Event, Workload
from bot.errors import PortError, StaleError, Trouble
from bot.ports import Clock, Cluster, Manifest, Messenger, Store

log = logging.getLogger(__name__)

_BACK_OFF = (1, 2, 4, 8, 15, 30)  # seconds between tries of an edge that does not answer
_EVENTS_EVERY = timedelta(seconds=5)  # Kubernetes Events are asked for at most this often


@dataclass(frozen=True, slots=True)
class Work:
    """What the engine needs of the workflows and cards beside it, handed in by the app."""

    render: Callable[[Rollout], Awaitable[Manifest]]
    running: Callable[[Rollout, Workload], Running | None]
    outlook: Callable[[Rollout], Awaitable[Outlook]]
    recheck: Callable[[Rollout], Awaitable[tuple[GateResult, ...]]]
    diagnose: Callable[[Rollout, Workload], Awaitable[Diagnosis]]
    card: Callable[[Rollout, datetime], Card]
    details: Callable[[Rollout, datetime], Card]
    opened: Callable[[Rollout, datetime], Card]
    announcement: Callable[[Rollout, datetime], Card]
    posted: Callable[[Rollout], Awaitable[None]]
    turned_away: Callable[[Rollout], Awaitable[None]]
    ended: Callable[[Rollout], Coroutine[Any, Any, None]]


@dataclass(slots=True)
class _Driver:
    """What the engine holds of one rollout while it drives it; all of it can be lost."""

    rollout: Rollout
    woken: bool = False
    reread: bool = False
    task: asyncio.Task[None] | None = None
    seen: Workload | None = None
    fresh: bool = False  # `seen` came after the last judgement
    events: tuple[Event, ...] = ()
    events_at: datetime | None = None
    stop_following: Callable[[], None] | None = None
    cancel_alarm: Callable[[], None] | None = None
    offered: str = ""  # fingerprint of the newest card handed to Slack
    shown: str = ""  # fingerprint of the newest card that Slack confirmed
    tries: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


class Engine:
    def __init__(
        self, *, store: Store, cluster: Cluster, messenger: Messenger, clock: Clock, work: Work
    ) -> None:
        self._store = store
        self._cluster = cluster
        self._messenger = messenger
        self._clock = clock
        self._work = work
        self._drivers: dict[str, _Driver] = {}
        self._stopping = False
        self._carry_out: Mapping[type[Step], Callable[[_Driver], Awaitable[bool]]] = {
            PostCard: self._post_card,
            AskGates: self._ask_gates,
            TellOpen: self._tell_open,
            AnnounceOverride: self._announce_override,
            TakeTurn: self._take_turn,
            Recheck: self._recheck,
            Prepare: self._prepare,
            Apply: self._apply,
            Observe: self._observe,
            Diagnose: self._diagnose,
            TellThread: self._tell_thread,
        }

    async def start(self) -> None:
        """Go on with everything that is not settled: the same as any other pass."""
        for rollout in await self._store.unsettled():
            self._drivers[rollout.id] = driver = _Driver(rollout)
            if rollout.state in WAITING:
                # The last edit may have been lost with the process, and what waits may not change
                # for hours: its card is shown anew.
                self._show(driver)
            self._wake(driver)

    async def stop(self) -> None:
        self._stopping = True
        tasks = []
        for driver in self._drivers.values():
            self._let_go(driver)
            tasks += [*driver.tasks, *([driver.task] if driver.task else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._drivers.clear()

    def wake(self, rollout: Rollout) -> None:
        """A rollout was added or changed in the store: read it again and go on."""
        driver = self._drivers.setdefault(rollout.id, _Driver(rollout))
        driver.reread = True
        self._wake(driver)

    def wake_waiting(self, service: str = "", environment: str = "") -> None:
        """Something that gates ask about has changed, there or ("") everywhere: what waits for
        people or checks asks its gates again."""
        for driver in list(self._drivers.values()):
            mine = driver.rollout
            here = service in ("", mine.service) and environment in ("", mine.environment)
            if here and mine.state is RolloutState.AWAITING_APPROVAL:
                self._wake(driver)

    @property
    def driving(self) -> int:
        return len(self._drivers)

    # --- one rollout, one task at a time -------------------------------------------------------

    def _wake(self, driver: _Driver) -> None:
        driver.woken = True
        if driver.task is None and not self._stopping:
            driver.task = asyncio.get_running_loop().create_task(self._drive(driver))

    async def _drive(self, driver: _Driver) -> None:
        try:
            while driver.woken and not self._stopping:
                driver.woken = False
                await self._pass(driver)
        finally:
            driver.task = None
            if driver.rollout.settled:
                self._let_go(driver)
                self._drivers.pop(driver.rollout.id, None)

    async def _pass(self, driver: _Driver) -> None:
        """Do steps until there is none to do just now. Nothing escapes: a rollout that meets an
        error waits and tries again, and the others never notice."""
        try:
            if driver.reread:
                driver.reread = False
                before = driver.rollout
                driver.rollout = await self._store.get(before.id) or before
                self._show(driver)
                if driver.rollout.state.final and not before.state.final:
                    self._leave(driver.rollout)  # a person ended it
            while await self._step(driver):
                driver.tries = 0
            self._show(driver)  # again, where an edit has failed and nothing has changed since
        except StaleError:
            driver.reread = True
            self._wake(driver)
        except PortError as error:
            await self._meet(driver, error)
        except Exception:
            log.exception("rollout %s met a bug; trying again", driver.rollout.id)
            self._try_again(driver)

    async def _step(self, driver: _Driver) -> bool:
        """One step; True when another may follow at once."""
        card = shown_hash(self._work.card(driver.rollout, self._clock.now()))
        step = next_step(driver.rollout, end_shown=driver.shown == card)
        if isinstance(step, ShowEnd):
            self._let_go(driver)
            self._show(driver)
            return False
        if isinstance(step, Rest):
            if not driver.rollout.settled:
                await self._save(driver, driver.rollout.with_(settled=True))
            return False
        return await self._carry_out[type(step)](driver)

    # --- steps ---------------------------------------------------------------------------------

    async def _post_card(self, driver: _Driver) -> bool:
        rollout = driver.rollout
        card = self._work.card(rollout, self._clock.now())
        posted = await self._post_once(driver, rollout.card, card, key=rollout.id, field="card")
        driver.offered = driver.shown = shown_hash(card)
        await self._save(driver, driver.rollout.with_(card=posted))
        await self._work.posted(driver.rollout)
        return True

    async def _ask_gates(self, driver: _Driver) -> bool:
        rollout = driver.rollout
        outlook = await self._work.outlook(rollout)
        now = self._clock.now()
        after = look_again(rollout, outlook, now)
        if after != rollout:
            await self._save(driver, after)
        self._alarm(driver, next_look(outlook.gates, now))
        return after.state is not rollout.state or after.openings != rollout.openings

    async def _tell_open(self, driver: _Driver) -> bool:
        rollout = driver.rollout
        ref = rollout.told or CardRef(rollout.card.channel)
        card = self._work.opened(rollout, self._clock.now())
        key = f"{rollout.id}:open:{rollout.openings}"
        thread = rollout.card.ts
        told = await self._post_once(driver, ref, card, key=key, field="told", thread=thread)
        await self._save(driver, driver.rollout.with_(told=told), show=False)
        return True

    async def _announce_override(self, driver: _Driver) -> bool:
        rollout = driver.rollout
        ref = rollout.announced or CardRef(rollout.card.channel)
        card = self._work.announcement(rollout, self._clock.now())
        key = f"{rollout.id}:override"
        announced = await self._post_once(driver, ref, card, key=key, field="announced")
        await self._save(driver, driver.rollout.with_(announced=announced), show=False)
        return True

    async def _take_turn(self, driver: _Driver) -> bool:
        mine = driver.rollout
        started = await self._store.start_next(mine.service, mine.environment)
        if started is None:
            await self._say_behind(driver)
            return False
        if started.id != mine.id:  # an older one was waiting: its turn, not ours
            self.wake(started)
            await self._say_behind(driver)
            return False
        self._alarm(driver, None)
        driver.rollout = started
        self._show(driver)
        self._wake_line(started)
        return True

    async def _recheck(self, driver: _Driver) -> bool:
        rollout = driver.rollout
        results = await self._work.recheck(rollout)
        if lets_through(results, overriding=rollout.override is not None):
            await self._save(driver, rollout.with_(rechecked=True), show=False)
        else:
            rejected = rollout.with_(
                state=RolloutState.REJECTED, refused=results, finished_at=self._clock.now()
            )
            await self._save(driver, rejected)
        return True

    async def _say_behind(self, driver: _Driver) -> None:
        mine = driver.rollout
        others = await self._store.active(mine.service, mine.environment)
        said = said_place(mine, others)
        if said != mine:
            await self._save(driver, said)

    async def _prepare(self, driver: _Driver) -> bool:
        rollout = driver.rollout
        look = await self._cluster.workload(rollout.context, rollout.namespace, rollout.service)
        prepared = rollout.with_(
            before=self._work.running(rollout, look),
            before_generation=look.deployment.generation if look.deployment else 0,
            applying_since=self._clock.now(),
        )
        await self._save(driver, prepared)
        return True

    async def _apply(self, driver: _Driver) -> bool:
        rollout = driver.rollout
        manifest = await self._work.render(rollout)
        applied = await self._cluster.apply(rollout.context, rollout.namespace, manifest)
        await self._save(driver, written(rollout, applied.generation, applied.template))
        return True

    async def _observe(self, driver: _Driver) -> bool:
        rollout = driver.rollout
        self._follow(driver)
        if driver.seen is None:
            return False
        if rollout.obstacle is not None:
            return False  # what was seen last is not what is: nothing is judged on it
        now = self._clock.now()
        judgement = self._judge(driver, driver.seen, now)
        if judgement.verdict.outcome is Outcome.FAIL and not driver.fresh:
            # It was time that decided, on a snapshot that may be old: look once more first.
            driver.seen = await self._cluster.workload(
                rollout.context, rollout.namespace, rollout.service
            )
            judgement = self._judge(driver, driver.seen, now)
        driver.fresh = False
        after = advance(rollout, driver.seen, judgement, now)
        if after != rollout:
            await self._save(driver, after)
        self._look_again(driver, judgement, now)
        return after.state is not rollout.state

    def _judge(self, driver: _Driver, seen: Workload, now: datetime) -> Judgement:
        rollout = driver.rollout
        assert rollout.change is not None
        explained = replace(seen, events=driver.events)
        return judge_rollout(explained, rollout.change, rollout.memory, now)

    async def _diagnose(self, driver: _Driver) -> bool:
        rollout = driver.rollout
        seen = driver.seen or await self._cluster.workload(
            rollout.context, rollout.namespace, rollout.service
        )
        diagnosis = await self._work.diagnose(rollout, seen)
        await self._save(driver, rollout.with_(diagnosis=diagnosis))
        return True

    async def _tell_thread(self, driver: _Driver) -> bool:
        rollout = driver.rollout
        ref = rollout.details or CardRef(rollout.card.channel)
        card = self._work.details(rollout, self._clock.now())
        key = f"{rollout.id}:details"
        thread = rollout.card.ts
        posted = await self._post_once(driver, ref, card, key=key, field="details", thread=thread)
        await self._save(driver, driver.rollout.with_(details=posted))
        return True

    async def _post_once(
        self, driver: _Driver, ref: CardRef, card: Card, *, key: str, field: str, thread: str = ""
    ) -> CardRef:
        """Post a message that must stand once, whenever the process dies; `field` of the rollout
        is where it is kept.

        The intent is saved first. Where an intent stands without an answer, the message may
        already be there: it is looked for by its key before another one is posted.
        """
        if ref.since is not None:
            found = await self._messenger.find(ref.channel, key, ref.since, thread=thread)
            if found is not None:
                return found
        else:
            intent = CardRef(ref.channel, since=self._clock.now())
            await self._save(driver, driver.rollout.with_(**{field: intent}), show=False)
        return await self._messenger.post(ref.channel, card, thread=thread, key=key)

    # --- saving and showing ----------------------------------------------------------------------

    async def _save(self, driver: _Driver, rollout: Rollout, *, show: bool = True) -> None:
        ended = rollout.state.final and not driver.rollout.state.final
        driver.rollout = await self._store.save(rollout)
        if show:
            self._show(driver)
        if ended:
            self._spawn(driver, self._work.ended(rollout))
            self._leave(rollout)

    def _leave(self, ended: Rollout) -> None:
        """Its place is free. What ran well here may go on, and what runs here is what others will
        change."""
        self._wake_line(ended)
        self.wake_waiting(ended.service)

    def _wake_line(self, gone: Rollout) -> None:
        """The queue of its place has moved."""
        for other in list(self._drivers.values()):
            mine = other.rollout
            same = (mine.service, mine.environment) == (gone.service, gone.environment)
            if same and mine.id != gone.id and mine.state is RolloutState.QUEUED:
                self._wake(other)

    def _show(self, driver: _Driver) -> None:
        """Hand the card to Slack if it says something new; nobody waits for it here."""
        rollout = driver.rollout
        if not rollout.card.ts or rollout.settled:
            return
        card = self._work.card(rollout, self._clock.now())
        print_ = shown_hash(card)
        if print_ != driver.offered:
            driver.offered = print_
            self._spawn(driver, self._edit(driver, rollout, card, print_))

    async def _edit(self, driver: _Driver, rollout: Rollout, card: Card, print_: str) -> None:
        try:
            confirmed = await self._messenger.update(rollout.card, card, urgent=rollout.state.final)
        except PortError as error:
            await self._edit_failed(driver, error, print_)
            return
        if confirmed:
            driver.shown = print_
            if rollout.state.final:
                self._wake(driver)

    async def _edit_failed(self, driver: _Driver, error: PortError, print_: str) -> None:
        log.warning("the card of rollout %s was not edited: %s", driver.rollout.id, error)
        if error.temporary:
            driver.offered = ""
            self._try_again(driver)
        elif error.trouble is Trouble.NOT_FOUND:  # somebody deleted the message: post it anew
            driver.rollout = driver.rollout.with_(card=CardRef(driver.rollout.card.channel))
            self._wake(driver)
        else:  # an archived channel, say: the rollout goes on, and ends, without an audience
            driver.shown = print_
            self._wake(driver)

    # --- waiting -------------------------------------------------------------------------------

    def _follow(self, driver: _Driver) -> None:
        if driver.stop_following is not None:
            return

        def changed(seen: Workload) -> None:
            driver.seen = seen
            driver.fresh = True
            self._wake(driver)

        def obstacle(error: PortError | None) -> None:
            self._spawn(driver, self._note_obstacle(driver, error))

        rollout = driver.rollout
        driver.stop_following = self._cluster.follow(
            rollout.context, rollout.namespace, rollout.service, changed, obstacle
        )

    def _look_again(self, driver: _Driver, judgement: Judgement, now: datetime) -> None:
        times = [t for t in (judgement.again_at, soak_ends(driver.rollout)) if t is not None]
        if judgement.wants_events:
            due = driver.events_at is None or now >= driver.events_at + _EVENTS_EVERY
            if due:
                driver.events_at = now
                self._spawn(driver, self._fetch_events(driver, judgement.wants_events))
            times.append((driver.events_at or now) + _EVENTS_EVERY)
        self._alarm(driver, min(times) if times else None)

    async def _fetch_events(self, driver: _Driver, uids: tuple[str, ...]) -> None:
        rollout = driver.rollout
        try:
            events = await self._cluster.events(rollout.context, rollout.namespace, uids)
        except PortError as error:  # an explanation less; the status fields are the truth
            log.info("no events for rollout %s: %s", rollout.id, error)
            return
        if tuple(events) != driver.events:
            driver.events = tuple(events)
            self._wake(driver)

    def _alarm(self, driver: _Driver, when: datetime | None) -> None:
        if driver.cancel_alarm is not None:
            driver.cancel_alarm()
            driver.cancel_alarm = None
        if when is not None:
            driver.cancel_alarm = self._clock.call_at(when, lambda: self._wake(driver))

    def _try_again(self, driver: _Driver) -> None:
        seconds = _BACK_OFF[min(driver.tries, len(_BACK_OFF) - 1)]
        driver.tries += 1
        self._alarm(driver, self._clock.now() + timedelta(seconds=seconds))

    # --- what does not answer --------------------------------------------------------------------

    async def _meet(self, driver: _Driver, error: PortError) -> None:
        """An edge failed in the middle of a step: say so on the card and try again, or end."""
        log.warning("rollout %s: %s", driver.rollout.id, error)
        rollout = driver.rollout
        now = self._clock.now()
        try:
            if error.temporary and not _given_up(rollout, now):
                await self._note_obstacle(driver, error)
                self._try_again(driver)
            elif not rollout.card.ts:
                turned_away = rollout.with_(
                    state=RolloutState.REJECTED, obstacle=_obstacle(error, now), finished_at=now
                )
                await self._save(driver, turned_away)
                await self._work.turned_away(turned_away)
                self._wake(driver)
            elif rollout.state.final:  # the end stands; only its telling failed
                await self._save(driver, rollout.with_(settled=True))
            else:
                await self._save(driver, fail(rollout.with_(obstacle=_obstacle(error, now)), now))
                self._wake(driver)
        except (PortError, StaleError) as second:
            log.warning("rollout %s: %s; and then: %s", rollout.id, error, second)
            driver.reread = True
            self._try_again(driver)

    async def _note_obstacle(self, driver: _Driver, error: PortError | None) -> None:
        rollout = driver.rollout
        if rollout.state.final or (error is not None and error.port in {"slack", "store"}):
            return
        now = self._clock.now()
        if error is None:
            noted = overcome(rollout, now)
        elif rollout.obstacle is not None and rollout.obstacle.port == error.port:
            return
        else:
            noted = rollout.with_(obstacle=_obstacle(error, now))
        try:
            if noted != rollout:
                await self._save(driver, noted)
        except (StaleError, PortError) as e:
            log.info("rollout %s: the obstacle was not noted: %s", rollout.id, e)
            driver.reread = True
        self._wake(driver)

    def _let_go(self, driver: _Driver) -> None:
        if driver.stop_following is not None:
            driver.stop_following()
            driver.stop_following = None
        self._alarm(driver, None)

    def _spawn(self, driver: _Driver, work: Coroutine[Any, Any, None]) -> None:
        if self._stopping:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work)
        driver.tasks.add(task)
        task.add_done_callback(driver.tasks.discard)


def _obstacle(error: PortError, now: datetime) -> Obstacle:
    return Obstacle(port=error.port, trouble=error.trouble, since=now, values=error.values)


def _given_up(rollout: Rollout, now: datetime) -> bool:
    return (
        rollout.change is None
        and rollout.applying_since is not None
        and now - rollout.applying_since > GIVE_UP_APPLYING
    )

"""The engine drives every rollout that is not settled: look, decide, do one thing, save, show.

What is due is decided in `bot/domain/rollout_steps.py`, what becomes of it in `rollout_course.py`
there; here are only effects and their order: intent is saved before the effect, effects are
idempotent (apply *to* a digest, edit *the* card), and a rollout that somebody else saved meanwhile
is read again. It is woken by cluster events, clicks and the times that judgements name, never by
polling; what is idle costs nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime

from bot.domain.gate import lets_through
from bot.domain.judge import judge_rollout
from bot.domain.judgement import Judgement
from bot.domain.promotion import next_look
from bot.domain.rollout import WAITING, Rollout, RolloutState
from bot.domain.rollout_course import (
    GIVE_UP_APPLYING,
    advance,
    fail,
    look_again,
    prepared,
    said_place,
    turned_back,
    written,
)
from bot.domain.rollout_steps import (
    AnnounceOverride,
    Apply,
    AskGates,
    Credit,
    Diagnose,
    Explain,
    Hold,
    Keep,
    Observe,
    PostCard,
    Prepare,
    Recheck,
    Rest,
    ShowEnd,
    Step,
    TakeTurn,
    TellOpen,
    TellThread,
    next_step,
)
from bot.domain.verdict import Outcome
from bot.domain.workload import Workload
from bot.engine.driver import Driver, Work
from bot.engine.showing import Showing
from bot.engine.watching import Watching, obstacle_of
from bot.errors import PortError, StaleError
from bot.ports import Clock, Cluster, Messenger, Store

log = logging.getLogger(__name__)


class Engine:
    def __init__(
        self, *, store: Store, cluster: Cluster, messenger: Messenger, clock: Clock, work: Work
    ) -> None:
        self._store = store
        self._cluster = cluster
        self._clock = clock
        self._work = work
        self._drivers: dict[str, Driver] = {}
        self._stopping = False
        self._watching = Watching(cluster, clock, save=self._save, wake=self._wake)
        self._showing = Showing(
            messenger,
            clock,
            work.card,
            save=self._save,
            wake=self._wake,
            again=self._watching.try_again,
        )
        self._carry_out: Mapping[type[Step], Callable[[Driver], Awaitable[bool]]] = {
            PostCard: self._post_card,
            AskGates: self._ask_gates,
            TellOpen: self._tell_open,
            AnnounceOverride: self._announce_override,
            TakeTurn: self._take_turn,
            Recheck: self._recheck,
            Prepare: self._prepare,
            Hold: self._hold,
            Apply: self._apply,
            Observe: self._observe,
            Explain: self._explain,
            Diagnose: self._diagnose,
            Credit: self._credit,
            TellThread: self._tell_thread,
            Keep: self._keep,
        }

    async def start(self) -> None:
        """Go on with everything that is not settled: the same as any other pass."""
        for rollout in await self._store.unsettled():
            self._drivers[rollout.id] = driver = Driver(rollout)
            if rollout.state in WAITING:
                # The last edit may have been lost with the process, and what waits may not change
                # for hours: its card is shown anew.
                self._showing.show(driver)
            self._wake(driver)

    async def stop(self) -> None:
        self._stopping = True
        tasks = []
        for driver in self._drivers.values():
            driver.stopping = True
            self._watching.let_go(driver)
            tasks += [*driver.tasks, *([driver.task] if driver.task else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._drivers.clear()

    def wake(self, rollout: Rollout) -> None:
        """A rollout was added or changed in the store: read it again and go on."""
        driver = self._drivers.setdefault(rollout.id, Driver(rollout))
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

    def _wake(self, driver: Driver) -> None:
        driver.woken = True
        if driver.task is None and not self._stopping:
            driver.task = asyncio.get_running_loop().create_task(self._drive(driver))

    async def _drive(self, driver: Driver) -> None:
        try:
            while driver.woken and not self._stopping:
                driver.woken = False
                await self._pass(driver)
        finally:
            driver.task = None
            if driver.rollout.settled:
                self._watching.let_go(driver)
                self._drivers.pop(driver.rollout.id, None)

    async def _pass(self, driver: Driver) -> None:
        """Do steps until there is none to do just now. Nothing escapes: a rollout that meets an
        error waits and tries again, and the others never notice."""
        try:
            if driver.reread:
                driver.reread = False
                before = driver.rollout
                driver.rollout = await self._store.get(before.id) or before
                self._showing.show(driver)
                if driver.rollout.state.final and not before.state.final:
                    self._leave(driver.rollout)  # a person ended it
            while await self._step(driver):
                driver.tries = 0
            # Again, where an edit has failed and nothing has changed since.
            self._showing.show(driver)
        except StaleError:
            driver.reread = True
            self._wake(driver)
        except PortError as error:
            await self._meet(driver, error)
        except Exception:
            log.exception("rollout %s met a bug; trying again", driver.rollout.id)
            self._watching.try_again(driver)

    async def _step(self, driver: Driver) -> bool:
        """One step; True when another may follow at once."""
        rollout = driver.rollout
        # Only an end asks whether its card is shown, which renders it.
        end_shown = rollout.state.final and self._showing.end_shown(driver)
        step = next_step(rollout, end_shown=end_shown)
        if isinstance(step, ShowEnd):
            self._watching.let_go(driver)
            self._showing.show(driver)
            return False
        if isinstance(step, Rest):
            if not driver.rollout.settled:
                await self._save(driver, driver.rollout.with_(settled=True))
            return False
        return await self._carry_out[type(step)](driver)

    # --- steps ---------------------------------------------------------------------------------

    async def _post_card(self, driver: Driver) -> bool:
        await self._showing.post_card(driver)
        await self._work.posted(driver.rollout)
        return True

    async def _ask_gates(self, driver: Driver) -> bool:
        rollout = driver.rollout
        others = await self._store.active(rollout.service, rollout.environment)
        outlook = await self._work.outlook(rollout)
        now = self._clock.now()
        after = look_again(rollout, outlook, others, now)
        if after != rollout:
            await self._save(driver, after)
        self._watching.alarm(driver, next_look(outlook.gates, now))
        return after.state is not rollout.state or after.openings != rollout.openings

    async def _tell_open(self, driver: Driver) -> bool:
        key = f"open:{driver.rollout.openings}"
        await self._showing.reply(driver, self._work.opened, field="told", key=key)
        return True

    async def _announce_override(self, driver: Driver) -> bool:
        make = self._work.announcement
        await self._showing.reply(driver, make, field="announced", key="override", in_thread=False)
        return True

    async def _take_turn(self, driver: Driver) -> bool:
        mine = driver.rollout
        started = await self._store.start_next(mine.service, mine.environment)
        if started is None:
            await self._say_behind(driver)
            return False
        if started.id != mine.id:  # an older one was waiting: its turn, not ours
            self.wake(started)
            await self._say_behind(driver)
            return False
        self._watching.alarm(driver, None)
        driver.rollout = started
        self._showing.show(driver)
        self._wake_line(started)
        return True

    async def _recheck(self, driver: Driver) -> bool:
        rollout = driver.rollout
        results = await self._work.recheck(rollout)
        if lets_through(results, overriding=rollout.override is not None):
            await self._save(driver, rollout.with_(rechecked=True), show=False)
        else:
            await self._save(driver, turned_back(rollout, results, self._clock.now()))
        return True

    async def _say_behind(self, driver: Driver) -> None:
        mine = driver.rollout
        others = await self._store.active(mine.service, mine.environment)
        said = said_place(mine, others)
        if said != mine:
            await self._save(driver, said)

    async def _prepare(self, driver: Driver) -> bool:
        rollout = driver.rollout
        look = await self._cluster.workload(rollout.context, rollout.namespace, rollout.service)
        ground = await self._work.prepare(rollout, look)
        await self._save(driver, prepared(rollout, look, ground, self._clock.now()))
        return True

    async def _hold(self, driver: Driver) -> bool:
        await self._work.hold(driver.rollout)
        await self._save(driver, driver.rollout.with_(held=True))
        return True

    async def _apply(self, driver: Driver) -> bool:
        rollout = driver.rollout
        done = await self._work.write(rollout)
        await self._save(driver, written(rollout, done.generation, done.template))
        return True

    async def _observe(self, driver: Driver) -> bool:
        rollout = driver.rollout
        self._watching.follow(driver)
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
        self._watching.look_again(driver, judgement, now)
        return after.state is not rollout.state

    def _judge(self, driver: Driver, seen: Workload, now: datetime) -> Judgement:
        rollout = driver.rollout
        assert rollout.change is not None
        explained = replace(seen, events=driver.events)
        return judge_rollout(explained, rollout.change, rollout.memory, now)

    async def _explain(self, driver: Driver) -> bool:
        short = await self._work.explain(driver.rollout)
        await self._save(driver, driver.rollout.with_(short=short))
        return True

    async def _diagnose(self, driver: Driver) -> bool:
        rollout = driver.rollout
        seen = driver.seen or await self._cluster.workload(
            rollout.context, rollout.namespace, rollout.service
        )
        diagnosis = await self._work.diagnose(rollout, seen)
        await self._save(driver, rollout.with_(diagnosis=diagnosis))
        return True

    async def _credit(self, driver: Driver) -> bool:
        commits = await self._work.commits(driver.rollout)
        await self._save(driver, driver.rollout.with_(commits=commits), show=False)
        return True

    async def _keep(self, driver: Driver) -> bool:
        await self._work.keep(driver.rollout)
        await self._save(driver, driver.rollout.with_(kept=True), show=False)
        return True

    async def _tell_thread(self, driver: Driver) -> bool:
        await self._showing.reply(driver, self._work.details, field="details", key="details")
        return True

    # --- saving ----------------------------------------------------------------------------------

    async def _save(self, driver: Driver, rollout: Rollout, *, show: bool = True) -> None:
        before = driver.rollout
        ended = rollout.state.final and not before.state.final
        begins = before.before_generation is None and rollout.before_generation is not None
        driver.rollout = await self._store.save(rollout)
        if begins or rollout.state is not before.state:
            self._work.moved(driver.rollout)
        if show:
            self._showing.show(driver)
        if ended:
            driver.spawn(self._work.ended(rollout))
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

    # --- what does not answer --------------------------------------------------------------------

    async def _meet(self, driver: Driver, error: PortError) -> None:
        """An edge failed in the middle of a step: say so on the card and try again, or end."""
        log.warning("rollout %s: %s", driver.rollout.id, error)
        rollout = driver.rollout
        now = self._clock.now()
        try:
            if error.temporary and not _given_up(rollout, now):
                await self._watching.note_obstacle(driver, error)
                self._watching.try_again(driver)
            elif not rollout.card.ts:
                turned_away = rollout.with_(
                    state=RolloutState.REJECTED, obstacle=obstacle_of(error, now), finished_at=now
                )
                await self._save(driver, turned_away)
                await self._work.turned_away(turned_away)
                self._wake(driver)
            elif rollout.state.final:  # the end stands; only its telling failed
                await self._save(driver, rollout.with_(settled=True))
            else:
                await self._save(driver, fail(rollout.with_(obstacle=obstacle_of(error, now)), now))
                self._wake(driver)
        except (PortError, StaleError) as second:
            log.warning("rollout %s: %s; and then: %s", rollout.id, error, second)
            driver.reread = True
            self._watching.try_again(driver)


def _given_up(rollout: Rollout, now: datetime) -> bool:
    return (
        rollout.change is None
        and rollout.applying_since is not None
        and now - rollout.applying_since > GIVE_UP_APPLYING
    )

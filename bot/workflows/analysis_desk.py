"""Analyses as they run: each rollout is looked at after it is done, told in one message, followed.

Decisions are in `bot/domain/analysis_steps.py`, effects in `analysis_effects.py`; here is who is
driven and when. There is no resume code: the first question after a start is the same as any other.
One task per analysis, woken by the engine (a rollout has moved), by buttons (`Bell`) and by the
times that a plan names.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

from bot.cards.blocks import shown_hash
from bot.domain.analysis_course import begun, caught_up, may_be_analysed, overtaken, times_of
from bot.domain.analysis_steps import Seen, Wait, next_step
from bot.domain.back_off import back_off
from bot.domain.rollout import Rollout, RolloutState
from bot.errors import PortError, StaleError
from bot.workflows.analysis_case import Case, Live
from bot.workflows.analysis_effects import AnalysisEffects
from bot.workflows.analysis_looking import AskGuard
from bot.workflows.analysis_telling import chart_for, summary_of
from bot.workflows.edges import Edges, Place
from bot.workflows.looks import Look
from config.catalog import AnalysisTimes

log = logging.getLogger(__name__)

_LATE = timedelta(hours=1)  # what has ended before that is not begun any more
_LOOKS_BACK = 20  # rollouts of a place, and at the start of the process of all places


class AnalysisDesk:
    """`wake` tells the engine of a rollout that was added or changed. `guard`, where there is one,
    is asked while nothing else is looked at yet."""

    def __init__(
        self,
        edges: Edges,
        wake: Callable[[Rollout], None],
        *,
        looks: tuple[Look, ...],
        guard: AskGuard | None = None,
    ) -> None:
        self._edges = edges
        self._effects = AnalysisEffects(edges, wake, looks, guard)
        self._live: dict[str, Live] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def start(self) -> None:
        """Go on with what is not settled, and begin what a crash kept from beginning."""
        oldest = self._edges.clock.now() - _LATE
        for rollout in await self._edges.store.recent(limit=_LOOKS_BACK):
            fresh = rollout.finished_at is None or rollout.finished_at > oldest
            if fresh and (not rollout.state.final or rollout.state is RolloutState.SUCCEEDED):
                await self._begin(rollout)
        for analysis in await self._edges.analyses.unsettled():
            self._wake(analysis.rollout)

    async def stop(self) -> None:
        self._stopping = True
        for live in self._live.values():
            self._alarm(live, None)
        tasks = [*self._tasks, *(live.task for live in self._live.values() if live.task)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._live.clear()

    def moved(self, rollout: Rollout) -> None:
        """A rollout has come into another state, or is about to be written. Returns at once."""
        self._spawn(self._hear(rollout))

    def ring(self, service: str = "", environment: str = "") -> None:
        """Something has changed there: a button was pressed, say. Returns at once."""
        self._spawn(self._wake_there(service, environment))

    @property
    def live(self) -> int:
        return len(self._live)

    async def _hear(self, rollout: Rollout) -> None:
        try:
            await self._begin(rollout)
            await self._wake_there(rollout.service, rollout.environment)
        except PortError as error:  # the store; the next move or start begins it
            log.warning("the analysis of rollout %s does not begin: %s", rollout.id, error)

    async def _begin(self, rollout: Rollout) -> None:
        begins = rollout.before_generation is not None and rollout.applying_since is not None
        goes_back = rollout.state is RolloutState.ROLLING_BACK
        if not begins or goes_back or not may_be_analysed(rollout):
            return
        if self._placed(rollout.service, rollout.environment) is None:
            return
        if await self._edges.analyses.get(rollout.id) is None:
            await self._edges.analyses.open(begun(rollout))

    async def _wake_there(self, service: str, environment: str) -> None:
        for analysis in await self._edges.analyses.unsettled(service, environment):
            self._wake(analysis.rollout)

    # --- one analysis, one task at a time ------------------------------------------------------

    def _wake(self, analysis_id: str) -> None:
        if self._stopping:
            return
        live = self._live.setdefault(analysis_id, Live(analysis_id))
        live.news = True
        if live.task is None:
            live.task = asyncio.get_running_loop().create_task(self._drive(live))

    async def _drive(self, live: Live) -> None:
        try:
            while live.news and not self._stopping:
                live.news = False
                await self._pass(live)
        finally:
            live.task = None

    async def _pass(self, live: Live) -> None:
        """Do steps until there is none to do just now. Nothing escapes."""
        try:
            while await self._step(live):
                live.tries = 0
        except StaleError:
            live.news = True
        except PortError as error:
            log.warning("analysis %s: %s", live.id, error)
            self._try_again(live)
        except Exception:
            log.exception("analysis %s met a bug; trying again", live.id)
            self._try_again(live)

    async def _step(self, live: Live) -> bool:
        """One step; True when another may follow at once."""
        edges = self._edges
        analysis = await edges.analyses.get(live.id)
        if analysis is None or analysis.settled:
            self._let_go(live)
            return False
        rollout = await edges.store.get(live.id)
        known = caught_up(analysis, rollout)
        if known != analysis:
            analysis = await edges.analyses.save(known)
        placed = self._placed(analysis.service, analysis.environment)
        if placed is None:  # dynamo.yml no longer has it, or wants no analysis of it
            await edges.analyses.save(analysis.with_(settled=True))
            return True
        place, times = placed
        card = summary_of(analysis, edges.catalog, drawn=self._effects.drawn)
        case = Case(analysis, rollout, place, times, card)
        step = next_step(analysis, await self._seen(live, case), edges.clock.now())
        if isinstance(step, Wait):
            self._alarm(live, step.until)
            return False
        return await self._effects.carry_out(live, case, step)

    async def _seen(self, live: Live, case: Case) -> Seen:
        analysis = case.analysis
        others = await self._edges.store.recent(analysis.service, analysis.environment, _LOOKS_BACK)
        chart = None if self._effects.drawn else chart_for(analysis, self._edges.catalog)
        return Seen(
            rollout=case.rollout,
            times=case.times,
            overtaken=overtaken(analysis, others),
            shown=live.shown == shown_hash(case.card),
            guarded_at=live.guarded_at,
            picture_wanted=chart is not None and analysis.charted != chart.fingerprint,
        )

    # --- around it ---------------------------------------------------------------------------

    def _placed(self, service: str, environment: str) -> tuple[Place, AnalysisTimes] | None:
        place = Place.named(service, environment, self._edges.catalog)
        times = times_of(place.environment) if place else None
        return (place, times) if place and times is not None else None

    def _let_go(self, live: Live) -> None:
        self._alarm(live, None)
        self._live.pop(live.id, None)

    def _alarm(self, live: Live, when: datetime | None) -> None:
        if live.cancel_alarm is not None:
            live.cancel_alarm()
            live.cancel_alarm = None
        if when is not None:
            live.cancel_alarm = self._edges.clock.call_at(when, lambda: self._wake(live.id))

    def _try_again(self, live: Live) -> None:
        due = self._edges.clock.now() + back_off(live.tries)
        live.tries += 1
        self._alarm(live, due)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        if self._stopping:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

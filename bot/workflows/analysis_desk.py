"""Analyses as they run: each rollout is looked at after it is done, told in one message, followed.

Decisions are in `bot/domain/analysis_steps.py`; here are only effects and their order: intent is
saved before the effect, effects are idempotent, and there is no resume code. One task per analysis,
woken by the engine (a rollout has moved), by buttons (`Bell`) and by the times that a plan names.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.cards.blocks import shown_hash
from bot.cards.card import Card
from bot.cards.chart_picture import draw
from bot.domain.analysis import Analysis, Follow
from bot.domain.analysis_course import (
    asked_instead,
    begun,
    burnt,
    caught_up,
    counting,
    follow_of,
    going_back,
    looked,
    may_be_analysed,
    overtaken,
    stopped,
    times_of,
    windows_until,
)
from bot.domain.analysis_records import analysis_entry
from bot.domain.analysis_steps import (
    DecideFollow,
    Draw,
    EndSoak,
    Guard,
    Hold,
    RollBack,
    Seen,
    Settle,
    Show,
    StartCountdown,
    Step,
    Stop,
    TakeBaselines,
    TellThread,
    Wait,
    next_step,
)
from bot.domain.analysis_steps import Look as LookStep
from bot.domain.audit import DYNAMO, AuditEntry
from bot.domain.rollout import CardRef, Rollout, RolloutState
from bot.errors import PortError, StaleError, Trouble
from bot.workflows.analysis_following import go_back, ground_of, lock_place
from bot.workflows.analysis_looking import AskGuard, burns, read_all, take_baselines
from bot.workflows.analysis_telling import chart_for, details_of, summary_of
from bot.workflows.edges import Edges, Place
from bot.workflows.looks import Look, Subject
from bot.workflows.policies import verified_policies
from config.catalog import AnalysisTimes

log = logging.getLogger(__name__)

_BACK_OFF = (1, 2, 4, 8, 15, 30)  # seconds between tries of an edge that does not answer
_LATE = timedelta(hours=1)  # what has ended before that is not begun any more
_LOOKS_BACK = 20  # rollouts of a place, and at the start of the process of all places


@dataclass(slots=True)
class _Live:
    """What is held of one analysis while it is driven; all of it can be lost."""

    id: str
    news: bool = False
    task: asyncio.Task[None] | None = None
    cancel_alarm: Callable[[], None] | None = None
    shown: str = ""  # fingerprint of the newest card that Slack confirmed
    guarded_at: datetime | None = None
    tries: int = 0


@dataclass(frozen=True, slots=True)
class _Case:
    """One analysis at one moment, with everything that a step is done on."""

    analysis: Analysis
    rollout: Rollout | None
    place: Place
    times: AnalysisTimes
    card: Card


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
        self._wake_engine = wake
        self._looks = looks
        self._guard = guard
        self._live: dict[str, _Live] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._drawn = True  # Slack draws charts itself, until it says otherwise
        self._carry_out: Mapping[type[Any], Callable[[_Live, _Case, Any], Awaitable[bool]]] = {
            TakeBaselines: self._take_baselines,
            Wait: self._wait,
            Guard: self._ask_guard,
            EndSoak: self._end_soak,
            LookStep: self._look,
            DecideFollow: self._decide_follow,
            StartCountdown: self._start_countdown,
            Draw: self._draw,
            Show: self._show,
            TellThread: self._tell_thread,
            Hold: self._hold,
            RollBack: self._roll_back,
            Stop: self._stop_looking,
            Settle: self._settle,
        }

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
        if not begins or not may_be_analysed(rollout) or rollout.state in _GOES_BACK:
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
        live = self._live.setdefault(analysis_id, _Live(analysis_id))
        live.news = True
        if live.task is None:
            live.task = asyncio.get_running_loop().create_task(self._drive(live))

    async def _drive(self, live: _Live) -> None:
        try:
            while live.news and not self._stopping:
                live.news = False
                await self._pass(live)
        finally:
            live.task = None

    async def _pass(self, live: _Live) -> None:
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

    async def _step(self, live: _Live) -> bool:
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
        card = summary_of(analysis, edges.catalog, drawn=self._drawn)
        case = _Case(analysis, rollout, place, times, card)
        step = next_step(analysis, await self._seen(live, case), edges.clock.now())
        return await self._carry_out[type(step)](live, case, step)

    async def _seen(self, live: _Live, case: _Case) -> Seen:
        analysis = case.analysis
        others = await self._edges.store.recent(analysis.service, analysis.environment, _LOOKS_BACK)
        chart = None if self._drawn else chart_for(analysis, self._edges.catalog)
        return Seen(
            rollout=case.rollout,
            times=case.times,
            overtaken=overtaken(analysis, others),
            shown=live.shown == shown_hash(case.card),
            guarded_at=live.guarded_at,
            picture_wanted=chart is not None and analysis.charted != chart.fingerprint,
        )

    async def _wait(self, live: _Live, case: _Case, step: Wait) -> bool:
        self._alarm(live, step.until)
        return False

    # --- looking -----------------------------------------------------------------------------

    async def _take_baselines(self, live: _Live, case: _Case, step: Step) -> bool:
        taken = await take_baselines(self._looks, case.place, self._edges)
        await self._save(case.analysis.with_(baselines=taken))
        return True

    async def _ask_guard(self, live: _Live, case: _Case, step: Step) -> bool:
        live.guarded_at = now = self._edges.clock.now()
        if self._guard is not None and await burns(
            self._guard, self._subject(case, now), self._edges
        ):
            burning = case.analysis.with_(burning=True)
            await self._save(burning, self._entry("burning", burning))
        return True

    async def _end_soak(self, live: _Live, case: _Case, step: Step) -> bool:
        assert case.rollout is not None
        ended = burnt(case.rollout, self._edges.clock.now())
        self._wake_engine(await self._edges.store.save(ended))
        return True

    async def _look(self, live: _Live, case: _Case, step: LookStep) -> bool:
        subject = self._subject(case, step.until)
        baselines = case.analysis.baselines or {}
        readings, policies = await asyncio.gather(
            read_all(self._looks, subject, baselines, self._edges),
            verified_policies(case.place, self._edges),
        )
        now = self._edges.clock.now()
        after = looked(case.analysis, step.stage, subject.windows, readings, policies, now)
        await self._save(after, self._entry("analysed", after))
        self._edges.bell.ring(after.service)  # a gate of the environment after it may open
        return True

    def _subject(self, case: _Case, until: datetime) -> Subject:
        assert case.rollout is not None
        return Subject(case.place, case.rollout, windows_until(case.analysis, until, case.times))

    # --- telling -----------------------------------------------------------------------------

    async def _draw(self, live: _Live, case: _Case, step: Step) -> bool:
        """Uploaded but not posted: a picture that is lost with the process lies unseen, and is
        drawn again. Where there can be none the message goes without it."""
        chart = chart_for(case.analysis, self._edges.catalog)
        assert chart is not None
        file = ""
        try:
            picture = await self._edges.workbench.run(draw, chart)
            name = f"{case.analysis.service}-{case.analysis.version}.png"
            file = await self._edges.messenger.keep_picture(name, picture, chart.alt)
        except PortError as error:
            log.warning("no chart of analysis %s: %s", live.id, error)
        await self._save(case.analysis.with_(chart=file, charted=chart.fingerprint))
        return True

    async def _show(self, live: _Live, case: _Case, step: Step) -> bool:
        try:
            if case.analysis.card.ts:
                await self._edit(live, case)
            else:
                await self._post(live, case)
        except PortError as error:
            return await self._not_shown(live, case, error)
        return True

    async def _post(self, live: _Live, case: _Case) -> None:
        analysis, key = case.analysis, f"analysis:{live.id}"
        messenger, channel = self._edges.messenger, case.analysis.card.channel
        found = None
        if analysis.card.since is not None:
            found = await messenger.find(channel, key, analysis.card.since)
        else:
            intent = CardRef(channel, since=self._edges.clock.now())
            analysis = await self._save(analysis.with_(card=intent))
        posted = found or await messenger.post(channel, case.card, key=key)
        live.shown = shown_hash(case.card) if found is None else ""
        # What was found may be an older card: a countdown counts once this one was seen.
        warned = found is None and _counts(analysis)
        await self._save(analysis.with_(card=posted, warned=analysis.warned or warned))

    async def _edit(self, live: _Live, case: _Case) -> None:
        analysis = case.analysis
        confirmed = await self._edges.messenger.update(analysis.card, case.card, urgent=True)
        if not confirmed:
            return
        live.shown = shown_hash(case.card)
        if _counts(analysis) and not analysis.warned:
            await self._save(analysis.with_(warned=True))

    async def _not_shown(self, live: _Live, case: _Case, error: PortError) -> bool:
        if error.trouble is Trouble.INVALID and case.card.strict:
            log.info("this workspace draws no charts; pictures take their place")
            self._drawn = False
            return True
        if error.temporary:
            raise error
        log.warning("analysis %s is not shown: %s", live.id, error)
        if case.analysis.card.ts:  # deleted, or its channel is archived: nobody wants it there
            live.shown = shown_hash(case.card)
            return case.analysis.follow is not Follow.COUNTDOWN or await self._give_up(case)
        return await self._give_up(case)

    async def _give_up(self, case: _Case) -> bool:
        """There is nobody to tell; and what nobody sees rolls nothing back."""
        await self._save(stopped(case.analysis).with_(settled=True))
        return True

    async def _tell_thread(self, live: _Live, case: _Case, step: Step) -> bool:
        analysis, messenger = case.analysis, self._edges.messenger
        key = f"analysis:{live.id}:{analysis.stage.lower()}"
        channel, thread = analysis.card.channel, analysis.card.ts
        told, found = analysis.details, None
        if told is not None and told.since is not None:
            found = await messenger.find(channel, key, told.since, thread=thread)
        else:
            intent = CardRef(channel, since=self._edges.clock.now())
            analysis = await self._save(analysis.with_(details=intent))
        if found is None:
            card = details_of(analysis, self._edges.catalog)
            try:
                found = await messenger.post(channel, card, thread=thread, key=key)
            except PortError as error:
                if error.temporary:
                    raise
                log.warning("the thread of analysis %s was not told: %s", live.id, error)
                found = CardRef(channel)
        await self._save(analysis.with_(details=found, detailed=analysis.stage))
        return True

    # --- what follows ------------------------------------------------------------------------

    async def _decide_follow(self, live: _Live, case: _Case, step: Step) -> bool:
        ground = await ground_of(case.analysis, case.place, self._edges)
        decided = follow_of(case.analysis, ground, self._edges.clock.now())
        await self._save(decided, self._entry("regression", decided))
        return True

    async def _start_countdown(self, live: _Live, case: _Case, step: Step) -> bool:
        await self._save(counting(case.analysis, self._edges.clock.now()))
        return True

    async def _hold(self, live: _Live, case: _Case, step: Step) -> bool:
        await lock_place(case.analysis, case.place, self._edges)
        await self._save(case.analysis.with_(locked=True))
        return True

    async def _roll_back(self, live: _Live, case: _Case, step: Step) -> bool:
        analysis = case.analysis
        if analysis.follow is not Follow.ROLLED_BACK:
            meant = going_back(analysis, DYNAMO)
            analysis = await self._save(meant, self._entry("regression", meant))
        back = await go_back(analysis, case.place, self._edges)
        if isinstance(back, str):
            refused = asked_instead(analysis, f"REFUSED:{back}")
            await self._save(refused, self._entry("regression", refused))
            return True
        await self._save(analysis.with_(rollback=back.id))
        self._wake_engine(back)
        return True

    async def _stop_looking(self, live: _Live, case: _Case, step: Stop) -> bool:
        await self._save(stopped(case.analysis, step.by))
        return True

    async def _settle(self, live: _Live, case: _Case, step: Step) -> bool:
        await self._save(case.analysis.with_(settled=True))
        return True

    # --- around it ---------------------------------------------------------------------------

    def _placed(self, service: str, environment: str) -> tuple[Place, AnalysisTimes] | None:
        place = Place.named(service, environment, self._edges.catalog)
        times = times_of(place.environment) if place else None
        return (place, times) if place and times is not None else None

    async def _save(self, analysis: Analysis, entry: AuditEntry | None = None) -> Analysis:
        return await self._edges.analyses.save(analysis, entry)

    def _entry(self, action: str, analysis: Analysis) -> AuditEntry:
        return analysis_entry(action, analysis, self._edges.clock.now())

    def _let_go(self, live: _Live) -> None:
        self._alarm(live, None)
        self._live.pop(live.id, None)

    def _alarm(self, live: _Live, when: datetime | None) -> None:
        if live.cancel_alarm is not None:
            live.cancel_alarm()
            live.cancel_alarm = None
        if when is not None:
            live.cancel_alarm = self._edges.clock.call_at(when, lambda: self._wake(live.id))

    def _try_again(self, live: _Live) -> None:
        seconds = _BACK_OFF[min(live.tries, len(_BACK_OFF) - 1)]
        live.tries += 1
        self._alarm(live, self._edges.clock.now() + timedelta(seconds=seconds))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        if self._stopping:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


_GOES_BACK = frozenset({RolloutState.ROLLING_BACK})


def _counts(analysis: Analysis) -> bool:
    return analysis.follow is Follow.COUNTDOWN and analysis.acts_at is not None

"""What each step of an analysis does: looks, tells, follows, and saves what came of it.

Intent is saved before the effect, and effects are idempotent: a process may be killed between any
two lines of this. Which step is due is `bot/domain/analysis_steps.py`; when it is asked, and what
happens after an error, is `analysis_desk.py`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from bot.cards.blocks import shown_hash
from bot.cards.chart_picture import draw
from bot.domain.analysis import Analysis, Follow
from bot.domain.analysis_course import (
    asked_instead,
    burnt,
    counting,
    follow_of,
    going_back,
    looked,
    stopped,
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
    Settle,
    Show,
    StartCountdown,
    Step,
    Stop,
    TakeBaselines,
    TellThread,
)
from bot.domain.analysis_steps import Look as LookStep
from bot.domain.audit import DYNAMO, AuditEntry
from bot.domain.rollout import CardRef, Rollout
from bot.errors import PortError, Trouble
from bot.workflows.analysis_case import Case, Live
from bot.workflows.analysis_following import go_back, ground_of, lock_place
from bot.workflows.analysis_looking import AskGuard, burns, read_all, take_baselines
from bot.workflows.analysis_telling import chart_for, details_of
from bot.workflows.edges import Edges
from bot.workflows.looks import Look, Subject
from bot.workflows.policies import verified_policies

log = logging.getLogger(__name__)


class AnalysisEffects:
    """`drawn`: Slack draws charts itself, until it says otherwise. `wake` tells the engine of a
    rollout that was added or changed. `guard`, where there is one, is asked while nothing else is
    looked at yet."""

    def __init__(
        self,
        edges: Edges,
        wake: Callable[[Rollout], None],
        looks: tuple[Look, ...],
        guard: AskGuard | None,
    ) -> None:
        self._edges = edges
        self._wake_engine = wake
        self._looks = looks
        self._guard = guard
        self.drawn = True
        self._effects: Mapping[type[Any], Callable[[Live, Case, Any], Awaitable[bool]]] = {
            TakeBaselines: self._take_baselines,
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

    async def carry_out(self, live: Live, case: Case, step: Step) -> bool:
        """One step; True when another may follow at once. Raises PortError where an edge does not
        answer, StaleError where somebody else has saved meanwhile."""
        return await self._effects[type(step)](live, case, step)

    # --- looking -----------------------------------------------------------------------------

    async def _take_baselines(self, live: Live, case: Case, step: Step) -> bool:
        taken = await take_baselines(self._looks, case.place, self._edges)
        await self._save(case.analysis.with_(baselines=taken))
        return True

    async def _ask_guard(self, live: Live, case: Case, step: Step) -> bool:
        live.guarded_at = now = self._edges.clock.now()
        if self._guard is not None and await burns(
            self._guard, self._subject(case, now), self._edges
        ):
            burning = case.analysis.with_(burning=True)
            await self._save(burning, self._entry("burning", burning))
        return True

    async def _end_soak(self, live: Live, case: Case, step: Step) -> bool:
        assert case.rollout is not None
        ended = burnt(case.rollout, self._edges.clock.now())
        self._wake_engine(await self._edges.store.save(ended))
        return True

    async def _look(self, live: Live, case: Case, step: LookStep) -> bool:
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

    def _subject(self, case: Case, until: datetime) -> Subject:
        assert case.rollout is not None
        return Subject(case.place, case.rollout, windows_until(case.analysis, until, case.times))

    # --- telling -----------------------------------------------------------------------------

    async def _draw(self, live: Live, case: Case, step: Step) -> bool:
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

    async def _show(self, live: Live, case: Case, step: Step) -> bool:
        try:
            if case.analysis.card.ts:
                await self._edit(live, case)
            else:
                await self._post(live, case)
        except PortError as error:
            return await self._not_shown(live, case, error)
        return True

    async def _post(self, live: Live, case: Case) -> None:
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

    async def _edit(self, live: Live, case: Case) -> None:
        analysis = case.analysis
        confirmed = await self._edges.messenger.update(analysis.card, case.card, urgent=True)
        if not confirmed:
            return
        live.shown = shown_hash(case.card)
        if _counts(analysis) and not analysis.warned:
            await self._save(analysis.with_(warned=True))

    async def _not_shown(self, live: Live, case: Case, error: PortError) -> bool:
        if error.trouble is Trouble.INVALID and case.card.strict:
            log.info("this workspace draws no charts; pictures take their place")
            self.drawn = False
            return True
        if error.temporary:
            raise error
        log.warning("analysis %s is not shown: %s", live.id, error)
        if case.analysis.card.ts:  # deleted, or its channel is archived: nobody wants it there
            live.shown = shown_hash(case.card)
            return case.analysis.follow is not Follow.COUNTDOWN or await self._give_up(case)
        return await self._give_up(case)

    async def _give_up(self, case: Case) -> bool:
        """There is nobody to tell; and what nobody sees rolls nothing back."""
        await self._save(stopped(case.analysis).with_(settled=True))
        return True

    async def _tell_thread(self, live: Live, case: Case, step: Step) -> bool:
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

    async def _decide_follow(self, live: Live, case: Case, step: Step) -> bool:
        ground = await ground_of(case.analysis, case.place, self._edges)
        decided = follow_of(case.analysis, ground, self._edges.clock.now())
        await self._save(decided, self._entry("regression", decided))
        return True

    async def _start_countdown(self, live: Live, case: Case, step: Step) -> bool:
        await self._save(counting(case.analysis, self._edges.clock.now()))
        return True

    async def _hold(self, live: Live, case: Case, step: Step) -> bool:
        await lock_place(case.analysis, case.place, self._edges)
        await self._save(case.analysis.with_(locked=True))
        return True

    async def _roll_back(self, live: Live, case: Case, step: Step) -> bool:
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

    async def _stop_looking(self, live: Live, case: Case, step: Stop) -> bool:
        await self._save(stopped(case.analysis, step.by))
        return True

    async def _settle(self, live: Live, case: Case, step: Step) -> bool:
        await self._save(case.analysis.with_(settled=True))
        return True

    # --- saving ------------------------------------------------------------------------------

    async def _save(self, analysis: Analysis, entry: AuditEntry | None = None) -> Analysis:
        return await self._edges.analyses.save(analysis, entry)

    def _entry(self, action: str, analysis: Analysis) -> AuditEntry:
        return analysis_entry(action, analysis, self._edges.clock.now())


def _counts(analysis: Analysis) -> bool:
    return analysis.follow is Follow.COUNTDOWN and analysis.acts_at is not None

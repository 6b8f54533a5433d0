"""What an analysis needs next. Pure.

`next_step` is its whole plan: the desk asks it, does that one thing, saves, and asks again; after a
restart the first question is the same as any other. How it goes on is `analysis_course.py`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.analysis import Analysis, Follow, Result, Stage
from bot.domain.analysis_course import moved_nothing
from bot.domain.rollout import Rollout, RolloutState
from config.catalog import AnalysisTimes

LEAST_NOTICE = timedelta(seconds=30)
"""A countdown that Slack has confirmed only when less than this of it is left begins anew: one that
nobody could see is none."""

GUARD_EVERY = timedelta(seconds=15)


# --- steps ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TakeBaselines:
    """How things are while the change is being written: beside it, and bounded in time."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Until then, or (None) until something happens to the rollout or a button is pressed."""

    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Guard:
    """Ask whether errors burn the budget fast, while nothing else is looked at yet."""


@dataclass(frozen=True, slots=True)
class EndSoak:
    """Errors burn the budget: the rollout need not be watched any longer."""


@dataclass(frozen=True, slots=True)
class Look:
    """All looks, with the window after the change up to `until`; their summary is `stage`."""

    stage: Stage
    until: datetime


@dataclass(frozen=True, slots=True)
class DecideFollow:
    """It is worse: what does the environment want?"""


@dataclass(frozen=True, slots=True)
class StartCountdown:
    """It rolls back at a time that stands on the message."""


@dataclass(frozen=True, slots=True)
class Draw:
    """A picture of the chart, where Slack draws none itself."""


@dataclass(frozen=True, slots=True)
class Show:
    """The message must say what is known now, confirmed by Slack."""


@dataclass(frozen=True, slots=True)
class TellThread:
    """All readings with their queries, and a call to those who decide: an edit notifies nobody."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Lock the place."""


@dataclass(frozen=True, slots=True)
class RollBack:
    """The countdown has ended, and nobody kept it."""


@dataclass(frozen=True, slots=True)
class Stop:
    """It came to nothing, or another rollout (`by`) has taken the place."""

    by: Rollout | None = None


@dataclass(frozen=True, slots=True)
class Settle:
    """Nothing more to do."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Settled."""


Step = (
    TakeBaselines
    | Wait
    | Guard
    | EndSoak
    | Look
    | DecideFollow
    | StartCountdown
    | Draw
    | Show
    | TellThread
    | Hold
    | RollBack
    | Stop
    | Settle
    | Rest
)


# --- the plan ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Seen:
    """What a plan is made on: the rollout as the store has it, the first other one that has touched
    the same place since (`overtaken`), what Slack has confirmed, when the guard was last asked, and
    whether a picture is wanted and none of these readings is there."""

    rollout: Rollout | None
    times: AnalysisTimes
    overtaken: Rollout | None = None
    shown: bool = False
    guarded_at: datetime | None = None
    picture_wanted: bool = False


def next_step(analysis: Analysis, seen: Seen, now: datetime) -> Step:
    """The one thing to do now."""
    if analysis.settled:
        return Rest()
    if analysis.stage is Stage.STOPPED:
        tells = analysis.card.ts or analysis.successor is not None
        return Show() if tells and not seen.shown else Settle()
    rollout = seen.rollout
    if rollout is None or _came_to_nothing(rollout, analysis):
        return Stop()
    if seen.overtaken is not None or analysis.rollback:
        return Stop(seen.overtaken)
    if analysis.completed is None:
        return TakeBaselines() if analysis.baselines is None else Wait()
    if rollout.state is RolloutState.SOAKING:
        return EndSoak() if analysis.burning else _guarded(seen, now)
    return _due_look(analysis, seen, now) or _telling(analysis, seen, now)


def _came_to_nothing(rollout: Rollout, analysis: Analysis) -> bool:
    """It ended without becoming what runs, or without changing anything. Where its own errors
    ended the soak, it is what runs, and the analysis is what tells of it."""
    if not rollout.state.final or analysis.burning:
        return False
    return rollout.state is not RolloutState.SUCCEEDED or moved_nothing(rollout)


def _guarded(seen: Seen, now: datetime) -> Guard | Wait:
    due = seen.guarded_at + GUARD_EVERY if seen.guarded_at is not None else now
    return Guard() if now >= due else Wait(due)


def _due_look(analysis: Analysis, seen: Seen, now: datetime) -> Step | None:
    """The look that is due, or the wait for the first one, in which the guard goes on."""
    assert analysis.completed is not None
    if analysis.recheck is not None and analysis.stage is not Stage.WATCHING:
        return Look(analysis.stage, max(analysis.recheck, _earliest(analysis, seen.times)))
    first, last = (analysis.completed + each for each in (seen.times.provisional, seen.times.final))
    if analysis.stage is not Stage.FINAL and now >= last:
        return Look(Stage.FINAL, last)
    if analysis.stage is not Stage.WATCHING:
        return None
    if analysis.burning:
        return Look(Stage.PROVISIONAL, max(now, _earliest(analysis, seen.times)))
    if now >= first:
        return Look(Stage.PROVISIONAL, first)
    step = _guarded(seen, now)
    return Wait(min(step.until, first)) if isinstance(step, Wait) and step.until else step


def _earliest(analysis: Analysis, times: AnalysisTimes) -> datetime:
    """No window after the change ends before it begins."""
    assert analysis.completed is not None
    return analysis.completed + min(times.warm_up + timedelta(seconds=30), times.provisional)


def _telling(analysis: Analysis, seen: Seen, now: datetime) -> Step:
    if analysis.failed and analysis.follow is Follow.NONE:
        return DecideFollow()
    if analysis.follow is Follow.HELD and not analysis.locked:
        return Hold()  # before the message says so
    if _countdown_unseen(analysis, now):
        return StartCountdown()
    if seen.picture_wanted:
        return Draw()
    if not analysis.card.ts or not seen.shown:
        return Show()
    if _thread_due(analysis):
        return TellThread()
    if analysis.follow is Follow.ROLLED_BACK and not analysis.rollback:
        return RollBack()
    if analysis.follow is Follow.COUNTDOWN:
        assert analysis.acts_at is not None
        return RollBack() if now >= analysis.acts_at else Wait(analysis.acts_at)
    if analysis.stage is Stage.FINAL:
        return Settle()
    assert analysis.completed is not None
    return Wait(analysis.completed + seen.times.final)


def _countdown_unseen(analysis: Analysis, now: datetime) -> bool:
    if analysis.follow is not Follow.COUNTDOWN or analysis.warned:
        return False
    return analysis.acts_at is None or now >= analysis.acts_at - LEAST_NOTICE


def _thread_due(analysis: Analysis) -> bool:
    """Once for the final summary, and for the provisional one where it is not all well."""
    if analysis.muted_by or analysis.detailed is analysis.stage:
        return False
    return analysis.stage is Stage.FINAL or analysis.result in (Result.FAIL, Result.WARN)

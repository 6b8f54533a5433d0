"""How an analysis goes on: begun, caught up with its rollout, looked, followed, decided, stopped.

Each function is one move from a stored analysis to the next, with its reasons; which of them is due
is the plan (`analysis_steps.py`). Pure. Windows: research/rollouts.md §3.3.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.analysis import Analysis, Follow, Reading, Stage, Successor, Window, Windows
from bot.domain.kind import Kind
from bot.domain.policy.finding import PolicyFinding
from bot.domain.rollout import CardRef, Rollout, RolloutState
from bot.domain.verdict import Outcome, Reason, Verdict
from config.catalog import AnalysisTimes, Environment, OnRegression

BEFORE_FROM, BEFORE_TO = timedelta(minutes=30), timedelta(minutes=1)
"""The window before the change (research/rollouts.md §3.3)."""

LEAST_WARM_UP, SCRAPES_TO_WARM_UP = timedelta(seconds=60), 2
"""Cold caches, and pods that Prometheus has not met twice, are no part of a window, whatever is
configured (research/rollouts.md §3.3)."""

COUNTDOWN = timedelta(seconds=60)
TOO_OLD = timedelta(minutes=30)
"""A finding that is found so long after its window (the bot was away) rolls nothing back by itself:
what runs has been lived with."""

_NOTHING_MOVED = frozenset({Reason.UNCHANGED, Reason.SCALED_TO_ZERO})
_GOES_WELL = frozenset({RolloutState.SOAKING, RolloutState.SUCCEEDED})


def may_be_analysed(rollout: Rollout) -> bool:
    """Whether a rollout puts new pods in the place of others: a scaling compares nothing."""
    return rollout.kind is not Kind.SCALE


def times_of(environment: Environment) -> AnalysisTimes | None:
    """As configured, with a warm-up that is long enough; None where nothing is analysed."""
    if environment.analysis is None:
        return None
    source = environment.metrics
    scrapes = SCRAPES_TO_WARM_UP * source.scrape if source is not None else timedelta()
    warm_up = max(environment.analysis.warm_up, LEAST_WARM_UP, scrapes)
    return replace(environment.analysis, warm_up=warm_up)


def will_be_summed_up(rollout: Rollout, environment: Environment) -> bool:
    """Of a rollout that has succeeded: whether a summary tells how it is, later on."""
    analysed = environment.analysis is not None and may_be_analysed(rollout)
    return analysed and not moved_nothing(rollout)


def moved_nothing(rollout: Rollout) -> bool:
    """Whether it ended without another pod: there is nothing to compare."""
    return rollout.verdict is not None and rollout.verdict.reason in _NOTHING_MOVED


def begun(rollout: Rollout) -> Analysis:
    """The analysis of a rollout that is about to be written, or has been."""
    assert rollout.applying_since is not None
    return Analysis(
        rollout=rollout.id,
        service=rollout.service,
        environment=rollout.environment,
        version=rollout.version,
        digest=rollout.image.digest,
        previous=rollout.before.version if rollout.before else "",
        asked_by=rollout.requested_by.id,
        written=rollout.applying_since,
        card=CardRef(rollout.card.channel),
        is_rollback=rollout.kind is Kind.ROLLBACK,
        baselines=None if rollout.change is None else {},
    )


def caught_up(analysis: Analysis, rollout: Rollout | None) -> Analysis:
    """With what the rollout knows by now."""
    if rollout is None or rollout.completed_at is None or rollout.state not in _GOES_WELL:
        return analysis
    if analysis.completed == rollout.completed_at:
        return analysis
    return analysis.with_(completed=rollout.completed_at, baselines=analysis.baselines or {})


def overtaken(analysis: Analysis, others: Iterable[Rollout]) -> Rollout | None:
    """The first other rollout that has touched the place since: what would be looked at is no
    longer it."""
    since = {
        other.applying_since: other
        for other in others
        if other.id != analysis.rollout
        and other.before_generation is not None
        and other.applying_since is not None
        and other.applying_since > analysis.written
        and other.kind is not Kind.SCALE
    }
    return since[min(since)] if since else None


def windows_until(analysis: Analysis, until: datetime, times: AnalysisTimes) -> Windows:
    assert analysis.completed is not None
    begins = min(analysis.completed + times.warm_up, until)
    return Windows(
        before=Window(analysis.written - BEFORE_FROM, analysis.written - BEFORE_TO),
        after=Window(begins, until),
        written=analysis.written,
        completed=analysis.completed,
    )


def looked(
    analysis: Analysis,
    stage: Stage,
    windows: Windows,
    readings: tuple[Reading, ...],
    policies: tuple[PolicyFinding, ...],
    now: datetime,
) -> Analysis:
    """After all looks. What a person decided stands as long as it is still worse; where it is worse
    no longer, nothing follows."""
    after = analysis.with_(
        stage=stage,
        windows=windows,
        readings=readings,
        policies=policies,
        looked_at=now,
        recheck=None,
    )
    open_still = analysis.follow in (Follow.ASKED, Follow.COUNTDOWN)
    if open_still and not after.failed:
        return after.with_(follow=Follow.NONE, acts_at=None, warned=False, why_asked="")
    return after


def stopped(analysis: Analysis, by: Rollout | None = None) -> Analysis:
    """`by` has taken its place. What never ran has a card that says how it ended; a release that
    ran, and that nobody would be told anything of otherwise, names its successor."""
    ran = by is not None and analysis.completed is not None
    successor = Successor(by.kind, by.version) if by is not None and ran else None
    return analysis.with_(stage=Stage.STOPPED, recheck=None, acts_at=None, successor=successor)


# --- what follows --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ground:
    """What is known when it must be decided what follows from a FAIL."""

    wanted: OnRegression
    target: str  # the version to go back to; "" where there is none
    went_back_before: bool  # from this very release, here


def follow_of(analysis: Analysis, ground: Ground, now: datetime) -> Analysis:
    """What follows from a FAIL. By itself it goes back once for one release, from a deploy and
    never from a way back, and only on what it found while that was news."""
    analysis = analysis.with_(target=ground.target)
    match ground.wanted:
        case OnRegression.HOLD:
            return analysis.with_(follow=Follow.HELD)
        case OnRegression.ASK:
            return analysis.with_(follow=Follow.ASKED)
    why = _why_not_by_itself(analysis, ground, now)
    if why:
        return analysis.with_(follow=Follow.ASKED, why_asked=why)
    return analysis.with_(follow=Follow.COUNTDOWN, acts_at=None, warned=False)


def _why_not_by_itself(analysis: Analysis, ground: Ground, now: datetime) -> str:
    assert analysis.windows is not None
    if analysis.is_rollback:
        return "ROLLBACK"
    if ground.went_back_before:
        return "TWICE"
    if not ground.target:
        return "NO_TARGET"
    return "OLD" if now - analysis.windows.after.end > TOO_OLD else ""


def counting(analysis: Analysis, now: datetime) -> Analysis:
    return analysis.with_(acts_at=now + COUNTDOWN)


def going_back(analysis: Analysis, by: str) -> Analysis:
    """The intent, saved before the way back is asked for."""
    return analysis.with_(follow=Follow.ROLLED_BACK, decided_by=by, acts_at=None)


def asked_instead(analysis: Analysis, why: str) -> Analysis:
    """It could not go back by itself: people decide."""
    return analysis.with_(follow=Follow.ASKED, why_asked=why, acts_at=None, decided_by="")


def burnt(rollout: Rollout, now: datetime) -> Rollout:
    """The soak ends: its own errors burn the budget, so waiting would tell nothing more. What runs
    is this release, until somebody or the analysis goes back from it."""
    verdict = Verdict(Outcome.FAIL, Reason.ERRORS_BURN)
    return rollout.with_(state=RolloutState.FAILED, verdict=verdict, finished_at=now)


# --- what people press ---------------------------------------------------------------------------

OPEN = frozenset({Follow.ASKED, Follow.COUNTDOWN, Follow.HELD})
"""Somebody may still decide."""


def keep(analysis: Analysis, by: str) -> Analysis | None:
    """It stays, although it is worse; None where that is decided, or nothing is to decide."""
    if analysis.stage is Stage.STOPPED or analysis.follow not in OPEN:
        return None
    return analysis.with_(follow=Follow.KEPT, decided_by=by, acts_at=None, settled=False)


def mute(analysis: Analysis, by: str) -> Analysis | None:
    """Nobody is called and nothing is added to the thread any more; a countdown goes on."""
    if analysis.stage is Stage.STOPPED or analysis.muted_by:
        return None
    return analysis.with_(muted_by=by, settled=False)


def ask_again(analysis: Analysis, now: datetime) -> Analysis | None:
    """Look once more, with all that has happened since."""
    if analysis.stage not in (Stage.PROVISIONAL, Stage.FINAL) or analysis.recheck is not None:
        return None
    return analysis.with_(recheck=now, settled=False)


def gone_back(analysis: Analysis, by: str, rollback: str) -> Analysis:
    """A person's own way back is under way."""
    return analysis.with_(
        follow=Follow.ROLLED_BACK, decided_by=by, rollback=rollback, acts_at=None, settled=False
    )

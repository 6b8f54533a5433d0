"""How a rollout goes on: what waits and its turn, what a look at the cluster makes of it, its ends.

Each function is one move from a stored rollout to the next; which of them is due is the plan
(`rollout_steps.py`). Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.domain.approval import rejected_since
from bot.domain.drift import Drift
from bot.domain.gate import GateResult, all_open
from bot.domain.judgement import Change, Judgement, Memory
from bot.domain.kind import GoodRelease, Kind, Scaling, Span
from bot.domain.promotion import OVERTAKEN, Commits, same_answers, waited_for
from bot.domain.rollout import DRIVEN, Progress, Rollout, RolloutState, Running
from bot.domain.verdict import Outcome, Reason, Verdict
from bot.domain.workload import Workload

GIVE_UP_APPLYING = timedelta(minutes=15)
"""A write that the cluster has not taken in this time is given up: nobody expects it any more."""

LONGEST_SOAK = 4
"""A stability window starts anew when something moves in it, and ends well only when all is well;
after this many windows what has not come to rest has failed (samson's 60 s window has no such end:
a pod that restarts every 50 s would hold it open for ever)."""

# --- waiting for people, and for one's turn ----------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outlook:
    """One look at what a waiting request waits for, and at what it would change."""

    gates: tuple[GateResult, ...]
    covers: str = ""
    before: Running | None = None
    commits: Commits | None = None
    drift: Drift = field(default_factory=Drift)


def look_again(
    rollout: Rollout, outlook: Outlook, others: Iterable[Rollout], now: datetime
) -> Rollout:
    """A waiting request after one look; `others`: under way there before that look. A no that came
    after it was asked for ends it; when the last gate opens it goes by itself, or those who may
    let it go are told, once per opening."""
    gates = waited_for(outlook.gates, by_itself=rollout.by_itself)
    looked = rollout.with_(
        gates=rollout.gates if same_answers(rollout.gates, gates) else gates,
        covers=outlook.covers,
        before=rollout.before if _runs_the_same(rollout.before, outlook.before) else outlook.before,
        commits=outlook.commits,
        drift=outlook.drift,
        obstacle=None,
    )
    if any(rejected_since(gate, rollout.requested_at) for gate in gates):
        return looked.with_(state=RolloutState.REJECTED, refused=gates, finished_at=now)
    if any(gate.code == OVERTAKEN for gate in gates):
        return looked.with_(state=RolloutState.SUPERSEDED, refused=gates, finished_at=now)
    if not all_open(gates):
        return looked.with_(open_since=None, told=None)
    if rollout.by_itself:
        return let_go(looked, "", others, now)
    if rollout.open_since is None:
        return looked.with_(open_since=now, openings=rollout.openings + 1, told=None)
    return looked


def turned_back(rollout: Rollout, gates: tuple[GateResult, ...], now: datetime) -> Rollout:
    """One whose gates did not let it through at its turn."""
    overtaken = any(gate.code == OVERTAKEN for gate in gates)
    state = RolloutState.SUPERSEDED if overtaken else RolloutState.REJECTED
    return rollout.with_(state=state, refused=gates, finished_at=now)


def let_go(rollout: Rollout, by: str, others: Iterable[Rollout], now: datetime) -> Rollout:
    """A waiting request takes its place in the queue; `by` is who pressed the button. `others` were
    under way there before its gates were asked: what has ended since is waited for no more, but
    may have changed the answers, so they are asked again at its turn."""
    return said_place(
        rollout.with_(state=RolloutState.QUEUED, released_by=by, queued_at=now), others
    )


def in_line(rollouts: Iterable[Rollout]) -> tuple[Rollout, ...]:
    """The queue of one place: what goes next first, a way back before everything else."""
    queued = [each for each in rollouts if each.state is RolloutState.QUEUED]

    def turn(each: Rollout) -> tuple[bool, datetime, str]:
        return each.kind is not Kind.ROLLBACK, each.in_line_since, each.id

    return tuple(sorted(queued, key=turn))


def said_place(rollout: Rollout, others: Iterable[Rollout]) -> Rollout:
    """A queued one with its place in the queue and what it waits for, as the card says them."""
    there = [each for each in others if each.id != rollout.id]
    driven = [each for each in there if each.state in DRIVEN]
    line = in_line([rollout, *there])
    before = [*driven, *line[: [each.id for each in line].index(rollout.id)]]
    if not before:
        return rollout
    return rollout.with_(
        place=len(before), behind=before[0].version, behind_whom=before[0].requested_by.id
    )


def _runs_the_same(one: Running | None, other: Running | None) -> bool:
    if one is None or other is None:
        return one is other
    return (one.version, one.digest, one.desired) == (other.version, other.digest, other.desired)


def advance(rollout: Rollout, seen: Workload, judgement: Judgement, now: datetime) -> Rollout:
    """The rollout after one look: the verdict remembered, and the state that follows from it."""
    looked = rollout.with_(
        verdict=judgement.verdict,
        memory=judgement.memory,
        progress=_progress(seen, rollout.progress),
        obstacle=None,
    )
    match judgement.verdict.outcome:
        case Outcome.FAIL:
            return looked.with_(state=RolloutState.FAILED, finished_at=now)
        case Outcome.SUPERSEDED:
            return looked.with_(state=RolloutState.SUPERSEDED, finished_at=now)
        case Outcome.PASS if rollout.state is RolloutState.PROGRESSING:
            return _complete(looked, judgement.verdict, now)
        case Outcome.PASS if rollout.state is RolloutState.ROLLING_BACK:
            return looked.with_(state=RolloutState.ROLLED_BACK, finished_at=now)
    if rollout.state is RolloutState.SOAKING:
        return _soak(looked, moved=_moved(rollout.verdict, judgement.verdict), now=now)
    return looked


def soak_ends(rollout: Rollout) -> datetime | None:
    """When a rollout in its stability window will have been quiet long enough."""
    if rollout.state is not RolloutState.SOAKING or rollout.quiet_since is None:
        return None
    if rollout.verdict is None or rollout.verdict.outcome is not Outcome.PASS:
        return _longest(rollout)
    return min(rollout.quiet_since + _window(rollout), _longest(rollout))


def overcome(rollout: Rollout, now: datetime) -> Rollout:
    """An edge answers again. The time in which nothing was seen counts for no patience: what the
    judgement first saw before is remembered as seen that much later."""
    if rollout.obstacle is None:
        return rollout
    blind = now - rollout.obstacle.since
    seen = {key: when + blind for key, when in rollout.memory.first_seen.items()}
    memory = replace(rollout.memory, first_seen=seen)
    quiet = rollout.quiet_since and rollout.quiet_since + blind
    return rollout.with_(obstacle=None, memory=memory, quiet_since=quiet)


def written(rollout: Rollout, generation: int, template: str) -> Rollout:
    """The rollout once the cluster has taken its manifest; the same for a repeated write."""
    assert rollout.applying_since is not None
    pods = rollout.pods or Scaling()
    change = Change(
        at=rollout.applying_since,
        generation=generation,
        # Other bounds leave the Deployment as it is until the autoscaler moves it.
        unchanged=generation == rollout.before_generation and pods.span is None,
        template=template,
        replicas=pods.replicas,
        span=pods.span,
    )
    back = rollout.state is RolloutState.ROLLING_BACK
    state = RolloutState.ROLLING_BACK if back else RolloutState.PROGRESSING
    return rollout.with_(state=state, change=change, obstacle=None)


@dataclass(frozen=True, slots=True)
class Ground:
    """What a rollout starts from: what runs there, and where a rollback of it would go."""

    before: Running | None
    way_back: GoodRelease | None = None


def prepared(rollout: Rollout, seen: Workload, ground: Ground, now: datetime) -> Rollout:
    """Before the first write: what runs now, by which a repeated write is recognised."""
    deployment = seen.deployment
    scaling = rollout.scaling
    if scaling is not None:
        scaler = seen.autoscaler
        scaling = replace(
            scaling,
            before=deployment.desired if deployment else 0,
            span_before=Span(scaler.minimum, scaler.maximum) if scaler else None,
        )
    return rollout.with_(
        before=ground.before,
        way_back=ground.way_back,
        before_generation=deployment.generation if deployment else 0,
        scaling=scaling,
        applying_since=now,
    )


def cancel(rollout: Rollout, by: str, now: datetime) -> Rollout | None:
    """End a rollout at a person's word; None where there is no way back.

    One that has touched nothing just ends. One that may have goes back to what ran before: the
    judgement follows it there as it followed it here. Nothing ran before a first deploy, and what
    is going back already cannot be cancelled again; nor can what its kind has no way back from.
    """
    if rollout.state is RolloutState.QUEUED:
        return rollout.with_(state=RolloutState.CANCELLED, ended_by=by, finished_at=now)
    if rollout.state.final or rollout.state is RolloutState.ROLLING_BACK:
        return None
    if rollout.before_generation is None:
        return rollout.with_(state=RolloutState.CANCELLED, ended_by=by, finished_at=now)
    if not rollout.kind.goes_back or rollout.before is None:
        return None
    if rollout.kind is Kind.DEPLOY and not rollout.before.digest:
        return None
    return rollout.with_(
        state=RolloutState.ROLLING_BACK,
        ended_by=by,
        change=None,
        memory=Memory(),
        verdict=None,
        applying_since=now,
    )


def fail(rollout: Rollout, now: datetime) -> Rollout:
    """End for a cause that no look at the cluster gave: it stands in `rollout.obstacle`."""
    return rollout.with_(state=RolloutState.FAILED, finished_at=now)


def _complete(rollout: Rollout, verdict: Verdict, now: datetime) -> Rollout:
    if verdict.reason in {Reason.UNCHANGED, Reason.SCALED_TO_ZERO} or not rollout.kind.soaks:
        return rollout.with_(state=RolloutState.SUCCEEDED, completed_at=now, finished_at=now)
    soaking = rollout.with_(state=RolloutState.SOAKING, completed_at=now, quiet_since=now)
    return _soak(soaking, moved=False, now=now)


def _soak(rollout: Rollout, *, moved: bool, now: datetime) -> Rollout:
    soaking = rollout.with_(quiet_since=now) if moved else rollout
    ends = soak_ends(soaking)
    if ends is None or now < ends:
        return soaking
    well = soaking.verdict is not None and soaking.verdict.outcome is Outcome.PASS
    if well:
        return soaking.with_(state=RolloutState.SUCCEEDED, finished_at=now)
    return fail(soaking, now) if now >= _longest(soaking) else soaking


def _moved(before: Verdict | None, after: Verdict) -> bool:
    """Whether something happened: another verdict, or the same with other counts."""
    if before is None:
        return False
    return (before.outcome, before.reason, before.findings) != (
        after.outcome,
        after.reason,
        after.findings,
    )


def _window(rollout: Rollout) -> timedelta:
    return timedelta(seconds=rollout.stability_seconds)


def _longest(rollout: Rollout) -> datetime:
    assert rollout.completed_at is not None
    return rollout.completed_at + LONGEST_SOAK * _window(rollout)


def _progress(seen: Workload, last: Progress) -> Progress:
    deployment = seen.deployment
    if deployment is None:
        return last
    return Progress(
        desired=deployment.desired,
        updated=deployment.updated,
        available=deployment.available,
        old=max(0, deployment.replicas - deployment.updated),
    )

"""What a rollout needs next. Pure.

`next_step` is the whole plan of a rollout: the engine asks it, does that one thing, saves, and
asks again. There is no resume code: after a restart the first question is the same as any other.
How a rollout goes on is `rollout_course.py`.
"""

from dataclasses import dataclass

from bot.domain.kind import Kind
from bot.domain.promotion import CALLS
from bot.domain.rollout import Rollout, RolloutState
from bot.domain.verdict import Outcome, Reason

_QUIET_ENDS = frozenset({RolloutState.CANCELLED, RolloutState.REJECTED})
_NO_PLACE = frozenset({Reason.UNSCHEDULABLE, Reason.ADMISSION_DENIED})


@dataclass(frozen=True, slots=True)
class PostCard:
    """The card does not stand in the channel yet (or Slack has not said so)."""


@dataclass(frozen=True, slots=True)
class AskGates:
    """It waits for people or machines: ask all gates again, and go on when all are open."""


@dataclass(frozen=True, slots=True)
class TellOpen:
    """The last gate has opened: a reply in the card's thread calls those who may press."""


@dataclass(frozen=True, slots=True)
class AnnounceOverride:
    """Break-glass: the channel is told before anything is touched."""


@dataclass(frozen=True, slots=True)
class TakeTurn:
    """Queued: go on if nothing else is under way there, else say behind whom."""


@dataclass(frozen=True, slots=True)
class Recheck:
    """It had to wait for its turn: all gates once more, before anything is touched."""


@dataclass(frozen=True, slots=True)
class Prepare:
    """Before the first write: remember what runs now, so that a repeated write is recognised."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A rollback: its place is locked before it is written."""


@dataclass(frozen=True, slots=True)
class Apply:
    """Write what its kind asks for (a manifest pinned to the digest, a template, a number of pods):
    idempotent."""


@dataclass(frozen=True, slots=True)
class Observe:
    """Follow the workload and judge what is seen."""


@dataclass(frozen=True, slots=True)
class Explain:
    """Pods find no place: say which resource is short, and by how much."""


@dataclass(frozen=True, slots=True)
class ShowEnd:
    """Final: the card must say so, confirmed by Slack."""


@dataclass(frozen=True, slots=True)
class Diagnose:
    """Failed: gather logs and events while the pods are there."""


@dataclass(frozen=True, slots=True)
class Credit:
    """Which commits a rollback took back, so that their authors are told, or a release brought, so
    that its lead time is known."""


@dataclass(frozen=True, slots=True)
class TellThread:
    """Final: a reply in the card's thread, which notifies (an edit does not)."""


@dataclass(frozen=True, slots=True)
class Keep:
    """A release runs well: keep its template as it stands, for a way back to it."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Settled: nothing more, ever."""


Step = (
    PostCard
    | AskGates
    | TellOpen
    | AnnounceOverride
    | TakeTurn
    | Recheck
    | Prepare
    | Hold
    | Apply
    | Observe
    | Explain
    | ShowEnd
    | Diagnose
    | Credit
    | TellThread
    | Keep
    | Rest
)


def next_step(rollout: Rollout, *, end_shown: bool) -> Step:
    """The one thing to do now. `end_shown`: Slack has confirmed the card as it is now."""
    if rollout.settled:
        return Rest()
    if not rollout.card.ts:
        # A rollout that was refused a card (not invited to the channel) ends without one.
        return Rest() if rollout.state in _QUIET_ENDS else PostCard()
    if rollout.state.final:
        return _last_step(rollout, end_shown=end_shown)
    if rollout.override is not None and (rollout.announced is None or not rollout.announced.ts):
        return AnnounceOverride()
    if rollout.state is RolloutState.AWAITING_APPROVAL:
        untold = rollout.told is None or not rollout.told.ts
        return TellOpen() if rollout.open_since and untold else AskGates()
    if rollout.state is RolloutState.QUEUED:
        return TakeTurn()
    if rollout.state is RolloutState.APPLYING and rollout.before_generation is None:
        return Recheck() if rollout.behind and not rollout.rechecked else Prepare()
    if rollout.change is not None:
        return Explain() if _puzzling(rollout) else Observe()
    return Hold() if rollout.kind.holds and not rollout.held else Apply()


def _puzzling(rollout: Rollout) -> bool:
    """Its pods find no place, and nobody has reckoned yet why."""
    verdict = rollout.verdict
    if verdict is None or verdict.outcome not in (Outcome.WARN, Outcome.FAIL):
        return False
    return rollout.short is None and verdict.reason in _NO_PLACE


def _ends_quietly(rollout: Rollout) -> bool:
    """Nobody has to be called: but who asked for it hears of a person's no."""
    said_no = any(gate.code in CALLS for gate in rollout.refused)
    return rollout.state in _QUIET_ENDS and not said_no


def _last_step(rollout: Rollout, *, end_shown: bool) -> Step:
    if not end_shown:
        return ShowEnd()
    if _puzzling(rollout):
        return Explain()
    if rollout.state is RolloutState.FAILED and rollout.diagnosis is None:
        return Diagnose()
    touched = rollout.before_generation is not None
    if rollout.kind is Kind.ROLLBACK and touched and rollout.commits is None:
        return Credit()
    if not _ends_quietly(rollout) and (rollout.details is None or not rollout.details.ts):
        return TellThread()
    if rollout.state is not RolloutState.SUCCEEDED or not rollout.kind.brings_release:
        return Rest()
    if not rollout.kept:
        return Keep()
    return Credit() if touched and rollout.commits is None else Rest()

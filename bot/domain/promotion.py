"""What becomes of a request for an environment: it starts, it waits for people, or it is refused.

Pure. `choose_way` decides on the answers of the gates; `next_look` names the one time at which they
may change by themselves; `steps_ahead` says what can be promoted where. The request that waits is a
rollout in AWAITING_APPROVAL (`rollout_course.py`), asked again whenever something changes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

from bot.domain.gate import Gate, GateResult, only_waits

ASKABLE = frozenset({Gate.APPROVALS, Gate.CHECKLIST, Gate.CI, Gate.WINDOW})
"""Gates that open by what people, machines or the hours still do for this very digest."""

HOPELESS = frozenset(
    {
        "CI_RED",
        "CI_NONE",
        "CI_UNKNOWN_COMMIT",
        "CI_NO_ACCESS",
        "CI_NO_COMMIT",
        "CI_NO_HOST",
        "APPROVERS_TOO_FEW",
    }
)
"""Codes that no waiting changes: asking for it would be a card that nobody can do anything with."""

OVERTAKEN = "OVERTAKEN"
"""The code of a newer release that came there while this one waited."""

CALLS = frozenset({"REJECTED", "SERVICE_GONE", "ENVIRONMENT_GONE"})
"""Codes of an end before the start for which whoever asked is called in the thread: nobody else may
tell them."""

_TIMES = ("opens_at", "closes_at", "until", "expires_at", "again_at")
_RUNNING = ("age_seconds", "again_at")
"""Values that go with the clock: they make no answer another one."""


class Way(StrEnum):
    START = "START"  # nothing is in the way
    WAIT = "WAIT"  # stored; when the last gate opens somebody presses the button
    WAIT_AND_GO = "WAIT_AND_GO"  # stored; it goes by itself when the last gate opens
    REFUSE = "REFUSE"


@dataclass(frozen=True, slots=True)
class Asking:
    """How it was asked: `explicitly` by "Ask for approval", else by a typed line. `may_ask`: the
    person deploys here or in the environment before. `confirm`, `auto`: of the environment."""

    explicitly: bool = False
    may_ask: bool = False
    confirm: bool = False
    auto: bool = False


def choose_way(gates: Sequence[GateResult], asking: Asking) -> Way:
    closed = [gate for gate in gates if not gate.ok]
    permitted = all(gate.gate is not Gate.PERMISSION for gate in closed)
    if not closed:
        return Way.WAIT if asking.confirm else Way.START
    if only_waits(closed):
        return Way.WAIT if asking.confirm else Way.WAIT_AND_GO
    if not asking.may_ask or not askable(closed, explicitly=asking.explicitly):
        return Way.REFUSE
    return Way.WAIT_AND_GO if asking.auto and permitted else Way.WAIT


def askable(gates: Iterable[GateResult], *, explicitly: bool) -> bool:
    """Whether all that is closed may open for what waits. Who asks explicitly may ask for what
    another person has to press, and behind a lock."""
    more = {Gate.PERMISSION, Gate.LOCK} if explicitly else set[Gate]()
    return all(
        gate.ok or (gate.gate in ASKABLE | more and gate.code not in HOPELESS) for gate in gates
    )


def waited_for(gates: Iterable[GateResult], *, by_itself: bool) -> tuple[GateResult, ...]:
    """The gates that a waiting request shows: whether the requester may deploy there matters only
    where it goes by itself; else whoever presses the button is asked then."""
    return tuple(gate for gate in gates if by_itself or gate.gate is not Gate.PERMISSION)


def same_answers(one: Sequence[GateResult], other: Sequence[GateResult]) -> bool:
    """Whether nothing has changed but the clock."""
    return [*map(_still, one)] == [*map(_still, other)]


def _still(gate: GateResult) -> tuple[object, ...]:
    values = {name: value for name, value in gate.values.items() if name not in _RUNNING}
    return gate.gate, gate.ok, gate.code, values


def next_look(gates: Iterable[GateResult], now: datetime) -> datetime | None:
    """The next time at which a gate says that it may answer otherwise; None: never by itself."""
    times = [
        datetime.fromisoformat(str(gate.values[name]))
        for gate in gates
        for name in _TIMES
        if gate.values.get(name)
    ]
    return min((when for when in times if when > now), default=None)


# --- what changes --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Commit:
    id: str
    title: str
    author: str
    url: str = ""
    at: datetime | None = None  # when it was committed


@dataclass(frozen=True, slots=True)
class Commits:
    """What lies between two releases, newest first; `of` is how many there are. `unknown` says why
    they are not known: NO_COMMIT (an image does not say its commit), NO_HOST, NOT_FOUND, AWAY,
    BACKWARDS (the release is older than what runs)."""

    shown: tuple[Commit, ...] = ()
    of: int = 0
    url: str = ""
    unknown: str = ""
    since: str = ""  # the digest that they are counted from


@dataclass(frozen=True, slots=True)
class Override:
    """Break-glass: who passed by which gates, and why. It stays with the rollout for ever."""

    by: str
    reason: str
    at: datetime
    gates: tuple[GateResult, ...] = ()
    told: str = ""  # the people who hear of it, as ids parted by blanks


# --- what can be promoted ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Runs:
    """What an environment runs of a service; `digest` is "" where it is not known."""

    environment: str
    version: str = ""
    digest: str = ""
    healthy: bool = False
    ready: int = 0
    desired: int = 0


@dataclass(frozen=True, slots=True)
class Ahead:
    """One step along the pipeline: what runs in `source` could go to `target`."""

    source: Runs
    target: str


def steps_ahead(pipeline: Sequence[Runs]) -> tuple[Ahead, ...]:
    """Every step that would change something, in pipeline order: what runs healthy in one
    environment and is not what the next one runs."""
    return tuple(
        Ahead(here, there.environment)
        for here, there in pairwise(pipeline)
        if here.healthy and here.digest and here.digest != there.digest
    )


def step_of_digest(pipeline: Sequence[Runs], digest: str) -> Ahead | None:
    """The step that this digest takes next: from the last environment in a row that runs it."""
    for ahead in reversed(steps_ahead(pipeline)):
        if ahead.source.digest == digest:
            return ahead
    return None

"""What the checks of a commit say together: green, pending, red, or nothing at all. Pure.

A check is a check run or a commit status of the git host; `bot/adapters/github_checks.py` reads
them, `bot/workflows/gates/ci.py` asks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class CheckState(StrEnum):
    PASSED = "PASSED"  # neutral and skipped count as passed, as the git host itself counts them
    RUNNING = "RUNNING"  # waiting, queued, in progress
    FAILED = "FAILED"  # failed, cancelled, timed out, stale, wants an action


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a commit. `url` leads a person to it; "" where it has no page."""

    name: str
    state: CheckState
    url: str = ""
    at: datetime | None = None  # when it ended


class CiState(StrEnum):
    GREEN = "GREEN"
    PENDING = "PENDING"
    RED = "RED"
    NONE = "NONE"  # the commit has no checks at all, and none is named that must come


@dataclass(frozen=True, slots=True)
class CiAnswer:
    """`missing`: required checks of which the git host has not heard yet."""

    state: CiState
    passed: tuple[Check, ...] = ()
    running: tuple[Check, ...] = ()
    failed: tuple[Check, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def of(self) -> int:
        counted = (self.passed, self.running, self.failed, self.missing)
        return sum(len(each) for each in counted)


def judge_ci(checks: Iterable[Check], required: Sequence[str] = ()) -> CiAnswer:
    """One failed check makes it red, whatever still runs. With `required` names only these count,
    and one that has not been heard of is waited for; of several checks of one name all count."""
    counted = [check for check in checks if not required or check.name in required]
    seen = {check.name for check in counted}
    answer = CiAnswer(
        CiState.NONE,
        passed=_those(counted, CheckState.PASSED),
        running=_those(counted, CheckState.RUNNING),
        failed=_those(counted, CheckState.FAILED),
        missing=tuple(name for name in required if name not in seen),
    )
    return replace(answer, state=_state(answer))


def _state(answer: CiAnswer) -> CiState:
    if answer.failed:
        return CiState.RED
    if answer.running or answer.missing:
        return CiState.PENDING
    return CiState.GREEN if answer.passed else CiState.NONE


def _those(checks: Iterable[Check], state: CheckState) -> tuple[Check, ...]:
    return tuple(sorted((c for c in checks if c.state is state), key=lambda c: (c.name, c.url)))

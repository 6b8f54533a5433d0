"""What a rollout is about: a release, the way back to one, a number of pods, or a fresh start.

All kinds go the same way through the engine: card, turn, prepare, apply, observe, end, thread. What
differs between them is said here, once: which gates are asked, whether it is watched after it is
complete, whether it can be undone, and what it leaves behind. Pure.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.gate import Gate

RELEASING = frozenset(Gate)
"""A new release meets every gate there is."""
_OPERATING = frozenset({Gate.PERMISSION, Gate.LOCK, Gate.PAUSED, Gate.IMAGE, Gate.CLUSTER})
"""What brings nothing new needs no proof that it is ready: neither order, CI, checklist, approvals
nor an open window. A rollback that waits for an approval is no rollback."""


class Kind(StrEnum):
    DEPLOY = "DEPLOY"
    ROLLBACK = "ROLLBACK"
    SCALE = "SCALE"
    RESTART = "RESTART"

    @property
    def gates(self) -> frozenset[Gate]:
        if self is Kind.DEPLOY:
            return RELEASING
        # The controller scales a paused Deployment; only its template waits.
        return _OPERATING - {Gate.PAUSED} if self is Kind.SCALE else _OPERATING

    @property
    def brings_release(self) -> bool:
        """Ends with another release (or the same one anew) running there: a good end of it is a
        release that ran well, and whose template is kept for a way back."""
        return self in (Kind.DEPLOY, Kind.ROLLBACK)

    @property
    def soaks(self) -> bool:
        """Whether it is watched for the stability window once it is complete. What goes back is
        not: it is fast on purpose, and what it goes back to has been watched before."""
        return self in (Kind.DEPLOY, Kind.RESTART)

    @property
    def goes_back(self) -> bool:
        """Whether a cancel, once the cluster was touched, writes what was there before. A rollback
        has no way back to what it left (it would be a way forth to what failed), and a restart
        changes nothing that could be put back."""
        return self in (Kind.DEPLOY, Kind.SCALE)

    @property
    def holds(self) -> bool:
        """Whether its place is locked before it is written, until somebody lifts that: who deploys
        what failed once more should have looked at why."""
        return self is Kind.ROLLBACK


@dataclass(frozen=True, slots=True)
class GoodRelease:
    """A release that was seen to run well at a place (`way_back.py` says which are)."""

    digest: str
    version: str
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Span:
    """The bounds of an autoscaler."""

    least: int
    most: int

    def holds(self, number: int) -> bool:
        return self.least <= number <= self.most

    def __str__(self) -> str:
        return f"{self.least}–{self.most}"


@dataclass(frozen=True, slots=True)
class Scaling:
    """What a scaling asks for: a number of pods, or other bounds of the autoscaler that owns it.
    `before` and `span_before` are what stood there when it was prepared."""

    replicas: int | None = None
    before: int = 0
    autoscaler: str = ""
    span: Span | None = None
    span_before: Span | None = None

    @property
    def back(self) -> "Scaling":
        """The way back from it."""
        return Scaling(
            replicas=None if self.replicas is None else self.before,
            before=self.replicas or 0,
            autoscaler=self.autoscaler,
            span=self.span_before,
            span_before=self.span,
        )

    @property
    def target(self) -> str:
        """As it is told from other scalings of the same place."""
        return str(self.span) if self.span is not None else str(self.replicas)

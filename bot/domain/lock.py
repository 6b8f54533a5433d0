"""A lock: a person's hold on an environment, or on one service in it, with a reason and an end.

Pure: what a lock blocks, and what becomes of it when somebody asks for it or gives it back. There
is one lock for each scope; a lock whose time is over counts for nothing, without anybody having to
clear it away. The words are in `bot/text` under `lock` and `gate`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from bot.domain.audit import DYNAMO
from bot.domain.gate import Gate, GateResult
from bot.domain.verdict import Value

LONGEST_REASON = 300
"""Characters; a longer reason is refused with a word about it."""

LONGEST_LOCK = timedelta(days=90)
"""Of `--for`. Without it a lock holds until somebody lifts it, and its age says so."""


@dataclass(frozen=True, slots=True)
class Lock:
    """`service` is "" for the whole environment; `owner` a Slack user id, or `DYNAMO` where a
    rollback made it; `until` is None for a lock without an end."""

    environment: str
    owner: str
    since: datetime
    service: str = ""
    reason: str = ""
    until: datetime | None = None

    @property
    def locked_by_system(self) -> bool:
        return self.owner == DYNAMO

    @property
    def scope(self) -> str:
        """As it is typed: "qa", or "tasks-service qa"."""
        return f"{self.service} {self.environment}".lstrip()

    def holds(self, now: datetime) -> bool:
        return self.until is None or now < self.until

    def covers(self, service: str, environment: str) -> bool:
        return self.environment == environment and self.service in ("", service)

    @property
    def recorded(self) -> dict[str, Any]:
        """As the audit log keeps it."""
        return {
            "owner": self.owner,
            "reason": self.reason,
            "since": self.since,
            "until": self.until,
        }


# --- the gate ------------------------------------------------------------------------------------


def judge_locks(
    locks: Iterable[Lock], service: str, environment: str, user: str, now: datetime
) -> GateResult:
    """Whether this person may change this service there now. One's own lock never blocks; a lock
    of Dynamo's own blocks everybody until somebody lifts it. Of two that block, the one of the
    whole environment is told with the other's owner beside it."""
    held = [lock for lock in locks if lock.covers(service, environment) and lock.holds(now)]
    blocking = [lock for lock in held if lock.locked_by_system or lock.owner != user]
    if not blocking:
        return GateResult(Gate.LOCK, True, "OWN_LOCK" if held else "NO_LOCK")
    blocking.sort(key=lambda lock: lock.service)
    first = blocking[0]
    code = "LOCKED_BY_DYNAMO" if first.locked_by_system else "LOCKED"
    owners = dict.fromkeys(lock.owner for lock in blocking if not lock.locked_by_system)
    values: dict[str, Value] = {
        "where": first.scope,
        "service": first.service,
        "environment": environment,
        "owner": first.owner,
        "who": " ".join(owners),
        "reason": first.reason,
        "age_seconds": int((now - first.since).total_seconds()),
        "since": first.since.isoformat(),
        "until": first.until.isoformat() if first.until else "",
    }
    return GateResult(Gate.LOCK, False, code, values)


def lock_on(locks: Iterable[Lock], service: str, environment: str, now: datetime) -> Lock | None:
    """The lock that is shown at a place: the service's own, else the environment's."""
    held = [lock for lock in locks if lock.covers(service, environment) and lock.holds(now)]
    return max(held, key=lambda lock: lock.service, default=None)


# --- asking for a lock, and giving it back -------------------------------------------------------


class Kept(StrEnum):
    """What a request for a lock came to."""

    NEW = "NEW"
    RENEWED = "RENEWED"  # one's own lock, with a new reason or end; its age goes on
    TAKEN = "TAKEN"  # another's, explicitly
    HELD = "HELD"  # another's, and nobody said to take it


@dataclass(frozen=True, slots=True)
class LockAnswer:
    """`lock` is the one that stands afterwards; `lost` the one that was taken from its owner."""

    kept: Kept
    lock: Lock
    lost: Lock | None = None


def ask_for(held: Lock | None, wanted: Lock, *, take: bool, now: datetime) -> LockAnswer:
    """`held` is what the store has for this scope, `wanted` what would stand in its place."""
    if held is None or not held.holds(now):
        return LockAnswer(Kept.NEW, wanted)
    if held.owner == wanted.owner:
        renewed = Lock(
            environment=held.environment,
            owner=held.owner,
            since=held.since,
            service=held.service,
            reason=wanted.reason or held.reason,
            until=wanted.until,
        )
        return LockAnswer(Kept.RENEWED, renewed)
    if not take:
        return LockAnswer(Kept.HELD, held)
    return LockAnswer(Kept.TAKEN, wanted, lost=held)


class Lifted(StrEnum):
    """What a request to unlock came to."""

    OWN = "OWN"
    SYSTEM = "SYSTEM"  # Dynamo's own: whoever may deploy there lifts it
    FORCED = "FORCED"  # another's, explicitly
    HELD = "HELD"  # another's, and nobody said to force it
    NOTHING = "NOTHING"  # there is no lock


def ask_to_lift(held: Lock | None, user: str, *, force: bool, now: datetime) -> Lifted:
    if held is None or not held.holds(now):
        return Lifted.NOTHING
    if held.locked_by_system:
        return Lifted.SYSTEM
    if held.owner == user:
        return Lifted.OWN
    return Lifted.FORCED if force else Lifted.HELD

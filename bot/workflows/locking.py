"""Takes locks and gives them back: asked, permitted, settled in the store, recorded, announced.

Whoever may deploy there may lock it. Decisions are in `bot/domain/lock.py`; here a decision is made
again as long as somebody else is quicker, and what it came to is told in the environment's channel.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.cards.lock import lifted_card, lock_card
from bot.domain.audit import AuditEntry, By, subject_of
from bot.domain.gate import GateResult
from bot.domain.lock import Kept, Lifted, Lock, LockAnswer, ask_for, ask_to_lift, judge_locks
from bot.domain.rollout_records import refusal_entry
from bot.errors import PortError
from bot.ports import Announcement
from bot.text import Texts
from bot.workflows.edges import Edges
from bot.workflows.people import permission_in
from config.catalog import Environment


@dataclass(frozen=True, slots=True)
class Scope:
    """What is locked: an environment, or one service in it (`service` "" is all of them)."""

    environment: Environment
    service: str = ""

    @property
    def subject(self) -> str:
        return subject_of(self.service, self.environment.name)


@dataclass(frozen=True, slots=True)
class Seen:
    """The lock that was on the button when it was pressed."""

    owner: str
    since: datetime


@dataclass(frozen=True, slots=True)
class NotAllowed:
    gate: GateResult


@dataclass(frozen=True, slots=True)
class Changed:
    """The button was about another lock than the one that stands: nothing was done."""


@dataclass(frozen=True, slots=True)
class Locked:
    """What it came to; `told` is False where the channel could not be told (yet)."""

    answer: LockAnswer
    told: bool = True


@dataclass(frozen=True, slots=True)
class Unlocked:
    lifted: Lifted
    held: Lock | None = None
    told: bool = True


async def current(scope: Scope, edges: Edges) -> Lock | None:
    """The lock of exactly this scope as the store has it, its time over or not."""
    held = await edges.locks.all(scope.environment.name)
    return next((lock for lock in held if lock.service == scope.service), None)


async def keep(
    scope: Scope,
    by: By,
    edges: Edges,
    *,
    reason: str = "",
    lasts: timedelta | None = None,
    take: bool = False,
    seen: Seen | None = None,
) -> Locked | NotAllowed | Changed:
    """Lock it. `take`: also from another person. Raises PortError: then nothing was changed."""
    refused = await _refused(scope, by, "lock", edges)
    if refused is not None:
        return refused
    while True:
        now = edges.clock.now()
        held = await current(scope, edges)
        if seen is not None and (not _is(held, seen, now) or by.actor == seen.owner):
            return Changed()
        wanted = Lock(
            environment=scope.environment.name,
            owner=by.actor,
            since=now,
            service=scope.service,
            reason=reason,
            until=now + lasts if lasts is not None else None,
        )
        answer = ask_for(held, wanted, take=take, now=now)
        if answer.kept is Kept.HELD:
            await edges.audit.record(_held(scope, by, "lock", answer.lock, now))
            return Locked(answer)
        entry = AuditEntry(
            at=now,
            actor=by.actor,
            surface=by.surface,
            action="take-lock" if answer.kept is Kept.TAKEN else "lock",
            subject=scope.subject,
            before=held.recorded if held is not None and held.holds(now) else {},
            after=answer.lock.recorded,
        )
        card = lock_card(answer, by.actor, _title(scope), _texts(scope), now)
        due = Announcement(_key(), scope.environment.channel.id, card, now)
        if await edges.locks.replace(held, answer.lock, entry, due):
            edges.bell.ring(scope.service, scope.environment.name)
            return Locked(answer, told=await _tell(due, edges))


async def lift(
    scope: Scope, by: By, edges: Edges, *, force: bool = False, seen: Seen | None = None
) -> Unlocked | NotAllowed | Changed:
    """Unlock it. `force`: also another person's. Raises PortError: then nothing was changed."""
    refused = await _refused(scope, by, "unlock", edges)
    if refused is not None:
        return refused
    while True:
        now = edges.clock.now()
        held = await current(scope, edges)
        if seen is not None and not _is(held, seen, now):
            return Changed()
        lifted = ask_to_lift(held, by.actor, force=force, now=now)
        if lifted is Lifted.NOTHING or held is None:
            return Unlocked(Lifted.NOTHING)
        if lifted is Lifted.HELD:
            await edges.audit.record(_held(scope, by, "unlock", held, now))
            return Unlocked(lifted, held)
        entry = AuditEntry(
            at=now,
            actor=by.actor,
            surface=by.surface,
            action="force-unlock" if lifted is Lifted.FORCED else "unlock",
            subject=scope.subject,
            before=held.recorded,
        )
        card = lifted_card(lifted, held, by.actor, _title(scope), _texts(scope), now)
        due = Announcement(_key(), scope.environment.channel.id, card, now)
        if await edges.locks.replace(held, None, entry, due):
            edges.bell.ring(scope.service, scope.environment.name)
            return Unlocked(lifted, held, told=await _tell(due, edges))


def _is(held: Lock | None, seen: Seen, now: datetime) -> bool:
    return (
        held is not None
        and held.holds(now)
        and (held.owner, held.since) == (seen.owner, seen.since)
    )


async def _refused(scope: Scope, by: By, wanted: str, edges: Edges) -> NotAllowed | None:
    gate = await permission_in(scope.environment, by.actor, edges)
    if gate.ok:
        return None
    now = edges.clock.now()
    await edges.audit.record(refusal_entry(wanted, scope.subject, (gate,), by, now))
    return NotAllowed(gate)


def _held(scope: Scope, by: By, wanted: str, held: Lock, now: datetime) -> AuditEntry:
    gate = judge_locks([held], scope.service, scope.environment.name, by.actor, now)
    return refusal_entry(wanted, scope.subject, (gate,), by, now)


async def _tell(due: Announcement, edges: Edges) -> bool:
    try:
        return due.key not in await edges.announcer.tell()
    except PortError:
        return False  # it stands in the outbox


def _title(scope: Scope) -> str:
    return scope.environment.title.to(scope.environment.language)


def _texts(scope: Scope) -> Texts:
    return Texts.of(scope.environment.language)


def _key() -> str:
    return f"lock:{secrets.token_hex(8)}"

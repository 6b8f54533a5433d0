"""A person says yes or no to what waits: permitted now, on what they saw, once, and recorded.

Decisions are in `bot/domain/approval.py`; here one is made again as long as the same person is
quicker somewhere else. What it opens or ends is the engine's: it is woken and asks all gates.
"""

from dataclasses import dataclass

from bot.domain.approval import Approval, Decision, Settled, settle
from bot.domain.audit import AuditEntry, By, subject_of
from bot.domain.gate import Gate, GateResult
from bot.domain.permission import people_of
from bot.domain.rollout import Rollout, RolloutState
from bot.workflows.covering import covered_by
from bot.workflows.edges import Edges
from bot.workflows.people import members_of
from bot.workflows.promotion import place_of
from config.catalog import ApprovalPolicy


@dataclass(frozen=True, slots=True)
class Decided:
    """`counts` is False for the requester's own yes where it is not among those that count."""

    settled: Settled
    approval: Approval
    counts: bool = True


@dataclass(frozen=True, slots=True)
class NotDecided:
    """`code`: UNKNOWN, NOT_WAITING, NOT_NEEDED, NOT_ALLOWED (gate), NO_MANIFEST, CHANGED (it is not
    what the card showed)."""

    code: str
    rollout: Rollout | None = None
    gate: GateResult | None = None


async def decide_on(
    rollout_id: str,
    decision: Decision,
    by: By,
    edges: Edges,
    *,
    covers: str | None = None,
    reason: str = "",
) -> Decided | NotDecided:
    """`covers`: the fingerprint that the card showed; None for a typed line, which decides on what
    there is now. Raises PortError where Slack or the store does not answer."""
    rollout = await edges.store.get(rollout_id)
    place = place_of(rollout, edges) if rollout else None
    if rollout is None or place is None:
        return NotDecided("UNKNOWN")
    if rollout.state is not RolloutState.AWAITING_APPROVAL:
        return NotDecided("NOT_WAITING", rollout)
    policy = place.environment.approvals
    if policy is None:
        return NotDecided("NOT_NEEDED", rollout)
    roles = tuple(edges.catalog.role(name) for name in policy.roles)
    members = await members_of(roles, edges.people)
    role = next((name for name in policy.roles if by.actor in members[name]), None)
    if role is None:
        values = {"roles": ", ".join(policy.roles), "who": people_of(roles)}
        gate = GateResult(Gate.PERMISSION, False, "NOT_ALLOWED", values)
        return NotDecided("NOT_ALLOWED", rollout, gate)
    now_covers = await covered_by(place, rollout.image.digest)
    if not now_covers:
        return NotDecided("NO_MANIFEST", rollout)
    if covers is not None and covers != now_covers:
        return NotDecided("CHANGED", rollout)
    alone = policy.small_team and frozenset().union(*members.values()) == {by.actor}
    wanted = Approval(
        service=rollout.service,
        environment=rollout.environment,
        digest=rollout.image.digest,
        covers=now_covers,
        by=by.actor,
        role=role,
        decision=decision,
        at=edges.clock.now(),
        reason=reason,
        version=rollout.version,
    )
    settled, stands = await _settle(rollout, wanted, policy, by, edges, alone=alone)
    own = by.actor == rollout.requested_by.id
    return Decided(settled, stands, counts=not own or policy.requester_counts or alone)


async def _settle(
    rollout: Rollout,
    wanted: Approval,
    policy: ApprovalPolicy,
    by: By,
    edges: Edges,
    *,
    alone: bool,
) -> tuple[Settled, Approval]:
    while True:
        given = await edges.approvals.of(wanted.service, wanted.environment)
        held = next((a for a in given if (a.by, a.digest) == (wanted.by, wanted.digest)), None)
        settled = settle(held, wanted, policy, rollout.requested_at)
        if settled is Settled.AGAIN and held is not None:
            return settled, held
        entry = AuditEntry(
            at=wanted.at,
            actor=by.actor,
            surface=by.surface,
            action=str(wanted.decision),
            subject=subject_of(wanted.service, wanted.environment),
            before={"decision": held.decision, **held.recorded} if held else {},
            after={"rollout": rollout.id, **wanted.recorded, **({"alone": True} if alone else {})},
        )
        if await edges.approvals.replace(held, wanted, entry):
            return settled, wanted

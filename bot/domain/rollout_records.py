"""What the audit log says of a rollout: one entry for each state that it comes into.

The store writes the entry in the same transaction as the state (`bot/adapters/tables/rollouts.py`),
so there is never the one without the other, whenever the process is killed.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.domain.audit import AuditEntry, By, subject_of
from bot.domain.gate import GateResult
from bot.domain.kind import Kind
from bot.domain.rollout import Rollout, RolloutState

REQUEST = "request"
STEP = "step"
REFUSED = "refused"


def step_entry(rollout: Rollout, came_from: str, by: By, at: datetime) -> AuditEntry:
    """`came_from`: the state before; "" for a rollout that is new."""
    after: dict[str, Any] = {
        "rollout": rollout.id,
        "state": rollout.state,
        "version": rollout.version,
        "digest": rollout.image.digest,
    }
    if rollout.kind is not Kind.DEPLOY:
        after |= {"kind": rollout.kind, **_pods(rollout)}
    before: dict[str, Any] = {"state": came_from} if came_from else {}
    if not came_from:
        after |= {"line": rollout.line, "reason": rollout.reason, "asked_in": rollout.asked_in}
        before = _ran(rollout)
    elif rollout.state is RolloutState.APPLYING:
        before |= _ran(rollout)
    elif rollout.state.final or rollout.state is RolloutState.ROLLING_BACK:
        after |= _why(rollout)
    if rollout.override is not None:
        override = rollout.override
        after["override"] = {"by": override.by, "reason": override.reason}
        if not came_from or came_from == RolloutState.AWAITING_APPROVAL:
            after["override"]["gates"] = gates_seen(override.gates)
    return AuditEntry(
        at=at,
        actor=by.actor,
        surface=by.surface,
        action=STEP if came_from else REQUEST,
        subject=subject_of(rollout.service, rollout.environment),
        before=before,
        after=after,
        key=f"step:{rollout.id}:{rollout.revision}",
    )


def refusal_entry(
    wanted: str, subject: str, gates: tuple[GateResult, ...], by: By, at: datetime, **more: str
) -> AuditEntry:
    """Somebody asked for something and did not get it. `wanted`: the verb; `more`: of what."""
    after = {"wanted": wanted, **more, "gates": gates_seen(gates)}
    return AuditEntry(at, by.actor, by.surface, REFUSED, subject, after=after)


def gates_seen(gates: tuple[GateResult, ...]) -> list[Mapping[str, Any]]:
    """Gates as they stood, as a record holds them: the failing ones with their values."""
    return [
        {"gate": gate.gate, "code": gate.code, "ok": gate.ok}
        | ({} if gate.ok else {"values": dict(gate.values)})
        for gate in gates
    ]


def _pods(rollout: Rollout) -> dict[str, Any]:
    """What a scaling asks for, and what was there before."""
    scaling = rollout.scaling
    if scaling is None:
        return {}
    had = scaling.before if scaling.span is None else str(scaling.span_before or "")
    found = {"had": had, "wanted": scaling.target}
    return found | ({"autoscaler": scaling.autoscaler} if scaling.autoscaler else {})


def _ran(rollout: Rollout) -> dict[str, Any]:
    ran = rollout.before
    return {"version": ran.version, "digest": ran.digest} if ran else {}


def _why(rollout: Rollout) -> dict[str, Any]:
    why: dict[str, Any] = {"asked_by": rollout.requested_by.id}
    if rollout.verdict is not None:
        why["verdict"] = rollout.verdict.reason
    if rollout.obstacle is not None:
        why["obstacle"] = f"{rollout.obstacle.port}: {rollout.obstacle.trouble}"
    if rollout.refused:
        why["gates"] = gates_seen(rollout.refused)
    if rollout.ended_by:
        why["ended_by"] = rollout.ended_by
    if rollout.end_reason:
        why["reason"] = rollout.end_reason
    if rollout.before is not None and rollout.state in _BACK:
        why["back_to"] = rollout.before.version
    return why


_BACK = {RolloutState.ROLLING_BACK, RolloutState.ROLLED_BACK}

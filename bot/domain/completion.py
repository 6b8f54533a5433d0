"""How far a Deployment has come, by its counters alone: kubectl's own order.

Source: research/rollouts.md §1.1 (kubectl rollout_status.go). Pods and their troubles are
`troubles.py`; `judge.py` puts both together.
"""

import re
from dataclasses import dataclass, field

from bot.domain.judgement import Change
from bot.domain.verdict import Reason, Value
from bot.domain.workload import Condition, Deployment, ReplicaSet

_REPLICA_SET = re.compile(r'ReplicaSet "([^"]+)"')


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a rollout stands: one of the reasons that are awaited or done, or the deadline."""

    reason: Reason
    values: dict[str, Value] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        return self.reason in {Reason.COMPLETE, Reason.SCALED_TO_ZERO}


def standing_of(deployment: Deployment, new: ReplicaSet | None, change: Change) -> Standing:
    values = counters(deployment)
    reason = _reason(deployment, new, change)
    if change.scales:
        values["old"] = values["count"] = max(0, deployment.replicas - deployment.desired)
    if change.span is not None:
        values |= {"least": change.span.least, "most": change.span.most}
    if reason is Reason.DEADLINE_EXCEEDED:
        values["seconds"] = deployment.progress_deadline or 0
    return Standing(reason, values)


def counters(deployment: Deployment) -> dict[str, Value]:
    """What every sentence about progress may speak of."""
    old = max(0, deployment.replicas - deployment.updated)
    return {
        "updated": deployment.updated,
        "desired": deployment.desired,
        "available": deployment.available,
        "old": old,
        "count": old,
        "version": deployment.version,
    }


def _reason(of: Deployment, new: ReplicaSet | None, change: Change) -> Reason:
    if of.generation > of.observed_generation or of.generation < (change.generation or 0):
        return Reason.UNOBSERVED  # a snapshot from before the write is one kind of unobserved
    if deadline_exceeded(of, new, change):
        return Reason.DEADLINE_EXCEEDED
    if change.span is not None and not change.reached(of.desired):
        return Reason.AUTOSCALER
    awaited = _awaited_scaling(of) if change.scales else _awaited(of)
    # The controller does not touch the template of a paused Deployment: what is not done stays so.
    if of.paused and (awaited is not None or of.desired == 0):
        return Reason.PAUSED
    if awaited is not None:
        return awaited
    return Reason.COMPLETE if of.desired else Reason.SCALED_TO_ZERO


def _awaited(of: Deployment) -> Reason | None:
    if of.updated < of.desired:
        return Reason.UPDATING
    if of.replicas > of.updated:
        return Reason.OLD_PODS
    if of.available < of.updated:
        return Reason.AVAILABILITY
    return None


def _awaited_scaling(of: Deployment) -> Reason | None:
    """Scaling down is done when the pods are gone, which kubectl's order does not ask."""
    if of.replicas > of.desired:
        return Reason.OLD_PODS
    if of.updated != of.desired:
        return Reason.UPDATING
    return Reason.AVAILABILITY if of.available < of.desired else None


def deadline_exceeded(of: Deployment, new: ReplicaSet | None, change: Change) -> bool:
    """Whether this rollout's deadline has passed; one of the rollout before does not count.

    Source: research/rollouts.md §1.2 ("Stale ProgressDeadlineExceeded"): the condition names the
    new ReplicaSet, or was written after the change.
    """
    condition = of.condition("Progressing")
    if condition is None or condition.reason != "ProgressDeadlineExceeded":
        return False
    named = _REPLICA_SET.search(condition.message)
    if named and new is not None:
        return named[1] == new.name
    return _written_since(condition, change)


def _written_since(condition: Condition, change: Change) -> bool:
    """Times of the cluster are whole seconds, cut off: the second of the change is "since"."""
    if condition.updated_at is None:
        return True
    return condition.updated_at >= change.at.replace(microsecond=0)

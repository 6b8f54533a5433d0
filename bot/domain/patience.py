"""How long each kind of trouble is watched before it warns and before it fails: one table.

`judge.py` and `troubles.py` read it; every number has its row in research/rollouts.md §1.4 beside
it. A kind that no waiting can mend fails at once; one that may still be syncing gets its time; one
that is the cluster's fault warns, and fails only by lasting.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.workload import Container


class Kind(StrEnum):
    """What is told apart by time or by rule; several kinds may share one Reason."""

    IMAGE_NOT_FOUND = "image-not-found"
    IMAGE_INVALID = "image-invalid"
    PULL_DENIED = "pull-denied"
    PULL_FAILED = "pull-failed"
    IMAGE_INSPECT = "image-inspect"
    CONFIG_MISSING = "config-missing"
    CONFIG_SYNCING = "config-syncing"
    CONFIG_OTHER = "config-other"
    MOUNT_MISSING = "mount-missing"
    MOUNT_OTHER = "mount-other"
    START_IMPOSSIBLE = "start-impossible"
    START_ERROR = "start-error"
    UNSCHEDULABLE = "unschedulable"
    UNSCHEDULABLE_EVER = "unschedulable-ever"
    SCALING_UP = "scaling-up"
    GATED = "gated"
    ADMISSION = "admission"
    ADMISSION_FREED = "admission-freed"
    READINESS_GATE = "readiness-gate"
    SANDBOX = "sandbox"
    NODE = "node"
    AUTOSCALER = "autoscaler"


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds of lasting until a trouble warns, and until it fails (None: never by itself)."""

    warn: float
    fail: float | None
    source: str


PATIENCE: Mapping[Kind, Patience] = {
    Kind.IMAGE_NOT_FOUND: Patience(0, 0, "Bad image: not found"),
    Kind.IMAGE_INVALID: Patience(0, 0, "InvalidImageName, ErrImageNeverPull: first sighting"),
    Kind.PULL_DENIED: Patience(0, 15, "Pull: unauthorised: 2 sightings or 15 s"),
    Kind.PULL_FAILED: Patience(0, 60, "Pull: network/timeout/429/5xx"),
    Kind.IMAGE_INSPECT: Patience(0, 30, "ImageInspectError"),
    Kind.CONFIG_MISSING: Patience(0, 10, "CreateContainerConfigError (krane PR#885)"),
    Kind.CONFIG_SYNCING: Patience(0, None, "krane: unless /failed to sync .* cache/"),
    Kind.CONFIG_OTHER: Patience(0, 10, "CreateContainerConfigError, other than a missing name"),
    Kind.MOUNT_MISSING: Patience(0, 30, "Missing CM/Secret as volume: 30 s of FailedMount"),
    Kind.MOUNT_OTHER: Patience(0, 120, "other mount errors"),
    Kind.START_IMPOSSIBLE: Patience(0, 0, "126/127, executable file not found, …: 1st"),
    Kind.START_ERROR: Patience(0, 20, "CreateContainerError, RunContainerError, StartError"),
    Kind.UNSCHEDULABLE: Patience(5, 120, "Unschedulable, may yet fit"),
    Kind.UNSCHEDULABLE_EVER: Patience(5, 30, "Unschedulable, structurally impossible"),
    Kind.SCALING_UP: Patience(5, 300, "Unschedulable, TriggeredScaleUp + 5 min"),
    Kind.GATED: Patience(5, None, "SchedulingGated"),
    Kind.ADMISSION: Patience(0, 5, "Quota/LimitRange/webhook/PSA denied"),
    Kind.ADMISSION_FREED: Patience(
        0, 60, "quota that old pods gave back: the next try may be late"
    ),
    Kind.READINESS_GATE: Patience(10, 120, "Readiness gate false"),
    Kind.SANDBOX: Patience(15, 120, "Sandbox/CNI"),
    # It looks every 15 s by itself, and bounds need no metrics.
    Kind.AUTOSCALER: Patience(45, 180, "not in the table: HPA sync period 15 s, and ten more"),
    Kind.NODE: Patience(5, None, "NodeLost: only by number, see DISRUPTED_PODS"),
}

RESTARTS = 2
"""Restarts since the rollout that make a crash a failure (row "Crash"); or CrashLoopBackOff."""

KILLS = 2
"""The kill (out of memory, liveness or startup probe) that fails (rows "OOMKilled", "Startup")."""

DISRUPTED_PODS = 3
"""Distinct new pods that were evicted, preempted or lost until that fails (row "Evicted …")."""

PODS_TOGETHER = 2
"""A probe must hold back so many new pods, or the only one (§1.4, aggregation)."""

QUIET_AFTER_RESTART = 10.0
"""Seconds that a container must run after a crash before a complete rollout counts as complete
again: as long as the kubelet's first back-off (§1.4). A loop slower than that is the stability
window's to catch, which starts anew when this passes (§1.2, samson)."""

READINESS_AT_LEAST = 60.0
"""Seconds not ready until that fails: max(2 windows, this), at most the progress deadline."""

STUCK_CREATING = 5.0
"""Seconds in ContainerCreating after which the pod's Events are worth asking for."""

UNSEEN_IS_DELETED = 30.0
"""Seconds after the change in which a Deployment that was never seen may still show up."""

CLOCK_SKEW = 5.0
"""Seconds by which the cluster's clock may differ where a pod's age decides: whether its restarts
were before the change."""

WITHOUT_DEADLINE = 600.0
"""Kubernetes' own progressDeadlineSeconds where the Deployment has none (§1.1)."""


def readiness_window(container: Container) -> float:
    """Seconds that a running container may be unready without a word: kubedog's formula (§1.4)."""
    probe = container.readiness
    if probe is None:
        return 0.0
    tries = max(0, probe.failure_threshold + probe.success_threshold - 3)
    return probe.initial_delay + tries * probe.period + probe.period / 2 + 2 * probe.timeout


def readiness_limit(container: Container, progress_deadline: int | None) -> float:
    """Seconds that a running container may be unready until that fails (§1.4, row "Readiness")."""
    limit = max(2 * readiness_window(container), READINESS_AT_LEAST)
    return min(limit, progress_deadline if progress_deadline else WITHOUT_DEADLINE)

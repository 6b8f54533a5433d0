"""A verdict: what Dynamo holds of a rollout at one moment, as codes and values.

The words are in `bot/text` under `verdict`; here are only stable codes, so that a verdict can be
stored, compared, replayed and spoken in two languages.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    WAIT = "wait"
    WARN = "warn"
    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    SUPERSEDED = "superseded"


class Reason(StrEnum):
    """Why. Fixed names: people's scripts and stored rollouts rely on them."""

    # what is awaited (in kubectl's order)
    UNOBSERVED = "UNOBSERVED"  # the controller has not seen the change yet
    UPDATING = "UPDATING"  # N of M new replicas updated
    OLD_PODS = "OLD_PODS"  # N old replicas pending termination
    AVAILABILITY = "AVAILABILITY"  # N of M updated available
    PAUSED = "PAUSED"
    AUTOSCALER = "AUTOSCALER"  # its autoscaler has not moved the number within its new bounds yet
    # done
    COMPLETE = "COMPLETE"
    UNCHANGED = "UNCHANGED"
    SCALED_TO_ZERO = "SCALED_TO_ZERO"
    # overtaken
    SUPERSEDED = "SUPERSEDED"
    DELETED = "DELETED"
    # troubles
    IMAGE_NOT_FOUND = "IMAGE_NOT_FOUND"
    IMAGE_PULL_DENIED = "IMAGE_PULL_DENIED"
    IMAGE_PULL_FAILED = "IMAGE_PULL_FAILED"
    INVALID_IMAGE_NAME = "INVALID_IMAGE_NAME"
    CONFIG_MISSING = "CONFIG_MISSING"
    MOUNT_FAILED = "MOUNT_FAILED"
    START_FAILED = "START_FAILED"
    CRASHED = "CRASHED"
    OOM_KILLED = "OOM_KILLED"
    INIT_FAILED = "INIT_FAILED"
    READINESS_PROBE = "READINESS_PROBE"
    LIVENESS_PROBE = "LIVENESS_PROBE"
    STARTUP_PROBE = "STARTUP_PROBE"
    UNSCHEDULABLE = "UNSCHEDULABLE"
    ADMISSION_DENIED = "ADMISSION_DENIED"
    EVICTED = "EVICTED"
    NODE_TROUBLE = "NODE_TROUBLE"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    ERRORS_BURN = "ERRORS_BURN"  # found by the analysis while it was watched


Value = str | int | float
"""What fills a sentence: words from outside, counts, seconds."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of trouble, met by one or more of the new pods.

    Pods with the same signature (reason, container, exit code, normalised message) share one
    finding: "2 of 3 new pods". `pods` lists them, the one to ask for logs first.
    """

    reason: Reason
    outcome: Outcome
    pods: tuple[str, ...] = ()
    of: int = 0
    container: str = ""
    exit_code: int | None = None
    restarts: int = 0
    message: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Outcome, reason and the values that fill its sentence; `findings` are all troubles seen."""

    outcome: Outcome
    reason: Reason
    values: Mapping[str, Value] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

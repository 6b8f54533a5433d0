"""From the troubles of single pods to findings: "2 of 3 new pods", the worst first.

Source: research/rollouts.md §1.4 (aggregation) and §2 (one finding for each signature).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from bot.domain.patience import PODS_TOGETHER
from bot.domain.trouble import Trouble
from bot.domain.verdict import Finding, Outcome, Reason, Value

_SEVERITY = {Outcome.FAIL: 0, Outcome.WARN: 1}

_CAUSES_FIRST = (
    Reason.ADMISSION_DENIED,
    Reason.INVALID_IMAGE_NAME,
    Reason.IMAGE_NOT_FOUND,
    Reason.IMAGE_PULL_DENIED,
    Reason.CONFIG_MISSING,
    Reason.MOUNT_FAILED,
    Reason.START_FAILED,
    Reason.OOM_KILLED,
    Reason.INIT_FAILED,
    Reason.STARTUP_PROBE,
    Reason.LIVENESS_PROBE,
    Reason.CRASHED,
    Reason.IMAGE_PULL_FAILED,
    Reason.UNSCHEDULABLE,
    Reason.NODE_TROUBLE,
    Reason.EVICTED,
    Reason.READINESS_PROBE,
    Reason.AUTOSCALER,
)
"""A pod that crashes is not ready either: what causes the other comes first."""


def findings_of(
    troubles: Iterable[Trouble], of: int, *, together: int = PODS_TOGETHER
) -> tuple[Finding, ...]:
    """What is worth telling, worst and most causal first. `of` is the number of new pods."""
    alike: defaultdict[tuple[object, ...], list[Trouble]] = defaultdict(list)
    for trouble in troubles:
        if trouble.outcome in _SEVERITY:
            alike[trouble.signature].append(trouble)
    return tuple(sorted((_finding(group, of, together) for group in alike.values()), key=rank))


def rank(finding: Finding) -> tuple[object, ...]:
    cause = _CAUSES_FIRST.index(finding.reason)
    return (_SEVERITY[finding.outcome], cause, -len(finding.pods), finding.container, finding.pods)


def _finding(alike: Sequence[Trouble], of: int, together: int) -> Finding:
    ordered = sorted(alike, key=lambda t: (_SEVERITY[t.outcome], -t.restarts, t.pod))
    first = ordered[0]
    pods = tuple(dict.fromkeys(t.pod for t in ordered if t.pod))
    return Finding(
        first.reason,
        _together(first, ordered, of, together),
        pods=pods,
        of=max(of, len(pods)),
        container=first.container,
        exit_code=first.exit_code,
        restarts=first.restarts,
        message=first.message,
        values=first.values,
    )


def _together(first: Trouble, alike: Sequence[Trouble], of: int, together: int) -> Outcome:
    """One pod that a probe holds back while others become ready may be on a slow node."""
    failing = sum(t.outcome is Outcome.FAIL for t in alike)
    if first.reason is Reason.READINESS_PROBE and 0 < failing < min(together, max(of, 1)):
        return Outcome.WARN
    return first.outcome


def verdict_values(progress: Mapping[str, Value], finding: Finding) -> dict[str, Value]:
    """All that the sentence about a finding may speak of, with the rollout's own counters."""
    values: dict[str, Value] = {
        **progress,
        "container": finding.container,
        "restarts": finding.restarts,
        "message": finding.message,
        "pods": len(finding.pods),
        "of": finding.of,
        "count": len(finding.pods),
        "pod": finding.pods[0] if finding.pods else "",
        **finding.values,
    }
    if finding.exit_code is not None:
        values["exit_code"] = finding.exit_code
    return values

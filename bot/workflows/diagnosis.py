"""Why a rollout failed, gathered while its pods are still there: log tail and warnings, redacted.

Fetched in parallel and within three seconds: the card already tells the cause, this explains it
(research/rollouts.md §2: what robusta shows, with the log of the container before its restart).
"""

import asyncio
import re
from collections.abc import Sequence

from bot.domain.redaction import redact
from bot.domain.rollout import Diagnosis, Rollout
from bot.domain.shortage import Shortage, requests_of, shortages
from bot.domain.verdict import Finding, Reason
from bot.domain.workload import Event, Workload
from bot.errors import PortError
from bot.ports import LogTail
from bot.workflows.edges import Edges

_SECONDS = 3.0
_LOG_LINES = 20
_EVENTS = 8
_BY_CHANCE = re.compile(
    r"(?<=-)[bcdfghjklmnpqrstvwxz2456789]{5}(?![\w-])"  # as Kubernetes ends the name of a pod
    r"|\b\d{1,3}(?:\.\d{1,3}){3}\b(?::\d+)?|\[[0-9a-fA-F:]+\](?::\d+)?"
)
"""What differs from pod to pod in events that say the same: names, addresses, ports."""
_NEVER_STARTED = frozenset(
    {
        Reason.IMAGE_NOT_FOUND,
        Reason.IMAGE_PULL_DENIED,
        Reason.IMAGE_PULL_FAILED,
        Reason.INVALID_IMAGE_NAME,
        Reason.CONFIG_MISSING,
        Reason.MOUNT_FAILED,
        Reason.UNSCHEDULABLE,
        Reason.ADMISSION_DENIED,
    }
)
"""No container ran, so none wrote a line."""


async def diagnose(rollout: Rollout, seen: Workload, edges: Edges) -> Diagnosis:
    """Never raises PortError: what cannot be had is said in `unavailable`."""
    finding = _worst(rollout)
    if finding is None:
        return Diagnosis()
    tail, events = await asyncio.gather(
        _log(rollout, finding, edges), _events(rollout, seen, finding, edges)
    )
    log, unavailable = (tail, "") if isinstance(tail, LogTail) else (None, tail)
    return Diagnosis(
        pod=finding.pods[0] if finding.pods else "",
        container="" if finding.reason in _NEVER_STARTED else finding.container,
        previous=log is not None and log.previous,
        log=tuple(redact(line) for line in log.lines) if log else (),
        events=events,
        unavailable=redact(unavailable),
    )


async def explain(rollout: Rollout, edges: Edges) -> tuple[Shortage, ...]:
    """Why pods find no place, in numbers. Never raises PortError: without numbers the cluster's own
    words stand alone."""
    finding = _worst(rollout)
    if finding is None:
        return ()
    try:
        async with asyncio.timeout(_SECONDS):
            template, nodes = await asyncio.gather(
                edges.cluster.template(rollout.context, rollout.namespace, rollout.service),
                edges.cluster.room(rollout.context),
            )
    except (PortError, TimeoutError):
        return ()
    asks = requests_of(template.body) if template else {}
    return shortages(finding.message, asks, nodes)


def _worst(rollout: Rollout) -> Finding | None:
    findings = rollout.verdict.findings if rollout.verdict else ()
    return findings[0] if findings else None


async def _log(rollout: Rollout, finding: Finding, edges: Edges) -> LogTail | str:
    if not finding.pods or not finding.container or finding.reason in _NEVER_STARTED:
        return ""
    try:
        async with asyncio.timeout(_SECONDS):
            return await edges.cluster.log_tail(
                rollout.context,
                rollout.namespace,
                finding.pods[0],
                finding.container,
                previous=finding.restarts > 0,
                lines=_LOG_LINES,
            )
    except PortError as error:
        return error.values.get("message", "")
    except TimeoutError:
        return ""


async def _events(
    rollout: Rollout, seen: Workload, finding: Finding, edges: Edges
) -> tuple[str, ...]:
    uids = [pod.uid for pod in seen.new_pods if pod.name in finding.pods][:1]
    if seen.new_replica_set is not None:
        uids.append(seen.new_replica_set.uid)
    try:
        async with asyncio.timeout(_SECONDS):
            events = await edges.cluster.events(rollout.context, rollout.namespace, uids)
    except (PortError, TimeoutError):
        return ()
    return warnings(events)


def warnings(events: Sequence[Event], most: int = _EVENTS) -> tuple[str, ...]:
    """Warning events as lines, the latest last. Those that say the same of another pod or address
    are one line, in the words of the latest."""
    folded: dict[str, tuple[str, int]] = {}
    for event in events:
        if event.type == "Warning":
            line = redact(f"{event.reason}: {event.message}")
            same = _BY_CHANCE.sub("…", line)
            _, before = folded.pop(same, ("", 0))
            folded[same] = (line, before + max(1, event.count))
    lines = [line if n == 1 else f"{line} ×{n}" for line, n in folded.values()]
    return tuple(lines[-most:])

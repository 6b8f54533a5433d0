"""Containers that ran and ended, and containers that run and are not ready.

Crashes, kills for memory, kills by a probe, init containers that fail, readiness that never comes:
the rows of research/rollouts.md §1.4. Restarts are counted, since the waiting reason is only there
between two of them ("Crash alternates with Running"), and only those since the rollout count.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.patience import (
    CLOCK_SKEW,
    KILLS,
    QUIET_AFTER_RESTART,
    RESTARTS,
    Kind,
    readiness_limit,
    readiness_window,
)
from bot.domain.redaction import redact
from bot.domain.start_troubles import BACKING_OFF, CANNOT_RUN, NOT_STARTED, latest_end
from bot.domain.trouble import Scene, Trouble, container_key, of_kind, plain
from bot.domain.verdict import Outcome, Reason, Value
from bot.domain.workload import Condition, Container, Event, Pod, Termination

_PROBE_FAILED = re.compile(r"^Readiness probe (?:failed|errored[^:]*): ?")

KILLED = frozenset({137, 143})
"""SIGKILL and SIGTERM: how a process ends that the kubelet stops."""

LOST = frozenset({"ContainerStatusUnknown", "Unknown"})
"""The kubelet does not know how it ended (a node that was away): no crash of the application."""


def restarts_since(scene: Scene, pod: Pod, container: Container) -> int:
    """Restarts that happened since the change: a pod that is older had some before."""
    before = 0
    if _older(scene, pod):
        before = scene.recall.first(container_key("restarts", pod, container), container.restarts)
    return max(0, container.restarts - before)


def _older(scene: Scene, pod: Pod) -> bool:
    if pod.created_at is None:
        return False
    return pod.created_at < scene.change.at - timedelta(seconds=CLOCK_SKEW)


def ending_troubles(
    scene: Scene, pod: Pod, container: Container, restarts: int
) -> Iterator[Trouble]:
    """The container ran and ended: once is a warning, again and again is a failure."""
    ended = latest_end(container, restarts)
    backing_off = container.waiting_reason == BACKING_OFF
    if ended is None and not backing_off and not restarts:
        return
    if container.init and not container.sidecar and _succeeded(container):
        return
    if ended is not None and _told_elsewhere(ended, container):
        return
    kills = restarts + (0 if container.running_since else 1)
    reason, values = _why_ended(scene, pod, container, ended)
    fails = backing_off or restarts >= RESTARTS
    if reason in {Reason.OOM_KILLED, Reason.LIVENESS_PROBE, Reason.STARTUP_PROBE}:
        fails = backing_off or kills >= KILLS
    trouble = Trouble(
        reason,
        Outcome.FAIL if fails else Outcome.WARN,
        pod=pod.name,
        container=container.name,
        exit_code=ended.exit_code if ended else None,
        restarts=restarts,
        message=plain(redact(ended.message)) if ended else "",
        values=values if ended else {**values, "variant": "unknown"},
    )
    yield trouble if fails else _settling(scene, trouble, pod, container, restarts)


def _succeeded(container: Container) -> bool:
    return container.terminated is not None and container.terminated.exit_code == 0


def _told_elsewhere(ended: Termination, container: Container) -> bool:
    """A start that failed is told by start_troubles, unless it ran in the end."""
    if ended.exit_code in CANNOT_RUN and ended.reason != "OOMKilled":
        return True
    return ended.reason in NOT_STARTED and container.running_since is None


def _settling(
    scene: Scene, trouble: Trouble, pod: Pod, container: Container, restarts: int
) -> Trouble:
    """A container that runs again blocks a complete rollout no more, once it has run a while."""
    key = container_key(f"ended:{restarts}", pod, container)
    quiet_at = scene.recall.since(key) + timedelta(seconds=QUIET_AFTER_RESTART)
    quiet = container.running_since is not None and container.ready and scene.now >= quiet_at
    waits = container.running_since is not None and scene.now < quiet_at
    return replace(trouble, blocking=not quiet, again_at=quiet_at if waits else None)


def _why_ended(
    scene: Scene, pod: Pod, container: Container, ended: Termination | None
) -> tuple[Reason, dict[str, Value]]:
    if "OOMKilled" in _reasons_of(container):
        return Reason.OOM_KILLED, {"limit": container.memory_limit, **_no_limit(container)}
    if ended is not None:
        if ended.reason in LOST:
            return Reason.NODE_TROUBLE, {"node": pod.node, "variant": "lost"}
        probe = _killing_probe(scene, pod, container, ended)
        if probe is not None:
            asks = container.liveness if probe is Reason.LIVENESS_PROBE else container.startup
            return probe, {"probe": asks.asks if asks else ""}
    if container.init and not container.sidecar:
        return Reason.INIT_FAILED, {}
    return Reason.CRASHED, {}


def _reasons_of(container: Container) -> set[str]:
    return {t.reason for t in (container.terminated, container.last_terminated) if t is not None}


def _no_limit(container: Container) -> dict[str, Value]:
    return {} if container.memory_limit else {"variant": "node"}


def note_started(scene: Scene, pod: Pod, container: Container) -> None:
    """Remember for the pod's life in which of its runs (counted by restarts) a container's startup
    probe first let it pass."""
    key = container_key("started", pod, container)
    if container.started or scene.recall.seen_before(key):
        scene.recall.since(key)
        scene.recall.first(key, container.restarts)


# --- kills by a probe ---------------------------------------------------------------------------


def _killing_probe(
    scene: Scene, pod: Pod, container: Container, ended: Termination
) -> Reason | None:
    """The probe for which the kubelet stopped the container; None where it ended by itself.

    The status only says 137 or 143; the Events say why, and are remembered because they are not
    always at hand. Without any, a container that lived as long as its probe allows was killed.
    """
    key = container_key("killed", pod, container)
    event = _kill_event(scene, pod, container, ended)
    said = f"{event} {ended.exit_code}" if event else ""
    remembered = scene.recall.keep(key, said)
    if remembered:
        probe, _, code = remembered.partition(" ")
        return Reason(probe) if int(code) == ended.exit_code else None
    return _probe_that_fits(scene, pod, container, ended) if ended.exit_code in KILLED else None


def _kill_event(scene: Scene, pod: Pod, container: Container, ended: Termination) -> Reason | None:
    for event in scene.about(pod.uid, "Killing"):
        if not _concerns(event, container) or _before_start(event, ended):
            continue
        if "failed liveness probe" in event.message:
            return Reason.LIVENESS_PROBE
        if "failed startup probe" in event.message:
            return Reason.STARTUP_PROBE
    return None


def _concerns(event: Event, container: Container) -> bool:
    return event.message.startswith(f"Container {container.name} ")


def _before_start(event: Event, ended: Termination) -> bool:
    """A kill before this run of the container is no cause of its end."""
    return bool(event.last_at and ended.started_at and event.last_at < ended.started_at)


def _probe_that_fits(
    scene: Scene, pod: Pod, container: Container, ended: Termination
) -> Reason | None:
    if ended.started_at is None or ended.finished_at is None:
        return None
    lived = (ended.finished_at - ended.started_at).total_seconds()
    was_started = _started_by(scene, pod, container, _run_of(container, ended))
    for probe, reason in (
        (container.startup if not was_started else None, Reason.STARTUP_PROBE),
        (container.liveness, Reason.LIVENESS_PROBE),
    ):
        if probe and lived >= probe.initial_delay + (probe.failure_threshold - 1) * probe.period:
            return reason
    return None


def _run_of(container: Container, ended: Termination) -> int:
    """Which run ended so, counted by restarts: the present one, or the one before."""
    return container.restarts - (0 if ended is container.terminated else 1)


def _started_by(scene: Scene, pod: Pod, container: Container, run: int) -> bool:
    """Whether its startup probe had let it pass in that run, or in one before. A later run that
    starts says nothing of why this one ended."""
    first = scene.recall.count_of(container_key("started", pod, container))
    return first is not None and first <= run


def wants_kill_events(pod: Pod, container: Container, restarts: int) -> bool:
    """Whether an end looks like the kubelet's doing, so that the pod's Events should be asked."""
    ended = latest_end(container, restarts)
    return (
        ended is not None
        and ended.exit_code in {0, *KILLED}
        and ended.reason != "OOMKilled"
        and bool(container.liveness or container.startup)
    )


# --- ready or not -------------------------------------------------------------------------------


def readiness_troubles(scene: Scene, pod: Pod, container: Container) -> Iterator[Trouble]:
    """It runs, and its readiness probe does not let it serve."""
    if container.running_since is None:
        return
    started = container.startup is None or container.started
    if container.ready:
        scene.recall.since(container_key("ready", pod, container))
        return
    probe = container.readiness
    if probe is None or not started or (container.init and not container.sidecar):
        return
    key = container_key(f"unready:{container.restarts}", pod, container)
    since = scene.since(key, _running_since(scene, pod, container))
    warns = since + timedelta(seconds=readiness_window(container))
    limit = readiness_limit(container, scene.deployment.progress_deadline)
    fails = since + timedelta(seconds=limit)
    outcome, again_at = _by(scene.now, warns, fails)
    said = next((e.message for e in scene.about(pod.uid, "Unhealthy") if _unready(e)), "")
    yield Trouble(
        Reason.READINESS_PROBE,
        outcome,
        pod=pod.name,
        container=container.name,
        restarts=container.restarts,
        message=_PROBE_FAILED.sub("", plain(redact(scene.recall.keep(key, said)))).strip(),
        again_at=again_at,
        values={"probe": probe.asks, "seconds": round(limit)},
    )


def _running_since(scene: Scene, pod: Pod, container: Container) -> datetime | None:
    """The run's own start; not where something else came between: it was ready before, or a
    startup probe had to pass first (the cluster does not say when it did)."""
    was_ready = scene.recall.seen_before(container_key("ready", pod, container))
    if was_ready:
        scene.recall.since(container_key("ready", pod, container))
    if was_ready or container.startup is not None:
        return None
    return container.running_since


def _by(now: datetime, warns: datetime, fails: datetime) -> tuple[Outcome, datetime | None]:
    if now >= fails:
        return Outcome.FAIL, None
    return (Outcome.WARN, fails) if now >= warns else (Outcome.WAIT, min(warns, fails))


def _unready(event: Event) -> bool:
    return event.message.startswith("Readiness probe")


def gate_troubles(scene: Scene, pod: Pod) -> Iterator[Trouble]:
    """All containers are ready, and a readiness gate (a load balancer's, say) is not true."""
    ready = pod.condition("ContainersReady")
    if not pod.readiness_gates or ready is None or ready.status != "True":
        return
    for gate in pod.readiness_gates:
        condition = pod.condition(gate) or Condition(gate, "Unknown")
        if condition.status != "True":
            yield of_kind(
                scene,
                Kind.READINESS_GATE,
                Reason.READINESS_PROBE,
                pod,
                since=scene.recall.since(f"gate:{pod.uid}:{gate}"),
                message=condition.message or condition.reason,
                values={"variant": "gate", "gate": gate},
            )

"""Takes up the containers of a pod that ran before this kubelet began, from the pod's status alone.

As a kubelet that is started again, which asks the runtime: what runs goes on as old as it is, what
has ended waits out its back-off, and `logs --previous` still has the run before. Behaviours and
logs are functions of the pod, the image and the number of the run: they are found again, not kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from bot.sandbox.kubernetes.api_objects import instant
from bot.sandbox.kubernetes.container_run import Backoff, ContainerRun, Incarnation
from bot.sandbox.kubernetes.container_start import new_incarnation
from bot.sandbox.kubernetes.containers import Behaviour, behaviour_of
from bot.sandbox.kubernetes.images import Image, InvalidName, parse_image
from bot.sandbox.kubernetes.pod_config import MissingReference, environment
from bot.sandbox.kubernetes.pod_context import PodContext

_ROUNDED = 2.0  # seconds that a status, which tells whole ones, may be off
_WAITS = frozenset({"CrashLoopBackOff", "RunContainerError"})


class ContainerAdoption:
    """Of the containers of one pod; their next lives are the starter's (`container_start.py`)."""

    def __init__(self, pod: PodContext) -> None:
        self._pod = pod

    def adopt(self, run: ContainerRun, status: Mapping[str, Any]) -> None:
        """`status` is the container's own; empty where the pod's does not name it."""
        state = status.get("state") or {}
        last = (status.get("lastState") or {}).get("terminated")
        waiting = state.get("waiting") or {}
        ended = state.get("terminated") or (last if waiting.get("reason") in _WAITS else None) or {}
        if "running" not in state and not ended:
            return
        self._find_image(run)
        run.image_id = str(status.get("imageID", ""))
        count = int(status.get("restartCount", 0))
        if "running" in state:
            self._go_on(run, count, state["running"], str(status.get("containerID", "")))
            run.ready, run.started = bool(status.get("ready")), bool(status.get("started", True))
        else:
            run.current = self._ended(run, count, ended)
            run.reason = run.told = _reason(waiting)
        if last and last is not ended and count:
            run.past = [self._ended(run, count - 1, last)]
        run.restarts = count
        if count and run.current is not None:
            run.backoff = self._backoff(count, run.current)

    def _find_image(self, run: ContainerRun) -> None:
        host = self._pod.host
        try:
            name = parse_image(run.spec["image"])
        except InvalidName:
            return
        found = host.images.find_image(name.path, name.reference)
        run.image = found if isinstance(found, Image) else None
        host.keep_image(self._pod.node, run.spec["image"])

    def _go_on(
        self, run: ContainerRun, count: int, running: Mapping[str, Any], container_id: str
    ) -> None:
        started = instant(running["startedAt"])
        behaviour = self._behaviour(run)
        age = self._pod.since(started)
        if age > behaviour.lives + _ROUNDED:  # what would have ended it came after its start
            behaviour = self._behaviour(run, "healthy")
        run.restarts = count
        run.current = new_incarnation(self._pod, run, behaviour, started)
        run.current.id = container_id.removeprefix("containerd://") or run.current.id

    def _ended(self, run: ContainerRun, count: int, ended: Mapping[str, Any]) -> Incarnation:
        run.restarts = count
        started = instant(ended.get("startedAt") or ended["finishedAt"])
        behaviour = self._behaviour(run)
        found = new_incarnation(self._pod, run, behaviour, started)
        found.id = str(ended.get("containerID", "")).removeprefix("containerd://") or found.id
        found.ended = instant(ended["finishedAt"])
        lived = (found.ended - started).total_seconds()
        if abs(behaviour.lives - lived) < _ROUNDED:  # so that its last words are in its log
            found.ended = started + timedelta(seconds=behaviour.lives)
        found.exit_code = int(ended.get("exitCode", 0))
        found.reason, found.message = str(ended.get("reason", "")), str(ended.get("message", ""))
        found.noticed = True
        return found

    def _behaviour(self, run: ContainerRun, trouble: str | None = None) -> Behaviour:
        labels = run.image.labels if run.image is not None else {}
        env = dict(run.image.env) if run.image is not None else {}
        with suppress(MissingReference):  # taken away since it started
            env.update(environment(run.spec, self._pod.stored, self._pod.lookup()))
        trouble = self._pod.trouble if trouble is None else trouble
        return behaviour_of(run.spec, labels, env, trouble)

    def _backoff(self, count: int, current: Incarnation) -> Backoff:
        """Doubled with each restart; the latest failure is the one before this start."""
        backoff = Backoff()
        since = self._pod.monotonic() - self._pod.since(current.started)
        for _ in range(min(count, 10)):
            backoff.failed(since)
        return backoff


def _reason(waiting: Mapping[str, Any]) -> tuple[str, str] | None:
    reason = waiting.get("reason")
    return (str(reason), str(waiting.get("message", ""))) if reason else None

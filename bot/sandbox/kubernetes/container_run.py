"""A container of a pod over its lives: what runs, what ran before, what keeps it from running.

State only; `container_start.py` brings it up, `pod_worker.py` watches over it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.sandbox.kubernetes.container_logs import ContainerLog
from bot.sandbox.kubernetes.containers import Behaviour
from bot.sandbox.kubernetes.images import Image
from bot.sandbox.kubernetes.pod_status import ContainerView
from bot.sandbox.kubernetes.probes import Probe

Object = dict[str, Any]
_FIRST_BACKOFF = 10.0
_LONGEST_BACKOFF = 300.0
_CLEAN = 600.0  # seconds without a crash after which the back-off starts again


@dataclass(slots=True)
class Backoff:
    """10 s, 20, 40 … 300: how long to wait after a failure, and since when."""

    seconds: float = 0.0
    since: float = 0.0

    def holds(self, now: float, failed: float) -> bool:
        """Is it too early for another try, after a failure at that time?"""
        counts = self.seconds > 0 and failed - self.since <= _CLEAN
        return counts and now - failed < self.seconds

    def failed(self, at: float) -> None:
        """One more failure, which happened `at`; the next wait is twice as long."""
        fresh = self.seconds == 0.0 or at - self.since > _CLEAN
        self.seconds = _FIRST_BACKOFF if fresh else min(self.seconds * 2, _LONGEST_BACKOFF)
        self.since = at


@dataclass(slots=True)
class Incarnation:
    """One run of a container."""

    number: int
    id: str
    started: datetime
    behaviour: Behaviour
    log: ContainerLog
    ended: datetime | None = None
    exit_code: int = 0
    reason: str = ""
    message: str = ""
    noticed: bool = False  # the kubelet knows of the end
    at_end: list[Callable[[], None]] = field(default_factory=list)  # who follows its log

    def running_state(self) -> Object:
        return {"running": {"startedAt": _stamp(self.started)}}

    def terminated_state(self) -> Object:
        ended: Object = {"exitCode": self.exit_code, "reason": self.reason}
        if self.message:
            ended["message"] = self.message
        ended["startedAt"] = _stamp(self.started)
        ended["finishedAt"] = _stamp(self.ended or self.started)
        ended["containerID"] = f"containerd://{self.id}"
        return {"terminated": ended}


@dataclass(slots=True)
class ContainerRun:
    """A container of the pod: what it is, what it was, what keeps it from running."""

    spec: Object
    init: bool = False
    current: Incarnation | None = None
    past: list[Incarnation] = field(default_factory=list)
    restarts: int = 0
    ready: bool = False
    started: bool = False
    busy: bool = False  # being pulled, created or started
    reason: tuple[str, str] | None = None  # found by the last sync
    told: tuple[str, str] | None = None  # what the status says: the reason found before it
    backoff: Backoff = field(default_factory=Backoff)
    pull_backoff: Backoff = field(default_factory=Backoff)
    pull_error: str = ""
    image_id: str = ""
    image: Image | None = None
    probes: list[Probe] = field(default_factory=list)

    @property
    def name(self) -> str:
        return str(self.spec["name"])

    @property
    def field_path(self) -> str:
        """Where it stands in the pod, as events name it."""
        return f"spec.{'initContainers' if self.init else 'containers'}{{{self.name}}}"

    @property
    def port(self) -> int:
        ports = self.spec.get("ports") or [{"containerPort": 8080}]
        return int(ports[0]["containerPort"])

    @property
    def runs(self) -> bool:
        return self.current is not None and not self.current.noticed

    @property
    def done(self) -> bool:
        """An init container that has finished its work, or a sidecar that has started."""
        if self.spec.get("restartPolicy") == "Always":
            return self.started
        return self.current is not None and self.current.noticed and self.current.exit_code == 0


def view_of(run: ContainerRun, *, initialized: bool, has_init: bool) -> ContainerView:
    """The container as the status tells it; `initialized`: the init containers are done."""
    view = ContainerView(run.name, run.spec["image"], {}, spec=run.spec)
    last = run.past[-1].terminated_state() if run.past else {}
    current = run.current
    if current is None:
        reason, message = run.told or (
            "ContainerCreating" if initialized and not has_init else "PodInitializing",
            "",
        )
        view.state = _waiting(reason, message)
    elif not current.noticed:
        view.state, view.last_state = current.running_state(), last
    elif run.told is not None:
        view.state = _waiting(*run.told)
        view.last_state = current.terminated_state()
    else:
        view.state, view.last_state = current.terminated_state(), last
    view.restarts = run.restarts
    view.ready = run.done if run.init else run.ready
    view.started = run.started
    if current is not None:
        view.image_id = run.image_id
        view.container_id = f"containerd://{current.id}"
    return view


def _waiting(reason: str, message: str) -> Object:
    return {"waiting": {"reason": reason, "message": message} if message else {"reason": reason}}


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

"""One pod on its node, from its binding to its end.

The order of things is the kubelet's (pkg/kubelet: SyncPod, pod_workers, kuberuntime): a sync first
writes the status that it finds, and then acts, so the status is one sync behind the events; what
became of a container is noticed with the next tick of the PLEG; an error brings the pod back with
the next tick, then after 10 to 15 s, or when a container's back-off is over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from bot.sandbox.clock import Handle
from bot.sandbox.kubernetes.api_objects import instant
from bot.sandbox.kubernetes.container_logs import ContainerLog
from bot.sandbox.kubernetes.containers import (
    Behaviour,
    ProbeAnswer,
    answer_probe,
    behaviour_of,
    refused,
    with_port_number,
)
from bot.sandbox.kubernetes.images import Image, ImageName, InvalidName, parse_image, pull_refusal
from bot.sandbox.kubernetes.pod_config import MissingReference, environment, missing_volumes
from bot.sandbox.kubernetes.pod_status import ContainerView, PodView, status_of
from bot.sandbox.kubernetes.probes import Probe, ProbeHost, probe_spec
from bot.sandbox.kubernetes.storage import NotFound
from bot.sandbox.kubernetes.work_queue import key_of

if TYPE_CHECKING:
    from bot.sandbox.kubernetes.kubelet import Kubelet

Object = dict[str, Any]
_FIRST_BACKOFF = 10.0
_LONGEST_BACKOFF = 300.0
_CLEAN = 600.0  # seconds without a crash after which the back-off starts again
_FIRST_MOUNT_RETRY = 0.5
_LONGEST_MOUNT_RETRY = 122.0
_KILLED = 137
_CANNOT_START = 128
_PAST_KEPT = 2


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
    def runs(self) -> bool:
        return self.current is not None and not self.current.noticed

    @property
    def done(self) -> bool:
        """An init container that has finished its work, or a sidecar that has started."""
        if self.spec.get("restartPolicy") == "Always":
            return self.started
        return self.current is not None and self.current.noticed and self.current.exit_code == 0


class PodWorker:
    """Drives one pod; all its timers end with `stop`."""

    def __init__(self, kubelet: Kubelet, pod: Object) -> None:
        self._kubelet = kubelet
        self._pod = pod
        self._uid: str = pod["metadata"]["uid"]
        self._node: str = pod["spec"]["nodeName"]
        self._times = kubelet.timings
        self._events = kubelet.events(self._node)
        self._timers: dict[int, Handle] = {}
        self._timer_count = 0
        self._sandbox_ready = False
        self._terminating = False
        self._over = False
        self._sync_due: float | None = None
        self._sync_timer: int | None = None
        self._mount_retry = _FIRST_MOUNT_RETRY
        self._host_ip = kubelet.node_address(self._node)
        self._ip = pod.get("status", {}).get("podIP") or kubelet.pod_address(pod)
        spec = pod["spec"]
        self._init = [ContainerRun(each, init=True) for each in spec.get("initContainers") or ()]
        self._main = [ContainerRun(each) for each in spec["containers"]]

    # From outside

    def begin(self) -> None:
        """Take the pod up: a new one from its start, one that runs already as it is."""
        if self._pod.get("status", {}).get("phase") == "Running":
            self._adopt()
        elif "deletionTimestamp" not in self._pod["metadata"]:
            self._later(self._times.notice, self._prepare)

    def observe(self, pod: Object) -> None:
        """The pod as it is stored now."""
        self._pod = pod
        if "deletionTimestamp" in pod["metadata"] and not self._terminating:
            self._terminating = True
            self.stop()
            self._later(self._times.kill, self._terminate)

    def stop(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        for run in self._all():
            for probe in run.probes:
                probe.stop()

    def container(self, name: str) -> ContainerRun | None:
        return next((run for run in self._all() if run.name == name), None)

    # Up

    def _adopt(self) -> None:
        """A pod that ran before this kubelet started, as its status tells."""
        self._sandbox_ready = True
        statuses = {
            each["name"]: each for each in self._pod["status"].get("containerStatuses") or ()
        }
        for run in self._main:
            status = statuses.get(run.name, {})
            state = status.get("state", {}).get("running")
            if state is None:
                continue
            name = parse_image(run.spec["image"])
            found = self._kubelet.images.find_image(name.path, name.reference)
            run.image = found if isinstance(found, Image) else None
            run.image_id = status.get("imageID", "")
            run.restarts = int(status.get("restartCount", 0))
            behaviour = behaviour_of(run.spec, run.image.labels if run.image else {}, {}, "healthy")
            run.current = self._incarnation(run, behaviour, instant(state["startedAt"]))
            run.current.id = str(status.get("containerID", "")).removeprefix("containerd://")
            run.started = run.ready = True
            self._kubelet.keep_image(self._node, run.spec["image"])
        for run in self._init:
            run.current = self._incarnation(run, Behaviour(), self._kubelet.clock.now())
            run.current.noticed = True

    def _prepare(self) -> None:
        """First status; volumes; then the sandbox."""
        self._publish()
        self._mount()

    def _mount(self) -> None:
        missing = missing_volumes(self._pod, self._kubelet.lookup(key_of(self._pod)[0]))
        for message in missing:
            self._events.warning(self._pod, "FailedMount", message)
        if missing:
            self._later(self._mount_retry, self._mount)
            self._mount_retry = min(self._mount_retry * 2, _LONGEST_MOUNT_RETRY)
        else:
            self._later(self._times.sandbox, self._sandbox_up)

    def _sandbox_up(self) -> None:
        self._sandbox_ready = True
        self._advance(fresh=True)
        self._later(self._times.tell, self._publish)

    def _sync(self) -> None:
        self._sync_timer = self._sync_due = None
        for run in self._all():
            run.told = run.reason
        self._publish()
        self._advance(fresh=False)

    def _advance(self, *, fresh: bool) -> None:
        """Start what should run and does not: init containers one by one, then the others."""
        for run in self._init:
            if not run.done:
                if not run.runs and not run.busy:
                    self._attempt(run, fresh=fresh)
                return
        for run in self._main:
            if not run.runs and not run.busy:
                self._attempt(run, fresh=fresh)

    def _attempt(self, run: ContainerRun, *, fresh: bool) -> None:
        """Try to start a container; what keeps it from starting is remembered for the status."""
        if not self._may_start(run, fresh=fresh):
            return
        try:
            name = parse_image(run.spec["image"])
        except InvalidName as error:
            self._warn(run, "InspectFailed", str(error))
            self._refuse(run, "InvalidImageName", str(error), "InvalidImageName", fresh=fresh)
            return
        if self._present(run):
            self._use(run, name, fresh=fresh)
        elif _pull_policy(run) == "Never":
            message = (
                f'Container image "{run.spec["image"]}" is not present with pull policy of Never'
            )
            self._warn(run, "ErrImageNeverPull", message)
            self._refuse(run, "ErrImageNeverPull", message, "ErrImageNeverPull", fresh=fresh)
        else:
            self._pull(run, name, fresh=fresh)

    def _may_start(self, run: ContainerRun, *, fresh: bool) -> bool:
        """Does the restart policy allow it, and is its back-off over?"""
        last = run.current
        if last is None or last.ended is None:
            return True
        policy = self._pod["spec"].get("restartPolicy", "Always")
        if run.init and policy == "Always":
            policy = "OnFailure"
        if policy == "Never" or (policy == "OnFailure" and last.exit_code == 0):
            return False
        now = self._now()
        ended = now - (self._kubelet.clock.now() - last.ended).total_seconds()
        if run.backoff.holds(now, ended):
            seconds = _duration(run.backoff.seconds)
            namespace, pod = key_of(self._pod)
            whole = f"{pod}_{namespace}({self._uid})"
            self._warn(
                run, "BackOff", f"Back-off restarting failed container {run.name} in pod {whole}"
            )
            run.reason = (
                "CrashLoopBackOff",
                f"back-off {seconds} restarting failed container={run.name} pod={whole}",
            )
            self._come_back(None if fresh else run.backoff.seconds)
            return False
        run.backoff.failed(ended)
        return True

    def _refuse(
        self, run: ContainerRun, reason: str, message: str, error: str, *, fresh: bool
    ) -> None:
        """The container cannot start: an event, a reason, another try."""
        run.reason = (reason, message)
        run.busy = False
        self._warn(run, "Failed", f"Error: {error}")
        self._come_back(None if fresh else self._times.retry)

    # Images

    def _present(self, run: ContainerRun) -> bool:
        if self._kubelet.trouble.of(self._pod) in ("bad-tag", "denied-pull"):
            return False
        image = run.spec["image"]
        return _pull_policy(run) != "Always" and self._kubelet.has_image(self._node, image)

    def _use(self, run: ContainerRun, name: ImageName, *, fresh: bool) -> None:
        found = self._kubelet.images.find_image(name.path, name.reference)
        if isinstance(found, Image):
            run.image = found
        self._tell(
            run,
            "Pulled",
            f'Container image "{run.spec["image"]}" already present on machine and can be accessed '
            "by the pod",
        )
        self._configure(run, name, fresh=fresh)

    def _pull(self, run: ContainerRun, name: ImageName, *, fresh: bool) -> None:
        image = run.spec["image"]
        if run.pull_backoff.holds(self._now(), run.pull_backoff.since):
            self._tell(run, "BackOff", f'Back-off pulling image "{image}"')
            message = f'Back-off pulling image "{image}": ErrImagePull: {run.pull_error}'
            self._refuse(run, "ImagePullBackOff", message, "ImagePullBackOff", fresh=fresh)
            return
        self._tell(run, "Pulling", f'Pulling image "{image}"')
        found = self._ask_registry(name)
        run.busy = True
        if isinstance(found, Image):
            seconds = _pull_seconds(found)
            self._later(seconds, partial(self._pulled, run, name, found, seconds, fresh=fresh))
        else:
            self._later(
                self._times.refused_pull,
                lambda: self._not_pulled(run, pull_refusal(image, name, found), fresh=fresh),
            )

    def _ask_registry(self, name: ImageName) -> Image | int:
        trouble = self._kubelet.trouble.of(self._pod)
        if trouble == "bad-tag":
            return 404
        if trouble == "denied-pull":
            return 403
        found = self._kubelet.images.find_image(name.path, name.reference)
        if found == 401 and self._pod["spec"].get("imagePullSecrets"):
            return 403
        return found

    def _pulled(
        self, run: ContainerRun, name: ImageName, image: Image, seconds: float, *, fresh: bool
    ) -> None:
        run.image = image
        run.pull_backoff = Backoff()
        self._kubelet.keep_image(self._node, run.spec["image"])
        took = f"{seconds:.3f}s" if seconds >= 1 else f"{seconds * 1000:.0f}ms"
        self._tell(
            run,
            "Pulled",
            f'Successfully pulled image "{run.spec["image"]}" in {took} ({took} including '
            f"waiting). Image size: {image.size} bytes.",
        )
        self._configure(run, name, fresh=fresh)

    def _not_pulled(self, run: ContainerRun, error: str, *, fresh: bool) -> None:
        run.pull_backoff.failed(self._now())
        run.pull_error = error
        self._warn(run, "Failed", f'Failed to pull image "{run.spec["image"]}": {error}')
        self._refuse(run, "ErrImagePull", error, "ErrImagePull", fresh=fresh)

    # Create and start

    def _configure(self, run: ContainerRun, name: ImageName, *, fresh: bool) -> None:
        namespace = key_of(self._pod)[0]
        try:
            env = environment(run.spec, self._pod, self._kubelet.lookup(namespace))
        except MissingReference as missing:
            words = str(missing)
            self._refuse(run, "CreateContainerConfigError", words, words, fresh=fresh)
            return
        digest = run.image.digest if run.image is not None else _unknown_digest(run)
        run.image_id = f"{name.host}/{name.path}@{digest}"
        run.busy = True
        image_env = dict(run.image.env) if run.image is not None else {}
        self._later(self._times.create, lambda: self._created(run, {**image_env, **env}))

    def _created(self, run: ContainerRun, env: Mapping[str, str]) -> None:
        self._tell(run, "Created", "Container created")
        self._later(self._times.start, lambda: self._started(run, env))

    def _started(self, run: ContainerRun, env: Mapping[str, str]) -> None:
        labels = run.image.labels if run.image is not None else {}
        trouble = "" if run.init else self._kubelet.trouble.of(self._pod)
        behaviour = behaviour_of(run.spec, labels, env, trouble)
        if run.init and behaviour.lives == float("inf") and not run.spec.get("restartPolicy"):
            behaviour = replace(behaviour, lives=0.8, exit_code=0, says=(), style="quiet")
        if run.current is not None:
            run.past = [*run.past, run.current][-_PAST_KEPT:]
            run.restarts += 1
        run.current = self._incarnation(run, behaviour, self._kubelet.clock.now())
        run.busy = False
        run.reason = run.told = None
        if behaviour.start_error:
            self._cannot_start(run, behaviour.start_error)
            return
        run.started = probe_spec(run.spec, "startup") is None
        run.ready = run.started and probe_spec(run.spec, "readiness") is None
        self._tell(run, "Started", "Container started")
        self._later(self._times.tell, self._publish)
        if run.init and run.started:
            self._later(self._times.tell, lambda: self._advance(fresh=True))
        if behaviour.lives != float("inf"):
            incarnation = run.current
            self._later(behaviour.lives, lambda: self._ended(run, incarnation))
        self._probe(run)

    def _cannot_start(self, run: ContainerRun, error: str) -> None:
        self._warn(run, "Failed", f"Error: {error}")
        run.reason = ("RunContainerError", error)
        current = run.current
        if current is not None:
            current.ended, current.exit_code = current.started, _CANNOT_START
            current.reason, current.message = "StartError", error
            current.noticed = True
        self._come_back(None)

    def _incarnation(
        self, run: ContainerRun, behaviour: Behaviour, started: datetime
    ) -> Incarnation:
        number = run.restarts
        identity = hashlib.sha256(f"{self._uid}/{run.name}/{number}".encode()).hexdigest()
        labels = self._pod["metadata"].get("labels") or {}
        service = labels.get("app.kubernetes.io/name") or run.name
        log = ContainerLog(service, identity, started, behaviour, _port(run))
        return Incarnation(number, identity, started, behaviour, log)

    # The end of a container

    def _ended(self, run: ContainerRun, incarnation: Incarnation | None) -> None:
        """The process is gone; the kubelet notices with the next tick."""
        if incarnation is None or incarnation.ended is not None:
            return
        behaviour = incarnation.behaviour
        self._end(incarnation, behaviour.exit_code, behaviour.reason)
        self._later(
            self._kubelet.to_tick(self._times.relist, 0.0), lambda: self._notice(run, incarnation)
        )

    def _end(self, incarnation: Incarnation, code: int, reason: str) -> None:
        incarnation.ended = self._kubelet.clock.now()
        incarnation.exit_code, incarnation.reason = code, reason
        for wake in [*incarnation.at_end]:
            wake()

    def _notice(self, run: ContainerRun, incarnation: Incarnation) -> None:
        incarnation.noticed = True
        run.started = run.ready = False
        for probe in run.probes:
            probe.stop()
        run.probes = []
        self._publish()
        self._advance(fresh=True)

    # Probes

    def _probe(self, run: ContainerRun) -> None:
        """Start the container's probes; the startup probe first, and the others after it."""
        kinds = ("startup",) if not run.started else ("readiness", "liveness")
        incarnation = run.current
        for kind in kinds:
            spec = probe_spec(run.spec, kind)
            if spec is None or incarnation is None:
                continue
            probe = Probe(kind, spec, self._probe_host(run, incarnation))
            run.probes.append(probe)
            probe.start()

    def _probe_host(self, run: ContainerRun, incarnation: Incarnation) -> ProbeHost:
        def age() -> float:
            return (self._kubelet.clock.now() - incarnation.started).total_seconds()

        def ask(kind: str, named: Mapping[str, Any]) -> ProbeAnswer | str:
            spec = with_port_number(named, run.spec)
            if incarnation.ended is None:
                return answer_probe(kind, spec, incarnation.behaviour, age(), self._ip)
            if "exec" in spec:
                return (
                    "rpc error: code = NotFound desc = failed to exec in container: failed to load "
                    f"task: no running task found: task {incarnation.id} not found: not found"
                )
            return ProbeAnswer(False, refused(spec, self._ip), float("inf"))

        return ProbeHost(
            age=age,
            ask=ask,
            later=self._later,
            to_beat=lambda seconds: self._kubelet.to_tick(self._times.relist, seconds),
            unhealthy=lambda message: self._warn(run, "Unhealthy", message),
            turned=lambda kind, ok: self._turned(run, incarnation, kind, ok=ok),
            first=self._times.first_probe,
        )

    def _turned(self, run: ContainerRun, incarnation: Incarnation, kind: str, *, ok: bool) -> None:
        if kind == "readiness":
            if run.ready is not ok:
                run.ready = ok
                self._publish()
        elif not ok:
            self._restart(run, incarnation, kind)
        elif kind == "startup":
            run.started = True
            run.ready = probe_spec(run.spec, "readiness") is None
            self._publish()
            self._probe(run)
            if run.init:
                self._advance(fresh=True)

    def _restart(self, run: ContainerRun, incarnation: Incarnation, kind: str) -> None:
        """A liveness or startup probe has failed too often."""
        for probe in run.probes:
            probe.stop()
        self._tell(run, "Killing", f"Container {run.name} failed {kind} probe, will be restarted")
        grace = float(self._pod["spec"].get("terminationGracePeriodSeconds", 30))
        seconds, code, reason = self._way_to_stop(incarnation.behaviour, grace)

        def end() -> None:
            if incarnation.ended is None:
                self._end(incarnation, code, reason)
                self._later(
                    self._kubelet.to_tick(self._times.relist, 0.0),
                    lambda: self._notice(run, incarnation),
                )

        self._later(seconds, end)

    # Down

    def _terminate(self) -> None:
        """SIGTERM to everything; SIGKILL when the grace period is over."""
        meta = self._pod["metadata"]
        grace = float(meta.get("deletionGracePeriodSeconds") or 0)
        running = [run for run in self._all() if run.runs]
        last = 0.0
        for run in running:
            incarnation = run.current
            self._tell(run, "Killing", f"Stopping container {run.name}")
            if incarnation is None:
                continue
            seconds, code, reason = self._way_to_stop(incarnation.behaviour, grace)
            if incarnation.ended is None:
                self._say_goodbye(incarnation, seconds, code)
            self._later(seconds, partial(self._stopped, incarnation, code, reason))
            last = max(last, seconds)
        self._later(self._times.tell, self._publish)
        if running:
            self._later(last + self._times.tell, self._all_stopped)
        else:
            self._later(self._kubelet.to_tick(self._times.relist, 0.1), self._remove)

    def _way_to_stop(self, behaviour: Behaviour, grace: float) -> tuple[float, int, str]:
        """Seconds to the end, exit code and reason of a container that is told to stop."""
        if behaviour.stops_after is not None and behaviour.stops_after <= grace:
            return behaviour.stops_after, 0, "Completed"
        return max(grace + 0.05, self._times.minimum_grace), _KILLED, "Error"

    def _say_goodbye(self, incarnation: Incarnation, seconds: float, code: int) -> None:
        if code != 0 or incarnation.behaviour.style != "service":
            return
        age = (self._kubelet.clock.now() - incarnation.started).total_seconds()
        words = (
            (age, 'msg="received SIGTERM, finishing open requests"'),
            (age + seconds * 0.9, 'msg="stopped"'),
        )
        if age < 600:  # a longer log would have to be counted line by line
            incarnation.log = replace(incarnation.log, closing=words)

    def _stopped(self, incarnation: Incarnation, code: int, reason: str) -> None:
        if incarnation.ended is None:
            self._end(incarnation, code, reason)
        incarnation.noticed = True

    def _all_stopped(self) -> None:
        self._over = True
        for run in self._all():
            run.ready = run.started = False
            run.told = None
        self._publish()
        self._later(self._kubelet.to_tick(self._times.relist, 0.1), self._remove)

    def _remove(self) -> None:
        """The last write: no grace left, and the pod is gone."""
        stored = self._kubelet.storage.get("pods", *key_of(self._pod))
        if stored is None or stored["metadata"]["uid"] != self._uid:
            return
        stored["metadata"]["deletionGracePeriodSeconds"] = 0
        stored["metadata"].pop("finalizers", None)
        try:
            self._kubelet.storage.update("pods", stored)
        except NotFound:
            return

    # Telling

    def _publish(self) -> None:
        """Write the pod's status as the kubelet sees it."""
        initialized = all(run.done for run in self._init)
        view = PodView(
            [self._view(run, initialized=initialized) for run in self._main],
            [self._view(run, initialized=True) for run in self._init],
            self._sandbox_ready,
            initialized,
            self._over,
        )
        now = self._kubelet.storage.timestamp()

        def change(stored: Object) -> None:
            stored["status"] = status_of(stored, view, now, self._host_ip, self._ip)

        stored = self._kubelet.pods.get(key_of(self._pod))
        if stored is None or stored["metadata"]["uid"] != self._uid:
            return
        self._kubelet.storage.update_status("pods", *key_of(self._pod), change, manager="kubelet")

    def _view(self, run: ContainerRun, *, initialized: bool) -> ContainerView:
        view = ContainerView(run.name, run.spec["image"], {}, spec=run.spec)
        last = run.past[-1].terminated_state() if run.past else {}
        current = run.current
        if current is None:
            reason, message = run.told or (
                "ContainerCreating" if initialized and not self._init else "PodInitializing",
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

    def _tell(self, run: ContainerRun, reason: str, message: str) -> None:
        self._events.normal(self._pod, reason, message, _field_path(run))

    def _warn(self, run: ContainerRun, reason: str, message: str) -> None:
        self._events.warning(self._pod, reason, message, _field_path(run))

    # Time

    def _now(self) -> float:
        return self._kubelet.clock.monotonic()

    def _come_back(self, seconds: float | None) -> None:
        """Sync again: with the next relist (None), or on the first work tick after so long."""
        if seconds is None:
            wait = self._kubelet.to_tick(self._times.relist, 0.05)
        else:
            wait = self._kubelet.to_tick(self._times.work, seconds)
        due = self._now() + wait
        if self._sync_due is not None and self._sync_due <= due:
            return
        if self._sync_timer is not None:
            self._timers.pop(self._sync_timer).cancel()
        self._sync_due = due
        self._sync_timer = self._later(wait, self._sync)

    def _later(self, seconds: float, fn: Callable[[], None]) -> int:
        """Run later, unless the worker is stopped before."""
        self._timer_count += 1
        number = self._timer_count

        def run() -> None:
            self._timers.pop(number, None)
            fn()

        self._timers[number] = self._kubelet.clock.call_later(seconds, run)
        return number

    def _all(self) -> list[ContainerRun]:
        return [*self._init, *self._main]


def _port(run: ContainerRun) -> int:
    ports = run.spec.get("ports") or [{"containerPort": 8080}]
    return int(ports[0]["containerPort"])


def _waiting(reason: str, message: str) -> Object:
    return {"waiting": {"reason": reason, "message": message} if message else {"reason": reason}}


def _field_path(run: ContainerRun) -> str:
    return f"spec.{'initContainers' if run.init else 'containers'}{{{run.name}}}"


def _pull_policy(run: ContainerRun) -> str:
    policy = run.spec.get("imagePullPolicy")
    if policy:
        return str(policy)
    image = str(run.spec["image"])
    tagged = "@" in image or (":" in image.rpartition("/")[2] and not image.endswith(":latest"))
    return "IfNotPresent" if tagged else "Always"


def _pull_seconds(image: Image) -> float:
    """Between 0.8 and 2.3 s, the same for the same image."""
    return 0.8 + int(hashlib.sha256(image.digest.encode()).hexdigest()[:4], 16) % 1500 / 1000


def _unknown_digest(run: ContainerRun) -> str:
    return "sha256:" + hashlib.sha256(str(run.spec["image"]).encode()).hexdigest()


def _duration(seconds: float) -> str:
    """As Go prints it: 10s, 1m20s, 5m0s."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

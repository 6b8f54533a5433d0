"""One pod on its node, from its binding to its end.

The order of things is the kubelet's (pkg/kubelet: SyncPod, pod_workers, kuberuntime): a sync first
writes the status that it finds, and then acts, so the status is one sync behind the events; what
became of a container is noticed with the next tick of the PLEG; an error brings the pod back with
the next tick, then after 10 to 15 s, or when a container's back-off is over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from bot.sandbox.clock import Handle
from bot.sandbox.kubernetes.container_adoption import ContainerAdoption
from bot.sandbox.kubernetes.container_run import ContainerRun, Incarnation, view_of
from bot.sandbox.kubernetes.container_start import ContainerStarter
from bot.sandbox.kubernetes.containers import (
    Behaviour,
    ProbeAnswer,
    answer_probe,
    refused,
    with_port_number,
)
from bot.sandbox.kubernetes.pod_config import missing_volumes
from bot.sandbox.kubernetes.pod_status import PodView, status_of
from bot.sandbox.kubernetes.probes import Probe, ProbeHost, probe_spec
from bot.sandbox.kubernetes.stored import NotFound
from bot.sandbox.kubernetes.work_queue import key_of

if TYPE_CHECKING:
    from bot.sandbox.kubernetes.kubelet import Kubelet

Object = dict[str, Any]
_FIRST_MOUNT_RETRY = 0.5
_LONGEST_MOUNT_RETRY = 122.0
_KILLED = 137


class PodWorker:
    """Drives one pod; all its timers end with `stop`."""

    def __init__(self, kubelet: Kubelet, pod: Object) -> None:
        self.kubelet = kubelet
        self.pod = pod
        self.uid: str = pod["metadata"]["uid"]
        self.node: str = pod["spec"]["nodeName"]
        self.times = kubelet.timings
        self._events = kubelet.events(self.node)
        self.starter = ContainerStarter(self)
        self._adoption = ContainerAdoption(self)
        self._timers: dict[int, Handle] = {}
        self._timer_count = 0
        self._sandbox_ready = False
        self._terminating = False
        self._over = False
        self._sync_due: float | None = None
        self._sync_timer: int | None = None
        self._mount_retry = _FIRST_MOUNT_RETRY
        self._host_ip = kubelet.node_address(self.node)
        self._ip = pod.get("status", {}).get("podIP") or kubelet.pod_address(pod)
        spec = pod["spec"]
        self._init = [ContainerRun(each, init=True) for each in spec.get("initContainers") or ()]
        self._main = [ContainerRun(each) for each in spec["containers"]]

    # From outside

    def begin(self) -> None:
        """Take the pod up: a new one from its start, one that runs already as it is."""
        if self.pod.get("status", {}).get("phase") == "Running":
            self._adopt()
        elif "deletionTimestamp" not in self.pod["metadata"]:
            self.later(self.times.notice, self._prepare)

    def observe(self, pod: Object) -> None:
        """The pod as it is stored now."""
        self.pod = pod
        if "deletionTimestamp" in pod["metadata"] and not self._terminating:
            self._terminating = True
            self.stop()
            self.later(self.times.kill, self._terminate)

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
        status = self.pod["status"]
        told = {each["name"]: each for each in status.get("containerStatuses") or ()}
        for run in self._main:
            self._adoption.adopt(run, told.get(run.name, {}))
        for run in self._init:
            run.current = self.starter.incarnation(run, Behaviour(), self.kubelet.clock.now())
            run.current.noticed = True
        for run in self._main:
            if run.current is not None and run.current.ended is None:
                self._watch_over(run, run.current)
        if "deletionTimestamp" not in self.pod["metadata"] and not all(r.runs for r in self._main):
            self.later(self.times.notice, lambda: self._advance(fresh=False))

    def _watch_over(self, run: ContainerRun, incarnation: Incarnation) -> None:
        """Its end, and its probes; a healthy one that serves needs no timer."""
        behaviour = incarnation.behaviour
        if behaviour.lives != float("inf"):
            age = (self.kubelet.clock.now() - incarnation.started).total_seconds()
            left = max(0.0, behaviour.lives - age)
            self.later(left, lambda: self._ended(run, incarnation))
        steady = behaviour.ready_after is not None and behaviour.healthy_until == float("inf")
        if not (run.started and run.ready and steady):
            self._probe(run)

    def _prepare(self) -> None:
        """First status; volumes; then the sandbox."""
        self.publish()
        self._mount()

    def _mount(self) -> None:
        missing = missing_volumes(self.pod, self.kubelet.lookup(key_of(self.pod)[0]))
        for message in missing:
            self._events.warning(self.pod, "FailedMount", message)
        if missing:
            self.later(self._mount_retry, self._mount)
            self._mount_retry = min(self._mount_retry * 2, _LONGEST_MOUNT_RETRY)
        else:
            self.later(self.times.sandbox, self._sandbox_up)

    def _sandbox_up(self) -> None:
        self._sandbox_ready = True
        self._advance(fresh=True)
        self.later(self.times.tell, self.publish)

    def _sync(self) -> None:
        self._sync_timer = self._sync_due = None
        for run in self._all():
            run.told = run.reason
        self.publish()
        self._advance(fresh=False)

    def _advance(self, *, fresh: bool) -> None:
        """Start what should run and does not: init containers one by one, then the others."""
        for run in self._init:
            if not run.done:
                if not run.runs and not run.busy:
                    self.starter.attempt(run, fresh=fresh)
                return
        for run in self._main:
            if not run.runs and not run.busy:
                self.starter.attempt(run, fresh=fresh)

    def started(self, run: ContainerRun, incarnation: Incarnation) -> None:
        """A container of the pod has just been started."""
        run.started = probe_spec(run.spec, "startup") is None
        run.ready = run.started and probe_spec(run.spec, "readiness") is None
        self.tell(run, "Started", "Container started")
        self.later(self.times.tell, self.publish)
        if run.init and run.started:
            self.later(self.times.tell, lambda: self._advance(fresh=True))
        if incarnation.behaviour.lives != float("inf"):
            self.later(incarnation.behaviour.lives, lambda: self._ended(run, incarnation))
        self._probe(run)

    # The end of a container

    def _ended(self, run: ContainerRun, incarnation: Incarnation) -> None:
        """The process is gone; the kubelet notices with the next tick."""
        if incarnation.ended is not None:
            return
        behaviour = incarnation.behaviour
        self._end(incarnation, behaviour.exit_code, behaviour.reason)
        self.later(
            self.kubelet.to_tick(self.times.relist, 0.0), lambda: self._notice(run, incarnation)
        )

    def _end(self, incarnation: Incarnation, code: int, reason: str) -> None:
        incarnation.ended = self.kubelet.clock.now()
        incarnation.exit_code, incarnation.reason = code, reason
        for wake in [*incarnation.at_end]:
            wake()

    def _notice(self, run: ContainerRun, incarnation: Incarnation) -> None:
        incarnation.noticed = True
        run.started = run.ready = False
        for probe in run.probes:
            probe.stop()
        run.probes = []
        self.publish()
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
            return (self.kubelet.clock.now() - incarnation.started).total_seconds()

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
            later=self.later,
            to_beat=lambda seconds: self.kubelet.to_tick(self.times.relist, seconds),
            unhealthy=lambda message: self.warn(run, "Unhealthy", message),
            turned=lambda kind, ok: self._turned(run, incarnation, kind, ok=ok),
            first=self.times.first_probe,
        )

    def _turned(self, run: ContainerRun, incarnation: Incarnation, kind: str, *, ok: bool) -> None:
        if kind == "readiness":
            if run.ready is not ok:
                run.ready = ok
                self.publish()
        elif not ok:
            self._restart(run, incarnation, kind)
        elif kind == "startup":
            run.started = True
            run.ready = probe_spec(run.spec, "readiness") is None
            self.publish()
            self._probe(run)
            if run.init:
                self._advance(fresh=True)

    def _restart(self, run: ContainerRun, incarnation: Incarnation, kind: str) -> None:
        """A liveness or startup probe has failed too often."""
        for probe in run.probes:
            probe.stop()
        self.tell(run, "Killing", f"Container {run.name} failed {kind} probe, will be restarted")
        grace = float(self.pod["spec"].get("terminationGracePeriodSeconds", 30))
        seconds, code, reason = self._way_to_stop(incarnation.behaviour, grace)

        def end() -> None:
            if incarnation.ended is None:
                self._end(incarnation, code, reason)
                self.later(
                    self.kubelet.to_tick(self.times.relist, 0.0),
                    lambda: self._notice(run, incarnation),
                )

        self.later(seconds, end)

    # Down

    def _terminate(self) -> None:
        """SIGTERM to everything; SIGKILL when the grace period is over."""
        meta = self.pod["metadata"]
        grace = float(meta.get("deletionGracePeriodSeconds") or 0)
        running = [run for run in self._all() if run.runs]
        last = 0.0
        for run in running:
            incarnation = run.current
            self.tell(run, "Killing", f"Stopping container {run.name}")
            if incarnation is None:
                continue
            seconds, code, reason = self._way_to_stop(incarnation.behaviour, grace)
            if incarnation.ended is None:
                self._say_goodbye(incarnation, seconds, code)
            self.later(seconds, partial(self._stopped, incarnation, code, reason))
            last = max(last, seconds)
        self.later(self.times.tell, self.publish)
        if running:
            self.later(last + self.times.tell, self._all_stopped)
        else:
            self.later(self.kubelet.to_tick(self.times.relist, 0.1), self._remove)

    def _way_to_stop(self, behaviour: Behaviour, grace: float) -> tuple[float, int, str]:
        """Seconds to the end, exit code and reason of a container that is told to stop."""
        if behaviour.stops_after is not None and behaviour.stops_after <= grace:
            return behaviour.stops_after, 0, "Completed"
        return max(grace + 0.05, self.times.minimum_grace), _KILLED, "Error"

    def _say_goodbye(self, incarnation: Incarnation, seconds: float, code: int) -> None:
        if code != 0 or incarnation.behaviour.style != "service":
            return
        age = (self.kubelet.clock.now() - incarnation.started).total_seconds()
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
        self.publish()
        self.later(self.kubelet.to_tick(self.times.relist, 0.1), self._remove)

    def _remove(self) -> None:
        """The last write: no grace left, and the pod is gone."""
        stored = self.kubelet.storage.get("pods", *key_of(self.pod))
        if stored is None or stored["metadata"]["uid"] != self.uid:
            return
        stored["metadata"]["deletionGracePeriodSeconds"] = 0
        stored["metadata"].pop("finalizers", None)
        try:
            self.kubelet.storage.update("pods", stored)
        except NotFound:
            return

    # Telling

    def publish(self) -> None:
        """Write the pod's status as the kubelet sees it."""
        initialized = all(run.done for run in self._init)
        view = PodView(
            [
                view_of(run, initialized=initialized, has_init=bool(self._init))
                for run in self._main
            ],
            [view_of(run, initialized=True, has_init=True) for run in self._init],
            self._sandbox_ready,
            initialized,
            self._over,
        )
        now = self.kubelet.storage.timestamp()

        def change(stored: Object) -> None:
            stored["status"] = status_of(stored, view, now, self._host_ip, self._ip)

        stored = self.kubelet.pods.get(key_of(self.pod))
        if stored is None or stored["metadata"]["uid"] != self.uid:
            return
        self.kubelet.storage.update_status("pods", *key_of(self.pod), change, manager="kubelet")

    def tell(self, run: ContainerRun, reason: str, message: str) -> None:
        self._events.normal(self.pod, reason, message, run.field_path)

    def warn(self, run: ContainerRun, reason: str, message: str) -> None:
        self._events.warning(self.pod, reason, message, run.field_path)

    # Time

    def now(self) -> float:
        return self.kubelet.clock.monotonic()

    def come_back(self, seconds: float | None) -> None:
        """Sync again: with the next relist (None), or on the first work tick after so long."""
        if seconds is None:
            wait = self.kubelet.to_tick(self.times.relist, 0.05)
        else:
            wait = self.kubelet.to_tick(self.times.work, seconds)
        due = self.now() + wait
        if self._sync_due is not None and self._sync_due <= due:
            return
        if self._sync_timer is not None:
            self._timers.pop(self._sync_timer).cancel()
        self._sync_due = due
        self._sync_timer = self.later(wait, self._sync)

    def later(self, seconds: float, fn: Callable[[], None]) -> int:
        """Run later, unless the worker is stopped before."""
        self._timer_count += 1
        number = self._timer_count

        def run() -> None:
            self._timers.pop(number, None)
            fn()

        self._timers[number] = self.kubelet.clock.call_later(seconds, run)
        return number

    def _all(self) -> list[ContainerRun]:
        return [*self._init, *self._main]

"""One pod on its node, from its binding to its end.

The order of things is the kubelet's (pkg/kubelet: SyncPod, pod_workers, kuberuntime): a sync first
writes the status that it finds, and then acts, so the status is one sync behind the events; what
became of a container is noticed with the next tick of the PLEG; an error brings the pod back with
the next tick, then after 10 to 15 s, or when a container's back-off is over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from bot.sandbox.kubernetes.container_adoption import ContainerAdoption
from bot.sandbox.kubernetes.container_run import ContainerRun, Incarnation, view_of
from bot.sandbox.kubernetes.container_start import ContainerStarter, new_incarnation
from bot.sandbox.kubernetes.containers import (
    Behaviour,
    ProbeAnswer,
    answer_probe,
    refused,
    with_port_number,
)
from bot.sandbox.kubernetes.node_host import NodeHost
from bot.sandbox.kubernetes.pod_config import missing_volumes
from bot.sandbox.kubernetes.pod_context import PodContext
from bot.sandbox.kubernetes.pod_status import PodView, status_of
from bot.sandbox.kubernetes.probes import Probe, ProbeHost, probe_spec
from bot.sandbox.kubernetes.stored import NotFound
from bot.sandbox.kubernetes.work_queue import Cache, key_of

Object = dict[str, Any]
_FIRST_MOUNT_RETRY = 0.5
_LONGEST_MOUNT_RETRY = 122.0
_KILLED = 137


class PodWorker:
    """Drives one pod; all its timers end with `stop`."""

    def __init__(self, host: NodeHost, pods: Cache, pod: Object) -> None:
        self._host = host
        self._pods = pods
        self._pod = PodContext(host, pod)
        self._starter = ContainerStarter(
            self._pod, started=self._started, come_back=self._come_back
        )
        self._adoption = ContainerAdoption(self._pod)
        self._times = host.timings
        self._sandbox_ready = False
        self._terminating = False
        self._over = False
        self._sync_due: float | None = None
        self._sync_timer: int | None = None
        self._mount_retry = _FIRST_MOUNT_RETRY
        self._host_ip = host.node_address(self._pod.node)
        self._ip = pod.get("status", {}).get("podIP") or host.pod_address(pod)
        spec = pod["spec"]
        self._init = [ContainerRun(each, init=True) for each in spec.get("initContainers") or ()]
        self._main = [ContainerRun(each) for each in spec["containers"]]

    # From outside

    def begin(self) -> None:
        """Take the pod up: a new one from its start, one that runs already as it is."""
        if self._pod.stored.get("status", {}).get("phase") == "Running":
            self._adopt()
        elif "deletionTimestamp" not in self._pod.stored["metadata"]:
            self._pod.later(self._times.notice, self._prepare)

    def observe(self, pod: Object) -> None:
        """The pod as it is stored now."""
        self._pod.stored = pod
        if "deletionTimestamp" in pod["metadata"] and not self._terminating:
            self._terminating = True
            self.stop()
            self._pod.later(self._times.kill, self._terminate)

    def stop(self) -> None:
        self._pod.stop()
        for run in self._all():
            for probe in run.probes:
                probe.stop()

    def container(self, name: str) -> ContainerRun | None:
        return next((run for run in self._all() if run.name == name), None)

    # Up

    def _adopt(self) -> None:
        """A pod that ran before this kubelet started, as its status tells."""
        self._sandbox_ready = True
        status = self._pod.stored["status"]
        told = {each["name"]: each for each in status.get("containerStatuses") or ()}
        for run in self._main:
            self._adoption.adopt(run, told.get(run.name, {}))
        for run in self._init:
            run.current = new_incarnation(self._pod, run, Behaviour(), self._pod.now())
            run.current.noticed = True
        for run in self._main:
            if run.current is not None and run.current.ended is None:
                self._watch_over(run, run.current)
        stays = "deletionTimestamp" not in self._pod.stored["metadata"]
        if stays and not all(run.runs for run in self._main):
            self._pod.later(self._times.notice, lambda: self._advance(fresh=False))

    def _watch_over(self, run: ContainerRun, incarnation: Incarnation) -> None:
        """Its end, and its probes; a healthy one that serves needs no timer."""
        behaviour = incarnation.behaviour
        if behaviour.lives != float("inf"):
            age = self._pod.since(incarnation.started)
            left = max(0.0, behaviour.lives - age)
            self._pod.later(left, lambda: self._ended(run, incarnation))
        steady = behaviour.ready_after is not None and behaviour.healthy_until == float("inf")
        if not (run.started and run.ready and steady):
            self._probe(run)

    def _prepare(self) -> None:
        """First status; volumes; then the sandbox."""
        self._publish()
        self._mount()

    def _mount(self) -> None:
        missing = missing_volumes(self._pod.stored, self._pod.lookup())
        for message in missing:
            self._pod.warn_of_pod("FailedMount", message)
        if missing:
            self._pod.later(self._mount_retry, self._mount)
            self._mount_retry = min(self._mount_retry * 2, _LONGEST_MOUNT_RETRY)
        else:
            self._pod.later(self._times.sandbox, self._sandbox_up)

    def _sandbox_up(self) -> None:
        self._sandbox_ready = True
        self._advance(fresh=True)
        self._pod.later(self._times.tell, self._publish)

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
                    self._starter.attempt(run, fresh=fresh)
                return
        for run in self._main:
            if not run.runs and not run.busy:
                self._starter.attempt(run, fresh=fresh)

    def _started(self, run: ContainerRun, incarnation: Incarnation) -> None:
        """A container of the pod has just been started."""
        run.started = probe_spec(run.spec, "startup") is None
        run.ready = run.started and probe_spec(run.spec, "readiness") is None
        self._pod.tell(run, "Started", "Container started")
        self._pod.later(self._times.tell, self._publish)
        if run.init and run.started:
            self._pod.later(self._times.tell, lambda: self._advance(fresh=True))
        if incarnation.behaviour.lives != float("inf"):
            self._pod.later(incarnation.behaviour.lives, lambda: self._ended(run, incarnation))
        self._probe(run)

    # The end of a container

    def _ended(self, run: ContainerRun, incarnation: Incarnation) -> None:
        behaviour = incarnation.behaviour
        self._exit(run, incarnation, behaviour.exit_code, behaviour.reason)

    def _exit(self, run: ContainerRun, incarnation: Incarnation, code: int, reason: str) -> None:
        """The process is gone; the kubelet notices with the next tick."""
        if incarnation.ended is None:
            self._end(incarnation, code, reason)
            self._pod.later(self._pod.to_relist(0.0), lambda: self._notice(run, incarnation))

    def _end(self, incarnation: Incarnation, code: int, reason: str) -> None:
        incarnation.ended = self._pod.now()
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
            return self._pod.since(incarnation.started)

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
            later=self._pod.later,
            to_beat=self._pod.to_relist,
            unhealthy=lambda message: self._pod.warn(run, "Unhealthy", message),
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
        self._pod.tell(
            run, "Killing", f"Container {run.name} failed {kind} probe, will be restarted"
        )
        grace = float(self._pod.stored["spec"].get("terminationGracePeriodSeconds", 30))
        grace = grace if grace >= 0 else 1.0
        seconds, code, reason = self._way_to_stop(incarnation.behaviour, grace)
        self._pod.later(seconds, partial(self._exit, run, incarnation, code, reason))

    # Down

    def _terminate(self) -> None:
        """SIGTERM to everything; SIGKILL when the grace period is over."""
        meta = self._pod.stored["metadata"]
        grace = float(meta.get("deletionGracePeriodSeconds") or 0)
        running = [run for run in self._all() if run.runs]
        last = 0.0
        for run in running:
            incarnation = run.current
            self._pod.tell(run, "Killing", f"Stopping container {run.name}")
            if incarnation is None:
                continue
            seconds, code, reason = self._way_to_stop(incarnation.behaviour, grace)
            if incarnation.ended is None:
                self._say_goodbye(incarnation, seconds, code)
            self._pod.later(seconds, partial(self._stopped, incarnation, code, reason))
            last = max(last, seconds)
        self._pod.later(self._times.tell, self._publish)
        if running:
            self._pod.later(last + self._times.tell, self._all_stopped)
        else:
            self._pod.later(self._pod.to_relist(0.1), self._remove)

    def _way_to_stop(self, behaviour: Behaviour, grace: float) -> tuple[float, int, str]:
        """Seconds to the end, exit code and reason of a container that is told to stop."""
        if behaviour.stops_after is not None and behaviour.stops_after <= grace:
            return behaviour.stops_after, 0, "Completed"
        return max(grace + 0.05, self._times.minimum_grace), _KILLED, "Error"

    def _say_goodbye(self, incarnation: Incarnation, seconds: float, code: int) -> None:
        if code != 0 or incarnation.behaviour.style != "service":
            return
        age = self._pod.since(incarnation.started)
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
        self._pod.later(self._pod.to_relist(0.1), self._remove)

    def _remove(self) -> None:
        """The last write: no grace left, and the pod is gone."""
        stored = self._host.storage.get("pods", *key_of(self._pod.stored))
        if stored is None or stored["metadata"]["uid"] != self._pod.uid:
            return
        stored["metadata"]["deletionGracePeriodSeconds"] = 0
        stored["metadata"].pop("finalizers", None)
        try:
            self._host.storage.update("pods", stored)
        except NotFound:
            return

    # Telling

    def _publish(self) -> None:
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
        now = self._host.storage.timestamp()

        def change(stored: Object) -> None:
            stored["status"] = status_of(stored, view, now, self._host_ip, self._ip)

        stored = self._pods.get(key_of(self._pod.stored))
        if stored is None or stored["metadata"]["uid"] != self._pod.uid:
            return
        self._host.storage.update_status(
            "pods", *key_of(self._pod.stored), change, manager="kubelet"
        )

    # Time

    def _come_back(self, seconds: float | None) -> None:
        """Sync again: with the next relist (None), or on the first work tick after so long."""
        wait = self._pod.to_relist(0.05) if seconds is None else self._pod.to_work(seconds)
        due = self._pod.monotonic() + wait
        if self._sync_due is not None and self._sync_due <= due:
            return
        if self._sync_timer is not None:
            self._pod.cancel(self._sync_timer)
        self._sync_due = due
        self._sync_timer = self._pod.later(wait, self._sync)

    def _all(self) -> list[ContainerRun]:
        return [*self._init, *self._main]

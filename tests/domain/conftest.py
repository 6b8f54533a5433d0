"""A cluster in miniature: raw JSON as an API server sends it, judged look after look.

A test names only what matters to it; the rest is a healthy rollout of three replicas that has just
made its first new pod. Everything goes through the real translation, so that a test speaks the
API's own field names and the kubelet's own words.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.adapters.kubernetes_objects import deployment_of, event_of, pod_of, replica_set_of
from bot.domain.judge import judge_rollout
from bot.domain.judgement import Change, Judgement, Memory
from bot.domain.verdict import Finding, Verdict
from bot.domain.workload import Workload

Raw = dict[str, Any]

CHANGED = datetime(2026, 11, 24, 2, 0, 0, tzinfo=UTC)
OLD_TEMPLATE = {"spec": {"containers": [{"name": "tasks", "image": "r/tasks:1.0.0"}]}}
NEW_TEMPLATE = {"spec": {"containers": [{"name": "tasks", "image": "r/tasks:1.1.0"}]}}


def stamp(seconds: float) -> str:
    """A time of the cluster, `seconds` after the change: cut to whole seconds, as it sends them."""
    return (CHANGED + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


class World:
    """Objects of one workload, and the judgements so far."""

    def __init__(self) -> None:
        self.change = Change(at=CHANGED, generation=2)
        self.memory = Memory()
        self.judgement: Judgement | None = None
        self._deployment: Raw | None = None
        self._replica_sets: dict[str, Raw] = {}
        self._pods: dict[str, Raw] = {}
        self._events: dict[str, Raw] = {}
        self.replica_set("old", revision=1, template=OLD_TEMPLATE, desired=3, replicas=3)
        self.replica_set("new", revision=2, template=NEW_TEMPLATE, desired=1, replicas=1)
        self.deployment()

    # --- objects --------------------------------------------------------------------------------

    def deployment(
        self,
        *,
        generation: int = 2,
        observed: int | None = None,
        revision: int = 2,
        template: Raw | None = None,
        desired: int = 3,
        replicas: int = 4,
        updated: int = 1,
        available: int = 3,
        conditions: list[Raw] | None = None,
        paused: bool = False,
        deadline: int | None = 600,
        uid: str = "d",
    ) -> None:
        spec: Raw = {"replicas": desired, "template": template or NEW_TEMPLATE, "paused": paused}
        if deadline is not None:
            spec["progressDeadlineSeconds"] = deadline
        self._deployment = {
            "metadata": {
                "name": "tasks",
                "namespace": "qa",
                "uid": uid,
                "generation": generation,
                "annotations": {"deployment.kubernetes.io/revision": str(revision)},
            },
            "spec": spec,
            "status": {
                "observedGeneration": generation if observed is None else observed,
                "replicas": replicas,
                "updatedReplicas": updated,
                "availableReplicas": available,
                "conditions": conditions or [],
            },
        }

    def done(self, **changes: Any) -> None:
        """All replicas updated and available."""
        self.deployment(**{"replicas": 3, "updated": 3, "available": 3, **changes})

    def no_deployment(self) -> None:
        self._deployment = None

    def replica_set(
        self,
        name: str,
        *,
        revision: int,
        template: Raw | None = None,
        desired: int = 1,
        replicas: int = 1,
        conditions: list[Raw] | None = None,
    ) -> None:
        labelled = {
            **(template or NEW_TEMPLATE),
            "metadata": {"labels": {"pod-template-hash": name}},
        }
        self._replica_sets[name] = {
            "metadata": {
                "name": name,
                "uid": f"rs-{name}",
                "labels": {"pod-template-hash": name},
                "annotations": {"deployment.kubernetes.io/revision": str(revision)},
                "ownerReferences": [{"uid": "d", "controller": True}],
            },
            "spec": {"replicas": desired, "template": labelled},
            "status": {"replicas": replicas, "conditions": conditions or []},
        }

    def pod(
        self,
        name: str = "new-1",
        state: Raw | None = None,
        *,
        last: Raw | None = None,
        restarts: int = 0,
        ready: bool = False,
        started: bool | None = None,
        of: str = "new",
        container: Raw | None = None,
        inits: list[tuple[Raw, Raw]] | None = None,
        conditions: list[Raw] | None = None,
        created: float = 0,
        **changes: Any,
    ) -> None:
        """A pod with one container in this state; `inits` are init containers (spec, status)."""
        state = {"waiting": {"reason": "ContainerCreating"}} if state is None else state
        status: Raw = {
            "phase": changes.get("phase", "Running" if "running" in state else "Pending"),
            "reason": changes.get("reason", ""),
            "message": changes.get("message", ""),
            "conditions": [{"type": "PodScheduled", "status": "True"}]
            if conditions is None
            else conditions,
            "initContainerStatuses": [s for _, s in inits or []],
        }
        if state:
            status["containerStatuses"] = [
                {
                    "name": "tasks",
                    "state": state,
                    "lastState": last or {},
                    "restartCount": restarts,
                    "ready": ready,
                    "started": ("running" in state) if started is None else started,
                }
            ]
        meta: Raw = {
            "name": name,
            "uid": name,
            "creationTimestamp": stamp(created),
            "ownerReferences": [{"uid": f"rs-{of}", "controller": True}],
        }
        if changes.get("deleting"):
            meta["deletionTimestamp"] = stamp(30)
        self._pods[name] = {
            "metadata": meta,
            "spec": {
                "nodeName": changes.get("node", "node-1"),
                "readinessGates": [{"conditionType": g} for g in changes.get("gates", ())],
                "initContainers": [s for s, _ in inits or []],
                "containers": [{"name": "tasks", "image": "r/tasks:1.1.0", **(container or {})}],
            },
            "status": status,
        }

    def no_pod(self, name: str) -> None:
        del self._pods[name]

    def event(
        self,
        about: str,
        reason: str,
        message: str,
        *,
        count: int = 1,
        first: float = 0,
        at: float = 0,
    ) -> None:
        self._events[f"{about} {reason} {message}"] = {
            "metadata": {},
            "involvedObject": {"kind": "Pod", "name": about, "uid": about},
            "type": "Warning",
            "reason": reason,
            "message": message,
            "count": count,
            "firstTimestamp": stamp(first),
            "lastTimestamp": stamp(at),
        }

    def no_events(self) -> None:
        """As when nobody asked for them at this look."""
        self._events = {}

    # --- looks ----------------------------------------------------------------------------------

    def seen(self) -> Workload:
        return Workload(
            deployment=deployment_of(self._deployment),
            replica_sets=tuple(
                r for raw in self._replica_sets.values() if (r := replica_set_of(raw))
            ),
            pods=tuple(p for raw in self._pods.values() if (p := pod_of(raw))),
            events=tuple(e for raw in self._events.values() if (e := event_of(raw))),
        )

    def at(self, seconds: float) -> tuple[str, str]:
        """Judge `seconds` after the change: outcome and reason."""
        now = CHANGED + timedelta(seconds=seconds)
        self.judgement = judge_rollout(self.seen(), self.change, self.memory, now)
        self.memory = self.judgement.memory
        return str(self.verdict.outcome), str(self.verdict.reason)

    def through(self, *times: float) -> list[tuple[str, str]]:
        return [self.at(time) for time in times]

    @property
    def verdict(self) -> Verdict:
        assert self.judgement is not None
        return self.judgement.verdict

    @property
    def finding(self) -> Finding:
        return self.verdict.findings[0]

    @property
    def again_in(self) -> float | None:
        """Seconds after the change at which the verdict may change by itself."""
        assert self.judgement is not None
        at = self.judgement.again_at
        return None if at is None else (at - CHANGED).total_seconds()

    @property
    def wants_events(self) -> tuple[str, ...]:
        assert self.judgement is not None
        return self.judgement.wants_events


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def new_world() -> Callable[[], World]:
    """For properties, which need a fresh one for each example."""
    return World


# --- the words of the API ------------------------------------------------------------------------


class Api:
    """Pieces of status as Kubernetes writes them."""

    stamp = staticmethod(stamp)

    @staticmethod
    def waiting(reason: str, message: str = "") -> Raw:
        return {"waiting": {"reason": reason, "message": message}}

    @staticmethod
    def running(since: float = 0) -> Raw:
        return {"running": {"startedAt": stamp(since)}}

    @staticmethod
    def ended(
        code: int, reason: str = "Error", *, message: str = "", started: float = 0, at: float = 1
    ) -> Raw:
        return {
            "terminated": {
                "exitCode": code,
                "reason": reason,
                "message": message,
                "startedAt": stamp(started),
                "finishedAt": stamp(at),
            }
        }

    @staticmethod
    def condition(
        type_: str, status: str = "True", reason: str = "", message: str = "", at: float = 0
    ) -> Raw:
        return {
            "type": type_,
            "status": status,
            "reason": reason,
            "message": message,
            "lastUpdateTime": stamp(at),
            "lastTransitionTime": stamp(at),
        }

    @staticmethod
    def backing_off() -> Raw:
        words = "back-off 10s restarting failed container=tasks pod=new-1_qa(uid)"
        return {"waiting": {"reason": "CrashLoopBackOff", "message": words}}


@pytest.fixture
def api() -> type[Api]:
    return Api

"""A cluster without an API server, on a clock that stands still, and recordings beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes.controllers import ControlPlane
from bot.sandbox.kubernetes.storage import Storage
from bot.sandbox.kubernetes.stored import WatchEvent
from bot.sandbox.registry.store import Registry

Object = dict[str, Any]
RECORDINGS = Path(__file__).parents[2] / "recordings"
_KINDS = {
    "deployments.apps": "Deployment",
    "replicasets.apps": "ReplicaSet",
    "pods": "Pod",
    "events": "Event",
}
# The recorded second began 0.3 s after the change; ticks of the kubelet came 0.71 s after it.
START = datetime(2026, 11, 24, 1, 57, 22, 200_000, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Change:
    """One watch event of a recording, or of the sandbox."""

    at: float
    kind: str
    type: str
    object: Object


@dataclass(slots=True)
class Recording:
    """What a cluster said during one rollout."""

    changed_at: float
    changes: list[Change] = field(default_factory=list)

    def of(self, kind: str, after: float = 0.0) -> list[Change]:
        """Changes of a kind of object, from the change on."""
        start = self.changed_at + after
        return [each for each in self.changes if each.kind == kind and each.at >= start - 1e-6]


class Cluster:
    """Storage, control plane, one node, a registry with three images of tasks-service."""

    def __init__(self, nodes: int = 1, cpu: str = "8") -> None:
        self.clock = Clock(manual=True, start=START)
        self.storage = Storage(self.clock)
        self.registry = Registry()
        for version in ("1.0.0", "1.1.0", "1.2.0"):
            self.registry.add_image(
                "dynamo/tasks-service",
                [version],
                created=START,
                labels={
                    "org.opencontainers.image.version": version,
                    "sandbox.dynamo/behaviour": "ticks",
                },
            )
        for number in range(nodes):
            self.add_node("localhost" if number == 0 else f"node-{number}", cpu)
        self.storage.create(
            "namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "dynamo"}}
        )
        self.plane = ControlPlane(self.storage, self.clock, self.registry)
        for version in ("1.0.0", "1.1.0", "1.2.0"):
            self.plane.kubelet.host.keep_image(
                "localhost", f"localhost:5000/dynamo/tasks-service:{version}"
            )
        self.changes: list[Change] = []
        for resource in _KINDS:
            self.storage.subscribe(resource, self._record)

    def add_node(self, name: str, cpu: str = "8") -> None:
        resources = {"cpu": cpu, "memory": "32Gi", "pods": "110"}
        self.storage.create(
            "nodes",
            {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
                "spec": {},
                "status": {
                    "capacity": resources,
                    "allocatable": resources,
                    "addresses": [{"type": "InternalIP", "address": "192.0.2.2"}],
                },
            },
        )

    def _record(self, event: WatchEvent) -> None:
        self.changes.append(
            Change(self.clock.monotonic(), _KINDS[event.resource], event.type, event.object)
        )

    def create(self, resource: str, obj: Object) -> Object:
        return self.storage.create(resource, obj)

    def get(self, resource: str, name: str) -> Object:
        found = self.storage.get(resource, "dynamo", name)
        assert found is not None, f"{resource} {name} is not there"
        return found

    def change(self, resource: str, name: str, edit: Callable[[Object], None]) -> Object:
        obj = self.get(resource, name)
        edit(obj)
        return self.storage.update(resource, obj)

    def pass_until(self, at: float) -> None:
        self.clock.advance(at - self.clock.monotonic())

    def pods(self, **labels: str) -> list[Object]:
        return [
            pod
            for pod in self.storage.list("pods", "dynamo")
            if labels.items() <= pod["metadata"]["labels"].items()
        ]

    def events(self, reason: str) -> list[Object]:
        return [each for each in self.storage.list("events", "dynamo") if each["reason"] == reason]

    def stop(self) -> None:
        self.plane.stop()


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    made = Cluster()
    yield made
    made.stop()


@pytest.fixture
def make_cluster() -> Iterator[Callable[..., Cluster]]:
    made: list[Cluster] = []

    def make(**settings: Any) -> Cluster:
        made.append(Cluster(**settings))
        return made[-1]

    yield make
    for each in made:
        each.stop()


@pytest.fixture
def deployment() -> Callable[..., Object]:
    """A Deployment manifest as the API server stores it, with its defaults."""

    def make(
        name: str = "tasks-service",
        *,
        image: str = "localhost:5000/dynamo/tasks-service:1.0.0",
        replicas: int = 3,
        container: Object | None = None,
        pod: Object | None = None,
        **spec: Any,
    ) -> Object:
        labels = {"app.kubernetes.io/name": name}
        main: Object = {
            "name": name,
            "image": image,
            "resources": {},
            "readinessProbe": {
                "exec": {"command": ["/bin/true"]},
                "timeoutSeconds": 1,
                "periodSeconds": 1,
                "successThreshold": 1,
                "failureThreshold": 3,
            },
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
            "imagePullPolicy": "IfNotPresent",
            **(container or {}),
        }
        return {
            "kind": "Deployment",
            "apiVersion": "apps/v1",
            "metadata": {"name": name, "namespace": "dynamo", "labels": labels},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {
                        "containers": [main],
                        "restartPolicy": "Always",
                        "terminationGracePeriodSeconds": 1,
                        "dnsPolicy": "ClusterFirst",
                        "hostNetwork": True,
                        "securityContext": {},
                        "schedulerName": "default-scheduler",
                        **(pod or {}),
                    },
                },
                "strategy": {
                    "type": "RollingUpdate",
                    "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"},
                },
                "revisionHistoryLimit": 10,
                "progressDeadlineSeconds": 30,
                **spec,
            },
        }

    return make


@pytest.fixture
def recorded() -> Callable[[str], Recording]:
    """What the real cluster said in a scenario."""

    def read(scenario: str) -> Recording:
        lines = (RECORDINGS / f"{scenario}.jsonl").read_text().splitlines()
        header, *rest = [json.loads(line) for line in lines]
        changes = [Change(e["at"], e["kind"], e["type"], e["object"]) for e in rest]
        return Recording(header["changed_at"], changes)

    return read


@pytest.fixture
def replay(cluster: Cluster, recorded: Callable[[str], Recording]) -> Callable[[str], Recording]:
    """Run a recorded scenario in the sandbox: the same Deployment, the same change."""

    def run(scenario: str) -> Recording:
        real = recorded(scenario)
        first = next(each.object for each in real.changes if each.kind == "Deployment")
        written = next(
            (each.object for each in real.of("Deployment") if each.at >= real.changed_at), first
        )
        begins = 10.5  # half a second before the kubelet's beat as it was recorded
        if real.of("Deployment") and real.of("Deployment")[0].type == "ADDED":
            cluster.pass_until(begins)
            cluster.create("deployments.apps", _wanted(written))
        else:
            cluster.create("deployments.apps", _wanted(first))
            cluster.pass_until(begins)
            cluster.change(
                "deployments.apps",
                "tasks-service",
                lambda stored: stored.update(spec=written["spec"]),
            )
        cluster.pass_until(begins + max(0.0, real.changes[-1].at - real.changed_at) + 1.5)
        return Recording(begins, cluster.changes)

    return run


def _wanted(deployment: Object) -> Object:
    meta = deployment["metadata"]
    kept = {key: meta[key] for key in ("name", "namespace", "labels") if key in meta}
    return {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": kept,
        "spec": deployment["spec"],
    }

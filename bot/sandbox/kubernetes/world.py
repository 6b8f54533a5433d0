"""The offline world: one clock, one cluster, one registry, and the troubles that befall them.

`World` assembles the parts and is what the launcher and the tests hold: `kubernetes_app`,
`registry_app()` and `world_api.world_app(world)` are mounted at `/kubernetes`, `/v2` and `/world`;
its `troubles` decide what the next rollout meets; its `clock` is the time of everything. What runs
when it opens is put in by `seed` and `seed_releases`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aiohttp import web

from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes.access import Rights
from bot.sandbox.kubernetes.api_objects import annotations_of
from bot.sandbox.kubernetes.controllers import ControlPlane
from bot.sandbox.kubernetes.drifts import DRIFTS, Drifts
from bot.sandbox.kubernetes.events import expire_all
from bot.sandbox.kubernetes.images import Image, InvalidName, parse_image
from bot.sandbox.kubernetes.kubelet_logs import KubeletLogs
from bot.sandbox.kubernetes.node_host import Timings
from bot.sandbox.kubernetes.rolling import REVISION
from bot.sandbox.kubernetes.seed import Former, autoscaler_manifest, ensure_namespace, seed
from bot.sandbox.kubernetes.server import kubernetes_app
from bot.sandbox.kubernetes.statuses import Refusal
from bot.sandbox.kubernetes.storage import Storage
from bot.sandbox.kubernetes.troubles import AFTER, KINDS, Trouble, Troubles
from bot.sandbox.kubernetes.work_queue import Key
from bot.sandbox.kubernetes.world_state import EnvironmentName, View, environments, workload
from bot.sandbox.registry import release_table
from bot.sandbox.registry.server import registry_app
from bot.sandbox.registry.store import Registry
from bot.sandbox.services.outages import OUTAGES, Outage, Outages

Object = dict[str, Any]
Manifests = Callable[[str, str], Sequence[Object]]
"""`(service, environment)`: Deployment first, then ConfigMaps; as config/k8s has them, rendered."""

NODES = (("node-1", "16", "64Gi"), ("node-2", "16", "64Gi"), ("node-3", "16", "64Gi"))
_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
_CLUSTER_AGE = timedelta(days=200)
_VERSION_LABEL = "org.opencontainers.image.version"


@dataclass(frozen=True, slots=True)
class Kept:
    """What `World.kept` gave, read back, and what reads the bytes that were put beside it."""

    world: Object
    read: Callable[[str], bytes]


class World:
    """`environments` are (name, namespace) in pipeline order. `rate_limit_slack` is called for the
    trouble of that name. Make it inside a running event loop unless the clock is manual.
    """

    def __init__(
        self,
        environments: Sequence[tuple[str, str]] = (
            ("dev", "dynamo-dev"),
            ("qa", "dynamo-qa"),
            ("prod", "dynamo-prod"),
        ),
        *,
        clock: Clock | None = None,
        registry: Registry | None = None,
        nodes: Sequence[tuple[str, str, str]] = NODES,
        timings: Timings | None = None,
        rate_limit_slack: Callable[[], None] = lambda: None,
        kept: Kept | None = None,
    ) -> None:
        self.clock = clock or Clock()
        self.environments = [EnvironmentName(name, space) for name, space in environments]
        self.rate_limit_slack = rate_limit_slack
        self.registry = registry or Registry()
        self.digests = release_table.fill(self.registry)
        self.storage = Storage(self.clock)
        self.troubles = Troubles(self.storage, self.clock)
        self.outages = Outages()
        self.drifts = Drifts(self.storage)
        if kept is not None:
            self._resume(kept)
        for name, cpu, memory in nodes:
            if self.storage.stored("nodes", None, name) is None:
                self._add_node(name, cpu, memory)
        self.plane = ControlPlane(
            self.storage, self.clock, self.registry, self.troubles, timings=timings
        )
        self.logs = KubeletLogs(self.plane.kubelet, self.clock)
        self.rights = Rights()
        self.kubernetes_app = kubernetes_app(
            self.storage,
            self.clock,
            self.logs,
            admission=self._admit,
            users=self.rights,
            outage=lambda: self.troubles.api_is_away,
        )
        for space in _NAMESPACES:
            ensure_namespace(self.plane, space, self.clock.now() - _CLUSTER_AGE)

    def stop(self) -> None:
        """Nothing of this world runs any more."""
        self.plane.stop()

    # Kept between two runs

    def kept(self, put: Callable[[bytes], str]) -> Object:
        """All that a later `World(kept=…)` goes on from, as orjson writes it; `put` keeps bytes
        beside it and names them."""
        return {
            "storage": self.storage.kept(),
            "registry": self.registry.kept(put),
            "troubles": self.troubles.kept(),
            "outages": self.outages.present,
            "drifts": self.drifts.kept(),
        }

    def _resume(self, kept: Kept) -> None:
        """Before the control plane begins, which works on what is stored."""
        self.storage.resume(kept.world["storage"])
        self.registry.resume(kept.world["registry"], kept.read)
        self.troubles.resume(kept.world["troubles"])
        self.outages.present = [Outage(**each) for each in kept.world["outages"]]
        self.drifts.resume(kept.world["drifts"])
        expire_all(self.storage, self.clock)

    # What runs when it opens

    def seed(
        self,
        environment_name: str,
        namespace: str,
        manifests: Sequence[Object],
        image_reference: str,
        version: str,
        age_days: float,
        former: Sequence[Former] = (),
        replicas: int | None = None,
    ) -> None:
        """Workloads of one service in one environment, running for `age_days` (see `seed.py`)."""
        if EnvironmentName(environment_name, namespace) not in self.environments:
            self.environments.append(EnvironmentName(environment_name, namespace))
        seed(
            self.plane,
            namespace,
            manifests,
            image_reference,
            version,
            age_days,
            former=former,
            replicas=replicas,
        )

    def seed_releases(
        self, manifests: Manifests, autoscaled: Sequence[tuple[str, str, int, int]] = ()
    ) -> None:
        """Everything that the release table says runs. `autoscaled`: service, environment, least
        and most pods; it runs twice the least, unless its manifest names a number.
        """
        scaled = {(service, place): (least, most) for service, place, least, most in autoscaled}
        for release in release_table.RELEASES:
            for place in self.environments:
                if place.name not in release.runs_in:
                    continue
                wanted = [*manifests(release.service, place.name)]
                bounds = scaled.get((release.service, place.name))
                if bounds is not None:
                    wanted.append(autoscaler_manifest(release.service, *bounds))
                size = 2 * bounds[0] if bounds is not None else None
                self._seed_release(place, release, wanted, size)

    def _seed_release(
        self,
        place: EnvironmentName,
        release: release_table.Release,
        wanted: Sequence[Object],
        replicas: int | None,
    ) -> None:
        older = [
            each
            for each in release_table.RELEASES
            if each.service == release.service
            and each.days_old > release.days_old
            and each.behaviour == "healthy"
        ]
        former = [
            Former(self.image_of(each), each.version, each.days_old * 0.9) for each in older[-2:]
        ]
        image = self.image_of(release)
        self.seed(
            place.name,
            place.namespace,
            wanted,
            image,
            release.version,
            release.days_old * 0.8,
            former,
            replicas,
        )

    def image_of(self, release: release_table.Release) -> str:
        return release_table.image_of(release, self.digests[release.service, release.version])

    def _add_node(self, name: str, cpu: str, memory: str) -> None:
        born = (self.clock.now() - _CLUSTER_AGE).strftime("%Y-%m-%dT%H:%M:%SZ")
        resources = {"cpu": cpu, "memory": memory, "pods": "500", "ephemeral-storage": "200Gi"}
        number = int(name.rpartition("-")[2]) if name.rpartition("-")[2].isdigit() else 9
        ready = {
            "type": "Ready",
            "status": "True",
            "lastHeartbeatTime": born,
            "lastTransitionTime": born,
            "reason": "KubeletReady",
            "message": "kubelet is posting ready status",
        }
        self.storage.create(
            "nodes",
            {
                "kind": "Node",
                "apiVersion": "v1",
                "metadata": {
                    "name": name,
                    "creationTimestamp": born,
                    "labels": {
                        "kubernetes.io/hostname": name,
                        "kubernetes.io/os": "linux",
                        "kubernetes.io/arch": "amd64",
                    },
                },
                "spec": {"podCIDR": f"10.244.{number}.0/24"},
                "status": {
                    "capacity": resources,
                    "allocatable": resources,
                    "conditions": [ready],
                    "addresses": [
                        {"type": "InternalIP", "address": f"192.0.2.{10 + number}"},
                        {"type": "Hostname", "address": name},
                    ],
                    "nodeInfo": {
                        "kubeletVersion": "v1.36.2",
                        "containerRuntimeVersion": "containerd://2.2.1",
                        "operatingSystem": "linux",
                        "architecture": "amd64",
                        "osImage": "Sandbox",
                        "kernelVersion": "6.12.0",
                        "machineID": name,
                        "systemUUID": name,
                        "bootID": name,
                        "kubeProxyVersion": "v1.36.2",
                    },
                },
            },
        )

    # What is asked of it

    def _admit(self, resource: str, obj: Object) -> Refusal | None:
        """For the API server: pods that clients create count against quotas too."""
        excess = self.plane.quotas.excess(obj) if resource == "pods" else None
        return None if excess is None else Refusal(excess)

    def set_trouble(
        self, kind: str, service: str | None, environment: str | None, *, now: bool = False
    ) -> None:
        """For the next rollout, or `now` for what runs already. Raises ValueError for a kind or an
        environment that there is not, and for what cannot befall what runs."""
        around = kind in {each.id for each in OUTAGES}
        if not around and kind not in {each.id for each in KINDS}:
            raise ValueError(f"there is no trouble of the kind {kind}")
        namespaces = {each.name: each.namespace for each in self.environments}
        if environment is not None and environment not in namespaces:
            raise ValueError(f"there is no environment {environment}")
        if around:
            self.outages.set(kind, service, environment)
            self.troubles.changed()
            return
        if kind == "slack-rate-limited":
            self.rate_limit_slack()
            return
        namespace = namespaces[environment] if environment is not None else None
        if kind in DRIFTS:
            if service is None or namespace is None:
                raise ValueError("a change by hand needs a service and an environment")
            self.drifts.set(kind, namespace, service)
            return
        if kind == "none":
            self.outages.lift(service, environment)
            self.drifts.lift(Trouble(kind, service, namespace, environment).concerns)
        if now:
            self._befall(kind, service, namespace)
            return
        self.troubles.set(Trouble(kind, service, namespace, environment))

    def _befall(self, kind: str, service: str | None, namespace: str | None) -> None:
        if kind not in AFTER:
            raise ValueError("what runs already cannot meet this trouble")
        if service is None or namespace is None:
            raise ValueError("a trouble of what runs already needs a service and an environment")
        deployment = self.plane.deployments.get((namespace, service))
        if deployment is None:
            raise ValueError(f"{service} does not run there")
        revision = annotations_of(deployment).get(REVISION)
        for each in self.plane.replica_sets.owned_by(deployment["metadata"]["uid"]):
            if annotations_of(each).get(REVISION) == revision:
                self.troubles.set_now(kind, namespace, service, each["metadata"]["uid"])

    def version_of(self, image: str) -> str:
        """The version of an image, from its labels; its tag where the registry has none."""
        try:
            name = parse_image(image)
        except InvalidName:
            return ""
        found = self.registry.find_image(name.path, name.reference)
        if isinstance(found, Image) and found.labels.get(_VERSION_LABEL):
            return str(found.labels[_VERSION_LABEL])
        return name.tag or name.digest[7:19]

    def state(self) -> Object:
        """The whole picture, as `/world/state` answers it."""
        view = self._view()
        trouble = self.troubles.current()
        return {
            "now": view.now.isoformat(),
            "speed": self.clock.speed,
            "environments": [
                {**each, "outages": self._around(each["name"])}
                for each in environments(view, self.environments)
            ],
            "trouble": None
            if trouble is None
            else {
                "kind": trouble.kind,
                "service": trouble.service,
                "environment": trouble.environment,
            },
            "kinds": [
                {
                    "id": each.id,
                    "label": each.label,
                    "hint": each.hint,
                    "after": each.after,
                    "drift": each.drift,
                    "around": False,
                }
                for each in KINDS
            ]
            + [
                {"id": each.id, "label": each.label, "hint": each.hint, "around": True}
                for each in OUTAGES
            ],
        }

    def workload(self, service: str, environment: str) -> Object:
        """One service of the picture: version, image, ready, state, pods, … Raises LookupError."""
        namespaces = {each.name: each.namespace for each in self.environments}
        deployment = self.plane.deployments.get((namespaces[environment], service))
        if deployment is None:
            raise LookupError(f"{service} does not run in {environment}")
        return workload(self._view(), deployment)

    def changes(self, touched: Iterable[Key]) -> Object:
        """What a picture from before lacks, where only these Deployments (namespace, name) or their
        pods have changed: each as it is now, None where it is gone.
        """
        view = self._view()
        names = {each.namespace: each.name for each in self.environments}
        found = {key: self.plane.deployments.get(key) for key in sorted(touched) if key[0] in names}
        return {
            "now": view.now.isoformat(),
            "changes": [
                {
                    "environment": names[namespace],
                    "service": service,
                    "workload": None if deployment is None else workload(view, deployment),
                }
                for (namespace, service), deployment in found.items()
            ],
        }

    def _view(self) -> View:
        plane = self.plane
        return View(
            plane.deployments,
            plane.replica_sets,
            plane.pods,
            self.version_of,
            self.clock.now(),
            self._befallen,
        )

    def _befallen(self, namespace: str, service: str) -> str:
        """In words, for the picture: how what serves is worse than it should be."""
        kind = self.troubles.of_service(namespace, service)
        found = [each.label for each in KINDS if each.id == kind and each.after]
        place = next((each.name for each in self.environments if each.namespace == namespace), "")
        found += [
            each.label
            for each in OUTAGES
            if each.of_service and self.outages.holds(each.id, place, service)
        ]
        return found[0] if found else ""

    def _around(self, environment: str) -> list[str]:
        """In words: what befell the surroundings of an environment's pods."""
        labels = {each.id: each.label for each in OUTAGES}
        return [
            f"{labels[each.kind]}: {each.service}" if each.service else labels[each.kind]
            for each in self.outages.present
            if each.environment in (None, environment)
        ]

    def registry_app(self) -> web.Application:
        """To be mounted at /v2."""
        return registry_app(self.registry)

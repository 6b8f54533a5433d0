"""Puts workloads into the sandbox that have been running for days, as if applied by Dynamo then.

Each manifest goes through server-side apply (manager `dynamo`), so that a later apply finds its own
fields; a Deployment also gets its ReplicaSets and running pods with their status, so that nothing
starts or moves when the sandbox opens. Plain dicts come in; whoever calls chooses what and where.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.sandbox.kubernetes import rolling
from bot.sandbox.kubernetes.api_objects import (
    annotations_of,
    labels_of,
    owner_reference,
    template_hash,
)
from bot.sandbox.kubernetes.controllers import ControlPlane
from bot.sandbox.kubernetes.defaults import apply_defaults, prepare_create
from bot.sandbox.kubernetes.deployment_status import condition
from bot.sandbox.kubernetes.images import Image, parse_image
from bot.sandbox.kubernetes.managed_fields import Manager
from bot.sandbox.kubernetes.namespace_controller import furniture
from bot.sandbox.kubernetes.pod_defaults import pod_from_template
from bot.sandbox.kubernetes.pod_status import ContainerView, PodView, status_of
from bot.sandbox.kubernetes.resources import KINDS, Kind
from bot.sandbox.kubernetes.server_side_apply import apply
from bot.sandbox.kubernetes.stored import copy_json

Object = dict[str, Any]
VERSION_ANNOTATION = "dynamo/version"
_HASH = "pod-template-hash"
_CONTROLLERS = "kube-controller-manager"
_STAMP = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Former:
    """A version that ran before: kept as an empty ReplicaSet, for a roll-back by hand."""

    image: str
    version: str
    age_days: float


def seed(
    plane: ControlPlane,
    namespace: str,
    manifests: Sequence[Object],
    image_reference: str,
    version: str,
    age_days: float,
    *,
    former: Sequence[Former] = (),
    replicas: int | None = None,
    manager: str = "dynamo",
) -> None:
    """Apply the manifests as of `age_days` ago; Deployments run `image_reference` and are complete.

    The image goes into the container that has the Deployment's name, or the first one. `replicas`
    counts where the manifest names none (an autoscaler decided it). `former` is oldest first.
    """
    born = plane.storage.clock.now() - timedelta(days=age_days)
    ensure_namespace(plane, namespace, born - timedelta(days=30))
    for manifest in manifests:
        wanted = copy_json(manifest)
        wanted["metadata"]["namespace"] = namespace
        if wanted["kind"] == "Deployment":
            current = Former(image_reference, version, age_days)
            _seed_deployment(plane, wanted, current, former, replicas, manager)
        else:
            create_applied(plane, wanted, born, manager)


def ensure_namespace(plane: ControlPlane, name: str, born: datetime) -> None:
    """The namespace, with what every namespace has."""
    if plane.storage.stored("namespaces", None, name) is not None:
        return
    stamp = born.strftime(_STAMP)
    labels = {"kubernetes.io/metadata.name": name}
    namespace: Object = {
        "kind": "Namespace",
        "apiVersion": "v1",
        "metadata": {"name": name, "labels": labels, "creationTimestamp": stamp},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }
    plane.storage.create("namespaces", namespace)
    for resource, body in furniture(name):
        body["metadata"]["creationTimestamp"] = stamp
        if plane.storage.stored(resource, name, body["metadata"]["name"]) is None:
            plane.storage.create(resource, body)


def create_applied(
    plane: ControlPlane,
    wanted: Object,
    born: datetime,
    manager: str,
    decided: Object | None = None,
) -> Object:
    """Create what a server-side apply at that time would have created.

    `decided`: fields of the spec that somebody else has set, where the manifest has none.
    """
    kind = _kind_of(wanted)
    stamp = born.strftime(_STAMP)
    who = Manager(manager, "Apply", kind.api_version)
    made = apply(kind, None, wanted, who, stamp, force=False)
    if decided:
        made["spec"] = {**decided, **made["spec"]}
    apply_defaults(kind, made)
    prepare_create(kind, made)
    made["apiVersion"], made["kind"] = kind.api_version, kind.kind
    made["metadata"]["creationTimestamp"] = stamp
    return plane.storage.create(kind.key, made)


def _kind_of(obj: Object) -> Kind:
    for kind in KINDS:
        if kind.api_version == obj["apiVersion"] and kind.kind == obj["kind"]:
            return kind
    raise ValueError(f"the sandbox serves no {obj['kind']} of {obj['apiVersion']}")


# A Deployment that is complete


def _seed_deployment(
    plane: ControlPlane,
    wanted: Object,
    current: Former,
    former: Sequence[Former],
    replicas: int | None,
    manager: str,
) -> None:
    now = plane.storage.clock.now()
    _pin(wanted, current)
    first = max([current.age_days, *(each.age_days for each in former)])
    chosen = {} if replicas is None else {"replicas": replicas}
    deployment = create_applied(plane, wanted, now - timedelta(days=first), manager, chosen)
    revision = 0
    for revision, each in enumerate(former, start=1):
        born = now - timedelta(days=each.age_days)
        _create_replica_set(plane, deployment, each, revision, 0, born)
    born = now - timedelta(days=current.age_days)
    wished = rolling.wished_replicas(deployment)
    newest = _create_replica_set(plane, deployment, current, revision + 1, wished, born)
    for number in range(wished):
        _create_pod(plane, newest, number, born + timedelta(seconds=11 * number))
    _complete(plane, deployment, newest, revision + 1, born)


def _pin(wanted: Object, release: Former) -> None:
    """The image, and the version as an annotation where the manifest has none."""
    spec = wanted["spec"]["template"]["spec"]
    name = wanted["metadata"]["name"]
    named = [each for each in spec["containers"] if each["name"] == name]
    (named or spec["containers"])[0]["image"] = release.image
    for thing in (wanted, wanted["spec"]["template"]):
        meta = thing.setdefault("metadata", {})
        meta["annotations"] = {VERSION_ANNOTATION: release.version, **annotations_of(thing)}


def _create_replica_set(
    plane: ControlPlane,
    deployment: Object,
    release: Former,
    revision: int,
    size: int,
    born: datetime,
) -> Object:
    template = copy_json(deployment["spec"]["template"])
    if deployment["spec"]["template"]["spec"]["containers"][0]["image"] != release.image:
        holder: Object = {"metadata": {"name": deployment["metadata"]["name"]}}
        holder["spec"] = {"template": template}
        template["metadata"]["annotations"].pop(VERSION_ANNOTATION, None)
        _pin(holder, release)
    digest = template_hash(template)
    template["metadata"]["labels"] = {**labels_of(template), _HASH: digest}
    bounds = rolling.bounds_of(deployment)
    meta = deployment["metadata"]
    counts: Object = {"replicas": size, "terminatingReplicas": 0, "observedGeneration": 1}
    if size:
        for word in ("fullyLabeledReplicas", "readyReplicas", "availableReplicas"):
            counts[word] = size
    copied = {k: v for k, v in annotations_of(deployment).items() if k != VERSION_ANNOTATION}
    made: Object = {
        "kind": "ReplicaSet",
        "apiVersion": "apps/v1",
        "metadata": {
            "name": f"{meta['name']}-{digest}",
            "namespace": meta["namespace"],
            "creationTimestamp": born.strftime(_STAMP),
            "labels": labels_of(template),
            "annotations": {
                **copied,
                VERSION_ANNOTATION: release.version,
                rolling.DESIRED: str(bounds.wished),
                rolling.MAXIMUM: str(bounds.most),
                rolling.REVISION: str(revision),
            },
            "ownerReferences": [owner_reference(deployment, "apps/v1", "Deployment")],
        },
        "spec": {
            "replicas": size,
            "selector": {
                "matchLabels": {**deployment["spec"]["selector"]["matchLabels"], _HASH: digest}
            },
            "template": template,
        },
        "status": counts,
    }
    return plane.storage.create("replicasets.apps", made, manager=_CONTROLLERS)


def _create_pod(plane: ControlPlane, replica_set: Object, number: int, born: datetime) -> None:
    """A pod that was scheduled, pulled, started and became ready at that time."""
    dice = random.Random(f"{replica_set['metadata']['name']}/{number}")
    owner = owner_reference(replica_set, "apps/v1", "ReplicaSet")
    pod = pod_from_template(replica_set, owner, dice)
    stamp = born.strftime(_STAMP)
    pod["metadata"]["creationTimestamp"] = stamp
    nodes = sorted(node["metadata"]["name"] for node in plane.nodes.all())
    start = int(hashlib.sha256(replica_set["metadata"]["name"].encode()).hexdigest()[:4], 16)
    node = nodes[(start + number) % len(nodes)]
    pod["spec"]["nodeName"] = node
    pod["metadata"]["generation"] = 1
    running = (born + timedelta(seconds=3)).strftime(_STAMP)
    views = [_view(plane, container, running, dice) for container in pod["spec"]["containers"]]
    inits = [
        ContainerView(
            each["name"],
            each["image"],
            {"terminated": {"exitCode": 0, "reason": "Completed", "finishedAt": running}},
            ready=True,
            spec=each,
        )
        for each in pod["spec"].get("initContainers") or ()
    ]
    view = PodView(views, inits, sandbox_ready=True, initialized=True, over=False)
    address = plane.kubelet.host.pod_address(pod)
    pod["status"] = status_of(pod, view, stamp, plane.kubelet.host.node_address(node), address)
    for each in pod["status"]["conditions"]:
        if each["type"] in ("Ready", "ContainersReady"):
            each["lastTransitionTime"] = running
    plane.storage.create("pods", pod, manager="kubelet")


def _view(
    plane: ControlPlane, container: Object, running: str, dice: random.Random
) -> ContainerView:
    name = parse_image(container["image"])
    found = plane.kubelet.host.images.find_image(name.path, name.reference)
    digest = found.digest if isinstance(found, Image) else name.digest
    identity = f"{dice.getrandbits(256):064x}"
    return ContainerView(
        container["name"],
        container["image"],
        {"running": {"startedAt": running}},
        ready=True,
        started=True,
        image_id=f"{name.host}/{name.path}@{digest}",
        container_id=f"containerd://{identity}",
        spec=container,
    )


def _complete(
    plane: ControlPlane, deployment: Object, newest: Object, revision: int, born: datetime
) -> None:
    wished = rolling.wished_replicas(deployment)
    stamp = (born + timedelta(seconds=11 * wished)).strftime(_STAMP)
    status: Object = {"observedGeneration": int(deployment["metadata"]["generation"])}
    if wished:
        for word in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"):
            status[word] = wished
    status["terminatingReplicas"] = 0
    told = f'ReplicaSet "{newest["metadata"]["name"]}" has successfully progressed.'
    status["conditions"] = [
        condition(
            "Available",
            "True",
            "MinimumReplicasAvailable",
            "Deployment has minimum availability.",
            stamp,
        ),
        condition("Progressing", "True", "NewReplicaSetAvailable", told, stamp),
    ]

    def change(stored: Object) -> None:
        stored["status"] = status
        stored["metadata"]["annotations"] = {
            **annotations_of(stored),
            rolling.REVISION: str(revision),
        }

    meta = deployment["metadata"]
    plane.storage.update_status(
        "deployments.apps", meta["namespace"], meta["name"], change, manager=_CONTROLLERS
    )


def autoscaler_manifest(service: str, least: int, most: int) -> Object:
    """An autoscaler for a Deployment, as one would write it by hand."""
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": service, "labels": {"app.kubernetes.io/name": service}},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": service},
            "minReplicas": least,
            "maxReplicas": most,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {
                        "name": "cpu",
                        "target": {"type": "Utilization", "averageUtilization": 70},
                    },
                }
            ],
        },
    }

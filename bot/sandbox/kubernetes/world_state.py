"""The world in one picture: what every environment runs, pod by pod, in words that people know.

Pure: reads the control plane's caches and the time, writes plain JSON (`GET /world/state`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.sandbox.kubernetes import rolling
from bot.sandbox.kubernetes.api_objects import (
    annotations_of,
    condition_of,
    controller_of,
    instant,
)
from bot.sandbox.kubernetes.work_queue import Cache, key_of

Object = dict[str, Any]
VERSION_ANNOTATION = "dynamo/version"
_BAD_WORDS = frozenset(
    {
        "CrashLoopBackOff",
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "StartError",
        "OOMKilled",
        "Error",
        "Unschedulable",
    }
)


@dataclass(frozen=True, slots=True)
class EnvironmentName:
    """An environment of the catalog and the namespace where it runs."""

    name: str
    namespace: str


@dataclass(frozen=True, slots=True)
class View:
    """What the picture is made of; `version_of(image)` knows an image's version."""

    deployments: Cache
    replica_sets: Cache
    pods: Cache
    version_of: Callable[[str], str]
    now: datetime
    befallen: Callable[[str, str], str] = lambda namespace, service: ""


def environments(view: View, names: Sequence[EnvironmentName]) -> list[Object]:
    return [
        {
            "name": each.name,
            "namespace": each.namespace,
            "workloads": [
                workload(view, deployment)
                for deployment in view.deployments.in_namespace(each.namespace)
            ],
        }
        for each in names
    ]


def workload(view: View, deployment: Object) -> Object:
    """One service in one environment."""
    status = deployment.get("status", {})
    owned = view.replica_sets.owned_by(deployment["metadata"]["uid"])
    revision = annotations_of(deployment).get(rolling.REVISION)
    current = [each for each in owned if annotations_of(each).get(rolling.REVISION) == revision]
    newest = current[0]["metadata"]["uid"] if current else ""
    pods = [
        _pod(view, pod, newest)
        for each in owned
        for pod in view.pods.owned_by(each["metadata"]["uid"])
    ]
    pods.sort(key=lambda pod: (pod["old"], -pod["age"], pod["name"]))
    template = deployment["spec"]["template"]
    image = str(template["spec"]["containers"][0]["image"])
    return {
        "service": deployment["metadata"]["name"],
        "version": annotations_of(template).get(VERSION_ANNOTATION) or view.version_of(image),
        "image": image,
        "desired": rolling.wished_replicas(deployment),
        "ready": int(status.get("readyReplicas", 0)),
        "updated": int(status.get("updatedReplicas", 0)),
        "state": _state(deployment, pods),
        "behaviour": view.befallen(
            deployment["metadata"]["namespace"], deployment["metadata"]["name"]
        ),
        "pods": pods,
    }


def _state(deployment: Object, pods: Sequence[Object]) -> str:
    wished = rolling.wished_replicas(deployment)
    status = deployment.get("status", {})
    progressing = condition_of(status, "Progressing") or {}
    failure = condition_of(status, "ReplicaFailure")
    broken = any(_is_broken(pod) for pod in pods if not pod["old"])
    if progressing.get("status") == "False" or failure is not None or broken:
        return "failing"
    if wished == 0 and not pods:
        return "scaled to zero"
    observed = int(status.get("observedGeneration", 0)) >= int(deployment["metadata"]["generation"])
    counters = ("replicas", "updatedReplicas", "availableReplicas")
    settled = all(int(status.get(each, 0)) == wished for each in counters)
    return "healthy" if observed and settled else "rolling"


def _is_broken(pod: Object) -> bool:
    """It cannot start, or it has crashed and is not back yet, whatever it does at the moment."""
    crashed = pod["restarts"] > 0 and not pod["ready"]
    return pod["word"] in _BAD_WORDS or (crashed and pod["word"] != "Terminating")


def _pod(view: View, pod: Object, newest: str) -> Object:
    status = pod.get("status", {})
    statuses = status.get("containerStatuses") or []
    owner = controller_of(pod) or {}
    leaving = "deletionTimestamp" in pod["metadata"]
    age = (view.now - instant(pod["metadata"]["creationTimestamp"])).total_seconds()
    image = str(pod["spec"]["containers"][0]["image"])
    return {
        "name": key_of(pod)[1],
        "version": annotations_of(pod).get(VERSION_ANNOTATION) or view.version_of(image),
        "phase": "Terminating" if leaving else status.get("phase", "Pending"),
        "word": pod_word(pod),
        "ready": bool(statuses) and all(each["ready"] for each in statuses),
        "restarts": sum(int(each.get("restartCount", 0)) for each in statuses),
        "age": round(max(0.0, age)),
        "old": owner.get("uid") != newest,
    }


def pod_word(pod: Object) -> str:
    """The word in the STATUS column of `kubectl get pods`."""
    if "deletionTimestamp" in pod["metadata"]:
        return "Terminating"
    status = pod.get("status", {})
    scheduled = condition_of(status, "PodScheduled")
    if scheduled is not None and scheduled["status"] == "False":
        return str(scheduled.get("reason", "Pending"))
    for prefix, field in (("Init:", "initContainerStatuses"), ("", "containerStatuses")):
        for each in status.get(field) or ():
            word = _container_word(each["state"])
            if word and not (prefix and each.get("ready")):
                return word if word == "PodInitializing" else prefix + word
    return str(status.get("phase", "Pending"))


def _container_word(state: Object) -> str:
    for kind in ("waiting", "terminated"):
        if kind in state:
            return str(state[kind].get("reason", ""))
    return ""

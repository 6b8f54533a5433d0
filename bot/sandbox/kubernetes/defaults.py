"""What the API server fills in: the defaults of pkg/apis/*/v1/defaults.go and of creation.

`apply_defaults` runs after every decode, on create and update alike; `prepare_create` once, for
what only a new object gets (a namespace's finalizer, a service's address, a pod's tolerations).
"""

from __future__ import annotations

import base64
import random
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from bot.sandbox.kubernetes.resources import Kind
from bot.sandbox.kubernetes.stored import Object, copy_json

_TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a path
_SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_WORKLOADS = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job"})


def apply_defaults(kind: Kind, obj: Object) -> Object:
    """Fill in, in place, what the object leaves open; returns it."""
    spec = obj.get("spec")
    if kind.kind in _WORKLOADS:
        _workload(kind.kind, obj, obj.setdefault("spec", {}))
    elif kind.kind == "CronJob" and isinstance(spec, dict):
        _cron_job(spec)
    elif kind.kind == "Pod":
        spec = obj.setdefault("spec", {})
        _pod_spec(spec)
        _whole_pod(spec)
    elif kind.schema == "HorizontalPodAutoscaler" and isinstance(spec, dict):
        _autoscaler(spec)
    elif kind.kind == "Service":
        _service(obj.setdefault("spec", {}))
    elif kind.kind == "Secret":
        _secret(obj)
    elif kind.kind == "Namespace":
        _namespace(obj)
    elif kind.kind in ("RoleBinding", "ClusterRoleBinding"):
        _binding(obj)
    elif kind.kind in _OF_THE_REST:
        _OF_THE_REST[kind.kind](obj)
    return obj


def _fill(target: Object, **defaults: Any) -> None:
    for name, value in defaults.items():
        if target.get(name) is None:
            target[name] = copy_json(value)


def _workload(kind: str, obj: Object, spec: Object) -> None:
    if kind == "Job":
        _job(spec)
    elif kind != "DaemonSet":
        _fill(spec, replicas=1)
    if kind == "Deployment":
        strategy = spec.setdefault("strategy", {})
        _fill(strategy, type="RollingUpdate")
        if strategy["type"] == "RollingUpdate":
            _fill(strategy, rollingUpdate={})
            _fill(strategy["rollingUpdate"], maxUnavailable="25%", maxSurge="25%")
        _fill(spec, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    elif kind == "StatefulSet":
        _fill(spec, podManagementPolicy="OrderedReady", revisionHistoryLimit=10)
        _fill(spec, updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 0}})
        retain = {"whenDeleted": "Retain", "whenScaled": "Retain"}
        _fill(spec, persistentVolumeClaimRetentionPolicy=retain)
    elif kind == "DaemonSet":
        rolling = {"maxUnavailable": 1, "maxSurge": 0}
        _fill(spec, updateStrategy={"type": "RollingUpdate", "rollingUpdate": rolling})
        _fill(spec, revisionHistoryLimit=10)
    elif kind == "ReplicaSet" and not obj["metadata"].get("labels"):
        labels = (spec.get("template", {}).get("metadata") or {}).get("labels")
        if labels:
            obj["metadata"]["labels"] = copy_json(labels)
    _pod_spec(spec.setdefault("template", {}).setdefault("spec", {}))


def _job(spec: Object) -> None:
    if spec.get("completions") is None and spec.get("parallelism") is None:
        _fill(spec, completions=1)
    _fill(spec, parallelism=1, backoffLimit=6, completionMode="NonIndexed", suspend=False)
    _fill(spec, manualSelector=False, podReplacementPolicy="TerminatingOrFailed")


def _cron_job(spec: Object) -> None:
    _fill(spec, concurrencyPolicy="Allow", suspend=False)
    _fill(spec, successfulJobsHistoryLimit=3, failedJobsHistoryLimit=1)
    template = spec.get("jobTemplate", {}).get("spec", {}).get("template")
    if isinstance(template, dict):
        _pod_spec(template.setdefault("spec", {}))


def _pod_spec(spec: Object) -> None:
    for container in _containers(spec):
        _container(container)
    _fill(
        spec,
        restartPolicy="Always",
        terminationGracePeriodSeconds=30,
        dnsPolicy="ClusterFirst",
        securityContext={},
        schedulerName="default-scheduler",
    )
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    for volume in spec.get("volumes") or []:
        _volume(volume)


def _containers(spec: Object) -> Iterator[Object]:
    for name in ("initContainers", "containers", "ephemeralContainers"):
        yield from spec.get(name) or []


def _container(container: Object) -> None:
    _fill(
        container,
        resources={},
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
        imagePullPolicy=_pull_policy(container.get("image", "")),
    )
    for port in container.get("ports") or []:
        _fill(port, protocol="TCP")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        probe = container.get(name)
        if probe is not None:
            _fill(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
            _handler(probe)
    for handler in (container.get("lifecycle") or {}).values():
        if isinstance(handler, dict):
            _handler(handler)
    for variable in container.get("env") or []:
        reference = (variable.get("valueFrom") or {}).get("fieldRef")
        if reference is not None:
            _fill(reference, apiVersion="v1")
        resource = (variable.get("valueFrom") or {}).get("resourceFieldRef")
        if resource is not None:
            _fill(resource, divisor="0")


def _handler(handler: Object) -> None:
    if handler.get("httpGet") is not None:
        _fill(handler["httpGet"], path="/", scheme="HTTP")
    if handler.get("grpc") is not None:
        _fill(handler["grpc"], service="")


def _pull_policy(image: str) -> str:
    """Always for a moving image: no digest, and no tag or the tag latest."""
    if "@" in image:
        return "IfNotPresent"
    _, colon, tag = image.rpartition("/")[2].partition(":")
    return "IfNotPresent" if colon and tag != "latest" else "Always"


def _volume(volume: Object) -> None:
    for name in ("configMap", "secret", "downwardAPI", "projected"):
        if volume.get(name) is not None:
            _fill(volume[name], defaultMode=0o644)
    if volume.get("hostPath") is not None:
        _fill(volume["hostPath"], type="")
    if len(volume) == 1:
        volume["emptyDir"] = {}
    for item in (volume.get("downwardAPI") or {}).get("items") or []:
        if item.get("fieldRef") is not None:
            _fill(item["fieldRef"], apiVersion="v1")
    for source in (volume.get("projected") or {}).get("sources") or []:
        if source.get("serviceAccountToken") is not None:
            _fill(source["serviceAccountToken"], expirationSeconds=3600)


def _whole_pod(spec: Object) -> None:
    """A pod's own defaults, which a template does not get (SetDefaults_Pod)."""
    _fill(spec, enableServiceLinks=True)
    for container in _containers(spec):
        resources = container.get("resources") or {}
        limits = resources.get("limits") or {}
        if limits:
            resources["requests"] = {**limits, **(resources.get("requests") or {})}
            container["resources"] = resources
        if spec.get("hostNetwork"):
            for port in container.get("ports") or []:
                _fill(port, hostPort=port.get("containerPort"))


def _autoscaler(spec: Object) -> None:
    _fill(spec, minReplicas=1)
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": 80}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]


def _service(spec: Object) -> None:
    _fill(spec, sessionAffinity="None", type="ClusterIP")
    for port in spec.get("ports") or []:
        _fill(port, protocol="TCP")
        _fill(port, targetPort=port.get("port"))
    if spec["type"] != "ExternalName":
        _fill(spec, internalTrafficPolicy="Cluster")
    if spec["type"] in ("NodePort", "LoadBalancer"):
        _fill(spec, externalTrafficPolicy="Cluster")


def _secret(obj: Object) -> None:
    _fill(obj, type="Opaque")
    for key, text in (obj.pop("stringData", None) or {}).items():
        obj.setdefault("data", {})[key] = base64.b64encode(text.encode()).decode()


def _namespace(obj: Object) -> None:
    meta = obj["metadata"]
    if meta.get("name"):
        labels = meta.setdefault("labels", {})
        labels["kubernetes.io/metadata.name"] = meta["name"]


def _binding(obj: Object) -> None:
    reference = obj.get("roleRef")
    if isinstance(reference, dict):
        _fill(reference, apiGroup="rbac.authorization.k8s.io")
    for subject in obj.get("subjects") or []:
        if subject.get("kind") in ("User", "Group"):
            _fill(subject, apiGroup="rbac.authorization.k8s.io")


def _replication_controller(obj: Object) -> None:
    """Its labels and selector are those of its pods, where it says none."""
    spec = obj.setdefault("spec", {})
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels")
    if labels:
        for target, word in ((spec, "selector"), (obj["metadata"], "labels")):
            if not target.get(word):
                target[word] = copy_json(labels)
    _fill(spec, replicas=1)
    if spec.get("template") is not None:
        _pod_spec(spec["template"].setdefault("spec", {}))


def _volume_claim(obj: Object) -> None:
    _fill(obj.setdefault("spec", {}), volumeMode="Filesystem")


def _persistent_volume(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    _fill(spec, persistentVolumeReclaimPolicy="Retain", volumeMode="Filesystem")
    if spec.get("hostPath") is not None:
        _fill(spec["hostPath"], type="")


def _storage_class(obj: Object) -> None:
    _fill(obj, reclaimPolicy="Delete", volumeBindingMode="Immediate")


def _priority_class(obj: Object) -> None:
    _fill(obj, preemptionPolicy="PreemptLowerPriority")


def _endpoint_slice(obj: Object) -> None:
    for port in obj.get("ports") or []:
        _fill(port, name="", protocol="TCP")


def _pod_template(obj: Object) -> None:
    if obj.get("template") is not None:
        _pod_spec(obj["template"].setdefault("spec", {}))


_OF_THE_REST: dict[str, Callable[[Object], None]] = {
    "ReplicationController": _replication_controller,
    "PersistentVolumeClaim": _volume_claim,
    "PersistentVolume": _persistent_volume,
    "StorageClass": _storage_class,
    "PriorityClass": _priority_class,
    "EndpointSlice": _endpoint_slice,
    "PodTemplate": _pod_template,
}


# What only a new object gets


def prepare_create(kind: Kind, obj: Object) -> None:
    """Drop what clients may not set on creation, and set what the server allots."""
    if kind.status:
        obj.pop("status", None)
    if kind.kind == "Namespace":
        obj["spec"] = {"finalizers": ["kubernetes"]}
        obj["status"] = {"phase": "Active"}
    elif kind.kind == "Pod":
        obj["status"] = {"phase": "Pending", "qosClass": qos_class(obj.get("spec") or {})}
    elif kind.kind == "Service":
        obj["status"] = {"loadBalancer": {}}
    elif kind.kind == "Job":
        _job_selector(obj)
        obj["status"] = {}
    elif kind.kind in ("ReplicaSet", "ReplicationController"):
        obj["status"] = {"replicas": 0}
    elif kind.kind in ("PersistentVolume", "PersistentVolumeClaim"):
        obj["status"] = {"phase": "Pending"}
    elif kind.schema == "HorizontalPodAutoscaler":
        obj["status"] = {"desiredReplicas": 0, "currentMetrics": None}
    elif kind.status:
        obj["status"] = {}


def _job_selector(obj: Object) -> None:
    """A job selects its own pods by its uid (registry/batch/job/strategy.go: generateSelector)."""
    meta, spec = obj["metadata"], obj["spec"]
    if spec.get("manualSelector") or spec.get("selector") is not None:
        return
    meta["uid"] = str(uuid.uuid4())
    own = {"batch.kubernetes.io/controller-uid": meta["uid"]}
    name = meta.get("name", "")
    template = spec["template"].setdefault("metadata", {})
    template["labels"] = {
        **(template.get("labels") or {}),
        **own,
        "batch.kubernetes.io/job-name": name,
        "controller-uid": meta["uid"],
        "job-name": name,
    }
    spec["selector"] = {"matchLabels": own}


def admit_pod(spec: Object, dice: random.Random) -> None:
    """The mutating admission of a new pod: ServiceAccount, DefaultTolerationSeconds, Priority."""
    _fill(spec, serviceAccountName="default")
    spec["serviceAccount"] = spec["serviceAccountName"]
    _fill(spec, priority=0, preemptionPolicy="PreemptLowerPriority")
    tolerations = spec.setdefault("tolerations", [])
    for word in ("not-ready", "unreachable"):
        key = f"node.kubernetes.io/{word}"
        if not any(one.get("key") in (key, None) for one in tolerations):
            tolerations.append(
                {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
            )
    if spec.get("automountServiceAccountToken") is not False:
        _token_volume(spec, dice)


def _token_volume(spec: Object, dice: random.Random) -> None:
    containers = list(_containers(spec))
    mounted = [
        any(mount.get("mountPath") == _TOKEN_PATH for mount in one.get("volumeMounts") or [])
        for one in containers
    ]
    if all(mounted):
        return
    name = "kube-api-access-" + "".join(dice.choices(_SUFFIX_LETTERS, k=5))
    ca = {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}
    where = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    sources = [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": ca},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": where}]}},
    ]
    volume = {"name": name, "projected": {"sources": sources, "defaultMode": 0o644}}
    spec.setdefault("volumes", []).append(volume)
    for container, has_one in zip(containers, mounted, strict=True):
        if not has_one:
            container.setdefault("volumeMounts", []).append(
                {"name": name, "readOnly": True, "mountPath": _TOKEN_PATH}
            )


def allot_service(spec: Object, taken: set[str], ports: set[int], dice: random.Random) -> None:
    """Cluster address and node ports of a new service."""
    if spec.get("type") == "ExternalName":
        return
    if spec.get("clusterIP") is None:
        while (address := f"10.96.{dice.randrange(256)}.{dice.randrange(1, 255)}") in taken:
            pass
        spec["clusterIP"] = address
    _fill(spec, clusterIPs=[spec["clusterIP"]], ipFamilies=["IPv4"], ipFamilyPolicy="SingleStack")
    if spec.get("type") in ("NodePort", "LoadBalancer"):
        for port in spec.get("ports") or []:
            while not port.get("nodePort"):
                choice = dice.randrange(30000, 32768)
                if choice not in ports:
                    ports.add(choice)
                    port["nodePort"] = choice


def qos_class(spec: Object) -> str:
    """BestEffort, Burstable or Guaranteed, from cpu and memory alone."""
    requests_seen = False
    guaranteed = True
    for container in _containers(spec):
        resources = container.get("resources") or {}
        limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
        requests_seen |= any(name in {**limits, **requests} for name in ("cpu", "memory"))
        guaranteed &= all(
            name in limits and requests.get(name, limits[name]) == limits[name]
            for name in ("cpu", "memory")
        )
    if not requests_seen:
        return "BestEffort"
    return "Guaranteed" if guaranteed else "Burstable"

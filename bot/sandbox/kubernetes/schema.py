"""What the API's types look like: fields, how lists merge, what Go writes when nothing is there.

`types.json` holds every type that the served kinds reach: field name to type, where "[X]" is a list
and "{X}" a map. The tables below add what the OpenAPI document of Kubernetes says beside it
(`x-kubernetes-list-type`, `-list-map-keys`, `-map-type`, `-patch-merge-key`, `-patch-strategy`) and
what follows from the Go structs (fields without omitempty, structs that are never absent).
Decoding, field ownership, patches and the OpenAPI answers all read from here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

TYPES: dict[str, dict[str, str]] = json.loads(
    (Path(__file__).parent / "types.json").read_text(encoding="utf-8")
)

SCALARS = frozenset(
    {
        "string",
        "integer",
        "number",
        "boolean",
        "time",
        "quantity",
        "bytes",
        "int-or-string",
        "object",
    }
)

# x-kubernetes-list-type: map, with its x-kubernetes-list-map-keys. Lists that are neither here nor
# in SETS are atomic: one owner has the whole list.
LIST_KEYS: dict[tuple[str, str], tuple[str, ...]] = {
    ("PodSpec", "containers"): ("name",),
    ("PodSpec", "initContainers"): ("name",),
    ("PodSpec", "ephemeralContainers"): ("name",),
    ("PodSpec", "volumes"): ("name",),
    ("PodSpec", "imagePullSecrets"): ("name",),
    ("PodSpec", "hostAliases"): ("ip",),
    ("PodSpec", "resourceClaims"): ("name",),
    ("PodSpec", "schedulingGates"): ("name",),
    ("PodSpec", "topologySpreadConstraints"): ("topologyKey", "whenUnsatisfiable"),
    ("Container", "env"): ("name",),
    ("Container", "ports"): ("containerPort", "protocol"),
    ("Container", "volumeMounts"): ("mountPath",),
    ("Container", "volumeDevices"): ("devicePath",),
    ("EphemeralContainer", "env"): ("name",),
    ("EphemeralContainer", "ports"): ("containerPort", "protocol"),
    ("EphemeralContainer", "volumeMounts"): ("mountPath",),
    ("EphemeralContainer", "volumeDevices"): ("devicePath",),
    ("ResourceRequirements", "claims"): ("name",),
    ("ObjectMeta", "ownerReferences"): ("uid",),
    ("PodStatus", "conditions"): ("type",),
    ("PodStatus", "podIPs"): ("ip",),
    ("DeploymentStatus", "conditions"): ("type",),
    ("ReplicaSetStatus", "conditions"): ("type",),
    ("StatefulSetStatus", "conditions"): ("type",),
    ("DaemonSetStatus", "conditions"): ("type",),
    ("NamespaceStatus", "conditions"): ("type",),
    ("ServiceStatus", "conditions"): ("type",),
    ("NodeStatus", "conditions"): ("type",),
    ("NodeStatus", "addresses"): ("type",),
    ("PodDisruptionBudgetStatus", "conditions"): ("type",),
    ("v2.HorizontalPodAutoscalerStatus", "conditions"): ("type",),
    ("ServiceSpec", "ports"): ("port", "protocol"),
    ("ServiceAccount", "secrets"): ("name",),
    ("ReplicationControllerStatus", "conditions"): ("type",),
}
LIST_KEY_DEFAULTS: dict[tuple[str, str], dict[str, Any]] = {
    ("Container", "ports"): {"protocol": "TCP"},
    ("EphemeralContainer", "ports"): {"protocol": "TCP"},
    ("ServiceSpec", "ports"): {"protocol": "TCP"},
    ("PodSpec", "imagePullSecrets"): {"name": ""},
}
SETS = frozenset({("ObjectMeta", "finalizers"), ("NodeSpec", "podCIDRs")})

# x-kubernetes-map-type: atomic, on types and on single map fields.
ATOMIC_TYPES = frozenset(
    {
        "LabelSelector",
        "NodeSelector",
        "NodeSelectorTerm",
        "ObjectReference",
        "OwnerReference",
        "LocalObjectReference",
        "TypedLocalObjectReference",
        "SecretReference",
        "ConfigMapKeySelector",
        "SecretKeySelector",
        "FileKeySelector",
        "ObjectFieldSelector",
        "ResourceFieldSelector",
        "RoleRef",
        "ScopeSelector",
        "TopologySelectorTerm",
    }
)
ATOMIC_FIELDS = frozenset(
    {
        ("PodSpec", "nodeSelector"),
        ("ServiceSpec", "selector"),
        ("ReplicationControllerSpec", "selector"),
        ("Scheduling", "nodeSelector"),
    }
)

# x-kubernetes-patch-strategy: merge, with the key where items are objects ("" for plain values).
MERGE_KEYS: dict[tuple[str, str], str] = {
    ("PodSpec", "containers"): "name",
    ("PodSpec", "initContainers"): "name",
    ("PodSpec", "ephemeralContainers"): "name",
    ("PodSpec", "volumes"): "name",
    ("PodSpec", "imagePullSecrets"): "name",
    ("PodSpec", "hostAliases"): "ip",
    ("PodSpec", "resourceClaims"): "name",
    ("PodSpec", "schedulingGates"): "name",
    ("PodSpec", "topologySpreadConstraints"): "topologyKey",
    ("Container", "env"): "name",
    ("Container", "ports"): "containerPort",
    ("Container", "volumeMounts"): "mountPath",
    ("Container", "volumeDevices"): "devicePath",
    ("EphemeralContainer", "env"): "name",
    ("EphemeralContainer", "ports"): "containerPort",
    ("EphemeralContainer", "volumeMounts"): "mountPath",
    ("EphemeralContainer", "volumeDevices"): "devicePath",
    ("ObjectMeta", "ownerReferences"): "uid",
    ("ObjectMeta", "finalizers"): "",
    ("PodStatus", "conditions"): "type",
    ("PodStatus", "podIPs"): "ip",
    ("PodStatus", "hostIPs"): "ip",
    ("DeploymentStatus", "conditions"): "type",
    ("ReplicaSetStatus", "conditions"): "type",
    ("StatefulSetStatus", "conditions"): "type",
    ("DaemonSetStatus", "conditions"): "type",
    ("JobStatus", "conditions"): "type",
    ("NamespaceStatus", "conditions"): "type",
    ("ServiceStatus", "conditions"): "type",
    ("NodeStatus", "conditions"): "type",
    ("NodeStatus", "addresses"): "type",
    ("PodDisruptionBudgetStatus", "conditions"): "type",
    ("v2.HorizontalPodAutoscalerStatus", "conditions"): "type",
    ("ServiceSpec", "ports"): "port",
    ("ServiceAccount", "secrets"): "name",
    ("ReplicationControllerStatus", "conditions"): "type",
}
RETAIN_KEYS = frozenset(
    {("DeploymentSpec", "strategy"), ("PodSpec", "volumes"), ("PodSpec", "resourceClaims")}
)

# Structs that Go always writes, and lists without omitempty: they are there before anybody set
# them, so a creating manager does not own the "." of them.
PRESENT: dict[str, dict[str, Any]] = {
    **{
        kind: {"metadata": {}, "spec": {}, "status": {}}
        for kind in (
            *(
                "Pod",
                "Deployment",
                "ReplicaSet",
                "StatefulSet",
                "DaemonSet",
                "Service",
                "Namespace",
            ),
            *("HorizontalPodAutoscaler", "v1.HorizontalPodAutoscaler", "Job", "CronJob", "Ingress"),
            *("PodDisruptionBudget", "Node", "ResourceQuota", "PersistentVolumeClaim", "Lease"),
            *("SelfSubjectAccessReview", "SubjectAccessReview", "LocalSubjectAccessReview"),
            *("NetworkPolicy", "LimitRange", "Scale", "SelfSubjectRulesReview"),
            *("PersistentVolume", "ReplicationController"),
        )
    },
    "DeploymentSpec": {"selector": None, "template": {}, "strategy": {}},
    "ReplicaSetSpec": {"selector": None, "template": {}},
    "IngressClass": {"metadata": {}, "spec": {}},
    "PodTemplate": {"metadata": {}, "template": {}},
    "StatefulSetSpec": {"selector": None, "template": {}, "updateStrategy": {}},
    "DaemonSetSpec": {"selector": None, "template": {}, "updateStrategy": {}},
    "JobSpec": {"template": {}},
    "PodTemplateSpec": {"metadata": {}, "spec": {}},
    "PodSpec": {"containers": None},
    "Container": {"resources": {}},
    "ServiceStatus": {"loadBalancer": {}},
    "Event": {
        "metadata": {},
        "involvedObject": {},
        "source": {},
        "eventTime": None,
        "reportingComponent": "",
        "reportingInstance": "",
    },
    "v2.HorizontalPodAutoscalerSpec": {"scaleTargetRef": {}},
    "HorizontalPodAutoscalerSpec": {"scaleTargetRef": {}},
    "ContainerStatus": {"state": {}, "lastState": {}},
    "Role": {"rules": None},
    "ClusterRole": {"rules": None},
    "RoleBinding": {"roleRef": {}},
    "ClusterRoleBinding": {"roleRef": {}},
}

# Fields without omitempty: an answer shows them even where nothing was sent.
SHOWN: dict[str, dict[str, Any]] = {
    "Event": {"eventTime": None, "reportingComponent": "", "reportingInstance": "", "source": {}},
    "Container": {"resources": {}},
    "EphemeralContainer": {"resources": {}},
    "PodCondition": {"lastProbeTime": None},
    "Deployment": {"status": {}},
    "ReplicaSet": {"status": {"replicas": 0}},
    "StatefulSet": {"status": {"replicas": 0}},
    "DaemonSet": {
        "status": {
            "currentNumberScheduled": 0,
            "numberMisscheduled": 0,
            "desiredNumberScheduled": 0,
            "numberReady": 0,
        }
    },
    "HorizontalPodAutoscaler": {"status": {"desiredReplicas": 0, "currentMetrics": None}},
    "v1.HorizontalPodAutoscaler": {"status": {"currentReplicas": 0, "desiredReplicas": 0}},
    "Service": {"status": {"loadBalancer": {}}},
    "ContainerStatus": {"lastState": {}, "state": {}},
    "Pod": {"status": {}},
    "Namespace": {"spec": {}, "status": {}},
    "Role": {"rules": None},
    "ClusterRole": {"rules": None},
    "Job": {"status": {}},
    "CronJob": {"status": {}},
    "Ingress": {"status": {"loadBalancer": {}}},
    "ReplicationController": {"status": {"replicas": 0}},
    "PersistentVolume": {"status": {}},
    "PriorityClass": {"value": 0},
    "ControllerRevision": {"revision": 0},
    "EndpointSlice": {"endpoints": None, "ports": None},
}

# Plain values with omitempty that are no pointers: Go drops their zero value.
ZERO_DROPPED: dict[str, frozenset[str]] = {
    "ObjectMeta": frozenset({"generateName", "namespace", "resourceVersion", "selfLink", "uid"}),
    "DeploymentSpec": frozenset({"minReadySeconds", "paused"}),
    "ReplicaSetSpec": frozenset({"minReadySeconds"}),
    "StatefulSetSpec": frozenset({"minReadySeconds", "podManagementPolicy"}),
    "DaemonSetSpec": frozenset({"minReadySeconds"}),
    "DeploymentStrategy": frozenset({"type"}),
    "PodSpec": frozenset(
        {
            *("hostNetwork", "hostPID", "hostIPC", "nodeName", "hostname", "subdomain"),
            *("priorityClassName", "schedulerName", "serviceAccountName", "serviceAccount"),
            *("restartPolicy", "dnsPolicy"),
        }
    ),
    "Container": frozenset(
        {
            *("image", "workingDir", "imagePullPolicy", "stdin", "stdinOnce", "tty"),
            *("terminationMessagePath", "terminationMessagePolicy"),
        }
    ),
    "EnvVar": frozenset({"value"}),
    "EnvFromSource": frozenset({"prefix"}),
    "ContainerPort": frozenset({"name", "hostPort", "protocol", "hostIP"}),
    "VolumeMount": frozenset({"readOnly", "subPath", "subPathExpr"}),
    "Probe": frozenset(
        {
            *("initialDelaySeconds", "timeoutSeconds", "periodSeconds"),
            *("successThreshold", "failureThreshold"),
        }
    ),
    "HTTPGetAction": frozenset({"path", "host", "scheme"}),
    "TCPSocketAction": frozenset({"host"}),
    "LocalObjectReference": frozenset({"name"}),
    "ConfigMapVolumeSource": frozenset({"name"}),
    "ConfigMapKeySelector": frozenset({"name"}),
    "SecretKeySelector": frozenset({"name"}),
    "ConfigMapEnvSource": frozenset({"name"}),
    "SecretEnvSource": frozenset({"name"}),
    "SecretVolumeSource": frozenset({"secretName"}),
    "EmptyDirVolumeSource": frozenset({"medium"}),
    "Toleration": frozenset({"key", "operator", "value", "effect"}),
    "ServicePort": frozenset({"name", "protocol", "nodePort"}),
    "ServiceSpec": frozenset(
        {
            *("clusterIP", "type", "sessionAffinity", "externalName", "publishNotReadyAddresses"),
            *("externalTrafficPolicy", "healthCheckNodePort", "loadBalancerIP"),
        }
    ),
    "Secret": frozenset({"type"}),
    "PriorityClass": frozenset({"globalDefault", "description"}),
    "PersistentVolumeSpec": frozenset({"persistentVolumeReclaimPolicy", "storageClassName"}),
    "ReplicationControllerSpec": frozenset({"minReadySeconds"}),
    "IngressClassSpec": frozenset({"controller"}),
    "Event": frozenset({"message", "reason", "count", "type", "action"}),
}

# Go struct fields that hold a list or map whose emptiness says something, and so is kept.
EMPTY_KEPT = frozenset(
    {
        ("LabelSelectorRequirement", "values"),
        ("NetworkPolicySpec", "podSelector"),
        ("PolicyRule", "verbs"),
        ("Container", "resources"),
    }
)


@dataclass(frozen=True, slots=True)
class Shape:
    """One type reference, taken apart: what it is and how its parts merge."""

    kind: str  # "struct", "map", "list" or "scalar"
    name: str  # of the struct or scalar; of the items for maps and lists
    atomic: bool = False
    keys: tuple[str, ...] = ()  # of an associative list
    key_defaults: tuple[tuple[str, Any], ...] = ()
    is_set: bool = False

    @property
    def associative(self) -> bool:
        return bool(self.keys) or self.is_set


@cache
def shape(owner: str, field: str) -> Shape | None:
    """The shape of a field of a struct; None when the struct does not declare it."""
    ref = TYPES.get(owner, {}).get(field)
    if ref is None:
        return None
    if ref[0] == "[":
        keys = LIST_KEYS.get((owner, field), ())
        is_set = (owner, field) in SETS
        defaults = tuple(LIST_KEY_DEFAULTS.get((owner, field), {}).items())
        return Shape("list", ref[1:-1], not keys and not is_set, keys, defaults, is_set)
    if ref[0] == "{":
        return Shape("map", ref[1:-1], (owner, field) in ATOMIC_FIELDS)
    return named(ref)


@cache
def named(ref: str) -> Shape:
    """The shape of a type by its name alone, such as an item of a list."""
    if ref[0] == "[":
        return Shape("list", ref[1:-1], True)
    if ref[0] == "{":
        return Shape("map", ref[1:-1])
    if ref in SCALARS:
        return Shape("scalar", ref)
    return Shape("struct", ref, ref in ATOMIC_TYPES)

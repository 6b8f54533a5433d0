"""Bodies that kubectl's typed commands send as protobuf (`create namespace`, `auth can-i`, …).

Kubernetes wraps them: the bytes "k8s\\0", then runtime.Unknown with the type and the raw message.
Only messages in `_MESSAGES` can be read, and workloads only where nothing of them is missing there;
others are 415, as any unknown format. Answers are JSON,
which such clients take as well. Field numbers are those of the published generated.proto files.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from bot.sandbox.kubernetes.stored import Object

MAGIC = b"k8s\0"
# Message -> field number -> (JSON name, type); "[X]" repeats, "{X}" is a map with string keys.
_MESSAGES: dict[str, dict[int, tuple[str, str]]] = {
    "Unknown": {1: ("typeMeta", "TypeMeta"), 2: ("raw", "raw")},
    "TypeMeta": {1: ("apiVersion", "string"), 2: ("kind", "string")},
    "ObjectMeta": {
        1: ("name", "string"),
        2: ("generateName", "string"),
        3: ("namespace", "string"),
        5: ("uid", "string"),
        6: ("resourceVersion", "string"),
        11: ("labels", "{string}"),
        12: ("annotations", "{string}"),
    },
    "Namespace": {1: ("metadata", "ObjectMeta")},
    "ServiceAccount": {1: ("metadata", "ObjectMeta")},
    "ConfigMap": {
        1: ("metadata", "ObjectMeta"),
        2: ("data", "{string}"),
        3: ("binaryData", "{bytes}"),
        4: ("immutable", "bool"),
    },
    "Secret": {
        1: ("metadata", "ObjectMeta"),
        2: ("data", "{bytes}"),
        3: ("type", "string"),
        4: ("stringData", "{string}"),
        5: ("immutable", "bool"),
    },
    "ResourceQuota": {1: ("metadata", "ObjectMeta"), 2: ("spec", "ResourceQuotaSpec")},
    "ResourceQuotaSpec": {1: ("hard", "{quantity}")},
    "SelfSubjectAccessReview": {
        1: ("metadata", "ObjectMeta"),
        2: ("spec", "AccessReviewSpec"),
    },
    "AccessReviewSpec": {
        1: ("resourceAttributes", "ResourceAttributes"),
        2: ("nonResourceAttributes", "NonResourceAttributes"),
    },
    "ResourceAttributes": {
        1: ("namespace", "string"),
        2: ("verb", "string"),
        3: ("group", "string"),
        4: ("version", "string"),
        5: ("resource", "string"),
        6: ("subresource", "string"),
        7: ("name", "string"),
    },
    "NonResourceAttributes": {1: ("path", "string"), 2: ("verb", "string")},
    "SelfSubjectReview": {1: ("metadata", "ObjectMeta")},
    "SelfSubjectRulesReview": {1: ("metadata", "ObjectMeta"), 2: ("spec", "RulesReviewSpec")},
    "RulesReviewSpec": {1: ("namespace", "string")},
    "HorizontalPodAutoscaler": {1: ("metadata", "ObjectMeta"), 2: ("spec", "AutoscalerSpec")},
    "AutoscalerSpec": {
        1: ("scaleTargetRef", "CrossVersionObjectReference"),
        2: ("minReplicas", "int"),
        3: ("maxReplicas", "int"),
        4: ("targetCPUUtilizationPercentage", "int"),
    },
    "AutoscalerSpecV2": {
        1: ("scaleTargetRef", "CrossVersionObjectReference"),
        2: ("minReplicas", "int"),
        3: ("maxReplicas", "int"),
        4: ("metrics", "[MetricSpec]"),
    },
    "MetricSpec": {1: ("type", "string"), 4: ("resource", "ResourceMetricSource")},
    "ResourceMetricSource": {1: ("name", "string"), 2: ("target", "MetricTarget")},
    "MetricTarget": {1: ("type", "string"), 4: ("averageUtilization", "int")},
    "DeleteOptions": {
        1: ("gracePeriodSeconds", "int"),
        2: ("preconditions", "Preconditions"),
        3: ("orphanDependents", "bool"),
        4: ("propagationPolicy", "string"),
        5: ("dryRun", "[string]"),
    },
    "Preconditions": {1: ("uid", "string"), 2: ("resourceVersion", "string")},
    "Deployment": {1: ("metadata", "ObjectMeta"), 2: ("spec", "DeploymentSpec")},
    "DeploymentSpec": {
        1: ("replicas", "int"),
        2: ("selector", "LabelSelector"),
        3: ("template", "PodTemplateSpec"),
        4: ("strategy", "DeploymentStrategy"),
        5: ("minReadySeconds", "int"),
        6: ("revisionHistoryLimit", "int"),
        7: ("paused", "bool"),
        9: ("progressDeadlineSeconds", "int"),
    },
    "DeploymentStrategy": {1: ("type", "string")},
    "LabelSelector": {1: ("matchLabels", "{string}")},
    "PodTemplateSpec": {1: ("metadata", "ObjectMeta"), 2: ("spec", "PodSpec")},
    "PodSpec": {
        2: ("containers", "[Container]"),
        3: ("restartPolicy", "string"),
        8: ("serviceAccountName", "string"),
        20: ("initContainers", "[Container]"),
    },
    "Container": {
        1: ("name", "string"),
        2: ("image", "string"),
        3: ("command", "[string]"),
        4: ("args", "[string]"),
        5: ("workingDir", "string"),
        6: ("ports", "[ContainerPort]"),
        7: ("env", "[EnvVar]"),
        8: ("resources", "ResourceRequirements"),
    },
    "ContainerPort": {
        1: ("name", "string"),
        3: ("containerPort", "int"),
        4: ("protocol", "string"),
    },
    "EnvVar": {1: ("name", "string"), 2: ("value", "string")},
    "ResourceRequirements": {1: ("limits", "{quantity}"), 2: ("requests", "{quantity}")},
    "Job": {1: ("metadata", "ObjectMeta"), 2: ("spec", "JobSpec")},
    "JobSpec": {
        1: ("parallelism", "int"),
        2: ("completions", "int"),
        3: ("activeDeadlineSeconds", "int"),
        6: ("template", "PodTemplateSpec"),
        7: ("backoffLimit", "int"),
        8: ("ttlSecondsAfterFinished", "int"),
    },
    "Role": {1: ("metadata", "ObjectMeta"), 2: ("rules", "[PolicyRule]")},
    "PolicyRule": {
        1: ("verbs", "[string]"),
        2: ("apiGroups", "[string]"),
        3: ("resources", "[string]"),
        4: ("resourceNames", "[string]"),
        5: ("nonResourceURLs", "[string]"),
    },
    "RoleBinding": {
        1: ("metadata", "ObjectMeta"),
        2: ("subjects", "[Subject]"),
        3: ("roleRef", "RoleRef"),
    },
    "Subject": {
        1: ("kind", "string"),
        2: ("apiGroup", "string"),
        3: ("name", "string"),
        4: ("namespace", "string"),
    },
    "RoleRef": {1: ("apiGroup", "string"), 2: ("kind", "string"), 3: ("name", "string")},
    "CrossVersionObjectReference": {
        1: ("kind", "string"),
        2: ("name", "string"),
        3: ("apiVersion", "string"),
    },
}
_OBJECTS = frozenset(
    {
        *("Namespace", "ServiceAccount", "ConfigMap", "Secret", "HorizontalPodAutoscaler"),
        *("SelfSubjectAccessReview", "SelfSubjectRulesReview", "DeleteOptions"),
        "SelfSubjectReview",
        *("ResourceQuota", "Deployment", "Job", "Role", "ClusterRole"),
        *("RoleBinding", "ClusterRoleBinding"),
    }
)
# Go writes empty fields as well; anything else in these that is not in the table cannot be read.
_WHOLE = frozenset(
    {
        *("DeploymentSpec", "DeploymentStrategy", "LabelSelector", "PodTemplateSpec", "PodSpec"),
        *("Container", "ContainerPort", "EnvVar", "ResourceRequirements", "JobSpec"),
    }
)
_NOTHING = (0, b"", b"\x08\x00\x10\x00")  # the last is the time that is none
_SAME = {"ClusterRole": "Role", "ClusterRoleBinding": "RoleBinding"}


class UnknownMessage(Exception):  # noqa: N818 - it is no fault of the sender
    """No protobuf, or a message that is not in the table."""


def decode(data: bytes) -> Object:
    """The object of a protobuf body. Raises UnknownMessage."""
    if not data.startswith(MAGIC):
        raise UnknownMessage
    try:
        envelope = _message("Unknown", data[len(MAGIC) :])
        type_meta = envelope["typeMeta"]
        kind, version = type_meta["kind"], type_meta["apiVersion"]
        if kind not in _OBJECTS:
            raise UnknownMessage
        name = _SAME.get(kind, kind)
        body = _message(name, envelope.get("raw", b""))
        if version == "autoscaling/v2":
            body["spec"] = _message("AutoscalerSpecV2", _raw(envelope["raw"], 2))
    except (KeyError, IndexError, ValueError) as error:
        raise UnknownMessage from error
    return {"apiVersion": version, "kind": kind, **body}


def _message(name: str, data: bytes) -> Object:
    fields = _MESSAGES[name]
    found: Object = {}
    for number, value in _fields(data):
        if number not in fields:
            if name in _WHOLE and value not in _NOTHING:
                raise UnknownMessage  # rather not than without a part of it
            continue
        label, kind = fields[number]
        if kind[0] == "[":
            found.setdefault(label, []).append(_value(kind[1:-1], value))
        elif kind[0] == "{":
            entry = dict(_fields(value))
            key = bytes(entry.get(1, b"")).decode()
            found.setdefault(label, {})[key] = _value(kind[1:-1], entry.get(2, b""))
        else:
            found[label] = _value(kind, value)
    return {key: value for key, value in found.items() if value != ""}


def _value(kind: str, value: Any) -> Any:
    if kind == "string":
        return bytes(value).decode()
    if kind == "quantity":  # a message of one string
        return _raw(value, 1).decode()
    if kind == "bytes":
        return base64.b64encode(value).decode()
    if kind == "raw":
        return value
    if kind == "bool":
        return bool(value)
    if kind == "int":
        return int(value)
    return _message(kind, value)


def _raw(data: bytes, wanted: int) -> bytes:
    return next((bytes(value) for number, value in _fields(data) if number == wanted), b"")


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Field numbers with their bytes or varints."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield number, value
        elif wire == 2:
            length, at = _varint(data, at)
            if at + length > len(data):
                raise ValueError("cut short")
            yield number, data[at : at + length]
            at += length
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
        else:
            raise ValueError(f"wire type {wire}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("varint too long")

"""Kinds served in two shapes and stored in one: autoscalers (stored as v2) and events (as core)."""

from __future__ import annotations

import json

from bot.sandbox.kubernetes.resources import STORED, Kind
from bot.sandbox.kubernetes.stored import Object

_OTHER_METRICS = "autoscaling.alpha.kubernetes.io/metrics"
_EVENT_NAMES = {
    "regarding": "involvedObject",
    "note": "message",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
    "reportingController": "reportingComponent",
}


def is_stored_form(kind: Kind) -> bool:
    return STORED[kind.key] is kind


def to_version(kind: Kind, obj: Object) -> Object:
    """A stored object in the shape of this group and version; the object itself may be changed."""
    obj["apiVersion"], obj["kind"] = kind.api_version, kind.kind
    if kind.schema == "v1.HorizontalPodAutoscaler":
        _autoscaler_to_v1(obj)
    elif kind.schema == "events.Event":
        for new, old in _EVENT_NAMES.items():
            if old in obj:
                obj[new] = obj.pop(old)
    return obj


def answer(kind: Kind, obj: Object) -> Object:
    """The object as an answer begins: kind and version first."""
    obj = to_version(kind, obj)
    return {"kind": kind.kind, "apiVersion": kind.api_version, **obj}


def to_stored(kind: Kind, obj: Object) -> Object:
    """The way back."""
    stored = STORED[kind.key]
    obj["apiVersion"], obj["kind"] = stored.api_version, stored.kind
    if kind.schema == "v1.HorizontalPodAutoscaler":
        _autoscaler_to_v2(obj)
    elif kind.schema == "events.Event":
        for new, old in _EVENT_NAMES.items():
            if new in obj:
                obj[old] = obj.pop(new)
    return obj


def _is_cpu(metric: Object) -> bool:
    resource = metric.get("resource") or {}
    return (
        metric.get("type") == "Resource"
        and resource.get("name") == "cpu"
        and "averageUtilization" in {**resource.get("target", {}), **resource.get("current", {})}
    )


def _autoscaler_to_v1(obj: Object) -> None:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    metrics = spec.pop("metrics", None) or []
    spec.pop("behavior", None)
    others = [metric for metric in metrics if not _is_cpu(metric)]
    for metric in filter(_is_cpu, metrics):
        spec["targetCPUUtilizationPercentage"] = metric["resource"]["target"]["averageUtilization"]
    if others:
        annotations = obj["metadata"].setdefault("annotations", {})
        annotations[_OTHER_METRICS] = json.dumps(others, separators=(",", ":"))
    for metric in filter(_is_cpu, status.pop("currentMetrics", None) or []):
        current = metric["resource"]["current"]["averageUtilization"]
        status["currentCPUUtilizationPercentage"] = current
    status.pop("conditions", None)
    status.setdefault("currentReplicas", 0)
    obj["status"] = status


def _autoscaler_to_v2(obj: Object) -> None:
    spec = obj.get("spec") or {}
    metrics = []
    target = spec.pop("targetCPUUtilizationPercentage", None)
    if target is not None:
        wanted = {"type": "Utilization", "averageUtilization": target}
        metrics.append({"type": "Resource", "resource": {"name": "cpu", "target": wanted}})
    annotations = obj["metadata"].get("annotations") or {}
    metrics.extend(json.loads(annotations.pop(_OTHER_METRICS, "[]")))
    if not annotations:
        obj["metadata"].pop("annotations", None)
    if metrics:
        spec["metrics"] = metrics
    obj.pop("status", None)

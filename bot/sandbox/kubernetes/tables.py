"""Tables: what `kubectl get` prints, made by the server (`Accept: application/json;as=Table`).

One list of columns per kind, each with the function that reads its cell; columns with a priority
above 0 show up with `-o wide` only. Follows pkg/printers/internalversion.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.sandbox.kubernetes import statuses
from bot.sandbox.kubernetes.resources import Kind
from bot.sandbox.kubernetes.selectors import selector_text
from bot.sandbox.kubernetes.stored import Object

Cell = Callable[[Object, datetime], Any]
_NONE = "<none>"
_UNKNOWN = "<unknown>"


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    cell: Cell
    type: str = "string"
    priority: int = 0
    format: str = ""

    def definition(self) -> Object:
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": "",
            "priority": self.priority,
        }


def table(
    kind: Kind, objects: list[Object], metadata: Object, now: datetime, include: str, *, head: bool
) -> Object:
    """A meta.k8s.io/v1 Table; `include` is includeObject: "Metadata", "Object" or "None"."""
    if include not in ("", "Metadata", "Object", "None"):
        text = "must be 'Metadata', 'Object', 'None', or empty"
        problem = statuses.invalid_value("includeObject", include, text)
        raise statuses.bad_request(f"Unable to convert to Table as requested: {problem}")
    columns = _COLUMNS.get(kind.kind, _PLAIN)
    rows = []
    for obj in objects:
        row: Object = {"cells": [column.cell(obj, now) for column in columns]}
        if include == "Object":
            row["object"] = {"kind": kind.kind, "apiVersion": kind.api_version, **obj}
        elif include != "None":
            row["object"] = {
                "kind": "PartialObjectMetadata",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": obj["metadata"],
            }
        rows.append(row)
    definitions = [column.definition() for column in columns] if head else None
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": definitions,
        "rows": rows,
    }


def ago(moment: str | None, now: datetime) -> str:
    """How long ago, as duration.HumanDuration writes it."""
    if not moment:
        return _UNKNOWN
    return human((now - datetime.fromisoformat(moment)).total_seconds())


def human(seconds: float) -> str:
    total = int(seconds)
    if total < -1:
        return "<invalid>"
    total = max(0, total)
    minutes, hours, days = total // 60, total // 3600, total // 86400
    if total < 120:
        return f"{total}s"
    if minutes < 10:
        return _two(minutes, "m", total % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if hours < 192:
        return _two(days, "d", hours % 24, "h")
    return f"{days}d" if days < 730 else f"{days // 365}y"


def _two(large: int, unit: str, small: int, small_unit: str) -> str:
    return f"{large}{unit}{small}{small_unit}" if small else f"{large}{unit}"


def _name(obj: Object, now: datetime) -> str:
    return str(obj["metadata"]["name"])


def _age(obj: Object, now: datetime) -> str:
    return ago(obj["metadata"].get("creationTimestamp"), now)


def _at(*path: str, default: Any = "") -> Cell:
    def read(obj: Object, now: datetime) -> Any:
        value: Any = obj
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        return default if value is None else value

    return read


def _template(obj: Object) -> list[Object]:
    spec = obj.get("spec") or {}
    pod = (spec.get("template") or {}).get("spec") or {}
    containers: list[Object] = pod.get("containers") or []
    return containers


def _ready(obj: Object, now: datetime) -> str:
    ready = (obj.get("status") or {}).get("readyReplicas", 0)
    return f"{ready}/{(obj.get('spec') or {}).get('replicas', 0)}"


def _containers(obj: Object, now: datetime) -> str:
    return ",".join(container["name"] for container in _template(obj))


def _images(obj: Object, now: datetime) -> str:
    return ",".join(container.get("image", "") for container in _template(obj))


def _selector(obj: Object, now: datetime) -> str:
    return selector_text((obj.get("spec") or {}).get("selector")) or _NONE


def _pod_ready(obj: Object, now: datetime) -> str:
    statuses = (obj.get("status") or {}).get("containerStatuses") or []
    total = len((obj.get("spec") or {}).get("containers") or [])
    return f"{sum(bool(one.get('ready')) for one in statuses)}/{total}"


def _pod_status(obj: Object, now: datetime) -> str:
    """The word for a pod: its phase, unless a container or the deletion says more (printPod)."""
    status = obj.get("status") or {}
    reason = status.get("reason") or status.get("phase") or "Unknown"
    running = False
    for one in reversed(status.get("containerStatuses") or []):
        state = one.get("state") or {}
        waiting, ended = state.get("waiting") or {}, state.get("terminated") or {}
        if waiting.get("reason"):
            reason = waiting["reason"]
        elif ended:
            signal = ended.get("signal")
            plain = f"Signal:{signal}" if signal else f"ExitCode:{ended.get('exitCode', 0)}"
            reason = ended.get("reason") or plain
        elif one.get("ready") and state.get("running") is not None:
            running = True
    if reason == "Completed" and running:
        ready = any(
            one.get("type") == "Ready" and one.get("status") == "True"
            for one in status.get("conditions") or []
        )
        reason = "Running" if ready else "NotReady"
    if obj["metadata"].get("deletionTimestamp"):
        reason = "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    return str(reason)


def _pod_restarts(obj: Object, now: datetime) -> str:
    statuses = (obj.get("status") or {}).get("containerStatuses") or []
    total = sum(one.get("restartCount", 0) for one in statuses)
    ends = [
        one["lastState"]["terminated"]["finishedAt"]
        for one in statuses
        if (one.get("lastState") or {}).get("terminated", {}).get("finishedAt")
    ]
    return f"{total} ({ago(max(ends), now)} ago)" if total and ends else str(total)


def _event_object(obj: Object, now: datetime) -> str:
    about = obj.get("involvedObject") or obj.get("regarding") or {}
    return f"{about.get('kind', '').lower()}/{about.get('name', '')}"


def _event_seen(obj: Object, now: datetime) -> str:
    series = (obj.get("series") or {}).get("lastObservedTime")
    last = series or obj.get("lastTimestamp") or obj.get("deprecatedLastTimestamp")
    return ago(last or obj.get("eventTime") or obj["metadata"].get("creationTimestamp"), now)


def _event_message(obj: Object, now: datetime) -> str:
    return str(obj.get("message") or obj.get("note") or "").strip()


def _event_source(obj: Object, now: datetime) -> str:
    source = obj.get("source") or {}
    parts = (source.get("component"), source.get("host"))
    return ", ".join(part for part in parts if part)


def _reference(obj: Object, now: datetime) -> str:
    target = (obj.get("spec") or {}).get("scaleTargetRef") or {}
    return f"{target.get('kind', '')}/{target.get('name', '')}"


def _targets(obj: Object, now: datetime) -> str:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    if "targetCPUUtilizationPercentage" in spec:
        current = status.get("currentCPUUtilizationPercentage")
        shown = _UNKNOWN if current is None else f"{current}%"
        return f"{shown}/{spec['targetCPUUtilizationPercentage']}%"
    current_by_name = {
        one.get("resource", {}).get("name"): one.get("resource", {}).get("current", {})
        for one in status.get("currentMetrics") or []
    }
    shown_targets = []
    for metric in spec.get("metrics") or []:
        resource = metric.get("resource") or {}
        name, target = resource.get("name", ""), resource.get("target") or {}
        current = current_by_name.get(name, {})
        if "averageUtilization" in target:
            value = current.get("averageUtilization")
            shown = _UNKNOWN if value is None else f"{value}%"
            shown_targets.append(f"{name}: {shown}/{target['averageUtilization']}%")
        else:
            value = current.get("averageValue", _UNKNOWN)
            shown_targets.append(f"{name}: {value}/{target.get('averageValue', '')}")
    return ", ".join(shown_targets) or _NONE


def _service_ports(obj: Object, now: datetime) -> str:
    ports = (obj.get("spec") or {}).get("ports") or []
    shown = [
        f"{port.get('port')}{':' + str(port['nodePort']) if port.get('nodePort') else ''}"
        f"/{port.get('protocol', 'TCP')}"
        for port in ports
    ]
    return ",".join(shown) or _NONE


def _service_selector(obj: Object, now: datetime) -> str:
    selector = (obj.get("spec") or {}).get("selector") or {}
    return ",".join(f"{key}={value}" for key, value in sorted(selector.items())) or _NONE


def _node_status(obj: Object, now: datetime) -> str:
    conditions = (obj.get("status") or {}).get("conditions") or []
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    word = "Ready" if ready else "NotReady"
    return word + (",SchedulingDisabled" if (obj.get("spec") or {}).get("unschedulable") else "")


def _node_roles(obj: Object, now: datetime) -> str:
    mark = "node-role.kubernetes.io/"
    labels = obj["metadata"].get("labels") or {}
    return ",".join(sorted(key[len(mark) :] for key in labels if key.startswith(mark))) or _NONE


def _count(*fields: str) -> Cell:
    return lambda obj, now: sum(len(obj.get(name) or {}) for name in fields)


_FIRST = Column("Name", _name, format="name")
_LAST = Column("Age", _age)
_PLAIN = (_FIRST, Column("Created At", _at("metadata", "creationTimestamp"), "date"))
_COLUMNS: dict[str, tuple[Column, ...]] = {
    "Deployment": (
        _FIRST,
        Column("Ready", _ready),
        Column("Up-to-date", _at("status", "updatedReplicas", default=0), "integer"),
        Column("Available", _at("status", "availableReplicas", default=0), "integer"),
        _LAST,
        Column("Containers", _containers, priority=1),
        Column("Images", _images, priority=1),
        Column("Selector", _selector, priority=1),
    ),
    "ReplicaSet": (
        _FIRST,
        Column("Desired", _at("spec", "replicas", default=0), "integer"),
        Column("Current", _at("status", "replicas", default=0), "integer"),
        Column("Ready", _at("status", "readyReplicas", default=0), "integer"),
        _LAST,
        Column("Containers", _containers, priority=1),
        Column("Images", _images, priority=1),
        Column("Selector", _selector, priority=1),
    ),
    "StatefulSet": (_FIRST, Column("Ready", _ready), _LAST),
    "DaemonSet": (
        _FIRST,
        Column("Desired", _at("status", "desiredNumberScheduled", default=0), "integer"),
        Column("Current", _at("status", "currentNumberScheduled", default=0), "integer"),
        Column("Ready", _at("status", "numberReady", default=0), "integer"),
        _LAST,
    ),
    "Pod": (
        _FIRST,
        Column("Ready", _pod_ready),
        Column("Status", _pod_status),
        Column("Restarts", _pod_restarts),
        _LAST,
        Column("IP", _at("status", "podIP", default=_NONE), priority=1),
        Column("Node", _at("spec", "nodeName", default=_NONE), priority=1),
        Column("Nominated Node", lambda obj, now: _NONE, priority=1),
        Column("Readiness Gates", lambda obj, now: _NONE, priority=1),
    ),
    "ConfigMap": (_FIRST, Column("Data", _count("data", "binaryData"), "integer"), _LAST),
    "Secret": (
        _FIRST,
        Column("Type", _at("type")),
        Column("Data", _count("data"), "integer"),
        _LAST,
    ),
    "Namespace": (_FIRST, Column("Status", _at("status", "phase")), _LAST),
    "ServiceAccount": (_FIRST, Column("Secrets", _count("secrets"), "integer"), _LAST),
    "HorizontalPodAutoscaler": (
        _FIRST,
        Column("Reference", _reference),
        Column("Targets", _targets),
        Column("MinPods", _at("spec", "minReplicas", default="<unset>")),
        Column("MaxPods", _at("spec", "maxReplicas", default=0), "integer"),
        Column("Replicas", _at("status", "currentReplicas", default=0), "integer"),
        _LAST,
    ),
    "Event": (
        Column("Last Seen", _event_seen),
        Column("Type", _at("type")),
        Column("Reason", _at("reason")),
        Column("Object", _event_object),
        Column("Subobject", _at("involvedObject", "fieldPath"), priority=1),
        Column("Source", _event_source, priority=1),
        Column("Message", _event_message),
        Column("Count", _at("count", default=1), "integer", 1),
        Column("Name", _name, priority=1, format="name"),
    ),
    "Service": (
        _FIRST,
        Column("Type", _at("spec", "type")),
        Column("Cluster-IP", _at("spec", "clusterIP", default=_NONE)),
        Column("External-IP", lambda obj, now: _NONE),
        Column("Port(s)", _service_ports),
        _LAST,
        Column("Selector", _service_selector, priority=1),
    ),
    "Node": (
        _FIRST,
        Column("Status", _node_status),
        Column("Roles", _node_roles),
        _LAST,
        Column("Version", _at("status", "nodeInfo", "kubeletVersion")),
    ),
}

"""Tables: what `kubectl get` prints, made by the server (`Accept: application/json;as=Table`).

One list of columns per kind, each with the function that reads its cell; columns with a priority
above 0 show up with `-o wide` only. Follows pkg/printers/internalversion. Here are the kinds that a
deploy meets, the others are in `table_columns.py`.
"""

from __future__ import annotations

from datetime import datetime

from bot.sandbox.kubernetes import statuses, table_columns
from bot.sandbox.kubernetes.resources import Kind
from bot.sandbox.kubernetes.selectors import selector_text
from bot.sandbox.kubernetes.stored import Object
from bot.sandbox.kubernetes.table_cells import (
    FIRST,
    LAST,
    NONE,
    PLAIN,
    UNKNOWN,
    Column,
    ago,
    at,
    containers,
    count,
    images,
    name,
)


def table(
    kind: Kind, objects: list[Object], metadata: Object, now: datetime, include: str, *, head: bool
) -> Object:
    """A meta.k8s.io/v1 Table; `include` is includeObject: "Metadata", "Object" or "None"."""
    if include not in ("", "Metadata", "Object", "None"):
        text = "must be 'Metadata', 'Object', 'None', or empty"
        problem = statuses.invalid_value("includeObject", include, text)
        raise statuses.bad_request(f"Unable to convert to Table as requested: {problem}")
    columns = _COLUMNS.get(kind.kind, PLAIN)
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


def _ready(obj: Object, now: datetime) -> str:
    ready = (obj.get("status") or {}).get("readyReplicas", 0)
    return f"{ready}/{(obj.get('spec') or {}).get('replicas', 0)}"


def _selector(obj: Object, now: datetime) -> str:
    return selector_text((obj.get("spec") or {}).get("selector")) or NONE


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
        shown = UNKNOWN if current is None else f"{current}%"
        return f"{shown}/{spec['targetCPUUtilizationPercentage']}%"
    by_name = {
        one.get("resource", {}).get("name"): one.get("resource", {}).get("current", {})
        for one in status.get("currentMetrics") or []
    }
    shown_targets = []
    for metric in spec.get("metrics") or []:
        resource = metric.get("resource") or {}
        name, target = resource.get("name", ""), resource.get("target") or {}
        current = by_name.get(name, {})
        if "averageUtilization" in target:
            value = current.get("averageUtilization")
            shown = UNKNOWN if value is None else f"{value}%"
            shown_targets.append(f"{name}: {shown}/{target['averageUtilization']}%")
        else:
            value = current.get("averageValue", UNKNOWN)
            shown_targets.append(f"{name}: {value}/{target.get('averageValue', '')}")
    return ", ".join(shown_targets) or NONE


def _service_ports(obj: Object, now: datetime) -> str:
    ports = (obj.get("spec") or {}).get("ports") or []
    shown = [
        f"{port.get('port')}{':' + str(port['nodePort']) if port.get('nodePort') else ''}"
        f"/{port.get('protocol', 'TCP')}"
        for port in ports
    ]
    return ",".join(shown) or NONE


def _service_selector(obj: Object, now: datetime) -> str:
    selector = (obj.get("spec") or {}).get("selector") or {}
    return ",".join(f"{key}={value}" for key, value in sorted(selector.items())) or NONE


def _node_status(obj: Object, now: datetime) -> str:
    conditions = (obj.get("status") or {}).get("conditions") or []
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    word = "Ready" if ready else "NotReady"
    return word + (",SchedulingDisabled" if (obj.get("spec") or {}).get("unschedulable") else "")


def _node_roles(obj: Object, now: datetime) -> str:
    mark = "node-role.kubernetes.io/"
    labels = obj["metadata"].get("labels") or {}
    return ",".join(sorted(key[len(mark) :] for key in labels if key.startswith(mark))) or NONE


_COLUMNS: dict[str, tuple[Column, ...]] = {
    **table_columns.COLUMNS,
    "Deployment": (
        FIRST,
        Column("Ready", _ready),
        Column("Up-to-date", at("status", "updatedReplicas", default=0), "integer"),
        Column("Available", at("status", "availableReplicas", default=0), "integer"),
        LAST,
        Column("Containers", containers, priority=1),
        Column("Images", images, priority=1),
        Column("Selector", _selector, priority=1),
    ),
    "ReplicaSet": table_columns.replicas(_selector),
    "StatefulSet": (FIRST, Column("Ready", _ready), LAST),
    "DaemonSet": (
        FIRST,
        Column("Desired", at("status", "desiredNumberScheduled", default=0), "integer"),
        Column("Current", at("status", "currentNumberScheduled", default=0), "integer"),
        Column("Ready", at("status", "numberReady", default=0), "integer"),
        LAST,
    ),
    "Pod": (
        FIRST,
        Column("Ready", _pod_ready),
        Column("Status", _pod_status),
        Column("Restarts", _pod_restarts),
        LAST,
        Column("IP", at("status", "podIP", default=NONE), priority=1),
        Column("Node", at("spec", "nodeName", default=NONE), priority=1),
        Column("Nominated Node", lambda obj, now: NONE, priority=1),
        Column("Readiness Gates", lambda obj, now: NONE, priority=1),
    ),
    "ConfigMap": (FIRST, Column("Data", count("data", "binaryData"), "integer"), LAST),
    "Secret": (
        FIRST,
        Column("Type", at("type")),
        Column("Data", count("data"), "integer"),
        LAST,
    ),
    "Namespace": (FIRST, Column("Status", at("status", "phase")), LAST),
    "ServiceAccount": (FIRST, Column("Secrets", count("secrets"), "integer"), LAST),
    "HorizontalPodAutoscaler": (
        FIRST,
        Column("Reference", _reference),
        Column("Targets", _targets),
        Column("MinPods", at("spec", "minReplicas", default="<unset>")),
        Column("MaxPods", at("spec", "maxReplicas", default=0), "integer"),
        Column("Replicas", at("status", "currentReplicas", default=0), "integer"),
        LAST,
    ),
    "Event": (
        Column("Last Seen", _event_seen),
        Column("Type", at("type")),
        Column("Reason", at("reason")),
        Column("Object", _event_object),
        Column("Subobject", at("involvedObject", "fieldPath"), priority=1),
        Column("Source", _event_source, priority=1),
        Column("Message", _event_message),
        Column("Count", at("count", default=1), "integer", 1),
        Column("Name", name, priority=1, format="name"),
    ),
    "Service": (
        FIRST,
        Column("Type", at("spec", "type")),
        Column("Cluster-IP", at("spec", "clusterIP", default=NONE)),
        Column("External-IP", lambda obj, now: NONE),
        Column("Port(s)", _service_ports),
        LAST,
        Column("Selector", _service_selector, priority=1),
    ),
    "Node": (
        FIRST,
        Column("Status", _node_status),
        Column("Roles", _node_roles),
        LAST,
        Column("Version", at("status", "nodeInfo", "kubeletVersion")),
    ),
}

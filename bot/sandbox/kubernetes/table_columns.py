"""Columns of the kinds around a deploy: storage, ingress, jobs, budgets (for `tables.py`)."""

from __future__ import annotations

from datetime import datetime

from bot.sandbox.kubernetes.selectors import selector_text
from bot.sandbox.kubernetes.stored import Object
from bot.sandbox.kubernetes.table_cells import (
    FIRST,
    LAST,
    NONE,
    Cell,
    Column,
    ago,
    at,
    containers,
    human,
    images,
    name,
)

_UNSET = "<unset>"
_MODES = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}
_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


def _first(texts: list[str], most: int = 3) -> str:
    """A few of them, and how many more there are."""
    if not texts:
        return NONE
    shown = ",".join(texts[:most])
    return shown if len(texts) <= most else f"{shown} + {len(texts) - most} more..."


def _modes(*path: str) -> Cell:
    read = at(*path, default=())
    return lambda obj, now: ",".join(_MODES.get(mode, mode) for mode in read(obj, now))


def _claim(obj: Object, now: datetime) -> str:
    claim = (obj.get("spec") or {}).get("claimRef")
    return f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else ""


def _storage_class_name(obj: Object, now: datetime) -> str:
    default = (obj["metadata"].get("annotations") or {}).get(_DEFAULT_CLASS) == "true"
    return name(obj, now) + (" (default)" if default else "")


def _flag(*path: str) -> Cell:
    read = at(*path, default=False)
    return lambda obj, now: bool(read(obj, now))


def _hosts(obj: Object, now: datetime) -> str:
    rules = (obj.get("spec") or {}).get("rules") or []
    hosts = [rule["host"] for rule in rules if rule.get("host")]
    return _first(hosts) if hosts else "*"


def _addresses(obj: Object, now: datetime) -> str:
    points = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    return ",".join(point.get("ip") or point.get("hostname", "") for point in points)


def _ingress_ports(obj: Object, now: datetime) -> str:
    return "80, 443" if (obj.get("spec") or {}).get("tls") else "80"


def _slice_ports(obj: Object, now: datetime) -> str:
    ports = [str(port["port"]) if port.get("port") else "*" for port in obj.get("ports") or []]
    return _first(ports) if ports else _UNSET


def _slice_endpoints(obj: Object, now: datetime) -> str:
    found = [each for one in obj.get("endpoints") or [] for each in one.get("addresses") or []]
    return _first(found) if found else _UNSET


def _endpoints(obj: Object, now: datetime) -> str:
    found = [
        f"{address.get('ip', '')}:{port['port']}" if port.get("port") else address.get("ip", "")
        for subset in obj.get("subsets") or []
        for port in subset.get("ports") or [{}]
        for address in subset.get("addresses") or []
    ]
    return _first(found)


def _job_status(obj: Object, now: datetime) -> str:
    for wanted in ("Complete", "Failed", "FailureTarget", "SuccessCriteriaMet", "Suspended"):
        for one in (obj.get("status") or {}).get("conditions") or []:
            if one.get("type") == wanted and one.get("status") == "True":
                return wanted
    return "Terminating" if obj["metadata"].get("deletionTimestamp") else "Running"


def _completions(obj: Object, now: datetime) -> str:
    spec, done = obj.get("spec") or {}, (obj.get("status") or {}).get("succeeded", 0)
    if spec.get("completions") is not None:
        return f"{done}/{spec['completions']}"
    many = spec.get("parallelism") or 0
    return f"{done}/1 of {many}" if many > 1 else f"{done}/1"


def _duration(obj: Object, now: datetime) -> str:
    status = obj.get("status") or {}
    if not status.get("startTime"):
        return ""
    start, end = datetime.fromisoformat(status["startTime"]), now
    if status.get("completionTime"):
        end = datetime.fromisoformat(status["completionTime"])
    return human((end - start).total_seconds())


def _last_schedule(obj: Object, now: datetime) -> str:
    last = (obj.get("status") or {}).get("lastScheduleTime")
    return ago(last, now) if last else NONE


def _active(obj: Object, now: datetime) -> int:
    return len((obj.get("status") or {}).get("active") or [])


def _or_not(*path: str) -> Cell:
    """A bound that is not set is "N/A"."""
    read = at(*path, default="N/A")
    return lambda obj, now: str(read(obj, now))


def _pod_selector(obj: Object, now: datetime) -> str:
    return selector_text((obj.get("spec") or {}).get("podSelector")) or NONE


def _used(prefix: str, *, inside: bool) -> Cell:
    """What a quota counts, those of limits or all others: `pods: 3/10`."""

    def read(obj: Object, now: datetime) -> str:
        status = obj.get("status") or {}
        hard, used = status.get("hard") or {}, status.get("used") or {}
        return ", ".join(
            f"{key}: {used.get(key, '0')}/{hard[key]}"
            for key in sorted(hard)
            if key.startswith(prefix) is inside
        )

    return read


def _selector_of_map(obj: Object, now: datetime) -> str:
    return _pairs((obj.get("spec") or {}).get("selector"))


def _template_labels(obj: Object, now: datetime) -> str:
    return _pairs(((obj.get("template") or {}).get("metadata") or {}).get("labels"))


def _pairs(labels: Object | None) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or NONE


def _parameters(obj: Object, now: datetime) -> str:
    found = (obj.get("spec") or {}).get("parameters")
    if not found:
        return NONE
    kind = ".".join(filter(None, (found.get("kind"), found.get("apiGroup"))))
    return f"{kind}/{found.get('name', '')}"


def _controller(obj: Object, now: datetime) -> str:
    for owner in obj["metadata"].get("ownerReferences") or []:
        if owner.get("controller"):
            group = owner.get("apiVersion", "").rpartition("/")[0]
            kind = ".".join(filter(None, (owner["kind"].lower(), group)))
            return f"{kind}/{owner['name']}"
    return NONE


def _role(obj: Object, now: datetime) -> str:
    role = obj.get("roleRef") or {}
    return f"{role.get('kind', '')}/{role.get('name', '')}"


_BINDING = (FIRST, Column("Role", _role), LAST)


def replicas(selector: Cell) -> tuple[Column, ...]:
    """Of what keeps so many pods of one template."""
    return (
        FIRST,
        Column("Desired", at("spec", "replicas", default=0), "integer"),
        Column("Current", at("status", "replicas", default=0), "integer"),
        Column("Ready", at("status", "readyReplicas", default=0), "integer"),
        LAST,
        Column("Containers", containers, priority=1),
        Column("Images", images, priority=1),
        Column("Selector", selector, priority=1),
    )


COLUMNS: dict[str, tuple[Column, ...]] = {
    "PersistentVolume": (
        FIRST,
        Column("Capacity", at("spec", "capacity", "storage")),
        Column("Access Modes", _modes("spec", "accessModes")),
        Column("Reclaim Policy", at("spec", "persistentVolumeReclaimPolicy")),
        Column("Status", at("status", "phase")),
        Column("Claim", _claim),
        Column("StorageClass", at("spec", "storageClassName")),
        Column("VolumeAttributesClass", at("spec", "volumeAttributesClassName", default=_UNSET)),
        Column("Reason", at("status", "reason")),
        LAST,
        Column("VolumeMode", at("spec", "volumeMode", default=_UNSET), priority=1),
    ),
    "PersistentVolumeClaim": (
        FIRST,
        Column("Status", at("status", "phase")),
        Column("Volume", at("spec", "volumeName")),
        Column("Capacity", at("status", "capacity", "storage")),
        Column("Access Modes", _modes("status", "accessModes")),
        Column("StorageClass", at("spec", "storageClassName")),
        Column("VolumeAttributesClass", at("spec", "volumeAttributesClassName", default=_UNSET)),
        LAST,
        Column("VolumeMode", at("spec", "volumeMode", default=_UNSET), priority=1),
    ),
    "StorageClass": (
        Column("Name", _storage_class_name, format="name"),
        Column("Provisioner", at("provisioner")),
        Column("ReclaimPolicy", at("reclaimPolicy", default="Delete")),
        Column("VolumeBindingMode", at("volumeBindingMode", default="Immediate")),
        Column("AllowVolumeExpansion", _flag("allowVolumeExpansion")),
        LAST,
    ),
    "IngressClass": (
        FIRST,
        Column("Controller", at("spec", "controller")),
        Column("Parameters", _parameters),
        LAST,
    ),
    "Ingress": (
        FIRST,
        Column("Class", at("spec", "ingressClassName", default=NONE)),
        Column("Hosts", _hosts),
        Column("Address", _addresses),
        Column("Ports", _ingress_ports),
        LAST,
    ),
    "EndpointSlice": (
        FIRST,
        Column("AddressType", at("addressType")),
        Column("Ports", _slice_ports),
        Column("Endpoints", _slice_endpoints),
        LAST,
    ),
    "Endpoints": (FIRST, Column("Endpoints", _endpoints), LAST),
    "PriorityClass": (
        FIRST,
        Column("Value", at("value", default=0), "integer"),
        Column("Global-Default", _flag("globalDefault"), "boolean"),
        LAST,
        Column("PreemptionPolicy", at("preemptionPolicy")),
    ),
    "RuntimeClass": (FIRST, Column("Handler", at("handler")), LAST),
    "ReplicationController": replicas(_selector_of_map),
    "ControllerRevision": (
        FIRST,
        Column("Controller", _controller),
        Column("Revision", at("revision", default=0), "integer"),
        LAST,
    ),
    "PodTemplate": (
        FIRST,
        Column("Containers", lambda obj, now: containers({"spec": obj}, now)),
        Column("Images", lambda obj, now: images({"spec": obj}, now)),
        Column("Pod Labels", _template_labels),
    ),
    "Job": (
        FIRST,
        Column("Status", _job_status),
        Column("Completions", _completions),
        Column("Duration", _duration),
        LAST,
        Column("Containers", containers, priority=1),
        Column("Images", images, priority=1),
    ),
    "CronJob": (
        FIRST,
        Column("Schedule", at("spec", "schedule")),
        Column("Timezone", at("spec", "timeZone", default=NONE)),
        Column("Suspend", lambda obj, now: str(at("spec", "suspend", default=False)(obj, now))),
        Column("Active", _active, "integer"),
        Column("Last Schedule", _last_schedule),
        LAST,
    ),
    "PodDisruptionBudget": (
        FIRST,
        Column("Min Available", _or_not("spec", "minAvailable")),
        Column("Max Unavailable", _or_not("spec", "maxUnavailable")),
        Column("Allowed Disruptions", at("status", "disruptionsAllowed", default=0), "integer"),
        LAST,
    ),
    "NetworkPolicy": (FIRST, Column("Pod-Selector", _pod_selector), LAST),
    "Lease": (FIRST, Column("Holder", at("spec", "holderIdentity")), LAST),
    "ResourceQuota": (
        FIRST,
        Column("Request", _used("limits.", inside=False)),
        Column("Limit", _used("limits.", inside=True)),
        LAST,
    ),
    "RoleBinding": _BINDING,
    "ClusterRoleBinding": _BINDING,
}

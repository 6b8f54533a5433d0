"""Validation of classes, volumes, slices and replication controllers: `CHECKS` and `CHANGES`.

For `validation.py`; rules and words of pkg/apis/{core,storage,networking,scheduling,discovery,node}
/validation.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator

from bot.sandbox.kubernetes import names, quantities
from bot.sandbox.kubernetes.pod_validation import NOT_NEGATIVE, validate_pod_spec
from bot.sandbox.kubernetes.statuses import (
    FieldError,
    forbidden_field,
    invalid_value,
    not_supported,
    required,
)
from bot.sandbox.kubernetes.stored import Object

Errors = Iterator[FieldError]
IMMUTABLE = "field is immutable"
_HIGHEST_PRIORITY = 1_000_000_000
_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
_NO_SOURCES = frozenset(
    {
        *("accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity"),
        *("persistentVolumeReclaimPolicy", "storageClassName", "volumeAttributesClassName"),
        "volumeMode",
    }
)


def _storage_class(obj: Object) -> Errors:
    """storage/validation: ValidateStorageClass."""
    provisioner = obj.get("provisioner", "")
    if not provisioner:
        yield required("provisioner", provisioner)
    for problem in names.qualified(provisioner.lower()) if provisioner else ():
        yield invalid_value("provisioner", provisioner, problem)
    for key in obj.get("parameters") or {}:
        if not key:
            yield invalid_value("parameters", key, "field can not be empty.")
    if obj.get("reclaimPolicy") not in ("Delete", "Retain"):
        yield not_supported("reclaimPolicy", obj.get("reclaimPolicy"), ("Delete", "Retain"))
    modes = ("Immediate", "WaitForFirstConsumer")
    if obj.get("volumeBindingMode") not in modes:
        yield not_supported("volumeBindingMode", obj.get("volumeBindingMode"), modes)


def _storage_class_change(old: Object, new: Object) -> Errors:
    for name in ("parameters", "provisioner", "reclaimPolicy"):
        if (old.get(name) or "") != (new.get(name) or ""):
            yield forbidden_field(name, f"updates to {name} are forbidden.")
    if old.get("volumeBindingMode") != new.get("volumeBindingMode"):
        yield invalid_value("volumeBindingMode", new.get("volumeBindingMode"), IMMUTABLE)


def _priority_class(obj: Object) -> Errors:
    """scheduling/validation: ValidatePriorityClass."""
    name, value = obj["metadata"].get("name", ""), obj.get("value", 0)
    if name.startswith("system-") and name not in SYSTEM_PRIORITIES:
        text = "priority class names with 'system-' prefix are reserved for system use only"
        yield forbidden_field(
            "metadata.name", f"{text}. error: {name} is not a known system priority class"
        )
    elif name not in SYSTEM_PRIORITIES and value > _HIGHEST_PRIORITY:
        text = f"maximum allowed value of a user defined priority is {_HIGHEST_PRIORITY}"
        yield forbidden_field("value", text)
    policies = ("PreemptLowerPriority", "Never")
    if obj.get("preemptionPolicy") not in policies:
        yield not_supported("preemptionPolicy", obj.get("preemptionPolicy"), policies)


SYSTEM_PRIORITIES = {
    "system-cluster-critical": 2_000_000_000,
    "system-node-critical": 2_000_001_000,
}


def _priority_class_change(old: Object, new: Object) -> Errors:
    if old.get("value") != new.get("value"):
        yield forbidden_field("value", "may not be changed in an update.")
    if old.get("preemptionPolicy") != new.get("preemptionPolicy"):
        yield invalid_value("preemptionPolicy", new.get("preemptionPolicy"), IMMUTABLE)


def _ingress_class(obj: Object) -> Errors:
    """networking/validation: ValidateIngressClass."""
    spec = obj.get("spec") or {}
    controller = spec.get("controller", "")
    if not controller:
        yield required("spec.controller")
    elif "/" not in controller:
        text = 'must be a domain-prefixed path (such as "acme.io/foo")'
        yield invalid_value("spec.controller", controller, text)
    parameters = spec.get("parameters")
    for name in ("kind", "name"):
        if parameters is not None and not parameters.get(name):
            yield required(f"spec.parameters.{name}", f"{name} is required")


def _ingress_class_change(old: Object, new: Object) -> Errors:
    controller = (new.get("spec") or {}).get("controller")
    if (old.get("spec") or {}).get("controller") != controller:
        yield invalid_value("spec.controller", controller, IMMUTABLE)


def _runtime_class(obj: Object) -> Errors:
    """node/validation: ValidateRuntimeClass."""
    handler = obj.get("handler", "")
    for problem in names.label(handler):
        yield invalid_value("handler", handler, problem)


def _runtime_class_change(old: Object, new: Object) -> Errors:
    if old.get("handler") != new.get("handler"):
        yield invalid_value("handler", new.get("handler"), IMMUTABLE)


def _endpoint_slice(obj: Object) -> Errors:
    """discovery/validation: ValidateEndpointSlice."""
    kind, kinds = obj.get("addressType", ""), ("FQDN", "IPv4", "IPv6")
    if not kind:
        yield required("addressType")
    elif kind not in kinds:
        yield not_supported("addressType", kind, kinds)
    for index, endpoint in enumerate(obj.get("endpoints") or []):
        addresses, where = endpoint.get("addresses") or [], f"endpoints[{index}].addresses"
        if not addresses:
            yield required(where, "must contain at least 1 address")
        for at, address in enumerate(addresses):
            yield from _address(kind, address, f"{where}[{at}]")
    for index, port in enumerate(obj.get("ports") or []):
        name = port.get("name", "")
        for problem in names.label(name) if name else ():
            yield invalid_value(f"ports[{index}].name", name, problem)
        if port.get("protocol") not in ("SCTP", "TCP", "UDP"):
            choices = ("SCTP", "TCP", "UDP")
            yield not_supported(f"ports[{index}].protocol", port.get("protocol", ""), choices)


def _address(kind: str, address: str, path: str) -> Errors:
    try:
        version: int | None = ipaddress.ip_address(address).version
    except ValueError:
        version = None
    if kind == "IPv4" and version != 4:
        yield invalid_value(path, address, "must be an IPv4 address")
    elif kind == "IPv6" and version != 6:
        yield invalid_value(path, address, "must be an IPv6 address")
    for problem in names.subdomain(address) if kind == "FQDN" else ():
        yield invalid_value(path, address, problem)


def _endpoint_slice_change(old: Object, new: Object) -> Errors:
    if old.get("addressType") != new.get("addressType"):
        yield invalid_value("addressType", new.get("addressType"), IMMUTABLE)


def _persistent_volume(obj: Object) -> Errors:
    """core/validation: ValidatePersistentVolumeSpec."""
    spec = obj.get("spec") or {}
    modes, capacity = spec.get("accessModes") or [], spec.get("capacity") or {}
    yield from _access_modes(modes, "spec.accessModes")
    if not capacity:
        yield required("spec.capacity")
    if "storage" not in capacity or len(capacity) > 1:
        yield not_supported("spec.capacity", capacity, ("storage",))
    for name, amount in sorted(capacity.items()):
        if quantities.parse(amount) <= 0:
            text = "must be greater than zero"
            yield invalid_value(f"spec.capacity[{name}]", amount, text)
    policy, policies = spec.get("persistentVolumeReclaimPolicy"), ("Delete", "Recycle", "Retain")
    if policy and policy not in policies:
        yield not_supported("spec.persistentVolumeReclaimPolicy", policy, policies)
    sources = [name for name in spec if name not in _NO_SOURCES]
    if not sources:
        yield required("spec", "must specify a volume type")
    for extra in sources[1:]:
        yield forbidden_field(f"spec.{extra}", "may not specify more than 1 volume type")


def _volume_claim(obj: Object) -> Errors:
    """core/validation: ValidatePersistentVolumeClaimSpec."""
    spec = obj.get("spec") or {}
    why = "at least 1 access mode is required"
    yield from _access_modes(spec.get("accessModes") or [], "spec.accessModes", why)
    wanted = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if wanted is None:
        yield required("spec.resources[storage]")
    elif quantities.parse(wanted) <= 0:
        yield invalid_value("spec.resources[storage]", wanted, "must be greater than zero")
    modes = ("Block", "Filesystem")
    if spec.get("volumeMode") not in (None, *modes):
        yield not_supported("spec.volumeMode", spec.get("volumeMode"), modes)


def _access_modes(modes: list[str], path: str, why: str = "") -> Errors:
    if not modes:
        yield required(path, why)
    for mode in modes:
        if mode not in _MODES:
            yield not_supported(path, mode, _MODES)
    if "ReadWriteOncePod" in modes and len(modes) > 1:
        text = "may not use ReadWriteOncePod with other access modes"
        yield forbidden_field(path, text)


def _replication_controller(obj: Object) -> Errors:
    """core/validation: ValidateReplicationControllerSpec."""
    spec = obj.get("spec") or {}
    selector, template = spec.get("selector") or {}, spec.get("template")
    if (spec.get("minReadySeconds") or 0) < 0:
        yield invalid_value("spec.minReadySeconds", spec["minReadySeconds"], NOT_NEGATIVE)
    if not selector:
        yield required("spec.selector")
    if (spec.get("replicas") or 0) < 0:
        yield invalid_value("spec.replicas", spec["replicas"], NOT_NEGATIVE)
    if template is None:
        yield required("spec.template")
        return
    labels = (template.get("metadata") or {}).get("labels")
    if selector and any((labels or {}).get(key) != value for key, value in selector.items()):
        text = "`selector` does not match template `labels`"
        yield invalid_value("spec.template.metadata.labels", labels, text)
    pod = template.get("spec") or {}
    yield from validate_pod_spec(pod, "spec.template.spec")
    if pod.get("restartPolicy") in ("OnFailure", "Never"):
        where = "spec.template.spec.restartPolicy"
        yield not_supported(where, pod["restartPolicy"], ("Always",))
    if pod.get("activeDeadlineSeconds") is not None:
        text = "activeDeadlineSeconds in ReplicationController is not Supported"
        yield forbidden_field("spec.template.spec.activeDeadlineSeconds", text)


def _controller_revision(obj: Object) -> Errors:
    """apps/validation: ValidateControllerRevision."""
    if obj.get("data") is None:
        yield required("data", "data is mandatory")
    if obj.get("revision", 0) < 0:
        yield invalid_value("revision", obj["revision"], NOT_NEGATIVE)


CHECKS: dict[str, Callable[[Object], Errors]] = {
    "StorageClass": _storage_class,
    "PriorityClass": _priority_class,
    "IngressClass": _ingress_class,
    "RuntimeClass": _runtime_class,
    "EndpointSlice": _endpoint_slice,
    "PersistentVolume": _persistent_volume,
    "PersistentVolumeClaim": _volume_claim,
    "ReplicationController": _replication_controller,
    "ControllerRevision": _controller_revision,
}
CHANGES: dict[str, Callable[[Object, Object], Errors]] = {
    "StorageClass": _storage_class_change,
    "PriorityClass": _priority_class_change,
    "IngressClass": _ingress_class_change,
    "RuntimeClass": _runtime_class_change,
    "EndpointSlice": _endpoint_slice_change,
}

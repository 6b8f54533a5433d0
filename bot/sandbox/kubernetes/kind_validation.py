"""Validation of the kinds beside pods and what keeps them running: `CHECKS`, for `validation.py`.

Rules and words of pkg/apis/{core,autoscaling,batch,coordination,authorization}/validation.
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Callable, Iterator

from bot.sandbox.kubernetes import names, statuses, texts
from bot.sandbox.kubernetes.pod_validation import NOT_NEGATIVE, validate_pod_spec
from bot.sandbox.kubernetes.statuses import (
    FieldError,
    duplicate,
    forbidden_field,
    invalid_value,
    not_supported,
    required,
    too_long,
)
from bot.sandbox.kubernetes.stored import Object

Errors = Iterator[FieldError]
_MOST_BYTES = 1024 * 1024
_METRICS = {
    "ContainerResource": "containerResource",
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
}
_SECRET_KEYS = {
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}


def _config_map(obj: Object) -> Errors:
    size = 0
    data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
    for field, content in (("data", data), ("binaryData", binary)):
        for key in sorted(content):
            for problem in names.config_key(key):
                yield invalid_value(f"{field}[{key}]", key, problem)
            size += len(content[key].encode())
    for key in sorted(data.keys() & binary.keys()):
        yield invalid_value(f"data[{key}]", key, "duplicate of key present in binaryData")
    if size > _MOST_BYTES:
        yield too_long(statuses.WHOLE, _MOST_BYTES)


def _secret(obj: Object) -> Errors:
    data = obj.get("data") or {}
    for key in sorted(data):
        for problem in names.config_key(key):
            yield invalid_value(f"data[{key}]", key, problem)
    if sum(len(value) * 3 // 4 for value in data.values()) > _MOST_BYTES:
        yield too_long("data", _MOST_BYTES)
    yield from _secret_type(obj, data)


def _secret_type(obj: Object, data: Object) -> Errors:
    """What a secret of a known type must hold (validation.go: ValidateSecret)."""
    kind = obj.get("type")
    if kind == "kubernetes.io/service-account-token":
        name = "kubernetes.io/service-account.name"
        if not (obj["metadata"].get("annotations") or {}).get(name):
            yield required(f"metadata.annotations[{name}]")
    if kind == "kubernetes.io/basic-auth" and not {"username", "password"} & data.keys():
        yield required("data[username]")
        yield required("data[password]")
    for key in _SECRET_KEYS.get(str(kind), ()):
        if key not in data:
            yield required(f"data[{key}]")
        elif key.startswith(".docker"):
            try:
                texts.json_text(base64.b64decode(data[key]))
            except (texts.DecodeError, ValueError) as error:
                yield invalid_value(f"data[{key}]", "<secret contents redacted>", str(error))


def _autoscaler(obj: Object) -> Errors:
    spec = obj.get("spec") or {}
    low, high = spec.get("minReplicas"), spec.get("maxReplicas", 0)
    if low is not None and low < 1:
        yield invalid_value("spec.minReplicas", low, "must be greater than or equal to 1")
    if high < 1:
        yield invalid_value("spec.maxReplicas", high, "must be greater than 0")
    if low is not None and high < low:
        text = "must be greater than or equal to `minReplicas`"
        yield invalid_value("spec.maxReplicas", high, text)
    target = spec.get("scaleTargetRef") or {}
    for key in ("kind", "name"):
        if not target.get(key):
            yield required(f"spec.scaleTargetRef.{key}")
    yield from _metrics(spec.get("metrics") or [])


def _service(obj: Object) -> Errors:
    spec = obj.get("spec") or {}
    ports = spec.get("ports") or []
    kind = spec.get("type")
    if kind not in ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort"):
        choices = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
        yield not_supported("spec.type", kind, choices)
    if not ports and kind != "ExternalName" and spec.get("clusterIP") != "None":
        yield required("spec.ports")
    if kind == "ExternalName" and not spec.get("externalName"):
        yield required("spec.externalName")
    yield from _labels(spec.get("selector") or {}, "spec.selector")
    affinities = ("ClientIP", "None")
    if spec.get("sessionAffinity") not in affinities:
        yield not_supported("spec.sessionAffinity", spec.get("sessionAffinity"), affinities)
    yield from _service_ports(spec, ports)
    yield from _cluster_address(spec)


def _cluster_address(spec: Object) -> Errors:
    address = spec.get("clusterIP")
    if address in (None, "", "None"):
        return
    try:
        ipaddress.ip_address(address)
    except ValueError:
        text = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
        yield invalid_value("spec.clusterIPs[0]", address, text)


def _labels(labels: Object, path: str) -> Errors:
    for key, value in sorted(labels.items()):
        for problem in names.qualified(key):
            yield invalid_value(path, key, problem)
        for problem in names.label_value(value):
            yield invalid_value(path, value, problem)


def _service_ports(spec: Object, ports: list[Object]) -> Errors:
    """validateServicePort, and what two ports may not share (ValidateService)."""
    seen: set[str] = set()
    for index, port in enumerate(ports):
        where, name = f"spec.ports[{index}]", port.get("name", "")
        if len(ports) > 1 and not name:
            yield required(f"{where}.name")
        for problem in names.label(name) if name else ():
            yield invalid_value(f"{where}.name", name, problem)
        if name and name in seen:
            yield duplicate(f"{where}.name", name)
        seen.add(name)
        for problem in names.port_number(port.get("port", 0)):
            yield invalid_value(f"{where}.port", port.get("port", 0), problem)
        protocols = ("SCTP", "TCP", "UDP")
        if port.get("protocol") not in protocols:
            yield not_supported(f"{where}.protocol", port.get("protocol", ""), protocols)
        target = port.get("targetPort", 0)
        named = isinstance(target, str)
        for problem in names.port_name(target) if named else names.port_number(target):
            yield invalid_value(f"{where}.targetPort", target, problem)
        if port.get("nodePort") and spec.get("type") == "ClusterIP":
            text = "may not be used when `type` is 'ClusterIP'"
            yield forbidden_field(f"{where}.nodePort", text)
        elif port.get("nodePort") and not 30_000 <= port["nodePort"] <= 32_767:
            text = "provided port is not in the valid range. The range of valid ports is"
            yield invalid_value(f"{where}.nodePort", port["nodePort"], f"{text} 30000-32767")
    served: set[tuple[str, int]] = set()
    for index, port in enumerate(ports):
        protocol, number = port.get("protocol", ""), port.get("port", 0)
        if (protocol, number) in served:
            shown = {"Name": "", "Protocol": protocol, "AppProtocol": None, "Port": number}
            yield duplicate(f"spec.ports[{index}]", {**shown, "TargetPort": 0, "NodePort": 0})
        served.add((protocol, number))


def _event(obj: Object) -> Errors:
    if "involvedObject" not in obj and "regarding" in obj:
        yield from _new_event(obj)
        return
    yield from _old_event(obj)


def _old_event(obj: Object) -> Errors:
    """core/validation/events.go: legacyValidateEvent."""
    about = (obj.get("involvedObject") or {}).get("namespace", "")
    namespace = (obj.get("metadata") or {}).get("namespace", "")
    timed = bool(obj.get("eventTime"))
    cluster_wide = ("default", "kube-system") if timed else ("", "default")
    if namespace not in cluster_wide if not about else not timed and about != namespace:
        text = "does not match event.namespace"
        yield invalid_value("involvedObject.namespace", about, text)
    if timed:
        for name in ("reportingComponent", "reportingInstance", "action", "reason"):
            if not obj.get(name):
                yield required(name)


def _metrics(metrics: list[Object]) -> Errors:
    """autoscaling/validation: validateMetricSpec, for the metrics of resources."""
    for index, metric in enumerate(metrics):
        where = f"spec.metrics[{index}]"
        source = metric.get("resource")
        yield from _metric_source(metric, where)
        if source is None:
            continue
        target, at = source.get("target") or {}, f"{where}.resource.target"
        if not source.get("name"):
            yield required(f"{where}.resource.name", "must specify a resource name")
        if target.get("type") not in ("Utilization", "Value", "AverageValue"):
            text = "must be either Utilization, Value, or AverageValue"
            yield invalid_value(f"{at}.type", target.get("type", ""), text)
        share, amount = target.get("averageUtilization"), target.get("averageValue")
        if share is not None and share < 1:
            yield invalid_value(f"{at}.averageUtilization", share, "must be greater than 0")
        if share is None and amount is None:
            text = "must set either a target raw value or a target utilization"
            yield required(f"{at}.averageUtilization", text)
        elif share is not None and amount is not None:
            text = "may not set both a target raw value and a target utilization"
            yield forbidden_field(f"{at}.averageValue", text)


def _metric_source(metric: Object, path: str) -> Errors:
    """The one source that a metric's type names, and no other."""
    kind = metric.get("type", "")
    if not kind:
        yield required(f"{path}.type", "must specify a metric source type")
    if kind not in _METRICS:
        yield not_supported(f"{path}.type", kind, tuple(sorted(_METRICS)))
    elif metric.get(_METRICS[kind]) is None:
        text = "must populate information for the given metric source"
        yield required(f"{path}.{_METRICS[kind]}", text)
    for name in sorted(_METRICS.values()):
        if metric.get(name) is not None and name != _METRICS.get(kind):
            yield forbidden_field(f"{path}.{name}", "must populate the given metric source only")


def _new_event(obj: Object) -> Errors:
    """events.k8s.io asks for more than core does (core/validation/events.go)."""
    if not obj.get("eventTime"):
        yield required("eventTime")
    if obj.get("type") not in ("Normal", "Warning"):
        yield invalid_value("type", "", f"has invalid value: {obj.get('type', '')}")
    for name in ("reportingController", "reportingInstance", "action", "reason"):
        if not obj.get(name):
            yield required(name)


def _job(obj: Object) -> Errors:
    spec = obj.get("spec") or {}
    yield from _not_negative(spec, "spec", ("parallelism", "completions", "backoffLimit"))
    yield from _run_to_the_end(spec, "spec")


def _cron_job(obj: Object) -> Errors:
    spec = obj.get("spec") or {}
    schedule = str(spec.get("schedule", ""))
    fields = schedule.split()
    if not schedule:
        yield required("spec.schedule")
    elif len(fields) != 5 and not schedule.startswith("@"):
        text = f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]"
        yield invalid_value("spec.schedule", schedule, text)
    job = (spec.get("jobTemplate") or {}).get("spec") or {}
    yield from _run_to_the_end(job, "spec.jobTemplate.spec")


def _run_to_the_end(job: Object, path: str) -> Errors:
    pod = (job.get("template") or {}).get("spec") or {}
    yield from validate_pod_spec(pod, f"{path}.template.spec")
    if pod.get("restartPolicy", "Always") == "Always":
        yield required(f"{path}.template.spec.restartPolicy", 'valid values: "OnFailure", "Never"')


def _not_negative(spec: Object, path: str, names_of: tuple[str, ...]) -> Errors:
    for name in names_of:
        if (spec.get(name) or 0) < 0:
            yield invalid_value(f"{path}.{name}", spec[name], NOT_NEGATIVE)


def _lease(obj: Object) -> Errors:
    spec = obj.get("spec") or {}
    seconds, transitions = spec.get("leaseDurationSeconds"), spec.get("leaseTransitions")
    if seconds is not None and seconds <= 0:
        yield invalid_value("spec.leaseDurationSeconds", seconds, "must be greater than 0")
    if transitions is not None and transitions < 0:
        yield invalid_value("spec.leaseTransitions", transitions, NOT_NEGATIVE)


def _disruption_budget(obj: Object) -> Errors:
    spec = obj.get("spec") or {}
    if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
        text = "minAvailable and maxUnavailable cannot be both set"
        yield invalid_value("spec", spec, text)


def _binding(obj: Object) -> Errors:
    """rbac/validation: ValidateRoleBinding."""
    role, group = obj.get("roleRef") or {}, "rbac.authorization.k8s.io"
    kinds = ("ClusterRole",) if obj.get("kind") == "ClusterRoleBinding" else ("Role", "ClusterRole")
    if role.get("apiGroup") != group:
        yield not_supported("roleRef.apiGroup", role.get("apiGroup", ""), (group,))
    if role.get("kind") not in kinds:
        yield not_supported("roleRef.kind", role.get("kind", ""), kinds)
    if not role.get("name"):
        yield required("roleRef.name")
    for index, subject in enumerate(obj.get("subjects") or []):
        where = f"subjects[{index}]"
        if not subject.get("name"):
            yield required(f"{where}.name")
        if subject.get("kind") not in ("ServiceAccount", "User", "Group"):
            choices = ("ServiceAccount", "User", "Group")
            yield not_supported(f"{where}.kind", subject.get("kind", ""), choices)
        elif subject["kind"] == "ServiceAccount" and not subject.get("namespace"):
            yield required(f"{where}.namespace")


def review_errors(obj: Object, namespace: str) -> list[FieldError]:
    """An access review asks exactly one question, and is no object (authorization/validation).

    `namespace` is that of the request; a local review asks about no other.
    """
    spec = obj.get("spec") or {}
    asked, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    found: list[FieldError] = []
    if asked is not None and path is not None:
        text = "cannot be specified in combination with resourceAttributes"
        found.append(invalid_value("spec.nonResourceAttributes", path, text))
    reviews_another = obj.get("kind") in ("SubjectAccessReview", "LocalSubjectAccessReview")
    if reviews_another and not spec.get("user") and not spec.get("groups"):
        text = "at least one of user or group must be specified"
        found.append(invalid_value("spec.user", "", text))
    if asked is None and path is None:
        text = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        found.append(invalid_value("spec.resourceAttributes", None, text))
    meta, local = obj.get("metadata") or {}, obj.get("kind") == "LocalSubjectAccessReview"
    if meta.keys() - {"managedFields"} - ({"namespace"} if local else set()):
        text = "must be empty except for namespace" if local else "must be empty"
        found.append(invalid_value("metadata", meta, text))
    if local and asked is not None and asked.get("namespace", "") != namespace:
        where, text = "spec.resourceAttributes.namespace", "must match metadata.namespace"
        found.append(invalid_value(where, asked.get("namespace", ""), text))
    return found


CHECKS: dict[str, Callable[[Object], Errors]] = {
    "ConfigMap": _config_map,
    "Secret": _secret,
    "HorizontalPodAutoscaler": _autoscaler,
    "Service": _service,
    "Event": _event,
    "Lease": _lease,
    "Job": _job,
    "CronJob": _cron_job,
    "PodDisruptionBudget": _disruption_budget,
    "RoleBinding": _binding,
    "ClusterRoleBinding": _binding,
}

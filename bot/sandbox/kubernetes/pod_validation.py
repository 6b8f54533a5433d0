"""Validation of pod specs, in pods and in templates, with the wording and order of the real server.

Follows pkg/apis/core/validation/validation.go for the rules that people trip over.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.sandbox.kubernetes import names, quantities
from bot.sandbox.kubernetes.pod_security_validation import (
    validate_pod_security_context,
    validate_security_context,
    validate_spreading,
    validate_tolerations,
)
from bot.sandbox.kubernetes.statuses import (
    FieldError,
    duplicate,
    forbidden_field,
    go,
    invalid_value,
    not_supported,
    required,
)
from bot.sandbox.kubernetes.stored import Object

NOT_NEGATIVE = "must be greater than or equal to 0"
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
_OVERCOMMIT = frozenset({"cpu", "memory", "ephemeral-storage"})


def validate_pod_spec(spec: Object, path: str) -> Iterator[FieldError]:
    volumes: set[str] = set()
    yield from _volumes(spec.get("volumes") or [], f"{path}.volumes", volumes)
    containers = spec.get("containers") or []
    seen: set[str] = set()
    if not containers:
        yield required(f"{path}.containers")
    host = bool(spec.get("hostNetwork"))
    for index, container in enumerate(containers):
        yield from _container(container, f"{path}.containers[{index}]", volumes, seen, host=host)
    for index, container in enumerate(spec.get("initContainers") or []):
        where = f"{path}.initContainers[{index}]"
        yield from _container(container, where, volumes, seen, host=host)
        if container.get("restartPolicy") != "Always":
            for name in ("livenessProbe", "readinessProbe", "startupProbe"):
                if container.get(name) is not None:
                    yield forbidden_field(
                        f"{where}.{name}",
                        "may not be set for init containers without restartPolicy=Always",
                    )
    yield from _one_of(spec, "restartPolicy", ("Always", "OnFailure", "Never"), path)
    yield from _one_of(
        spec, "dnsPolicy", ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"), path
    )
    yield from _selectors(spec, path)
    yield from validate_pod_security_context(
        spec.get("securityContext") or {}, f"{path}.securityContext"
    )
    yield from validate_spreading(
        spec.get("topologySpreadConstraints") or [], f"{path}.topologySpreadConstraints"
    )
    yield from _account(spec, path)
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline < 2**31:
        text = "must be between 1 and 2147483647, inclusive"
        yield invalid_value(f"{path}.activeDeadlineSeconds", deadline, text)
    for name in ("hostname", "subdomain"):
        for problem in names.label(spec[name]) if spec.get(name) else ():
            yield invalid_value(f"{path}.{name}", spec[name], problem)
    yield from validate_tolerations(spec.get("tolerations") or [], f"{path}.tolerations")


def _one_of(spec: Object, name: str, choices: tuple[str, ...], path: str) -> Iterator[FieldError]:
    value = spec.get(name)
    if not value:
        yield required(f"{path}.{name}")
    elif value not in choices:
        yield not_supported(f"{path}.{name}", value, choices)


def _selectors(spec: Object, path: str) -> Iterator[FieldError]:
    for key, value in (spec.get("nodeSelector") or {}).items():
        for problem in names.qualified(key):
            yield invalid_value(f"{path}.nodeSelector", key, problem)
        for problem in names.label_value(value):
            yield invalid_value(f"{path}.nodeSelector", value, problem)


def _account(spec: Object, path: str) -> Iterator[FieldError]:
    account = spec.get("serviceAccountName")
    for problem in names.subdomain(account) if account else ():
        yield invalid_value(f"{path}.serviceAccountName", account, problem)


def _volumes(volumes: list[Object], path: str, known: set[str]) -> Iterator[FieldError]:
    for index, volume in enumerate(volumes):
        where = f"{path}[{index}]"
        name = volume.get("name", "")
        sources = [key for key in volume if key != "name"]
        if not sources:
            yield required(where, "must specify a volume type")
        for extra in sources[1:]:
            yield forbidden_field(f"{where}.{extra}", "may not specify more than 1 volume type")
        if not name:
            yield required(f"{where}.name")
        elif name in known:
            yield duplicate(f"{where}.name", name)
        for problem in names.label(name) if name else ():
            yield invalid_value(f"{where}.name", name, problem)
        if volume.get("secret") is not None and not volume["secret"].get("secretName"):
            yield required(f"{where}.secret.secretName")
        if volume.get("configMap") is not None and not volume["configMap"].get("name"):
            yield required(f"{where}.configMap.name")
        known.add(name)


def _container(
    container: Object, path: str, volumes: set[str], seen: set[str], *, host: bool
) -> Iterator[FieldError]:
    name, image = container.get("name", ""), container.get("image", "")
    if not name:
        yield required(f"{path}.name")
    for problem in names.label(name) if name else ():
        yield invalid_value(f"{path}.name", name, problem)
    if not image:
        yield required(f"{path}.image")
    elif image != image.strip():
        yield invalid_value(f"{path}.image", image, "must not have leading or trailing whitespace")
    yield from _one_of(
        container, "terminationMessagePolicy", ("FallbackToLogsOnError", "File"), path
    )
    yield from _ports(container.get("ports") or [], f"{path}.ports", host=host)
    yield from _env(container.get("env") or [], f"{path}.env")
    yield from _env_from(container.get("envFrom") or [], f"{path}.envFrom")
    yield from _mounts(container.get("volumeMounts") or [], f"{path}.volumeMounts", volumes)
    yield from _one_of(container, "imagePullPolicy", ("Always", "IfNotPresent", "Never"), path)
    yield from _resources(container.get("resources") or {}, f"{path}.resources")
    yield from validate_security_context(
        container.get("securityContext") or {}, f"{path}.securityContext"
    )
    if name and name in seen:
        yield duplicate(f"{path}.name", name)
    seen.add(name)
    yield from _lifecycle(container.get("lifecycle") or {}, f"{path}.lifecycle")
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        yield from _probe(container.get(probe), f"{path}.{probe}", probe)


def _ports(ports: list[Object], path: str, *, host: bool) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, port in enumerate(ports):
        where = f"{path}[{index}]"
        name, number = port.get("name"), port.get("containerPort", 0)
        problems = names.port_name(name) if name else []
        for problem in problems:
            yield invalid_value(f"{where}.name", name, problem)
        if name and not problems:
            if name in seen:
                yield duplicate(f"{where}.name", name)
            seen.add(name)
        if number == 0:
            yield required(f"{where}.containerPort")
        else:
            for problem in names.port_number(number):
                yield invalid_value(f"{where}.containerPort", number, problem)
        host_port = port.get("hostPort")
        for problem in names.port_number(host_port) if host_port else ():
            yield invalid_value(f"{where}.hostPort", host_port, problem)
        if host and host_port and host_port != number:
            text = "must match `hostPort` when `hostNetwork` is true"
            yield invalid_value(f"{where}.containerPort", number, text)
        yield from _one_of(port, "protocol", ("SCTP", "TCP", "UDP"), where)


def _env(variables: list[Object], path: str) -> Iterator[FieldError]:
    for index, variable in enumerate(variables):
        where = f"{path}[{index}]"
        name = variable.get("name", "")
        if not name:
            yield required(f"{where}.name")
        for problem in names.env_name(name):
            yield invalid_value(f"{where}.name", name, problem)
        source = variable.get("valueFrom")
        if source is not None:
            yield from _env_source(source, variable, f"{where}.valueFrom")


def _env_source(source: Object, variable: Object, path: str) -> Iterator[FieldError]:
    found = [name for name in _SOURCES if source.get(name) is not None]
    for name in found:
        if name in ("configMapKeyRef", "secretKeyRef"):
            for key in ("name", "key"):
                if not source[name].get(key):
                    yield required(f"{path}.{name}.{key}")
    if not found:
        text = (
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, "
            "`secretKeyRef` or `fileKeyRef`"
        )
        yield invalid_value(path, "", text)
    elif variable.get("value"):
        yield invalid_value(path, "", "may not be specified when `value` is not empty")
    elif len(found) > 1:
        yield invalid_value(path, "", "may not have more than one field specified at a time")


def _env_from(sources: list[Object], path: str) -> Iterator[FieldError]:
    for index, source in enumerate(sources):
        where = f"{path}[{index}]"
        found = [name for name in ("configMapRef", "secretRef") if source.get(name) is not None]
        for name in found:
            if not source[name].get("name"):
                yield required(f"{where}.{name}.name")
        if not found:
            yield invalid_value(where, "", "must specify one of: `configMapRef` or `secretRef`")
        elif len(found) > 1:
            text = "may not have more than one field specified at a time"
            yield invalid_value(where, "", text)


def _mounts(mounts: list[Object], path: str, volumes: set[str]) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, mount in enumerate(mounts):
        where = f"{path}[{index}]"
        name, at = mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            yield required(f"{where}.name")
        elif name not in volumes:
            yield FieldError(f"{where}.name", "FieldValueNotFound", f"Not found: {go(name)}")
        if not at:
            yield required(f"{where}.mountPath")
        elif at in seen:
            yield invalid_value(f"{where}.mountPath", at, "must be unique")
        seen.add(at)


def _resources(resources: Object, path: str) -> Iterator[FieldError]:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for name in sorted(limits):
        yield from _amount(name, limits[name], f"{path}.limits[{name}]")
    for name in sorted(requests):
        yield from _amount(name, requests[name], f"{path}.requests[{name}]")
        limit = limits.get(name)
        if limit is None:
            if name not in _OVERCOMMIT and not name.startswith("requests."):
                text = "Limit must be set for non overcommitable resources"
                yield required(f"{path}.limits", text)
        elif quantities.parse(requests[name]) > quantities.parse(limit):
            text = f"must be less than or equal to {name} limit of {limit}"
            yield invalid_value(f"{path}.requests", requests[name], text)
        elif name not in _OVERCOMMIT and quantities.parse(requests[name]) != quantities.parse(
            limit
        ):
            text = f"must be equal to {name} limit of {limit}"
            yield invalid_value(f"{path}.requests", requests[name], text)


def _amount(name: str, value: str, path: str) -> Iterator[FieldError]:
    if "/" not in name and name not in _OVERCOMMIT and not name.startswith("hugepages-"):
        yield invalid_value(path, name, "must be a standard resource type or fully qualified")
        yield invalid_value(path, name, "must be a standard resource for containers")
    amount = quantities.parse(value)
    if amount < 0:
        yield invalid_value(path, value, NOT_NEGATIVE)
    if "/" in name and (amount * 1000) % 1000:
        yield invalid_value(path, value, "must be an integer")


def _lifecycle(lifecycle: Object, path: str) -> Iterator[FieldError]:
    for name in ("postStart", "preStop"):
        if lifecycle.get(name) is not None:
            yield from _handler(lifecycle[name], f"{path}.{name}")


def _probe(probe: Object | None, path: str, kind: str) -> Iterator[FieldError]:
    if probe is None:
        return
    yield from _handler(probe, path)
    for name in (
        *("initialDelaySeconds", "timeoutSeconds", "periodSeconds"),
        *("successThreshold", "failureThreshold"),
    ):
        if probe.get(name, 0) < 0:
            yield invalid_value(f"{path}.{name}", probe[name], NOT_NEGATIVE)
    if kind != "readinessProbe" and probe.get("successThreshold", 1) != 1:
        yield invalid_value(f"{path}.successThreshold", probe["successThreshold"], "must be 1")


def _handler(handler: Object, path: str) -> Iterator[FieldError]:
    found = [name for name in _HANDLERS if handler.get(name) is not None]
    for index, name in enumerate(found):
        if index:
            yield forbidden_field(f"{path}.{name}", "may not specify more than 1 handler type")
        elif name == "exec" and not handler["exec"].get("command"):
            yield required(f"{path}.exec.command")
        elif name in ("httpGet", "tcpSocket"):
            yield from _network_handler(handler[name], f"{path}.{name}", name)
        elif name == "grpc":
            yield from _handler_port(handler["grpc"].get("port", 0), f"{path}.grpc.port")
    if not found:
        yield required(path, "must specify a handler type")


def _network_handler(action: Object, path: str, kind: str) -> Iterator[FieldError]:
    if kind == "httpGet" and not action.get("path"):
        yield required(f"{path}.path")
    yield from _handler_port(action.get("port", 0), f"{path}.port")
    if kind == "httpGet" and action.get("scheme") not in ("HTTP", "HTTPS"):
        yield not_supported(f"{path}.scheme", action.get("scheme", ""), ("HTTP", "HTTPS"))


def _handler_port(port: Any, path: str) -> Iterator[FieldError]:
    problems = names.port_name(port) if isinstance(port, str) else names.port_number(port)
    for problem in problems:
        yield invalid_value(path, port, problem)

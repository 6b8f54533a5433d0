"""Validation of objects after decoding and defaulting: all complaints at once, in the real words.

`validate` looks at one object, `validate_update` at what an update may not change. Pod specs are in
`pod_validation.py`, kinds other than workloads in `kind_validation.py` and `class_validation.py`,
names in `names.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from bot.sandbox.kubernetes import class_validation, names, selectors
from bot.sandbox.kubernetes.kind_validation import CHECKS
from bot.sandbox.kubernetes.pod_validation import NOT_NEGATIVE, validate_pod_spec
from bot.sandbox.kubernetes.resources import Kind
from bot.sandbox.kubernetes.statuses import (
    FieldError,
    forbidden_field,
    invalid_value,
    not_supported,
    required,
    too_long,
)
from bot.sandbox.kubernetes.stored import Object, copy_json

Errors = Iterator[FieldError]
IMMUTABLE = "field is immutable"
_MOST_ANNOTATION_BYTES = 256 * 1024
_WORKLOADS = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet")
_POD_UPDATE = (
    "pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
    "additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set "
    "to 1 if it was previously negative)"
)


def validate(kind: Kind, obj: Object) -> list[FieldError]:
    errors = list(_metadata(kind, obj.get("metadata") or {}))
    check = _CHECKS.get(kind.kind)
    if check is not None:
        errors.extend(check(obj))
    return errors


def validate_update(kind: Kind, old: Object, new: Object) -> list[FieldError]:
    """What the kind forbids to change."""
    errors: list[FieldError] = []
    before, after = old.get("spec") or {}, new.get("spec") or {}
    if kind.kind in _WORKLOADS and before.get("selector") != after.get("selector"):
        errors.append(invalid_value("spec.selector", after.get("selector"), IMMUTABLE))
    if kind.kind == "StatefulSet":
        errors.extend(_stateful_set_update(before, after))
    if kind.kind == "Pod" and _frozen_pod(before) != _frozen_pod(after):
        errors.append(forbidden_field("spec", _POD_UPDATE))
    if kind.kind in ("ConfigMap", "Secret"):
        errors.extend(_immutable_data(kind, old, new))
    if kind.kind in ("RoleBinding", "ClusterRoleBinding") and old.get("roleRef") != new.get(
        "roleRef"
    ):
        errors.append(invalid_value("roleRef", new.get("roleRef"), "cannot change roleRef"))
    if kind.kind == "Service" and before.get("clusterIP") != after.get("clusterIP"):
        addresses = [after.get("clusterIP")]
        errors.append(invalid_value("spec.clusterIPs[0]", addresses, "may not change once set"))
    if kind.kind in class_validation.CHANGES:
        errors.extend(class_validation.CHANGES[kind.kind](old, new))
    return errors


def _frozen_pod(spec: Object) -> Object:
    frozen = copy_json(spec)
    for name in ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds"):
        frozen.pop(name, None)
    for name in ("containers", "initContainers"):
        for container in frozen.get(name) or []:
            container.pop("image", None)
    return frozen  # type: ignore[no-any-return]


def _stateful_set_update(before: Object, after: Object) -> Errors:
    free = (
        *("replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit"),
        *("persistentVolumeClaimRetentionPolicy", "minReadySeconds", "selector"),
    )
    if {k: v for k, v in before.items() if k not in free} != {
        k: v for k, v in after.items() if k not in free
    }:
        yield forbidden_field(
            "spec",
            "updates to statefulset spec for fields other than 'replicas', 'ordinals', "
            "'template', 'updateStrategy', 'revisionHistoryLimit', "
            "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
        )


def _immutable_data(kind: Kind, old: Object, new: Object) -> Errors:
    if kind.kind == "Secret" and old.get("type") != new.get("type"):
        yield invalid_value("type", new.get("type"), IMMUTABLE)
    if not old.get("immutable"):
        return
    if not new.get("immutable"):
        yield forbidden_field("immutable", "field is immutable when `immutable` is set")
    for name in ("data", "binaryData"):
        if old.get(name) != new.get(name):
            yield forbidden_field(name, "field is immutable when `immutable` is set")


# Metadata


def _metadata(kind: Kind, meta: Object) -> Errors:
    name = meta.get("name", "")
    rule = _name_rule(kind)
    if meta.get("generateName") and not name:
        for problem in rule(meta["generateName"].rstrip("-.") or "a"):
            yield invalid_value("metadata.generateName", meta["generateName"], problem)
    if not name:
        yield required("metadata.name", "name or generateName is required")
    else:
        for problem in rule(name):
            yield invalid_value("metadata.name", name, problem)
    yield from validate_labels(meta.get("labels") or {}, "metadata.labels")
    yield from _annotations(meta.get("annotations") or {}, "metadata.annotations")
    for index, owner in enumerate(meta.get("ownerReferences") or []):
        for key in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(key):
                where = f"metadata.ownerReferences[{index}].{key}"
                yield invalid_value(where, "", "must not be empty")
    for finalizer in meta.get("finalizers") or []:
        for problem in names.qualified(finalizer):
            yield invalid_value("metadata.finalizers", finalizer, problem)


def _name_rule(kind: Kind) -> Callable[[str], list[str]]:
    if kind.group == "rbac.authorization.k8s.io":
        return names.path_segment
    return names.label if kind.kind in ("Namespace", "Service") else names.subdomain


def validate_labels(labels: Object, path: str) -> Errors:
    for key in sorted(labels):
        for problem in names.qualified(key):
            yield invalid_value(path, key, problem)
        for problem in names.label_value(labels[key]):
            yield invalid_value(path, labels[key], problem)


def _annotations(annotations: Object, path: str) -> Errors:
    for key in sorted(annotations):
        for problem in names.qualified(key.lower()):
            yield invalid_value(path, key, problem)
    size = sum(len(key.encode()) + len(str(value).encode()) for key, value in annotations.items())
    if size > _MOST_ANNOTATION_BYTES:
        yield too_long(path, _MOST_ANNOTATION_BYTES)


# Workloads


def _workload(kind: str) -> Callable[[Object], Errors]:
    def check(obj: Object) -> Errors:
        spec = obj.get("spec") or {}
        yield from _replicas(spec)
        yield from _selector(kind, spec)
        yield from _template(spec, kind)
        if kind == "Deployment":
            yield from _strategy(spec.get("strategy") or {}, "spec.strategy")
        yield from _not_negative(spec, "minReadySeconds", "revisionHistoryLimit")
        if kind == "Deployment":
            yield from _deadline(spec)

    return check


def _replicas(spec: Object) -> Errors:
    yield from _not_negative(spec, "replicas")


def _not_negative(spec: Object, *fields: str) -> Errors:
    for name in fields:
        value = spec.get(name)
        if value is not None and value < 0:
            yield invalid_value(f"spec.{name}", value, NOT_NEGATIVE)


def _selector(kind: str, spec: Object) -> Errors:
    selector = spec.get("selector")
    if selector is None:
        yield required("spec.selector")
        return
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        text = f"empty selector is invalid for {kind.lower()}"
        yield invalid_value("spec.selector", selector, text)
    yield from validate_labels(selector.get("matchLabels") or {}, "spec.selector.matchLabels")
    for index, expression in enumerate(selector.get("matchExpressions") or []):
        yield from _expression(expression, f"spec.selector.matchExpressions[{index}]")


def _expression(expression: Object, path: str) -> Errors:
    operator, values = expression.get("operator", ""), expression.get("values") or []
    if operator in ("In", "NotIn") and not values:
        yield required(f"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'")
    elif operator in ("Exists", "DoesNotExist") and values:
        text = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
        yield forbidden_field(f"{path}.values", text)
    elif operator not in ("In", "NotIn", "Exists", "DoesNotExist"):
        yield invalid_value(f"{path}.operator", operator, "not a valid selector operator")
    for problem in names.qualified(expression.get("key", "")):
        yield invalid_value(f"{path}.key", expression.get("key", ""), problem)


def _template(spec: Object, kind: str) -> Errors:
    template = spec.get("template") or {}
    meta = template.get("metadata") or {}
    labels, selector = meta.get("labels"), spec.get("selector")
    if not selector or not selectors.matches_object(selector, labels or {}):
        text = "`selector` does not match template `labels`"
        if selector is None or selector.get("matchLabels") or selector.get("matchExpressions"):
            yield invalid_value("spec.template.metadata.labels", labels, text)
    yield from validate_labels(labels or {}, "spec.template.labels")
    yield from _annotations(meta.get("annotations") or {}, "spec.template.annotations")
    pod_spec = template.get("spec") or {}
    yield from validate_pod_spec(pod_spec, "spec.template.spec")
    policy = pod_spec.get("restartPolicy")
    if policy in ("OnFailure", "Never"):
        yield not_supported("spec.template.spec.restartPolicy", policy, ("Always",))
    if pod_spec.get("activeDeadlineSeconds") is not None:
        text = f"activeDeadlineSeconds in {_deadline_owner(kind)} is not Supported"
        yield forbidden_field("spec.template.spec.activeDeadlineSeconds", text)


def _deadline_owner(kind: str) -> str:
    return "ReplicaSet" if kind == "Deployment" else kind


def _strategy(strategy: Object, path: str) -> Errors:
    kind, rolling = strategy.get("type"), strategy.get("rollingUpdate")
    if kind == "Recreate":
        if rolling is not None:
            text = "may not be specified when strategy `type` is 'Recreate'"
            yield forbidden_field(f"{path}.rollingUpdate", text)
        return
    if kind != "RollingUpdate":
        shown = {"Type": kind or "", "RollingUpdate": rolling}
        yield not_supported(path, shown, ("Recreate", "RollingUpdate"))
        return
    where = f"{path}.rollingUpdate"
    limits = rolling or {}
    yield from _int_or_percent(limits.get("maxUnavailable"), f"{where}.maxUnavailable")
    yield from _int_or_percent(limits.get("maxSurge"), f"{where}.maxSurge")
    if _amount(limits.get("maxUnavailable")) == 0 and _amount(limits.get("maxSurge")) == 0:
        text = "may not be 0 when `maxSurge` is 0"
        yield invalid_value(f"{where}.maxUnavailable", limits.get("maxUnavailable"), text)
    unavailable = limits.get("maxUnavailable")
    if isinstance(unavailable, str) and _amount(unavailable) > 100:
        text = "must not be greater than 100%"
        yield invalid_value(f"{where}.maxUnavailable", unavailable, text)


def _int_or_percent(value: Any, path: str) -> Errors:
    if isinstance(value, str):
        if not re.fullmatch(r"[0-9]+%", value):
            text = (
                "a valid percent string must be a numeric string followed by an ending '%' "
                "(e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
            )
            yield invalid_value(path, value, text)
    elif isinstance(value, int) and value < 0:
        yield invalid_value(path, value, NOT_NEGATIVE)


def _amount(value: Any) -> int:
    if isinstance(value, str):
        return int(value[:-1]) if re.fullmatch(r"[0-9]+%", value) else 0
    return int(value or 0)


def _deadline(spec: Object) -> Errors:
    deadline = spec.get("progressDeadlineSeconds")
    if deadline is None:
        return
    yield from _not_negative(spec, "progressDeadlineSeconds")
    if deadline <= (spec.get("minReadySeconds") or 0):
        text = "must be greater than minReadySeconds"
        yield invalid_value("spec.progressDeadlineSeconds", deadline, text)


def _pod(obj: Object) -> Errors:
    yield from validate_pod_spec(obj.get("spec") or {}, "spec")


_CHECKS: dict[str, Callable[[Object], Errors]] = {
    **{kind: _workload(kind) for kind in _WORKLOADS},
    "Pod": _pod,
    **CHECKS,
    **class_validation.CHECKS,
}

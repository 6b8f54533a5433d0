"""Validation of who a pod runs as and where it may run: security contexts, tolerations, spreading.

A part of `pod_validation.py`; rules and words of pkg/apis/core/validation/validation.go. Whole
structs are shown there as Go's internal types are: every field, under its Go name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.sandbox.kubernetes import names
from bot.sandbox.kubernetes.statuses import (
    FieldError,
    duplicate,
    invalid_value,
    not_supported,
    required,
)
from bot.sandbox.kubernetes.stored import Object

Errors = Iterator[FieldError]
_USER_IDS = "must be between 0 and 2147483647, inclusive"
_CONTEXT = (
    *("Capabilities", "Privileged", "SELinuxOptions", "WindowsOptions", "RunAsUser", "RunAsGroup"),
    *("RunAsNonRoot", "ReadOnlyRootFilesystem", "AllowPrivilegeEscalation", "ProcMount"),
    *("SeccompProfile", "AppArmorProfile"),
)


def validate_security_context(context: Object, path: str) -> Errors:
    """Of a container (ValidateSecurityContext)."""
    yield from _ids(context, ("runAsUser", "runAsGroup"), path)
    if context.get("allowPrivilegeEscalation") is False:
        never = "cannot set `allowPrivilegeEscalation` to false and"
        shown = {
            name: context.get("seLinuxOptions" if name[:2] == "SE" else name[0].lower() + name[1:])
            for name in _CONTEXT
        }
        if context.get("privileged"):
            yield invalid_value(path, shown, f"{never} `privileged` to true")
        added = (context.get("capabilities") or {}).get("add") or []
        if "CAP_SYS_ADMIN" in added:
            yield invalid_value(path, shown, f"{never} `capabilities.Add` CAP_SYS_ADMIN")


def validate_pod_security_context(context: Object, path: str) -> Errors:
    yield from _ids(context, ("fsGroup", "runAsUser", "runAsGroup"), path)
    for index, group in enumerate(context.get("supplementalGroups") or []):
        if not 0 <= group < 2**31:
            yield invalid_value(f"{path}.supplementalGroups[{index}]", group, _USER_IDS)


def _ids(context: Object, fields: tuple[str, ...], path: str) -> Errors:
    for name in fields:
        value = context.get(name)
        if value is not None and not 0 <= value < 2**31:
            yield invalid_value(f"{path}.{name}", value, _USER_IDS)


def validate_spreading(constraints: list[Object], path: str) -> Errors:
    """validateTopologySpreadConstraints."""
    actions = ("DoNotSchedule", "ScheduleAnyway")
    for index, constraint in enumerate(constraints):
        where = f"{path}[{index}]"
        skew, key = constraint.get("maxSkew", 0), constraint.get("topologyKey", "")
        action = constraint.get("whenUnsatisfiable", "")
        if skew <= 0:
            yield invalid_value(f"{where}.maxSkew", skew, "must be greater than zero")
        if not key:
            yield required(f"{where}.topologyKey", "can not be empty")
        for problem in names.qualified(key) if key else ():
            yield invalid_value(f"{where}.topologyKey", key, problem)
        if action not in actions:
            yield not_supported(f"{where}.whenUnsatisfiable", action, actions)
        for other in constraints[index + 1 :]:
            if (other.get("topologyKey"), other.get("whenUnsatisfiable")) == (key, action):
                both = f"{where}.{{topologyKey, whenUnsatisfiable}}"
                yield duplicate(both, f"{{{key}, {action}}}")
                break


def validate_tolerations(tolerations: list[Object], path: str) -> Errors:
    """ValidateTolerations."""
    for index, toleration in enumerate(tolerations):
        where = f"{path}[{index}]"
        key, effect = toleration.get("key", ""), toleration.get("effect", "")
        operator = toleration.get("operator", "")
        for problem in names.qualified(key) if key else ():
            yield invalid_value(f"{where}.key", key, problem)
        if not key and operator != "Exists":
            text = (
                'operator must be Exists when `key` is empty, which means "match all values and '
                'all keys"'
            )
            yield invalid_value(f"{where}.operator", operator, text)
        if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
            text = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            yield invalid_value(f"{where}.effect", effect, text)
        yield from _operator(toleration, operator, f"{where}.operator")
        effects = ("NoSchedule", "PreferNoSchedule", "NoExecute")
        if effect and effect not in effects:
            yield not_supported(f"{where}.effect", effect, effects)


def _operator(toleration: Object, operator: str, path: str) -> Errors:
    value: Any = toleration.get("value", "")
    if operator in ("Equal", ""):
        problems = names.label_value(value)
        if problems:
            yield invalid_value(path, value, ";".join(problems))
    elif operator != "Exists":
        yield not_supported(path, operator, ("Equal", "Exists"))
    elif value:
        shown = {
            "Key": toleration.get("key", ""),
            "Operator": operator,
            "Value": value,
            "Effect": toleration.get("effect", ""),
            "TolerationSeconds": toleration.get("tolerationSeconds"),
        }
        yield invalid_value(path, shown, "value must be empty when `operator` is 'Exists'")

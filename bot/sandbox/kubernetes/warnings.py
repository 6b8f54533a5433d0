"""Warnings about pod specs that are valid and probably not meant, as headers of the answer.

Follows pkg/api/pod/warnings.go for what people trip over: names that hide one another, fractions of
bytes, times that are none, selectors that match nothing.
"""

from __future__ import annotations

from bot.sandbox.kubernetes import quantities
from bot.sandbox.kubernetes.resources import Kind
from bot.sandbox.kubernetes.stored import Object

_WORKLOADS = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job")


def about(kind: Kind, obj: Object) -> list[str]:
    """Of a pod, or of the template of a workload."""
    spec = obj.get("spec") or {}
    if kind.kind == "Pod":
        return _pod_spec(spec, "spec")
    if kind.kind in _WORKLOADS:
        return _pod_spec((spec.get("template") or {}).get("spec") or {}, "spec.template.spec")
    return []


def _pod_spec(spec: Object, path: str) -> list[str]:
    found: list[str] = []
    for index, constraint in enumerate(spec.get("topologySpreadConstraints") or []):
        if constraint.get("labelSelector") is None:
            where = f"{path}.topologySpreadConstraints[{index}].labelSelector"
            found.append(f"{where}: a null labelSelector results in matching no pod")
    found.extend(_pull_secrets(spec.get("imagePullSecrets") or [], f"{path}.imagePullSecrets"))
    for part in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(part) or []):
            where = f"{path}.{part}[{index}]"
            found.extend(_fractions(container.get("resources") or {}, f"{where}.resources"))
            found.extend(_hidden_variables(container, f"{where}.env"))
    grace = spec.get("terminationGracePeriodSeconds")
    if grace is not None and grace < 0:
        found.append(
            f"{path}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and "
            "will be treated as 1"
        )
    return found


def _pull_secrets(secrets: list[Object], path: str) -> list[str]:
    return [
        f'{path}[{index}].name: invalid empty name ""'
        for index, secret in enumerate(secrets)
        if not secret.get("name")
    ]


def _fractions(resources: Object, path: str) -> list[str]:
    return [
        f'{path}.{part}[{name}]: fractional byte value "{value}" is invalid, must be an integer'
        for part in ("limits", "requests")
        for name in ("memory", "ephemeral-storage")
        if (value := (resources.get(part) or {}).get(name)) is not None
        and (quantities.parse(value) * 1000) % 1000
    ]


def _hidden_variables(container: Object, path: str) -> list[str]:
    """Of two variables with one name the last counts, unless it is built from the first."""
    values: dict[str, str] = {}
    found: list[str] = []
    for index, variable in enumerate(container.get("env") or []):
        name, value = variable.get("name", ""), variable.get("value", "")
        if name in values and f"$({name})" not in value:
            found.append(
                f'{path}[{index}]: hides previous definition of "{name}", which may be dropped '
                "when using apply"
            )
        values[name] = value
    return found

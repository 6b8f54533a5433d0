"""Warnings about pod specs that are valid and probably not meant, as headers of the answer.

Follows pkg/api/pod/warnings.go for what people trip over: names that hide one another.
"""

from __future__ import annotations

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
    for part in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(part) or []):
            found.extend(_hidden_variables(container, f"{path}.{part}[{index}].env"))
    return found


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

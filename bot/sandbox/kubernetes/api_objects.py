"""What every controller needs of API objects: quantities, selectors, owners, conditions, hashes.

Pure functions over plain JSON. The rules are those of k8s.io/apimachinery and pkg/controller.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bot.sandbox.kubernetes import quantities

Object = dict[str, Any]

_SAFE_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


def quantity(text: object) -> Decimal:
    """A resource quantity such as "250m", "512Mi" or 2 as a number; 0 for what is none."""
    try:
        return quantities.parse(str(text))
    except quantities.QuantityError:
        return Decimal(0)


def scaled(value: int | str | None, total: int, *, round_up: bool) -> int:
    """An int-or-percent of a total (intstr.GetScaledValueFromIntOrPercent)."""
    if value is None:
        return 0
    if isinstance(value, str) and value.endswith("%"):
        share = int(value[:-1]) * total / 100
        return math.ceil(share) if round_up else math.floor(share)
    return int(value)


def instant(text: str) -> datetime:
    """A metav1.Time or MicroTime."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def labels_of(obj: Mapping[str, Any]) -> dict[str, str]:
    return dict(obj.get("metadata", {}).get("labels") or {})


def annotations_of(obj: Mapping[str, Any]) -> dict[str, str]:
    return dict(obj.get("metadata", {}).get("annotations") or {})


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Does a LabelSelector select these labels? An empty or missing one selects nothing here."""
    if not selector:
        return False
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    return all(_expression(each, labels) for each in selector.get("matchExpressions") or ())


def _expression(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, operator = expression["key"], expression["operator"]
    values = expression.get("values") or ()
    if operator == "In":
        return labels.get(key) in values
    if operator == "NotIn":
        return labels.get(key) not in values
    if operator == "Exists":
        return key in labels
    return operator == "DoesNotExist" and key not in labels


def controller_of(obj: Mapping[str, Any]) -> Object | None:
    """The owner reference that controls the object."""
    for reference in obj.get("metadata", {}).get("ownerReferences") or ():
        if reference.get("controller"):
            return dict(reference)
    return None


def owner_reference(owner: Mapping[str, Any], api_version: str, kind: str) -> Object:
    return {
        "apiVersion": api_version,
        "kind": kind,
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def condition_of(obj_status: Mapping[str, Any], kind: str) -> Object | None:
    for condition in obj_status.get("conditions") or ():
        if condition["type"] == kind:
            return dict(condition)
    return None


def without_zeros(counts: Mapping[str, int], keep: Iterable[str] = ()) -> dict[str, int]:
    """Counters as the API writes them: those that are 0 are left out, but for pointers (`keep`)."""
    kept = frozenset(keep)
    return {name: count for name, count in counts.items() if count or name in kept}


def is_active(pod: Mapping[str, Any]) -> bool:
    """A pod that counts as a replica: neither ended nor on its way out (IsPodActive)."""
    return not is_over(pod) and "deletionTimestamp" not in pod["metadata"]


def is_over(pod: Mapping[str, Any]) -> bool:
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


def ready_since(pod: Mapping[str, Any]) -> str | None:
    """Since when the pod is ready; None while it is not."""
    condition = condition_of(pod.get("status", {}), "Ready")
    if condition is None or condition["status"] != "True":
        return None
    return str(condition.get("lastTransitionTime") or pod["metadata"]["creationTimestamp"])


def requests_of(pod_spec: Mapping[str, Any]) -> dict[str, Decimal]:
    """What the pod asks of its node: the sum of its containers, or its largest init container."""
    total: dict[str, Decimal] = {}
    for container in pod_spec.get("containers") or ():
        for name, amount in _container_requests(container).items():
            total[name] = total.get(name, Decimal(0)) + amount
    for container in pod_spec.get("initContainers") or ():
        for name, amount in _container_requests(container).items():
            total[name] = max(total.get(name, Decimal(0)), amount)
    return total


def _container_requests(container: Mapping[str, Any]) -> dict[str, Decimal]:
    resources = container.get("resources") or {}
    asked = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
    return {name: quantity(amount) for name, amount in asked.items()}


def template_hash(template: Mapping[str, Any], collisions: int = 0) -> str:
    """pod-template-hash: FNV-1 of the template, spelt in letters that form no words.

    The real one hashes Go's own dump of the struct; ours the canonical JSON. The spelling
    (SafeEncodeString of the decimal digits) and the width are the real ones.
    """
    value = 2166136261
    text = json.dumps(template, sort_keys=True, separators=(",", ":"))
    if collisions:
        text += str(collisions)
    for byte in text.encode():
        value = ((value * 16777619) & 0xFFFFFFFF) ^ byte
    return safe_encode(str(value))


def safe_encode(text: str) -> str:
    """SafeEncodeString of apimachinery/pkg/util/rand: each byte modulo 27."""
    return "".join(_SAFE_LETTERS[ord(letter) % len(_SAFE_LETTERS)] for letter in text)

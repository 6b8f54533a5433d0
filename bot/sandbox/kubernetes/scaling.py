"""The scale subresource: a workload's Scale, what a body or patch makes of it, and its replicas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.sandbox.kubernetes import (
    managed_fields,
    object_bodies,
    patches,
    scale_ownership,
    statuses,
)
from bot.sandbox.kubernetes.managed_fields import Entries
from bot.sandbox.kubernetes.options import WriteOptions
from bot.sandbox.kubernetes.pod_validation import NOT_NEGATIVE
from bot.sandbox.kubernetes.resources import Kind
from bot.sandbox.kubernetes.selectors import selector_text
from bot.sandbox.kubernetes.stored import Object

SCALE = Kind("autoscaling", "v1", "scales", "Scale")
Change = Callable[[Object], tuple[Object, Entries]]
"""From the Scale that is there, with its managers, to the wanted one and its managers."""


def scale_of(obj: Object) -> Object:
    """The Scale of a workload."""
    meta = obj["metadata"]
    shown = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    scale: Object = {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {word: meta[word] for word in shown if word in meta},
        "spec": {},
        "status": {"replicas": status.get("replicas", 0)},
    }
    if spec.get("replicas"):
        scale["spec"]["replicas"] = spec["replicas"]
    selector = selector_text(spec.get("selector"))
    if selector:
        scale["status"]["selector"] = selector
    return scale


def replaced(raw: Any, options: WriteOptions) -> Change:
    """A PUT's Scale takes the place of the one that is there."""
    scale = object_bodies.decoded(SCALE, raw, options)
    return lambda before: (
        scale,
        scale_ownership.after_write(before, scale, options.manager),
    )


def patched(content_type: str, body: bytes, options: WriteOptions) -> Change:
    """What a patch of any of the four kinds makes of a Scale."""

    def change(before: Object) -> tuple[Object, Entries]:
        if content_type != patches.APPLY:
            scale = object_bodies.patched(SCALE, before, content_type, body, options)
            return scale, scale_ownership.after_write(before, scale, options.manager)
        config, _ = object_bodies.applied(body, options)
        merged = scale_ownership.applied(
            SCALE, before, config, options.manager, force=options.force
        )
        return object_bodies.decoded_apply(SCALE, merged), managed_fields.read(merged)

    return change


def replicas_of(scale: Object, name: str) -> int:
    """Raises ApiError 422 for less than none."""
    replicas: int = (scale.get("spec") or {}).get("replicas", 0)
    if replicas < 0:
        problem = statuses.invalid_value("spec.replicas", replicas, NOT_NEGATIVE)
        raise statuses.invalid_kind("Scale.autoscaling", "autoscaling", "Scale", name, [problem])
    return replicas

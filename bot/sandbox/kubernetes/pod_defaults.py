"""A pod as the API server would store it, made of a ReplicaSet's template; and its graceful end."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from bot.sandbox.kubernetes.api_objects import annotations_of, is_over, labels_of
from bot.sandbox.kubernetes.defaults import admit_pod, apply_defaults, prepare_create
from bot.sandbox.kubernetes.resources import Kind, find
from bot.sandbox.kubernetes.storage import Storage
from bot.sandbox.kubernetes.stored import NotFound, copy_json

Object = dict[str, Any]
_DEFAULT_GRACE = 30  # seconds


def pod_from_template(parent: Object, owner: Object, dice: random.Random) -> Object:
    """A new pod of a ReplicaSet, with the API server's defaults, without a name yet."""
    meta, template = parent["metadata"], parent["spec"]["template"]
    new_meta: Object = {
        "generateName": f"{meta['name']}-",
        "namespace": meta["namespace"],
        "labels": labels_of(template),
        "ownerReferences": [owner],
    }
    annotations = annotations_of(template)
    if annotations:
        new_meta["annotations"] = annotations
    pod: Object = {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": new_meta,
        "spec": copy_json(template["spec"]),
    }
    kind = _pods()
    admit_pod(pod["spec"], dice)
    apply_defaults(kind, pod)
    prepare_create(kind, pod)
    return pod


def _pods() -> Kind:
    kind = find("", "v1", "pods")
    if kind is None:
        raise LookupError("the sandbox serves no pods")
    return kind


def delete_gracefully(storage: Storage, pod: Object, *, manager: str | None = None) -> None:
    """Mark a pod for deletion; its kubelet takes it down. One that runs nowhere goes at once."""
    meta = pod["metadata"]
    namespace, name = meta["namespace"], meta["name"]
    stored = storage.get("pods", namespace, name)
    if stored is None or "deletionTimestamp" in stored["metadata"]:
        return
    grace = int(stored["spec"].get("terminationGracePeriodSeconds", _DEFAULT_GRACE))
    grace = grace if grace >= 0 else 1
    if not stored["spec"].get("nodeName") or is_over(stored) or grace == 0:
        storage.delete("pods", namespace, name)
        return
    due = storage.clock.now() + timedelta(seconds=grace)
    stored["metadata"]["deletionTimestamp"] = due.strftime("%Y-%m-%dT%H:%M:%SZ")
    stored["metadata"]["deletionGracePeriodSeconds"] = grace
    try:
        storage.update("pods", stored, manager=manager)
    except NotFound:
        return

"""A pod as the API server would store it: what a template leaves open, filled in; and its end.

The ReplicaSet controller makes pods with this; fields and order are those of the recordings.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from bot.sandbox.kubernetes.api_objects import (
    annotations_of,
    is_over,
    labels_of,
    qos_class,
)
from bot.sandbox.kubernetes.api_objects import safe_encode as letters
from bot.sandbox.kubernetes.storage import NotFound, Storage, copy_json

Object = dict[str, Any]
_TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a path
_DEFAULT_GRACE = 30  # seconds


def pod_from_template(parent: Object, owner: Object) -> Object:
    """A new pod of a ReplicaSet, without a name yet."""
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
    spec = with_defaults(copy_json(template["spec"]), seed=f"{meta['name']}{meta['uid']}")
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": new_meta,
        "spec": spec,
        "status": {"phase": "Pending", "qosClass": qos_class(spec)},
    }


def with_defaults(spec: Object, seed: str) -> Object:
    """The service account's token, tolerations, priority, and requests where only limits are set."""
    volume = f"kube-api-access-{letters(hashlib.sha256(seed.encode()).hexdigest()[:5])}"
    for container in [*spec.get("containers", []), *spec.get("initContainers", [])]:
        resources = container.setdefault("resources", {})
        if resources.get("limits"):
            resources["requests"] = {**resources["limits"], **(resources.get("requests") or {})}
        mounts = container.setdefault("volumeMounts", [])
        if not any(each.get("mountPath") == _TOKEN_PATH for each in mounts):
            mounts.append({"name": volume, "readOnly": True, "mountPath": _TOKEN_PATH})
    spec.setdefault("volumes", []).append(_token_volume(volume))
    account = spec.get("serviceAccountName") or "default"
    spec["serviceAccountName"] = spec["serviceAccount"] = account
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", _DEFAULT_GRACE)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("securityContext", {})
    spec.setdefault("schedulerName", "default-scheduler")
    tolerations = spec.setdefault("tolerations", [])
    for key in ("not-ready", "unreachable"):
        tolerations.append(
            {
                "key": f"node.kubernetes.io/{key}",
                "operator": "Exists",
                "effect": "NoExecute",
                "tolerationSeconds": 300,
            }
        )
    spec.setdefault("priority", 0)
    spec.setdefault("enableServiceLinks", True)
    spec.setdefault("preemptionPolicy", "PreemptLowerPriority")
    return spec


def _token_volume(name: str) -> Object:
    token = {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}
    ca = {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}}
    reference = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    namespace = {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": reference}]}}
    return {
        "name": name,
        "projected": {"sources": [token, ca, namespace], "defaultMode": 420},
    }


def delete_gracefully(storage: Storage, pod: Object, *, manager: str | None = None) -> None:
    """Mark a pod for deletion; its kubelet takes it down. One that runs nowhere goes at once."""
    meta = pod["metadata"]
    namespace, name = meta["namespace"], meta["name"]
    stored = storage.get("pods", namespace, name)
    if stored is None or "deletionTimestamp" in stored["metadata"]:
        return
    grace = int(stored["spec"].get("terminationGracePeriodSeconds", _DEFAULT_GRACE))
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

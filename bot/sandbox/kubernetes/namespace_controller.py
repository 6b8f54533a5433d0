"""What every namespace has: the account `default` and the cluster's certificate.

The service accounts controller and the root CA publisher of kube-controller-manager make them soon
after a namespace, and again where somebody deletes them.
"""

from __future__ import annotations

from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes.storage import Storage
from bot.sandbox.kubernetes.stored import Object, StorageError, WatchEvent
from bot.sandbox.kubernetes.work_queue import Key, WorkQueue

MANAGER = "kube-controller-manager"
_LATENCY = 0.01
_DESCRIPTION = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal "
    "endpoints such as the internal service IP or kubernetes.default.svc. No other usage is "
    "guaranteed across distributions of Kubernetes clusters."
)


class NamespaceController:
    """Furnishes namespaces that are made from now on."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._queue = WorkQueue(clock, self._furnish, latency=_LATENCY)
        self._stops = [
            storage.subscribe("namespaces", self._namespace_changed),
            *(storage.subscribe(resource, self._lost) for resource, _ in furniture("")),
        ]

    def stop(self) -> None:
        for stop in self._stops:
            stop()
        self._queue.stop()

    def _namespace_changed(self, event: WatchEvent) -> None:
        key = ("", event.stored.view["metadata"]["name"])
        if event.type == "ADDED":
            self._queue.add(key)
        elif event.type == "DELETED":
            self._queue.forget(key)

    def _lost(self, event: WatchEvent) -> None:
        meta = event.stored.view["metadata"]
        if event.type == "DELETED" and meta["name"] in ("default", "kube-root-ca.crt"):
            self._queue.add(("", meta["namespace"]))

    def _furnish(self, key: Key) -> None:
        found = self._storage.stored("namespaces", None, key[1])
        if found is None or "deletionTimestamp" in found.view["metadata"]:
            return
        for resource, body in furniture(key[1]):
            if self._storage.stored(resource, key[1], body["metadata"]["name"]) is not None:
                continue
            try:
                self._storage.create(resource, body, manager=MANAGER)
            except StorageError:
                continue  # somebody was quicker


def furniture(namespace: str) -> list[tuple[str, Object]]:
    """By resource, what stands in every namespace."""
    account: Object = {
        "kind": "ServiceAccount",
        "apiVersion": "v1",
        "metadata": {"name": "default", "namespace": namespace},
    }
    certificate: Object = {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {
            "name": "kube-root-ca.crt",
            "namespace": namespace,
            "annotations": {"kubernetes.io/description": _DESCRIPTION},
        },
        "data": {"ca.crt": "-----BEGIN CERTIFICATE-----\nc2FuZGJveA==\n"},
    }
    return [("serviceaccounts", account), ("configmaps", certificate)]

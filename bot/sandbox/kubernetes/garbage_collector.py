"""What belongs to something that is gone goes too: dependents of owners, contents of namespaces.

Owner references are followed in the background, as the real collector does by default. A namespace
under deletion is emptied, and goes when nothing is left in it. The API server marks; this removes.
"""

from __future__ import annotations

from typing import Any

from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes.pod_defaults import delete_gracefully
from bot.sandbox.kubernetes.storage import NotFound, Storage, WatchEvent
from bot.sandbox.kubernetes.work_queue import Key, WorkQueue

Object = dict[str, Any]
_LATENCY = 0.02
_OWNERS = ("deployments.apps", "replicasets.apps", "statefulsets.apps", "daemonsets.apps")
_DEPENDENTS = ("replicasets.apps", "pods")


class GarbageCollector:
    """Listens to deletions of owners and of namespaces."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._gone = WorkQueue(clock, self._collect, latency=_LATENCY)
        self._emptying = WorkQueue(clock, self._empty, latency=_LATENCY)
        self._stops = [storage.subscribe(resource, self._owner_changed) for resource in _OWNERS]
        self._stops.append(storage.subscribe("namespaces", self._namespace_changed))
        self._stops.append(storage.subscribe("pods", self._pod_changed))

    def stop(self) -> None:
        for stop in self._stops:
            stop()
        self._gone.stop()
        self._emptying.stop()

    def _owner_changed(self, event: WatchEvent) -> None:
        meta = event.stored.view["metadata"]
        if event.type == "DELETED" or (
            "foregroundDeletion" in (meta.get("finalizers") or ()) and ("deletionTimestamp" in meta)
        ):
            self._gone.add((meta.get("namespace") or "", meta["uid"]))

    def _namespace_changed(self, event: WatchEvent) -> None:
        meta = event.stored.view["metadata"]
        if event.type != "DELETED" and "deletionTimestamp" in meta:
            self._emptying.add(("", meta["name"]))

    def _pod_changed(self, event: WatchEvent) -> None:
        if event.type != "DELETED":
            return
        meta = event.stored.view["metadata"]
        namespace = self._storage.stored("namespaces", None, meta["namespace"])
        if namespace is not None and "deletionTimestamp" in namespace.view["metadata"]:
            self._emptying.add(("", meta["namespace"]))
        for owner in meta.get("ownerReferences") or ():
            found = self._storage.stored("replicasets.apps", meta["namespace"], owner["name"])
            if found is not None and "deletionTimestamp" in found.view["metadata"]:
                self._gone.add((meta["namespace"], owner["uid"]))

    def _collect(self, key: Key) -> None:
        """Delete what the owner owned; a foreground owner goes when its dependents are gone."""
        namespace, uid = key
        left = False
        for resource in _DEPENDENTS:
            for view in [*self._storage.views(resource, namespace)]:
                owners = view["metadata"].get("ownerReferences") or ()
                if not any(owner["uid"] == uid for owner in owners):
                    continue
                left = True
                self._delete(resource, view)
        if not left:
            self._release(namespace, uid)

    def _release(self, namespace: str, uid: str) -> None:
        for resource in _OWNERS:
            for view in [*self._storage.views(resource, namespace)]:
                meta = view["metadata"]
                if meta["uid"] == uid and "foregroundDeletion" in (meta.get("finalizers") or ()):
                    released = self._storage.get(resource, namespace, meta["name"])
                    if released is None:
                        continue
                    released["metadata"]["finalizers"] = [
                        each for each in meta["finalizers"] if each != "foregroundDeletion"
                    ]
                    self._storage.update(resource, released)
                    self._collect_owners_of(view)

    def _collect_owners_of(self, view: Object) -> None:
        """An owner above may have waited for this one."""
        namespace = view["metadata"].get("namespace") or ""
        for owner in view["metadata"].get("ownerReferences") or ():
            self._gone.add((namespace, owner["uid"]))

    def _delete(self, resource: str, view: Object) -> None:
        meta = view["metadata"]
        if resource == "pods":
            delete_gracefully(self._storage, view)
        else:
            self._storage.delete(resource, meta.get("namespace"), meta["name"])

    def _empty(self, key: Key) -> None:
        """Empty a namespace; it goes with its last pod."""
        namespace = key[1]
        left = False
        for resource in self._storage.resources():
            if resource in ("namespaces", "events"):
                continue
            for view in [*self._storage.views(resource, namespace)]:
                left = left or resource == "pods"
                self._delete(resource, view)
        if left:
            return
        for view in [*self._storage.views("events", namespace)]:
            self._storage.delete("events", namespace, view["metadata"]["name"])
        stored = self._storage.get("namespaces", None, namespace)
        if stored is not None:
            stored["metadata"].pop("finalizers", None)
            stored.get("spec", {}).pop("finalizers", None)
            try:
                self._storage.update("namespaces", stored)
            except NotFound:
                return
            self._storage.delete("namespaces", None, namespace)

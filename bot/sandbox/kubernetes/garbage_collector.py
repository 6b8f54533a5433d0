"""What belongs to something that is gone goes too: dependents of owners, contents of namespaces.

Owner references are followed in the background, as the real collector does by default. A namespace
under deletion is emptied, and goes when nothing is left in it. The API server marks; this removes.
"""

from __future__ import annotations

from typing import Any

from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes.pod_defaults import delete_gracefully
from bot.sandbox.kubernetes.storage import Storage
from bot.sandbox.kubernetes.stored import NotFound, WatchEvent
from bot.sandbox.kubernetes.work_queue import Key, WorkQueue

Object = dict[str, Any]
_LATENCY = 0.02
_OWNERS = ("deployments.apps", "replicasets.apps", "statefulsets.apps", "daemonsets.apps")
_DEPENDENTS = ("replicasets.apps", "pods")
_FOREGROUND = "foregroundDeletion"


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
        namespace = meta.get("namespace") or ""
        if event.type == "DELETED":
            self._gone.add((namespace, meta["uid"]))
            for owner in meta.get("ownerReferences") or ():
                self._gone.add((namespace, owner["uid"]))  # it may have waited for this one
        elif _waits_for_dependents(meta):
            self._gone.add((namespace, meta["uid"]))

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
            if found is not None and _waits_for_dependents(found.view["metadata"]):
                self._gone.add((meta["namespace"], owner["uid"]))

    def _collect(self, key: Key) -> None:
        """Delete what the owner owned; an owner that waits for it goes when all is gone."""
        namespace, uid = key
        owner = self._find(namespace, uid)
        if owner is not None and not _waits_for_dependents(owner[1]["metadata"]):
            return
        left = False
        for resource in _DEPENDENTS:
            for view in [*self._storage.views(resource, namespace)]:
                owners = view["metadata"].get("ownerReferences") or ()
                if any(each["uid"] == uid for each in owners):
                    left = True
                    self._delete(resource, view, waited_for=owner is not None)
        if owner is not None and not left:
            self._release(*owner)

    def _find(self, namespace: str, uid: str) -> tuple[str, Object] | None:
        for resource in _OWNERS:
            for view in self._storage.views(resource, namespace):
                if view["metadata"]["uid"] == uid:
                    return resource, view
        return None

    def _release(self, resource: str, view: Object) -> None:
        meta = view["metadata"]
        released = self._storage.get(resource, meta["namespace"], meta["name"])
        if released is not None:
            left = [each for each in meta["finalizers"] if each != _FOREGROUND]
            released["metadata"]["finalizers"] = left
            self._storage.update(resource, released)

    def _delete(self, resource: str, view: Object, *, waited_for: bool) -> None:
        """A dependent that somebody waits for waits for its own dependents too."""
        meta = view["metadata"]
        if resource == "pods":
            delete_gracefully(self._storage, view)
        elif not waited_for:
            self._storage.delete(resource, meta.get("namespace"), meta["name"])
        elif "deletionTimestamp" not in meta:
            marked = self._storage.get(resource, meta["namespace"], meta["name"])
            if marked is not None:
                marked["metadata"]["deletionTimestamp"] = self._storage.timestamp()
                marked["metadata"]["deletionGracePeriodSeconds"] = 0
                marked["metadata"]["finalizers"] = [*(meta.get("finalizers") or ()), _FOREGROUND]
                self._storage.update(resource, marked)

    def _empty(self, key: Key) -> None:
        """Empty a namespace; it goes with its last pod."""
        namespace = key[1]
        left = False
        for resource in self._storage.resources():
            if resource in ("namespaces", "events"):
                continue
            for view in [*self._storage.views(resource, namespace)]:
                left = left or resource == "pods"
                self._delete(resource, view, waited_for=False)
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


def _waits_for_dependents(meta: Object) -> bool:
    """Deleted in the foreground: it goes after all that it owns."""
    return "deletionTimestamp" in meta and _FOREGROUND in (meta.get("finalizers") or ())

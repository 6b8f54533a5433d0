"""The etcd of the sandbox: objects, one growing resourceVersion, and a history for watches.

The API server (`server.py`) reads and writes here on behalf of clients; the controllers, the
scheduler and the kubelet read and write here directly. Nothing is shared by reference: what comes
in is copied, and what goes out is a fresh copy, except for `Stored.view`, which is there for those
who only look (selectors over a thousand pods). Objects are encoded once per version; lists and
watches send those bytes.

Rules kept here, because controllers rely on them as much as clients do: a write that changes
nothing bumps nothing; `generation` grows when the spec changes (a Deployment's also with its
annotations, and any with its deletion); an object under deletion goes with its last finalizer.
"""

from __future__ import annotations

import random
import uuid
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator

import orjson

from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes.stored import (
    AlreadyExists,
    Conflict,
    EventType,
    Key,
    NotFound,
    Object,
    StorageError,
    Stored,
    WatchEvent,
    freeze,
)

_NAME_LETTERS = (
    "bcdfghjklmnpqrstvwxz2456789"  # k8s.io/apimachinery/pkg/util/rand: no vowels, no 0 1 3
)
_LONGEST_GENERATED_BASE = 63 - 5

# What makes `generation` grow; kinds that are not listed have none (strategies in pkg/registry).
_GENERATION_OF: dict[str, tuple[str, ...]] = {
    "deployments.apps": ("spec", "annotations"),
    "replicasets.apps": ("spec",),
    "statefulsets.apps": ("spec",),
    "daemonsets.apps": ("spec",),
    "jobs.batch": ("spec",),
    "cronjobs.batch": ("spec",),
    "pods": ("spec",),
    "poddisruptionbudgets.policy": ("spec",),
    "ingresses.networking.k8s.io": ("spec",),
    "networkpolicies.networking.k8s.io": ("spec",),
    "ingressclasses.networking.k8s.io": ("spec",),
    "replicationcontrollers": ("spec",),
}


Objects = list[Object]  # `Storage.list` hides the builtin inside the class
Found = list[Stored]
Names = list[str]
Events = list[WatchEvent]
FieldTracker = Callable[[str, Object | None, Object, str, str], None]
"""`(resource, old, new, manager, subresource)` writes `new`'s managedFields; set by the server."""


class Storage:
    """Objects by (resource, namespace, name); resource is "pods", "deployments.apps", …"""

    def __init__(
        self,
        clock: Clock,
        *,
        revision: int = 20_000,
        history: int = 10_000,
        dice: random.Random | None = None,
    ) -> None:
        self.clock = clock
        self.revision = revision
        # A watch must start at this revision or later; the history before is gone. It reaches back
        # further than the first object, as in a cluster in which other things happened before.
        self.compacted = revision // 20
        self.field_tracker: FieldTracker | None = None
        self._objects: dict[str, dict[Key, Stored]] = {}
        self._latest: dict[str, int] = {}
        self._history: dict[str, deque[WatchEvent]] = {}
        self._order: deque[str] = deque()
        self._history_size = history
        self._subscribers: dict[str, list[Callable[[WatchEvent], None]]] = {}
        self._dice = dice or random.Random()

    # Reading

    def get(self, resource: str, namespace: str | None, name: str) -> Object | None:
        stored = self.stored(resource, namespace, name)
        return None if stored is None else stored.copy()

    def list(self, resource: str, namespace: str | None = None) -> Objects:
        """Copies of all objects, by namespace and name; `views` is the cheap way to look only."""
        return [stored.copy() for stored in self.stored_list(resource, namespace)]

    def views(self, resource: str, namespace: str | None = None) -> Iterator[Object]:
        """The stored objects themselves, in no promised order: look, never touch."""
        for (its_namespace, _), stored in [*self._objects.get(resource, {}).items()]:
            if namespace is None or its_namespace == namespace:
                yield stored.view

    def stored(self, resource: str, namespace: str | None, name: str) -> Stored | None:
        return self._objects.get(resource, {}).get((namespace or "", name))

    def stored_list(self, resource: str, namespace: str | None = None) -> Found:
        """Stored versions in the order of etcd's keys: by namespace, then name."""
        found = self._objects.get(resource, {})
        keys = sorted(key for key in found if namespace is None or key[0] == namespace)
        return [found[key] for key in keys]

    def resources(self) -> Names:
        """The resources that have or had objects."""
        return [*self._objects]

    # Writing

    def create(
        self,
        resource: str,
        obj: Object,
        *,
        manager: str | None = None,
        check: Callable[[Object], None] | None = None,
    ) -> Object:
        """Store a new object: uid, resourceVersion, creationTimestamp, generation, generated name.

        `manager` (such as "kube-controller-manager") is written into managedFields as the owner of
        the fields. `check` sees the object as it will be stored and may raise.
        Raises AlreadyExists.
        """
        new = _own(obj)
        meta = new["metadata"]
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = self._generated_name(resource, meta)
        name, namespace = str(meta.get("name", "")), str(meta.get("namespace") or "")
        if not name:
            raise StorageError(resource, "", "resource name may not be empty")
        if self.stored(resource, namespace, name) is not None:
            raise AlreadyExists(resource, name)
        meta["uid"] = meta.get("uid") or str(uuid.UUID(int=self._dice.getrandbits(128), version=4))
        meta["creationTimestamp"] = meta.get("creationTimestamp") or self.timestamp()
        if resource in _GENERATION_OF:
            meta["generation"] = 1
        else:
            meta.pop("generation", None)
        if manager is not None and self.field_tracker is not None:
            self.field_tracker(resource, None, new, manager, "")
        if check is not None:
            check(new)
        self._write("ADDED", resource, new, None)
        return new

    def update(
        self,
        resource: str,
        obj: Object,
        *,
        expect: str | None = None,
        manager: str | None = None,
        subresource: str = "",
    ) -> Object:
        """Store the whole object; returns it as stored. An unchanged object stays as it is.
        Raises NotFound, or Conflict when the stored resourceVersion is not `expect`.
        """
        meta = obj.get("metadata", {})
        name, namespace = str(meta.get("name", "")), str(meta.get("namespace") or "")
        old = self._expected(resource, namespace, name, expect)
        new = _own(obj)
        self._keep_identity(resource, old.view, new)
        if manager is not None and self.field_tracker is not None:
            self.field_tracker(resource, old.view, new, manager, subresource)
        if new == old.view:
            return new
        gone = _nothing_keeps(new["metadata"]) and not _nothing_keeps(old.view["metadata"])
        self._write("DELETED" if gone else "MODIFIED", resource, new, old)
        return new

    def update_status(
        self,
        resource: str,
        namespace: str | None,
        name: str,
        change: Callable[[Object], None],
        *,
        expect: str | None = None,
        manager: str | None = None,
    ) -> Stored:
        """Let `change` edit a draft: the status and the annotations in it are copies, and are
        stored as they are afterwards; all else is the stored object itself, to be looked at, and
        stays (as the status subresource has it). Never bumps generation. Raises NotFound, or
        Conflict when the stored resourceVersion is not `expect`.
        """
        old = self._expected(resource, namespace or "", name, expect)
        new = _draft(old)
        change(new)
        self._keep_all_but_status(old, new)
        if not _differ(new, old.view):
            return old
        if manager is not None and self.field_tracker is not None:
            self.field_tracker(resource, old.view, new, manager, "status")
        self.revision += 1
        new["metadata"]["resourceVersion"] = str(self.revision)
        return self._store("MODIFIED", resource, old.with_status(self.revision, new), old)

    @staticmethod
    def _keep_all_but_status(old: Stored, new: Object) -> None:
        """What a status write cannot reach is what is stored."""
        kept, noted = old.view, new["metadata"].get("annotations")
        new["metadata"] = {k: v for k, v in kept["metadata"].items() if k != "annotations"}
        if noted:
            new["metadata"]["annotations"] = dict(noted)
        if "spec" in kept:
            new["spec"] = kept["spec"]
        else:
            new.pop("spec", None)

    def delete(self, resource: str, namespace: str | None, name: str) -> Object | None:
        """Take the object out now, whatever finalizers it has; returns its last state."""
        old = self.stored(resource, namespace, name)
        if old is None:
            return None
        new = old.copy()
        self._write("DELETED", resource, new, old)
        return new

    def mark_deleted(self, resource: str, obj: Object) -> Object:
        """Store the object with its deletionTimestamp; somebody else will take it out."""
        meta = obj["metadata"]
        old = self._expected(resource, str(meta.get("namespace") or ""), meta["name"], None)
        new = _own(obj)
        self._keep_identity(resource, old.view, new)
        if new != old.view:
            self._write("MODIFIED", resource, new, old)
        return new

    def load(self, resource: str, obj: Object) -> None:
        """Put a recorded object in as it is, with uid, resourceVersion and times (for tests)."""
        new = _own(obj)
        meta = new["metadata"]
        old = self.stored(resource, meta.get("namespace"), meta["name"])
        wanted = int(meta.get("resourceVersion") or self.revision + 1)
        if wanted > self.revision:
            self.revision = wanted - 1
            self._write("ADDED" if old is None else "MODIFIED", resource, new, old)
        else:  # recorded earlier than others that are in already: its own number, no watch event
            self._place(resource, freeze(wanted, new))

    def kept(self) -> Object:
        """All objects, to be written down as JSON by orjson; without their history."""
        return {
            "revision": self.revision,
            "objects": {
                resource: [
                    [each.revision, dict(each.head), orjson.Fragment(each.body)]
                    for each in found.values()
                ]
                for resource, found in self._objects.items()
            },
        }

    def resume(self, kept: Object) -> None:
        """Go on from what `kept` gave; a watch from before is told that its history is gone."""
        for resource, found in kept["objects"].items():
            for revision, head, body in found:
                self._place(resource, freeze(revision, {**head, **body}))
                self._latest[resource] = max(self.latest(resource), revision)
        self.revision = kept["revision"]
        self.compact()

    def advance_revision(self, revision: int) -> None:
        """Something else was written: the next revision is above this one."""
        self.revision = max(self.revision, revision)

    # Watching

    def subscribe(
        self, resource: str, callback: Callable[[WatchEvent], None]
    ) -> Callable[[], None]:
        """Call back synchronously after each change of the resource; returns how to stop it."""
        callbacks = self._subscribers.setdefault(resource, [])
        callbacks.append(callback)

        def stop() -> None:
            if callback in callbacks:
                callbacks.remove(callback)

        return stop

    def events_since(self, resource: str, revision: int) -> Events | None:
        """The changes after a revision, oldest first; None when that history was compacted."""
        if revision < self.compacted:
            return None
        kept = self._history.get(resource, deque())
        if not kept or kept[-1].revision <= revision:
            return []
        events = [*kept]
        return events[bisect_right(events, revision, key=lambda event: event.revision) :]

    def latest(self, resource: str) -> int:
        """The revision of the newest change of the resource."""
        return self._latest.get(resource, 0)

    def compact(self, revision: int | None = None) -> None:
        """Forget the history up to a revision (default: all); watches from before get 410 Gone."""
        limit = self.revision if revision is None else revision
        self.compacted = max(self.compacted, limit)
        for kept in self._history.values():
            while kept and kept[0].revision <= limit:
                kept.popleft()
        self._order = deque(
            resource for resource, kept in self._history.items() for _ in range(len(kept))
        )

    def timestamp(self) -> str:
        """The virtual time as metav1.Time writes it."""
        return self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    # Inside

    def _expected(self, resource: str, namespace: str, name: str, expect: str | None) -> Stored:
        old = self.stored(resource, namespace, name)
        if old is None:
            raise NotFound(resource, name)
        if expect is not None and expect != str(old.revision):
            raise Conflict(resource, name)
        return old

    def _keep_identity(self, resource: str, old: Object, new: Object) -> None:
        """What an update cannot change, and the generation that follows from what it did change."""
        before, meta = old["metadata"], new["metadata"]
        for word in ("uid", "creationTimestamp", "resourceVersion", "generation"):
            if word in before:
                meta[word] = before[word]
            else:
                meta.pop(word, None)
        for word in ("apiVersion", "kind"):
            if word in old:
                new.setdefault(word, old[word])
        rule = _GENERATION_OF.get(resource)
        if rule is None or "generation" not in meta:
            return
        changed = new.get("spec") != old.get("spec")
        if "annotations" in rule:
            changed |= (meta.get("annotations") or {}) != (before.get("annotations") or {})
        changed |= "deletionTimestamp" in meta and "deletionTimestamp" not in before
        if changed:
            meta["generation"] = int(before.get("generation", 0)) + 1

    def _generated_name(self, resource: str, meta: Object) -> str:
        base = str(meta["generateName"])[:_LONGEST_GENERATED_BASE]
        for _ in range(8):
            name = base + "".join(self._dice.choices(_NAME_LETTERS, k=5))
            if self.stored(resource, meta.get("namespace"), name) is None:
                return name
        raise AlreadyExists(resource, name)

    def _write(self, kind: EventType, resource: str, new: Object, old: Stored | None) -> Stored:
        self.revision += 1
        new["metadata"]["resourceVersion"] = str(self.revision)
        return self._store(kind, resource, freeze(self.revision, new), old)

    def _store(self, kind: EventType, resource: str, stored: Stored, old: Stored | None) -> Stored:
        """Put the next version in the place of the old one, and tell those who listen."""
        if kind == "DELETED":
            self._objects[resource].pop(stored.key, None)
        else:
            self._place(resource, stored)
        self._latest[resource] = self.revision
        event = WatchEvent(kind, resource, stored, old)
        self._remember(event)
        for callback in [*self._subscribers.get(resource, ())]:
            callback(event)
        if old is not None:
            old.forget_view()
        return stored

    def _place(self, resource: str, stored: Stored) -> None:
        self._objects.setdefault(resource, {})[stored.key] = stored

    def _remember(self, event: WatchEvent) -> None:
        self._history.setdefault(event.resource, deque()).append(event)
        self._order.append(event.resource)
        if len(self._order) > self._history_size:
            oldest = self._history[self._order.popleft()].popleft()
            self.compacted = max(self.compacted, oldest.revision)


def _own(obj: Object) -> Object:
    """The caller's object with a metadata that may be written to."""
    return {**obj, "metadata": dict(obj.get("metadata") or {})}


def _draft(old: Stored) -> Object:
    """For a status write: its status and annotations are copies."""
    new: Object = dict(old.view)
    new["metadata"] = dict(new["metadata"])
    if "annotations" in new["metadata"]:
        new["metadata"]["annotations"] = dict(new["metadata"]["annotations"])
    if "status" in new:
        new["status"] = old.copy_of("status")
    return new


def _differ(new: Object, old: Object) -> bool:
    """Whether a status write changed anything of what it can reach."""
    if new["metadata"].get("annotations") != old["metadata"].get("annotations"):
        return True
    reached = (new.keys() | old.keys()) - {"metadata", "spec"}
    return any(word not in new or word not in old or new[word] != old[word] for word in reached)


def _nothing_keeps(meta: Object) -> bool:
    """Under deletion, without finalizers and without a grace period that a kubelet waits for."""
    return (
        "deletionTimestamp" in meta
        and not meta.get("finalizers")
        and not meta.get("deletionGracePeriodSeconds")
    )

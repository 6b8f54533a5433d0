"""How controllers wait: a queue of keys on the virtual clock, and a cache of what is stored.

A key is in the queue at most once, and is handled some milliseconds after it was added, as a real
controller is told by its watch. Nothing runs while nothing changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from bot.sandbox.clock import Clock, Handle
from bot.sandbox.kubernetes.api_objects import controller_of
from bot.sandbox.kubernetes.storage import Storage
from bot.sandbox.kubernetes.stored import WatchEvent

Object = dict[str, Any]
Key = tuple[str, str]
_FIRST_RETRY = 0.005  # seconds; doubled up to 1,000 s (workqueue.DefaultControllerRateLimiter)
_LONGEST_RETRY = 1000.0


class WorkQueue:
    """Keys that wait for a controller's attention. `handle` returns True to be called again."""

    def __init__(
        self, clock: Clock, handle: Callable[[Key], bool | None], *, latency: float
    ) -> None:
        self._clock = clock
        self._handle = handle
        self._latency = latency
        self._waiting: dict[Key, tuple[float, Handle]] = {}
        self._later: dict[Key, tuple[float, Handle]] = {}
        self._failures: dict[Key, int] = {}
        self._stopped = False

    def add(self, key: Key) -> None:
        """Handle the key soon."""
        if key not in self._waiting and not self._stopped:
            due = self._clock.monotonic() + self._latency
            timer = self._clock.call_later(self._latency, lambda: self._run(key))
            self._waiting[key] = (due, timer)

    def add_after(self, key: Key, seconds: float) -> None:
        """Handle the key again after virtual seconds, unless an earlier visit is due anyway."""
        due = self._clock.monotonic() + max(0.0, seconds)
        present = self._later.get(key)
        if self._stopped or (present is not None and present[0] <= due):
            return
        if present is not None:
            present[1].cancel()
        timer = self._clock.call_later(seconds, lambda: self._come_back(key))
        self._later[key] = (due, timer)

    def forget(self, key: Key) -> None:
        """The object is gone: no timer may outlive it."""
        for table in (self._waiting, self._later):
            entry = table.pop(key, None)
            if entry is not None:
                entry[1].cancel()
        self._failures.pop(key, None)

    def stop(self) -> None:
        self._stopped = True
        for key in [*self._waiting, *self._later]:
            self.forget(key)

    def _come_back(self, key: Key) -> None:
        self._later.pop(key, None)
        self.add(key)

    def _run(self, key: Key) -> None:
        self._waiting.pop(key, None)
        if not self._handle(key):
            self._failures.pop(key, None)
            return
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        self.add_after(key, min(_FIRST_RETRY * 2.0 ** min(failures, 30), _LONGEST_RETRY))


class Cache:
    """One resource as its watch tells it, by key and by controlling owner. Look, never touch."""

    def __init__(self, storage: Storage, resource: str) -> None:
        self.resource = resource
        self._objects: dict[Key, Object] = {}
        self._owned: dict[str, set[Key]] = {}
        self._by_namespace: dict[str, set[Key]] = {}
        self._listeners: list[Callable[[Object | None, Object | None], None]] = []
        for view in storage.views(resource):
            self._put(view)
        self.stop = storage.subscribe(resource, self._changed)

    def listen(self, listener: Callable[[Object | None, Object | None], None]) -> None:
        """`listener(old, new)` after each change; new is None when the object is gone."""
        self._listeners.append(listener)

    def get(self, key: Key) -> Object | None:
        return self._objects.get(key)

    def owned_by(self, uid: str) -> list[Object]:
        """What the owner controls; an empty uid finds the orphans."""
        return [self._objects[key] for key in sorted(self._owned.get(uid, ()))]

    def in_namespace(self, namespace: str) -> list[Object]:
        return [self._objects[key] for key in sorted(self._by_namespace.get(namespace, ()))]

    def all(self) -> Iterable[Object]:
        return [*self._objects.values()]

    def __len__(self) -> int:
        return len(self._objects)

    def _changed(self, event: WatchEvent) -> None:
        new = None if event.type == "DELETED" else event.stored.view
        old = event.previous.view if event.previous is not None else None
        if old is not None and new is not None and _same_owners(old, new):
            self._objects[event.stored.key] = new  # it stands in the same places as before
        else:
            if old is not None:
                self._drop(old)
            if new is not None:
                self._put(new)
        if new is None:
            old = event.stored.view
        for listener in self._listeners:
            listener(old, new)

    def _put(self, view: Object) -> None:
        key = key_of(view)
        self._objects[key] = view
        self._by_namespace.setdefault(key[0], set()).add(key)
        self._owned.setdefault(_owner(view), set()).add(key)

    def _drop(self, view: Object) -> None:
        key = key_of(view)
        self._objects.pop(key, None)
        self._discard(self._by_namespace, key[0], key)
        self._discard(self._owned, _owner(view), key)

    @staticmethod
    def _discard(index: dict[str, set[Key]], name: str, key: Key) -> None:
        keys = index.get(name)
        if keys is not None:
            keys.discard(key)
            if not keys:
                del index[name]


def _same_owners(one: Object, other: Object) -> bool:
    word = "ownerReferences"
    return bool(one["metadata"].get(word) == other["metadata"].get(word))


def _owner(view: Object) -> str:
    owner = controller_of(view)
    return "" if owner is None else str(owner["uid"])


def key_of(obj: Object) -> Key:
    meta = obj["metadata"]
    return (meta.get("namespace") or "", meta["name"])

"""Events as client-go's recorder writes them: repeated ones counted, similar combined, floods cut.

Rules of client-go/tools/record/events_cache.go: an identical event (source, object, type, reason,
message) bumps `count` and `lastTimestamp`; more than ten different messages of one kind within ten
minutes become "(combined from similar events)"; after a burst of 25 of one kind for one object only
one in five minutes is written (as in the recording of a probe that never passes).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes.api_objects import instant
from bot.sandbox.kubernetes.storage import Storage

Object = dict[str, Any]
_Key = tuple[str, ...]
_COMBINED = "(combined from similar events): "
_BURST = 25
_REFILL = 1 / 300  # tokens a second
_SIMILAR = 10
_SIMILAR_WITHIN = 600.0  # seconds
_LIVES = 3600.0  # seconds: kube-apiserver's --event-ttl


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


@dataclass(slots=True)
class _Similar:
    messages: set[str]
    since: float


@dataclass(slots=True)
class _Memory:
    """What was written about one object."""

    names: dict[_Key, str] = field(default_factory=dict)
    buckets: dict[_Key, _Bucket] = field(default_factory=dict)
    similar: dict[_Key, _Similar] = field(default_factory=dict)


def expire_all(storage: Storage, clock: Clock) -> None:
    """Each event that is there goes in its time, whoever wrote it."""
    for event in [*storage.views("events")]:
        _expire(storage, clock, event["metadata"]["namespace"], event["metadata"]["name"])


def _expire(storage: Storage, clock: Clock, namespace: str, name: str) -> None:
    event = storage.stored("events", namespace, name)
    if event is None:
        return
    last = event.view.get("lastTimestamp") or event.view["metadata"]["creationTimestamp"]
    left = _LIVES - (clock.now() - instant(last)).total_seconds()
    if left > 1:
        clock.call_later(left, partial(_expire, storage, clock, namespace, name))
    else:
        storage.delete("events", namespace, name)


class EventRecorder:
    """Writes events for one source: a component, and the host it runs on."""

    def __init__(self, storage: Storage, clock: Clock, component: str, host: str = "") -> None:
        self._storage = storage
        self._clock = clock
        self._component = component
        self._host = host
        self._memories: dict[str, _Memory] = {}
        self._count = 0

    def normal(self, about: Object, reason: str, message: str, field_path: str = "") -> None:
        self._record("Normal", about, reason, message, field_path)

    def warning(self, about: Object, reason: str, message: str, field_path: str = "") -> None:
        self._record("Warning", about, reason, message, field_path)

    def forget(self, uid: str) -> None:
        """An object is gone: what was counted for it need not be remembered."""
        self._memories.pop(uid, None)

    def schedule(self, about: Object, kind: str, reason: str, action: str, message: str) -> None:
        """An event of events.k8s.io, as the scheduler writes it: eventTime, no counters."""
        event = self._event(kind, about, reason, message, "")
        event.update(
            {
                "source": {},
                "firstTimestamp": None,
                "lastTimestamp": None,
                "eventTime": self._clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                "action": action,
                "reportingComponent": self._component,
                "reportingInstance": f"{self._component}-sandbox",
            }
        )
        del event["count"]
        self._create(event)

    def _record(self, kind: str, about: Object, reason: str, message: str, field_path: str) -> None:
        memory = self._memories.setdefault(about["metadata"].get("uid", ""), _Memory())
        group = (kind, reason, field_path)
        if not self._may_write(memory, group):
            return
        identity, message = self._combined(memory, group, message)
        name = memory.names.get(identity)
        if name is not None and self._bump(about, name, message):
            return
        event = self._event(kind, about, reason, message, field_path)
        memory.names[identity] = event["metadata"]["name"]
        self._create(event)

    def _may_write(self, memory: _Memory, group: _Key) -> bool:
        now = self._clock.monotonic()
        bucket = memory.buckets.setdefault(group, _Bucket(float(_BURST), now))
        bucket.tokens = min(float(_BURST), bucket.tokens + (now - bucket.at) * _REFILL)
        bucket.at = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

    def _combined(self, memory: _Memory, group: _Key, message: str) -> tuple[_Key, str]:
        """What identifies the event, and its message: one for all when there are many alike."""
        now = self._clock.monotonic()
        similar = memory.similar.get(group)
        if similar is None or now - similar.since > _SIMILAR_WITHIN:
            similar = memory.similar[group] = _Similar(set(), now)
        similar.messages.add(message)
        if len(similar.messages) < _SIMILAR:
            return (*group, message), message
        return (*group, _COMBINED), _COMBINED + message

    def _bump(self, about: Object, name: str, message: str) -> bool:
        """Count one more of a known event; False when it expired."""
        namespace = about["metadata"].get("namespace") or "default"
        event = self._storage.get("events", namespace, name)
        if event is None:
            return False
        event["count"] = int(event.get("count", 1)) + 1
        event["lastTimestamp"] = self._now()
        event["message"] = message
        self._storage.update("events", event)
        return True

    def _event(
        self, kind: str, about: Object, reason: str, message: str, field_path: str
    ) -> Object:
        meta = about["metadata"]
        self._count += 1
        stamp = int(self._clock.now().timestamp() * 1e9) + self._count
        involved = {
            "kind": about["kind"],
            "namespace": meta.get("namespace"),
            "name": meta["name"],
            "uid": meta.get("uid"),
            "apiVersion": about["apiVersion"],
            "resourceVersion": meta.get("resourceVersion"),
            "fieldPath": field_path,
        }
        source = {"component": self._component, "host": self._host}
        now = self._now()
        return {
            "kind": "Event",
            "apiVersion": "v1",
            "metadata": {
                "name": f"{meta['name']}.{stamp:x}",
                "namespace": meta.get("namespace") or "default",
            },
            "involvedObject": {name: value for name, value in involved.items() if value},
            "reason": reason,
            "message": message,
            "source": {name: value for name, value in source.items() if value},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
            "type": kind,
            "eventTime": None,
            "reportingComponent": self._component,
            "reportingInstance": self._host,
        }

    def _create(self, event: Object) -> None:
        self._storage.create("events", event)
        meta = event["metadata"]
        expire = partial(_expire, self._storage, self._clock, meta["namespace"], meta["name"])
        self._clock.call_later(_LIVES, expire)

    def _now(self) -> str:
        return self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")

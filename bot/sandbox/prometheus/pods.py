"""Which pods there were, and when each of them could be asked: remembered, since history is asked.

Listens to the cluster's pods. Times are seconds since 1970 of the world's virtual time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.sandbox.kubernetes.api_objects import (
    condition_of,
    controller_of,
    instant,
    labels_of,
    quantity,
)
from bot.sandbox.kubernetes.work_queue import Cache

Object = dict[str, Any]

MOST_GONE = 400  # pods that are remembered after their end, the newest
_HASH = "pod-template-hash"


@dataclass(slots=True)
class Record:
    """One pod. `ready` are intervals, the last of them open while it is ready."""

    uid: str
    name: str
    namespace: str
    service: str
    container: str
    replica_set: str  # uid
    created: float
    cpu_limit: float  # cores; 0: none
    memory_limit: float  # bytes; 0: none
    ready: list[tuple[float, float | None]] = field(default_factory=list)
    restarts: list[float] = field(default_factory=list)
    gone: float | None = None

    def exists(self, at: float) -> bool:
        return self.created <= at and (self.gone is None or at < self.gone)

    def is_ready(self, at: float) -> bool:
        if not self.exists(at):
            return False
        return any(start <= at and (end is None or at < end) for start, end in self.ready)

    @property
    def serving_since(self) -> float | None:
        return self.ready[0][0] if self.ready else None


class PodHistory:
    """All pods of this world, those that are gone included."""

    def __init__(self, pods: Cache, now: Any, kept: Iterable[Object] = ()) -> None:
        """`kept`: records of an earlier run of the sandbox, as JSON has them."""
        self._now = now
        self._records: dict[str, Record] = {}
        self._of_service: dict[tuple[str, str], list[Record]] = {}
        for each in kept:
            self._add(Record(**{**each, "ready": [(start, end) for start, end in each["ready"]]}))
        for pod in pods.all():
            self._changed(None, pod)
        pods.listen(self._changed)

    def all(self) -> list[Record]:
        return [*self._records.values()]

    def of_service(self, namespace: str, service: str) -> list[Record]:
        return self._of_service.get((namespace, service), [])

    def _changed(self, old: Object | None, new: Object | None) -> None:
        pod = new or old
        assert pod is not None
        record = self._records.get(pod["metadata"]["uid"]) or self._begin(pod)
        if new is None:
            record.gone = self._now().timestamp()
            self._close(record, record.gone)
            self._forget()
            return
        ready = condition_of(pod.get("status", {}), "Ready") or {}
        leaving = "deletionTimestamp" in pod["metadata"]
        is_open = bool(record.ready) and record.ready[-1][1] is None
        if ready.get("status") == "True" and not leaving and not is_open:
            record.ready.append((_stamp(ready.get("lastTransitionTime"), self._now()), None))
        elif is_open and (leaving or ready.get("status") != "True"):
            self._close(record, self._now().timestamp())
        self._count_restarts(record, pod)

    def _begin(self, pod: Object) -> Record:
        meta, container = pod["metadata"], pod["spec"]["containers"][0]
        owner = controller_of(pod) or {"name": meta["name"], "uid": ""}
        limits = container.get("resources", {}).get("limits", {})
        suffix = f"-{labels_of(pod).get(_HASH, '')}"
        record = Record(
            uid=meta["uid"],
            name=meta["name"],
            namespace=meta["namespace"],
            service=str(owner["name"]).removesuffix(suffix),
            container=container["name"],
            replica_set=owner["uid"],
            created=instant(meta["creationTimestamp"]).timestamp(),
            cpu_limit=float(quantity(limits["cpu"])) if "cpu" in limits else 0.0,
            memory_limit=float(quantity(limits["memory"])) if "memory" in limits else 0.0,
        )
        self._add(record)
        return record

    def _add(self, record: Record) -> None:
        self._records[record.uid] = record
        self._of_service.setdefault((record.namespace, record.service), []).append(record)

    @staticmethod
    def _close(record: Record, at: float) -> None:
        if record.ready and record.ready[-1][1] is None:
            record.ready[-1] = (record.ready[-1][0], at)

    def _count_restarts(self, record: Record, pod: Object) -> None:
        statuses = pod.get("status", {}).get("containerStatuses") or ()
        total = sum(int(each.get("restartCount", 0)) for each in statuses)
        while len(record.restarts) < total:
            record.restarts.append(self._now().timestamp())

    def _forget(self) -> None:
        gone = [each for each in self._records.values() if each.gone is not None]
        for record in sorted(gone, key=lambda each: each.gone or 0.0)[:-MOST_GONE]:
            del self._records[record.uid]
            self._of_service[record.namespace, record.service].remove(record)


def _stamp(text: str | None, otherwise: datetime) -> float:
    return (instant(text) if text else otherwise).timestamp()

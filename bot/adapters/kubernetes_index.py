"""What a namespace holds, found by owner: Deployment → its ReplicaSets → their pods.

Pure: `kubernetes_streams` puts raw objects in, `kubernetes_feeds` takes changed workloads out.
Every step of an event is O(1), however many objects the namespace has. What comes is kept as it
came until `changed` is asked, which reads the newest version of each object and lets the JSON go: a
burst of events about one pod costs one reading.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import orjson

from bot.adapters.kubernetes_objects import deployment_of, pod_of, replica_set_of
from bot.domain.workload import Autoscaler, Deployment, Pod, ReplicaSet, Workload

Raw = Mapping[str, Any]
T = TypeVar("T")

_REMEMBERED_DELETIONS = 10_000


@dataclass(slots=True)
class _Entry(Generic[T]):
    version: int
    group: str
    value: T | None


class Shelf(Generic[T]):
    """All objects of one kind, by uid, and by the group they belong to: a name or an owner's uid.

    Events may come twice or late: an older version never replaces a newer one, and nothing comes
    back from deletion, as uids are never used again.
    """

    def __init__(
        self, translate: Callable[[object], T | None], group_of: Callable[[Raw], str]
    ) -> None:
        self._translate = translate
        self._group_of = group_of
        self._entries: dict[str, _Entry[T]] = {}
        self._groups: dict[str, dict[str, _Entry[T]]] = {}
        self._deleted: dict[str, None] = {}
        self._pending: dict[str, tuple[int, Raw | bytes]] = {}
        self._touched: set[str] = set()
        self.filled = False  # a whole list has been seen
        self.unreadable = False  # an event could not be read: what is here may be old

    def put(self, raw: Raw) -> None:
        """An object was added or modified. Raises KeyError where it has no uid."""
        meta = raw["metadata"]
        self._put(meta["uid"], _number(meta.get("resourceVersion")), raw)

    def put_line(self, uid: str, version: int, line: bytes) -> None:
        """The same from a watch event as it came: read only if no newer one comes before."""
        self._put(uid, version, line)

    def remove(self, raw: Raw) -> None:
        """An object was deleted; `raw` is its last state."""
        self._forget(raw["metadata"]["uid"])

    def replace(self, raws: Iterable[Raw]) -> None:
        """A consistent list: what is not in it is gone, and what is in it is the truth. An item
        that has no uid is no object and counts for nothing."""
        self._pending.clear()
        for raw in raws:
            meta = raw.get("metadata") if isinstance(raw, dict) else None
            uid = meta.get("uid") if isinstance(meta, dict) else None
            if not isinstance(uid, str) or not isinstance(meta, dict):
                continue
            self._deleted.pop(uid, None)
            self._pending[uid] = (_number(meta.get("resourceVersion")), raw)
        for uid in [uid for uid in self._entries if uid not in self._pending]:
            self._forget(uid)
        self.filled = True

    def changed(self) -> set[str]:
        """Take in what has come; the groups whose values differ from those at the last call."""
        pending, self._pending = self._pending, {}
        for uid, (version, source) in pending.items():
            try:
                raw = orjson.loads(source)["object"] if isinstance(source, bytes) else source
                group = self._group_of(raw)
            except (AttributeError, LookupError, TypeError, ValueError):
                self.unreadable = True
                continue
            self._store(uid, version, group, self._translate(raw))
        touched, self._touched = self._touched, set()
        return touched

    @property
    def waiting(self) -> int:
        """How many raw objects are kept until the next `changed`."""
        return len(self._pending)

    def group(self, key: str) -> list[_Entry[T]]:
        return [*self._groups.get(key, {}).values()]

    def groups(self) -> list[str]:
        return [*self._groups]

    def group_key(self, uid: str) -> str:
        """The group of one object; "" where it is not known."""
        entry = self._entries.get(uid)
        return "" if entry is None else entry.group

    def value(self, uid: str) -> T | None:
        entry = self._entries.get(uid)
        return None if entry is None else entry.value

    def _put(self, uid: str, version: int, source: Raw | bytes) -> None:
        if uid in self._deleted:
            return
        known = self._pending.get(uid)
        if known is None:
            entry = self._entries.get(uid)
            newest = 0 if entry is None else entry.version
        else:
            newest = known[0]
        if version > newest or not version:
            self._pending[uid] = (version, source)

    def _store(self, uid: str, version: int, group: str, value: T | None) -> None:
        entry = self._entries.get(uid)
        if entry is not None and entry.group != group:  # adopted or orphaned
            self._leave_group(uid, entry.group)
            entry = None
        if entry is None:
            entry = self._entries[uid] = _Entry(version, group, None)
            self._groups.setdefault(group, {})[uid] = entry
        if entry.value != value:
            entry.value = value
            self._touched.add(group)
        entry.version = version

    def _forget(self, uid: str) -> None:
        self._deleted[uid] = None
        if len(self._deleted) > _REMEMBERED_DELETIONS:
            self._deleted.pop(next(iter(self._deleted)))
        self._pending.pop(uid, None)
        entry = self._entries.pop(uid, None)
        if entry is not None:
            self._leave_group(uid, entry.group)

    def _leave_group(self, uid: str, group: str) -> None:
        members = self._groups[group]
        del members[uid]
        if not members:
            del self._groups[group]
        self._touched.add(group)


class Index:
    """The Deployments, ReplicaSets and pods of one namespace, as workloads."""

    def __init__(self) -> None:
        self.deployments: Shelf[Deployment] = Shelf(deployment_of, _name)
        self.replica_sets: Shelf[ReplicaSet] = Shelf(replica_set_of, _owner)
        self.pods: Shelf[Pod] = Shelf(pod_of, _owner)

    @property
    def filled(self) -> bool:
        """Whether all three kinds have been listed: before that, what is missing means nothing."""
        return self.deployments.filled and self.replica_sets.filled and self.pods.filled

    def changed(self) -> set[str]:
        """The names of the workloads that differ from those at the last call."""
        names = self.deployments.changed()
        owners = self.replica_sets.changed()
        for replica_set in self.pods.changed():
            owners.add(self.replica_sets.group_key(replica_set))
        for uid in owners:
            deployment = self.deployments.value(uid)
            if deployment is not None:
                names.add(deployment.name)
        return names

    def names(self) -> list[str]:
        return sorted(self.deployments.groups())

    def workload(self, name: str, autoscaler: Autoscaler | None = None) -> Workload:
        """The snapshot as of the last `changed`."""
        newest = max(
            (e for e in self.deployments.group(name) if e.value), key=_version, default=None
        )
        if newest is None or newest.value is None:
            return Workload(autoscaler=autoscaler)
        sets = _values(self.replica_sets.group(newest.value.uid))
        pods = [pod for owner in sets for pod in _values(self.pods.group(owner.uid))]
        return Workload(
            deployment=newest.value,
            replica_sets=tuple(sorted(sets, key=_by_name)),
            pods=tuple(sorted(pods, key=_by_name)),
            autoscaler=autoscaler,
        )


def _values(entries: Iterable[_Entry[T]]) -> list[T]:
    return [entry.value for entry in entries if entry.value is not None]


def _version(entry: _Entry[Any]) -> int:
    return entry.version


def _by_name(value: ReplicaSet | Pod) -> str:
    return value.name


def _name(raw: Raw) -> str:
    return str(raw["metadata"].get("name"))


def _owner(raw: Raw) -> str:
    """The uid of the controller that made it; "" for an orphan."""
    references = raw["metadata"].get("ownerReferences")
    for reference in references if isinstance(references, list) else ():
        if isinstance(reference, dict) and reference.get("controller"):
            return str(reference.get("uid"))
    return ""


def _number(version: object) -> int:
    """Versions of one kind compare as numbers (since 1.35 by contract); 0 is "not known"."""
    return int(version) if isinstance(version, str) and version.isdigit() else 0

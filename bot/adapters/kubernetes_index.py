"""What a namespace holds, found by owner: Deployment → its ReplicaSets → their pods.

Pure: `kubernetes_streams` puts raw objects in, `kubernetes_feeds` takes changed workloads out.
Every step of an event is O(1), however many objects the namespace has. Raw objects are kept only
until `changed` is asked, which translates the newest version of each and lets the JSON go: a burst
of events about one pod costs one translation.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from bot.adapters.kubernetes_objects import deployment_of, pod_of, replica_set_of
from bot.domain.workload import Autoscaler, Deployment, Pod, ReplicaSet, Workload

Raw = Mapping[str, Any]
T = TypeVar("T")

_REMEMBERED_DELETIONS = 10_000


@dataclass(slots=True)
class _Entry(Generic[T]):
    version: int
    group: str
    raw: Raw | None
    value: T | None = None


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
        self._fresh: set[str] = set()
        self._touched: set[str] = set()
        self.filled = False  # a whole list has been seen

    def put(self, raw: Raw) -> None:
        """An object was added or modified. Raises KeyError where it has no uid."""
        meta = raw["metadata"]
        uid = meta["uid"]
        version = _number(meta.get("resourceVersion"))
        entry = self._entries.get(uid)
        if uid in self._deleted or (entry and version and entry.version >= version):
            return
        self._store(uid, version, raw)

    def remove(self, raw: Raw) -> None:
        """An object was deleted; `raw` is its last state."""
        self._forget(raw["metadata"]["uid"])

    def replace(self, raws: Iterable[Raw]) -> None:
        """A consistent list: what is not in it is gone, and what is in it is the truth. An item
        that has no uid is no object and counts for nothing."""
        seen: set[str] = set()
        for raw in raws:
            meta = raw.get("metadata") if isinstance(raw, dict) else None
            uid = meta.get("uid") if isinstance(meta, dict) else None
            if not isinstance(uid, str) or not isinstance(meta, dict):
                continue
            seen.add(uid)
            self._deleted.pop(uid, None)
            self._store(uid, _number(meta.get("resourceVersion")), raw)
        for uid in [uid for uid in self._entries if uid not in seen]:
            self._forget(uid)
        self.filled = True

    def changed(self) -> set[str]:
        """The groups whose values differ from those at the last call."""
        touched, self._touched = self._touched, set()
        fresh, self._fresh = self._fresh, set()
        for uid in fresh:
            entry = self._entries[uid]
            before, entry.value = entry.value, self._translate(entry.raw)
            entry.raw = None
            if entry.value != before:
                touched.add(entry.group)
        return touched

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

    def __len__(self) -> int:
        return len(self._entries)

    def _store(self, uid: str, version: int, raw: Raw) -> None:
        group = self._group_of(raw)
        entry = self._entries.get(uid)
        if entry is None:
            entry = self._entries[uid] = _Entry(version, group, raw)
            self._groups.setdefault(group, {})[uid] = entry
        elif entry.group != group:  # adopted or orphaned
            self._leave_group(uid, entry.group)
            entry.group = group
            self._groups.setdefault(group, {})[uid] = entry
            self._touched.add(group)
        entry.version, entry.raw = version, raw
        self._fresh.add(uid)

    def _forget(self, uid: str) -> None:
        self._deleted[uid] = None
        if len(self._deleted) > _REMEMBERED_DELETIONS:
            self._deleted.pop(next(iter(self._deleted)))
        entry = self._entries.pop(uid, None)
        self._fresh.discard(uid)
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

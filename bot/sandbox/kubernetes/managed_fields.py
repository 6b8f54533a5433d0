"""managedFields: which manager owns which fields of an object, after every kind of write.

Plain writes (create, update, patch) and server-side apply change it differently; both follow
sigs.k8s.io/structured-merge-diff/merge/update.go and apimachinery's managedfields/internal.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from bot.sandbox.kubernetes.fields import (
    Comparison,
    Fields,
    Path,
    compare,
    decode_fields,
    encode_fields,
    skeleton,
)
from bot.sandbox.kubernetes.stored import Object


@dataclass(frozen=True, slots=True)
class Manager:
    """Who: an applier is the same whatever version it applies; an updater is one per version."""

    name: str
    operation: str  # "Apply" or "Update"
    api_version: str
    subresource: str = ""

    def same_as(self, other: Manager) -> bool:
        return (
            self.name == other.name
            and self.operation == other.operation
            and self.subresource == other.subresource
            and (self.operation == "Apply" or self.api_version == other.api_version)
        )

    def describe(self) -> str:
        """As a conflict names it (managedfields/internal/conflict.go: printManager)."""
        text = f'"{self.name}"'
        if self.subresource:
            text += f' with subresource "{self.subresource}"'
        if self.operation == "Update":
            text += f" using {self.api_version}"
        return text


@dataclass(frozen=True, slots=True)
class Entry:
    manager: Manager
    fields: Fields
    time: str


Entries = list[Entry]
_manager = lru_cache(maxsize=1024)(Manager)  # a few write to everything


def _manager_of(entry: Object) -> Manager:
    return _manager(
        entry.get("manager", ""),
        entry.get("operation", ""),
        entry.get("apiVersion", ""),
        entry.get("subresource", ""),
    )


def read(obj: Object) -> Entries:
    """The managedFields of an object."""
    return [
        Entry(
            _manager_of(entry),
            decode_fields(entry.get("fieldsV1") or {}),
            entry.get("time", ""),
        )
        for entry in obj.get("metadata", {}).get("managedFields") or []
    ]


def write(obj: Object, entries: Entries) -> None:
    """Put managedFields into an object, in the server's order; an owner of nothing is left out."""
    listed = []
    for entry in entries:
        if not entry.fields:
            continue
        item: dict[str, Any] = {
            "manager": entry.manager.name,
            "operation": entry.manager.operation,
            "apiVersion": entry.manager.api_version,
            **({"time": entry.time} if entry.time else {}),
            "fieldsType": "FieldsV1",
            "fieldsV1": encode_fields(entry.fields),
        }
        if entry.manager.subresource:
            item["subresource"] = entry.manager.subresource
        listed.append(item)
    listed.sort(key=_order_of_raw)
    meta = obj.setdefault("metadata", {})
    meta.pop("managedFields", None)
    if listed:
        meta["managedFields"] = listed


def ignored(path: Path, subresource: str) -> bool:
    """Fields that a write through this endpoint cannot set, and so cannot own (resetFields)."""
    if subresource == "status":
        return path[0] == "f:spec" or path[:2] == ("f:metadata", "f:labels")
    return path[0] == "f:status"


def without(obj: Object) -> Object:
    """The object without its managedFields, as both sides of a comparison."""
    meta = {k: v for k, v in obj.get("metadata", {}).items() if k != "managedFields"}
    return {**obj, "metadata": meta}


def take(entries: Entries, manager: Manager, changes: Comparison) -> Entries:
    """Others lose what this manager changed, and everybody what is gone."""
    lost = changes.changed() | changes.removed
    kept: Entries = []
    for entry in entries:
        gone = changes.removed if entry.manager.same_as(manager) else lost
        if entry.fields.isdisjoint(gone):  # most writes change what is the manager's own anyway
            kept.append(entry)
        else:
            kept.append(Entry(entry.manager, entry.fields - gone, entry.time))
    return kept


def after_write(
    schema: str,
    old: Object | None,
    new: Object,
    manager: Manager,
    now: str,
    *,
    given: object = None,
) -> None:
    """Set `new`'s managedFields after a plain write by the manager. It goes on from the `given`
    ones, as a client sent them (fieldmanager.go: decodeLiveOrNew), else from the old ones.
    """
    if old is not None and given is None and _own_status(schema, old, new, manager, now):
        return
    found = read(old) if old is not None else []
    if old is not None and isinstance(given, list) and given:
        found = read({"metadata": {"managedFields": given}})
    base = skeleton(schema) if old is None else without(old)
    changes = compare(schema, base, without(new))
    for paths in (changes.added, changes.modified, changes.removed):
        paths.difference_update([p for p in paths if ignored(p, manager.subresource)])
    entries = take(found, manager, changes)
    mine = changes.changed()
    if mine:
        before = next((entry for entry in entries if entry.manager.same_as(manager)), None)
        if before is not None:
            entries.remove(before)
            mine = before.fields if mine <= before.fields else mine | before.fields
        entries.append(Entry(manager, mine, now))
    if old is None or given is not None or not _only_later(old, new, found, entries):
        write(new, entries)


def _own_status(schema: str, old: Object, new: Object, manager: Manager, now: str) -> bool:
    """The usual write of a controller or a kubelet: in the status alone it changes what is its own
    already, and nobody's else. Then its time is all that is new, and no more than the status need
    be compared; true if so.
    """
    listed = new["metadata"].get("managedFields")
    if manager.subresource != "status" or not _alike_but_status(old, new) or not listed:
        return False
    changes = compare(schema, {"status": old["status"]}, {"status": new["status"]})
    mine, own = changes.changed(), None
    if changes.removed or not mine:
        return False
    for index, item in enumerate(listed):
        fields = decode_fields(item.get("fieldsV1") or {})
        if _manager_of(item) == manager:
            own = index
            if not mine <= fields:
                return False
        elif not fields.isdisjoint(mine):
            return False
    if own is None:
        return False
    if listed[own].get("time") != now:
        _put_times(new, [now if index == own else None for index in range(len(listed))])
    return True


def _alike_but_status(old: Object, new: Object) -> bool:
    """The spec is not looked at: no write of a status can own a field of it."""
    if "status" not in old or "status" not in new:
        return False
    before, after = old["metadata"], new["metadata"]
    if any(
        before.get(word) != after.get(word)
        for word in before.keys() | after.keys()
        if word != "resourceVersion"
    ):
        return False
    others = (old.keys() | new.keys()) - {"metadata", "spec", "status"}
    return all(old.get(word) == new.get(word) for word in others)


def _only_later(old: Object, new: Object, found: Entries, entries: Entries) -> bool:
    """The usual write changes what is the writer's own: the same sets of fields, at a later time.
    Then `new`, which has the old entries, is given that time and no more; true if so.
    """
    listed = new["metadata"].get("managedFields")
    if listed != old["metadata"].get("managedFields") or len(found) != len(entries):
        return False
    by_manager = {entry.manager: entry for entry in entries}
    times: list[str | None] = []
    for entry in found:
        later = by_manager.get(entry.manager)
        if later is None or later.fields is not entry.fields:
            return False
        times.append(later.time)
    if listed:
        _put_times(new, times)
    return True


def _put_times(new: Object, times: list[str | None]) -> None:
    """Other times for the entries; their list and items may be shared with an older version."""
    meta = new["metadata"]
    listed = [
        {**item, "time": time} if time else item
        for item, time in zip(meta["managedFields"], times, strict=True)
    ]
    meta["managedFields"] = sorted(listed, key=_order_of_raw)


def _order_of_raw(item: dict[str, Any]) -> tuple[str, ...]:
    words = ("operation", "time", "manager", "apiVersion", "subresource")
    return tuple(item.get(word, "") for word in words)

"""Server-side apply: merge what a manager wants into what is there, by ownership of fields.

Follows sigs.k8s.io/structured-merge-diff: merge (lists by key), prune (what the manager applied
before and no longer does, unless somebody else owns it), conflicts (a change to another's field).
"""

from __future__ import annotations

import json
from typing import Any

from bot.sandbox.kubernetes import managed_fields
from bot.sandbox.kubernetes.fields import (
    EMPTY,
    Fields,
    FieldsError,
    Path,
    compare,
    covered,
    dotted,
    key_of,
    skeleton,
)
from bot.sandbox.kubernetes.managed_fields import Entries, Entry, Manager
from bot.sandbox.kubernetes.resources import KINDS, Kind
from bot.sandbox.kubernetes.schema import Shape, named, shape
from bot.sandbox.kubernetes.statuses import ApiError, bad_request, internal
from bot.sandbox.kubernetes.stored import Object, copy_json


def apply(
    kind: Kind, live: Object | None, config: Object, manager: Manager, now: str, *, force: bool
) -> Object:
    """The live object with the configuration applied, managedFields set; `live` None creates.

    Raises ApiError: 409 for conflicts, 500 for fields that the schema does not have, 400 for the
    wrong version.
    """
    check_patch(kind, config)
    try:
        wanted = covered(kind.schema, config)
    except FieldsError as error:
        meta = _metadata(config)
        who = f"{meta.get('namespace', '')}/{meta.get('name', '')}; {_gvk(config)}"
        raise internal(f"failed to create typed patch object ({who}): {error}") from error
    wanted = frozenset(p for p in wanted if not managed_fields.ignored(p, manager.subresource))
    entries = managed_fields.read(live) if live is not None else []
    mine = next((entry for entry in entries if entry.manager.same_as(manager)), None)
    others = [entry for entry in entries if entry is not mine]

    before = skeleton(kind.schema) if live is None else managed_fields.without(live)
    merged: Object = merge(named(kind.schema), before, config)
    if mine is not None:
        owned = wanted.union(*(entry.fields for entry in others))
        prune(named(kind.schema), merged, mine.fields, owned)

    changes = compare(kind.schema, before, merged)
    _refuse_conflicts(others, changes.changed(), force=force)
    entries = managed_fields.take(others, manager, changes)
    changed = merged != before or live is None
    fresh = mine is None or changed or mine.fields != wanted
    entries.append(Entry(manager, wanted, now if fresh or mine is None else mine.time))
    managed_fields.write(merged, entries)
    return merged


def _gvk(config: Object) -> str:
    group, slash, version = str(config.get("apiVersion", "")).rpartition("/")
    return f"{group if slash else ''}/{version}, Kind={config.get('kind', '')}"


def check_patch(kind: Kind, config: Object) -> None:
    """Version, managedFields and kind of a configuration. Raises ApiError 400, or 500 where no such
    kind can be merged (nobody typed that error).
    """
    version = config.get("apiVersion")
    if version != kind.api_version:
        raise bad_request(
            "Incorrect version specified in apply patch. "
            f"Specified patch version: {version or ''}, expected: {kind.api_version}"
        )
    if _metadata(config).get("managedFields") is not None:
        raise bad_request("metadata.managedFields must be nil")
    if config.get("kind") == kind.kind:
        return
    meta = _metadata(config)
    who = f"{meta.get('namespace', '')}/{meta.get('name', '')}; {_gvk(config)}"
    if any((one.api_version, one.kind) == (version, config.get("kind")) for one in KINDS):
        raise internal("expected objects of the same type")
    raise internal(
        f"failed to create typed patch object ({who}): no corresponding type for {_gvk(config)}"
    )


def _metadata(config: Object) -> Object:
    meta = config.get("metadata")
    return meta if isinstance(meta, dict) else {}


def merge(its: Shape, old: Any, new: Any) -> Any:
    """`new` over `old`: structs and maps field by field, associative lists item by item."""
    if new is None or its.atomic or its.kind == "scalar":
        return copy_json(new)
    if its.kind == "list":
        return _merge_list(its, old if isinstance(old, list) else [], new)
    if not isinstance(new, dict):
        return copy_json(new)
    result = dict(old) if isinstance(old, dict) else {}
    for key, item in new.items():
        child = shape(its.name, key) if its.kind == "struct" else named(its.name)
        if child is not None:
            result[key] = merge(child, result.get(key), item)
    return copy_json(result)


def _merge_list(its: Shape, old: list[Any], new: list[Any]) -> list[Any]:
    """The applier's items in the applier's order; items of others stay where they stood."""
    inner = named(its.name)
    before = {key_of(its, item): item for item in old}
    after = {key_of(its, item): item for item in new}
    left, right = list(before), list(after)
    shared = [key for key in right if key in before]
    result: list[Any] = []
    at = 0
    for key in left:
        if key not in after:
            result.append(copy_json(before[key]))
        elif shared and key == shared[0]:
            stop = right.index(key, at) + 1
            result.extend(merge(inner, before.get(k), after[k]) for k in right[at:stop])
            at = stop
            shared.pop(0)
    result.extend(merge(inner, before.get(k), after[k]) for k in right[at:])
    return result


def prune(its: Shape, obj: Object, last: Fields, owned: Fields) -> None:
    """Remove what the manager applied last time and nobody owns now, in place."""
    parents = {path[:length] for path in last for length in range(1, len(path))}
    candidates = set(last) | {path for path in parents if path[-1].startswith("f:")}
    held = {path[:length] for path in owned for length in range(1, len(path) + 1)}
    for path in sorted(candidates - held, key=len):
        _remove(its, obj, path)


def _remove(its: Shape, value: Any, path: Path) -> None:
    element, rest = path[0], path[1:]
    if element.startswith("f:"):
        name = element[2:]
        if not isinstance(value, dict) or name not in value:
            return
        if not rest:
            del value[name]
            return
        child = shape(its.name, name) if its.kind == "struct" else named(its.name)
        if child is not None:
            _remove(child, value[name], rest)
        return
    if not isinstance(value, list) or not its.associative:
        return
    for item in value:
        if key_of(its, item) == element:
            if rest:
                _remove(named(its.name), item, rest)
            else:
                value.remove(item)
            return


def _refuse_conflicts(others: Entries, changed: Fields, *, force: bool) -> None:
    if force:
        return
    found = [
        (entry.manager, path)
        for entry in sorted(others, key=lambda entry: _identifier(entry.manager))
        for path in sorted(entry.fields & changed or EMPTY, key=_in_set_order)
    ]
    if not found:
        return
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": f"conflict with {manager.describe()}",
            "field": dotted(path),
        }
        for manager, path in found
    ]
    raise ApiError(409, "Conflict", _conflict_message(found), {"causes": causes})


def _conflict_message(found: list[tuple[Manager, Path]]) -> str:
    if len(found) == 1:
        manager, path = found[0]
        return f"Apply failed with 1 conflict: conflict with {manager.describe()}: {dotted(path)}"
    lines: list[str] = []
    told: Manager | None = None
    for manager, path in found:
        if manager is not told:
            lines.append(f"conflicts with {manager.describe()}:")
            told = manager
        lines.append(f"- {dotted(path)}")
    return f"Apply failed with {len(found)} conflicts: " + "\n".join(lines)


def _identifier(manager: Manager) -> str:
    """The JSON that the real one keys and sorts managers by."""
    parts = {"manager": manager.name, "operation": manager.operation}
    if manager.operation == "Update":
        parts["apiVersion"] = manager.api_version
    if manager.subresource:
        parts["subresource"] = manager.subresource
    return json.dumps(parts, separators=(",", ":"))


def _in_set_order(path: Path) -> tuple[tuple[bool, str], ...]:
    """fieldpath.Set iterates the members of a level before its children."""
    last = len(path) - 1
    return tuple((depth < last, element) for depth, element in enumerate(path))

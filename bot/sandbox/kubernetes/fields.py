"""Sets of fields: who owns what, as managedFields writes it (FieldsV1).

A set is a frozenset of paths; a path is a tuple of FieldsV1 elements: "f:spec", `k:{"name":"web"}`,
`v:"a"`. What an applied object covers and what a write changed follow the walkers of
sigs.k8s.io/structured-merge-diff (typed/tofieldset.go, typed/compare.go).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson

from bot.sandbox.kubernetes.schema import PRESENT, Shape, named, shape
from bot.sandbox.kubernetes.stored import Object, encode

Path = tuple[str, ...]
Fields = frozenset[Path]
EMPTY: Fields = frozenset()
_ABSENT = object()

# Nobody owns these (managedfields/internal/stripmeta.go).
STRIPPED: frozenset[Path] = frozenset(
    {
        ("f:apiVersion",),
        ("f:kind",),
        ("f:metadata",),
        *(
            ("f:metadata", f"f:{name}")
            for name in (
                *("name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName"),
                *("generation", "managedFields", "resourceVersion"),
            )
        ),
    }
)


class FieldsError(Exception):
    """An object that does not fit its type, path by path, as structured-merge-diff says it."""

    def __init__(self, problems: list[str]) -> None:
        listed = "\n".join(["errors:", *(f"  {problem}" for problem in problems)])
        super().__init__(problems[0] if len(problems) == 1 else listed)


def decode_fields(tree: Object) -> Fields:
    """FieldsV1 to a set. The same tree gives the same set, which makes it cheap to encode again."""
    return _decode_text(encode(tree))


@lru_cache(maxsize=4096)
def _decode_text(text: bytes) -> Fields:
    found: set[Path] = set()

    def walk(node: Object, path: Path) -> None:
        if not node or "." in node:
            found.add(path)
        for element, child in node.items():
            if element != ".":
                walk(child, (*path, element))

    for element, child in orjson.loads(text).items():
        if element != ".":
            walk(child, (element,))
    return frozenset(found)


def encode_fields(fields: Fields) -> Object:
    """A set to FieldsV1: leaves are {}, a parent that is owned itself carries "."."""
    tree: Object = orjson.loads(_encode_text(fields))
    return tree


@lru_cache(maxsize=4096)
def _encode_text(fields: Fields) -> bytes:
    tree: Object = {}
    for path in sorted(fields):
        node = tree
        for element in path:
            node = node.setdefault(element, {})
    for path in fields:
        node = tree
        for element in path:
            node = node[element]
        if node and "." not in node:
            rest = dict(node)
            node.clear()
            node["."] = {}
            node.update(rest)
    return encode(tree)


def key_of(its: Shape, item: Any) -> str:
    """The element that names an item of an associative list. KeyError names a missing key."""
    if its.is_set:
        return "v:" + json.dumps(item, ensure_ascii=False, separators=(",", ":"))
    defaults = dict(its.key_defaults)
    keys = {}
    for key in sorted(its.keys):
        keys[key] = item[key] if key in item and item[key] is not None else defaults[key]
    return "k:" + json.dumps(keys, ensure_ascii=False, separators=(",", ":"))


def dotted(path: Path) -> str:
    """A path as conflicts name it: `.spec.template.spec.containers[name="web"].image`."""
    text = ""
    for element in path:
        mark, _, rest = element.partition(":")
        if mark == "f":
            text += f".{rest}"
        elif mark == "k":
            keys = json.loads(rest)
            pairs = (f"{key}={json.dumps(value)}" for key, value in sorted(keys.items()))
            text += f"[{','.join(pairs)}]"
        else:
            text += f"[{'=' if mark == 'v' else ''}{rest}]"
    return text


# What an applied object covers


def covered(schema: str, obj: Object) -> Fields:
    """The fields that an applier of this object owns. Raises FieldsError for a misfit."""
    found: set[Path] = set()
    problems: list[str] = []
    _cover(named(schema), obj, (), found, problems)
    if problems:
        raise FieldsError(problems)
    return frozenset(found - STRIPPED)


def _cover(its: Shape, value: Any, path: Path, found: set[Path], problems: list[str]) -> None:
    if value is None:
        return
    if its.kind == "scalar":
        problems.extend(_misfit(its.name, value, path))
        found.add(path)
    elif its.kind == "list":
        _cover_list(its, value, path, found, problems)
    elif not isinstance(value, dict):
        problems.append(f"{dotted(path)}: expected map, got {_go_pointer(value)}")
    else:
        inside: set[Path] = set()
        for key, item in value.items():
            child = shape(its.name, key) if its.kind == "struct" else named(its.name)
            where = (*path, f"f:{key}")
            if child is None:
                problems.append(f"{dotted(where)}: field not declared in schema")
                continue
            _cover(child, item, where, inside, problems)
            if item is None or item == {} or its.kind == "map":
                inside.add(where)
        if its.atomic:
            found.add(path)
        else:
            found |= inside


def _cover_list(its: Shape, value: Any, path: Path, found: set[Path], problems: list[str]) -> None:
    if not isinstance(value, list):
        problems.append(f"{dotted(path)}: expected list, got {_go_pointer(value)}")
        return
    inner = named(its.name)
    if its.atomic:
        for index, item in enumerate(value):
            _cover(inner, item, (*path, f"i:{index}"), set(), problems)
        found.add(path)
        return
    seen: set[str] = set()
    for index, item in enumerate(value):
        if not its.is_set and not isinstance(item, dict):
            problems.append(
                f"{dotted(path)}: element {index}: associative list with keys may not have "
                "non-map elements"
            )
            continue
        try:
            key = key_of(its, item)
        except KeyError as missing:
            problems.append(
                f"{dotted(path)}: element {index}: associative list with keys has an element that "
                f'omits key field "{missing.args[0]}" (and doesn\'t have default value)'
            )
            continue
        where = (*path, key)
        if key in seen:
            problems.append(f"{dotted(path)}: duplicate entries for key {dotted((key,))}")
        seen.add(key)
        _cover(inner, item, where, found, problems)
        found.add(where)


def _misfit(name: str, value: Any, path: Path) -> Iterator[str]:
    """Scalars of the wrong type (typed/helpers.go: validateScalar)."""
    if name in ("integer", "number") and (
        isinstance(value, bool) or not isinstance(value, int | float)
    ):
        yield f"{dotted(path)}: expected numeric (int or float), got {_go_type(value)}"
    elif name in ("string", "time", "bytes") and not isinstance(value, str):
        shown = "true" if value is True else "false" if value is False else value
        yield f"{dotted(path)}: expected string, got &value.valueUnstructured{{Value:{shown}}}"
    elif name == "boolean" and not isinstance(value, bool):
        yield f"{dotted(path)}: expected boolean, got {_go_pointer(value)}"
    elif name in ("quantity", "int-or-string") and isinstance(value, dict | list):
        yield f"{dotted(path)}: expected scalar, got {_go_pointer(value)}"


def _go_type(value: Any) -> str:
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "bool"
    return "map[string]interface {}" if isinstance(value, dict) else "[]interface {}"


def _go_pointer(value: Any) -> str:
    return f"&{{{go_plain(value)}}}"


def go_plain(value: Any) -> str:
    """A value as Go's %v prints it: `map[a:1 b:[x y]]`."""
    if isinstance(value, dict):
        inside = " ".join(f"{key}:{go_plain(value[key])}" for key in sorted(value))
        return f"map[{inside}]"
    if isinstance(value, list):
        return f"[{' '.join(go_plain(item) for item in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    return "<nil>" if value is None else str(value)


# What a write changed


@dataclass(slots=True)
class Comparison:
    """Paths by what happened to them between two versions of an object."""

    added: set[Path] = field(default_factory=set)
    modified: set[Path] = field(default_factory=set)
    removed: set[Path] = field(default_factory=set)

    def changed(self) -> Fields:
        return frozenset(self.added | self.modified)


def compare(schema: str, old: Object, new: Object) -> Comparison:
    result = Comparison()
    _compare(named(schema), old, new, (), result)
    for paths in (result.added, result.modified, result.removed):
        paths -= STRIPPED
    return result


def _compare(its: Shape, old: Any, new: Any, path: Path, result: Comparison) -> None:
    """Of two values that are not equal; equal ones cost no path and no call."""
    if its.kind == "scalar" or its.atomic or _both_empty(old, new):
        _leaf(old, new, path, result)
        return
    if its.kind == "list":
        before, after, mark = _items(its, old), _items(its, new), ""
    else:
        before = old if isinstance(old, dict) else {}
        after, mark = new if isinstance(new, dict) else {}, "f:"
    for key in before if before.keys() == after.keys() else dict.fromkeys((*before, *after)):
        old_item, new_item = before.get(key, _ABSENT), after.get(key, _ABSENT)
        if old_item is not _ABSENT and old_item == new_item:
            continue
        child = shape(its.name, key) if its.kind == "struct" else named(its.name)
        if child is not None:
            _compare(child, old_item, new_item, (*path, f"{mark}{key}"), result)
    if path and old is _ABSENT:
        result.added.add(path)
    elif path and new is _ABSENT:
        result.removed.add(path)


def _leaf(old: Any, new: Any, path: Path, result: Comparison) -> None:
    if old is _ABSENT:
        result.added.add(path)
    elif new is _ABSENT:
        result.removed.add(path)
    else:
        result.modified.add(path)


def _both_empty(old: Any, new: Any) -> bool:
    return all(value is _ABSENT or value is None or value in ({}, []) for value in (old, new))


def _items(its: Shape, value: Any) -> dict[str, Any]:
    if not isinstance(value, list):
        return {}
    found: dict[str, Any] = {}
    for item in value:
        try:
            found.setdefault(key_of(its, item), item)
        except (KeyError, TypeError):
            continue
    return found


def skeleton(schema: str) -> Object:
    """What Go's empty object of a type looks like: the old side of a create."""
    empty: Object = {}
    for name, value in PRESENT.get(schema, {}).items():
        its = shape(schema, name)
        if value == {} and its is not None and its.kind == "struct":
            empty[name] = skeleton(its.name)
        else:
            empty[name] = value
    return empty


def under(fields: Iterable[Path], prefixes: Iterable[Path]) -> Fields:
    """Those fields that lie at or under one of the prefixes."""
    wanted = list(prefixes)
    return frozenset(
        path for path in fields if any(path[: len(prefix)] == prefix for prefix in wanted)
    )

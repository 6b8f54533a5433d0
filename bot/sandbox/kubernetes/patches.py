"""The patches beside apply: JSON patch (RFC 6902), merge patch (RFC 7386), strategic merge patch.

Each takes an object and a patch and returns a new object. Errors are the server's: a JSON patch
that cannot be applied is 422, a malformed patch 400.
"""

from __future__ import annotations

from typing import Any, TypeGuard

from bot.sandbox.kubernetes.fields import go_plain
from bot.sandbox.kubernetes.schema import MERGE_KEYS, RETAIN_KEYS, Shape, named, shape
from bot.sandbox.kubernetes.statuses import (
    ApiError,
    bad_request,
    internal,
    unprocessable,
)
from bot.sandbox.kubernetes.stored import Object, copy_json

JSON = "application/json-patch+json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"
CONTENT_TYPES = (JSON, MERGE, STRATEGIC, APPLY)

_DIRECTIVE = "$patch"
_RETAIN = "$retainKeys"
_DELETE_PRIMITIVES = "$deleteFromPrimitiveList/"
_ORDER = "$setElementOrder/"
_MOST_OPERATIONS = 10_000
_GO_TYPES = {
    str: "string",
    bool: "bool",
    int: "int64",
    float: "float64",
    dict: "map[string]interface {}",
}


# JSON patch


def json_patch(obj: Object, operations: list[Any]) -> Object:
    """Apply RFC 6902 operations in order; a failing `test` refuses them all."""
    if len(operations) > _MOST_OPERATIONS:
        message = (
            "Request entity too large: The allowed maximum operations in a JSON patch is "
            f"{_MOST_OPERATIONS}, got {len(operations)}"
        )
        raise ApiError(413, "RequestEntityTooLarge", message)
    result: Any = copy_json(obj)
    for operation in operations:
        try:
            result = _operate(result, operation)
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise unprocessable() from error
    if not isinstance(result, dict):
        raise unprocessable()
    return result


def _operate(root: Any, operation: Object) -> Any:
    word, path = operation["op"], _pointer(operation["path"])
    if word == "test":
        found = _at(root, path) if _exists(root, path) else None
        if not _same(found, operation.get("value")):
            raise ValueError("test failed")
        return root
    if word == "remove":
        return _remove(root, path)
    if word == "add":
        return _add(root, path, copy_json(operation["value"]))
    if word == "replace":
        _at(root, path)
        return _replace(root, path, copy_json(operation["value"]))
    if word in ("move", "copy"):
        source = _pointer(operation["from"])
        value = copy_json(_at(root, source))
        return _add(_remove(root, source) if word == "move" else root, path, value)
    raise ValueError(f"unexpected operation {word}")


def _same(left: Any, right: Any) -> bool:
    """Equal as JSON: true is not 1, 1 is 1.0."""
    if isinstance(left, bool) is not isinstance(right, bool):
        return False
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    return bool(left == right)


def _pointer(text: str) -> list[str]:
    if text and not text.startswith("/"):
        raise ValueError("a JSON pointer starts with /")
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _at(value: Any, path: list[str]) -> Any:
    for part in path:
        value = value[_index(part, len(value))] if isinstance(value, list) else value[part]
    return value


def _exists(value: Any, path: list[str]) -> bool:
    try:
        _at(value, path)
    except (KeyError, IndexError, TypeError, ValueError):
        return False
    return True


def _index(part: str, length: int) -> int:
    if not part.isdigit() or not part.isascii():
        raise ValueError(f"no index: {part}")
    if int(part) >= length:
        raise IndexError(part)
    return int(part)


def _add(root: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    parent = _at(root, path[:-1])
    if isinstance(parent, list):
        at = len(parent) if path[-1] == "-" else _index(path[-1], len(parent) + 1)
        parent.insert(at, value)
    else:
        parent[path[-1]] = value
    return root


def _replace(root: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    parent = _at(root, path[:-1])
    parent[_index(path[-1], len(parent)) if isinstance(parent, list) else path[-1]] = value
    return root


def _remove(root: Any, path: list[str]) -> Any:
    parent = _at(root, path[:-1])
    del parent[_index(path[-1], len(parent)) if isinstance(parent, list) else path[-1]]
    return root


# JSON merge patch


def merge_patch(value: Any, patch: Any) -> Any:
    """RFC 7386: objects merge, null removes, everything else replaces."""
    if not isinstance(patch, dict):
        return copy_json(patch)
    result = dict(value) if isinstance(value, dict) else {}
    for key, item in patch.items():
        if item is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), item)
    return result


# Strategic merge patch


def strategic_merge(schema: str, obj: Object, patch: Object) -> Object:
    """Merge with lists matched by their patchMergeKey and `$patch`, `$retainKeys`,
    `$deleteFromPrimitiveList`, `$setElementOrder` obeyed.
    """
    result = _merge_struct(named(schema), copy_json(obj), patch)
    return result if isinstance(result, dict) else {}


def _merge_struct(its: Shape, old: Any, patch: Object) -> Any:
    directive = patch.get(_DIRECTIVE)
    if directive == "replace":
        return _without_directives({k: v for k, v in patch.items() if k != _DIRECTIVE})
    if directive == "delete":
        return {}
    if _DIRECTIVE in patch:
        raise _unknown_directive(directive, patch)
    _check_directives(its, patch)
    result = dict(old) if isinstance(old, dict) else {}
    if _RETAIN in patch:
        result = {key: item for key, item in result.items() if key in patch[_RETAIN]}
    for key, item in patch.items():
        if key in (_DIRECTIVE, _RETAIN) or key.startswith(_ORDER):
            continue
        if key.startswith(_DELETE_PRIMITIVES):
            _delete_primitives(result, key.removeprefix(_DELETE_PRIMITIVES), item)
        elif item is None:
            result.pop(key, None)
        else:
            result[key] = _merge_field(its, key, result.get(key), item)
    for key, order in patch.items():
        if key.startswith(_ORDER):
            _reorder(its, result, key.removeprefix(_ORDER), order)
    return result


def _delete_primitives(result: Object, name: str, unwanted: Any) -> None:
    there = result.get(name)
    if _is_list(there) and _is_list(unwanted):
        result[name] = [one for one in there if one not in unwanted]
    elif unwanted is not None:  # strategicpatch/patch.go: mergeMap takes it as it is
        result[name] = copy_json(unwanted)


def _unknown_directive(directive: Any, patch: Object) -> ApiError:
    shown = "%!s(<nil>)" if directive is None else go_plain(directive)
    return internal(f"unknown patch type: {shown} in map: {go_plain(patch)}")


def _check_directives(its: Shape, patch: Object) -> None:
    """strategicpatch/patch.go: applyRetainKeysDirective, mergePatchIntoOriginal. Those errors that
    have a status get one (handlers/patch.go: interpretStrategicMergePatchError).
    """
    retained = patch.get(_RETAIN)
    if _RETAIN in patch:
        kept = [one for one in retained if isinstance(one, str)] if _is_list(retained) else []
        named_too = (
            key
            for key, value in patch.items()
            if key != _RETAIN
            and value is not None
            and not key.startswith((_DELETE_PRIMITIVES, _ORDER))
        )
        if not _is_list(retained) or any(key not in kept for key in named_too):
            raise bad_request("invalid patch format of retainKeys")
    for key, value in patch.items():
        if key.startswith(_ORDER):
            if not _is_list(value):
                found = _GO_TYPES.get(type(value), "%!s(<nil>)")
                raise internal(f"expected a []interface {{}}, but received a {found}")
            name = key.removeprefix(_ORDER)
            _check_order(MERGE_KEYS.get((its.name, name), ""), patch.get(name), value)


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _check_order(merge_key: str, items: Any, order: list[Any]) -> None:
    """What a list of the patch holds must stand in its `$setElementOrder`, in the same order."""
    if not _is_list(items) or not items or not order:
        return

    def key_of(item: Any) -> Any:
        if not merge_key:
            return item
        if not isinstance(item, dict) or merge_key not in item:
            shown = go_plain(item)
            raise internal(f"map: {shown} does not contain declared merge key: {merge_key}")
        return item[merge_key]

    waiting = [key_of(one) for one in items if not (isinstance(one, dict) and _DIRECTIVE in one)]
    for one in order:
        if waiting and key_of(one) == waiting[0]:
            del waiting[0]
    if waiting:
        raise internal(
            f"The order in patch list:\n{go_plain(items)}\n doesn't match $setElementOrder list:"
            f"\n{go_plain(order)}\n"
        )


def _merge_field(its: Shape, key: str, old: Any, item: Any) -> Any:
    child = shape(its.name, key) if its.kind == "struct" else named(its.name)
    if isinstance(item, dict):
        if child is None or child.kind == "scalar":
            return _without_directives(item)
        if old is None and (its.name, key) in RETAIN_KEYS:
            item = {k: v for k, v in item.items() if k != _RETAIN}
        return _merge_struct(child, old, item)
    if isinstance(item, list) and its.kind == "struct" and (its.name, key) in MERGE_KEYS:
        return _merge_list(child, MERGE_KEYS[its.name, key], old, item)
    if isinstance(item, list):
        return [_without_directives(one) for one in item]
    return copy_json(item)


def _merge_list(its: Shape | None, merge_key: str, old: Any, patch: list[Any]) -> list[Any]:
    result = list(old) if isinstance(old, list) else []
    if not merge_key:
        for item in patch:
            if item not in result:
                result.append(item)
        return result
    _check_list_directives(patch)
    if any(isinstance(item, dict) and item.get(_DIRECTIVE) == "replace" for item in patch):
        kept = [item for item in patch if not (isinstance(item, dict) and _DIRECTIVE in item)]
        return [_without_directives(item) for item in kept]
    inner = named(its.name) if its is not None else named("object")
    for item in patch:
        if not isinstance(item, dict) or item.get(merge_key) is None:
            shown = go_plain(item)
            raise internal(f"map: {shown} does not contain declared merge key: {merge_key}")
        same = [
            index
            for index, one in enumerate(result)
            if isinstance(one, dict) and one.get(merge_key) == item[merge_key]
        ]
        if item.get(_DIRECTIVE) == "delete":
            for index in reversed(same):
                del result[index]
        elif same:
            result[same[0]] = _merge_struct(inner, result[same[0]], item)
        else:
            result.append(_merge_struct(inner, {}, item))
    return result


def _check_list_directives(patch: list[Any]) -> None:
    """strategicpatch/patch.go: mergeSliceWithSpecialElements."""
    for item in patch:
        if isinstance(item, dict) and _DIRECTIVE in item:
            directive = item[_DIRECTIVE]
            if directive == "merge":
                raise internal("merging lists cannot yet be specified in the patch")
            if directive not in ("delete", "replace"):
                raise _unknown_directive(directive, item)


def _reorder(its: Shape, result: Object, name: str, order: list[Any]) -> None:
    """`$setElementOrder`: the named items in this order, others keep their place behind them."""
    items = result.get(name)
    if not isinstance(items, list):
        return
    merge_key = MERGE_KEYS.get((its.name, name), "")
    wanted = [one.get(merge_key) if isinstance(one, dict) else one for one in order]

    def key_of(item: Any) -> Any:
        return item.get(merge_key) if isinstance(item, dict) else item

    named_items = sorted(
        (item for item in items if key_of(item) in wanted), key=lambda i: wanted.index(key_of(i))
    )
    server_only = [(index, item) for index, item in enumerate(items) if key_of(item) not in wanted]
    for index, item in server_only:
        named_items.insert(min(index, len(named_items)), item)
    result[name] = named_items


def _without_directives(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _without_directives(item)
            for key, item in value.items()
            if item is not None and not key.startswith("$")
        }
    if isinstance(value, list):
        return [_without_directives(item) for item in value]
    return value

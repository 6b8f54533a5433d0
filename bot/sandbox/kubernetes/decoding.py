"""From plain values to an object of a type, as Go would decode and encode it again.

Unknown fields are dropped and named (for `fieldValidation`), nulls and empty optional values
vanish, quantities take their canonical form, and a value of the wrong type is an error in Go's own
words. Validation of the meaning is in `validation.py`, defaults are in `defaults.py`,
JSON and YAML themselves in `texts.py`.
"""

from __future__ import annotations

from typing import Any

from bot.sandbox.kubernetes import go_time, quantities
from bot.sandbox.kubernetes.schema import (
    EMPTY_KEPT,
    SHOWN,
    ZERO_DROPPED,
    Shape,
    named,
    shape,
)
from bot.sandbox.kubernetes.stored import Object, copy_json
from bot.sandbox.kubernetes.texts import DecodeError

_INT64 = frozenset(
    {
        *("generation", "observedGeneration", "terminationGracePeriodSeconds", "fsGroup"),
        *("activeDeadlineSeconds", "deletionGracePeriodSeconds", "runAsUser", "runAsGroup"),
        *("tolerationSeconds", "expirationSeconds", "startingDeadlineSeconds"),
        *("gracePeriodSeconds", "revision"),
    }
)
_MICRO_TIMES = frozenset(
    {
        *(("Event", "eventTime"), ("events.Event", "eventTime")),
        *(("EventSeries", "lastObservedTime"), ("LeaseSpec", "acquireTime")),
        ("LeaseSpec", "renewTime"),
    }
)
_ZEROS: tuple[Any, ...] = ("", 0, False)
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
_GO_KINDS = {
    str: "string",
    bool: "bool",
    dict: "map",
    list: "slice",
    int: "int64",
    float: "float64",
}


def decode(schema: str, obj: Object) -> tuple[Object, list[str]]:
    """The object as Go holds it, and strict decoding's complaints: fields that the type does not
    have.

    Raises DecodeError when a value has the wrong type.
    """
    complaints: list[str] = []
    clean = _struct(schema, obj, "", complaints)
    return clean, complaints


def _struct(schema: str, value: Object, path: str, unknown: list[str]) -> Object:
    clean: Object = {}
    zeros = ZERO_DROPPED.get(schema, frozenset())
    for field, item in value.items():
        where = f"{path}.{field}" if path else field
        its = shape(schema, field)
        if its is None:
            unknown.append(f'unknown field "{where}"')
            continue
        if item is None:
            continue
        decoded = _value(its, item, where, unknown, (schema, field))
        if _left_out(its, decoded, (schema, field)):
            continue
        if field in zeros and decoded in _ZEROS:
            continue
        clean[field] = decoded
    for field, shown in SHOWN.get(schema, {}).items():
        if clean.get(field) is None:
            clean[field] = copy_json(shown)
    return clean


def _left_out(its: Shape, value: Any, at: tuple[str, str]) -> bool:
    return its.kind in ("list", "map") and not value and at not in EMPTY_KEPT


def _value(its: Shape, value: Any, path: str, unknown: list[str], at: tuple[str, str]) -> Any:
    if its.kind == "struct":
        if not isinstance(value, dict):
            go_type = f"v1.{its.name.rpartition('.')[2]}"
            raise _wrong(value, at, path, go_type, plain="cannot restore struct from: {kind}")
        return _struct(its.name, value, path, unknown)
    if its.kind == "map":
        if not isinstance(value, dict):
            go_type = f"map[string]{_go_type(its.name, at[1])}"
            raise _wrong(value, at, path, go_type, plain="cannot restore map from {kind}")
        inner = named(its.name)
        return {
            key: _value(inner, item, f"{path}.{key}", unknown, at)
            for key, item in value.items()
            if item is not None or its.name == "string"
        }
    if its.kind == "list":
        if not isinstance(value, list):
            go_type = f"[]{_go_type(its.name, at[1])}"
            raise _wrong(value, at, path, go_type, plain="cannot restore slice from {kind}")
        inner = named(its.name)
        return [
            _value(inner, {} if item is None and inner.kind == "struct" else item,
                   f"{path}[{index}]", unknown, at)
            for index, item in enumerate(value)
        ]  # fmt: skip
    return _scalar(its.name, value, path, at)


def _scalar(name: str, value: Any, path: str, at: tuple[str, str]) -> Any:
    if name == "quantity":
        return _quantity(value)
    if name == "integer":
        return _integer(value, path, at)
    if name == "int-or-string" and (isinstance(value, bool) or not isinstance(value, str | int)):
        raise _wrong(value, at, path, "int32")
    if name == "boolean" and not isinstance(value, bool):
        raise _wrong(value, at, path, "bool")
    if name in ("string", "time", "bytes"):
        return _text(name, value, path, at)
    return value


def _quantity(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise DecodeError(str(quantities.QuantityError()))
    try:
        return quantities.canonical(value)
    except quantities.QuantityError as error:
        raise DecodeError(str(error)) from error


def _integer(value: Any, path: str, at: tuple[str, str]) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    go_type = _go_type("integer", at[1])
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(value, at, path, go_type)
    limit = 2**63 if at[1] in _INT64 else 2**31
    if not -limit <= value < limit:
        raise _wrong(value, at, path, go_type, number=True)
    return value


def _text(name: str, value: Any, path: str, at: tuple[str, str]) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _wrong(value, at, path, "[]uint8" if name == "bytes" else "string")
    if name == "bytes":
        _check_base64(value)
    if name == "time":
        return _time(value, at)
    return value


def _time(value: str, at: tuple[str, str]) -> str:
    layout = go_time.MICROSECONDS if at in _MICRO_TIMES else go_time.SECONDS
    try:
        return go_time.canonical(value, layout)
    except go_time.TimeError as error:
        raise DecodeError(str(error)) from error


def _check_base64(text: str) -> None:
    at = _illegal_byte(text)
    if at is not None:
        raise DecodeError(f"illegal base64 data at input byte {at}")


def _illegal_byte(text: str) -> int | None:
    """The byte that Go's encoding/base64 names, None for none: groups of four, the last one filled
    up with "="; line ends do not count, but for the place."""
    places = [at for at, one in enumerate(text) if one not in "\r\n"]
    bare = "".join(text[at] for at in places)
    body = next((at for at, one in enumerate(bare) if one not in _BASE64), len(bare))
    held = body % 4
    if body == len(bare):
        return len(text) - held if held else None
    if bare[body] != "=" or held < 2:
        return places[body]
    end = body + 4 - held
    if held == 2 and bare[body:end] != "==":
        return places[body + 1] - 1 if body + 1 < len(bare) else len(text)
    return places[end] if end < len(bare) else None


def _go_type(name: str, field: str) -> str:
    if name == "integer":
        return "int64" if field in _INT64 else "int32"
    return {"boolean": "bool", "string": "string", "bytes": "[]uint8", "number": "float64"}.get(
        name, "resource.Quantity" if name == "quantity" else f"v1.{name.rpartition('.')[2]}"
    )


def _wrong(
    value: Any,
    at: tuple[str, str],
    path: str,
    go_type: str,
    *,
    number: bool = False,
    plain: str = "",
) -> DecodeError:
    """Go names the struct, then the whole path without indexes, then the type it wanted."""
    kinds = {str: "string", bool: "bool", dict: "object", list: "array", int: "number"}
    found = f"number {value}" if number else kinds.get(type(value), f"number {value}")
    where = ".".join(part.partition("[")[0] for part in path.split("."))
    owner = at[0].rpartition(".")[2]
    converter = (plain or f"unrecognized type: {go_type}").replace(
        "{kind}", _GO_KINDS.get(type(value), "interface")
    )
    return DecodeError(
        f"json: cannot unmarshal {found} into Go struct field {owner}.{where} of type {go_type}",
        converter,
    )

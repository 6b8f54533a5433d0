"""From JSON or YAML text to an object as Go would decode and encode it again.

Unknown fields are dropped and named (for `fieldValidation`), nulls and empty optional values
vanish, quantities take their canonical form, and a value of the wrong type is an error in Go's own
words. Validation of the meaning is in `validation.py`, defaults are in `defaults.py`.
"""

from __future__ import annotations

import json
from typing import Any

import yaml

from bot.sandbox.kubernetes import quantities
from bot.sandbox.kubernetes.schema import (
    EMPTY_KEPT,
    SHOWN,
    ZERO_DROPPED,
    Shape,
    named,
    shape,
)
from bot.sandbox.kubernetes.storage import Object, copy_json

_INT64 = frozenset(
    {
        *("generation", "observedGeneration", "terminationGracePeriodSeconds", "fsGroup"),
        *("activeDeadlineSeconds", "deletionGracePeriodSeconds", "runAsUser", "runAsGroup"),
        *("tolerationSeconds", "expirationSeconds", "startingDeadlineSeconds"),
    }
)
_ZEROS: tuple[Any, ...] = ("", 0, False)
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
_GO_KINDS = {
    str: "string",
    bool: "bool",
    dict: "map",
    list: "slice",
    int: "int64",
    float: "float64",
}


class DecodeError(Exception):
    """The text or a value in it cannot become the type; the message is encoding/json's.

    `plain` is the message of apimachinery's unstructured converter, which strategic patches and
    apply go through instead; empty where it has none of its own.
    """

    def __init__(self, message: str, plain: str = "") -> None:
        super().__init__(message)
        self.plain = plain


class Doubled(dict[str, Any]):
    """A JSON object in which keys stand twice; the last value counts, as in Go."""

    keys_twice: tuple[str, ...] = ()


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    seen: set[str] = set()
    twice: dict[str, None] = {}
    for key, _ in pairs:
        if key in seen:
            twice[key] = None
        seen.add(key)
    doubled = Doubled(found)
    doubled.keys_twice = tuple(twice)
    return doubled


def repeated(value: Any, path: str = "") -> list[str]:
    """Strict decoding's complaints about keys that stand twice, by path."""
    found: list[str] = []
    if isinstance(value, Doubled):
        found.extend(f'duplicate field "{_join(path, key)}"' for key in value.keys_twice)
    if isinstance(value, dict):
        for key, item in value.items():
            found.extend(repeated(item, _join(path, key)))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found.extend(repeated(item, f"{path}[{index}]"))
    return found


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def json_text(data: bytes) -> Any:
    """Parse JSON. Raises DecodeError with encoding/json's message."""
    try:
        return json.loads(data, parse_constant=_no_constant, object_pairs_hook=_pairs)
    except UnicodeDecodeError as error:
        raise DecodeError(f"invalid character {_go_char(data, error.start)} in string") from error
    except json.JSONDecodeError as error:
        raise DecodeError(_go_json_message(error)) from error
    except RecursionError as error:
        raise DecodeError("exceeded max depth") from error


def _no_constant(name: str) -> None:
    raise DecodeError(f"invalid character '{name[0]}' looking for beginning of value")


def _go_char(data: bytes, at: int) -> str:
    return f"'\\x{data[at]:02x}'"


def _go_json_message(error: json.JSONDecodeError) -> str:
    text, at = error.doc, error.pos
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    if at >= len(text) or error.msg.startswith("Unterminated"):
        return "unexpected end of JSON input"
    character = {"'": r"'\''", '"': "'\"'"}.get(text[at], f"'{text[at]}'")
    where = {
        "Expecting property name enclosed in double quotes": (
            "looking for beginning of object key string"
        ),
        "Expecting ':' delimiter": "after object key",
        "Expecting ',' delimiter": "after object key:value pair"
        if _in_object(text, at)
        else "after array element",
        "Extra data": "after top-level value",
    }.get(error.msg, "looking for beginning of value")
    if error.msg.startswith("Illegal trailing comma") or text[at] == ",":
        where = "looking for beginning of value"
    return f"invalid character {character} {where}"


def _in_object(text: str, at: int) -> bool:
    """Whether the innermost bracket that is open at a position is a brace (strings skipped)."""
    stack: list[str] = []
    quoted = escaped = False
    for character in text[:at]:
        if quoted:
            quoted = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            quoted = True
        elif character in "{[":
            stack.append(character)
        elif character in "}]" and stack:
            stack.pop()
    return bool(stack) and stack[-1] == "{"


class _Loader(yaml.SafeLoader):
    """YAML 1.1 as sigs.k8s.io/yaml reads it: no timestamps, and duplicated keys are remembered."""

    duplicates: list[tuple[int, str]]

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            name = str(getattr(key, "value", ""))
            if name in seen:
                self.duplicates.append((key.start_mark.line + 1, name))
            seen.add(name)
        return super().construct_mapping(node, deep)

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise DecodeError("yaml: document contains excessive aliasing")
        return super().compose_node(parent, index)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if not tag.endswith("timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def yaml_text(data: bytes) -> tuple[Any, list[str]]:
    """Parse YAML (or JSON); also says which keys are there twice. Raises DecodeError."""
    try:
        value = json.loads(data, object_pairs_hook=_pairs)
        if not repeated(value):
            return value, []
    except (ValueError, RecursionError):
        pass
    loader = None
    try:
        loader = _Loader(data)
        loader.duplicates = []
        value = loader.get_single_data()
    except yaml.YAMLError as error:
        raise DecodeError(f"error converting YAML to JSON: {_go_yaml_message(error)}") from error
    except (RecursionError, ValueError) as error:
        raise DecodeError("error converting YAML to JSON: yaml: exceeded max depth") from error
    finally:
        if loader is not None:
            loader.dispose()
    twice = [f'  line {line}: key "{name}" already set in map' for line, name in loader.duplicates]
    return _json_keys(value), twice


def _json_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {_json_key(key): _json_keys(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_json_keys(item) for item in value]
    return value


def _json_key(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def _go_yaml_message(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark is not None else 1
    problem = str(getattr(error, "problem", "") or "control characters are not allowed")
    if "expected the node content" in problem or "expected ',' or '}'" in problem:
        problem = "did not find expected node content"
    elif "expected ',' or ']'" in problem:
        problem = "did not find expected ',' or ']'"
    elif "expected <block end>" in problem:
        problem = "did not find expected key"
    elif "could not find expected ':'" in problem:
        problem = "could not find expected ':'"
    elif "cannot start any token" in problem:
        problem = "found character that cannot start any token"
    elif "mapping values are not allowed" in problem:
        problem = "mapping values are not allowed in this context"
    return f"yaml: line {line}: {problem}"


def decode(schema: str, obj: Object) -> tuple[Object, list[str]]:
    """The object as Go holds it, and strict decoding's complaints: fields that the type does not
    have, keys that stand twice.

    Raises DecodeError when a value has the wrong type.
    """
    complaints: list[str] = []
    clean = _struct(schema, obj, "", complaints)
    return clean, complaints


def _struct(schema: str, value: Object, path: str, unknown: list[str]) -> Object:
    clean: Object = {}
    zeros = ZERO_DROPPED.get(schema, frozenset())
    twice = value.keys_twice if isinstance(value, Doubled) else ()
    for field, item in value.items():
        where = f"{path}.{field}" if path else field
        its = shape(schema, field)
        if its is None:
            unknown.append(f'unknown field "{where}"')
            continue
        if field in twice:
            unknown.append(f'duplicate field "{where}"')
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
    return value


def _check_base64(text: str) -> None:
    """Go's encoding/base64 names the first byte that it cannot take; line ends do not count."""
    wanted = {character for character in text if character not in "\r\n"} - _BASE64
    bare = text.replace("\r", "").replace("\n", "")
    at = next((index for index, one in enumerate(text) if one in wanted), -1)
    if at < 0:
        body = bare.rstrip("=")
        padding = len(bare) - len(body)
        if "=" in body:
            at = text.index("=")
        elif len(bare) % 4 or padding > 2 or len(body) % 4 == 1:
            at = len(bare) - (len(bare) % 4 or 4) if not padding else len(body)
            at = min(at, len(text))
    if at >= 0:
        raise DecodeError(f"illegal base64 data at input byte {at}")


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

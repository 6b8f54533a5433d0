"""From JSON or YAML text to plain values, with Go's words for what is no such text.

Keys that stand twice are kept in mind (`Doubled`, `repeated`), because strict requests refuse them.
From plain values to objects of a type goes `decoding.py`.
"""

from __future__ import annotations

import json
from typing import Any

import yaml


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
    """Parse JSON. Raises DecodeError with encoding/json's message.

    As in Go, bytes that are no UTF-8 are replaced where they stand in a string, and are a character
    each, and a wrong one, everywhere else.
    """
    try:
        return _parsed(data)
    except UnicodeDecodeError:
        pass
    except json.JSONDecodeError as error:
        raise DecodeError(_go_json_message(error)) from error
    except RecursionError as error:
        raise DecodeError("exceeded max depth") from error
    try:
        return _parsed(data.decode(errors="replace"))
    except (json.JSONDecodeError, RecursionError):
        return json_text(data.decode("latin-1").encode())


def _parsed(data: bytes | str) -> Any:
    return json.loads(data, parse_constant=_no_constant, object_pairs_hook=_pairs)


def _no_constant(name: str) -> None:
    raise DecodeError(f"invalid character '{name[0]}' looking for beginning of value")


def _go_json_message(error: json.JSONDecodeError) -> str:
    text, at = error.doc, error.pos
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    if at >= len(text) or error.msg.startswith("Unterminated"):
        return "unexpected end of JSON input"
    if error.msg == "Expecting value":
        for literal in ("true", "false", "null"):
            if text[at] == literal[0]:  # Go reads on and stops at the first letter that is wrong
                return _wrong_literal(text[at : at + len(literal)], literal)
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


def _wrong_literal(found: str, literal: str) -> str:
    for letter, wanted in zip(found, literal, strict=False):
        if letter != wanted:
            return f"invalid character '{letter}' in literal {literal} (expecting '{wanted}')"
    return "unexpected end of JSON input"


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
        node = loader.get_node() if loader.check_node() else None  # the first document
        value = None if node is None else loader.construct_document(node)
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

"""The value of a configuration key taken apart, where it is a document itself. Pure.

JSON, YAML and `key = value` lines become their leaves, so that a changed line in a document of two
hundred is one difference and not a text of two pages. What is none of these is one leaf.
"""

import json
import re
from collections.abc import Mapping

from config.reading import UnreadableError, parse_yaml

LARGEST = 64 * 1024
"""Characters; what is longer is told apart as a whole."""
_DEEPEST = 12
_MOST = 2_000

_PROPERTY = re.compile(r"\s*([A-Za-z0-9_.\[\]/-]{1,200})\s*[=:]\s*(.*)")


def leaves_of(text: str) -> Mapping[str, str]:
    """By their path within the value; {"": text} where it is no document."""
    whole = {"": text}
    if len(text) > LARGEST or not text.strip():
        return whole
    if text.lstrip()[0] in "{[":
        try:
            return _flat(json.loads(text)) or whole
        except (ValueError, RecursionError):
            pass
    if "\n" not in text.strip():
        return whole
    return _properties(text) or _yaml(text) or whole


def _properties(text: str) -> Mapping[str, str]:
    """Every line is a key with a value, a comment, or empty; none where one is not, or where a
    key comes twice (then the order counts)."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if not line.strip() or line.lstrip()[0] in "#;!":
            continue
        pair = _PROPERTY.fullmatch(line)
        if pair is None or pair[1] in found or line[0] in " \t" or not pair[2]:
            return {}
        found[pair[1]] = pair[2].strip()
    return found


def _yaml(text: str) -> Mapping[str, str]:
    """Read within the limits of `config.reading`, which knows no aliases: no text explodes."""
    try:
        document = parse_yaml(text, "value")
    except UnreadableError:
        return {}
    if document.mistakes or not isinstance(document.value, dict | list):
        return {}
    return _flat(document.value)


def _flat(value: object) -> dict[str, str]:
    """None of it where it is too deep or too much: then it is compared as text."""
    found: dict[str, str] = {}
    open_: list[tuple[str, object, int]] = [("", value, 0)]
    while open_:
        path, inner, depth = open_.pop()
        if depth > _DEEPEST or len(found) > _MOST:
            return {}
        if isinstance(inner, Mapping) and inner:
            open_ += [(f"{path}.{key}".lstrip("."), item, depth + 1) for key, item in inner.items()]
        elif isinstance(inner, list) and inner:
            open_ += [(f"{path}[{place}]", item, depth + 1) for place, item in enumerate(inner)]
        else:
            found[path] = inner if isinstance(inner, str) else json.dumps(inner)
    return found

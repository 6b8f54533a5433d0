"""The types of `/openapi/v2` in gnostic's protobuf form, the only one that `kubectl` reads.

It checks `kind: List` (what `kubectl get -o yaml` prints) against them before it applies it. The
numbers of fields are those of gnostic's openapiv2/OpenAPIv2.proto; paths are left out, nobody asks
for them in this form.
"""

from __future__ import annotations

from typing import Any

import yaml

from bot.sandbox.kubernetes.stored import Object

ASKED = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
MEDIA_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
_LENGTH_DELIMITED = 2


def encoded(document: Object) -> bytes:
    """A whole OpenAPI v2 document."""
    info = _text(1, document["info"]["title"]) + _text(2, document["info"]["version"])
    definitions = b"".join(
        _part(1, _named(name, _schema(schema))) for name, schema in document["definitions"].items()
    )
    return _text(1, document["swagger"]) + _part(2, info) + _part(9, definitions)


def _schema(schema: Object) -> bytes:
    parts = [
        _text(1, schema.get("$ref", "")),
        _text(2, schema.get("format", "")),
        _text(4, schema.get("description", "")),
    ]
    if "additionalProperties" in schema:
        parts.append(_part(21, _part(1, _schema(schema["additionalProperties"]))))
    if "type" in schema:
        parts.append(_part(22, _text(1, schema["type"])))
    if "items" in schema:
        parts.append(_part(23, _part(1, _schema(schema["items"]))))
    if "properties" in schema:
        properties = schema["properties"].items()
        inside = (_part(1, _named(name, _schema(its))) for name, its in properties)
        parts.append(_part(25, b"".join(inside)))
    parts.extend(
        _part(31, _named(name, _text(2, yaml.safe_dump(value))))
        for name, value in schema.items()
        if name.startswith("x-")
    )
    return b"".join(parts)


def _named(name: str, value: bytes) -> bytes:
    return _text(1, name) + _part(2, value)


def _text(field: int, text: Any) -> bytes:
    return _part(field, str(text).encode()) if text else b""


def _part(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | _LENGTH_DELIMITED) + _varint(len(data)) + data


def _varint(number: int) -> bytes:
    digits = bytearray()
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    digits.append(number)
    return bytes(digits)

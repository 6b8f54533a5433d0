"""What a request to the Web API says: its arguments, its token, and how it breaks Slack's manners.

Arguments come from the query, a form or JSON. A token comes in the header `Authorization`, or in a
form; in a query or in JSON it is not seen (Slack's documentation of the Web API, "Authentication",
and its change of February 2021).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from aiohttp import web

from bot.sandbox.slack.errors import JSON

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_CHARSETS = ("utf-8", "utf8", "iso-8859-1")
_NAME = re.compile(r"[A-Za-z0-9_]{1,255}")


@dataclass(frozen=True, slots=True)
class Arguments:
    """`refusal` is the error of a request that cannot be read; `warnings` go with any answer."""

    values: JSON
    token: str = ""
    refusal: str | None = None
    warnings: list[str] = field(default_factory=list)


async def read(request: web.Request) -> Arguments:
    """Query first, then the body of a POST."""
    scheme, _, token = request.headers.get("Authorization", "").strip().partition(" ")
    token = token.strip() if scheme.casefold() == "bearer" else ""
    query: JSON = dict(request.query)
    query.pop("token", None)
    refusal = _wrong_name(query)
    if refusal is not None:
        return Arguments({}, token, refusal)
    if request.method != "POST" or not request.body_exists:  # also where it was read already
        return Arguments(query, token)
    if "Content-Type" not in request.headers:
        return Arguments(query, token, "missing_post_type")
    return await _with_body(request, query, token)


async def _with_body(request: web.Request, query: JSON, token: str) -> Arguments:
    kind, charset = request.content_type, request.charset
    if charset is not None and charset.casefold() not in _CHARSETS:
        return Arguments(query, token, "invalid_charset")
    warnings = []
    if kind in _FORMS and charset is not None:
        warnings = ["superfluous_charset"]
    elif kind not in _FORMS and charset is None:
        warnings = ["missing_charset"]
    if kind == "application/json":
        found, refusal = _parsed(await request.text())
        found.pop("token", None)
        return Arguments(query | found, token, refusal, warnings)
    if kind in _FORMS:
        try:
            form = await request.post()
        except ValueError:
            return Arguments(query, token, "invalid_form_data", warnings)
        values = {name: value for name, value in form.items() if isinstance(value, str)}
        token = token or values.pop("token", "")
        values.pop("token", None)
        return Arguments(query | values, token, _wrong_name(values), warnings)
    if kind == "text/plain":
        return Arguments(query, token, None, warnings)
    return Arguments(query, token, "invalid_post_type")


def _parsed(text: str) -> tuple[JSON, str | None]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}, "invalid_json"
    return (found, None) if isinstance(found, dict) else ({}, "json_not_object")


def _wrong_name(names: Iterable[str]) -> str | None:
    for name in names:
        if name.endswith("]") and "[" in name:
            return "invalid_array_arg"
        if _NAME.fullmatch(name) is None:
            return "invalid_arg_name"
    return None

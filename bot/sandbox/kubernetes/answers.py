"""Answers of the API server: JSON or YAML bodies, Status bodies, warnings, the cut connection."""

from __future__ import annotations

from typing import Any

import yaml
from aiohttp import web

from bot.sandbox.kubernetes import statuses
from bot.sandbox.kubernetes.requests import Target
from bot.sandbox.kubernetes.statuses import ApiError
from bot.sandbox.kubernetes.stored import Object, encode

JSON = "application/json"


def as_json(value: Any, status: int = 200, *, yaml_form: bool = False) -> web.Response:
    if yaml_form:
        text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True)
        return web.Response(text=text, status=status, content_type="application/yaml")
    return web.Response(body=encode(value), status=status, content_type=JSON)


def as_status(error: ApiError) -> web.Response:
    response = as_json(error.status(), error.code)
    retry = (error.details or {}).get("retryAfterSeconds")
    if retry:
        response.headers["Retry-After"] = str(retry)
    return response


def with_warnings(response: web.Response, warnings: list[str]) -> web.Response:
    for warning in dict.fromkeys(warnings):
        text = warning.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
        response.headers.add("Warning", f'299 - "{text}"')
    return response


def no_page() -> web.Response:
    return web.Response(text="404 page not found\n", status=404)


def deleted(target: Target, obj: Object) -> Object:
    details: Object = {"name": target.name}
    if target.kind.group:
        details["group"] = target.kind.group
    details["kind"] = target.kind.plural
    details["uid"] = obj["metadata"].get("uid", "")
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": details,
    }


def unrecognized(kind_name: str, why: str, data: bytes) -> ApiError:
    if not data:
        shown = "<empty>"
    elif data[:1] == b"{":
        shown = data[:30].decode(errors="replace") + (" ..." if len(data) > 30 else "")
    else:
        shown = data[:30].hex() + (" ..." if len(data) > 30 else "")
    return statuses.bad_request(
        f"the object provided is unrecognized (must be of type {kind_name}): {why} ({shown})"
    )


def has_left(request: web.Request) -> bool:
    """Whether the client has closed its connection, which a handler is not told."""
    return request.transport is None or request.transport.is_closing()


def drop(request: web.Request) -> None:
    """Cut the connection as a server does that is gone."""
    if request.transport is not None:
        request.transport.abort()

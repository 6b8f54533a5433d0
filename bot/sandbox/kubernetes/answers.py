"""Answers of the API server: JSON or YAML bodies, Status bodies, warnings, the cut connection."""

from __future__ import annotations

from typing import Any

import orjson
import yaml
from aiohttp import web

from bot.sandbox.kubernetes import statuses
from bot.sandbox.kubernetes.requests import Target, media_type
from bot.sandbox.kubernetes.statuses import ApiError
from bot.sandbox.kubernetes.stored import Object, encode

JSON = "application/json"
_READ_BY_PEOPLE = ("curl", "Wget", "Mozilla/5.0")
_TRUE = ("1", "t", "T", "true", "TRUE", "True")  # strconv.ParseBool


def as_json(value: Any, status: int = 200, *, yaml_form: bool = False) -> web.Response:
    if yaml_form:
        text = yaml.safe_dump(value, allow_unicode=True)
        return web.Response(body=text.encode(), status=status, content_type="application/yaml")
    return web.Response(body=encode(value), status=status, content_type=JSON)


def as_read(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Indented for people: who asks for it, and browsers and tools of the command line
    (responsewriters/writers.go: isPretty).
    """
    wanted = request.query.get("pretty")
    if wanted is None:
        pretty = request.headers.get("User-Agent", "").startswith(_READ_BY_PEOPLE)
    else:
        pretty = wanted in _TRUE
    if pretty and isinstance(response, web.Response) and response.content_type == JSON:
        body = response.body
        if isinstance(body, bytes):
            response.body = orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2)
    return response


def as_status(error: ApiError, accept: str = "") -> web.Response:
    """In YAML for whoever reads that first; in JSON for everybody who cannot be served."""
    yaml_form = media_type(accept.partition(",")[0]) == "application/yaml"
    response = as_json(error.status(), error.code, yaml_form=yaml_form)
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

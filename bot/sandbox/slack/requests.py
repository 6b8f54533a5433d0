"""What the handlers of the client API share: reading a request, answering, refusing."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from yarl import URL

from bot.sandbox.slack import people
from bot.sandbox.slack.errors import JSON, ClientError
from bot.sandbox.slack.services import Slack

Handler = Callable[[Slack, web.Request], Awaitable[web.StreamResponse]]


def guarded(slack: Slack, handler: Handler) -> Callable[[web.Request], Any]:
    async def serve(request: web.Request) -> web.StreamResponse:
        try:
            _refuse_foreign(slack, request)
            slack.base_url.seen_by_page = str(request.url.origin())
            return await handler(slack, request)
        except ClientError as refusal:
            body = {"error": refusal.code, "message": refusal.message}
            return web.json_response(body, status=refusal.status)

    return serve


def answer(body: JSON) -> web.Response:
    return web.json_response(body)


async def body_of(request: web.Request) -> JSON:
    try:
        found = await request.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ClientError("invalid_json", "The body is a JSON object.")
    return found


def text_of(source: Any, name: str) -> str:
    value = source.get(name)
    if not isinstance(value, str) or not value:
        raise ClientError("missing_field", f"{name!r} is missing.")
    return value


def user_of(slack: Slack, source: Any) -> str:
    user = text_of(source, "user")
    people.person_of(slack, user)
    return user


def _refuse_foreign(slack: Slack, request: web.Request) -> None:
    """Only the sandbox's own page may act from a browser.

    A foreign page could send requests to a loopback port, directly or under a name of its own that
    resolves to it; a sandbox may be driving a real cluster.
    """
    origin = request.headers.get("Origin")
    if origin is None:
        return
    try:
        url = URL(origin)
    except ValueError:
        url = URL()
    own = URL(slack.base_url.given).host if slack.base_url.given else None
    if url.authority != request.url.authority or not (_is_local(url.host) or url.host == own):
        raise ClientError("foreign_origin", "Only the page of this workspace may do that.", 403)


def _is_local(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "") is not None
    except ValueError:
        return False

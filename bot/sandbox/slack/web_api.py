"""The Web API: one endpoint per method, answered as Slack answers.

Errors are HTTP 200 with `ok: false`, but for 429. Requests are read in `arguments.py`; the methods
themselves are in `methods/`, one module per family.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from aiohttp import web

from bot.sandbox.slack import arguments
from bot.sandbox.slack.arguments import Arguments
from bot.sandbox.slack.errors import JSON, SchemaError, SlackError
from bot.sandbox.slack.faults import Fault
from bot.sandbox.slack.services import Slack

TokenKind = Literal["bot", "app", "any", "none"]


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a method: who calls and with which arguments."""

    slack: Slack
    method: str
    args: JSON
    is_post: bool

    def text(self, name: str) -> str | None:
        """A string argument; numbers count as their digits, empty strings as absent."""
        value = self.args.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        return value if isinstance(value, str) and value else None

    def need(self, name: str) -> str:
        value = self.text(name)
        if value is None:
            raise SchemaError("invalid_arguments", [f"missing required field: {name}"])
        return value

    def flag(self, name: str) -> bool:
        return self.args.get(name) in (True, 1, "1", "true", "True")

    def number(self, name: str, default: int) -> int:
        try:
            return int(self.args.get(name, default))
        except (TypeError, ValueError):
            raise SchemaError("invalid_arguments", [f"must be an integer: {name}"]) from None

    def structure(self, name: str) -> Any:
        """An argument that is JSON: as it is in a JSON body, as a string of it elsewhere."""
        value = self.args.get(name)
        if isinstance(value, str):
            if not value:
                return None
            try:
                return json.loads(value)
            except ValueError:
                kind = {"blocks": "invalid_blocks_format", "metadata": "invalid_metadata_format"}
                raise SlackError(kind.get(name, "invalid_arguments")) from None
        return value


Handler = Callable[[Call], JSON | Awaitable[JSON]]


@dataclass(frozen=True, slots=True)
class Method:
    """`scopes`: any one of them is enough; `tier` None is not limited here."""

    name: str
    handler: Handler
    scopes: tuple[str, ...]
    tier: str | None
    token: TokenKind


METHODS: dict[str, Method] = {}


def method(
    name: str,
    *scopes: str,
    tier: str | None = "T3",
    token: TokenKind = "bot",  # noqa: S107
) -> Callable[[Handler], Handler]:
    """Register a handler under Slack's name of the method."""

    def register(handler: Handler) -> Handler:
        METHODS[name] = Method(name, handler, scopes, tier, token)
        return handler

    return register


async def handle(slack: Slack, request: web.Request) -> web.StreamResponse:
    """Serve `/api/METHOD`."""
    name = request.match_info["method"]
    asked = await arguments.read(request)
    args = asked.values
    fault = await slack.fault_of(name, web_api=True)
    if fault is not None and not fault.after:
        spoiled = _spoiled(slack, request, name, args, fault)
        if spoiled is not None:
            return spoiled
    status, body, headers = await _answer(slack, request, name, asked)
    body |= _warned(body, asked.warnings)
    if fault is not None and fault.after:
        spoiled = _spoiled(slack, request, name, args, fault)
        if spoiled is not None:
            return spoiled
    _note(slack, name, args, body, status)
    return web.json_response(body, status=status, headers=headers)


def _spoiled(
    slack: Slack, request: web.Request, name: str, args: JSON, fault: Fault
) -> web.StreamResponse | None:
    """The answer that a fault ordered, or None where it ordered only a delay."""
    if fault.drop:
        _note(slack, name, args, None, "dropped")
        if request.transport is not None:
            request.transport.close()
        return web.Response(status=500)
    if fault.status is None and fault.error is None:
        return None
    status = fault.status or (429 if fault.error == "ratelimited" else 200)
    headers = {}
    if fault.retry_after is not None or status == 429:
        headers["Retry-After"] = str(fault.retry_after if fault.retry_after is not None else 1)
    body = {"ok": False, "error": fault.error or ("ratelimited" if status == 429 else "fatal")}
    _note(slack, name, args, body, status)
    return web.json_response(body, status=status, headers=headers)


def _warned(body: JSON, warnings: list[str]) -> JSON:
    """The warnings of an answer with those of its request."""
    if not warnings:
        return {}
    metadata = body.get("response_metadata", {})
    every = [*metadata.get("warnings", []), *warnings]
    return {"warning": ",".join(every), "response_metadata": {**metadata, "warnings": every}}


async def _answer(
    slack: Slack, request: web.Request, name: str, asked: Arguments
) -> tuple[int, JSON, dict[str, str]]:
    headers = {"x-slack-req-id": slack.workspace.new_id("r")}
    try:
        if asked.refusal is not None:
            raise SlackError(asked.refusal)
        known = METHODS.get(name)
        if known is None:
            raise SlackError("unknown_method", req_method=name)
        _authenticate(slack, known, asked.token, headers)
        place = None
        if name == "chat.postMessage":  # the one method of which each channel has a pace
            place = slack.workspace.channel_id(str(asked.values.get("channel", "")))
        wait = slack.rates.take(name, known.tier, place)
        if wait is not None:
            headers["Retry-After"] = str(wait)
            return 429, {"ok": False, "error": "ratelimited"}, headers
        outcome = known.handler(Call(slack, name, asked.values, request.method == "POST"))
        result = await outcome if inspect.isawaitable(outcome) else outcome
        return 200, {"ok": True, **result}, headers
    except SlackError as refusal:
        return 200, refusal.body(), headers


def _authenticate(slack: Slack, known: Method, token: str, headers: dict[str, str]) -> None:
    """Check the token, its kind and its scopes; note the scopes in the headers."""
    if known.token == "none":  # noqa: S105
        return
    if not token:
        raise SlackError("not_authed")
    credentials = slack.credentials
    if token not in (credentials.bot_token, credentials.app_token):
        raise SlackError("invalid_auth")
    kind = "bot" if token == credentials.bot_token else "app"
    if known.token not in (kind, "any"):
        raise SlackError("not_allowed_token_type")
    provided = sorted(slack.scopes) if kind == "bot" else ["connections:write"]
    headers["x-oauth-scopes"] = ",".join(provided)
    if known.scopes:
        headers["x-accepted-oauth-scopes"] = ",".join(known.scopes)
    need_scope(provided, *known.scopes)


def need_scope(provided: list[str] | frozenset[str], *scopes: str) -> None:
    """Raise `missing_scope` unless one of `scopes` is provided (or none is needed)."""
    if scopes and not set(scopes) & set(provided):
        raise SlackError(
            "missing_scope", needed=",".join(scopes), provided=",".join(sorted(provided))
        )


def _note(slack: Slack, name: str, args: JSON, body: JSON | None, status: int | str) -> None:
    slack.transcript.add("to_slack", "web_api", name, request=args, response=body, status=status)

"""What an app answers to a command or through a response URL, turned into messages."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from bot.sandbox.slack import limits
from bot.sandbox.slack.contents import check_metadata, check_words
from bot.sandbox.slack.errors import JSON, SchemaError, SlackError
from bot.sandbox.slack.messages import stored_blocks
from bot.sandbox.slack.response_urls import ResponseUrl
from bot.sandbox.slack.services import Slack


def answer_command(slack: Slack, url: ResponseUrl, payload: Any) -> None:
    """Show what came back with a command's ack: nothing, a text, or a message."""
    if payload in (None, "", {}):
        return
    if isinstance(payload, str):
        payload = {"text": payload}
    if not isinstance(payload, dict):
        raise SlackError("invalid_command_response")
    respond(slack, url, payload)


def respond(slack: Slack, url: ResponseUrl, body: JSON) -> None:
    """Post, replace or delete as `body` says; raises `SlackError` for what Slack refuses."""
    source = slack.workspace.find(url.channel, url.source) if url.source else None
    if body.get("delete_original") is True:
        if source is None:
            raise SlackError("message_not_found")
        slack.workspace.delete(source)
        url.source = None
        return
    text, blocks, attachments, metadata = _content(slack, body)
    if body.get("replace_original") is True and source is not None:
        source.text, source.blocks, source.attachments = text, blocks, attachments
        source.metadata = metadata or source.metadata
        source.edited_ts = slack.workspace.new_ts()
        slack.workspace.changed(source)
        return
    public = body.get("response_type") == "in_channel"
    if public and url.command_ts is not None:
        slack.workspace.reveal(url.channel, url.command_ts)
        url.command_ts = None
    message = slack.workspace.post_as_app(
        url.channel,
        text[: limits.MESSAGE_TEXT],
        blocks=blocks,
        thread_ts=body.get("thread_ts") or None,
        attachments=attachments,
        metadata=metadata,
        visible_to=None if public else url.user,
    )
    if url.path.startswith("/commands/"):
        url.source = message.ts


def _content(slack: Slack, body: JSON) -> tuple[str, list[JSON], list[Any], JSON | None]:
    """Text, blocks, attachments and metadata of an answer, checked."""
    text = body.get("text") or ""
    breaches = [
        f"must provide a string [json-pointer:/{name}]"
        for name in ("text", "thread_ts", "response_type")
        if not isinstance(body.get(name) or "", str)
    ]
    if breaches:
        raise SchemaError("invalid_arguments", breaches)
    blocks, attachments = body.get("blocks") or [], body.get("attachments") or []
    check_words(text, blocks, attachments, slack.files.usable)
    metadata = check_metadata(body.get("metadata")) or None
    return text, stored_blocks(blocks, slack.workspace.new_id), attachments, metadata


async def handle(slack: Slack, request: web.Request) -> web.StreamResponse:
    """The endpoint behind every response URL: `ok`, or 404 with the error's code."""
    fault = await slack.fault_of("response_url")
    raw = await request.text()
    status, answer = 200, "ok"
    headers: dict[str, str] = {}
    body: Any = raw
    wait = None if fault else slack.rates.take_response_url(request.path)
    if fault is not None and (fault.error or fault.status):
        status = fault.status or 404
        answer = json.dumps({"ok": False, "error": fault.error or "internal_error"})
        if fault.retry_after is not None:
            headers["Retry-After"] = str(fault.retry_after)
    elif wait is not None:
        status, answer = 429, json.dumps({"ok": False, "error": "ratelimited"})
        headers["Retry-After"] = str(wait)
    else:
        try:
            body = json.loads(raw)
            if not isinstance(body, dict):
                raise ValueError("not an object")
            respond(slack, slack.urls.use(request.path), body)
        except ValueError:
            status, answer = 400, "invalid_payload"
        except SlackError as refusal:
            status, answer = 404, json.dumps(refusal.body())
    slack.transcript.add(
        "to_slack",
        "response_url",
        "respond",
        request=body,
        response=answer,
        status=status,
    )
    if fault is not None and fault.drop and request.transport is not None:
        request.transport.close()
    kind = "application/json" if answer.startswith("{") else "text/html"
    return web.Response(status=status, text=answer, content_type=kind, headers=headers)

"""chat.*: posting, editing, deleting, ephemeral messages, permalinks.

Streaming (`chat.startStream` and its kin) is not offered; it answers `unknown_method`.
"""

from __future__ import annotations

import json
from typing import Any

from bot.sandbox.slack import limits
from bot.sandbox.slack.blocks import check_message_blocks
from bot.sandbox.slack.errors import JSON, SchemaError, SlackError
from bot.sandbox.slack.messages import stored_blocks, wire
from bot.sandbox.slack.methods.places import channel_of, own_message, writable
from bot.sandbox.slack.web_api import Call, method
from bot.sandbox.slack.workspace import Channel, Message


@method("chat.postMessage", "chat:write", tier=None)
def post_message(call: Call) -> JSON:
    channel = writable(call.slack, call.need("channel"))
    text, blocks, attachments = _content(call)
    warning = _truncation(text)
    thread_ts = _thread(channel, call.text("thread_ts"))
    app = call.slack.workspace.app
    message = call.slack.workspace.post(
        Message(
            channel=channel.id,
            ts=call.slack.workspace.new_ts(),
            user=app.bot_user_id,
            text=text[: limits.MESSAGE_TEXT],
            blocks=stored_blocks(blocks, call.slack.workspace.new_id),
            attachments=attachments,
            bot_id=app.bot_id,
            app_id=app.id,
            thread_ts=thread_ts,
            broadcast=bool(thread_ts) and call.flag("reply_broadcast"),
            subtype="thread_broadcast" if thread_ts and call.flag("reply_broadcast") else None,
            metadata=_metadata(call),
        )
    )
    return {"channel": channel.id, "ts": message.ts, "message": _shown(call, message), **warning}


@method("chat.postEphemeral", "chat:write", tier="T4")
def post_ephemeral(call: Call) -> JSON:
    channel = writable(call.slack, call.need("channel"), uninvited=False)
    user = call.need("user")
    if user not in call.slack.workspace.users:
        raise SlackError("user_not_found")
    if user not in channel.members:
        raise SlackError("user_not_in_channel")
    text, blocks, attachments = _content(call)
    if len(text) > limits.MESSAGE_TEXT:
        raise SlackError("msg_too_long")
    app = call.slack.workspace.app
    message = call.slack.workspace.post(
        Message(
            channel=channel.id,
            ts=call.slack.workspace.new_ts(),
            user=app.bot_user_id,
            text=text,
            blocks=stored_blocks(blocks, call.slack.workspace.new_id),
            attachments=attachments,
            bot_id=app.bot_id,
            app_id=app.id,
            thread_ts=_thread(channel, call.text("thread_ts")),
            visible_to=user,
        )
    )
    return {"message_ts": message.ts}


@method("chat.update", "chat:write", tier="T3")
def update(call: Call) -> JSON:
    """Replace text and blocks: a text alone takes the blocks away; metadata stays unless given."""
    message = own_message(call, "cant_update_message")
    text, blocks, attachments = _content(call)
    if len(text) > limits.UPDATE_TEXT:
        raise SlackError("msg_too_long")
    metadata = _metadata(call)
    message.text = text
    message.blocks = stored_blocks(blocks, call.slack.workspace.new_id)
    message.attachments = attachments
    if metadata is not None:
        message.metadata = metadata
    message.edited_ts = call.slack.workspace.new_ts()
    call.slack.workspace.changed(message)
    return {
        "channel": message.channel,
        "ts": message.ts,
        "text": message.text,
        "message": _shown(call, message),
    }


@method("chat.delete", "chat:write", tier="T3")
def delete(call: Call) -> JSON:
    message = own_message(call, "cant_delete_message")
    workspace = call.slack.workspace
    if workspace.channels[message.channel].replies.get(message.ts):
        message.subtype, message.text, message.blocks = (
            "tombstone",
            "This message was deleted.",
            [],
        )
        workspace.changed(message)
    else:
        workspace.delete(message)
    return {"channel": message.channel, "ts": message.ts}


@method("chat.getPermalink", tier=None)
def get_permalink(call: Call) -> JSON:
    channel = channel_of(call.slack, call.need("channel"))
    message = call.slack.workspace.find(channel.id, call.need("message_ts"))
    if message is None or message.visible_to is not None:
        raise SlackError("message_not_found")
    link = f"{call.slack.base_url()}/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.is_reply:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def _shown(call: Call, message: Message) -> JSON:
    files = call.slack.files.of_message(message)
    return wire(call.slack.workspace, message, files, metadata=True)


def _thread(channel: Channel, thread_ts: str | None) -> str | None:
    """The root of the thread to answer in; a reply's ts leads to its parent's thread."""
    if thread_ts is None:
        return None
    parent = channel.by_ts.get(thread_ts)
    if parent is None:
        raise SlackError("thread_not_found")
    if parent.visible_to is not None:
        raise SlackError("cannot_reply_to_message")
    return parent.thread_ts or parent.ts


def _content(call: Call) -> tuple[str, list[JSON], list[Any]]:
    """Text, blocks and attachments of a call, checked."""
    text = call.text("text") or ""
    blocks = call.structure("blocks") or []
    attachments = call.structure("attachments") or []
    markdown = call.text("markdown_text")
    if markdown is not None:
        if text or blocks:
            raise SlackError("markdown_text_conflict")
        if len(markdown) > limits.MARKDOWN_TEXT:
            raise SlackError("msg_too_long")
        return "", [{"type": "markdown", "text": markdown}], []
    if not text and not blocks and not attachments:
        raise SlackError("no_text")
    if not isinstance(attachments, list):
        raise SlackError("invalid_attachments")
    if len(attachments) > limits.ATTACHMENTS:
        raise SlackError("too_many_attachments")
    if blocks:
        check_message_blocks(blocks, call.slack.files.usable)
    return text, blocks, attachments


def _truncation(text: str) -> JSON:
    if len(text) <= limits.MESSAGE_TEXT:
        return {}
    warning = "message_truncated"
    return {"warning": warning, "response_metadata": {"warnings": [warning]}}


def _metadata(call: Call) -> JSON | None:
    found = call.structure("metadata")
    if found in (None, {}):
        return None
    if not isinstance(found, dict):
        raise SlackError("invalid_metadata_format")
    breaches = [
        f"missing required field: {key} [json-pointer:/metadata]"
        for key, kind in (("event_type", str), ("event_payload", dict))
        if not isinstance(found.get(key), kind)
    ]
    breaches += [
        f"invalid additional property: {key} [json-pointer:/metadata]"
        for key in found
        if key not in ("event_type", "event_payload", "entities")
    ]
    if breaches:
        raise SchemaError("invalid_metadata_format", breaches)
    if len(json.dumps(found)) > limits.METADATA_JSON:
        raise SlackError("metadata_too_large")
    return found

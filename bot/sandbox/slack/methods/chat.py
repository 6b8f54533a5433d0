"""chat.*: posting, editing, deleting, ephemeral messages, permalinks (streams: `streams.py`)."""

from __future__ import annotations

from typing import Any

from bot.sandbox.slack import limits
from bot.sandbox.slack.contents import check_markdown, check_metadata, check_words
from bot.sandbox.slack.errors import JSON, SlackError
from bot.sandbox.slack.messages import stored_blocks, wire
from bot.sandbox.slack.methods.places import channel_of, own_message, thread_of, writable
from bot.sandbox.slack.web_api import Call, method
from bot.sandbox.slack.workspace import Message


@method("chat.postMessage", "chat:write", tier=None)
def post_message(call: Call) -> JSON:
    channel = writable(call.slack, call.need("channel"))
    text, blocks, attachments = _content(call)
    warning = _truncation(text)
    thread_ts = thread_of(channel, call.text("thread_ts"))
    broadcast = bool(thread_ts) and call.flag("reply_broadcast")
    message = call.slack.workspace.post_as_app(
        channel.id,
        text[: limits.MESSAGE_TEXT],
        blocks=stored_blocks(blocks, call.slack.workspace.new_id),
        attachments=attachments,
        thread_ts=thread_ts,
        broadcast=broadcast,
        subtype="thread_broadcast" if broadcast else None,
        metadata=check_metadata(call.structure("metadata")) or None,
    )
    return {"channel": channel.id, "ts": message.ts, "message": shown(call, message), **warning}


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
    message = call.slack.workspace.post_as_app(
        channel.id,
        text,
        blocks=stored_blocks(blocks, call.slack.workspace.new_id),
        attachments=attachments,
        thread_ts=thread_of(channel, call.text("thread_ts")),
        visible_to=user,
    )
    return {"message_ts": message.ts}


@method("chat.update", "chat:write", tier="T3")
def update(call: Call) -> JSON:
    """Replace text and blocks: a text alone takes the blocks away, and without any text they stay;
    metadata stays unless given, and goes with an empty object.
    """
    message = own_message(call, "cant_update_message")
    if call.slack.workspace.channels[message.channel].archived:
        raise SlackError("is_inactive")
    if message.streaming:
        raise SlackError("streaming_state_conflict")
    text, blocks, attachments = _content(call)
    if len(text) > limits.UPDATE_TEXT:
        raise SlackError("msg_too_long")
    metadata = check_metadata(call.structure("metadata"))
    message.text = text
    if text or blocks or "blocks" in call.args:
        message.blocks = stored_blocks(blocks, call.slack.workspace.new_id)
    message.attachments = attachments
    if metadata is not None:
        message.metadata = metadata or None
    message.edited_ts = call.slack.workspace.new_ts()
    call.slack.workspace.changed(message)
    return {
        "channel": message.channel,
        "ts": message.ts,
        "text": message.text,
        "message": shown(call, message),
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


def shown(call: Call, message: Message) -> JSON:
    files = call.slack.files.of_message(message)
    return wire(call.slack.workspace, message, files, metadata=True)


def _content(call: Call) -> tuple[str, list[JSON], list[Any]]:
    """Text, blocks and attachments of a call, checked."""
    text = call.text("text") or ""
    blocks = call.structure("blocks") or []
    attachments = call.structure("attachments") or []
    markdown = call.text("markdown_text")
    if markdown is not None:
        check_markdown(markdown, text, blocks)
        blocks = [{"type": "markdown", "text": markdown}]
    check_words(text, blocks, attachments, call.slack.files.usable)
    return text, blocks, attachments


def _truncation(text: str) -> JSON:
    if len(text) <= limits.MESSAGE_TEXT:
        return {}
    warning = "message_truncated"
    return {"warning": warning, "response_metadata": {"warnings": [warning]}}

"""reactions.*: emoji of the app under messages, and whose there are."""

from __future__ import annotations

import re

from bot.sandbox.slack import reacting
from bot.sandbox.slack.errors import JSON, SlackError
from bot.sandbox.slack.messages import wire
from bot.sandbox.slack.methods.places import channel_of, writable
from bot.sandbox.slack.web_api import Call, method
from bot.sandbox.slack.workspace import Channel, Message

_TIMESTAMP = re.compile(r"\d+\.\d+")


@method("reactions.add", "reactions:write", tier="T3")
def add(call: Call) -> JSON:
    message = _message(call, writable(call.slack, call.need("channel"), uninvited=False))
    name = reacting.emoji_named(call.need("name"))
    reacting.react(call.slack, call.slack.workspace.app.bot_user_id, message, name)
    return {}


@method("reactions.remove", "reactions:write", tier="T2")
def remove(call: Call) -> JSON:
    message = _message(call, writable(call.slack, call.need("channel"), uninvited=False))
    name = reacting.emoji_named(call.need("name"))
    reacting.take_back(call.slack, call.slack.workspace.app.bot_user_id, message, name)
    return {}


@method("reactions.get", "reactions:read", tier="T3")
def get(call: Call) -> JSON:
    """A message with its reactions; the key is missing where there are none."""
    if call.text("channel") is None or call.text("timestamp") is None:
        raise SlackError("no_item_specified")
    channel = channel_of(call.slack, call.need("channel"))
    message = _message(call, channel)
    files = call.slack.files.of_message(message)
    shown = wire(call.slack.workspace, message, files)
    return {"type": "message", "channel": channel.id, "message": shown}


def _message(call: Call, channel: Channel) -> Message:
    timestamp = call.need("timestamp")
    if _TIMESTAMP.fullmatch(timestamp) is None:
        raise SlackError("bad_timestamp")
    message = channel.by_ts.get(timestamp)
    if message is None or message.visible_to is not None:
        raise SlackError("message_not_found")
    return message

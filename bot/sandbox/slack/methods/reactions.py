"""reactions.add."""

from __future__ import annotations

import re

from bot.sandbox.slack.errors import JSON, SlackError
from bot.sandbox.slack.methods.places import writable
from bot.sandbox.slack.web_api import Call, method

_NAME = re.compile(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?")


@method("reactions.add", "reactions:write", tier="T3")
def add(call: Call) -> JSON:
    channel = writable(call.slack, call.need("channel"), uninvited=False)
    message = channel.by_ts.get(call.need("timestamp"))
    if message is None or message.visible_to is not None:
        raise SlackError("message_not_found")
    name = call.need("name").strip(":")
    if _NAME.fullmatch(name) is None:
        raise SlackError("invalid_name")
    users = message.reactions.setdefault(name, [])
    bot = call.slack.workspace.app.bot_user_id
    if bot in users:
        raise SlackError("already_reacted")
    users.append(bot)
    call.slack.workspace.changed(message)
    return {}

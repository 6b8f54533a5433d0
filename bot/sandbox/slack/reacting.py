"""Emoji under messages: put there and taken away by people and by the app, and told to it."""

from __future__ import annotations

import re

from bot.sandbox.slack.delivery import tell_event
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.services import Slack
from bot.sandbox.slack.workspace import Message

_NAME = re.compile(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?")


def emoji_named(name: str) -> str:
    """The name without its colons; raises `invalid_name` for what can be none."""
    name = name.strip(":")
    if _NAME.fullmatch(name) is None:
        raise SlackError("invalid_name")
    return name


def react(slack: Slack, user: str, message: Message, name: str) -> None:
    """Raises `already_reacted`."""
    users = message.reactions.setdefault(name, [])
    if user in users:
        raise SlackError("already_reacted")
    users.append(user)
    _tell(slack, "reaction_added", user, message, name)


def take_back(slack: Slack, user: str, message: Message, name: str) -> None:
    """Raises `no_reaction`."""
    users = message.reactions.get(name, [])
    if user not in users:
        raise SlackError("no_reaction")
    users.remove(user)
    if not users:
        del message.reactions[name]
    _tell(slack, "reaction_removed", user, message, name)


def _tell(slack: Slack, kind: str, user: str, message: Message, name: str) -> None:
    """People see it; the app hears of it where it is a member and its manifest asks for that."""
    slack.workspace.changed(message)
    if slack.workspace.app.bot_user_id not in slack.workspace.channels[message.channel].members:
        return
    body = {
        "type": kind,
        "user": user,
        "reaction": name,
        "item_user": message.user,
        "item": {"type": "message", "channel": message.channel, "ts": message.ts},
        "event_ts": slack.workspace.new_ts(),
    }
    tell_event(slack, kind, body)

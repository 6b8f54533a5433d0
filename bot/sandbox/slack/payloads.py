"""Payloads to the app, field by field as Slack sends them (contract sheet §1.2, §1.3, §1.5)."""

from __future__ import annotations

from typing import Any

from bot.sandbox.slack.errors import JSON
from bot.sandbox.slack.messages import wire
from bot.sandbox.slack.services import Slack
from bot.sandbox.slack.views import View
from bot.sandbox.slack.workspace import Channel, Message


def slash_command(
    slack: Slack, *, user: str, channel: Channel, command: str, text: str, response_url: str
) -> JSON:
    """No thread, no locale: Slack sends neither."""
    team = slack.workspace.team
    place = channel_reference(channel)
    return {
        "token": slack.credentials.verification_token,
        "team_id": team.id,
        "team_domain": team.domain,
        "channel_id": place["id"],
        "channel_name": place["name"],
        "user_id": user,
        "user_name": slack.workspace.users[user].name,
        "command": command,
        "text": text,
        "api_app_id": slack.workspace.app.id,
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": slack.triggers.issue(user, channel=channel.id),
    }


def _common(slack: Slack, kind: str, user: str) -> JSON:
    team = slack.workspace.team
    name = slack.workspace.users[user].name
    return {
        "type": kind,
        "user": {"id": user, "username": name, "name": name, "team_id": team.id},
        "api_app_id": slack.workspace.app.id,
        "token": slack.credentials.verification_token,
        "team": {"id": team.id, "domain": team.domain},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def message_container(message: Message) -> JSON:
    container: JSON = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": message.channel,
        "is_ephemeral": message.visible_to is not None,
    }
    if message.thread_ts is not None and message.visible_to is None:
        container["thread_ts"] = message.thread_ts
    return container


def channel_reference(channel: Channel) -> JSON:
    names = {"im": "directmessage", "private": "privategroup"}
    return {"id": channel.id, "name": names.get(str(channel.kind), channel.name)}


def message_object(slack: Slack, message: Message) -> JSON:
    """The message inside a payload, with its metadata; an app gets what is stored."""
    files = slack.files.of_message(message)
    return wire(slack.workspace, message, files, metadata=True)


def message_action_of_block(
    slack: Slack, *, user: str, message: Message, actions: list[JSON], state: JSON, url: str
) -> JSON:
    """block_actions of a message; an ephemeral message itself is not sent along."""
    payload = _common(slack, "block_actions", user)
    payload["container"] = message_container(message)
    payload["trigger_id"] = slack.triggers.issue(user, channel=message.channel)
    payload["channel"] = channel_reference(slack.workspace.channels[message.channel])
    if message.visible_to is None:
        payload["message"] = message_object(slack, message)
    payload["state"] = {"values": state}
    payload["response_url"] = url
    payload["actions"] = actions
    return payload


def view_action_of_block(
    slack: Slack, *, user: str, view: View, actions: list[JSON], state: JSON
) -> JSON:
    """block_actions of a modal or home: neither channel, message nor response_url."""
    payload = _common(slack, "block_actions", user)
    payload["container"] = {"type": "view", "view_id": view.id}
    inside = view.id if view.type == "modal" else None
    payload["trigger_id"] = slack.triggers.issue(user, inside)
    payload["view"] = {**slack.views.wire(view), "state": {"values": state}}
    payload["actions"] = actions
    return payload


def view_submission(slack: Slack, *, user: str, view: View, response_urls: list[JSON]) -> JSON:
    payload = _common(slack, "view_submission", user)
    payload["trigger_id"] = slack.triggers.issue(user, view.id)
    payload["view"] = slack.views.wire(view)
    payload["response_urls"] = response_urls
    return payload


def view_closed(slack: Slack, *, user: str, view: View, is_cleared: bool) -> JSON:
    payload = _common(slack, "view_closed", user)
    payload["view"] = slack.views.wire(view)
    payload["is_cleared"] = is_cleared
    return payload


def block_suggestion(
    slack: Slack, *, user: str, where: Message | View, block_id: str, action_id: str, value: str
) -> JSON:
    payload = _common(slack, "block_suggestion", user)
    payload |= {"action_id": action_id, "block_id": block_id, "value": value}
    if isinstance(where, Message):
        payload["container"] = message_container(where)
        payload["channel"] = channel_reference(slack.workspace.channels[where.channel])
        if where.visible_to is None:
            payload["message"] = message_object(slack, where)
    else:
        payload["container"] = {"type": "view", "view_id": where.id}
        payload["view"] = slack.views.wire(where)
    return payload


def shortcut(slack: Slack, *, user: str, callback_id: str, channel: str | None = None) -> JSON:
    payload = _common(slack, "shortcut", user)
    payload["callback_id"] = callback_id
    payload["trigger_id"] = slack.triggers.issue(user, channel=channel)
    payload["action_ts"] = slack.workspace.new_ts()
    return payload


def message_action(
    slack: Slack, *, user: str, callback_id: str, message: Message, url: str
) -> JSON:
    payload = shortcut(slack, user=user, callback_id=callback_id, channel=message.channel)
    payload["type"] = "message_action"
    payload["channel"] = channel_reference(slack.workspace.channels[message.channel])
    payload["message"] = message_object(slack, message)
    payload["message_ts"] = message.ts
    payload["response_url"] = url
    return payload


def event(slack: Slack, body: dict[str, Any]) -> JSON:
    """The envelope of the Events API around one event."""
    workspace = slack.workspace
    return {
        "token": slack.credentials.verification_token,
        "team_id": workspace.team.id,
        "api_app_id": workspace.app.id,
        "event": body,
        "type": "event_callback",
        "event_id": workspace.new_id("Ev"),
        "event_time": int(slack.clock.now().timestamp()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": workspace.team.id,
                "user_id": workspace.app.bot_user_id,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": f"4-{workspace.new_id('E')}",
    }

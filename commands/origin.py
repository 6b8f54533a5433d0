"""Where a line or a click came from, read from what Slack sends (research/slack-contract.md §1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.audit import Surface


@dataclass(frozen=True, slots=True)
class Origin:
    """Who, where, and by which URL the private answer goes."""

    user: str
    channel: str
    response_url: str = ""
    replace: bool = False  # the message that was clicked is a private one
    surface: str = Surface.SLASH
    trigger: str = ""  # opens a modal, within three seconds
    thread: str = ""  # a mention in a thread is answered there


def of_command(body: Mapping[str, Any]) -> Origin:
    trigger, url = str(body.get("trigger_id", "")), str(body.get("response_url", ""))
    return Origin(body["user_id"], body["channel_id"], url, trigger=trigger)


def of_click(body: Mapping[str, Any]) -> Origin:
    """On a message, in a window or on Home; the last two are in no channel."""
    container = body.get("container") or {}
    channel = (body.get("channel") or {}).get("id") or container.get("channel_id") or ""
    return Origin(
        body["user"]["id"],
        channel,
        body.get("response_url", ""),
        replace=bool(container.get("is_ephemeral")),
        surface=Surface.BUTTON,
        trigger=str(body.get("trigger_id", "")),
    )


def of_window(body: Mapping[str, Any], channel: str) -> Origin:
    """A submission knows no channel: the window brings back the one that it was opened in."""
    trigger = str(body.get("trigger_id", ""))
    return Origin(body["user"]["id"], channel, surface=Surface.MODAL, trigger=trigger)


def of_mention(event: Mapping[str, Any]) -> Origin:
    return Origin(
        event["user"],
        event["channel"],
        surface=Surface.MENTION,
        thread=event.get("thread_ts", ""),
    )


def of_shortcut(body: Mapping[str, Any]) -> Origin:
    """A global shortcut is used in no channel. What is private then goes to the person's messages
    with Dynamo: in a channel that is not open it would be missed, and it cannot be found later."""
    user = body["user"]["id"]
    return Origin(user, user, trigger=str(body.get("trigger_id", "")))


def entered_text(view: Mapping[str, Any]) -> dict[str, str]:
    """What stands in the text fields of a window, by their names."""
    blocks = (view.get("state") or {}).get("values") or {}
    return {
        name: str(element.get("value") or "")
        for fields in blocks.values()
        for name, element in fields.items()
    }

"""Where the app may read and write: the channel checks that several families share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from bot.sandbox.slack.errors import JSON, SlackError
from bot.sandbox.slack.services import Slack
from bot.sandbox.slack.web_api import Call
from bot.sandbox.slack.workspace import Channel, Message

T = TypeVar("T")
_MOST_PER_PAGE = 1000


def channel_of(slack: Slack, channel_id: str) -> Channel:
    """A channel that the app can know of, by its id.

    A private channel that the app is not in does not exist for it: `channel_not_found`.
    """
    channel = slack.workspace.channels.get(channel_id)
    bot = slack.workspace.app.bot_user_id
    if channel is None or (channel.kind != "channel" and bot not in channel.members):
        raise SlackError("channel_not_found")
    return channel


def direct_message(slack: Slack, user_id: str) -> Channel:
    """The DM with a person; apps and bots have none with each other."""
    user = slack.workspace.users[user_id]
    if user.is_bot:
        raise SlackError("cannot_dm_bot")
    if user.deleted:
        raise SlackError("user_disabled")
    return slack.workspace.im_with(user_id)


def _posted_to(slack: Slack, reference: str) -> Channel:
    """Posting also knows channels by name, and people by id: their DM."""
    if reference in slack.workspace.users:
        return direct_message(slack, reference)
    return channel_of(slack, slack.workspace.channel_id(reference))


def writable(slack: Slack, reference: str, *, uninvited: bool = True) -> Channel:
    """A channel that the app may post in; `uninvited`: `chat:write.public` opens public ones."""
    channel = _posted_to(slack, reference)
    if channel.kind == "im" and not slack.manifest.messages_tab:
        raise SlackError("messages_tab_disabled")
    if channel.archived:
        raise SlackError("is_archived")
    public = uninvited and "chat:write.public" in slack.scopes and channel.kind == "channel"
    if slack.workspace.app.bot_user_id not in channel.members and not public:
        raise SlackError("not_in_channel")
    return channel


def thread_of(channel: Channel, thread_ts: str | None) -> str | None:
    """The root of the thread to answer in; a reply's ts leads to its parent's thread."""
    if thread_ts is None:
        return None
    parent = channel.by_ts.get(thread_ts)
    if parent is None:
        raise SlackError("thread_not_found")
    if parent.visible_to is not None:
        raise SlackError("cannot_reply_to_message")
    return parent.thread_ts or parent.ts


def own_message(call: Call, refusal: str) -> Message:
    """The app's message that `channel` and `ts` name; a person's is refused with `refusal`."""
    channel = channel_of(call.slack, call.need("channel"))
    message = call.slack.workspace.find(channel.id, call.need("ts"))
    if message is None or message.visible_to is not None or message.subtype == "tombstone":
        raise SlackError("message_not_found")
    if message.bot_id != call.slack.workspace.app.bot_id:
        raise SlackError(refusal)
    return message


def page(call: Call, items: Sequence[T], default: int) -> tuple[list[T], JSON]:
    """One page of a listing and the rest of the answer that tells the next cursor."""
    limit = max(1, min(call.number("limit", default) or default, _MOST_PER_PAGE))
    cursor = call.text("cursor")
    start = 0
    if cursor is not None:
        if not cursor.startswith("next:") or not cursor[5:].isdigit():
            raise SlackError("invalid_cursor")
        start = int(cursor[5:])
    end = start + limit
    following = f"next:{end}" if end < len(items) else ""
    return list(items[start:end]), {"response_metadata": {"next_cursor": following}}

"""The events `message.*`: what is posted, edited and deleted where the app is a member.

As on Slack, an app hears of its own messages, too; SDKs leave those out by their `user`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.sandbox.slack.delivery import tell_event
from bot.sandbox.slack.errors import JSON
from bot.sandbox.slack.messages import wire
from bot.sandbox.slack.services import Slack
from bot.sandbox.slack.workspace import Change, Channel, Message

_EVENTS = {"channel": "message.channels", "private": "message.groups", "im": "message.im"}
_KINDS = {"channel": "channel", "private": "group", "im": "im"}


def follow(slack: Slack) -> None:
    """Tell the app from now on, if its manifest asks for any of these events."""
    if any(name in slack.manifest.bot_events for name in _EVENTS.values()):
        slack.workspace.subscribe(_Listener(slack).on_change)


@dataclass(slots=True)
class _Listener:
    slack: Slack
    known: dict[tuple[str, str], JSON] = field(default_factory=dict)
    """Messages as they were told last: what an edit is compared with."""

    def on_change(self, change: Change) -> None:
        message, channel = change.message, change.channel
        if message is None or message.visible_to is not None or message.command is not None:
            return
        if self.slack.workspace.app.bot_user_id not in channel.members:
            return
        before = self.known.get((channel.id, message.ts))
        now = wire(self.slack.workspace, message, self.slack.files.of_message(message))
        self.known[channel.id, message.ts] = now
        if change.kind == "message":
            self._tell(channel, {**now, "event_ts": message.ts})
        elif change.kind == "message_deleted":
            del self.known[channel.id, message.ts]
            self._tell(channel, self._hidden("message_deleted", deleted_ts=message.ts, before=now))
        elif _is_edit(message, before):
            self._tell(channel, self._hidden("message_changed", message=now, before=before))

    def _hidden(self, subtype: str, *, before: JSON | None, **more: object) -> JSON:
        at = self.slack.workspace.new_ts()
        body: JSON = {"type": "message", "subtype": subtype, "hidden": True, **more}
        if before is not None:
            body["previous_message"] = before
        return {**body, "ts": at, "event_ts": at}

    def _tell(self, channel: Channel, body: JSON) -> None:
        kind = str(channel.kind)
        place = {"channel": channel.id, "channel_type": _KINDS[kind]}
        tell_event(self.slack, _EVENTS[kind], {**body, **place})


def _is_edit(message: Message, before: JSON | None) -> bool:
    """Replies, reactions and pieces of a stream change a message, too, and are no edits of it."""
    if message.subtype == "tombstone":
        return before is None or before.get("subtype") != "tombstone"
    told = (before or {}).get("edited", {}).get("ts")
    return message.edited_ts is not None and message.edited_ts != told

"""The state of one workspace: people, channels, messages and who has read what.

Pure state, without network and without timers: the time of a change is asked from the `now`
function that the workspace is made with. Who wants to follow changes subscribes (the page's streams
do). What Slack calls a message object is made in `messages.py`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from bot.sandbox.slack.errors import JSON

ChannelKind = Literal["channel", "private", "im"]


@dataclass(slots=True)
class User:
    """A person, or the user of the app; `locale` as Slack tells it (`es-ES`)."""

    id: str
    name: str
    real_name: str
    display_name: str
    title: str = ""
    locale: str = "en-US"
    tz: str = "Etc/UTC"
    tz_label: str = "Coordinated Universal Time"
    tz_offset: int = 0
    color: str = "757575"
    is_bot: bool = False
    is_admin: bool = False
    deleted: bool = False


@dataclass(slots=True)
class Usergroup:
    id: str
    handle: str
    name: str
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class App:
    """The one app that is installed in the workspace."""

    id: str
    name: str
    bot_user_id: str
    bot_id: str


@dataclass(frozen=True, slots=True)
class Team:
    id: str
    name: str
    domain: str


@dataclass(slots=True)
class Message:
    """One entry of a channel.

    `visible_to` makes it ephemeral: one person sees it, and it is in no history. `command` is the
    line of a slash command as typed, `error` marks what Slackbot says when a command failed.
    """

    channel: str
    ts: str
    user: str
    text: str
    blocks: list[JSON] = field(default_factory=list)
    bot_id: str | None = None
    app_id: str | None = None
    thread_ts: str | None = None
    broadcast: bool = False
    edited_ts: str | None = None
    metadata: JSON | None = None
    files: list[str] = field(default_factory=list)
    attachments: list[Any] = field(default_factory=list)
    subtype: str | None = None
    visible_to: str | None = None
    command: str | None = None
    error: bool = False
    streaming: bool = False  # an app is still writing it, piece by piece
    reactions: dict[str, list[str]] = field(default_factory=dict)
    named: frozenset[tuple[str, str]] | None = None  # whom it mentions, once somebody asked

    @property
    def is_reply(self) -> bool:
        return self.thread_ts is not None and self.thread_ts != self.ts


@dataclass(slots=True)
class Channel:
    id: str
    name: str
    topic: str = ""
    kind: ChannelKind | str = "channel"
    members: set[str] = field(default_factory=set)
    creator: str = ""
    created: int = 0
    archived: bool = False
    user_id: str | None = None  # the person of a direct message with the app
    messages: list[Message] = field(default_factory=list)
    by_ts: dict[str, Message] = field(default_factory=dict)
    replies: dict[str, list[Message]] = field(default_factory=dict)
    last_read: dict[str, str] = field(default_factory=dict)
    counted: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    """Per person: how many messages are counted, and the unread ones and mentions among them."""


@dataclass(frozen=True, slots=True)
class Change:
    """What subscribers hear: a message came, changed or went, or the channel itself changed."""

    kind: Literal["message", "message_changed", "message_deleted", "channel"]
    channel: Channel
    message: Message | None = None


class Workspace:
    """All state of one team with one installed app; every change is told to subscribers."""

    def __init__(self, team: Team, app: App, now: Callable[[], datetime]) -> None:
        self.team = team
        self.app = app
        self.now = now
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.usergroups: dict[str, Usergroup] = {}
        self._subscribers: list[Callable[[Change], None]] = []
        self._last_ts = (0, 0)
        self._count = 0
        self.add_user(
            User(
                id=app.bot_user_id,
                name=app.name.lower(),
                real_name=app.name,
                display_name=app.name,
                is_bot=True,
            )
        )

    # -- identity ----------------------------------------------------------------------------------

    def new_id(self, kind: str) -> str:
        """A fresh id of ten characters, such as `F000000001`."""
        self._count += 1
        return f"{kind}0{self._count:08X}"

    def new_ts(self) -> str:
        """A message's `ts`: unique in the workspace, growing, its whole part the time in
        seconds.
        """
        second = int(self.now().timestamp())
        last_second, last_count = self._last_ts
        if second > last_second:
            self._last_ts = (second, 1)
        else:
            self._last_ts = (last_second, last_count + 1)
        return "{}.{:06d}".format(*self._last_ts)

    @property
    def counters(self) -> tuple[int, int, int]:
        """The last second and number of a `ts`, and of ids: what makes the next ones new."""
        return (*self._last_ts, self._count)

    @counters.setter
    def counters(self, values: tuple[int, int, int]) -> None:
        second, number, self._count = values
        self._last_ts = (second, number)

    # -- furniture ---------------------------------------------------------------------------------

    def add_user(self, user: User) -> User:
        self.users[user.id] = user
        return user

    def add_channel(self, channel: Channel) -> Channel:
        channel.created = channel.created or int(self.now().timestamp())
        self.channels[channel.id] = channel
        return channel

    def add_usergroup(self, group: Usergroup) -> Usergroup:
        self.usergroups[group.id] = group
        return group

    def im_with(self, user_id: str) -> Channel:
        """The direct message between the app and a person; made when first asked for."""
        channel_id = self.channel_id(user_id)
        if channel_id not in self.channels:
            members = {user_id, self.app.bot_user_id}
            self.add_channel(
                Channel(
                    id=channel_id,
                    name=self.app.name,
                    kind="im",
                    members=members,
                    creator=user_id,
                    user_id=user_id,
                )
            )
        return self.channels[channel_id]

    def channel_id(self, reference: str) -> str:
        """Where a channel's id, its name, or the id of a person (their direct message) leads to."""
        if reference in self.users:
            return f"D{reference[1:]}"
        name = reference.removeprefix("#")
        named = (c.id for c in self.channels.values() if c.kind != "im" and c.name == name)
        return next(named, reference)

    def channels_of(self, user_id: str) -> list[Channel]:
        """What a person sees in the side bar: public channels, own private ones, the app's DM."""
        own_im = self.im_with(user_id)
        seen = [c for c in self.channels.values() if c.kind != "im" and self.can_see(user_id, c)]
        return [*seen, own_im]

    def can_see(self, user_id: str, channel: Channel) -> bool:
        return channel.kind == "channel" or user_id in channel.members

    def join(self, user_id: str, channel: Channel) -> None:
        if user_id not in channel.members:
            channel.members.add(user_id)
            self._tell(Change("channel", channel))

    def leave(self, user_id: str, channel: Channel) -> None:
        if user_id in channel.members:
            channel.members.discard(user_id)
            self._tell(Change("channel", channel))

    def archive(self, channel: Channel, archived: bool = True) -> None:
        channel.archived = archived
        self._tell(Change("channel", channel))

    # -- messages ----------------------------------------------------------------------------------

    def post(self, message: Message) -> Message:
        """Add a message whose `ts` is new; a reply is counted at its parent."""
        channel = self.channels[message.channel]
        channel.messages.append(message)
        channel.by_ts[message.ts] = message
        if message.visible_to is None:
            channel.last_read[message.user] = message.ts
            channel.counted.pop(message.user, None)
        parent = None
        if message.thread_ts is not None and message.thread_ts != message.ts:
            parent = channel.by_ts.get(message.thread_ts)
        if parent is not None and message.visible_to is None:
            parent.thread_ts = parent.ts
            channel.replies.setdefault(parent.ts, []).append(message)
        self._tell(Change("message", channel, message))
        if parent is not None and message.visible_to is None:
            self._tell(Change("message_changed", channel, parent))
        return message

    def post_as_app(self, channel: str, text: str, **more: Any) -> Message:
        """Post a message of the app, with a `ts` of its own."""
        app = self.app
        return self.post(
            Message(
                channel=channel,
                ts=self.new_ts(),
                user=app.bot_user_id,
                text=text,
                bot_id=app.bot_id,
                app_id=app.id,
                **more,
            )
        )

    def changed(self, message: Message) -> None:
        """Tell that a message was edited in place."""
        channel = self.channels[message.channel]
        if message.named is not None:
            named = _names_in(message)
            if named != message.named:
                message.named = named
                channel.counted.clear()
        self._tell(Change("message_changed", channel, message))

    def reveal(self, channel_id: str, ts: str) -> None:
        """Show the line of a command to everybody, as an answer in the channel does."""
        message = self.find(channel_id, ts)
        if message is not None and message.visible_to is not None:
            message.visible_to = None
            self._tell(Change("message", self.channels[channel_id], message))

    def delete(self, message: Message) -> None:
        channel = self.channels[message.channel]
        channel.messages.remove(message)
        del channel.by_ts[message.ts]
        channel.counted.clear()
        siblings = channel.replies.get(message.thread_ts or "", [])
        if message in siblings:
            siblings.remove(message)
        self._tell(Change("message_deleted", channel, message))
        parent = channel.by_ts.get(message.thread_ts or "")
        if message.is_reply and parent is not None:
            self._tell(Change("message_changed", channel, parent))

    def find(self, channel_id: str, ts: str) -> Message | None:
        channel = self.channels.get(channel_id)
        return channel.by_ts.get(ts) if channel else None

    def seen_by(self, user_id: str, channel: Channel) -> Iterator[Message]:
        """Messages of a channel that a person may see, oldest first, replies included."""
        return (m for m in channel.messages if m.visible_to in (None, user_id))

    # -- reading -----------------------------------------------------------------------------------

    def mark_read(self, user_id: str, channel: Channel, ts: str) -> None:
        if ts > channel.last_read.get(user_id, ""):
            channel.last_read[user_id] = ts
            channel.counted.pop(user_id, None)
            self._tell(Change("channel", channel))

    def unread(self, user_id: str, channel: Channel) -> tuple[int, int]:
        """(unread, mentions) of a person: top-level messages of others, and what names them."""
        counted = channel.counted.get(user_id)
        if counted is None:
            since = channel.last_read.get(user_id, "")
            start = bisect_right(channel.messages, since, key=lambda m: m.ts)
            counted = (start, 0, 0)
        start, unread, mentions = counted
        for message in channel.messages[start:]:
            if message.user == user_id or message.visible_to not in (None, user_id):
                continue
            if message.command is not None:
                continue
            named = channel.kind == "im" or self.mentions(message, user_id)
            if named or not message.is_reply or message.broadcast:
                unread += 1
            mentions += named
        channel.counted[user_id] = (len(channel.messages), unread, mentions)
        return unread, mentions

    def mentions(self, message: Message, user_id: str) -> bool:
        """Whether text or blocks of a message name a person, their user group or everybody."""
        if message.named is None:
            message.named = _names_in(message)
        for kind, target in message.named:
            if kind == "@" and target == user_id:
                return True
            if kind == "!subteam^":
                group = self.usergroups.get(target)
                if group is not None and user_id in group.users:
                    return True
            if kind == "!" and target in ("here", "channel", "everyone"):
                return True
        return False

    # -- subscribers -------------------------------------------------------------------------------

    def subscribe(self, callback: Callable[[Change], None]) -> Callable[[], None]:
        """Call `callback` after every change; the result ends that."""
        self._subscribers.append(callback)
        return lambda: self._subscribers.remove(callback)

    def _tell(self, change: Change) -> None:
        for callback in tuple(self._subscribers):
            callback(change)


_MENTION = re.compile(r"<(@|!subteam\^|!)([A-Za-z0-9]+)")


def _names_in(message: Message) -> frozenset[tuple[str, str]]:
    """Whom text and blocks of a message name: pairs of a kind of mention and its target."""
    text = "\n".join([message.text, *texts_of(message.blocks)])
    return frozenset(_MENTION.findall(text))


def texts_of(value: Any) -> Iterable[str]:
    """Every text of blocks, with the mentions of rich text written as in mrkdwn."""
    if isinstance(value, list):
        for each in value:
            yield from texts_of(each)
    elif isinstance(value, dict):
        match value.get("type"):
            case "user":
                yield f"<@{value.get('user_id', '')}>"
            case "usergroup":
                yield f"<!subteam^{value.get('usergroup_id', '')}>"
            case "broadcast":
                yield f"<!{value.get('range', '')}>"
        for key, each in value.items():
            if key in ("text", "alt_text") and isinstance(each, str):
                yield each
            elif isinstance(each, dict | list):
                yield from texts_of(each)

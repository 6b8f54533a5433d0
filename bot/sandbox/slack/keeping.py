"""What a workspace is between two runs of the sandbox: written down as JSON, and gone on from.

Kept are channels with their messages, what each person has read and chosen, direct messages, open
modals, Homes, files, and the response URLs that are good still. People, user groups and the app
come from the seed; sockets, tickets, triggers (3 s) and the transcript begin anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from functools import cache
from typing import Any

from bot.sandbox.slack.errors import JSON
from bot.sandbox.slack.files import File, Share
from bot.sandbox.slack.services import Slack
from bot.sandbox.slack.workspace import Channel, Message

_DERIVED = frozenset({"named", "by_ts", "replies", "counted", "streaming"})  # streams end here


def kept(slack: Slack, put: Callable[[bytes], str]) -> JSON:
    """As orjson writes it, at once: nothing is copied. `put` keeps bytes beside it, by name."""
    workspace = slack.workspace
    return {
        "counters": workspace.counters,
        "channels": [_channel(each) for each in workspace.channels.values()],
        "views": slack.views.kept(),
        "files": [_file(each, put) for each in slack.files.all()],
        "sharing": [[[file.id for file in files], share] for files, share in slack.files.sharing],
        "urls": slack.urls.kept(),
        "chosen": [[*place, values] for place, values in slack.action_state.items()],
    }


def resume(slack: Slack, found: JSON, read: Callable[[str], bytes]) -> None:
    """Go on from what `kept` gave, read back. The workspace is a furnished one that nobody used."""
    workspace = slack.workspace
    workspace.counters = tuple(found["counters"])
    for each in found["channels"]:
        workspace.channels[each["id"]] = _channel_from(each)
    slack.views.resume(found["views"])
    slack.files.resume(_file_from(each, read) for each in found["files"])
    for ids, share in found["sharing"]:
        wanted = Share(**{**share, "channels": tuple(share["channels"])})
        slack.files.complete([slack.files.get(each) for each in ids], wanted)
    slack.urls.resume(found["urls"])
    slack.action_state.update(
        {(user, channel, ts): values for user, channel, ts, values in found["chosen"]}
    )


def _channel(channel: Channel) -> JSON:
    plain = {name: value for name, value in _plain(channel).items() if name != "messages"}
    messages = [_plain(each) for each in channel.messages]
    return {**plain, "members": sorted(channel.members), "messages": messages}


def _channel_from(found: JSON) -> Channel:
    messages = [Message(**each) for each in found["messages"]]
    channel = Channel(**{**found, "members": set(found["members"]), "messages": messages})
    channel.by_ts = {each.ts: each for each in messages}
    for each in messages:
        if each.is_reply and each.visible_to is None and each.thread_ts in channel.by_ts:
            channel.replies.setdefault(str(each.thread_ts), []).append(each)
    return channel


def _file(file: File, put: Callable[[bytes], str]) -> JSON:
    content = None if file.content is None else put(file.content)
    return {**_plain(file), "content": content}


def _file_from(found: JSON, read: Callable[[str], bytes]) -> File:
    content = found["content"]
    return File(**{**found, "content": None if content is None else read(content)})


def _plain(value: Any) -> JSON:
    """The fields that are not as they are by default, and cannot be found from others."""
    return {
        name: found
        for name, default in _defaults(type(value))  # type: ignore[arg-type]  # a class is hashable
        if (found := getattr(value, name)) != default
    }


@cache
def _defaults(kind: type[Any]) -> tuple[tuple[str, Any], ...]:
    """Compared with, never handed out."""
    return tuple((each.name, _default(each)) for each in fields(kind) if each.name not in _DERIVED)


def _default(field: Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default

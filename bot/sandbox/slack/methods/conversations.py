"""conversations.*: opening a direct message, channels, members, histories and threads."""

from __future__ import annotations

from bot.sandbox.slack import people
from bot.sandbox.slack.errors import JSON, SlackError
from bot.sandbox.slack.messages import wire
from bot.sandbox.slack.methods.places import channel_of, direct_message, page
from bot.sandbox.slack.services import Slack
from bot.sandbox.slack.web_api import Call, method, need_scope
from bot.sandbox.slack.workspace import Channel, Message

_READ = ("channels:read", "groups:read", "im:read", "mpim:read")
_HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")
_SCOPE_WORD = {"channel": "channels", "private": "groups", "im": "im"}
_HISTORY_PAGE = 100


def _need_kind(slack: Slack, channel: Channel, right: str) -> None:
    need_scope(slack.scopes, f"{_SCOPE_WORD[str(channel.kind)]}:{right}")


def described(slack: Slack, channel: Channel) -> JSON:
    """The channel object of Slack's API."""
    body: JSON = {
        "id": channel.id,
        "created": channel.created,
        "is_im": channel.kind == "im",
        "is_org_shared": False,
        "context_team_id": slack.workspace.team.id,
        "updated": channel.created * 1000,
    }
    if channel.kind == "im":
        return body | {"user": channel.user_id, "is_archived": channel.archived}
    topic = {"value": channel.topic, "creator": channel.creator, "last_set": channel.created}
    return body | {
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": channel.kind == "channel",
        "is_group": False,
        "is_mpim": False,
        "is_private": channel.kind == "private",
        "is_archived": channel.archived,
        "is_general": channel.name == "general",
        "is_shared": False,
        "is_ext_shared": False,
        "creator": channel.creator,
        "is_member": slack.workspace.app.bot_user_id in channel.members,
        "topic": topic,
        "purpose": {"value": "", "creator": "", "last_set": 0},
        "previous_names": [],
    }


@method("conversations.open", "im:write", tier="T3")
def open_(call: Call) -> JSON:
    """The direct message with one person; with several there are none here."""
    users = [each for each in (call.text("users") or "").split(",") if each]
    if len(users) > 1:
        raise SlackError("method_not_supported_for_channel_type")
    reference = users[0] if users else call.text("channel")
    if reference is None:
        raise SlackError("users_list_not_supplied")
    if users and reference not in call.slack.workspace.users:
        raise SlackError("user_not_found")
    known = not users or f"D{reference[1:]}" in call.slack.workspace.channels
    channel = direct_message(call.slack, reference) if users else channel_of(call.slack, reference)
    body: JSON = {"id": channel.id}
    if call.flag("return_im"):
        body = described(call.slack, channel)
    return {"channel": body, **({"no_op": True, "already_open": True} if known else {})}


@method("conversations.info", *_READ, tier="T3")
def info(call: Call) -> JSON:
    channel = channel_of(call.slack, call.need("channel"))
    _need_kind(call.slack, channel, "read")
    body = described(call.slack, channel)
    if call.flag("include_num_members"):
        body["num_members"] = len(channel.members)
    return {"channel": body}


@method("conversations.members", *_READ, tier="T4")
def members(call: Call) -> JSON:
    channel = channel_of(call.slack, call.need("channel"))
    _need_kind(call.slack, channel, "read")
    found, following = page(call, sorted(channel.members), 100)
    return {"members": found, **following}


@method("conversations.list", *_READ, tier="T2")
def list_(call: Call) -> JSON:
    """Public channels, and private ones that the app is in."""
    bot = call.slack.workspace.app.bot_user_id
    channels = [each for each in _of_types(call) if each.kind == "channel" or bot in each.members]
    found, following = page(call, channels, 100)
    return {"channels": [described(call.slack, each) for each in found], **following}


@method("users.conversations", *_READ, tier="T3")
def of_user(call: Call) -> JSON:
    """Where somebody is a member, as far as the app sees; the app itself unless `user` is told."""
    workspace = call.slack.workspace
    bot = workspace.app.bot_user_id
    user = call.text("user") or bot
    if user not in workspace.users:
        raise SlackError("user_not_found")
    channels = [
        each
        for each in _of_types(call)
        if user in each.members and (each.kind == "channel" or bot in each.members)
    ]
    found, following = page(call, channels, 100)
    return {"channels": [described(call.slack, each) for each in found], **following}


@method("conversations.join", "channels:join", tier="T3")
def join(call: Call) -> JSON:
    """The app joins a public channel by itself, with the line that everybody there reads."""
    workspace = call.slack.workspace
    channel = channel_of(call.slack, call.need("channel"))
    if channel.kind != "channel":
        raise SlackError("method_not_supported_for_channel_type")
    if channel.archived:
        raise SlackError("is_archived")
    warning: JSON = {}
    if workspace.app.bot_user_id in channel.members:
        warning = {
            "warning": "already_in_channel",
            "response_metadata": {"warnings": ["already_in_channel"]},
        }
    else:
        people.enter(call.slack, channel)
    return {"channel": described(call.slack, channel), **warning}


def _of_types(call: Call) -> list[Channel]:
    """Channels of the kinds that were asked for, each with its scope."""
    kinds = {"public_channel": "channel", "private_channel": "private", "im": "im"}
    wanted = {
        kinds[each]
        for each in (call.text("types") or "public_channel").split(",")
        if each.strip() in kinds
    }
    for kind in wanted:
        need_scope(call.slack.scopes, f"{_SCOPE_WORD[kind]}:read")
    return [
        channel
        for channel in call.slack.workspace.channels.values()
        if channel.kind in wanted and not (channel.archived and call.flag("exclude_archived"))
    ]


@method("conversations.history", *_HISTORY, tier="T3")
def history(call: Call) -> JSON:
    """Top-level messages, the newest first; metadata only with `include_all_metadata`."""
    channel = _readable(call)
    visible = [
        message
        for message in reversed(channel.messages)
        if _public(message) and (not message.is_reply or message.broadcast)
    ]
    found, following = page(call, _between(call, visible), _HISTORY_PAGE)
    more = bool(following["response_metadata"]["next_cursor"])
    rest = following if more else {}
    return {
        "messages": _shown(call, found),
        "has_more": more,
        "pin_count": 0,
        **rest,
    }


@method("conversations.replies", *_HISTORY, tier="T3")
def replies(call: Call) -> JSON:
    """A thread: its parent, then the replies, the oldest first; of a reply, itself alone."""
    channel = _readable(call)
    parent = channel.by_ts.get(call.need("ts"))
    if parent is None or not _public(parent):
        raise SlackError("thread_not_found")
    thread = [parent, *(each for each in channel.replies.get(parent.ts, ()) if _public(each))]
    found, following = page(call, _between(call, thread), _HISTORY_PAGE)
    more = bool(following["response_metadata"]["next_cursor"])
    return {
        "messages": _shown(call, found),
        "has_more": more,
        **(following if more else {}),
    }


def _readable(call: Call) -> Channel:
    channel = channel_of(call.slack, call.need("channel"))
    _need_kind(call.slack, channel, "history")
    if call.slack.workspace.app.bot_user_id not in channel.members:
        raise SlackError("not_in_channel")
    return channel


def _public(message: Message) -> bool:
    return message.visible_to is None and message.command is None


def _between(call: Call, messages: list[Message]) -> list[Message]:
    oldest = _moment(call.text("oldest") or "0", "invalid_ts_oldest")
    latest = _moment(call.text("latest") or str(2**62), "invalid_ts_latest")
    inclusive = call.flag("inclusive")

    def inside(ts: str) -> bool:
        at = _moment(ts, "fatal_error")
        return oldest < at < latest or (inclusive and at in (oldest, latest))

    return [message for message in messages if inside(message.ts)]


def _moment(ts: str, refusal: str) -> tuple[int, int]:
    """A ts as numbers: floats would lose its last digits."""
    whole, _, part = ts.partition(".")
    try:
        return int(whole), int(part.ljust(6, "0")[:6] or 0)
    except ValueError:
        raise SlackError(refusal) from None


def _shown(call: Call, messages: list[Message]) -> list[JSON]:
    metadata = call.flag("include_all_metadata")
    return [
        wire(
            call.slack.workspace,
            message,
            call.slack.files.of_message(message),
            metadata=metadata,
        )
        for message in messages
    ]

"""What people do in the workspace: write, run commands, mention the app, use shortcuts, open the
Home.

Acts on messages' buttons and in modals are in `interactions.py`. Each function returns what the
page is told; a person's mistake raises `ClientError`.
"""

from __future__ import annotations

from bot.sandbox.slack import elements, payloads
from bot.sandbox.slack.delivery import deliver, tell_event
from bot.sandbox.slack.errors import JSON, ClientError, SlackError
from bot.sandbox.slack.manifest import Command
from bot.sandbox.slack.mrkdwn import rich_text, typed
from bot.sandbox.slack.responses import answer_command
from bot.sandbox.slack.services import Slack
from bot.sandbox.slack.views import View
from bot.sandbox.slack.workspace import Channel, Message


async def say(slack: Slack, user: str, channel_id: str, text: str, thread_ts: str | None) -> JSON:
    """A line from the composer: a command when it starts with "/", else a message."""
    channel = place_of(slack, user, channel_id)
    if not text.strip():
        raise ClientError("no_text", "There is nothing to send.")
    if channel.archived:
        raise ClientError("is_archived", f"#{channel.name} is archived.")
    if channel.kind == "im" and slack.manifest.messages_tab_read_only:
        raise ClientError("messages_tab_read_only", "Sending messages to this app is turned off.")
    if user not in channel.members:
        raise ClientError("not_in_channel", f"Join #{channel.name} to write there.")
    if text.startswith("/"):
        return await _command(slack, user, channel, text, thread_ts)
    message = _write(slack, user, channel, text, thread_ts)
    _mention_app(slack, channel, message)
    return {"ok": True, "ts": message.ts}


def place_of(slack: Slack, user: str, channel_id: str) -> Channel:
    """A channel that this person can see; raises `ClientError` otherwise."""
    person_of(slack, user)
    slack.workspace.im_with(user)
    channel = slack.workspace.channels.get(channel_id)
    if channel is None or not slack.workspace.can_see(user, channel):
        raise ClientError("channel_not_found", "There is no such channel.", 404)
    return channel


def person_of(slack: Slack, user: str) -> None:
    found = slack.workspace.users.get(user)
    if found is None or found.is_bot:
        raise ClientError("user_not_found", "There is no such person.", 404)


# -- messages --------------------------------------------------------------------------------------


def _write(slack: Slack, user: str, channel: Channel, text: str, thread_ts: str | None) -> Message:
    parent = channel.by_ts.get(thread_ts) if thread_ts else None
    if thread_ts and (parent is None or parent.visible_to is not None):
        raise ClientError("thread_not_found", "There is no such thread.", 404)
    line = typed(slack.workspace, text, with_names=False)
    return slack.workspace.post(
        Message(
            channel=channel.id,
            ts=slack.workspace.new_ts(),
            user=user,
            text=line,
            blocks=[rich_text(line, slack.workspace.new_id("b"))],
            thread_ts=(parent.thread_ts or parent.ts) if parent else None,
        )
    )


def _mention_app(slack: Slack, channel: Channel, message: Message) -> None:
    bot = slack.workspace.app.bot_user_id
    body: JSON = {
        "user": message.user,
        "text": message.text,
        "ts": message.ts,
        "channel": channel.id,
        "event_ts": message.ts,
        "team": slack.workspace.team.id,
        "blocks": message.blocks,
    }
    if message.thread_ts:
        body["thread_ts"] = message.thread_ts
    if f"<@{bot}>" not in message.text or channel.kind == "im":
        return
    if bot in channel.members:
        tell_event(slack, "app_mention", {"type": "app_mention", **body})
    else:
        hint = (
            f"You mentioned <@{bot}>, but they're not in this channel. "
            f"Type `/invite @{slack.workspace.users[bot].name}` to add them."
        )
        slackbot(slack, message.user, channel, hint, thread_ts=message.thread_ts)


def slackbot(
    slack: Slack,
    user: str,
    channel: Channel,
    text: str,
    *,
    error: bool = False,
    thread_ts: str | None = None,
) -> None:
    """Words from Slack itself that one person sees."""
    slack.workspace.post(
        Message(
            channel=channel.id,
            ts=slack.workspace.new_ts(),
            user="USLACKBOT",
            text=text,
            visible_to=user,
            error=error,
            thread_ts=thread_ts,
        )
    )


# -- commands --------------------------------------------------------------------------------------


async def _command(
    slack: Slack, user: str, channel: Channel, line: str, thread_ts: str | None
) -> JSON:
    name, _, rest = line.replace("\n", " ").partition(" ")
    rest = rest.strip()
    if thread_ts is not None:
        slack.streams.toast(user, "error", f"{name} is not supported in threads. Sorry!")
        raise ClientError("slash_command_in_thread", f"{name} is not supported in threads.")
    if name in ("/invite", "/remove", "/kick"):
        return _member_command(slack, user, channel, name, rest)
    command = slack.manifest.command(name)
    if command is None or "commands" not in slack.scopes:
        text = (
            f'`{name}` is not a valid command. In Slack, all messages that start with the "/" '
            "character are interpreted as commands."
        )
        slackbot(slack, user, channel, text, error=True)
        return {"ok": False, "error": "unknown_command"}
    return await _run(slack, user, channel, command, line, rest)


async def _run(
    slack: Slack, user: str, channel: Channel, command: Command, line: str, rest: str
) -> JSON:
    echo = slack.workspace.post(
        Message(
            channel=channel.id,
            ts=slack.workspace.new_ts(),
            user=user,
            text=line,
            command=line,
            visible_to=user,
            subtype="slash_command",
        )
    )
    url = slack.urls.issue("commands", channel.id, user, command_ts=echo.ts)
    payload = payloads.slash_command(
        slack,
        user=user,
        channel=channel,
        command=command.command,
        text=typed(slack.workspace, rest, with_names=True, resolve=command.should_escape),
        response_url=slack.urls.absolute(url),
    )
    answer = await deliver(slack, "slash_commands", payload, accepts_payload=True)
    error = answer.error
    if error is None:
        try:
            answer_command(slack, url, answer.payload)
        except SlackError as refusal:
            error = "invalid_command_response"
            slack.streams.toast(user, "error", f"The app's answer was refused: {refusal.code}")
    if error is not None:
        text = f'{command.command} failed with the error "{error}"'
        slackbot(slack, user, channel, text, error=True)
        return {"ok": False, "error": error, "ts": echo.ts}
    return {"ok": True, "ts": echo.ts}


def _member_command(slack: Slack, user: str, channel: Channel, name: str, rest: str) -> JSON:
    bot = slack.workspace.users[slack.workspace.app.bot_user_id]
    if rest.strip().removeprefix("@").casefold() != bot.name:
        slackbot(slack, user, channel, f"Only `{name} @{bot.name}` works here.", error=True)
        return {"ok": False, "error": "user_not_found"}
    if name == "/invite":
        invite(slack, user, channel)
    else:
        slack.workspace.leave(bot.id, channel)
        slackbot(slack, user, channel, f"<@{bot.id}> was removed from <#{channel.id}>.")
    return {"ok": True}


def invite(slack: Slack, user: str, channel: Channel) -> None:
    """Add the app's user to a channel, with the line that everybody there reads."""
    if slack.workspace.app.bot_user_id not in channel.members:
        enter(slack, channel, inviter=user)


def enter(slack: Slack, channel: Channel, inviter: str | None = None) -> None:
    """The app's user comes into a channel: invited, or by itself."""
    bot = slack.workspace.app.bot_user_id
    slack.workspace.join(bot, channel)
    invited = f"<@{bot}> was added to <#{channel.id}> by <@{inviter}>."
    message = slack.workspace.post(
        Message(
            channel=channel.id,
            ts=slack.workspace.new_ts(),
            user=bot,
            text=invited if inviter else f"<@{bot}> has joined the channel",
            subtype="channel_join",
        )
    )
    body: JSON = {
        "type": "member_joined_channel",
        "user": bot,
        "channel": channel.id,
        "channel_type": "C" if channel.kind == "channel" else "G",
        "team": slack.workspace.team.id,
        "event_ts": message.ts,
    }
    if inviter:
        body["inviter"] = inviter
    tell_event(slack, "member_joined_channel", body)


# -- shortcuts and the Home ------------------------------------------------------------------------


async def shortcut(slack: Slack, user: str, callback_id: str, message: Message | None) -> JSON:
    """A global shortcut, or one on a message."""
    person_of(slack, user)
    known = slack.manifest.shortcut(callback_id)
    if known is None or (known.type == "message") != (message is not None):
        raise ClientError("no_such_shortcut", "The app has no such shortcut.", 404)
    if message is None:
        payload = payloads.shortcut(slack, user=user, callback_id=callback_id)
    else:
        url = slack.urls.issue("actions", message.channel, user, source=message.ts)
        payload = payloads.message_action(
            slack,
            user=user,
            callback_id=callback_id,
            message=message,
            url=slack.urls.absolute(url),
        )
    answer = await deliver(slack, "interactive", payload, accepts_payload=False)
    if answer.error is not None:
        slack.streams.toast(user, "error", f"{slack.manifest.name} did not respond.")
    return {"ok": answer.ok, **({"error": answer.error} if answer.error else {})}


def open_home(slack: Slack, user: str) -> View | None:
    """Open the app's Home tab: told to the app on every open, with the view if one was
    published.
    """
    person_of(slack, user)
    if not slack.manifest.home_tab:
        raise ClientError("home_tab_off", "This app has no Home tab.", 404)
    view = slack.views.home(user)
    body: JSON = {
        "type": "app_home_opened",
        "user": user,
        "channel": slack.workspace.im_with(user).id,
        "tab": "home",
        "event_ts": slack.workspace.new_ts(),
    }
    if view is not None:
        body["view"] = slack.views.wire(view)
    tell_event(slack, "app_home_opened", body)
    return view


def held_state(slack: Slack, user: str, message: Message) -> JSON:
    """What this person has chosen on a message's controls, beside their initial values."""
    held = slack.action_state.get((user, message.channel, message.ts), {})
    return elements.state(message.blocks, held)

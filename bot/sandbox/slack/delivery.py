"""Ways to the app: Socket Mode or signed HTTP, at most once for people's acts, retried for
events.
"""

from __future__ import annotations

from typing import Literal

from bot.sandbox.slack import limits, payloads
from bot.sandbox.slack.errors import JSON, ClientError
from bot.sandbox.slack.services import EnvelopeKind, Slack
from bot.sandbox.slack.socket_mode import Answer

# What an app must be granted to be told of an event; an app_home_opened needs nothing.
_EVENT_SCOPES = {
    "app_mention": "app_mentions:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "member_joined_channel": "channels:read",
    "reaction_added": "reactions:read",
    "reaction_removed": "reactions:read",
    "channel_archive": "channels:read",
    "channel_unarchive": "channels:read",
}


async def deliver(
    slack: Slack,
    kind: EnvelopeKind,
    payload: JSON,
    *,
    accepts_payload: bool,
    retry: JSON | None = None,
) -> Answer:
    """One attempt: the app's answer within three seconds, or why there is none."""
    if kind == "interactive" and not slack.manifest.interactivity:
        return Answer(error="dispatch_failed")
    if retry is None:
        slack.delivered.append((kind, payload, accepts_payload))
    fault = await slack.fault_of(kind)
    if fault is not None and fault.drop:
        surface: Literal["socket", "http"] = "socket" if slack.http_mode is None else "http"
        slack.transcript.add(
            "to_app", surface, kind, request=payload, response=None, status="dropped"
        )
        return Answer(error="operation_timeout")
    if slack.http_mode is None:
        return await slack.socket.send(kind, payload, accepts_payload=accepts_payload, retry=retry)
    urls = slack.http_mode
    url = {
        "slash_commands": urls.of_command.get(str(payload.get("command")), urls.commands),
        "events_api": urls.events,
        "interactive": urls.options
        if payload.get("type") == "block_suggestion"
        else urls.interactivity,
    }[kind]
    return await slack.http.send(url, kind, payload, retry=retry)


async def deliver_again(slack: Slack) -> Answer:
    """Send the latest delivery once more, as happens when an ack was lost on its way.

    An event comes as its first retry, anything else in a new envelope with the same payload.
    """
    if not slack.delivered:
        raise ClientError("nothing_delivered", "The app was sent nothing yet.")
    kind, payload, accepts_payload = slack.delivered[-1]
    retry = {"retry_attempt": 1, "retry_reason": "timeout"} if kind == "events_api" else {}
    return await deliver(slack, kind, payload, accepts_payload=accepts_payload, retry=retry)


def tell_event(slack: Slack, name: str, body: JSON) -> bool:
    """Send an event in the background; whether the manifest subscribes to it, with its scope."""
    scope = _EVENT_SCOPES.get(name)
    if name not in slack.manifest.bot_events or (scope and scope not in slack.scopes):
        return False
    slack.tasks.start(deliver_event(slack, payloads.event(slack, body)))
    return True


async def deliver_event(slack: Slack, payload: JSON) -> bool:
    """Deliver an event, and again at once, after a minute and after five; whether it arrived."""
    answer = await deliver(slack, "events_api", payload, accepts_payload=False)
    for attempt, wait in enumerate(limits.EVENT_RETRY_SECONDS, start=1):
        if answer.ok or answer.final:
            break
        if wait:
            await slack.clock.sleep(wait)
        reason = answer.reason
        retry = {"retry_attempt": attempt, "retry_reason": reason}
        answer = await deliver(slack, "events_api", payload, accepts_payload=False, retry=retry)
    return answer.ok

"""The control API of tests and teachers: faults, time, transcript, sockets, channels, rates."""

from __future__ import annotations

from aiohttp import web

from bot.sandbox.slack import people
from bot.sandbox.slack.delivery import deliver_again, tell_event
from bot.sandbox.slack.errors import ClientError
from bot.sandbox.slack.requests import answer, body_of, guarded, text_of, user_of
from bot.sandbox.slack.services import HttpMode, Slack

_LONGEST_WAIT = 60


def routes(slack: Slack) -> list[web.RouteDef]:
    """What is below `/client/` beside the page's own API."""
    return [
        web.get("/client/faults", guarded(slack, show_faults)),
        web.post("/client/faults", guarded(slack, order_fault)),
        web.delete("/client/faults", guarded(slack, clear_faults)),
        web.post("/client/clock", guarded(slack, move_clock)),
        web.get("/client/transcript", guarded(slack, transcript)),
        web.post("/client/socket", guarded(slack, trouble_socket)),
        web.post("/client/redeliver", guarded(slack, redeliver)),
        web.post("/client/channel", guarded(slack, change_channel)),
        web.post("/client/rate", guarded(slack, set_rate)),
        web.post("/client/request_url", guarded(slack, set_request_url)),
    ]


async def show_faults(slack: Slack, request: web.Request) -> web.StreamResponse:
    return answer({"faults": slack.faults.as_json()})


async def order_fault(slack: Slack, request: web.Request) -> web.StreamResponse:
    slack.faults.order_from(await body_of(request))
    return answer({"ok": True})


async def clear_faults(slack: Slack, request: web.Request) -> web.StreamResponse:
    slack.faults.clear()
    return answer({"ok": True})


async def move_clock(slack: Slack, request: web.Request) -> web.StreamResponse:
    seconds = (await body_of(request)).get("advance")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
        raise ClientError("bad_field", "'advance' is a number of seconds, not below 0.")
    async with slack.socket.jump():
        await slack.clock.pass_time(float(seconds))
    return answer({"ok": True, "now": slack.clock.now().isoformat()})


async def transcript(slack: Slack, request: web.Request) -> web.StreamResponse:
    """`wait` holds the answer back until there is news, for at most so many real seconds."""
    since, wait = request.query.get("since", "0"), request.query.get("wait", "0")
    if not since.isdigit() or not wait.isdigit():
        raise ClientError("bad_field", "'since' and 'wait' are whole numbers.")
    if wait != "0":
        await slack.transcript.wait(int(since), min(int(wait), _LONGEST_WAIT))
    lines = slack.transcript.as_lines(int(since)).encode("utf-8", "replace")
    return web.Response(body=lines, content_type="application/x-ndjson", charset="utf-8")


async def trouble_socket(slack: Slack, request: web.Request) -> web.StreamResponse:
    """`do`: a reason of `disconnect`, `cut` (no goodbye), or `mute` (half-open)."""
    do = text_of(await body_of(request), "do")
    if do == "cut":
        count = slack.socket.cut()
    elif do == "mute":
        count = slack.socket.mute()
    elif do in ("warning", "refresh_requested", "link_disabled", "too_many_websockets"):
        count = await slack.socket.disconnect(do)
    else:
        raise ClientError("bad_field", f"There is no {do!r} for sockets.")
    return answer({"ok": True, "sockets": count})


async def redeliver(slack: Slack, request: web.Request) -> web.StreamResponse:
    """Send the app its latest command, interaction or event once more."""
    outcome = await deliver_again(slack)
    return answer({"ok": outcome.ok, "error": outcome.error})


async def change_channel(slack: Slack, request: web.Request) -> web.StreamResponse:
    """`do`: `invite` or `remove` the app, `archive` or `unarchive` the channel."""
    body = await body_of(request)
    user, do = user_of(slack, body), text_of(body, "do")
    channel = people.place_of(slack, user, text_of(body, "channel"))
    if do == "invite":
        people.invite(slack, user, channel)
    elif do == "remove":
        slack.workspace.leave(slack.workspace.app.bot_user_id, channel)
    elif do in ("archive", "unarchive"):
        slack.workspace.archive(channel, do == "archive")
        about = {"channel": channel.id, "user": user, "event_ts": slack.workspace.new_ts()}
        tell_event(slack, f"channel_{do}", {"type": f"channel_{do}", **about})
    else:
        raise ClientError("bad_field", f"There is no {do!r} for channels.")
    return answer({"ok": True})


async def set_rate(slack: Slack, request: web.Request) -> web.StreamResponse:
    mode = (await body_of(request)).get("mode")
    if mode not in ("off", "real", "strict"):
        raise ClientError("bad_field", "'mode' is off, real or strict.")
    slack.rates.mode = mode
    return answer({"ok": True})


async def set_request_url(slack: Slack, request: web.Request) -> web.StreamResponse:
    """Deliver to one URL by signed HTTP from now on (`url` null: Socket Mode again).

    As Slack does, the URL must answer a challenge first.
    """
    url = (await body_of(request)).get("url")
    if url is None:
        slack.http_mode = None
        return answer({"ok": True})
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise ClientError("bad_field", "'url' is the address of the app.")
    if not await slack.http.challenge(url, slack.credentials.verification_token):
        raise ClientError("url_not_verified", "The URL did not answer the challenge.")
    slack.http_mode = HttpMode.one(url)
    return answer({"ok": True})

"""The client API: what the page and tests read, do and control, as one person or another."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import WSMsgType, web

from bot.sandbox.slack import interactions, people
from bot.sandbox.slack.errors import JSON, ClientError
from bot.sandbox.slack.services import HttpMode, Slack
from bot.sandbox.slack.streams import page_view
from bot.sandbox.slack.views import View, ViewEvent
from bot.sandbox.slack.workspace import Message, User

Handler = Callable[[Slack, web.Request], Awaitable[web.StreamResponse]]


def routes(slack: Slack) -> list[web.RouteDef]:
    """Everything below `/client/`."""
    return [
        web.get("/client/boot", _guarded(slack, boot)),
        web.get("/client/messages", _guarded(slack, messages)),
        web.get("/client/stream", _guarded(slack, stream)),
        web.get("/client/view", _guarded(slack, view)),
        web.get("/client/home", _guarded(slack, home)),
        web.post("/client/say", _guarded(slack, say)),
        web.post("/client/action", _guarded(slack, action)),
        web.post("/client/submit", _guarded(slack, submit)),
        web.post("/client/close", _guarded(slack, close)),
        web.post("/client/shortcut", _guarded(slack, shortcut)),
        web.post("/client/read", _guarded(slack, read)),
        web.post("/client/options", _guarded(slack, options)),
        web.get("/client/faults", _guarded(slack, show_faults)),
        web.post("/client/faults", _guarded(slack, order_fault)),
        web.delete("/client/faults", _guarded(slack, clear_faults)),
        web.post("/client/clock", _guarded(slack, move_clock)),
        web.get("/client/transcript", _guarded(slack, transcript)),
        web.post("/client/socket", _guarded(slack, trouble_socket)),
        web.post("/client/channel", _guarded(slack, change_channel)),
        web.post("/client/rate", _guarded(slack, set_rate)),
        web.post("/client/request_url", _guarded(slack, set_request_url)),
    ]


def _guarded(slack: Slack, handler: Handler) -> Callable[[web.Request], Any]:
    async def serve(request: web.Request) -> web.StreamResponse:
        slack.base_url.seen = str(request.url.origin())
        try:
            return await handler(slack, request)
        except ClientError as refusal:
            body = {"error": refusal.code, "message": refusal.message}
            return web.json_response(body, status=refusal.status)

    return serve


def _answer(body: JSON) -> web.Response:
    return web.json_response(body)


async def _body(request: web.Request) -> JSON:
    try:
        found = await request.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ClientError("invalid_json", "The body is a JSON object.")
    return found


def _text(source: Any, name: str) -> str:
    value = source.get(name)
    if not isinstance(value, str) or not value:
        raise ClientError("missing_field", f"{name!r} is missing.")
    return value


def _user(slack: Slack, source: Any) -> str:
    user = _text(source, "user")
    people.person_of(slack, user)
    return user


# -- reading ---------------------------------------------------------------------------------------


def _person(user: User) -> JSON:
    return {
        "id": user.id,
        "name": user.name,
        "real_name": user.real_name,
        "display_name": user.display_name,
        "title": user.title,
        "locale": user.locale,
        "is_bot": user.is_bot,
        "color": user.color,
    }


async def boot(slack: Slack, request: web.Request) -> web.StreamResponse:
    """The workspace as one person sees it; a page that knows nobody yet gets the first one."""
    workspace = slack.workspace
    first = next(user.id for user in workspace.users.values() if not user.is_bot)
    user = _user(slack, request.query) if "user" in request.query else first
    app = workspace.app
    return _answer(
        {
            "team": {
                "id": workspace.team.id,
                "name": workspace.team.name,
                "domain": workspace.team.domain,
            },
            "me": _person(workspace.users[user]),
            "users": [_person(each) for each in workspace.users.values()],
            "channels": [slack.streams.channel(user, each) for each in workspace.channels_of(user)],
            "app": {
                "id": app.id,
                "name": app.name,
                "bot_user_id": app.bot_user_id,
                "bot_id": app.bot_id,
                "home_tab": slack.manifest.home_tab,
                "messages_tab_read_only": slack.manifest.messages_tab_read_only,
            },
            "commands": [
                {
                    "command": each.command,
                    "description": each.description,
                    "usage_hint": each.usage_hint,
                }
                for each in slack.manifest.commands
            ],
            "shortcuts": [
                {
                    "callback_id": each.callback_id,
                    "name": each.name,
                    "type": each.type,
                    "description": each.description,
                }
                for each in slack.manifest.shortcuts
            ],
            "usergroups": [
                {
                    "id": each.id,
                    "handle": each.handle,
                    "name": each.name,
                    "users": list(each.users),
                }
                for each in workspace.usergroups.values()
            ],
            "suggestions": [{"text": text, "why": why} for text, why in slack.suggestions],
            "view_stack": [_view(slack, each) for each in slack.views.stack(user)],
        }
    )


async def messages(slack: Slack, request: web.Request) -> web.StreamResponse:
    user = _user(slack, request.query)
    channel = people.place_of(slack, user, _text(request.query, "channel"))
    thread_ts = request.query.get("thread_ts")
    seen = slack.workspace.seen_by(user, channel)
    if thread_ts:
        found = [m for m in seen if thread_ts in (m.ts, m.thread_ts)]
    else:
        found = [m for m in seen if not m.is_reply or m.broadcast]
    return _answer({"messages": [slack.streams.message(each) for each in found]})


async def stream(slack: Slack, request: web.Request) -> web.StreamResponse:
    user = _user(slack, request.query)
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    queue = slack.streams.connect(user)
    pump = slack.tasks.start(_pump(ws, queue))
    try:
        async for frame in ws:
            if frame.type is WSMsgType.ERROR:
                break
    finally:
        slack.streams.leave(user, queue)
        pump.cancel()
    return ws


async def _pump(ws: web.WebSocketResponse, queue: asyncio.Queue[JSON]) -> None:
    try:
        while True:
            await ws.send_str(json.dumps(await queue.get(), ensure_ascii=False))
    except ConnectionError:
        return


def _view(slack: Slack, found: View) -> JSON:
    return page_view(slack.views, slack.files, ViewEvent("", found))


async def view(slack: Slack, request: web.Request) -> web.StreamResponse:
    user = _user(slack, request.query)
    found = interactions.view_of(slack, user, _text(request.query, "view_id"))
    return _answer(_view(slack, found))


async def home(slack: Slack, request: web.Request) -> web.StreamResponse:
    found = people.open_home(slack, _user(slack, request.query))
    return web.json_response(_view(slack, found) if found is not None else None)


# -- doing -----------------------------------------------------------------------------------------


async def say(slack: Slack, request: web.Request) -> web.StreamResponse:
    body = await _body(request)
    thread_ts = body.get("thread_ts") or None
    user, channel = _user(slack, body), _text(body, "channel")
    return _answer(await people.say(slack, user, channel, _text(body, "text"), thread_ts))


def _place(slack: Slack, user: str, body: JSON) -> Message | View:
    """The message or the view on which somebody acts."""
    if body.get("view_id"):
        return interactions.view_of(slack, user, _text(body, "view_id"))
    channel, ts = _text(body, "channel"), _text(body, "message_ts")
    return interactions.message_of(slack, user, channel, ts)


async def action(slack: Slack, request: web.Request) -> web.StreamResponse:
    body = await _body(request)
    user = _user(slack, body)
    place = _place(slack, user, body)
    if isinstance(place, Message):
        return _answer(await interactions.act_on_message(slack, user, place, body))
    return _answer(await interactions.act_in_view(slack, user, place, body))


async def submit(slack: Slack, request: web.Request) -> web.StreamResponse:
    body = await _body(request)
    user = _user(slack, body)
    found = interactions.view_of(slack, user, _text(body, "view_id"))
    values = body.get("state") or {}
    if not isinstance(values, dict):
        raise ClientError("bad_field", "'state' is an object.")
    return _answer(await interactions.submit(slack, user, found, values))


async def close(slack: Slack, request: web.Request) -> web.StreamResponse:
    body = await _body(request)
    user = _user(slack, body)
    found = interactions.view_of(slack, user, _text(body, "view_id"))
    return _answer(await interactions.close(slack, user, found))


async def shortcut(slack: Slack, request: web.Request) -> web.StreamResponse:
    body = await _body(request)
    user = _user(slack, body)
    message = None
    if body.get("message_ts"):
        message = interactions.message_of(
            slack, user, _text(body, "channel"), _text(body, "message_ts")
        )
    return _answer(await people.shortcut(slack, user, _text(body, "callback_id"), message))


async def read(slack: Slack, request: web.Request) -> web.StreamResponse:
    body = await _body(request)
    user = _user(slack, body)
    channel = people.place_of(slack, user, _text(body, "channel"))
    slack.workspace.mark_read(user, channel, _text(body, "ts"))
    return _answer({"ok": True, "channel": slack.streams.channel(user, channel)})


async def options(slack: Slack, request: web.Request) -> web.StreamResponse:
    body = await _body(request)
    user = _user(slack, body)
    place = _place(slack, user, body)
    return _answer(await interactions.suggest(slack, user, place, body))


# -- control ---------------------------------------------------------------------------------------


async def show_faults(slack: Slack, request: web.Request) -> web.StreamResponse:
    return _answer({"faults": slack.faults.as_json()})


async def order_fault(slack: Slack, request: web.Request) -> web.StreamResponse:
    slack.faults.order_from(await _body(request))
    return _answer({"ok": True})


async def clear_faults(slack: Slack, request: web.Request) -> web.StreamResponse:
    slack.faults.clear()
    return _answer({"ok": True})


async def move_clock(slack: Slack, request: web.Request) -> web.StreamResponse:
    seconds = (await _body(request)).get("advance")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
        raise ClientError("bad_field", "'advance' is a number of seconds, not below 0.")
    await slack.clock.pass_time(float(seconds))
    return _answer({"ok": True, "now": slack.clock.now().isoformat()})


async def transcript(slack: Slack, request: web.Request) -> web.StreamResponse:
    since = request.query.get("since", "0")
    if not since.isdigit():
        raise ClientError("bad_field", "'since' is the number of an entry.")
    text = slack.transcript.as_lines(int(since))
    return web.Response(text=text, content_type="application/x-ndjson")


async def trouble_socket(slack: Slack, request: web.Request) -> web.StreamResponse:
    """`do`: a reason of `disconnect`, `cut` (no goodbye), or `mute` (half-open)."""
    do = _text(await _body(request), "do")
    if do == "cut":
        count = await slack.socket.cut()
    elif do == "mute":
        count = slack.socket.mute()
    elif do in ("warning", "refresh_requested", "link_disabled", "too_many_websockets"):
        count = await slack.socket.disconnect(do)
    else:
        raise ClientError("bad_field", f"There is no {do!r} for sockets.")
    return _answer({"ok": True, "sockets": count})


async def change_channel(slack: Slack, request: web.Request) -> web.StreamResponse:
    """`do`: `invite` or `remove` the app, `archive` or `unarchive` the channel."""
    body = await _body(request)
    user, do = _user(slack, body), _text(body, "do")
    channel = people.place_of(slack, user, _text(body, "channel"))
    if do == "invite":
        people.invite(slack, user, channel)
    elif do == "remove":
        slack.workspace.leave(slack.workspace.app.bot_user_id, channel)
    elif do in ("archive", "unarchive"):
        slack.workspace.archive(channel, do == "archive")
    else:
        raise ClientError("bad_field", f"There is no {do!r} for channels.")
    return _answer({"ok": True})


async def set_rate(slack: Slack, request: web.Request) -> web.StreamResponse:
    mode = (await _body(request)).get("mode")
    if mode not in ("off", "real", "strict"):
        raise ClientError("bad_field", "'mode' is off, real or strict.")
    slack.rates.mode = mode
    return _answer({"ok": True})


async def set_request_url(slack: Slack, request: web.Request) -> web.StreamResponse:
    """Deliver to one URL by signed HTTP from now on (`url` null: Socket Mode again).

    As Slack does, the URL must answer a challenge first.
    """
    url = (await _body(request)).get("url")
    if url is None:
        slack.http_mode = None
        return _answer({"ok": True})
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise ClientError("bad_field", "'url' is the address of the app.")
    if not await slack.http.challenge(url, slack.credentials.verification_token):
        raise ClientError("url_not_verified", "The URL did not answer the challenge.")
    slack.http_mode = HttpMode.one(url)
    return _answer({"ok": True})

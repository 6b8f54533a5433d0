"""The client API: what the page and tests read and do, as one person or another."""

from __future__ import annotations

import asyncio

from aiohttp import WSMsgType, web

from bot.sandbox.slack import interactions, people, reacting
from bot.sandbox.slack.errors import JSON, ClientError, SlackError
from bot.sandbox.slack.requests import answer, body_of, guarded, text_of, user_of
from bot.sandbox.slack.services import Slack
from bot.sandbox.slack.streams import page_view
from bot.sandbox.slack.views import View
from bot.sandbox.slack.workspace import Message, User


def routes(slack: Slack) -> list[web.RouteDef]:
    """Everything below `/client/`."""
    return [
        web.get("/client/boot", guarded(slack, boot)),
        web.get("/client/messages", guarded(slack, messages)),
        web.get("/client/stream", guarded(slack, stream)),
        web.get("/client/view", guarded(slack, view)),
        web.get("/client/home", guarded(slack, home)),
        web.post("/client/say", guarded(slack, say)),
        web.post("/client/action", guarded(slack, action)),
        web.post("/client/submit", guarded(slack, submit)),
        web.post("/client/close", guarded(slack, close)),
        web.post("/client/shortcut", guarded(slack, shortcut)),
        web.post("/client/read", guarded(slack, read)),
        web.post("/client/options", guarded(slack, options)),
        web.post("/client/upload", guarded(slack, upload)),
        web.post("/client/reaction", guarded(slack, reaction)),
    ]


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


def _newcomer(slack: Slack, request: web.Request) -> str:
    """Who somebody is that the page knows not yet: the first person who speaks their language."""
    people = [user for user in slack.workspace.users.values() if not user.is_bot]
    spoken = request.headers.get("Accept-Language", "")[:2].lower()
    theirs = (user for user in people if spoken and user.locale.startswith(spoken))
    return next(theirs, people[0]).id


async def boot(slack: Slack, request: web.Request) -> web.StreamResponse:
    """The workspace as one person sees it."""
    workspace = slack.workspace
    user = user_of(slack, request.query) if "user" in request.query else _newcomer(slack, request)
    app = workspace.app
    return answer(
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
    user = user_of(slack, request.query)
    channel = people.place_of(slack, user, text_of(request.query, "channel"))
    thread_ts = request.query.get("thread_ts")
    seen = slack.workspace.seen_by(user, channel)
    if thread_ts:
        found = [m for m in seen if thread_ts in (m.ts, m.thread_ts)]
    else:
        found = [m for m in seen if not m.is_reply or m.broadcast]
    limit = request.query.get("limit", "")
    if limit.isdigit():
        found = found[-max(1, int(limit)) :]
    return answer({"messages": [slack.streams.message(each) for each in found]})


async def stream(slack: Slack, request: web.Request) -> web.StreamResponse:
    user = user_of(slack, request.query)
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    queue = slack.streams.connect(user)
    slack.pages.add(ws)
    pump = slack.tasks.start(_pump(ws, queue))
    try:
        async for frame in ws:
            if frame.type is WSMsgType.ERROR:
                break
    finally:
        slack.pages.discard(ws)
        slack.streams.leave(user, queue)
        pump.cancel()
    return ws


async def _pump(ws: web.WebSocketResponse, queue: asyncio.Queue[str]) -> None:
    try:
        while True:
            await ws.send_str(await queue.get())
    except ConnectionError:
        return


def _view(slack: Slack, found: View) -> JSON:
    return page_view(slack.views, slack.files, found)


async def view(slack: Slack, request: web.Request) -> web.StreamResponse:
    user = user_of(slack, request.query)
    found = interactions.view_of(slack, user, text_of(request.query, "view_id"))
    return answer(_view(slack, found))


async def home(slack: Slack, request: web.Request) -> web.StreamResponse:
    found = people.open_home(slack, user_of(slack, request.query))
    return web.json_response(_view(slack, found) if found is not None else None)


# -- doing -----------------------------------------------------------------------------------------


async def say(slack: Slack, request: web.Request) -> web.StreamResponse:
    body = await body_of(request)
    thread_ts = text_of(body, "thread_ts") if body.get("thread_ts") else None
    user, channel = user_of(slack, body), text_of(body, "channel")
    return answer(await people.say(slack, user, channel, text_of(body, "text"), thread_ts))


def _place(slack: Slack, user: str, body: JSON) -> Message | View:
    """The message or the view on which somebody acts."""
    if body.get("view_id"):
        return interactions.view_of(slack, user, text_of(body, "view_id"))
    channel, ts = text_of(body, "channel"), text_of(body, "message_ts")
    return interactions.message_of(slack, user, channel, ts)


async def action(slack: Slack, request: web.Request) -> web.StreamResponse:
    body = await body_of(request)
    user = user_of(slack, body)
    place = _place(slack, user, body)
    if isinstance(place, Message):
        return answer(await interactions.act_on_message(slack, user, place, body))
    return answer(await interactions.act_in_view(slack, user, place, body))


async def submit(slack: Slack, request: web.Request) -> web.StreamResponse:
    body = await body_of(request)
    user = user_of(slack, body)
    found = interactions.view_of(slack, user, text_of(body, "view_id"))
    values = body.get("state") or {}
    if not isinstance(values, dict):
        raise ClientError("bad_field", "'state' is an object.")
    return answer(await interactions.submit(slack, user, found, values))


async def close(slack: Slack, request: web.Request) -> web.StreamResponse:
    body = await body_of(request)
    user = user_of(slack, body)
    found = interactions.view_of(slack, user, text_of(body, "view_id"))
    return answer(await interactions.close(slack, user, found))


async def shortcut(slack: Slack, request: web.Request) -> web.StreamResponse:
    body = await body_of(request)
    user = user_of(slack, body)
    message = None
    if body.get("message_ts"):
        message = interactions.message_of(
            slack, user, text_of(body, "channel"), text_of(body, "message_ts")
        )
    return answer(await people.shortcut(slack, user, text_of(body, "callback_id"), message))


async def read(slack: Slack, request: web.Request) -> web.StreamResponse:
    body = await body_of(request)
    user = user_of(slack, body)
    channel = people.place_of(slack, user, text_of(body, "channel"))
    slack.workspace.mark_read(user, channel, text_of(body, "ts"))
    return answer({"ok": True, "channel": slack.streams.channel(user, channel)})


async def options(slack: Slack, request: web.Request) -> web.StreamResponse:
    body = await body_of(request)
    user = user_of(slack, body)
    place = _place(slack, user, body)
    return answer(await interactions.suggest(slack, user, place, body))


async def upload(slack: Slack, request: web.Request) -> web.StreamResponse:
    """A file from somebody's disk, for a `file_input`: the body is its content."""
    user, name = user_of(slack, request.query), text_of(request.query, "name")
    content = await request.read()
    if not content:
        raise ClientError("empty_file", f"{name} is empty.")
    return answer({"id": slack.files.bring(name, content, user).id, "name": name})


async def reaction(slack: Slack, request: web.Request) -> web.StreamResponse:
    """`do`: `add` or `remove` an emoji of this person."""
    body = await body_of(request)
    user, do = user_of(slack, body), text_of(body, "do")
    channel, ts = text_of(body, "channel"), text_of(body, "message_ts")
    message = interactions.message_of(slack, user, channel, ts)
    act = {"add": reacting.react, "remove": reacting.take_back}.get(do)
    if act is None or message.visible_to is not None:
        raise ClientError("bad_field", f"There is no {do!r} for this message.")
    try:
        act(slack, user, message, reacting.emoji_named(text_of(body, "name")))
    except SlackError as refusal:
        raise ClientError(refusal.code, "That emoji is not to be had there.") from None
    return answer({"ok": True})

"""The screens of the workspace's people, for the driver: the client API, names, and the streams.

What a person sees is kept up to date by their stream, so that waiting never polls. Acts and sights
by their names are in `driver.py`.
"""

# ruff: noqa: ASYNC109 - how long to wait for a sight is part of what a test says

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp

from bot.sandbox.slack.sights import JSON, Message, View

T = TypeVar("T")
_ANYBODY = "U0ANA00000"  # whose side bar is asked for names before anybody has acted


class SlackRefusal(Exception):  # noqa: N818 - it is what a person is told, not a fault
    """The workspace refused what a person tried: its code and sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


@dataclass(slots=True)
class Screen:
    """What one person has on their screen."""

    messages: dict[tuple[str, str], Message] = field(default_factory=dict)
    views: dict[str, View] = field(default_factory=dict)
    home: View | None = None
    toasts: list[str] = field(default_factory=list)
    channels: dict[str, JSON] = field(default_factory=dict)
    events: list[JSON] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    reader: asyncio.Task[None] | None = None

    async def until(
        self,
        find: Callable[[], T | None],
        timeout: float,
        complaint: str,
        seen: Callable[[], object] = str,
    ) -> T:
        """What `find` gives, as soon as it gives something; `seen` is what there was in the end."""
        try:
            async with asyncio.timeout(timeout), self.changed:
                while True:
                    if self.reader is not None and self.reader.done():
                        raise ConnectionError("the workspace closed the stream")
                    found = find()
                    if found is not None:
                        return found
                    await self.changed.wait()
        except TimeoutError:
            raise TimeoutError(f"{complaint} within {timeout} s. {seen()}") from None

    def newest(self) -> str:
        newest = sorted(self.messages.values(), key=lambda m: m.ts)[-5:]
        return "Newest: " + " | ".join(f"{m.text!r}: {m.words!r}" for m in newest)


class Screens:
    """A connection to one workspace: requests of its client API, and one screen per person."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None
        self._screens: dict[str, Screen] = {}
        self._opening: dict[str, asyncio.Lock] = {}
        self._users: dict[str, str] = {}
        self._channels: dict[str, str] = {}
        self._app = ""

    def open(self) -> None:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))

    async def close(self) -> None:
        readers = [s.reader for s in self._screens.values() if s.reader is not None]
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    # -- names -------------------------------------------------------------------------------------

    async def person(self, user: str) -> str:
        """The id of somebody who is named by name or id."""
        if user.startswith("U"):
            return user
        if not self._users:
            await self._learn(_ANYBODY)
        name = user.removeprefix("@").casefold()
        if name not in self._users:
            raise SlackRefusal("user_not_found", user)
        return self._users[name]

    async def channel(self, person: str, channel: str) -> str:
        """The id of a channel that is named by name or id; the app's name is the DM with it."""
        name = channel.removeprefix("#")
        if not self._channels or name not in self._channels:
            await self._learn(person)
        if channel.removeprefix("@").casefold() == self._app or name == "dynamo":
            return f"D{person[1:]}"
        return self._channels.get(name, channel)

    async def _learn(self, user: str) -> JSON:
        boot: JSON = await self.get("boot", user=user)
        self._users |= {each["name"].casefold(): each["id"] for each in boot["users"]}
        self._channels |= {c["name"]: c["id"] for c in boot["channels"] if c["kind"] != "im"}
        self._app = boot["app"]["name"].casefold()
        return boot

    # -- screens -----------------------------------------------------------------------------------

    async def of(self, user: str) -> Screen:
        """The person's screen: stream first, then what was there before it."""
        person = await self.person(user)
        async with self._opening.setdefault(person, asyncio.Lock()):
            if person not in self._screens:
                self._screens[person] = await self._open(person)
        return self._screens[person]

    async def _open(self, person: str) -> Screen:
        assert self._session is not None
        screen = Screen()
        ws = await self._session.ws_connect(
            f"{self.base_url}/client/stream", params={"user": person}
        )
        screen.reader = asyncio.create_task(self._read(ws, screen))
        boot = await self._learn(person)
        for channel in boot["channels"]:
            screen.channels.setdefault(channel["id"], channel)
            place = {"user": person, "channel": channel["id"]}
            for body in (await self.get("messages", **place))["messages"]:
                found = [body]
                if body.get("reply_count"):
                    thread = await self.get("messages", **place, thread_ts=body["ts"])
                    found = thread["messages"]
                for each in found:
                    message = Message(each)
                    screen.messages.setdefault((message.channel, message.ts), message)
        for view in boot.get("view_stack", []):
            screen.views.setdefault(view["id"], View(view))
        return screen

    async def _read(self, ws: aiohttp.ClientWebSocketResponse, screen: Screen) -> None:
        try:
            async for frame in ws:
                event = json.loads(frame.data)
                async with screen.changed:
                    screen.events.append(event)
                    _apply(screen, event)
                    screen.changed.notify_all()
        finally:
            await ws.close()
            async with screen.changed:
                screen.changed.notify_all()

    # -- requests ----------------------------------------------------------------------------------

    async def get(self, path: str, **query: str) -> Any:
        return await self.call("GET", path, query=query)

    async def post(self, path: str, body: JSON) -> JSON:
        found: JSON = await self.call("POST", path, body=body)
        return found

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: Any = None,
        content: bytes | None = None,
    ) -> Any:
        """A request below `/client/`, with a JSON body or raw content; raises SlackRefusal."""
        assert self._session is not None, "use `async with SlackDriver(url)`"
        sent: JSON = {"json": body} if content is None else {"data": content}
        async with self._session.request(
            method, f"{self.base_url}/client/{path}", params=query, **sent
        ) as response:
            if response.content_type != "application/json":
                return await response.text()
            found = await response.json()
        if response.status >= 400:
            raise SlackRefusal(found.get("error", "error"), found.get("message", ""))
        return found


def _apply(screen: Screen, event: JSON) -> None:
    match event["event"]:
        case "message" | "message_changed":
            message = Message(event["message"])
            screen.messages[(message.channel, message.ts)] = message
        case "message_deleted":
            screen.messages.pop((event["channel"], event["message"]["ts"]), None)
        case "view_opened" | "view_pushed" | "view_updated":
            view = View(event["view"])
            screen.views[view.id] = view
        case "view_closed":
            screen.views.pop(event["view"]["id"], None)
        case "home":
            screen.home = View(event["view"])
        case "toast":
            screen.toasts.append(event["text"])
        case "channel":
            screen.channels[event["channel"]["id"]] = event["channel"]

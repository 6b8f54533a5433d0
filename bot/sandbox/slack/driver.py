"""People of the workspace in Python: type, click, submit, and wait for what they would see.

A client of the client API and its streams, for tests and documentation:

    async with SlackDriver(url) as slack:
        await slack.say("ana", "#qa-deploys", "/dynamo deploy tasks-service qa")
        card = await slack.message("ana", where=lambda m: "Succeeded" in m.words)
        await slack.click("ana", card, "Logs")

People are named by id or by name, channels by id or by `#name`. Waiting follows the stream: nothing
polls. A refusal of the workspace raises `SlackRefusal`.
"""

# ruff: noqa: ASYNC109 - how long to wait for a sight is part of what a test says

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, TypeVar

import aiohttp

from bot.sandbox.slack.sights import (
    JSON,
    Control,
    Message,
    View,
    control_named,
    entered,
    input_named,
    option_named,
)

__all__ = ["Control", "Message", "SlackDriver", "SlackRefusal", "View"]

T = TypeVar("T")
_PATIENCE = 30.0
_ANYBODY = "U0ANA00000"  # whose side bar is asked for names before anybody has acted


class SlackRefusal(Exception):  # noqa: N818 - it is what a person is told, not a fault
    """The workspace refused what a person tried: its code and sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


@dataclass(slots=True)
class _Screen:
    """What one person has on their screen, kept up to date by the stream."""

    messages: dict[tuple[str, str], Message] = field(default_factory=dict)
    views: dict[str, View] = field(default_factory=dict)
    home: View | None = None
    toasts: list[str] = field(default_factory=list)
    channels: dict[str, JSON] = field(default_factory=dict)
    events: list[JSON] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    reader: asyncio.Task[None] | None = None


class SlackDriver:
    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None
        self._screens: dict[str, _Screen] = {}
        self._opening: dict[str, asyncio.Lock] = {}
        self._users: dict[str, str] = {}
        self._channels: dict[str, str] = {}

    async def __aenter__(self) -> SlackDriver:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        readers = [s.reader for s in self._screens.values() if s.reader is not None]
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    # -- acting ------------------------------------------------------------------------------------

    async def say(self, user: str, channel: str, text: str, thread_ts: str | None = None) -> JSON:
        """Type a line; a command returns after the app's ack."""
        screen_user = await self._person(user)
        body = {"user": screen_user, "channel": await self._channel(screen_user, channel)}
        return await self._post("say", {**body, "text": text, "thread_ts": thread_ts})

    async def click(self, user: str, where: Message | View, button: str) -> JSON:
        """Press the button with this text (or action id); after its confirm dialog, if any."""
        return await self._act(user, where, control_named(where, button), {})

    async def choose(
        self, user: str, where: Message | View, control: str, *wanted: str, **values: Any
    ) -> JSON:
        """Use a menu, check boxes or a picker, found by its words or action id.

        Options are named by their text or value; pickers take Slack's own key (`selected_date=…`).
        """
        found = control_named(where, control)
        options = [option_named(found, each) for each in wanted]
        multiple = found.element["type"] == "checkboxes" or found.element["type"].startswith(
            "multi"
        )
        used: JSON = dict(values)
        if not values:
            used = {"selected_options": options} if multiple else {"selected_option": options[0]}
        return await self._act(user, where, found, used)

    async def submit(self, user: str, view: View, values: JSON | None = None) -> JSON:
        """Submit a modal; `values` maps action ids (or block ids, or labels) to what was entered.

        Texts are entered as text; options by text or value; lists for several.
        """
        state: JSON = {}
        for name, value in (values or {}).items():
            block_id, element = input_named(view, name)
            state.setdefault(block_id, {})[element["action_id"]] = entered(element, value)
        body = {"user": await self._person(user), "view_id": view.id, "state": state}
        return await self._post("submit", body)

    async def close(self, user: str, view: View) -> JSON:
        return await self._post("close", {"user": await self._person(user), "view_id": view.id})

    async def open_home(self, user: str) -> View | None:
        """Open the app's Home tab; what was published so far, or None."""
        found = await self._get("home", user=await self._person(user))
        return View(found) if found else None

    async def shortcut(self, user: str, callback_id: str, message: Message | None = None) -> JSON:
        on = {"channel": message.channel, "message_ts": message.ts} if message else {}
        person = await self._person(user)
        return await self._post("shortcut", {"user": person, "callback_id": callback_id, **on})

    async def read(self, user: str, message: Message) -> JSON:
        person = await self._person(user)
        return await self._post(
            "read", {"user": person, "channel": message.channel, "ts": message.ts}
        )

    async def options(self, user: str, where: Message | View, control: str, typed: str) -> JSON:
        """What an external select offers for what was typed."""
        found = control_named(where, control)
        body = await self._place(user, where)
        return await self._post(
            "options",
            {**body, "block_id": found.block_id, "action_id": found.action_id, "value": typed},
        )

    # -- seeing ------------------------------------------------------------------------------------

    async def message(
        self,
        user: str = "ana",
        *,
        where: Callable[[Message], bool] = lambda _: True,
        channel: str | None = None,
        after: str = "",
        timeout: float = _PATIENCE,
    ) -> Message:
        """The newest message that this person sees and that fits, as soon as there is one.

        `after` is a ts: only newer messages count. Edits of a message count as well.
        """
        screen = await self._screen(user)
        inside = await self._channel(await self._person(user), channel) if channel else None

        def find() -> Message | None:
            for message in sorted(screen.messages.values(), key=lambda m: m.ts, reverse=True):
                here = inside is None or message.channel == inside
                if here and message.ts > after and where(message):
                    return message
            return None

        return await self._until(screen, find, timeout, "no such message", self._seen(screen))

    async def gone(self, user: str, message: Message, *, timeout: float = _PATIENCE) -> None:
        """Wait until a message is no longer there."""
        screen = await self._screen(user)
        key = (message.channel, message.ts)

        def find() -> bool | None:
            return None if key in screen.messages else True

        await self._until(screen, find, timeout, "the message is still there", "")

    async def view(
        self,
        user: str,
        *,
        where: Callable[[View], bool] = lambda _: True,
        timeout: float = _PATIENCE,
    ) -> View:
        """An open modal that fits; the one on top first."""
        screen = await self._screen(user)

        def find() -> View | None:
            return next((v for v in reversed(screen.views.values()) if where(v)), None)

        return await self._until(screen, find, timeout, "no such view", "")

    async def no_view(self, user: str, *, timeout: float = _PATIENCE) -> None:
        """Wait until no modal is open."""
        screen = await self._screen(user)
        await self._until(
            screen, lambda: None if screen.views else True, timeout, "a modal is still open", ""
        )

    async def home(
        self,
        user: str,
        *,
        where: Callable[[View], bool] = lambda _: True,
        timeout: float = _PATIENCE,
    ) -> View:
        """The published Home that fits; open it first (`open_home`) to have the app told."""
        screen = await self._screen(user)

        def find() -> View | None:
            return screen.home if screen.home is not None and where(screen.home) else None

        return await self._until(screen, find, timeout, "no such home", "")

    async def toast(
        self,
        user: str,
        *,
        where: Callable[[str], bool] = lambda _: True,
        timeout: float = _PATIENCE,
    ) -> str:
        screen = await self._screen(user)

        def find() -> str | None:
            return next((text for text in reversed(screen.toasts) if where(text)), None)

        return await self._until(screen, find, timeout, "no such toast", str(screen.toasts))

    async def channel(
        self,
        user: str,
        channel: str,
        *,
        where: Callable[[JSON], bool] = lambda _: True,
        timeout: float = _PATIENCE,
    ) -> JSON:
        """A channel of the side bar, with its counters, once it fits."""
        screen = await self._screen(user)
        wanted = await self._channel(await self._person(user), channel)

        def find() -> JSON | None:
            found = screen.channels.get(wanted)
            return found if found is not None and where(found) else None

        return await self._until(screen, find, timeout, "no such channel", str(screen.channels))

    async def watch(self, *users: str) -> None:
        """Open the streams of these people now, so that nothing they see is missed."""
        for user in users:
            await self._screen(user)

    async def messages(
        self, user: str, channel: str, thread_ts: str | None = None
    ) -> list[Message]:
        """What the channel (or a thread of it) shows this person right now, the oldest first."""
        person = await self._person(user)
        place = {"user": person, "channel": await self._channel(person, channel)}
        if thread_ts:
            place["thread_ts"] = thread_ts
        found = await self._get("messages", **place)
        return [Message(each) for each in found["messages"]]

    async def events(self, user: str) -> list[JSON]:
        """Every stream event so far, as it came."""
        return list((await self._screen(user)).events)

    # -- control -----------------------------------------------------------------------------------

    async def fault(self, **fault: Any) -> None:
        """Order a trouble: `method`, `error`, `status`, `retry_after`, `delay`, `drop`,
        `times`, …
        """
        await self._post("faults", fault)

    async def no_faults(self) -> None:
        await self._call("DELETE", "faults")

    async def advance(self, seconds: float) -> None:
        """Let virtual time pass."""
        await self._post("clock", {"advance": seconds})

    async def sockets(self, do: str) -> int:
        """`warning`, `refresh_requested`, `cut`, `mute` …; how many sockets met it."""
        return int((await self._post("socket", {"do": do}))["sockets"])

    async def redeliver(self) -> JSON:
        """Let the app get its latest command, click or event a second time."""
        return await self._post("redeliver", {})

    async def change_channel(self, do: str, channel: str, user: str = "elena") -> None:
        """`invite` or `remove` the app, `archive` or `unarchive` the channel."""
        person = await self._person(user)
        place = await self._channel(person, channel)
        await self._post("channel", {"user": person, "channel": place, "do": do})

    async def request_url(self, url: str | None) -> None:
        """Signed HTTP to this URL from now on, after its challenge; None: Socket Mode again."""
        await self._post("request_url", {"url": url})

    async def rate(self, mode: str) -> None:
        await self._post("rate", {"mode": mode})

    async def transcript(self, since: int = 0) -> list[JSON]:
        text = await self._call("GET", "transcript", query={"since": str(since)})
        return [json.loads(line) for line in text.splitlines()]

    async def exchange(
        self,
        *,
        where: Callable[[JSON], bool],
        since: int = 0,
        timeout: float = _PATIENCE,
    ) -> JSON:
        """The first entry of the transcript above `since` that fits, as soon as there is one."""
        try:
            async with asyncio.timeout(timeout):
                while True:
                    query = {"since": str(since), "wait": str(max(1, int(timeout)))}
                    text = await self._call("GET", "transcript", query=query)
                    for entry in map(json.loads, text.splitlines()):
                        if where(entry):
                            found: JSON = entry
                            return found
                        since = entry["n"]
        except TimeoutError:
            raise TimeoutError(f"no such exchange within {timeout} s") from None

    async def calls(self, method: str) -> list[JSON]:
        """Entries of the transcript with this method, such as `chat.update`."""
        return [each for each in await self.transcript() if each["method"] == method]

    # -- machinery ---------------------------------------------------------------------------------

    async def _act(self, user: str, where: Message | View, control: Control, used: JSON) -> JSON:
        body = await self._place(user, where)
        ids = {"block_id": control.block_id, "action_id": control.action_id}
        return await self._post("action", {**body, **ids, **used})

    async def _place(self, user: str, where: Message | View) -> JSON:
        person = await self._person(user)
        if isinstance(where, View):
            return {"user": person, "view_id": where.id}
        return {"user": person, "channel": where.channel, "message_ts": where.ts}

    async def _until(
        self,
        screen: _Screen,
        find: Callable[[], T | None],
        timeout: float,
        complaint: str,
        seen: str,
    ) -> T:
        try:
            async with asyncio.timeout(timeout), screen.changed:
                while True:
                    if screen.reader is not None and screen.reader.done():
                        raise ConnectionError("the workspace closed the stream")
                    found = find()
                    if found is not None:
                        return found
                    await screen.changed.wait()
        except TimeoutError:
            raise TimeoutError(f"{complaint} within {timeout} s. {seen}") from None

    @staticmethod
    def _seen(screen: _Screen) -> str:
        newest = sorted(screen.messages.values(), key=lambda m: m.ts)[-5:]
        return "Newest: " + " | ".join(f"{m.text!r}: {m.words!r}" for m in newest)

    async def _person(self, user: str) -> str:
        if user.startswith("U"):
            return user
        if not self._users:
            await self._learn(_ANYBODY)
        if user.casefold() not in self._users:
            raise SlackRefusal("user_not_found", user)
        return self._users[user.casefold()]

    async def _channel(self, person: str, channel: str) -> str:
        name = channel.removeprefix("#")
        if channel == "@dynamo" or name == "dynamo":
            return f"D{person[1:]}"
        if not self._channels or name not in self._channels:
            await self._learn(person)
        return self._channels.get(name, channel)

    async def _learn(self, user: str) -> JSON:
        boot: JSON = await self._get("boot", user=user)
        self._users |= {each["name"].casefold(): each["id"] for each in boot["users"]}
        self._channels |= {c["name"]: c["id"] for c in boot["channels"] if c["kind"] != "im"}
        return boot

    async def _screen(self, user: str) -> _Screen:
        """The person's screen: stream first, then what was there before it."""
        person = await self._person(user)
        async with self._opening.setdefault(person, asyncio.Lock()):
            if person not in self._screens:
                self._screens[person] = await self._open(person)
        return self._screens[person]

    async def _open(self, person: str) -> _Screen:
        assert self._session is not None
        screen = _Screen()
        ws = await self._session.ws_connect(
            f"{self.base_url}/client/stream", params={"user": person}
        )
        screen.reader = asyncio.create_task(self._read(ws, screen))
        boot = await self._learn(person)
        for channel in boot["channels"]:
            screen.channels.setdefault(channel["id"], channel)
            place = {"user": person, "channel": channel["id"]}
            for body in (await self._get("messages", **place))["messages"]:
                found = [body]
                if body.get("reply_count"):
                    thread = await self._get("messages", **place, thread_ts=body["ts"])
                    found = thread["messages"]
                for each in found:
                    message = Message(each)
                    screen.messages.setdefault((message.channel, message.ts), message)
        for view in boot.get("view_stack", []):
            screen.views.setdefault(view["id"], View(view))
        return screen

    async def _read(self, ws: aiohttp.ClientWebSocketResponse, screen: _Screen) -> None:
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

    async def _get(self, path: str, **query: str) -> Any:
        return await self._call("GET", path, query=query)

    async def _post(self, path: str, body: JSON) -> JSON:
        found: JSON = await self._call("POST", path, body=body)
        return found

    async def _call(
        self, method: str, path: str, *, query: dict[str, str] | None = None, body: Any = None
    ) -> Any:
        assert self._session is not None, "use `async with SlackDriver(url)`"
        async with self._session.request(
            method, f"{self.base_url}/client/{path}", params=query, json=body
        ) as response:
            if response.content_type != "application/json":
                return await response.text()
            found = await response.json()
        if response.status >= 400:
            raise SlackRefusal(found.get("error", "error"), found.get("message", ""))
        return found


def _apply(screen: _Screen, event: JSON) -> None:
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

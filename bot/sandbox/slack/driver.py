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
from types import TracebackType
from typing import Any

from bot.sandbox.slack.screens import Screens, SlackRefusal
from bot.sandbox.slack.sights import (
    JSON,
    Control,
    Message,
    View,
    control_named,
    held_key,
    input_named,
    option_of,
    plain_value,
)

__all__ = ["Control", "Message", "SlackDriver", "SlackRefusal", "View"]

_PATIENCE = 30.0


class SlackDriver:
    def __init__(self, base_url: str) -> None:
        self._screens = Screens(base_url)
        self.base_url = self._screens.base_url

    async def __aenter__(self) -> SlackDriver:
        self._screens.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._screens.close()

    # -- acting ------------------------------------------------------------------------------------

    async def say(self, user: str, channel: str, text: str, thread_ts: str | None = None) -> JSON:
        """Type a line; a command returns after the app's ack."""
        screen_user = await self._screens.person(user)
        body = {"user": screen_user, "channel": await self._screens.channel(screen_user, channel)}
        return await self._screens.post("say", {**body, "text": text, "thread_ts": thread_ts})

    async def click(self, user: str, where: Message | View, button: str | Control) -> JSON:
        """Press the button with this text (or action id); after its confirm dialog, if any. Of
        several that look alike, name the control itself: one of `where.controls`.
        """
        return await self._act(user, where, control_named(where, button), {})

    async def choose(
        self, user: str, where: Message | View, control: str | Control, *wanted: Any, **values: Any
    ) -> JSON:
        """Use a menu, check boxes or a picker, found by its words or action id.

        Options are named by their text or value (those of an external menu are looked up first),
        people and channels by their names, days and times as Slack writes them. Slack's own keys
        work, too (`selected_date=…`).
        """
        found = control_named(where, control)
        used = values or await self._entered(user, where, found, list(wanted))
        return await self._act(user, where, found, used)

    async def submit(self, user: str, view: View, values: JSON | None = None) -> JSON:
        """Submit a modal; `values` maps action ids (or block ids, or labels) to what was entered.

        Texts are entered as text; options, people, channels and days as `choose` takes them; files
        as pairs of a name and its bytes; lists for several.
        """
        state: JSON = {}
        for name, value in (values or {}).items():
            block_id, element = input_named(view, name)
            if isinstance(value, dict):
                entry: JSON = value
            else:
                wanted = value if isinstance(value, list) else [value]
                entry = await self._entered(user, view, Control(block_id, element), wanted)
            held = {"type": element["type"], **entry}
            state.setdefault(block_id, {})[element["action_id"]] = held
        body = {"user": await self._screens.person(user), "view_id": view.id, "state": state}
        return await self._screens.post("submit", body)

    async def upload(self, user: str, name: str, content: bytes) -> JSON:
        """Bring a file along, for a `file_input`; `submit` does so for pairs of name and bytes."""
        query = {"user": await self._screens.person(user), "name": name}
        found: JSON = await self._screens.call("POST", "upload", query=query, content=content)
        return found

    async def react(self, user: str, message: Message, emoji: str, *, remove: bool = False) -> JSON:
        """Put an emoji under a message, or take it away."""
        body = await self._place(user, message)
        do = "remove" if remove else "add"
        return await self._screens.post("reaction", {**body, "name": emoji.strip(":"), "do": do})

    async def close(self, user: str, view: View) -> JSON:
        return await self._screens.post(
            "close", {"user": await self._screens.person(user), "view_id": view.id}
        )

    async def open_home(self, user: str) -> View | None:
        """Open the app's Home tab; what was published so far, or None."""
        found = await self._screens.get("home", user=await self._screens.person(user))
        return View(found) if found else None

    async def shortcut(self, user: str, callback_id: str, message: Message | None = None) -> JSON:
        on = {"channel": message.channel, "message_ts": message.ts} if message else {}
        person = await self._screens.person(user)
        return await self._screens.post(
            "shortcut", {"user": person, "callback_id": callback_id, **on}
        )

    async def read(self, user: str, message: Message) -> JSON:
        person = await self._screens.person(user)
        return await self._screens.post(
            "read", {"user": person, "channel": message.channel, "ts": message.ts}
        )

    async def options(self, user: str, where: Message | View, control: str, typed: str) -> JSON:
        """What an external select offers for what was typed."""
        found = control_named(where, control)
        body = await self._place(user, where)
        return await self._screens.post(
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
        screen = await self._screens.of(user)
        inside = (
            await self._screens.channel(await self._screens.person(user), channel)
            if channel
            else None
        )

        def find() -> Message | None:
            for message in sorted(screen.messages.values(), key=lambda m: m.ts, reverse=True):
                here = inside is None or message.channel == inside
                if here and message.ts > after and where(message):
                    return message
            return None

        return await screen.until(find, timeout, "no such message", screen.newest)

    async def gone(self, user: str, message: Message, *, timeout: float = _PATIENCE) -> None:
        """Wait until a message is no longer there."""
        screen = await self._screens.of(user)
        key = (message.channel, message.ts)

        def find() -> bool | None:
            return None if key in screen.messages else True

        await screen.until(find, timeout, "the message is still there")

    async def view(
        self,
        user: str,
        *,
        where: Callable[[View], bool] = lambda _: True,
        timeout: float = _PATIENCE,
    ) -> View:
        """An open modal that fits; the one on top first."""
        screen = await self._screens.of(user)

        def find() -> View | None:
            return next((v for v in reversed(screen.views.values()) if where(v)), None)

        return await screen.until(
            find, timeout, "no such view", lambda: [view.title for view in screen.views.values()]
        )

    async def no_view(self, user: str, *, timeout: float = _PATIENCE) -> None:
        """Wait until no modal is open."""
        screen = await self._screens.of(user)
        await screen.until(lambda: None if screen.views else True, timeout, "a modal is still open")

    async def home(
        self,
        user: str,
        *,
        where: Callable[[View], bool] = lambda _: True,
        timeout: float = _PATIENCE,
    ) -> View:
        """The published Home that fits; open it first (`open_home`) to have the app told."""
        screen = await self._screens.of(user)

        def find() -> View | None:
            return screen.home if screen.home is not None and where(screen.home) else None

        return await screen.until(find, timeout, "no such home")

    async def toast(
        self,
        user: str,
        *,
        where: Callable[[str], bool] = lambda _: True,
        timeout: float = _PATIENCE,
    ) -> str:
        screen = await self._screens.of(user)

        def find() -> str | None:
            return next((text for text in reversed(screen.toasts) if where(text)), None)

        return await screen.until(find, timeout, "no such toast", lambda: screen.toasts)

    async def channel(
        self,
        user: str,
        channel: str,
        *,
        where: Callable[[JSON], bool] = lambda _: True,
        timeout: float = _PATIENCE,
    ) -> JSON:
        """A channel of the side bar, with its counters, once it fits."""
        screen = await self._screens.of(user)
        wanted = await self._screens.channel(await self._screens.person(user), channel)

        def find() -> JSON | None:
            found = screen.channels.get(wanted)
            return found if found is not None and where(found) else None

        return await screen.until(find, timeout, "no such channel", lambda: screen.channels)

    async def watch(self, *users: str) -> None:
        """Open the streams of these people now, so that nothing they see is missed."""
        for user in users:
            await self._screens.of(user)

    async def messages(
        self, user: str, channel: str, thread_ts: str | None = None
    ) -> list[Message]:
        """What the channel (or a thread of it) shows this person right now, the oldest first."""
        person = await self._screens.person(user)
        place = {"user": person, "channel": await self._screens.channel(person, channel)}
        if thread_ts:
            place["thread_ts"] = thread_ts
        found = await self._screens.get("messages", **place)
        return [Message(each) for each in found["messages"]]

    async def events(self, user: str) -> list[JSON]:
        """Every stream event so far, as it came."""
        return list((await self._screens.of(user)).events)

    # -- control -----------------------------------------------------------------------------------

    async def fault(self, **fault: Any) -> None:
        """Order a trouble: `method`, `error`, `status`, `retry_after`, `delay`, `drop`,
        `times`, …
        """
        await self._screens.post("faults", fault)

    async def no_faults(self) -> None:
        await self._screens.call("DELETE", "faults")

    async def advance(self, seconds: float) -> None:
        """Let virtual time pass."""
        await self._screens.post("clock", {"advance": seconds})

    async def sockets(self, do: str) -> int:
        """`warning`, `refresh_requested`, `cut`, `mute` …; how many sockets met it."""
        return int((await self._screens.post("socket", {"do": do}))["sockets"])

    async def redeliver(self) -> JSON:
        """Let the app get its latest command, click or event a second time."""
        return await self._screens.post("redeliver", {})

    async def change_channel(self, do: str, channel: str, user: str = "elena") -> None:
        """`invite` or `remove` the app, `archive` or `unarchive` the channel."""
        person = await self._screens.person(user)
        place = await self._screens.channel(person, channel)
        await self._screens.post("channel", {"user": person, "channel": place, "do": do})

    async def request_url(self, url: str | None) -> None:
        """Signed HTTP to this URL from now on, after its challenge; None: Socket Mode again."""
        await self._screens.post("request_url", {"url": url})

    async def rate(self, mode: str) -> None:
        await self._screens.post("rate", {"mode": mode})

    async def transcript(self, since: int = 0) -> list[JSON]:
        text = await self._screens.call("GET", "transcript", query={"since": str(since)})
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
                    text = await self._screens.call("GET", "transcript", query=query)
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

    async def _entered(
        self, user: str, where: Message | View, control: Control, wanted: list[Any]
    ) -> JSON:
        """What was named, under Slack's key for this kind of control."""
        kind = control.element["type"]
        key = held_key(kind)
        several = key.endswith("s")
        if not several and len(wanted) != 1:
            raise LookupError(f"{control.action_id!r} takes one choice, not {wanted!r}")
        found = [await self._one(user, where, control, key, each) for each in wanted]
        return {key: found if several else found[0]}

    async def _one(
        self, user: str, where: Message | View, control: Control, key: str, wanted: Any
    ) -> Any:
        if wanted is None:
            return None
        if key.startswith("selected_option"):
            return await self._option(user, where, control, wanted)
        if key.startswith("selected_user"):
            return await self._screens.person(wanted)
        if key.startswith(("selected_channel", "selected_conversation")):
            return await self._screens.channel(await self._screens.person(user), wanted)
        if key == "files" and isinstance(wanted, tuple):
            return await self.upload(user, *wanted)
        return plain_value(key, wanted)

    async def _option(
        self, user: str, where: Message | View, control: Control, wanted: Any
    ) -> JSON:
        if isinstance(wanted, dict):
            return wanted
        offered = control.options
        if control.element["type"].endswith("external_select"):
            answer = await self.options(user, where, control.action_id, wanted)
            offered = list(answer.get("options", []))
            offered += [o for group in answer.get("option_groups", []) for o in group["options"]]
        return option_of(offered, wanted)

    async def _act(self, user: str, where: Message | View, control: Control, used: JSON) -> JSON:
        body = await self._place(user, where)
        ids = {"block_id": control.block_id, "action_id": control.action_id}
        return await self._screens.post("action", {**body, **ids, **used})

    async def _place(self, user: str, where: Message | View) -> JSON:
        person = await self._screens.person(user)
        if isinstance(where, View):
            return {"user": person, "view_id": where.id}
        return {"user": person, "channel": where.channel, "message_ts": where.ts}

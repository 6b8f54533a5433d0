"""The Bolt listeners: acknowledge first, then parse, run and answer in a task that Dynamo owns.

Every typed line, click and mention gets an answer. The listeners at the end catch what no other
did, so that Slack is never left waiting and nobody presses a dead button in silence. A redelivered
envelope does nothing twice: each has a key, and the store says whether it was seen.
"""

import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any, Final

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.cards.buttons import split_value, typed, verb_of
from bot.cards.card import Card
from bot.cards.form import FORM
from bot.cards.help import help_card
from bot.cards.mrkdwn import code
from bot.cards.pointer import notice_card
from bot.cards.trouble import trouble_card
from bot.cards.usage import usage_card
from bot.domain.rollout import Actor, CardRef, Rollout
from bot.errors import PortError
from bot.text import Texts
from bot.workflows.edges import Edges
from commands import (
    analysis,
    approve,
    build,
    cancel,
    check,
    checklist,
    config,
    deploy,
    diff,
    form,
    history,
    home,
    lock,
    locks,
    logs,
    promote,
    reject,
    rollback,
    scale,
    stats,
    status,
    unlock,
    whoami,
)
from commands import help as help_command
from commands.asked import Asked
from commands.command import Invocation, UsageCode, UsageError
from commands.follow_up import follow_up
from commands.origin import (
    Origin,
    entered_text,
    of_click,
    of_command,
    of_mention,
    of_shortcut,
    of_window,
)
from commands.pace import Pace
from commands.parser import parse
from commands.pressing import Click, Press, Window, gathered, gone
from commands.requesting import Pressed, pressed_value
from commands.vocabulary import VERBS

log = logging.getLogger(__name__)

Run = Callable[[Asked], Awaitable[Card | None]]

_MODULES: Final = (
    deploy,
    build,
    promote,
    approve,
    reject,
    rollback,
    scale,
    status,
    logs,
    cancel,
    checklist,
    lock,
    unlock,
    locks,
    diff,
    config,
    check,
    history,
    stats,
    whoami,
    help_command,
)

RUN: Final[Mapping[str, Run]] = {module.COMMAND.name: module.run for module in _MODULES}
"""A verb is one file: its declaration and what it does."""

AGAIN: Final[Mapping[str, Callable[[Asked, Pressed], Awaitable[Card | None]]]] = {
    module.COMMAND.name: module.carry for module in (deploy, promote)
}
"""Verbs whose refusal has a button that asks the same line once more."""

_PRESSES: Final[Mapping[str, Press]] = gathered((*_MODULES, analysis, form, home), "PRESSES")
_WINDOWS: Final[Mapping[str, Window]] = gathered(_MODULES, "WINDOWS")

_ANYTHING = re.compile(".*", re.DOTALL)
_OURS = re.compile(r"^dyn:")

_KEEP_THEIR_PLACE: Final = frozenset({"checklist"})
"""Buttons on private messages that their answer does not replace: more stands on them."""


class Router:
    """Registers the listeners on a Bolt app and owns the tasks that they start."""

    def __init__(self, edges: Edges, wake: Callable[[Rollout], None]) -> None:
        self._edges = edges
        self._wake = wake
        self._pace = Pace()
        self._home = home.HomeDesk(edges)
        self._form = form.FormDesk(edges)

    def register(self, app: AsyncApp) -> None:
        app.command("/dynamo")(self._on_command)
        app.action(_OURS)(self._on_click)
        app.event("app_mention")(self._on_mention)
        app.event("app_home_opened")(self._on_home)
        app.event(_ANYTHING)(self._on_anything)
        app.command(_ANYTHING)(self._on_foreign_command)
        app.action(_ANYTHING)(self._on_foreign_click)
        app.shortcut(form.CALLBACK)(self._on_shortcut)
        app.shortcut(_ANYTHING)(self._on_foreign_click)
        app.view(_OURS)(self._on_submit)
        app.view(_ANYTHING)(self._on_anything)
        app.view_closed(_ANYTHING)(self._on_anything)
        app.options(_OURS)(self._on_menu)
        app.options(_ANYTHING)(self._on_anything)

    async def drain(self, seconds: float) -> None:
        """Let what was acknowledged finish, at most so long."""
        await self._home.stop()
        await self._pace.drain(seconds)

    # --- listeners -----------------------------------------------------------------------------

    async def _on_command(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        origin, text = of_command(body), body.get("text") or ""
        opens = origin.trigger and not text.strip()
        work = self._opened(origin) if opens else self._typed(origin, text)
        self._pace.begin(self._once(f"command:{origin.trigger}", work))

    async def _on_shortcut(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        origin = of_shortcut(body)
        self._pace.begin(self._once(f"shortcut:{origin.trigger}", self._opened(origin)))

    async def _on_click(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        action, view, origin = body["actions"][0], body.get("view") or {}, of_click(body)
        if verb_of(action["action_id"]) == FORM:
            self._pace.begin(self._form.chosen(origin.user, view))
            return
        key = f"action:{body.get('trigger_id', '')}:{action.get('action_ts', '')}"
        chosen = (action.get("selected_option") or {}).get("value")
        work = self._clicked(origin, action["action_id"], str(action.get("value") or chosen or ""))
        if view.get("type") == "home":
            work = self._then_home(work, origin.user)
        self._pace.begin(self._once(key, work))

    async def _on_submit(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """What was entered is looked at before the ack, which closes the window or says why not;
        it is carried out after it."""
        view = body["view"]
        pieces = split_value(str(view.get("private_metadata") or ""))
        origin = of_window(body, pieces[-1])
        texts = await self._texts(origin)
        verb = verb_of(str(view.get("callback_id") or ""))
        key = f"view:{view.get('id', '')}:{view.get('hash', '')}"
        if verb == FORM:
            written = form.submitted(view, self._edges.catalog, texts)
            if not isinstance(written, str):
                await ack(response_action="errors", errors=written)
                return
            await ack()
            self._pace.begin(self._once(key, self._typed(origin, written)))
            return
        entered, window = entered_text(view), _WINDOWS.get(verb)
        if window is None:
            await ack()
            return
        errors = window.errors(entered, texts)
        if window.checks is not None:
            errors = {**errors, **window.checks(pieces, entered, texts)}
        if errors:
            await ack(response_action="errors", errors=errors)
            return
        await ack()
        asked = self._asked(origin, Invocation(window.command), texts)
        work = window.submit(asked, pieces, entered)
        self._pace.begin(self._once(key, self._guarded(origin, window.command, work)))

    async def _on_menu(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """What a menu offers that is looked up while somebody types in it."""
        texts = await self._texts(of_click(body))
        offered = await self._form.offered(body, texts)
        await ack(options=[dict(option) for option in offered])

    async def _on_mention(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        event = body["event"]
        if event.get("bot_id") or not event.get("user"):
            return
        text = re.sub(r"<@[A-Z0-9]+(\|[^>]*)?>", " ", event.get("text") or "", count=1)
        origin, key = of_mention(event), f"event:{body.get('event_id', '')}"
        self._pace.begin(self._once(key, self._typed(origin, text)))

    async def _on_home(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        event = body["event"]
        if event.get("tab") == "home":
            key = f"event:{body.get('event_id', '')}"
            self._pace.begin(self._once(key, self._publish_home(event["user"])))

    async def _then_home(self, work: Coroutine[Any, Any, None], user: str) -> None:
        """What was pressed there is shown as done there."""
        await work
        await self._publish_home(user)

    async def _publish_home(self, user: str) -> None:
        try:
            await self._home.opened(user)
        except PortError as error:
            log.warning("the Home tab of %s was not published: %s", user, error)

    async def _on_anything(self, ack: AsyncAck) -> None:
        await ack()

    async def _on_foreign_command(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        await self._on_command(ack, {**body, "text": "help"})

    async def _on_foreign_click(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        channel = (body.get("channel") or {}).get("id", "")
        origin = Origin(body["user"]["id"], channel, body.get("response_url", ""))
        self._pace.begin(self._guarded(origin, "status", self._gone(origin)))

    # --- what they start -------------------------------------------------------------------------

    async def _typed(self, origin: Origin, text: str) -> None:
        await self._guarded(origin, text, self._run_line(origin, text))

    async def _opened(self, origin: Origin) -> None:
        """The form: for a line that says nothing, and for the shortcut."""
        asked = self._asked(origin, Invocation(FORM), await self._texts(origin))
        await self._guarded(origin, FORM, form.open_form(asked))

    async def _clicked(self, origin: Origin, action_id: str, value: str) -> None:
        click = Click(verb_of(action_id), value, split_value(value))
        if click.verb in _KEEP_THEIR_PLACE:
            origin = replace(origin, replace=False)
        await self._guarded(origin, value, self._pressed(origin, click))

    async def _pressed(self, origin: Origin, click: Click) -> Card | None:
        match click:
            case Click("run"):
                return await self._run_line(origin, click.value)
            case Click("status", _, (service, environment)):
                return await self._run_line(origin, f"status {service} {environment}")
            case Click("ask" | "override"):
                return await self._press_again(origin, click)
        press = _PRESSES.get(click.verb)
        if press is None:
            return await self._gone(origin)
        return await press(
            self._asked(origin, Invocation(click.verb), await self._texts(origin)), click
        )

    async def _run_line(self, origin: Origin, text: str) -> Card | None:
        texts = await self._texts(origin)
        read = await self._read(origin, text)
        if isinstance(read, UsageError):
            if read.code is UsageCode.EMPTY:
                return help_card(VERBS, texts=texts)
            verb = next((verb for verb in VERBS if verb.name == read.command), None)
            return usage_card(read, verb=verb, texts=texts)
        answer = await RUN[read.command](self._asked(origin, read, texts))
        if answer is None and origin.replace:
            # The private message with the suggestion has done its work; the card is elsewhere.
            return notice_card(texts, "started", line=code(typed(read.line), 400))
        return answer

    async def _read(self, origin: Origin, text: str) -> Invocation | UsageError:
        """In the thread of a rollout's card, that rollout's place is what a line leaves out."""
        catalog = self._edges.catalog
        if origin.thread:
            card = CardRef(origin.channel, origin.thread)
            about = await self._edges.store.with_card(card)
            if about is not None:
                return follow_up(text, about.service, about.environment, catalog)
        return parse(text, catalog, VERBS)

    async def _press_again(self, origin: Origin, click: Click) -> Card | None:
        """ "Ask for approval", and the override that was confirmed: the line of a refusal, for the
        digest that was refused."""
        made_for = pressed_value(click.value)
        if made_for is None:
            return await self._gone(origin)
        digest, line = made_for
        read = parse(line, self._edges.catalog, VERBS)
        carry = AGAIN.get(read.command or "")
        if isinstance(read, UsageError) or carry is None:
            return await self._gone(origin)
        texts = await self._texts(origin)
        asks = click.verb == "ask"
        pressed = Pressed(digest, explicitly=asks, confirmed=not asks)
        answer = await carry(self._asked(origin, read, texts), pressed)
        if answer is None and origin.replace:
            key = "asked" if asks else "started"
            return notice_card(texts, key, line=code(typed(read.line), 400))
        return answer

    async def _gone(self, origin: Origin) -> Card | None:
        return gone(self._asked(origin, Invocation("status"), await self._texts(origin)))

    # --- around all of it ------------------------------------------------------------------------

    async def _once(self, key: str, work: Coroutine[Any, Any, None]) -> None:
        try:
            first = await self._edges.store.first_time(key, self._edges.clock.now())
        except PortError:
            log.exception("the store does not answer; %s is done without a look back", key)
            first = True
        if first:
            await work
        else:
            log.info("%s was delivered before", key)
            work.close()

    async def _guarded(
        self, origin: Origin, line: str, work: Coroutine[Any, Any, Card | None]
    ) -> None:
        """Run to an answer, whatever happens; a failure is told with the id it is logged under."""
        try:
            card = await work
        except Exception as error:
            error_id = secrets.token_hex(4)
            verb = line.strip().partition(" ")[0][:40]  # a log holds nobody's own words
            if isinstance(error, PortError):
                log.warning("error %s: %r: %s", error_id, verb, error)
            else:
                log.exception("error %s: %r met a bug", error_id, verb)
            card = trouble_card(
                error if isinstance(error, PortError) else None,
                error_id=error_id,
                line=line,
                texts=await self._texts(origin),
            )
        if card is not None:
            await self._answer(origin, card)

    async def _answer(self, origin: Origin, card: Card) -> None:
        messenger = self._edges.messenger
        try:
            if origin.response_url:
                await messenger.answer(
                    origin.response_url, origin.user, origin.channel, card, replace=origin.replace
                )
            else:
                where = origin.channel or origin.user
                await messenger.whisper(where, origin.user, card, thread=origin.thread)
        except PortError:
            log.exception("nobody could be told: %s", card.text)

    def _asked(self, origin: Origin, invocation: Invocation, texts: Texts) -> Asked:
        actor = Actor(origin.user, texts.language)
        return Asked(
            invocation,
            actor,
            origin.channel,
            self._edges,
            texts,
            self._wake,
            origin.surface,
            origin.trigger,
            origin.thread,
        )

    async def _texts(self, origin: Origin) -> Texts:
        return Texts.of(await self._edges.people.language(origin.user))

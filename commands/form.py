"""The form: what was chosen in a window becomes a typed line, and submitting runs that line.

It knows no verb: menus, fields and boxes come from the declarations (`vocabulary.py`), and what it
writes is read by the parser like any other line, so gates and permissions are those of typing. The
window itself is drawn in `bot/cards/form.py`; the router opens it for `/dynamo` alone, for the
shortcut and for its button, and runs what is submitted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from bot.cards.buttons import split_value
from bot.cards.card import Block, Card
from bot.cards.form import (
    NOTHING,
    OPTIONS,
    VERB,
    Names,
    Told,
    block_of_argument,
    block_of_option,
    block_of_options,
    form_modal,
    named,
    suggested,
)
from bot.cards.help import help_card
from bot.cards.modal import Modal
from bot.cards.usage import called
from bot.errors import PortError
from bot.ports import sleep_until
from bot.text import Texts
from bot.workflows.edges import Edges
from bot.workflows.version import versions
from commands.asked import Asked
from commands.command import Command, Invocation, Kind, UsageError
from commands.parser import normal_form, parse
from commands.pressing import Click, Press
from commands.vocabulary import VERBS
from commands.words import INVALID, NAMES, UNKNOWN, choices, is_valid, shown
from config.catalog import Catalog, UnknownNameError
from config.lookup import fold
from config.values import Environment

log = logging.getLogger(__name__)

CALLBACK: Final = "dyn_open"
"""The global shortcut, as `manifest.yml` names it."""
_PAUSE: Final = timedelta(seconds=0.6)
"""Between two drawings of one window: who types is not followed letter by letter, since Slack lets
an app draw about a hundred times a minute."""
_PLACE: Final = "environment"
_REGISTRY: Final = 2.0
"""Seconds that the registry gets to say its versions; Slack waits three for the menu."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What was chosen so far: the verb, its arguments, the ticked options and their values."""

    verb: Command | None = None
    arguments: Mapping[str, str] = field(default_factory=dict)
    ticked: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def service(self) -> str:
        return self.arguments.get("service", "")


@dataclass(frozen=True, slots=True)
class Written:
    """The line of a draft. It would run where nothing is missing and nothing wrong."""

    line: str = ""
    missing: tuple[tuple[str, str], ...] = ()
    """What lacks a value: its block and its name."""
    mistakes: Mapping[str, UsageError | None] = field(default_factory=dict)
    """By the block of the field; None where the parser would read something else."""


# --- from a window to a line ---------------------------------------------------------------------


def draft_of(view: Mapping[str, Any]) -> Draft:
    """Of a view as Slack sends it. What no field of the form could hold is left out."""
    state = (view.get("state") or {}).get("values") or {}
    held = {
        block: [answer for element in fields.values() for answer in _answers(element)]
        for block, fields in state.items()
    }

    def first(block: str) -> str:
        value = next(iter(held.get(block, ())), "")
        return "" if value == NOTHING else value.strip()

    verb = next((each for each in VERBS if each.name == first(VERB)), None)
    if verb is None:
        return Draft()
    service = first(block_of_argument("service", Kind.SERVICE, ""))
    arguments = {
        argument.name: value
        for argument in verb.arguments
        if (value := first(block_of_argument(argument.name, argument.kind, service)))
    }
    own = {option.name for option in verb.options}
    ticked = tuple(name for name in held.get(block_of_options(verb.name), ()) if name in own)
    options = {name: value for name in ticked if (value := first(block_of_option(name)))}
    return Draft(verb, arguments, ticked, options)


def _answers(element: Mapping[str, Any]) -> list[str]:
    """What a field holds: typed, chosen, or several ticks."""
    several = element.get("selected_options") or [element.get("selected_option")]
    chosen = [str(each.get("value") or "") for each in several if each]
    return chosen or [str(element.get("value") or "")]


def at_home(draft: Draft, view: Mapping[str, Any], here: Environment | None) -> Draft:
    """A field for the environment that is drawn for the first time begins with that of the channel
    in which the form was opened; what a person chose afterwards stays."""
    argument = next(
        (each for each in (draft.verb.arguments if draft.verb else ()) if each.name == _PLACE), None
    )
    if argument is None or here is None or _PLACE in draft.arguments:
        return draft
    block = block_of_argument(argument.name, argument.kind, draft.service)
    if any(each.get("block_id") == block for each in view.get("blocks", ())):
        return draft
    return replace(draft, arguments={**draft.arguments, _PLACE: here.name})


def write(draft: Draft, catalog: Catalog, stands_for: Callable[[str], str] = str) -> Written:
    """`stands_for` says what stands in the line where something is still to be chosen: by the name
    of an argument, by the kind of an option."""
    verb = draft.verb
    if verb is None:
        return Written()
    block_of = {
        argument.name: block_of_argument(argument.name, argument.kind, draft.service)
        for argument in verb.arguments
    }
    kinds = {each.name: each.kind for each in verb.options if each.name in draft.ticked}
    missing = [
        (block_of[argument.name], argument.name)
        for argument in verb.arguments
        if argument.required and argument.name not in draft.arguments
    ]
    missing += [
        (block_of_option(name), name)
        for name, kind in kinds.items()
        if kind is not None and name not in draft.options
    ]
    mistakes: dict[str, UsageError | None] = {
        block_of[argument.name]: mistake
        for argument in verb.arguments
        if (value := draft.arguments.get(argument.name))
        and (mistake := _mistake(argument.kind, value, verb, catalog))
    }
    mistakes |= {
        block_of_option(name): mistake
        for name, value in draft.options.items()
        if (kind := kinds[name]) and (mistake := _mistake(kind, value, verb, catalog))
    }
    values = {name: stands_for(name) for block, name in missing if block in block_of.values()}
    options = {
        name: True if kind is None else draft.options.get(name) or stands_for(kind)
        for name, kind in kinds.items()
    }
    line = normal_form(verb, {**draft.arguments, **values}, options, catalog)
    if missing or mistakes:
        return Written(line, tuple(missing), mistakes)
    return _read_back(line, draft, catalog)


def _mistake(kind: Kind, value: str, verb: Command, catalog: Catalog) -> UsageError | None:
    if kind in NAMES:
        names = choices(kind, catalog)
        wrong = None if value in names else UNKNOWN[kind]
    else:
        wrong = None if is_valid(kind, value) else INVALID.get(kind)
    return UsageError(wrong, {"word": shown(value)}, command=verb.name) if wrong else None


def _read_back(line: str, draft: Draft, catalog: Catalog) -> Written:
    """As the parser understands it: what runs is what was chosen, or it does not run."""
    assert draft.verb is not None
    read = parse(line, catalog, VERBS)
    if isinstance(read, UsageError):
        return Written(line, mistakes={VERB: read})
    same = read.command == draft.verb.name and _arguments(read, draft.verb) == draft.arguments
    if not same or set(read.options) != set(draft.ticked):
        return Written(line, mistakes={VERB: None})
    return Written(read.line)


def _arguments(read: Invocation, verb: Command) -> dict[str, str]:
    """By name: of each kind the first has a place of its own in an invocation."""
    first = {argument.kind: argument.name for argument in reversed(verb.arguments)}
    placed = {
        Kind.SERVICE: read.service,
        Kind.ENVIRONMENT: read.environment,
        Kind.VERSION: read.version,
    }
    named = {first[kind]: value for kind, value in placed.items() if value is not None}
    return {**named, **read.arguments}


def submitted(view: Mapping[str, Any], catalog: Catalog, texts: Texts) -> str | dict[str, str]:
    """The line to run, or what is wrong by the block of its field: the window then stays open."""
    draft = draft_of(view)
    written = write(draft, catalog)
    if draft.verb is None:
        return {VERB: texts("form.needed")}
    errors = {block: texts("form.needed") for block, _ in written.missing}
    errors |= {block: _sentence(wrong, texts) for block, wrong in written.mistakes.items()}
    return errors or written.line


# --- the window ----------------------------------------------------------------------------------


def modal_of(draft: Draft, channel: str, catalog: Catalog, texts: Texts) -> Modal:
    written = write(draft, catalog, lambda name: called(name, texts))
    told = Told(
        written.line,
        tuple(named(name, texts) for _, name in written.missing),
        tuple(_sentence(mistake, texts) for mistake in written.mistakes.values()),
    )
    return form_modal(
        VERBS,
        draft.verb,
        draft.ticked,
        draft.arguments,
        _choices(catalog, texts),
        told,
        channel=channel,
        texts=texts,
    )


async def open_form(asked: Asked) -> Card | None:
    """Where Slack opens no window (the moment has passed, or it does not answer): help."""
    texts = asked.texts
    modal = modal_of(Draft(), asked.channel or asked.actor.id, asked.edges.catalog, texts)
    try:
        await asked.edges.messenger.open_modal(asked.trigger, modal)
    except PortError as error:
        log.info("the form was not opened: %s", error)
        return help_card(VERBS, texts=texts)
    return None


async def press(asked: Asked, _: Click) -> Card | None:
    return await open_form(asked)


PRESSES: Final[Mapping[str, Press]] = {"open": press}


class FormDesk:
    """Draws open windows anew as people choose: of several choices the newest, one at a time."""

    def __init__(self, edges: Edges) -> None:
        self._edges = edges
        self._newest: dict[str, Mapping[str, Any]] = {}

    async def chosen(self, user: str, view: Mapping[str, Any]) -> None:
        id_ = str(view.get("id", ""))
        drawing = id_ in self._newest
        self._newest[id_] = view
        if drawing:
            return
        try:
            seen: Mapping[str, Any] | None = None
            while (newest := self._newest[id_]) is not seen:
                seen = newest
                await self._draw(id_, user, newest)
                clock = self._edges.clock
                await sleep_until(clock, clock.now() + _PAUSE)
        except PortError as error:
            log.info("a form was not drawn anew: %s", error)  # closed meanwhile, as a rule
        finally:
            del self._newest[id_]

    async def _draw(self, id_: str, user: str, view: Mapping[str, Any]) -> None:
        texts = Texts.of(await self._edges.people.language(user))
        channel, catalog = channel_of(view) or user, self._edges.catalog
        draft = at_home(draft_of(view), view, catalog.environment_of_channel(channel))
        modal = modal_of(draft, channel, catalog, texts)
        await self._edges.messenger.update_modal(id_, modal)

    async def offered(self, body: Mapping[str, Any], texts: Texts) -> list[Block]:
        """What a menu offers that is looked up: names where they are many, versions always."""
        view = body.get("view") or {}
        block, typed = str(body.get("block_id", "")), str(body.get("value") or "").strip()
        found: Sequence[str] = _names_of(block, self._edges.catalog)
        free = ""
        if block.startswith(block_of_argument("version", Kind.VERSION, "")):
            found = await self._versions(split_value(str(view.get("private_metadata") or ""))[0])
            free = typed
        wanted = fold(typed)
        near = [each for each in found if wanted in fold(each)][: OPTIONS - 1]
        blocks = {each.get("block_id"): each for each in view.get("blocks", ())}
        optional = bool(blocks.get(block, {}).get("optional"))
        return suggested(near, free, texts, optional=optional)

    async def _versions(self, service: str) -> Sequence[str]:
        try:
            async with asyncio.timeout(_REGISTRY):
                return await versions(self._edges.catalog.service(service), self._edges)
        except UnknownNameError:  # no service was chosen yet
            return ()
        except (PortError, TimeoutError) as error:
            log.info("no versions of %s for the form: %r", service, error)
            return ()


def channel_of(view: Mapping[str, Any]) -> str:
    """Where the form was opened, which its answer goes to."""
    return split_value(str(view.get("private_metadata") or ""))[-1]


def _names_of(block: str, catalog: Catalog) -> tuple[str, ...]:
    for verb in VERBS:
        for argument in verb.arguments:
            if block == block_of_argument(argument.name, argument.kind, ""):
                return choices(argument.kind, catalog)
    return ()


def _choices(catalog: Catalog, texts: Texts) -> Names:
    language = texts.language
    environments = [(each.name, each.title.to(language)) for each in catalog.environments]
    return {
        Kind.SERVICE: [(each.name, each.name) for each in catalog.services],
        Kind.ENVIRONMENT: [
            (name, title if fold(title) == fold(name) else f"{title} ({name})")
            for name, title in environments
        ],
        Kind.COMMAND: [
            (verb.name, texts.say(f"form.verb.{verb.name}", {}, verb.name)) for verb in VERBS
        ],
    }


def _sentence(mistake: UsageError | None, texts: Texts) -> str:
    """A usage error without marks: Slack shows errors of fields as plain text."""
    if mistake is None:
        return texts("usage.unclear")
    values = {
        name: texts("common.quoted", words=value) if isinstance(value, str) else ", ".join(value)
        for name, value in mistake.values.items()
    }
    return texts.say(f"usage.{mistake.code}", values, texts("usage.unclear"))

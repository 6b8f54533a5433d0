"""The form: a window that writes a line, made from the verbs' own declarations.

One menu of all verbs, a field for each argument of the chosen one, a box for each of its options;
a ticked option that takes a value has a field of its own. Above them, where it is in sight while
the fields grow, stands the line that submitting runs. Every field is an `input` block, since Slack
shows errors nowhere else, and tells of each choice (`dispatch_action`), so that the line follows.
Ids stay the same from one drawing to the next, so Slack keeps what a person chose. Limits:
research/slack-contract.md §2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bot.cards import buttons, signs
from bot.cards.blocks import context, section
from bot.cards.buttons import PREFIX, SEPARATOR
from bot.cards.card import Block
from bot.cards.help import sentence_of
from bot.cards.modal import Modal
from bot.cards.mrkdwn import Mrkdwn, code, escape, join, plain, say, say_plain
from bot.text import Texts
from bot.text.sentences import listing

FORM = "form"
"""The verb of every control in it, and of its submission."""
VERB = "verb"
"""The block of the menu of verbs."""
NOTHING = "::"
"""The option of a menu by which its argument is left out: Slack lets nobody unchoose. Nothing that
can be chosen or typed is called so."""

OPTIONS = 100
_GROUP, _SHOWN, _VALUE, _DESCRIPTION, _HINT, _LABEL = 75, 75, 150, 75, 150, 100
_ENTERED = 500


class Argument(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def required(self) -> bool: ...


class Option(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str | None: ...


class Verb(Protocol):
    """A `Command` of the commands, as the form reads it."""

    @property
    def name(self) -> str: ...
    @property
    def reads(self) -> bool: ...
    @property
    def arguments(self) -> Sequence[Argument]: ...
    @property
    def options(self) -> Sequence[Option]: ...


Names = Mapping[str, Sequence[tuple[str, str]]]
"""What can be chosen: names by kind of argument, with their titles. A kind that has none is
typed."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the form says of its fields."""

    line: str
    missing: tuple[str, ...] = ()
    """Names of arguments and options that the line still lacks."""
    mistakes: tuple[str, ...] = ()


def block_of_argument(name: str, kind: str, service: str) -> str:
    """A version belongs to a service: another service, another field."""
    return f"argument.{name}.{service}" if kind == "version" else f"argument.{name}"


def block_of_options(verb: str) -> str:
    return f"options.{verb}"


def block_of_option(name: str) -> str:
    return f"option.{name}"


def form_modal(
    verbs: Sequence[Verb],
    chosen: Verb | None,
    ticked: Sequence[str],
    values: Mapping[str, str],
    choices: Names,
    told: Told,
    *,
    channel: str,
    texts: Texts,
) -> Modal:
    """`values` are those of the arguments so far; `channel` comes back with the submission."""
    fields = list(_fields(chosen, ticked, values, choices, texts)) if chosen else []
    return Modal(
        callback=f"{PREFIX}:{FORM}",
        title=texts("form.title"),
        submit=texts("form.submit"),
        close=texts("form.close"),
        blocks=(
            *([] if chosen else [section(say(texts, "form.intro"))]),
            _verb_menu(verbs, texts),
            *([context(sentence_of(chosen.name, texts))] if chosen else []),
            *_line(told, texts),
            *fields,
        ),
        data=SEPARATOR.join((values.get("service", ""), channel)),
    )


def suggested(found: Sequence[str], typed: str, texts: Texts, *, optional: bool) -> list[Block]:
    """The options of a menu that is looked up: what was found, and, typed as it is, what was not.
    Without anything typed an optional one can be left out."""
    offered = [_option(each, each) for each in found]
    if typed and typed not in found and len(typed) <= _VALUE:
        offered.insert(0, _option(say_plain(texts, "form.as_typed", _SHOWN, word=typed), typed))
    if optional and not typed:
        offered.insert(0, _nothing(texts))
    return offered[:OPTIONS]


# --- the fields ----------------------------------------------------------------------------------


def _verb_menu(verbs: Sequence[Verb], texts: Texts) -> Block:
    groups = []
    for key, reads in (("form.looks", True), ("form.changes", False)):
        options = [_verb_option(verb, texts) for verb in verbs if verb.reads is reads][:OPTIONS]
        if options:
            groups.append({"label": _plain(texts(key), _GROUP), "options": options})
    menu = {"type": "static_select", "option_groups": groups, "focus_on_load": True}
    return _input(VERB, texts("form.verb_label"), menu, texts("form.choose"), optional=False)


def _verb_option(verb: Verb, texts: Texts) -> Block:
    return _option(texts.say(f"form.verb.{verb.name}", {}, verb.name), verb.name, verb.name)


def _fields(
    verb: Verb, ticked: Sequence[str], values: Mapping[str, str], choices: Names, texts: Texts
) -> Iterator[Block]:
    for argument in verb.arguments:
        yield _argument(argument, values, choices, texts)
    if verb.options:
        yield _boxes(verb, texts)
    for option in verb.options:
        if option.kind is not None and option.name in ticked:
            label = texts.say(f"form.value.{option.name}", {}, option.name)
            hint = _hint(option.name, option.kind, texts)
            yield _entry(block_of_option(option.name), label, hint, optional=False)


def _argument(argument: Argument, values: Mapping[str, str], choices: Names, texts: Texts) -> Block:
    block = block_of_argument(argument.name, argument.kind, values.get("service", ""))
    label = _capital(texts.say(f"argument.{argument.name}", {}, argument.name))
    optional = not argument.required
    if argument.kind == "version" and argument.name == "version":
        return _looked_up(block, label, texts, optional=optional)
    names = choices.get(argument.kind)
    if names is None:
        hint = _hint(argument.name, argument.kind, texts)
        return _entry(block, label, hint, optional=optional)
    if len(names) + optional > OPTIONS:
        return _looked_up(block, label, texts, optional=optional)
    options = [_option(title, name) for name, title in names]
    held = [each for each in options if each["value"] == values.get(argument.name)]
    if optional:
        options.insert(0, _nothing(texts))
    menu: dict[str, Any] = {"type": "static_select", "options": options}
    if held:
        menu["initial_option"] = held[0]
    return _input(block, label, menu, texts("form.choose"), optional=optional)


def _looked_up(block: str, label: str, texts: Texts, *, optional: bool) -> Block:
    menu = {"type": "external_select", "min_query_length": 0}
    return _input(block, label, menu, texts("form.search"), optional=optional)


def _boxes(verb: Verb, texts: Texts) -> Block:
    options = [
        _option(texts.say(f"form.option.{each.name}", {}, f"--{each.name}"), each.name)
        for each in verb.options
    ]
    boxes = {"type": "checkboxes", "options": options}
    return _input(block_of_options(verb.name), texts("form.options"), boxes, "", optional=True)


def _entry(block: str, label: str, hint: str, *, optional: bool) -> Block:
    element = {
        "type": "plain_text_input",
        "max_length": _ENTERED,
        "dispatch_action_config": {"trigger_actions_on": ["on_character_entered"]},
    }
    return _input(block, label, element, "", optional=optional, hint=hint)


def _input(
    block: str,
    label: str,
    element: Mapping[str, Any],
    placeholder: str,
    *,
    optional: bool,
    hint: str = "",
) -> Block:
    shown: dict[str, Any] = {**element, "action_id": f"{PREFIX}:{FORM}:{block}"}
    if placeholder:
        shown["placeholder"] = _plain(placeholder, _HINT)
    made: dict[str, Any] = {
        "type": "input",
        "block_id": block,
        "label": _plain(label, _LABEL),
        "optional": optional,
        "dispatch_action": True,
        "element": shown,
    }
    if hint:
        made["hint"] = _plain(hint, _HINT)
    return made


def _nothing(texts: Texts) -> Block:
    return _option(texts("form.nothing"), NOTHING)


def _option(text: str, value: str, description: str = "") -> Block:
    made: dict[str, Any] = {"text": _plain(text, _SHOWN), "value": value}
    if description:
        made["description"] = _plain(description, _DESCRIPTION)
    return made


# --- what it comes to ----------------------------------------------------------------------------


def _line(told: Told, texts: Texts) -> list[Block]:
    shown = section(
        join([say(texts, "form.line"), code(buttons.typed(told.line), 1_000)], "\n"), limit=2_000
    )
    notes = [Mrkdwn(f"{signs.HAND} {escape(mistake, 300)}") for mistake in told.mistakes]
    if told.missing:
        names = Mrkdwn(listing([f"*{escape(each, 80)}*" for each in told.missing], texts))
        count = len(told.missing)
        notes.append(say(texts, "usage.missing-arguments", missing=names, count=count))
    elif not notes and told.line:
        notes.append(say(texts, "form.ready", sign=signs.OK))
    return [shown, *([context(*notes)] if notes else [])]


def named(name: str, texts: Texts) -> str:
    """An argument or an option, as the label of its field has it."""
    return texts.say(f"argument.{name}", {}, texts.say(f"form.value.{name}", {}, name))


def _hint(name: str, kind: str, texts: Texts) -> str:
    """Of the argument or option itself; else of what kind of thing it is."""
    return texts.say(f"form.hint.{name}", {}, "") or texts.say(f"form.hint.{kind}", {}, "")


def _capital(word: str) -> str:
    return word[:1].upper() + word[1:]


def _plain(text: str, limit: int) -> Block:
    return {"type": "plain_text", "text": plain(text, limit) or "…"}

"""A line that was not understood: what was wrong, did you mean, how it is written.

Only the person who typed it sees this. Each suggestion is a button that runs it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from bot.cards import buttons, signs
from bot.cards.blocks import Part, actions, context, fit, section
from bot.cards.card import Card
from bot.cards.mrkdwn import Mrkdwn, code, cut_mrkdwn, escape, join, say
from bot.text import Texts
from bot.text.sentences import listing

SUMMARY = 150
_PLACE = re.compile(r"\b[A-Z]{2,}(?:-[A-Z]+)*\b")
_OPTION = re.compile(r"(?<![\w-])--([a-z][a-z-]*)")

CHOICES = 12
"""More names than this are a wall; `help` and `status` list them all."""


class Misread(Protocol):
    """A `UsageError` of the commands, which stand above the cards."""

    @property
    def code(self) -> str: ...
    @property
    def values(self) -> Mapping[str, str | tuple[str, ...]]: ...
    @property
    def suggestions(self) -> tuple[str, ...]: ...


class Named(Protocol):
    """An `Option` of the commands: every word that it can be typed as, its own name first."""

    @property
    def words(self) -> tuple[str, ...]: ...


class Verb(Protocol):
    """A `Command` of the commands: what the usage line and the help read of it."""

    @property
    def name(self) -> str: ...
    @property
    def usage(self) -> str: ...
    @property
    def examples(self) -> tuple[str, ...]: ...
    @property
    def aliases(self) -> tuple[str, ...]: ...
    @property
    def options(self) -> Sequence[Named]: ...


def usage_card(error: Misread, *, verb: Verb | None, texts: Texts) -> Card:
    """`verb`: the command that was understood, whose usage helps; None where none was."""
    values = _shown(error.values, texts)
    code_ = str(error.code)
    wrong = Mrkdwn(texts.say(f"usage.{code_}", values, texts("usage.unclear")))
    parts = [Part(section(Mrkdwn(f"{signs.QUESTION} {wrong}"), limit=1_500))]
    offered = buttons.suggestions(error.suggestions)
    if offered:
        parts.append(Part(section(say(texts, "usage.did_you_mean"))))
        parts.append(Part(actions(*offered)))
    else:
        parts += _choice_parts(code_, error.values.get("choices", ()), texts)
    parts += usage_parts(verb, texts)
    summary = _summary(wrong, error.suggestions if offered else (), texts)
    return fit(summary, parts, shortened=say(texts, "common.shortened_here"))


def written(verb: Verb, texts: Texts) -> str:
    """`/dynamo desplegar SERVICIO ENTORNO [VERSIÓN] [--motivo TEXTO]`: in the reader's language."""
    line = _PLACE.sub(lambda place: called(place[0], texts), verb.usage)
    return buttons.typed(in_words(line, texts))


def in_words(line: str, texts: Texts) -> str:
    """A line in its normal form with verb and options as the reader calls them; it means the same.
    What stands in quotes stays as it is."""
    verb, _, rest = line.partition(" ")
    pieces = re.split(r'("(?:[^"\\]|\\.)*")', rest)
    named = [
        piece if place % 2 else _option_in_words(piece, texts) for place, piece in enumerate(pieces)
    ]
    return f"{texts.say(f'word.verb.{verb}', {}, verb)} {''.join(named)}".rstrip()


def called(place: str, texts: Texts) -> str:
    """A place of a usage line: ENVIRONMENT."""
    return texts.say(f"placeholder.{place.lower()}", {}, place.upper())


def _option_in_words(text: str, texts: Texts) -> str:
    def word(found: re.Match[str]) -> str:
        return f"--{texts.say(f'word.option.{found[1]}', {}, found[1])}"

    return _OPTION.sub(word, text)


def usage_parts(verb: Verb | None, texts: Texts) -> list[Part]:
    """How the command is written, with an example; or where to find all commands."""
    if verb is None:
        help_line = code(buttons.typed(in_words("help", texts)))
        return [Part(context(say(texts, "usage.see_help", line=help_line)), spare=1)]
    lines = [say(texts, "usage.written", usage=code(written(verb, texts)))]
    if verb.examples:
        example = code(buttons.typed(in_words(verb.examples[0], texts)))
        lines.append(say(texts, "usage.example", example=example))
    return [Part(context(*lines), spare=1)]


def _summary(wrong: Mrkdwn, suggestions: Sequence[str], texts: Texts) -> Mrkdwn:
    if not suggestions:
        return cut_mrkdwn(wrong, SUMMARY)
    meant = escape(buttons.typed(suggestions[0]), 70)
    question = say(texts, "usage.did_you_mean_line", line=meant)
    return join([cut_mrkdwn(wrong, SUMMARY - len(question) - 1), question], " ")


def _choice_parts(code_: str, choices: str | tuple[str, ...], texts: Texts) -> list[Part]:
    key = f"usage.choices.{code_}"
    if not choices or isinstance(choices, str) or key not in texts:
        return []
    if code_ == "unknown-command":
        choices = tuple(in_words(each, texts) for each in choices)
    elif code_ == "unknown-option":
        choices = tuple(_option_in_words(each, texts) for each in choices)
    return [Part(section(say(texts, key, choices=_names(choices, texts)), limit=2_000))]


def _shown(values: Mapping[str, str | tuple[str, ...]], texts: Texts) -> dict[str, object]:
    """Typed words in quotes of code; what is missing by its name in the reader's language."""
    shown: dict[str, object] = {}
    for name, value in values.items():
        if name == "missing":
            words = value if isinstance(value, tuple) else (value,)
            named = [texts.say(f"argument.{word}", {}, word) for word in words]
            shown[name] = Mrkdwn(listing([f"*{escape(word, 60)}*" for word in named], texts))
            shown["count"] = len(words)
        elif isinstance(value, tuple):
            shown[name] = _names(value, texts)
            shown.setdefault("count", len(value))  # of what comes first: what the sentence is about
        elif name == "option":
            shown[name] = _typed(_option_in_words(value, texts), 120)
        else:
            shown[name] = _typed(value, 120)
    return shown


def _typed(word: str, limit: int) -> Mrkdwn:
    """Typed as nothing between quotes, it is shown as those: a gap in a sentence says nothing."""
    return code(word, limit) or code('""')


def _names(words: Sequence[str], texts: Texts) -> Mrkdwn:
    shown = [str(_typed(word, 80)) for word in words[:CHOICES]]
    more = [texts("usage.others")] if len(words) > CHOICES else []
    return Mrkdwn(listing([*shown, *more], texts))

"""Understands a typed line: text and catalog to an `Invocation` or a `UsageError`. Pure.

The phases: words (`typed`), verb, options (`options`), then the words that are left find their
places by what they can mean, in any order (`places`). Whoever refuses a line may say how it
could be repaired; `suggest` tries the repairs and keeps those that would run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from commands.command import Command, Invocation, Kind, UsageCode, UsageError
from commands.options import read_options
from commands.places import fill
from commands.suggest import Line, Refusal, replaced, suggestions
from commands.typed import LONGEST_LINE, UnbalancedQuoteError, Word, clean, escape, quote, split
from commands.vocabulary import VERBS
from commands.words import FILLERS, NAMES, is_name, shown, spread, tidy
from config.catalog import Catalog
from config.lookup import fold, index, rank

_ADDRESS = frozenset({"/dynamo", "dynamo", "@dynamo"})
"""The command's own name, typed again or pasted."""
_HELP = frozenset({"--help", "--h", "--ayuda"})
"""One dash reads as two (`typed`), so `-h` is here as `--h`."""
_MENTION = re.compile(r"\s*<@[A-Z0-9]+(\|[^<>]*)?>[,:]?")
"""Whom the line is said to, where the bot is mentioned instead of a slash command."""


def parse(
    text: str, catalog: Catalog, commands: Sequence[Command] = VERBS
) -> Invocation | UsageError:
    """Never raises, whatever the text. A line of an `Invocation` parses to the same again."""
    if len(text) > LONGEST_LINE:
        return UsageError(UsageCode.TOO_LONG, {"limit": str(LONGEST_LINE)})
    try:
        line = _words(text)
    except UnbalancedQuoteError as error:
        return UsageError(
            UsageCode.UNBALANCED_QUOTE, {"quote": error.quote, "rest": shown(error.rest)}
        )
    answer = _understand(line, catalog, tuple(commands))
    if isinstance(answer, Invocation):
        return answer
    lines = suggestions(answer, lambda repaired: _understand(repaired, catalog, tuple(commands)))
    return replace(answer.error, suggestions=lines)


def _words(text: str) -> Line:
    words = split(clean(_addressed(text)))
    if len(words) == 1 and words[0].quoted:
        words = split(words[0].text)  # a whole command pasted between quotes
    while words and fold(tidy(words[0].text)) in _ADDRESS:
        words = words[1:]
    return words


def _addressed(text: str) -> str:
    """The text without a mention at its beginning."""
    mention = _MENTION.match(text)
    return text[mention.end() :] if mention else text


def _understand(
    line: Line, catalog: Catalog, commands: tuple[Command, ...]
) -> Invocation | Refusal:
    if not line:
        return Refusal(UsageError(UsageCode.EMPTY))
    command = _verbs(commands).get(fold(tidy(line[0].text)))
    if (helps := _explaining(commands)) and _asks_for_help(line, command):
        about = () if command is None or _explains(command) else (Word(command.name),)
        line, command = (Word(helps), *about), _verbs(commands)[fold(helps)]
    if command is None:
        return _unknown_command(line, catalog, commands)
    given = read_options(line, command, catalog)
    if isinstance(given, Refusal):
        return given
    line, free = spread(line, {0, *given.places}, command, catalog)
    values = fill(line, free, command, catalog, commands)
    if isinstance(values, Refusal):
        return values
    return _invocation(command, values, given.values, catalog)


def _asks_for_help(line: Line, command: Command | None) -> bool:
    """`deploy --help`, `deploy -h`, or `--help` alone, as in every shell. A verb's own option of
    that name goes first, and after an unknown verb the verb is the mistake to tell."""
    if command is None:
        return line[0].is_option and fold(line[0].text) in _HELP
    own = {f"--{fold(word)}" for option in command.options for word in option.words}
    return any(word.is_option and fold(word.text) in _HELP - own for word in line[1:])


@lru_cache(maxsize=16)
def _verbs(commands: tuple[Command, ...]) -> Mapping[str, Command]:
    return index(commands).exact


def _unknown_command(line: Line, catalog: Catalog, commands: tuple[Command, ...]) -> Refusal:
    """Repairs: a verb that looks alike, a verb that stands later, a verb that only reads."""
    typed = tidy(line[0].text)
    near = tuple(name for name, _ in rank(typed, commands))
    helps = _explaining(commands)
    repairs = [replaced(line, 0, Word(name)) for name in near]
    for place, word in enumerate(line[1:10], start=1):
        if fold(word.text) in _verbs(commands):
            repairs.append(line[place:])
            if is_name(typed, catalog):
                repairs.append((word, *line[:place], *line[place + 1 :]))
    if is_name(typed, catalog):
        repairs.extend((Word(command.name), *line) for command in commands if _shows(command))
    known = tuple(name for name in near if name != helps)  # help about help tells nobody anything
    fallbacks = [(Word(helps), Word(name)) for name in known] if helps else []
    choices = known or tuple(command.name for command in commands)
    error = UsageError(UsageCode.UNKNOWN_COMMAND, {"word": shown(line[0].text), "choices": choices})
    return Refusal(error, tuple(repairs), tuple(fallbacks))


def _shows(command: Command) -> bool:
    return command.reads and any(argument.kind in NAMES for argument in command.arguments)


def _explaining(commands: Sequence[Command]) -> str | None:
    """The name of the verb that tells about verbs: help."""
    return next((item.name for item in commands if _explains(item)), None)


def _explains(command: Command) -> bool:
    return any(argument.kind is Kind.COMMAND for argument in command.arguments)


def _invocation(
    command: Command,
    values: Mapping[str, str],
    options: Mapping[str, str | bool],
    catalog: Catalog,
) -> Invocation:
    first: dict[Kind, str] = {}
    others: dict[str, str] = {}
    for argument in command.arguments:
        if argument.name not in values:
            continue
        if argument.kind in (*NAMES, Kind.VERSION) and argument.kind not in first:
            first[argument.kind] = values[argument.name]
        else:
            others[argument.name] = values[argument.name]
    return Invocation(
        command=command.name,
        service=first.get(Kind.SERVICE),
        environment=first.get(Kind.ENVIRONMENT),
        version=first.get(Kind.VERSION),
        arguments=others,
        options=options,
        line=normal_form(command, values, options, catalog),
    )


def normal_form(
    command: Command,
    values: Mapping[str, str],
    options: Mapping[str, str | bool],
    catalog: Catalog,
) -> str:
    """The normal form: everything by its own name, in the order of the declaration."""
    pieces = [command.name, *_written_arguments(command, values, catalog)]
    for option in command.options:
        if option.name not in options:
            continue
        value = options[option.name]
        pieces.append(f"--{option.name}")
        if isinstance(value, str):
            pieces.append(quote(value) if option.kind is Kind.TEXT else value)
    line = " ".join(pieces)
    return line if clean(line) == line else escape(line)


def _written_arguments(
    command: Command, values: Mapping[str, str], catalog: Catalog
) -> Sequence[str]:
    pieces: list[str] = []
    service: int | None = None
    for argument in command.arguments:
        if (value := values.get(argument.name)) is None:
            continue
        if argument.kind is Kind.VERSION and service is not None and _misleads(value, catalog):
            pieces[service] += f"@{value}"
            continue
        if argument.kind is Kind.SERVICE and service is None:
            service = len(pieces)
        pieces.append(quote(value) if argument.kind is Kind.TEXT else value)
    return pieces


def _misleads(version: str, catalog: Catalog) -> bool:
    """A tag called `qa` or `to` would be read as something else between the other words."""
    return fold(version) in FILLERS or is_name(version, catalog)

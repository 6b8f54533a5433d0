"""Reads the options of a line: which were given, with which values, in which places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from commands.command import Command, Kind, Option, UsageCode, UsageError
from commands.suggest import Line, Refusal, replaced, without
from commands.typed import Word
from commands.words import (
    AMBIGUOUS,
    INVALID,
    NAMES,
    UNKNOWN,
    choices,
    is_valid,
    look_up,
    nearest_names,
    shown,
)
from config.catalog import Catalog, Found
from config.lookup import MUCH_WORSE, fold, likeness

_YES = frozenset({"true", "yes", "si", "1", "on"})
_NO = frozenset({"false", "no", "0", "off"})


@dataclass(frozen=True, slots=True)
class Given:
    """`places` are those of the line that options and their values take."""

    values: Mapping[str, str | bool]
    places: frozenset[int]


def read_options(line: Line, command: Command, catalog: Catalog) -> Given | Refusal:
    values: dict[str, str | bool] = {}
    places: dict[int, str] = {}
    place = 1
    while place < len(line):
        word = line[place]
        if not word.is_option:
            place += 1
            continue
        option = _named(word, command)
        if option is None:
            return _unknown(line, place, command)
        if option.name in values:
            first = [there for there, name in places.items() if name == option.name]
            return _twice(line, first, _span(line, place, option), option, command)
        read = _read(line, place, option, command, catalog)
        if isinstance(read, Refusal):
            return read
        values[option.name] = read
        span = _span(line, place, option)
        places.update(dict.fromkeys(span, option.name))
        place = span[-1] + 1
    return Given(values, frozenset(places))


def _named(word: Word, command: Command) -> Option | None:
    wanted = fold(word.text[2:])
    for option in command.options:
        if any(fold(own) == wanted for own in option.words):
            return option
    return None


def _span(line: Line, place: int, option: Option) -> list[int]:
    """The places of an option and of its value."""
    takes_next = option.kind is not None and line[place].value is None
    return [place, place + 1] if takes_next and place + 1 < len(line) else [place]


def _read(
    line: Line, place: int, option: Option, command: Command, catalog: Catalog
) -> str | bool | Refusal:
    word = line[place]
    if option.kind is None:
        return True if word.value is None else _needless_value(line, place, option, command)
    if word.value is not None:
        value, value_place = word.value, place
    elif place + 1 < len(line) and not line[place + 1].is_option:
        value, value_place = line[place + 1].text, place + 1
        if option.kind is Kind.TEXT and not line[place + 1].quoted:
            several = _unquoted_rest(line, place + 1)
            if len(several) > 1:
                return _needs_quotes(line, several, option, command)
    else:
        value, value_place = "", place
    if not value.strip():
        return _error(UsageCode.OPTION_NEEDS_VALUE, command, option=f"--{option.name}")
    return _checked(line, value_place, value, option, command, catalog)


def _checked(
    line: Line, place: int, value: str, option: Option, command: Command, catalog: Catalog
) -> str | Refusal:
    kind = option.kind or Kind.TEXT
    if kind not in NAMES:
        return value if is_valid(kind, value) else _error(INVALID[kind], command, word=shown(value))
    found = look_up(kind, value, catalog)
    if isinstance(found, Found):
        return found.item.name
    names = found.candidates if found else nearest_names(kind, value, catalog)
    code = AMBIGUOUS[kind] if found else UNKNOWN[kind]
    error = UsageError(
        code,
        {"word": shown(value), "choices": names or choices(kind, catalog)},
        command=command.name,
    )
    return Refusal(error, tuple(replaced(line, place, _with(line, place, name)) for name in names))


def _with(line: Line, place: int, value: str) -> Word:
    word = line[place]
    return Word(word.text, value=value) if word.is_option else Word(value)


def _unquoted_rest(line: Line, place: int) -> list[int]:
    """Places from here to the next option: what an unquoted text might have been meant to be."""
    rest = []
    for further in range(place, len(line)):
        if line[further].is_option:
            break
        rest.append(further)
    return rest


def _needs_quotes(line: Line, several: list[int], option: Option, command: Command) -> Refusal:
    """Where the text ends cannot be known, and a guess could swallow the version."""
    texts = [line[place].text for place in several]
    whole = Word(" ".join(texts).strip(), quoted=True)  # as it would be read
    first = Word(texts[0], quoted=True)
    return Refusal(
        UsageError(
            UsageCode.OPTION_NEEDS_QUOTES,
            {"option": f"--{option.name}", "value": shown(whole.text)},
            command=command.name,
        ),
        (
            (*line[: several[0]], whole, *line[several[-1] + 1 :]),
            replaced(line, several[0], first),
        ),
    )


def _unknown(line: Line, place: int, command: Command) -> Refusal:
    word = line[place]
    scored = sorted(
        (
            (max(likeness(word.text[2:], own) for own in option.words), option.name)
            for option in command.options
        ),
        reverse=True,
    )
    near = [name for score, name in scored if score and score >= scored[0][0] - MUCH_WORSE]
    error = UsageError(
        UsageCode.UNKNOWN_OPTION,
        {
            "option": shown(word.text),
            "choices": tuple(f"--{option.name}" for option in command.options),
        },
        command=command.name,
    )
    return Refusal(
        error, tuple(replaced(line, place, Word(f"--{name}", value=word.value)) for name in near)
    )


def _twice(
    line: Line, first: list[int], again: list[int], option: Option, command: Command
) -> Refusal:
    error = _error(UsageCode.OPTION_TWICE, command, option=f"--{option.name}").error
    return Refusal(error, (without(line, *again), without(line, *first)))


def _needless_value(line: Line, place: int, option: Option, command: Command) -> Refusal:
    value = fold(line[place].value or "")
    kept, dropped = replaced(line, place, Word(line[place].text)), without(line, place)
    error = _error(UsageCode.OPTION_TAKES_NO_VALUE, command, option=f"--{option.name}").error
    if value in _NO:
        return Refusal(error, (dropped,))
    return Refusal(error, (kept,) if value in _YES or not value else ())


def _error(code: UsageCode, command: Command, **values: str) -> Refusal:
    return Refusal(UsageError(code, values, command=command.name))

"""What was found in logs, as values: an answer that is read once, and a view that is live."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from bot.domain.log_lines import Level, continues, read
from bot.domain.log_sources import Silent
from bot.domain.log_stream import LogLine

JOINED: Final = -1
LEFT: Final = -2
"""`LogLine.source` of lines that say which pod came or went; `text` is its short name."""

_QUOTED = 8
"""Lines of the first error, with its stack."""


@dataclass(frozen=True, slots=True)
class LogAnswer:
    """`total` of the wanted lines were found, the newest of them are `lines`. `names` are those of
    the sources. `cut` says that the time was over before the end."""

    lines: Sequence[LogLine]
    levels: Mapping[Level, int]
    total: int
    names: Sequence[str]
    silent: Sequence[Silent] = ()
    others: Sequence[str] = ()
    since: datetime | None = None
    cut: bool = False


class End(StrEnum):
    """Why a live view has ended (`logs.ended.CODE`)."""

    STOPPED = "STOPPED"  # by
    TIME = "TIME"
    QUIET = "QUIET"
    GONE = "GONE"
    REFUSED = "REFUSED"  # message: the cluster does not let us
    RESTARTED = "RESTARTED"


@dataclass(frozen=True, slots=True)
class FollowView:
    """One moment of a live log. `by` has stopped it; `obstacle` says that the cluster does not
    answer just now."""

    lines: Sequence[LogLine] = ()
    levels: Mapping[Level, int] = field(default_factory=dict)
    total: int = 0
    names: Sequence[str] = ()
    pods: Sequence[str] = ()
    silent: Sequence[Silent] = ()
    until: datetime | None = None
    ended: End | None = None
    by: str = ""
    message: str = ""
    obstacle: bool = False


def shown(line: LogLine, names: Sequence[str]) -> str:
    """A line as a card shows it: time of the day, pod, level, message, fields."""
    said = read(line.text)
    extras = [f"{key}={_quoted(value)}" for key, value in said.fields.items()]
    words = " ".join([said.message, *extras]).strip() or line.text
    level = "" if line.level is Level.UNKNOWN else line.level.upper()
    pieces = [line.stamp[11:19], name_of(line, names), f"{level:<5}", words]
    if line.text[:1].isspace():  # a stack keeps its shape
        pieces = [line.stamp[11:19], name_of(line, names), line.text.rstrip()]
    return " ".join(piece for piece in pieces if piece.strip())


def name_of(line: LogLine, names: Sequence[str]) -> str:
    return names[line.source] if 0 <= line.source < len(names) else ""


def first_error(lines: Sequence[LogLine]) -> Sequence[LogLine]:
    """The first line that is an error, with what belongs to it; none where there is no error."""
    for index, line in enumerate(lines):
        if line.level.rank >= Level.ERROR.rank:
            stack = [line]
            for further in lines[index + 1 :]:
                if further.source != line.source:
                    continue
                if len(stack) >= _QUOTED or not continues(further.text):
                    break
                stack.append(further)
            return stack
    return ()


def as_file(lines: Iterable[LogLine], names: Sequence[str], most: int) -> str:
    """Whole lines for a file of at most so many characters: the newest ones, oldest first."""
    kept: list[str] = []
    size = 0
    for line in reversed(list(lines)):
        if line.source < 0:
            text = f"{line.stamp} {'+' if line.source == JOINED else '-'} {line.text}"
        else:
            text = f"{line.stamp} {name_of(line, names)} {line.text}"
        size += len(text) + 1
        if size > most:
            kept.append("…")
            break
        kept.append(text)
    return "\n".join(reversed(kept))


def _quoted(value: str) -> str:
    return f'"{value}"' if not value or " " in value else value

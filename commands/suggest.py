"""From a refusal to "did you mean": tries repairs of a line, and keeps those that would run."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from commands.command import Invocation, UsageError
from commands.typed import Word

Line = tuple[Word, ...]

MOST_SUGGESTIONS = 3
MOST_REPAIRS = 3
"""Mistakes in one line beyond which a guess is no help."""
MOST_TRIES = 24
"""Bounds the time that a refusal takes, whatever was typed."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error without suggestions yet, and lines that might be what was meant, best first.

    `fallbacks` are tried only when no repair leads to a line that runs.
    """

    error: UsageError
    repairs: tuple[Line, ...] = ()
    fallbacks: tuple[Line, ...] = ()


def suggestions(
    refusal: Refusal, understand: Callable[[Line], Invocation | Refusal]
) -> tuple[str, ...]:
    """Complete lines that would run; those with the fewest repairs first."""
    return _reachable(refusal.repairs, understand) or _reachable(refusal.fallbacks, understand)


def _reachable(
    lines: tuple[Line, ...], understand: Callable[[Line], Invocation | Refusal]
) -> tuple[str, ...]:
    found: list[str] = []
    queue = deque((line, 1) for line in lines)
    tries = 0
    while queue and len(found) < MOST_SUGGESTIONS and tries < MOST_TRIES:
        line, repairs = queue.popleft()
        tries += 1
        answer = understand(line)
        if isinstance(answer, Invocation):
            if answer.line not in found:
                found.append(answer.line)
        elif repairs < MOST_REPAIRS:
            queue.extend((further, repairs + 1) for further in answer.repairs)
    return tuple(found)


def replaced(line: Line, place: int, *words: Word) -> Line:
    return (*line[:place], *words, *line[place + 1 :])


def without(line: Line, *places: int) -> Line:
    return tuple(word for place, word in enumerate(line) if place not in places)

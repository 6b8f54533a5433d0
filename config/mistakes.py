"""What is wrong in a file that an operator wrote: where, what, and what would be right.

All mistakes of a file are collected and told at once, so that mending it takes one round.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

MOST_SHOWN = 50
"""A file with more mistakes than this is another file altogether."""


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """`path` is the file; `line` and `column` count from 1; `fix` says what would be right."""

    path: str
    line: int
    column: int
    message: str
    fix: str = ""

    def __str__(self) -> str:
        hint = f"; {self.fix}" if self.fix else ""
        return f"{self.path}:{self.line}:{self.column}: {self.message}{hint}"


class FileMistakesError(ValueError):
    """A file that cannot be used. `mistakes` are in the order of the file."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        shown = [str(mistake) for mistake in self.mistakes[:MOST_SHOWN]]
        if len(self.mistakes) > MOST_SHOWN:
            shown.append(f"… and {len(self.mistakes) - MOST_SHOWN} more")
        super().__init__("\n".join(shown))


class CatalogError(FileMistakesError):
    """`dynamo.yml` cannot be used."""


def meant(candidates: tuple[str, ...]) -> str:
    """A hint that names the near candidates, or nothing."""
    return f"did you mean {' or '.join(candidates)}?" if candidates else ""

"""What a look is given, and what it is: the shape that all files of this folder have."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from bot.domain.analysis import Part, Reading, Windows
from bot.domain.rollout import Rollout
from bot.workflows.edges import Edges, Place

NO_ANSWER: Final = "NO_ANSWER"
"""In the place of an edge's own words, which there are none of: its sentence is in `bot/text`."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is looked at: a rollout in its place, between which windows."""

    place: Place
    rollout: Rollout
    windows: Windows
    baseline: str = ""  # of this look


@dataclass(frozen=True, slots=True)
class Look:
    part: Part
    read: Callable[[Subject, Edges], Awaitable[tuple[Reading, ...]]]
    baseline: Callable[[Place, Edges], Awaitable[str]] | None = None

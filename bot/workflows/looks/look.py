"""What a look is given, and what it is: the shape that all files of this folder have."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.domain.analysis import Part, Reading, Windows
from bot.domain.rollout import Rollout
from bot.workflows.edges import Edges, Place


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

"""What a gate is asked about: one release, for one place, by one person, on one look."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from bot.domain.gate import GateResult
from bot.domain.workload import Workload
from bot.workflows.edges import Edges, Place
from bot.workflows.version import Chosen


@dataclass(frozen=True, slots=True)
class Facts:
    place: Place
    chosen: Chosen
    user: str  # whose right it is judged by
    look: Workload  # what runs there now
    requester: str = ""  # who asked for it, where another one lets it go
    overriding: bool = False  # break-glass: a right of its own is asked for
    since: datetime | None = None  # when it was asked for, where it has waited


GateCheck = Callable[[Facts, Edges], Awaitable[GateResult | None]]
"""Answers one gate; None where it does not apply to that environment. Raises PortError where an
edge does not say: nothing is let through unasked."""

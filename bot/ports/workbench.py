"""A place for heavy pure work, beside the event loop."""

from collections.abc import Callable
from typing import Protocol, TypeVar

Done = TypeVar("Done")


class Workbench(Protocol):
    async def run(self, work: Callable[..., Done], *given: object) -> Done:
        """Call a pure function of a module in a process beside this one. Its arguments and what it
        returns are values that can be pickled. Libraries that take long to load (statistics,
        charts) are imported there and not here. Raises PortError AWAY where that process ends."""

"""The bell: whoever changes what gates ask about rings it, and what waits asks its gates again.

A lock, a tick, an approval, an answer of CI: each may open the last gate of a request that waits.
Nobody polls for that (`bot/engine/` listens; times that gates name are its only alarms).
"""

from collections.abc import Callable

Hears = Callable[[str, str], None]


class Bell:
    """One for the process. `ring()` is everywhere, `ring("tasks-service", "prod")` is one place."""

    def __init__(self) -> None:
        self._hears: list[Hears] = []

    def listen(self, hears: Hears) -> None:
        self._hears.append(hears)

    def ring(self, service: str = "", environment: str = "") -> None:
        """Returns at once: the gates are asked by those who listen, when their turn comes."""
        for hears in self._hears:
            hears(service, environment)

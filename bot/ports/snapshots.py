"""The templates of releases that ran well."""

from collections.abc import Sequence
from typing import Protocol

from bot.domain.snapshot import Snapshot


class Snapshots(Protocol):
    async def put(self, snapshot: Snapshot) -> None:
        """Keep it. The same template of the same release is kept once, with what it refers to as
        it was last seen; the oldest of a place go when there are many."""

    async def of(self, service: str, environment: str) -> Sequence[Snapshot]:
        """Newest first, a release (digest) once: its newest template."""

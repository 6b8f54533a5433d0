"""What was applied as configuration, and what stood there before."""

from collections.abc import Sequence
from typing import Protocol

from bot.domain.audit import AuditEntry
from bot.domain.configuration import ConfigSnapshot
from bot.ports.locks import Announcement


class Configurations(Protocol):
    """Snapshots of each place, the newest ones (`bot/domain/configuration.py`)."""

    async def begin(self, snapshot: ConfigSnapshot, entry: AuditEntry) -> None:
        """Keep what stands before anything is written, and record that it is going to be."""

    async def end(
        self, snapshot: ConfigSnapshot, entry: AuditEntry, announcement: Announcement | None = None
    ) -> bool:
        """Keep how it ended, record it, and note what is to be announced, all or nothing. False
        where it has ended already: then nothing is noted twice."""

    async def of(self, service: str, environment: str) -> Sequence[ConfigSnapshot]:
        """Newest first."""

    async def unfinished(self) -> Sequence[ConfigSnapshot]:
        """Those that were begun and not ended: a process was killed between the two."""

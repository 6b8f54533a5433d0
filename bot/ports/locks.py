"""Locks, and what channels are due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.cards.card import Card
from bot.domain.audit import AuditEntry
from bot.domain.lock import Lock


@dataclass(frozen=True, slots=True)
class Announcement:
    """A message that a channel is due, once: `key` tells it from any other, `since` says from when
    on it may have been posted."""

    key: str
    channel: str
    card: Card
    since: datetime


class Outbox(Protocol):
    """Announcements that Slack has not confirmed yet. They are added in the transaction of what
    they tell, by the port that does it; `bot/workflows/announcing.py` posts them."""

    async def due(self) -> Sequence[Announcement]:
        """Oldest first."""

    async def add(self, announcement: Announcement) -> None:
        """For a deed that has no transaction of its own. The same key twice is added once."""

    async def done(self, key: str) -> None: ...


class Locks(Protocol):
    """One lock for each scope (`bot/domain/lock.py`); those whose time is over are among them."""

    async def all(self, environment: str = "") -> Sequence[Lock]: ...

    async def replace(
        self,
        held: Lock | None,
        wanted: Lock | None,
        entry: AuditEntry,
        announcement: Announcement | None = None,
    ) -> bool:
        """Put `wanted` (None: no lock) in the place of `held` (None: there was none), record it and
        note what is to be announced, all or nothing. False when `held` is not what stands there:
        read again and decide again."""

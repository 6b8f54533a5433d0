"""Approvals, and what lies between two releases."""

from collections.abc import Sequence
from typing import Protocol

from bot.domain.approval import Approval
from bot.domain.audit import AuditEntry
from bot.domain.promotion import Commits


class Approvals(Protocol):
    """One decision per person, digest and environment (`bot/domain/approval.py`)."""

    async def of(self, service: str, environment: str) -> Sequence[Approval]:
        """Newest first, those that have run out and those for other digests among them."""

    async def replace(self, held: Approval | None, wanted: Approval, entry: AuditEntry) -> bool:
        """Put this person's decision in the place of `held` (None: there was none) and record it,
        both or neither. False when `held` is not what stands there: read and decide again."""


class Comparisons(Protocol):
    async def between(self, repository: str, older: str, newer: str) -> Commits:
        """The commits of `repository` ("owner/name") after `older` up to `newer`, newest first;
        `Commits.unknown` where the git host has no answer. Raises PortError AWAY."""

    async def one(self, repository: str, commit: str) -> Commits:
        """This commit alone. As `between`."""

"""Analyses: what became of each rollout after it was done."""

from collections.abc import Sequence
from typing import Protocol

from bot.domain.analysis import Analysis
from bot.domain.audit import AuditEntry


class Analyses(Protocol):
    """One analysis per rollout (`bot/domain/analysis.py`), by the rollout's id."""

    async def open(self, wanted: Analysis) -> Analysis:
        """The stored analysis of this rollout, or this one, stored."""

    async def save(self, analysis: Analysis, entry: AuditEntry | None = None) -> Analysis:
        """Replace the stored revision by the next, with its audit record in the same transaction.
        Raises StaleError when it is not ours."""

    async def get(self, rollout_id: str) -> Analysis | None: ...

    async def unsettled(self, service: str = "", environment: str = "") -> Sequence[Analysis]:
        """Oldest first."""

    async def failed(self, service: str, environment: str) -> frozenset[str]:
        """Ids of the rollouts there that turned out worse: what they brought is no release to go
        back to."""

    async def of_release(self, service: str, environment: str, digest: str) -> Sequence[Analysis]:
        """Of every rollout of this digest there, newest first."""

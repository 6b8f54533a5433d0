"""The audit log: append-only."""

from collections.abc import Sequence
from typing import Protocol

from bot.domain.audit import AuditEntry, AuditRecord, Head


class Audit(Protocol):
    """Append-only and hash-chained (`bot/domain/audit.py`). The states of rollouts are recorded by
    the store itself, as they are saved; everything else is recorded by whoever does it."""

    async def record(self, entry: AuditEntry) -> None:
        """Append; once, where the entry has a key. Redacts secrets and cuts long texts."""

    async def page(
        self,
        service: str = "",
        environment: str = "",
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int = 10,
        steps: bool = True,
    ) -> Sequence[AuditRecord]:
        """Newest first: the newest below number `before`, or those next above `after`. Without
        `steps` the states that a rollout only passes through are left out."""

    async def head(self) -> Head: ...

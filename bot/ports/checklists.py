"""A commit's checks at the git host, and the checklist of a release."""

from collections.abc import Callable, Sequence
from typing import Protocol

from bot.domain.audit import AuditEntry
from bot.domain.checklist import Before, Checklist, Refusal
from bot.domain.ci import Check
from bot.domain.rollout import CardRef


class Checks(Protocol):
    """A git host that knows which checks ran on a commit."""

    async def of_commit(self, repository: str, commit: str) -> Sequence[Check]:
        """All checks of a commit (a full id) of `owner/name`, the newest of each name. Raises
        PortError NOT_FOUND (no such repository or commit is shown to us), THROTTLED (`retry_after`
        says until when), UNAUTHENTICATED, FORBIDDEN, AWAY."""


Decide = Callable[[Checklist], Checklist | Refusal]
"""What a click makes of a list, called inside the store's transaction: pure and quick."""

Record = Callable[[Checklist, Checklist], AuditEntry | None]
"""The audit entry of a change from the first to the second, written in the same transaction."""


class Checklists(Protocol):
    """One list for each service and digest (`bot/domain/checklist.py`); of a service's lists one is
    current."""

    async def get(self, service: str, digest: str) -> Checklist | None: ...

    async def current(self, service: str) -> Checklist | None: ...

    async def open(
        self, wanted: Checklist, leave: Callable[[Checklist], Before], record: Record
    ) -> tuple[Checklist, Checklist | None]:
        """The list of this release, made current: the stored one, else `wanted` with what `leave`
        says of the one that was current until now. That one is returned beside it, if another."""

    async def change(
        self, service: str, digest: str, decide: Decide, record: Record
    ) -> Checklist | Refusal:
        """Decide on what stands there and store it as the next revision, all in one transaction.
        The list as it is then, or the refusal (NO_LIST where there is none)."""

    async def placed(self, service: str, digest: str, card: CardRef, shown: int = -1) -> None:
        """Where its message is, or where it is about to be posted; and which revision it shows."""

    async def shown(self, service: str, digest: str, revision: int) -> None:
        """Slack has confirmed this revision."""

    async def live(self) -> Sequence[tuple[str, str]]:
        """Service and digest of the current lists that are not closed."""

    async def unshown(self) -> Sequence[tuple[str, str]]:
        """Service and digest of all lists whose message does not show the newest revision."""

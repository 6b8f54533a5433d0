"""Where rollouts are kept, and which deliveries were seen."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from bot.domain.audit import ENGINE, By
from bot.domain.delivery import Past
from bot.domain.rollout import CardRef, Rollout


class Store(Protocol):
    async def add(self, rollout: Rollout, by: By | None = None) -> Rollout:
        """Store a new rollout and the audit record of its request, as made by `by` (else by whom
        it names, with a typed line). It is QUEUED; `start_next` lets it go. Where the same release
        is under way there already, nothing is stored and that one is returned."""

    async def save(self, rollout: Rollout, by: By = ENGINE) -> Rollout:
        """Replace the stored revision by the next; a new state is written to the audit log in the
        same transaction, as done by `by`. Raises StaleError when it is not ours."""

    async def get(self, rollout_id: str) -> Rollout | None: ...

    async def unsettled(self) -> Sequence[Rollout]:
        """All rollouts that still need something done, oldest first: the active ones, and the
        final ones whose last card is not yet confirmed."""

    async def active(self, service: str = "", environment: str = "") -> Sequence[Rollout]:
        """All rollouts that are not final, oldest first."""

    async def start_next(self, service: str, environment: str) -> Rollout | None:
        """Move the oldest queued rollout to APPLYING, if none is driven there. Atomic."""

    async def recent(
        self, service: str = "", environment: str = "", limit: int = 20
    ) -> Sequence[Rollout]:
        """Newest first."""

    async def with_card(self, card: CardRef) -> Rollout | None:
        """The rollout whose card is this message; its time does not count."""

    async def past(self, service: str, environment: str, since: datetime) -> Past:
        """What ended there since then, of one service or of all: what delivery is counted from."""

    async def ran_well(self, service: str, environment: str, digest: str) -> bool:
        """Whether this digest ran there: rolled out to a good end, or found serving by another
        where no rollout of its own has failed."""

    async def first_time(self, delivery: str, now: datetime) -> bool:
        """True once per delivery key, for ever false after: a redelivery does nothing twice."""

"""The lock that a rollback leaves: nobody deploys there again by habit before somebody has looked.

A lock of Dynamo's own, on the service in that environment, without an end; whoever may deploy there
lifts it. The rollback's card says so, so nothing is announced beside it. Where somebody holds the
place already their lock stays: it does the same, and it is theirs.
"""

from bot.domain.audit import DYNAMO, ENGINE, AuditEntry
from bot.domain.lock import LONGEST_REASON, Lock
from bot.domain.rollout import Rollout
from bot.text import Texts
from bot.workflows.edges import Edges, Place
from bot.workflows.locking import Scope, current


async def hold_after(rollout: Rollout, place: Place, edges: Edges) -> None:
    """Idempotent. Raises PortError: then nothing was locked."""
    texts = Texts.of(place.environment.language)
    left = rollout.before.version if rollout.before else ""
    reason = texts("rollback.lock_reason", left=left, version=rollout.version)
    await hold(place, reason, edges)


async def hold(place: Place, reason: str, edges: Edges) -> None:
    """Lock it in Dynamo's own name, unless it is locked. Idempotent."""
    scope = Scope(place.environment, place.service.name)
    while True:
        now = edges.clock.now()
        held = await current(scope, edges)
        if held is not None and held.holds(now):
            return
        wanted = Lock(
            environment=scope.environment.name,
            owner=DYNAMO,
            since=now,
            service=scope.service,
            reason=reason[:LONGEST_REASON],
        )
        entry = AuditEntry(
            at=now,
            actor=ENGINE.actor,
            surface=ENGINE.surface,
            action="lock",
            subject=scope.subject,
            after=wanted.recorded,
        )
        if await edges.locks.replace(held, wanted, entry):
            edges.bell.ring(scope.service, scope.environment.name)
            return

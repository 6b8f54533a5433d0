"""Cancel a rollout: what has touched nothing ends, what has goes back to what ran before."""

from dataclasses import dataclass

from bot.domain.audit import By, subject_of
from bot.domain.gate import GateResult
from bot.domain.rollout import Rollout
from bot.domain.rollout_course import cancel
from bot.domain.rollout_records import refusal_entry
from bot.errors import StaleError
from bot.workflows.displaced import place_of_stored
from bot.workflows.edges import Edges
from bot.workflows.people import permission


@dataclass(frozen=True, slots=True)
class Cancelled:
    rollout: Rollout


@dataclass(frozen=True, slots=True)
class NotCancelled:
    """`code`: ENDED (it is over), GOING_BACK, NO_WAY_BACK, NOT_ALLOWED (gate), NOT_FOUND."""

    code: str
    rollout: Rollout | None = None
    gate: GateResult | None = None


async def cancel_rollout(
    rollout_id: str, by: By, edges: Edges, reason: str = ""
) -> Cancelled | NotCancelled:
    """Whoever asked for it may cancel it, and whoever may deploy there."""
    user = by.actor
    while True:
        rollout = await edges.store.get(rollout_id)
        if rollout is None:
            return NotCancelled("NOT_FOUND")
        if rollout.state.final:
            return NotCancelled("ENDED", rollout)
        if user != rollout.requested_by.id:
            place = place_of_stored(rollout, edges.catalog)
            gate = await permission(user, place, edges)
            if not gate.ok:
                subject = subject_of(rollout.service, rollout.environment)
                now, of = edges.clock.now(), {"version": rollout.version, "rollout": rollout.id}
                await edges.audit.record(refusal_entry("cancel", subject, (gate,), by, now, **of))
                return NotCancelled("NOT_ALLOWED", rollout, gate)
        ended = cancel(rollout, user, edges.clock.now())
        if ended is None:
            going_back = rollout.state == "ROLLING_BACK"
            return NotCancelled("GOING_BACK" if going_back else "NO_WAY_BACK", rollout)
        try:
            return Cancelled(await edges.store.save(ended.with_(end_reason=reason), by))
        except StaleError:
            continue  # it moved on in this moment: decide on what it is now

"""Nobody else holds the place: neither the environment nor the service in it."""

from bot.domain.gate import GateResult
from bot.domain.lock import judge_locks
from bot.workflows.edges import Edges
from bot.workflows.gates.facts import Facts


async def lock(facts: Facts, edges: Edges) -> GateResult:
    place = facts.place
    held = await edges.locks.all(place.environment.name)
    now = edges.clock.now()
    return judge_locks(held, place.service.name, place.environment.name, facts.user, now)

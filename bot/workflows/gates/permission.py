"""Whether this person may deploy there, by the roles they have at this moment."""

from bot.domain.gate import GateResult
from bot.workflows.edges import Edges
from bot.workflows.gates.facts import Facts
from bot.workflows.people import permission as ask
from bot.workflows.people import right_to_override


async def permission(facts: Facts, edges: Edges) -> GateResult:
    if facts.overriding:
        return await right_to_override(facts.place.environment, facts.user, edges)
    return await ask(facts.user, facts.place, edges)

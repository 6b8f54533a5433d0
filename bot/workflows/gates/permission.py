"""Whether this person may deploy there, by the roles they have at this moment."""

from bot.domain.gate import GateResult
from bot.workflows.edges import Edges
from bot.workflows.gates.facts import Facts
from bot.workflows.people import permission as ask


async def permission(facts: Facts, edges: Edges) -> GateResult:
    return await ask(facts.user, facts.place, edges)

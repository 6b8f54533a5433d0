"""The checks of its commit are green: red is refused, what still runs is waited for.

What ran here before may come back: going back is no new release, and must not wait for a git host.
"""

from bot.domain.gate import Gate, GateResult
from bot.workflows.ci import ask_ci
from bot.workflows.edges import Edges
from bot.workflows.gates.facts import Facts
from bot.workflows.release import release_of
from config.catalog import Requirement


async def ci(facts: Facts, edges: Edges) -> GateResult | None:
    place, chosen = facts.place, facts.chosen
    if Requirement.CI not in place.environment.requires:
        return None
    service, digest = place.service, chosen.image.digest
    if await edges.store.ran_well(service.name, place.environment.name, digest):
        return GateResult(Gate.CI, True, "CI_RAN_HERE")
    release = await release_of(service, digest, chosen.version, edges)
    return await ask_ci(release, service, edges.ci)

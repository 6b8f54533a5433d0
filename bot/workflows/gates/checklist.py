"""The checklist of this very digest is complete. What ran here before may come back without one."""

from bot.domain.checklist import Checklist, judge_checklist
from bot.domain.gate import Gate, GateResult
from bot.workflows.checklist import look_at_ci, who_may
from bot.workflows.edges import Edges
from bot.workflows.gates.facts import Facts
from config.catalog import Requirement


async def checklist(facts: Facts, edges: Edges) -> GateResult | None:
    place, chosen = facts.place, facts.chosen
    if Requirement.CHECKLIST not in place.environment.requires:
        return None
    service, digest = place.service.name, chosen.image.digest
    if await edges.store.ran_well(service, place.environment.name, digest):
        return GateResult(Gate.CHECKLIST, True, "CHECKLIST_RAN_HERE")
    held = await edges.checklists.get(service, digest)
    if held is None:
        held = Checklist(service, digest, chosen.version, edges.clock.now())
    held = await look_at_ci(held, edges)
    return judge_checklist(held, edges.catalog.checklist, who_may(edges.catalog))

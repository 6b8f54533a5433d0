"""The digest ran in the environment before, or here already: going back is not skipping.

As the store remembers it, or as the clusters show it now.
"""

from bot.domain.gate import Gate, GateResult
from bot.domain.image import Image
from bot.domain.workload import Workload
from bot.workflows.edges import Edges
from bot.workflows.gates.facts import Facts


async def order(facts: Facts, edges: Edges) -> GateResult:
    here = facts.place.environment
    before = edges.catalog.before(here)
    if before is None:
        return GateResult(Gate.ORDER, True, "FIRST_ENVIRONMENT")
    name, digest = facts.place.service.name, facts.chosen.image.digest
    values = {"environment": before.name, "version": facts.chosen.version}
    for environment, code in ((before, "RAN_BEFORE"), (here, "RAN_HERE")):
        if await edges.store.ran_well(name, environment.name, digest):
            return GateResult(Gate.ORDER, True, code, values)
    if _runs_well(facts.look, digest):
        return GateResult(Gate.ORDER, True, "RAN_HERE", values)
    there = await edges.cluster.workload(before.context or "", before.namespace, name)
    healthy = _runs_well(there, digest)
    return GateResult(Gate.ORDER, healthy, "RAN_BEFORE" if healthy else "NOT_RUN_BEFORE", values)


def _runs_well(look: Workload, digest: str) -> bool:
    found = look.deployment
    return (
        found is not None
        and found.updated == found.available == found.desired > 0
        and any(Image.parse(image).digest == digest for image in found.images.values())
    )

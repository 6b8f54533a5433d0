"""A paused Deployment takes a change and does not roll it out: refused, with the reason."""

from bot.domain.gate import Gate, GateResult
from bot.workflows.edges import Edges
from bot.workflows.gates.facts import Facts


async def paused(facts: Facts, _: Edges) -> GateResult:
    stopped = facts.look.deployment is not None and facts.look.deployment.paused
    return GateResult(Gate.PAUSED, not stopped, "PAUSED" if stopped else "NOT_PAUSED")

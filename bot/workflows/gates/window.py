"""It is a time at which changes are made there: a window is open and no freeze is on."""

from bot.domain.gate import GateResult
from bot.domain.window import judge_window
from bot.workflows.edges import Edges
from bot.workflows.gates.facts import Facts


async def window(facts: Facts, edges: Edges) -> GateResult:
    return judge_window(facts.place.environment, edges.clock.now())

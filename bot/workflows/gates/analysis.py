"""The release is as good as the one before, where it ran until now: what turned out worse there
goes no further by itself. Who keeps it (the button on its summary) opens the gate, with a name.

What ran well here already may come back, and where nothing was analysed nothing is said.
"""

from bot.domain.analysis import Analysis, Follow, Result
from bot.domain.gate import Gate, GateResult
from bot.domain.verdict import Value
from bot.workflows.edges import Edges
from bot.workflows.gates.facts import Facts


async def analysis(facts: Facts, edges: Edges) -> GateResult | None:
    place, chosen = facts.place, facts.chosen
    before = edges.catalog.before(place.environment)
    if before is None:
        return None
    name, digest = place.service.name, chosen.image.digest
    found = await edges.analyses.of_release(name, before.name, digest)
    newest = next((each for each in found if each.looked_at is not None), None)
    if newest is None or await edges.store.ran_well(name, place.environment.name, digest):
        return None
    return judged(newest)


def judged(found: Analysis) -> GateResult:
    """What one analysis says about going further."""
    values: dict[str, Value] = {
        "environment": found.environment,
        "version": found.version,
        "previous": found.previous,
    }
    if found.result is Result.FAIL and found.follow is Follow.KEPT:
        return GateResult(Gate.ANALYSIS, True, "ANALYSIS_KEPT", {**values, "who": found.decided_by})
    codes = {
        Result.FAIL: "ANALYSIS_FAILED",
        Result.WARN: "ANALYSIS_WARNED",
        Result.INCONCLUSIVE: "ANALYSIS_OPEN",
        Result.PASS: "ANALYSIS_PASSED",
    }
    return GateResult(Gate.ANALYSIS, found.result is not Result.FAIL, codes[found.result], values)

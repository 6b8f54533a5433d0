"""The policies of the environment, as far as they show before a rollout: what is not kept stops it
where `dynamo.yml` says `block`, else it is said on its card."""

import asyncio

from bot.domain.belongings import pod_of
from bot.domain.gate import Gate, GateResult
from bot.domain.policy import worst_first
from bot.domain.policy.finding import Standing, packed
from bot.domain.verdict import Value
from bot.workflows.edges import Edges
from bot.workflows.gates.facts import Facts
from bot.workflows.manifest import render_deployment
from bot.workflows.policies import foresee_policies
from config.manifests import ManifestError


async def policies(facts: Facts, edges: Edges) -> GateResult | None:
    """None where nothing is promised, and where the manifest is unsound: another gate says so."""
    place, chosen = facts.place, facts.chosen
    try:
        manifest = await asyncio.to_thread(render_deployment, place, chosen.image, chosen.version)
    except ManifestError:
        return None
    findings = worst_first(await foresee_policies(place, pod_of(manifest), edges))
    if not findings:
        return None
    broken = [each for each in findings if each.standing is Standing.BROKEN]
    stops = any(each.blocks for each in broken)
    code = "POLICIES_BROKEN" if stops else "POLICIES_WARN" if broken else "POLICIES_KEPT"
    kept = sum(each.standing is Standing.KEPT for each in findings)
    values: dict[str, Value] = {
        "environment": place.environment.name,
        "count": len(broken) or kept,
    }
    if broken:
        values["findings"] = packed(broken)
    return GateResult(Gate.POLICY, not stops, code, values)

"""Enough of those whom the environment names said yes to this digest with this manifest."""

import asyncio
from dataclasses import replace

from bot.domain.approval import Candidate, judge_approvals
from bot.domain.gate import GateResult
from bot.domain.image import Image
from bot.domain.permission import people_of
from bot.workflows.covering import covered_by
from bot.workflows.edges import Edges
from bot.workflows.gates.facts import Facts
from bot.workflows.people import members_of
from config.catalog import ApprovalPolicy


async def approvals(facts: Facts, edges: Edges) -> GateResult:
    place, now = facts.place, edges.clock.now()
    policy = place.environment.approvals
    if policy is None:
        return judge_approvals((), None, Candidate("", "", ""), {}, now)
    roles = tuple(edges.catalog.role(name) for name in policy.roles)
    given, members, covers = await asyncio.gather(
        edges.approvals.of(place.service.name, place.environment.name),
        members_of(roles, edges.people),
        covered_by(place, facts.chosen.image.digest),
    )
    candidate = Candidate(
        facts.chosen.image.digest, covers, facts.requester or facts.user, _runs(facts)
    )
    return _with_who(judge_approvals(given, policy, candidate, members, now), policy, edges)


def _with_who(result: GateResult, policy: ApprovalPolicy, edges: Edges) -> GateResult:
    roles = tuple(edges.catalog.role(name) for name in policy.roles)
    return replace(result, values={**result.values, "who": people_of(roles)})


def _runs(facts: Facts) -> str:
    found = facts.look.deployment
    image = found.images.get(facts.place.service.container, "") if found else ""
    return Image.parse(image).digest

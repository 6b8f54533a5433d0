"""Which of the catalog's user groups a person is in now: asked at the moment it matters."""

import asyncio

from bot.domain.gate import GateResult
from bot.domain.permission import (
    Standing,
    may_deploy,
    may_override,
    people_of,
    roles_that_may_deploy,
    roles_that_may_override,
    standing_of,
)
from bot.ports import People
from bot.workflows.edges import Edges, Place
from config.catalog import Catalog, Environment, Role


async def groups_of(user: str, roles: tuple[Role, ...], people: People) -> frozenset[str]:
    """Of the groups of these roles, those the user is in. Raises PortError: fails closed."""
    groups = sorted({group for role in roles for group in role.groups})
    members = await asyncio.gather(*(people.members(group) for group in groups))
    return frozenset(g for g, users in zip(groups, members, strict=True) if user in users)


async def permission(user: str, place: Place, edges: Edges) -> GateResult:
    return await permission_in(place.environment, user, edges)


async def permission_in(environment: Environment, user: str, edges: Edges) -> GateResult:
    """Who may deploy there may lock it, too."""
    groups = await _groups(user, roles_that_may_deploy(edges.catalog, environment), edges)
    return may_deploy(user, groups, environment, edges.catalog)


async def right_to_override(environment: Environment, user: str, edges: Edges) -> GateResult:
    """Break-glass is a right of its own."""
    groups = await _groups(user, roles_that_may_override(edges.catalog, environment), edges)
    return may_override(user, groups, environment, edges.catalog)


async def may_ask(place: Place, user: str, edges: Edges) -> bool:
    """Those who bring a release ask for it: who deploys there, or in the environment before."""
    before = edges.catalog.before(place.environment)
    stages = [place.environment, *([before] if before else [])]
    rights = await asyncio.gather(*(permission_in(stage, user, edges) for stage in stages))
    return any(right.ok for right in rights)


def told_of_overrides(environment: Environment, catalog: Catalog) -> str:
    """Who hears of break-glass: those whose yes was passed by, or whoever deploys there."""
    names = environment.approvals.roles if environment.approvals else environment.deploy
    return people_of(catalog.role(name) for name in names)


async def members_of(roles: tuple[Role, ...], people: People) -> dict[str, frozenset[str]]:
    """Who is in each role now, by its name. Raises PortError: fails closed."""
    groups = sorted({group for role in roles for group in role.groups})
    found = await asyncio.gather(*(people.members(group) for group in groups))
    members = dict(zip(groups, found, strict=True))
    return {
        role.name: frozenset(role.users).union(*(members[group] for group in role.groups))
        for role in roles
    }


async def _groups(user: str, allowed: tuple[Role, ...], edges: Edges) -> frozenset[str]:
    if any(user in role.users for role in allowed):  # no need to ask Slack
        return frozenset()
    return await groups_of(user, allowed, edges.people)


async def standing(user: str, edges: Edges) -> Standing:
    """Which roles a person has now, why, and what follows from them."""
    groups = await groups_of(user, edges.catalog.roles, edges.people)
    return standing_of(user, groups, edges.catalog)

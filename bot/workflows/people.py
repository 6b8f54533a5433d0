"""Which of the catalog's user groups a person is in now: asked at the moment it matters."""

import asyncio

from bot.domain.gate import GateResult
from bot.domain.permission import may_deploy, roles_that_may_deploy
from bot.ports import People
from bot.workflows.edges import Edges, Place
from config.catalog import Environment, Role


async def groups_of(user: str, roles: tuple[Role, ...], people: People) -> frozenset[str]:
    """Of the groups of these roles, those the user is in. Raises PortError: fails closed."""
    groups = sorted({group for role in roles for group in role.groups})
    members = await asyncio.gather(*(people.members(group) for group in groups))
    return frozenset(g for g, users in zip(groups, members, strict=True) if user in users)


async def permission(user: str, place: Place, edges: Edges) -> GateResult:
    return await permission_in(place.environment, user, edges)


async def permission_in(environment: Environment, user: str, edges: Edges) -> GateResult:
    """Who may deploy there may lock it, too."""
    allowed = roles_that_may_deploy(edges.catalog, environment)
    if any(user in role.users for role in allowed):  # no need to ask Slack
        groups: frozenset[str] = frozenset()
    else:
        groups = await groups_of(user, allowed, edges.people)
    return may_deploy(user, groups, environment, edges.catalog)

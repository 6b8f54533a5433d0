"""What a person's Home tab shows: what waits for them, what is under way, what is locked.

Read from the store alone, so that it can be looked at often (`commands/home.py`); what runs in the
clusters is read (`bot/workflows/status.py`) only where the tab is published.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.lock import Lock
from bot.domain.rollout import Rollout
from bot.domain.waiting import (
    WaitingItems,
    WaitingRollout,
    items_for,
    waits_for_press,
    waits_for_yes,
)
from bot.workflows.edges import Edges
from bot.workflows.people import groups_of, members_of, permission
from bot.workflows.promotion import place_of


@dataclass(frozen=True, slots=True)
class Desk:
    """Equal for two looks between which nothing changed that the tab shows of it."""

    waiting: tuple[WaitingRollout, ...] = ()
    lists: tuple[WaitingItems, ...] = ()
    active: tuple[Rollout, ...] = ()
    locks: tuple[Lock, ...] = ()

    @property
    def count(self) -> int:
        return len(self.waiting) + sum(len(each.items) for each in self.lists)


async def desk_of(user: str, edges: Edges) -> Desk:
    """Raises PortError where the store or Slack does not answer."""
    now = edges.clock.now()
    active, locks, lists = await asyncio.gather(
        edges.store.active(), edges.locks.all(), _lists(user, edges)
    )
    asked = await asyncio.gather(*(_waiting(rollout, user, edges) for rollout in active))
    return Desk(
        waiting=tuple(each for each in asked if each.approve or each.release),
        lists=lists,
        active=tuple(active),
        locks=tuple(lock for lock in locks if lock.holds(now)),
    )


async def _waiting(rollout: Rollout, user: str, edges: Edges) -> WaitingRollout:
    place = place_of(rollout, edges)
    if place is None:
        return WaitingRollout(rollout)
    policy = place.environment.approvals
    everybody: frozenset[str] = frozenset()
    if policy is not None:
        roles = tuple(edges.catalog.role(name) for name in policy.roles)
        everybody = everybody.union(*(await members_of(roles, edges.people)).values())
    press = waits_for_press(rollout) and (await permission(user, place, edges)).ok
    return WaitingRollout(
        rollout, approve=waits_for_yes(rollout, user, policy, everybody), release=press
    )


async def _lists(user: str, edges: Edges) -> tuple[WaitingItems, ...]:
    live: Sequence[tuple[str, str]] = await edges.checklists.live()
    if not live:
        return ()
    groups = await groups_of(user, edges.catalog.roles, edges.people)
    roles = frozenset(role.name for role in edges.catalog.roles_of(user, groups))
    found = []
    for service, digest in live:
        checklist = await edges.checklists.get(service, digest)
        if checklist is None:
            continue
        mine = tuple(items_for(checklist, edges.catalog.checklist, roles))
        if mine:
            found.append(WaitingItems(checklist, mine))
    return tuple(found)

"""What a person's Home tab shows: what waits for them, what is under way, what is locked.

Read from the store alone, and once for all readers (`seen`), so that it can be looked at often
(`commands/home.py`); what runs in the clusters is read (`bot/workflows/status.py`) only where a tab
is published.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.checklist import Checklist
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


@dataclass(frozen=True, slots=True)
class Seen:
    """What is the same for all readers."""

    active: tuple[Rollout, ...] = ()
    locks: tuple[Lock, ...] = ()
    lists: tuple[Checklist, ...] = ()


async def look(edges: Edges) -> Seen:
    """Raises PortError where the store does not answer."""
    now = edges.clock.now()
    active, locks, live = await asyncio.gather(
        edges.store.active(), edges.locks.all(), edges.checklists.live()
    )
    lists = await asyncio.gather(*(edges.checklists.get(*each) for each in live))
    return Seen(
        active=tuple(active),
        locks=tuple(lock for lock in locks if lock.holds(now)),
        lists=tuple(each for each in lists if each is not None),
    )


async def desk_of(user: str, seen: Seen, edges: Edges) -> Desk:
    """Raises PortError where Slack does not say who is in a group."""
    asked = await asyncio.gather(*(_waiting(rollout, user, edges) for rollout in seen.active))
    return Desk(
        waiting=tuple(each for each in asked if each.approve or each.release),
        lists=await _lists(user, seen.lists, edges),
        active=seen.active,
        locks=seen.locks,
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


async def _lists(user: str, live: Sequence[Checklist], edges: Edges) -> tuple[WaitingItems, ...]:
    if not live:
        return ()
    groups = await groups_of(user, edges.catalog.roles, edges.people)
    roles = frozenset(role.name for role in edges.catalog.roles_of(user, groups))
    waiting = [
        WaitingItems(checklist, tuple(items_for(checklist, edges.catalog.checklist, roles)))
        for checklist in live
    ]
    return tuple(each for each in waiting if each.items)

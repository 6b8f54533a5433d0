"""What differs: a service in two environments, and what runs from what a deploy would bring.

Nothing is changed by asking. Two environments are two reads, perhaps of two clusters: each report
says when it was made, and what could not be read.
"""

import asyncio
import secrets
from dataclasses import dataclass
from datetime import datetime

from bot.domain.audit import By
from bot.domain.behind import releases_behind
from bot.domain.belongings import Belongings, Unread
from bot.domain.comparison import Disparity, Side, compare
from bot.domain.configuration import ObjectPlan
from bot.domain.drift import Difference
from bot.domain.expectations import rules_of, tokens_of
from bot.domain.gate import GateResult
from bot.domain.image import is_digest
from bot.domain.rollout import Running
from bot.workflows.configuring import Planned, plan_config
from bot.workflows.edges import Edges, Place
from bot.workflows.gates import ask_all
from bot.workflows.gates.dry_run import dry_run
from bot.workflows.gates.facts import Facts
from bot.workflows.rollout import running
from bot.workflows.version import Chosen, NotChosen, choose
from config.catalog import Environment, Service

_HISTORY = 200
"""Rollouts of the environment that is ahead which are looked through."""


@dataclass(frozen=True, slots=True)
class Compared:
    """`absent`: the environments in which the service does not run; then nothing is compared."""

    service: Service
    left: Environment
    right: Environment
    at: datetime
    disparities: tuple[Disparity, ...] = ()
    unread: tuple[Unread, ...] = ()
    absent: tuple[Environment, ...] = ()
    behind: tuple[str, ...] | None = None  # releases of the left that the right has not seen yet


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a deploy would change. `configs` is None where the service has no configuration file, or
    an unsound one: `gates` say so then."""

    place: Place
    chosen: Chosen
    before: Running | None
    gates: tuple[GateResult, ...]
    differences: tuple[Difference, ...] = ()
    configs: tuple[ObjectPlan, ...] | None = None


async def compare_places(
    service: Service, first: Environment, second: Environment, edges: Edges
) -> Compared:
    """In pipeline order, whichever was named first. Raises PortError where one does not answer."""
    order = [each.name for each in edges.catalog.environments]
    left, right = sorted((first, second), key=lambda each: order.index(each.name))
    salt, now = secrets.token_bytes(32), edges.clock.now()  # a salt of this one comparison
    mine, theirs = await asyncio.gather(
        *(
            edges.inventory.belongings(each.context, each.namespace, service.name, salt=salt)
            for each in (left, right)
        )
    )
    unread = (*mine.unread, *theirs.unread)
    blind = any(each.resource == "deployments.apps" for each in unread)
    absent = tuple(
        environment
        for environment, held in ((left, mine), (right, theirs))
        if held.deployment is None
    )
    if absent or blind:
        return Compared(service, left, right, now, unread=unread, absent=() if blind else absent)
    sides = (
        Side(left.name, tokens_of(left), mine),
        Side(right.name, tokens_of(right), theirs),
    )
    found = compare(*sides, rules_of(edges.catalog))
    history = await edges.store.recent(service.name, left.name, _HISTORY)
    behind = releases_behind(history, _digest(theirs, service.container))
    return Compared(service, left, right, now, found, unread, behind=behind)


def _digest(belongings: Belongings, container: str) -> str:
    """Of the image that the service's own container is to run; "" where it is named by a tag."""
    containers = belongings.pod.get("containers") or ()
    images = [str(each.get("image", "")) for each in containers if each.get("name") == container]
    digest = images[0].rpartition("@")[2] if images else ""
    return digest if is_digest(digest) else ""


async def foresee(place: Place, version: str | None, by: By, edges: Edges) -> Foreseen | NotChosen:
    """As a deploy would find it now, by the same gates and the server's own dry run. Raises
    PortError where an edge does not answer."""
    chosen = await choose(place, version, edges)
    if isinstance(chosen, NotChosen):
        return chosen
    look = await edges.cluster.workload(place.context, place.namespace, place.service.name)
    facts = Facts(place, chosen, by.actor, look, requester=by.actor)
    gates, server, config = await asyncio.gather(
        ask_all(facts, edges), dry_run(facts, edges), plan_config(place, by, edges)
    )
    image = f"containers[{place.service.container}].image"
    found = server.applied.differences if server.applied else ()
    unsound = (
        [gate for gate in config.gates if gate.code == "CONFIG_INVALID"]
        if isinstance(config, Planned)
        else []
    )
    return Foreseen(
        place,
        chosen,
        running(look, place),
        (*gates, *server.gates, *unsound),
        tuple(each for each in found if each.path != image),
        config.objects if isinstance(config, Planned) and not unsound else None,
    )

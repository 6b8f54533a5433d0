"""What runs where: all environments read side by side, each on its own.

A cluster that does not answer is one column of "unknown", never a status that is not told.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.domain.lock import lock_on
from bot.domain.rollout import Rollout
from bot.domain.status import (
    Cell,
    Health,
    ServiceStatus,
    StatusMatrix,
    WorkloadStatus,
    cell_of,
    foremost,
    status_of,
)
from bot.domain.workload import Workload
from bot.errors import PortError
from bot.workflows.diagnosis import warnings
from bot.workflows.edges import Edges, Place
from config.catalog import Environment, Service

_WARNING_PODS = 10


async def matrix(
    services: Sequence[Service], environments: Sequence[Environment], edges: Edges, language: str
) -> StatusMatrix:
    """Versions side by side: a row per service, a column per environment."""
    active, locks, columns = await asyncio.gather(
        edges.store.active(),
        edges.locks.all(),
        asyncio.gather(*(_column(environment, edges) for environment in environments)),
    )
    now = edges.clock.now()
    rows = tuple(
        ServiceStatus(
            service.name,
            tuple(
                replace(
                    _cell(service, environment, column, active),
                    lock=lock_on(locks, service.name, environment.name, now),
                )
                for environment, column in zip(environments, columns, strict=True)
            ),
        )
        for service in services
    )
    titles = tuple(e.title.to(language) for e in environments)
    return StatusMatrix(titles, rows, now)


async def one(place: Place, edges: Edges) -> WorkloadStatus:
    """One workload with its pods, restarts and recent warnings. Raises PortError."""
    service, environment = place.service, place.environment
    look, active, locks = await asyncio.gather(
        edges.cluster.workload(place.context, place.namespace, service.name),
        edges.store.active(service.name, environment.name),
        edges.locks.all(environment.name),
    )
    uids = [pod.uid for pod in look.pods][:_WARNING_PODS]
    uids += [look.new_replica_set.uid] if look.new_replica_set else []
    uids += [look.deployment.uid] if look.deployment else []
    events = await edges.cluster.events(place.context, place.namespace, uids)
    status = status_of(
        service.name,
        environment.name,
        look,
        container=service.container,
        rollout=foremost(active),
        warnings=warnings(events),
    )
    lock = lock_on(locks, service.name, environment.name, edges.clock.now())
    return replace(status, namespace=place.namespace, cell=replace(status.cell, lock=lock))


Column = Mapping[str, Workload] | None


async def _column(environment: Environment, edges: Edges) -> Column:
    """All workloads of an environment by name; None when its cluster does not answer."""
    try:
        found = await edges.cluster.workloads(environment.context or "", environment.namespace)
    except PortError:
        return None
    return {work.deployment.name: work for work in found if work.deployment is not None}


def _cell(
    service: Service, environment: Environment, column: Column, active: Sequence[Rollout]
) -> Cell:
    if column is None:
        return Cell(environment.name, Health.UNKNOWN)
    rollout = foremost(
        r for r in active if (r.service, r.environment) == (service.name, environment.name)
    )
    workload = column.get(service.name, Workload())
    return cell_of(environment.name, workload, container=service.container, rollout=rollout)

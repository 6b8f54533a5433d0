"""What rollback, scale and restart have in common: their gates, the rollout they become, storing.

They bring nothing new, so only the gates of their kind are asked (`bot/domain/kind.py`): may this
person, does somebody else hold the place, would the cluster take it. From there on each is a
rollout as any other.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from bot.domain.audit import DYNAMO, By, subject_of
from bot.domain.gate import Gate, GateResult
from bot.domain.image import Image
from bot.domain.kind import Kind
from bot.domain.rollout import Actor, CardRef, Rollout
from bot.domain.rollout_course import said_place
from bot.domain.rollout_records import refusal_entry
from bot.domain.workload import Workload
from bot.errors import PortError
from bot.workflows.edges import Edges, Place
from bot.workflows.gates.dry_run import refused_by_server
from bot.workflows.gates.facts import Facts, GateCheck
from bot.workflows.gates.lock import lock
from bot.workflows.gates.paused import paused
from bot.workflows.gates.permission import permission
from bot.workflows.rollout import AlreadyUnderway, Started, new_id, running
from bot.workflows.version import Chosen
from config.catalog import OnRegression


@dataclass(frozen=True, slots=True)
class Operation:
    """Who asks for what, where, and in which words."""

    kind: Kind
    place: Place
    actor: Actor
    surface: str
    line: str
    reason: str = ""
    asked_in: str = ""

    @property
    def by(self) -> By:
        return By(self.actor.id, self.surface)


@dataclass(frozen=True, slots=True)
class Closed:
    """Refused before anything was touched: all gates as they stood."""

    operation: Operation
    gates: tuple[GateResult, ...]
    before: str = ""  # the version that runs


@dataclass(frozen=True, slots=True)
class NotRunning:
    """There is no Deployment: nothing to scale, restart or take back."""


async def look_at(place: Place, edges: Edges) -> Workload:
    return await edges.cluster.workload(place.context, place.namespace, place.service.name)


async def ask_gates(operation: Operation, look: Workload, edges: Edges) -> tuple[GateResult, ...]:
    """Those of its kind that can be answered without a dry run. Raises PortError where one cannot
    be answered: nothing is let through unasked."""
    place = operation.place
    now = running(look, place)
    chosen = Chosen(Image(place.service.image, "", now.digest if now else ""), "")
    facts = Facts(place, chosen, operation.actor.id, look)
    checks = {Gate.PERMISSION: _permission, Gate.LOCK: lock, Gate.PAUSED: paused}
    asked: list[GateCheck] = [
        check for gate, check in checks.items() if gate in operation.kind.gates
    ]
    results = await asyncio.gather(*(check(facts, edges) for check in asked))
    return tuple(
        _through_own_lock(operation.kind, result) for result in results if result is not None
    )


async def _permission(facts: Facts, edges: Edges) -> GateResult | None:
    """The bot itself asks only where its environment lets it act on a bad verdict."""
    if facts.user != DYNAMO:
        return await permission(facts, edges)
    lets = facts.place.environment.on_regression is OnRegression.ROLLBACK
    return GateResult(Gate.PERMISSION, lets, "ACTS_BY_ITSELF" if lets else "ACTS_NOT_BY_ITSELF")


def _through_own_lock(kind: Kind, result: GateResult) -> GateResult:
    """The lock that a rollback left keeps releases out, and no way further back."""
    if kind is Kind.DEPLOY or result.code != "LOCKED_BY_DYNAMO":
        return result
    return GateResult(Gate.LOCK, True, "OWN_LOCK")


def cluster_gate(error: PortError | None, place: Place) -> GateResult:
    """What the server made of a dry run. Raises `error` where asking again may help."""
    if error is None:
        return GateResult(Gate.CLUSTER, True, "ACCEPTED")
    if error.temporary:
        raise error
    return refused_by_server(error, place)


def rollout_of(operation: Operation, look: Workload, edges: Edges, **more: object) -> Rollout:
    """The rollout that it becomes: of the release that runs, unless `more` says another."""
    place = operation.place
    now = running(look, place)
    version = now.version if now else ""
    digest = now.digest if now else ""
    rollout = Rollout(
        id=new_id(),
        service=place.service.name,
        environment=place.environment.name,
        namespace=place.namespace,
        context=place.context,
        image=Image(place.service.image, version, digest),
        version=version,
        requested_by=operation.actor,
        requested_at=edges.clock.now(),
        line=operation.line,
        card=CardRef(place.environment.channel.id),
        asked_in=operation.asked_in,
        reason=operation.reason,
        before=now,
        kind=operation.kind,
        stability_seconds=int(place.environment.stability_window.total_seconds()),
    )
    return rollout.with_(**more)


async def store(operation: Operation, rollout: Rollout, edges: Edges) -> Started | AlreadyUnderway:
    place = operation.place
    others = await edges.store.active(place.service.name, place.environment.name)
    stored = await edges.store.add(said_place(rollout, others), operation.by)
    return Started(stored) if stored.id == rollout.id else AlreadyUnderway(stored)


async def close(
    operation: Operation, gates: Iterable[GateResult], look: Workload, edges: Edges
) -> Closed:
    """Refuse it, with a record."""
    place, found = operation.place, tuple(gates)
    subject = subject_of(place.service.name, place.environment.name)
    verb, now = operation.kind.lower(), edges.clock.now()
    entry = refusal_entry(verb, subject, found, operation.by, now, line=operation.line)
    await edges.audit.record(entry)
    runs = running(look, place)
    return Closed(operation, found, runs.version if runs else "")


async def recheck(rollout: Rollout, place: Place, edges: Edges) -> tuple[GateResult, ...]:
    """The gates once more, for one that waited for its turn."""
    surface = "engine" if rollout.acting == DYNAMO else "slash"
    operation = Operation(rollout.kind, place, Actor(rollout.acting), surface, rollout.line)
    return await ask_gates(operation, await look_at(place, edges), edges)

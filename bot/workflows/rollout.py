"""From a request to a rollout in the store: gather the facts, open or close the gates, store.

Nothing in the cluster is touched here; the engine does that once the rollout is stored. The same
gates are read again when a queued rollout's turn comes.
"""

import asyncio
import secrets
from dataclasses import dataclass

from bot.domain.audit import AuditEntry, By, Surface, subject_of
from bot.domain.gate import GateResult, all_open
from bot.domain.image import Image
from bot.domain.rollout import Actor, CardRef, Rollout, Running
from bot.domain.steps import refusal_entry
from bot.domain.workload import Workload
from bot.errors import PortError, Trouble
from bot.ports import Manifest
from bot.workflows.edges import Edges, Place
from bot.workflows.gates import ask_all
from bot.workflows.gates.dry_run import dry_run
from bot.workflows.gates.facts import Facts
from bot.workflows.manifest import render_deployment
from bot.workflows.version import Chosen, NotChosen, choose, running_image
from config.manifests import ManifestError

_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # no look-alikes: ids are read aloud


@dataclass(frozen=True, slots=True)
class Request:
    place: Place
    version: str | None
    actor: Actor
    asked_in: str
    line: str
    reason: str = ""
    dry_run: bool = False
    surface: str = Surface.SLASH

    @property
    def by(self) -> By:
        return By(self.actor.id, self.surface)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a request comes to, before anything is touched."""

    request: Request
    chosen: Chosen
    gates: tuple[GateResult, ...]
    before: Running | None
    unchanged: bool = False  # the server says that nothing would change


@dataclass(frozen=True, slots=True)
class Started:
    rollout: Rollout


@dataclass(frozen=True, slots=True)
class AlreadyUnderway:
    """The same release is on its way there: the answer to a repeated command or a double click."""

    rollout: Rollout


@dataclass(frozen=True, slots=True)
class Refused:
    plan: Plan


@dataclass(frozen=True, slots=True)
class NothingToDo:
    plan: Plan


@dataclass(frozen=True, slots=True)
class DryRun:
    plan: Plan


Answer = Started | AlreadyUnderway | Refused | NothingToDo | DryRun | NotChosen


async def request_rollout(request: Request, edges: Edges) -> Answer:
    """Raises PortError when an edge does not answer: then nothing was started."""
    chosen = await choose(request.place, request.version, edges)
    if isinstance(chosen, NotChosen):
        return chosen
    plan = await make_plan(request, chosen, edges)
    if not all_open(plan.gates):
        if not request.dry_run:
            await edges.audit.record(_refusal(plan, edges))
        return Refused(plan)
    if plan.unchanged:
        return NothingToDo(plan)
    if request.dry_run:
        return DryRun(plan)
    wanted = _rollout(plan, edges)
    stored = await edges.store.add(wanted, request.by)
    return Started(stored) if stored.id == wanted.id else AlreadyUnderway(stored)


def _refusal(plan: Plan, edges: Edges) -> AuditEntry:
    request, chosen = plan.request, plan.chosen
    subject = subject_of(request.place.service.name, request.place.environment.name)
    of = {"version": chosen.version, "digest": chosen.image.digest, "line": request.line}
    now = edges.clock.now()
    return refusal_entry("deploy", subject, plan.gates, request.by, now, **of)


async def make_plan(request: Request, chosen: Chosen, edges: Edges) -> Plan:
    """Raises PortError when an edge does not answer."""
    place = request.place
    look = await edges.cluster.workload(place.context, place.namespace, place.service.name)
    facts = Facts(place, chosen, request.actor.id, look)
    gates, server = await asyncio.gather(ask_all(facts, edges), dry_run(facts, edges))
    applied = server.applied
    unchanged = applied is not None and look.deployment is not None and not applied.changed
    return Plan(request, chosen, (*gates, *server.gates), running(look, place), unchanged)


async def recheck(rollout: Rollout, edges: Edges) -> tuple[GateResult, ...]:
    """The gates once more, for a rollout that waited: the world went on meanwhile."""
    place = Place(
        edges.catalog.service(rollout.service), edges.catalog.environment(rollout.environment)
    )
    request = Request(place, rollout.version, rollout.requested_by, rollout.asked_in, rollout.line)
    plan = await make_plan(request, Chosen(rollout.image, rollout.version), edges)
    return plan.gates


async def render(rollout: Rollout, edges: Edges) -> Manifest:
    """What the engine applies. Raises PortError INVALID where the manifest went bad meanwhile."""
    place = Place(
        edges.catalog.service(rollout.service), edges.catalog.environment(rollout.environment)
    )
    wanted = rollout.wanted
    back = wanted is not rollout.image
    version = wanted.tag if back else rollout.version
    replicas = rollout.before.desired if rollout.before else None
    try:
        return await asyncio.to_thread(render_deployment, place, wanted, version, replicas=replicas)
    except ManifestError as error:
        values = {"message": str(error)}
        raise PortError("manifest", Trouble.INVALID, temporary=False, values=values) from error


def running(look: Workload, place: Place) -> Running | None:
    """What runs there now, as "from → to" and "still serves" say it."""
    found = look.deployment
    if found is None:
        return None
    image = running_image(found, place.service.container) or Image("")
    version = found.version or image.tag or image.digest
    return Running(version, image.digest, ready=found.ready, desired=found.desired)


def _rollout(plan: Plan, edges: Edges) -> Rollout:
    request, place = plan.request, plan.request.place
    return Rollout(
        id="".join(secrets.choice(_ALPHABET) for _ in range(8)),
        service=place.service.name,
        environment=place.environment.name,
        namespace=place.namespace,
        context=place.context,
        image=plan.chosen.image,
        version=plan.chosen.version,
        requested_by=request.actor,
        requested_at=edges.clock.now(),
        line=request.line,
        card=CardRef(place.environment.channel.id),
        asked_in=request.asked_in,
        reason=request.reason,
        before=plan.before,
        stability_seconds=int(place.environment.stability_window.total_seconds()),
    )

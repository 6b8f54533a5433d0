"""From a request to a rollout in the store: gather the facts, open or close the gates, store.

Nothing in the cluster is touched here; the engine does that once the rollout is stored. The same
gates are read again when a queued rollout's turn comes.
"""

import asyncio
import secrets
from dataclasses import dataclass

from bot.domain.gate import Gate, GateResult, all_open
from bot.domain.image import Image
from bot.domain.rollout import Actor, CardRef, Rollout, Running
from bot.domain.verdict import Value
from bot.domain.workload import Workload
from bot.errors import PortError, Trouble
from bot.ports import Applied, Manifest
from bot.workflows.edges import Edges, Place
from bot.workflows.manifest import render_deployment
from bot.workflows.people import permission
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
        return Refused(plan)
    if plan.unchanged:
        return NothingToDo(plan)
    if request.dry_run:
        return DryRun(plan)
    wanted = _rollout(plan, edges)
    stored = await edges.store.add(wanted)
    return Started(stored) if stored.id == wanted.id else AlreadyUnderway(stored)


async def make_plan(request: Request, chosen: Chosen, edges: Edges) -> Plan:
    place = request.place
    allowed, look = await asyncio.gather(
        permission(request.actor.id, place, edges),
        edges.cluster.workload(place.context, place.namespace, place.service.name),
    )
    order = await _order(place, chosen, look, edges)
    before = running(look, place)
    manifest, cluster, applied = await _dry_run(place, chosen, look, edges)
    gates = (allowed, manifest, order, _paused(look), *cluster)
    unchanged = applied is not None and look.deployment is not None and not applied.changed
    return Plan(request, chosen, gates, before, unchanged)


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


async def _order(place: Place, chosen: Chosen, look: Workload, edges: Edges) -> GateResult:
    """The digest ran in the environment before, or here (going back is not skipping): as the store
    remembers, or as the clusters show."""
    before = edges.catalog.before(place.environment)
    if before is None:
        return GateResult(Gate.ORDER, True, "FIRST_ENVIRONMENT")
    name, digest = place.service.name, chosen.image.digest
    values = {"environment": before.name, "version": chosen.version}
    for environment, code in ((before, "RAN_BEFORE"), (place.environment, "RAN_HERE")):
        if await edges.store.ran_well(name, environment.name, digest):
            return GateResult(Gate.ORDER, True, code, values)
    if _runs_well(look, digest):
        return GateResult(Gate.ORDER, True, "RAN_HERE", values)
    there = await edges.cluster.workload(before.context or "", before.namespace, name)
    healthy = _runs_well(there, digest)
    return GateResult(Gate.ORDER, healthy, "RAN_BEFORE" if healthy else "NOT_RUN_BEFORE", values)


def _runs_well(look: Workload, digest: str) -> bool:
    found = look.deployment
    return (
        found is not None
        and found.updated == found.available == found.desired > 0
        and any(Image.parse(image).digest == digest for image in found.images.values())
    )


def _paused(look: Workload) -> GateResult:
    paused = look.deployment is not None and look.deployment.paused
    return GateResult(Gate.PAUSED, not paused, "PAUSED" if paused else "NOT_PAUSED")


async def _dry_run(
    place: Place, chosen: Chosen, look: Workload, edges: Edges
) -> tuple[GateResult, tuple[GateResult, ...], Applied | None]:
    """The manifest's gate, and the server's own answer to it where there is one."""
    replicas = look.deployment.desired if look.deployment else None
    try:
        manifest = await asyncio.to_thread(
            render_deployment, place, chosen.image, chosen.version, replicas=replicas
        )
    except ManifestError as error:
        missing = not place.service.manifests.exists()
        code = "MANIFEST_MISSING" if missing else "MANIFEST_INVALID"
        where: dict[str, Value] = {"path": str(error.path), "line": error.line}
        refusal = GateResult(Gate.MANIFEST, False, code, {**where, "message": str(error)})
        return refusal, (), None
    found = GateResult(Gate.MANIFEST, True, "MANIFEST_FOUND")
    try:
        applied = await edges.cluster.apply(place.context, place.namespace, manifest, dry_run=True)
    except PortError as error:
        if error.temporary:
            raise
        return found, (_refused(error, place),), None
    return found, (GateResult(Gate.CLUSTER, True, "ACCEPTED"),), applied


def _refused(error: PortError, place: Place) -> GateResult:
    values: dict[str, Value] = {"namespace": place.namespace, **error.values}
    code = {
        Trouble.CONFLICT: "CONFLICT",
        Trouble.FORBIDDEN: "FORBIDDEN",
        Trouble.NOT_FOUND: "NAMESPACE_MISSING",
    }.get(error.trouble, "REFUSED")
    return GateResult(Gate.CLUSTER, False, code, values)


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

"""What can be promoted where, and letting a waiting request go.

A promotion is a request as any other (`bot/workflows/rollout.py`) for the digest that runs healthy
in the environment before. What waits is let go by a person's press: their right and all gates are
asked at that moment, and what it would change must still be what the card showed.
"""

import asyncio
from dataclasses import dataclass

from bot.domain.audit import By, subject_of
from bot.domain.gate import GateResult, all_open
from bot.domain.image import Image, is_digest
from bot.domain.promotion import Ahead, Runs, step_of_digest, steps_ahead, waited_for
from bot.domain.rollout import Rollout, RolloutState
from bot.domain.rollout_course import let_go
from bot.domain.rollout_records import refusal_entry
from bot.domain.workload import Deployment
from bot.errors import PortError, StaleError, Trouble
from bot.workflows.covering import covered_by
from bot.workflows.edges import Edges, Place
from bot.workflows.people import permission
from bot.workflows.rollout import Plan, plan_again
from bot.workflows.version import Chosen, NotChosen, choose, running_image
from config.catalog import Environment, Service

# --- what can be promoted ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Target:
    place: Place
    chosen: Chosen


@dataclass(frozen=True, slots=True)
class NoTarget:
    """`code`: FIRST_ENVIRONMENT, NOTHING (each environment runs what the one before runs),
    SEVERAL (`ahead`), NOT_RUNNING, NOT_HEALTHY (`runs`), NOT_IN_PIPELINE (version)."""

    code: str
    ahead: tuple[Ahead, ...] = ()
    runs: Runs | None = None
    version: str = ""


async def find_target(
    service: Service, environment: Environment | None, version: str | None, edges: Edges
) -> Target | NoTarget | NotChosen:
    """Raises PortError where a cluster or the registry does not answer."""
    if environment is None:
        return await _next_step(service, version, edges)
    before = edges.catalog.before(environment)
    if before is None:
        return NoTarget("FIRST_ENVIRONMENT")
    place = Place(service, environment)
    if version is not None:
        chosen = await choose(place, version, edges)
        return chosen if isinstance(chosen, NotChosen) else Target(place, chosen)
    runs = await _runs(service, before, edges)
    if not runs.digest:
        return NoTarget("NOT_RUNNING", runs=runs)
    if not runs.healthy:
        return NoTarget("NOT_HEALTHY", runs=runs)
    return _target(place, runs)


async def _next_step(
    service: Service, version: str | None, edges: Edges
) -> Target | NoTarget | NotChosen:
    """No environment was named: the one step there is. Never a guess between two."""
    pipeline = await asyncio.gather(
        *(_runs(service, environment, edges) for environment in edges.catalog.environments)
    )
    if version is not None:
        chosen = await choose(Place(service, edges.catalog.first), version, edges)
        if isinstance(chosen, NotChosen):
            return chosen
        step = step_of_digest(pipeline, chosen.image.digest)
        return (
            _of_step(service, step, edges)
            if step
            else NoTarget("NOT_IN_PIPELINE", (), None, version)
        )
    ahead = steps_ahead(pipeline)
    if not ahead:
        return NoTarget("NOTHING")
    return _of_step(service, ahead[0], edges) if len(ahead) == 1 else NoTarget("SEVERAL", ahead)


def _of_step(service: Service, step: Ahead, edges: Edges) -> Target:
    return _target(Place(service, edges.catalog.environment(step.target)), step.source)


def _target(place: Place, runs: Runs) -> Target:
    """The repository is the catalog's: the cluster may name a mirror."""
    version = runs.version or runs.digest
    tag = "" if is_digest(version) else version
    return Target(place, Chosen(Image(place.service.image, tag, runs.digest), version))


async def _runs(service: Service, environment: Environment, edges: Edges) -> Runs:
    place = Place(service, environment)
    look = await edges.cluster.workload(place.context, place.namespace, service.name)
    found = look.deployment
    image = running_image(found, service.container) if found else None
    if found is None or image is None:
        return Runs(environment.name)
    return Runs(
        environment.name,
        version=found.version or image.tag or image.digest,
        digest=image.digest or await _digest_of(service, image.tag, edges),
        healthy=_healthy(found),
        ready=found.ready,
        desired=found.desired,
    )


def _healthy(found: Deployment) -> bool:
    return found.updated == found.available == found.desired > 0


async def _digest_of(service: Service, tag: str, edges: Edges) -> str:
    """Of what somebody else has deployed by its tag."""
    try:
        return (await edges.images.resolve(service.image, tag)).image.digest
    except PortError as error:
        if error.trouble is Trouble.NOT_FOUND:
            return ""
        raise


# --- letting it go -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Released:
    rollout: Rollout


@dataclass(frozen=True, slots=True)
class NotReleased:
    """`code`: UNKNOWN, NOT_WAITING (rollout), NOT_ALLOWED (gate), CHANGED (not what the card
    showed), MOVED (its version is another digest by now), NOT_OPEN (plan)."""

    code: str
    rollout: Rollout | None = None
    gate: GateResult | None = None
    plan: Plan | None = None


async def release(rollout_id: str, covers: str, by: By, edges: Edges) -> Released | NotReleased:
    """ "Deploy to production" was pressed. `covers`: the fingerprint that the card showed. Raises
    PortError where an edge does not answer: then it still waits."""
    while True:
        rollout = await edges.store.get(rollout_id)
        place = place_of(rollout, edges) if rollout else None
        if rollout is None or place is None:
            return NotReleased("UNKNOWN")
        if rollout.state is not RolloutState.AWAITING_APPROVAL:
            return NotReleased("NOT_WAITING", rollout)
        gate = await permission(by.actor, place, edges)
        if not gate.ok:
            await _record(rollout, (gate,), by, edges)
            return NotReleased("NOT_ALLOWED", rollout, gate)
        if covers != await covered_by(place, rollout.image.digest):
            return NotReleased("CHANGED", rollout)
        if await moved(rollout, place, edges):
            return NotReleased("MOVED", rollout)
        others = await edges.store.active(rollout.service, rollout.environment)
        plan = await plan_again(rollout, place, by.actor, edges)
        if not all_open(plan.gates):
            await _record(rollout, plan.gates, by, edges)
            return NotReleased("NOT_OPEN", rollout, plan=plan)
        gates = waited_for(plan.gates, by_itself=False)
        going = let_go(rollout, by.actor, others, edges.clock.now())
        going = going.with_(gates=gates, before=plan.before)
        try:
            return Released(await edges.store.save(going, by))
        except StaleError:
            continue  # it changed in this moment: decide on what it is now


def place_of(rollout: Rollout, edges: Edges) -> Place | None:
    """None where `dynamo.yml` no longer has it."""
    return Place.named(rollout.service, rollout.environment, edges.catalog)


async def moved(rollout: Rollout, place: Place, edges: Edges) -> bool:
    """Whether the tag that people read on the card is another digest by now. One that is gone has
    not moved: the digest is what counts."""
    if is_digest(rollout.version):
        return False
    found = await _digest_of(place.service, rollout.version, edges)
    return bool(found) and found != rollout.image.digest


async def _record(rollout: Rollout, gates: tuple[GateResult, ...], by: By, edges: Edges) -> None:
    subject = subject_of(rollout.service, rollout.environment)
    of = {"rollout": rollout.id, "version": rollout.version, "digest": rollout.image.digest}
    entry = refusal_entry("go", subject, gates, by, edges.clock.now(), **of)
    await edges.audit.record(entry)

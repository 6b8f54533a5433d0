"""What is written to the cluster for a rollout, by its kind: the engine asks for no more than that.

Also what stands around the write by kind: what is kept before it, what is locked for it.
"""

import asyncio

from bot.domain.gate import GateResult
from bot.domain.kind import Kind
from bot.domain.promotion import Commits
from bot.domain.rollout import Rollout
from bot.domain.rollout_course import Ground
from bot.domain.workload import Workload
from bot.errors import PortError, Trouble
from bot.ports import Manifest, Written
from bot.workflows import operating, restarting, rollback, scaling
from bot.workflows import rollout as deploying
from bot.workflows.comparing import commits_brought
from bot.workflows.displaced import place_of_stored
from bot.workflows.edges import Edges, Place
from bot.workflows.holding import hold_after
from bot.workflows.manifest import render_deployment
from config.manifests import ManifestError


async def write(rollout: Rollout, edges: Edges) -> Written:
    """Idempotent: what is written twice has changed once. Raises PortError."""
    match rollout.kind:
        case Kind.DEPLOY:
            manifest = await render(rollout, edges)
            done = await edges.cluster.apply(rollout.context, rollout.namespace, manifest)
            return Written(done.generation, done.template)
        case Kind.ROLLBACK:
            return await rollback.write_rollback(rollout, _place(rollout, edges), edges)
        case Kind.SCALE:
            return await scaling.write_scale(rollout, edges)
        case Kind.RESTART:
            return await restarting.write_restart(rollout, edges)


async def render(rollout: Rollout, edges: Edges) -> Manifest:
    """The manifest of a deploy, on its way back with the image that ran before. Raises PortError
    INVALID where the manifest went bad meanwhile."""
    wanted = rollout.wanted
    back = wanted is not rollout.image
    version = wanted.tag if back else rollout.version
    replicas = rollout.before.desired if rollout.before else None
    place = _place(rollout, edges)
    try:
        return await asyncio.to_thread(render_deployment, place, wanted, version, replicas=replicas)
    except ManifestError as error:
        values = {"message": str(error)}
        raise PortError("manifest", Trouble.INVALID, temporary=False, values=values) from error


async def prepare(rollout: Rollout, look: Workload, edges: Edges) -> Ground:
    """What runs now; before a deploy its template is kept, so that a rollback brings all of it
    back even where Dynamo did not deploy it."""
    place = _place(rollout, edges)
    before = deploying.running(look, place)
    if rollout.kind is not Kind.DEPLOY:
        return Ground(before)
    await rollback.keep_what_runs(look, place, edges)
    return Ground(before, await rollback.way_back_of(rollout, look, place, edges))


async def recheck(rollout: Rollout, edges: Edges) -> tuple[GateResult, ...]:
    """The gates of its kind once more, for one that waited: the world went on meanwhile."""
    if rollout.kind is Kind.DEPLOY:
        return await deploying.recheck(rollout, edges)
    return await operating.recheck(rollout, _place(rollout, edges), edges)


async def hold(rollout: Rollout, edges: Edges) -> None:
    await hold_after(rollout, _place(rollout, edges), edges)


async def keep(rollout: Rollout, edges: Edges) -> None:
    await rollback.keep_template(rollout, _place(rollout, edges), edges)


async def commits(rollout: Rollout, edges: Edges) -> Commits:
    """Those that a rollback took back, or that a release brought. Raises PortError NOT_FOUND of the
    catalog alone."""
    place = _place(rollout, edges)
    if rollout.kind is Kind.ROLLBACK:
        return await rollback.taken_back(rollout, place, edges)
    return await commits_brought(place, rollout.before, rollout.image, edges)


def _place(rollout: Rollout, edges: Edges) -> Place:
    return place_of_stored(rollout, edges.catalog)

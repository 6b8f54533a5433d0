"""Goes back to the last release that ran well at a place: chosen, checked, held, written, told.

    answer = await request_rollback(request, edges)

`request` is that of `bot/workflows/rollout.py`: place, actor, line, and optionally a version, a
reason (what failed), the digest that a button was made for, and `confirmed` where Slack's own
question was answered. The desk of analyses asks as the bot itself:

    Request(place, None, Actor(DYNAMO), asked_in="", line=f"rollback {service} {environment}",
            surface=Surface.ENGINE, reason="error ratio 2.9 %, was 0.09 %", confirmed=True)

which is let through only where the environment says `on_regression: rollback`. The answer is
`Started`, `AlreadyUnderway`, `Unconfirmed`, `NoWayBack` or `Closed` (`operating.py`); whoever gets
`Started(rollout)` wakes the engine with it. Raises PortError where an edge does not answer: then
nothing was started.

It goes past order, CI, checklist, approvals and windows, and is not soaked: a rollback that is
slower than the deploy is none. It never ping-pongs: a release that was left is no target, one that
fails stops and says so, and its place is locked until somebody lifts that.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.gate import Gate, GateResult, all_open
from bot.domain.image import Image, is_digest
from bot.domain.kind import GoodRelease, Kind
from bot.domain.promotion import Commits
from bot.domain.rollout import DRIVEN, Rollout, Running
from bot.domain.snapshot import Snapshot, changed_since, kept, referred, with_image
from bot.domain.way_back import good_releases, ways_back
from bot.domain.workload import Workload
from bot.errors import PortError, Trouble
from bot.ports import Written
from bot.workflows.comparing import commits_between
from bot.workflows.edges import Edges, Place
from bot.workflows.operating import (
    Closed,
    Operation,
    ask_gates,
    close,
    cluster_gate,
    look_at,
    rollout_of,
    store,
)
from bot.workflows.rollout import AlreadyUnderway, Request, Started, running

log = logging.getLogger(__name__)

_LOOKS_BACK = 200
"""Rollouts of a place that are looked through for a target."""
_TRIES = 3
_SECONDS = 3.0  # that keeping a template may take


@dataclass(frozen=True, slots=True)
class RollbackPlan:
    """What a rollback comes to, before anything is touched. `stays`: what has changed since the
    target ran and does not come back; `whole`: the template comes back, not the image alone."""

    request: Request
    target: GoodRelease
    gates: tuple[GateResult, ...]
    before: Running | None
    stays: tuple[str, ...] = ()
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """The environment wants to be asked once more; nothing was touched."""

    plan: RollbackPlan


@dataclass(frozen=True, slots=True)
class NoWayBack:
    """`code`: NOT_RUNNING, NONE (nothing else ran well here), NOT_GOOD (the version that was named
    did not run well here; `choices` did), RUNS_ALREADY, MOVED (a button was made for another
    target), UNDERWAY (`rollout` is being rolled out: cancel it)."""

    code: str
    version: str = ""
    choices: tuple[str, ...] = ()
    rollout: Rollout | None = None


RollbackAnswer = Started | AlreadyUnderway | Unconfirmed | NoWayBack | Closed


async def request_rollback(request: Request, edges: Edges) -> RollbackAnswer:
    place = request.place
    look = await look_at(place, edges)
    now = running(look, place)
    if now is None:
        return NoWayBack("NOT_RUNNING")
    deploying = await _deploying(place, edges)
    if deploying is not None:
        return NoWayBack("UNDERWAY", rollout=deploying)
    found = await _target(request, now, edges)
    if isinstance(found, NoWayBack):
        return found
    plan = await _plan(request, found, look, edges)
    operation = _operation(request)
    if not all_open(plan.gates):
        return await close(operation, plan.gates, look, edges)
    if place.environment.confirm and not request.confirmed:
        return Unconfirmed(plan)
    wanted = rollout_of(
        operation,
        look,
        edges,
        image=_image(place, found),
        version=found.version,
        stays=plan.stays,
        template_kept=plan.whole,
    )
    return await store(operation, wanted, edges)


async def way_back_of(
    rollout: Rollout, look: Workload, place: Place, edges: Edges
) -> GoodRelease | None:
    """Where a rollback of this deploy would go, before it is written: what runs well now, or what
    ran well before. For the button that names it; its press is decided on anew."""
    now, found = running(look, place), look.deployment
    good = await good_at(place, edges)
    if now is not None and found is not None and now.digest not in ("", rollout.image.digest):
        known = {release.digest: release for release in good}
        if now.digest in known:
            return known[now.digest]
        if found.updated == found.available == found.desired > 0:
            return GoodRelease(now.digest, now.version, edges.clock.now())
    ways = ways_back(good, rollout.image.digest)
    return ways[0] if ways else None


def _operation(request: Request) -> Operation:
    return Operation(
        Kind.ROLLBACK,
        request.place,
        request.actor,
        request.surface,
        request.line,
        request.reason,
        request.asked_in,
    )


def _image(place: Place, target: GoodRelease) -> Image:
    tag = "" if is_digest(target.version) else target.version
    return Image(place.service.image, tag, target.digest)


async def _deploying(place: Place, edges: Edges) -> Rollout | None:
    """A release that is on its way there: cancelling takes that back, with its own memory."""
    active = await edges.store.active(place.service.name, place.environment.name)
    driven = [each for each in active if each.state in DRIVEN and each.kind is Kind.DEPLOY]
    return driven[0] if driven else None


async def good_at(place: Place, edges: Edges) -> tuple[GoodRelease, ...]:
    """Releases that ran well there, the newest first. Raises PortError."""
    service, environment = place.service.name, place.environment.name
    rollouts, failed = await asyncio.gather(
        edges.store.recent(service, environment, _LOOKS_BACK),
        edges.analyses.failed(service, environment),
    )
    return good_releases(rollouts, lambda rollout: rollout.id in failed)


async def _target(request: Request, now: Running, edges: Edges) -> GoodRelease | NoWayBack:
    good = await good_at(request.place, edges)
    ways = ways_back(good, now.digest)
    if not now.digest:  # somebody has deployed it by its tag
        ways = tuple(release for release in ways if release.version != now.version)
    choices = tuple(dict.fromkeys(release.version for release in ways))[:3]
    wanted = request.version
    if wanted and wanted in (now.version, now.digest):
        return NoWayBack("RUNS_ALREADY", wanted, choices)
    if not ways:
        return NoWayBack("NONE", now.version)
    named = [each for each in ways if wanted in (None, each.version, each.digest)]
    if not named:
        return NoWayBack("NOT_GOOD", str(wanted), choices)
    if request.digest and request.digest != named[0].digest:
        return NoWayBack("MOVED", named[0].version, choices)
    return named[0]


# --- before it is written ------------------------------------------------------------------------


async def _plan(
    request: Request, target: GoodRelease, look: Workload, edges: Edges
) -> RollbackPlan:
    place = request.place
    snapshot = await _snapshot(place, target.digest, edges)
    gates, image, server, stays = await asyncio.gather(
        ask_gates(_operation(request), look, edges),
        _image_gate(place, target, look, edges),
        _dry_run(place, target, snapshot, edges),
        _stays(place, snapshot, edges),
    )
    return RollbackPlan(
        request,
        target,
        (*gates, image, server),
        running(look, place),
        stays,
        whole=snapshot is not None,
    )


async def _snapshot(place: Place, digest: str, edges: Edges) -> Snapshot | None:
    kept_ones = await edges.snapshots.of(place.service.name, place.environment.name)
    return next((each for each in kept_ones if each.digest == digest), None)


async def _image_gate(
    place: Place, target: GoodRelease, look: Workload, edges: Edges
) -> GateResult:
    """A rollback to what cannot be pulled would be an outage on top of the trouble. Pods that still
    run it are the best evidence; else the registry is asked."""
    values = {"version": target.version, "image": place.service.image}
    ready = {pod.owner_uid for pod in look.pods if pod.ready}
    for replica_set in look.replica_sets:
        reference = replica_set.images.get(place.service.container, "")
        if replica_set.uid in ready and Image.parse(reference).digest == target.digest:
            return GateResult(Gate.IMAGE, True, "IMAGE_RUNS", values)
    try:
        await edges.images.resolve(place.service.image, target.digest)
    except PortError as error:
        if error.trouble is Trouble.NOT_FOUND:
            return GateResult(Gate.IMAGE, False, "IMAGE_GONE", values)
        if error.temporary:
            # Nodes may have it, and pull it themselves: no registry's bad hour stops a rollback.
            log.info("the registry does not say whether %s is there: %s", target.digest, error)
            return GateResult(Gate.IMAGE, True, "IMAGE_NOT_ASKED", values)
        raise
    return GateResult(Gate.IMAGE, True, "IMAGE_THERE", values)


async def _dry_run(
    place: Place, target: GoodRelease, snapshot: Snapshot | None, edges: Edges
) -> GateResult:
    try:
        await _put_back(place, target, snapshot, edges, dry_run=True)
    except PortError as error:
        return cluster_gate(error, place)
    return cluster_gate(None, place)


async def _stays(place: Place, snapshot: Snapshot | None, edges: Edges) -> tuple[str, ...]:
    if snapshot is None or not snapshot.refers:
        return ()
    now = await edges.cluster.contents(place.context, place.namespace, [*snapshot.refers])
    return changed_since(snapshot.refers, now)


# --- writing it ----------------------------------------------------------------------------------


async def write_rollback(rollout: Rollout, place: Place, edges: Edges) -> Written:
    """Raises PortError CONFLICT where something else runs by now than what was to be left."""
    target = GoodRelease(rollout.image.digest, rollout.version, rollout.requested_at)
    snapshot = None
    if rollout.template_kept:
        snapshot = await _snapshot(place, target.digest, edges)
    left = rollout.before.digest if rollout.before else ""
    return await _put_back(place, target, snapshot, edges, only_from=left)


async def _put_back(
    place: Place,
    target: GoodRelease,
    snapshot: Snapshot | None,
    edges: Edges,
    *,
    dry_run: bool = False,
    only_from: str = "",
) -> Written:
    """`only_from`: the digest that must run, or the target's own, where the write is repeated.
    A write that came in between is read, and decided on anew."""
    name = place.service.name
    for attempt in range(_TRIES):
        found = await edges.cluster.template(place.context, place.namespace, name)
        if found is None:
            values = {"code": "NO_DEPLOYMENT", "name": name}
            raise PortError("cluster", Trouble.NOT_FOUND, temporary=False, values=values)
        runs = _digest_in(found.body, place.service.container)
        if only_from and runs not in (only_from, target.digest):
            values = {"code": "ANOTHER_RUNS", "message": runs}
            raise PortError("cluster", Trouble.CONFLICT, temporary=False, values=values)
        template: Mapping[str, Any]
        if snapshot is not None:
            template = kept(snapshot.template)
        else:
            pinned = _image(place, target).pinned
            template = with_image(found.body, place.service.container, pinned, target.version)
        try:
            return await edges.cluster.replace_template(
                place.context,
                place.namespace,
                name,
                template,
                seen=found,
                version=target.version,
                dry_run=dry_run,
            )
        except PortError as error:
            again = error.trouble is Trouble.CONFLICT and error.temporary
            if not again or attempt == _TRIES - 1:
                raise
    raise AssertionError("the last try returns or raises")


def _digest_in(body: Mapping[str, Any], container: str) -> str:
    containers: Sequence[Any] = (body.get("spec") or {}).get("containers") or ()
    for each in containers:
        if isinstance(each, Mapping) and each.get("name") == container:
            return Image.parse(str(each.get("image", ""))).digest
    return ""


# --- what a way back needs, kept while all is well -----------------------------------------------


async def keep_template(rollout: Rollout, place: Place, edges: Edges) -> None:
    """A release runs well: keep its template. Never raises PortError: without it a way back is the
    image alone."""
    expected = rollout.change.template if rollout.change else ""
    await _keep(place, rollout.image.digest, rollout.version, expected, edges)


async def keep_what_runs(look: Workload, place: Place, edges: Edges) -> None:
    """Before a deploy: what it takes the place of, where all of it is ready."""
    found, now = look.deployment, running(look, place)
    if found is None or now is None or not now.digest:
        return
    if found.updated == found.available == found.desired > 0:
        await _keep(place, now.digest, now.version, found.template, edges)


async def _keep(place: Place, digest: str, version: str, expected: str, edges: Edges) -> None:
    try:
        async with asyncio.timeout(_SECONDS):
            found = await edges.cluster.template(place.context, place.namespace, place.service.name)
            if found is None or (expected and found.fingerprint != expected):
                return  # somebody has changed it since: that is not what ran well
            refers = await edges.cluster.contents(
                place.context, place.namespace, referred(found.body)
            )
            await edges.snapshots.put(
                Snapshot(
                    service=place.service.name,
                    environment=place.environment.name,
                    digest=digest,
                    version=version,
                    taken_at=edges.clock.now(),
                    template=kept(found.body),
                    fingerprint=found.fingerprint,
                    refers=refers,
                )
            )
    except (PortError, TimeoutError) as error:
        log.warning("no template of %s %s is kept: %r", place.service.name, version, error)


async def taken_back(rollout: Rollout, place: Place, edges: Edges) -> Commits:
    """The commits that a rollback took back: their authors are told. Never raises PortError."""
    left = rollout.before
    if left is None or not left.digest:
        return Commits(unknown="NOTHING_BEFORE")
    back = Running(rollout.version, rollout.image.digest)
    return await commits_between(place, back, Image(place.service.image, "", left.digest), edges)

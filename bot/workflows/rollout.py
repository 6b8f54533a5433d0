"""From a request to a rollout in the store: gather the facts, open or close the gates, store.

Nothing in the cluster is touched here; the engine does that once the rollout is stored. The same
gates are read again when a queued rollout's turn comes.
"""

import asyncio
import secrets
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain.audit import AuditEntry, By, Surface, subject_of
from bot.domain.drift import Drift, beside_the_release
from bot.domain.gate import GateResult, all_open, lets_through, passed_by
from bot.domain.image import Image
from bot.domain.promotion import Asking, Override, Way, askable, choose_way, waited_for
from bot.domain.rollout import Actor, CardRef, Rollout, RolloutState, Running
from bot.domain.rollout_course import Outlook, let_go, said_place
from bot.domain.rollout_records import refusal_entry
from bot.domain.workload import Workload
from bot.errors import StaleError
from bot.workflows.comparing import commits_between
from bot.workflows.covering import covered_by
from bot.workflows.edges import Edges, Place
from bot.workflows.gates import ask_all
from bot.workflows.gates.dry_run import dry_run
from bot.workflows.gates.facts import Facts
from bot.workflows.people import may_ask, told_of_overrides
from bot.workflows.version import Chosen, NotChosen, choose, running_image

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
    digest: str = ""  # what a button was made for: another one by now is refused
    explicitly: bool = False  # "Ask for approval" was pressed
    override: str = ""  # break-glass: why
    confirmed: bool = False  # break-glass: Slack's own question was answered with yes
    requester: str = ""  # who asked first, where `actor` lets it go
    card: CardRef | None = None  # a message that stands already and becomes its card
    since: datetime | None = None  # when it was asked for, where it has waited

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
    drift: Drift = field(default_factory=Drift)  # what would change beside the image


@dataclass(frozen=True, slots=True)
class Started:
    rollout: Rollout


@dataclass(frozen=True, slots=True)
class Waiting:
    """Stored: it waits for people or machines, with a card of its own."""

    rollout: Rollout


@dataclass(frozen=True, slots=True)
class AlreadyUnderway:
    """The same release is on its way there: the answer to a repeated command or a double click."""

    rollout: Rollout


@dataclass(frozen=True, slots=True)
class Refused:
    """`askable`: this person may ask others for what is missing."""

    plan: Plan
    askable: bool = False


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """Break-glass is asked about once more; the gates that it would pass by are in the plan."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class Moved:
    """The version is another digest by now than when the button was made."""

    chosen: Chosen


@dataclass(frozen=True, slots=True)
class NothingToDo:
    plan: Plan


@dataclass(frozen=True, slots=True)
class DryRun:
    plan: Plan


Answer = (
    Started
    | Waiting
    | AlreadyUnderway
    | Refused
    | Unconfirmed
    | Moved
    | NothingToDo
    | DryRun
    | NotChosen
)


async def request_rollout(request: Request, edges: Edges) -> Answer:
    """Raises PortError when an edge does not answer: then nothing was started."""
    chosen = await choose(request.place, request.version, edges)
    if isinstance(chosen, NotChosen):
        return chosen
    return await decide(request, chosen, edges)


async def decide(request: Request, chosen: Chosen, edges: Edges) -> Answer:
    """As `request_rollout`, for a release that is chosen."""
    if request.digest and request.digest != chosen.image.digest:
        return Moved(chosen)
    plan = await make_plan(request, chosen, edges)
    if plan.unchanged:
        return await _underway(plan, edges) or NothingToDo(plan)
    if request.dry_run:
        return DryRun(plan) if all_open(plan.gates) else Refused(plan)
    if request.override:
        return await _override(plan, edges)
    here = request.place.environment
    asking = Asking(
        explicitly=request.explicitly,
        may_ask=await may_ask(request.place, request.actor.id, edges),
        confirm=here.confirm,
        auto=here.auto,
    )
    way = choose_way(plan.gates, asking)
    if way is Way.REFUSE:
        return await _refused(plan, edges, may_ask=asking.may_ask)
    return await _store(plan, way, edges)


async def _underway(plan: Plan, edges: Edges) -> AlreadyUnderway | None:
    """It was applied a moment ago, and is being watched: that is no "nothing to do"."""
    place = plan.request.place
    active = await edges.store.active(place.service.name, place.environment.name)
    digest = plan.chosen.image.digest
    same = [each for each in active if each.kind.brings_release and each.image.digest == digest]
    return AlreadyUnderway(same[0]) if same else None


async def _refused(plan: Plan, edges: Edges, *, may_ask: bool = False) -> Refused:
    await edges.audit.record(_refusal(plan, edges))
    return Refused(plan, may_ask and askable(plan.gates, explicitly=True))


async def _store(plan: Plan, way: Way, edges: Edges) -> Answer:
    wanted = _rollout(plan, edges)
    if way is Way.START:
        place = plan.request.place
        others = await edges.store.active(place.service.name, place.environment.name)
        wanted = said_place(wanted, others)  # its first card says behind whom it waits
    else:
        wanted = await _waiting(wanted, plan, by_itself=way is Way.WAIT_AND_GO, edges=edges)
    stored = await edges.store.add(wanted, plan.request.by)
    if stored.id != wanted.id:
        return AlreadyUnderway(stored)
    return Started(stored) if way is Way.START else Waiting(stored)


async def _waiting(rollout: Rollout, plan: Plan, *, by_itself: bool, edges: Edges) -> Rollout:
    return rollout.with_(
        state=RolloutState.AWAITING_APPROVAL,
        by_itself=by_itself,
        gates=waited_for(plan.gates, by_itself=by_itself),
        covers=await covered_by(plan.request.place, rollout.image.digest),
        drift=plan.drift,
    )


async def _override(plan: Plan, edges: Edges) -> Answer:
    request = plan.request
    if not lets_through(plan.gates, overriding=True):
        return await _refused(plan, edges)
    if not request.confirmed:
        return Unconfirmed(plan)
    override = Override(
        by=request.actor.id,
        reason=request.override,
        at=edges.clock.now(),
        gates=passed_by(plan.gates),
        told=told_of_overrides(request.place.environment, edges.catalog),
    )
    wanted = _rollout(plan, edges).with_(override=override)
    stored = await edges.store.add(wanted, request.by)
    if stored.id == wanted.id:
        return Started(stored)
    while stored.state is RolloutState.AWAITING_APPROVAL:  # the same release waits: it goes now
        others = await edges.store.active(stored.service, stored.environment)
        released = let_go(stored, request.actor.id, others, edges.clock.now())
        released = released.with_(override=override)
        try:
            return Started(await edges.store.save(released, request.by))
        except StaleError:
            stored = await edges.store.get(stored.id) or stored
    return AlreadyUnderway(stored)


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
    facts = Facts(
        place,
        chosen,
        request.actor.id,
        look,
        requester=request.requester or request.actor.id,
        overriding=bool(request.override),
        since=request.since,
    )
    gates, server = await asyncio.gather(ask_all(facts, edges), dry_run(facts, edges))
    applied = server.applied
    unchanged = applied is not None and look.deployment is not None and not applied.changed
    found = applied.differences if applied else ()
    return Plan(
        request,
        chosen,
        (*gates, *server.gates),
        running(look, place),
        unchanged,
        beside_the_release(found, place.service.container),
    )


async def recheck(rollout: Rollout, edges: Edges) -> tuple[GateResult, ...]:
    """The gates once more, for a rollout that waited: the world went on meanwhile."""
    place = Place(
        edges.catalog.service(rollout.service), edges.catalog.environment(rollout.environment)
    )
    return (await plan_again(rollout, place, rollout.acting, edges)).gates


async def plan_again(rollout: Rollout, place: Place, user: str, edges: Edges) -> Plan:
    """What a stored request comes to now, judged by the rights of `user`."""
    request = Request(
        place,
        rollout.version,
        Actor(user),
        rollout.asked_in,
        rollout.line,
        requester=rollout.requested_by.id,
        since=rollout.requested_at,
        override=rollout.override.reason if rollout.override else "",
    )
    return await make_plan(request, Chosen(rollout.image, rollout.version), edges)


async def look_out(rollout: Rollout, edges: Edges) -> Outlook:
    """One look at what a waiting request waits for, and at what it would change by now."""
    place = Place(
        edges.catalog.service(rollout.service), edges.catalog.environment(rollout.environment)
    )
    plan = await plan_again(rollout, place, rollout.requested_by.id, edges)
    commits = rollout.commits  # not asked for at the request: no git host delays a first card
    since = plan.before.digest if plan.before else ""
    if commits is None or commits.since != since or commits.unknown == "AWAY":
        commits = await commits_between(place, plan.before, rollout.image, edges)
    covers = await covered_by(place, rollout.image.digest)
    return Outlook(plan.gates, covers, plan.before, commits, plan.drift)


def running(look: Workload, place: Place) -> Running | None:
    """What runs there now, as "from → to" and "still serves" say it."""
    found = look.deployment
    if found is None:
        return None
    image = running_image(found, place.service.container) or Image("")
    version = found.version or image.tag or image.digest
    return Running(version, image.digest, ready=found.ready, desired=found.desired)


def new_id() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(8))


def _rollout(plan: Plan, edges: Edges) -> Rollout:
    request, place = plan.request, plan.request.place
    return Rollout(
        id=new_id(),
        service=place.service.name,
        environment=place.environment.name,
        namespace=place.namespace,
        context=place.context,
        image=plan.chosen.image,
        version=plan.chosen.version,
        requested_by=request.actor,
        requested_at=edges.clock.now(),
        line=request.line,
        card=request.card or CardRef(place.environment.channel.id),
        asked_in=request.asked_in,
        reason=request.reason,
        before=plan.before,
        stability_seconds=int(place.environment.stability_window.total_seconds()),
        policies=next((gate for gate in plan.gates if gate.about_policies), None),
    )

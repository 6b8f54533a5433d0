"""From a request to a build at the desk, and from a built image to the deploy that was wished for.

Who may deploy to an environment may build for it; who only builds, builds for the first one.
"""

import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.cards.trouble import trouble_card
from bot.domain.audit import By, subject_of
from bot.domain.build import Build, BuildState, Wish, again, followed, is_ref, version_of
from bot.domain.gate import GateResult
from bot.domain.rollout import Actor, CardRef, Rollout
from bot.domain.rollout_records import refusal_entry
from bot.errors import PortError, StaleError, Trouble
from bot.ports import Revision
from bot.text import Texts
from bot.workflows.build_desk import BuildDesk, build_entry
from bot.workflows.displaced import place_named
from bot.workflows.edges import Edges, Place
from bot.workflows.people import permission
from bot.workflows.rollout import (
    AlreadyUnderway,
    Answer,
    Request,
    Started,
    Waiting,
    request_rollout,
)

log = logging.getLogger(__name__)

_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"

Answered = Callable[[Wish, Request, Answer], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """`deploys`: with a wish to deploy it at `place` when it is built."""

    place: Place
    ref: str
    actor: Actor
    line: str
    asked_in: str
    by: By
    deploys: bool = False
    reason: str = ""

    @property
    def wish(self) -> Wish | None:
        if not self.deploys:
            return None
        environment = self.place.environment.name
        return Wish(environment, self.actor, self.line, self.asked_in, self.reason, self.by.surface)


@dataclass(frozen=True, slots=True)
class BuildStarted:
    build: Build


@dataclass(frozen=True, slots=True)
class BuildFollowed:
    """The same commit is being built already: this request follows it."""

    build: Build


@dataclass(frozen=True, slots=True)
class BuildThere:
    """It was built before, and the registry has it."""

    build: Build


@dataclass(frozen=True, slots=True)
class NotBuilt:
    """`code`: NO_BUILDER, REF_INVALID, REF_UNKNOWN, NOT_ALLOWED (gate)."""

    code: str
    gate: GateResult | None = None


async def request_build(
    request: BuildRequest, edges: Edges
) -> BuildStarted | BuildFollowed | BuildThere | NotBuilt:
    """Raises PortError where git or the registry does not answer: then nothing was started."""
    desk = edges.builds
    if desk is None:
        return NotBuilt("NO_BUILDER")
    if not is_ref(request.ref):
        return NotBuilt("REF_INVALID")
    revision = await desk.git.resolve(request.place.service.repository, request.ref)
    if revision is None:
        return NotBuilt("REF_UNKNOWN")
    gate = await permission(request.actor.id, request.place, edges)
    if not gate.ok:
        subject = subject_of(request.place.service.name, request.place.environment.name)
        now, of = edges.clock.now(), {"version": request.ref, "line": request.line}
        await edges.audit.record(refusal_entry("build", subject, (gate,), request.by, now, **of))
        return NotBuilt("NOT_ALLOWED", gate)
    return await _open(request, revision, desk, edges)


async def _open(
    request: BuildRequest, revision: Revision, desk: BuildDesk, edges: Edges
) -> BuildStarted | BuildFollowed | BuildThere:
    wanted = _build(request, revision, edges)
    while True:
        held = await desk.builds.open(wanted)
        if held.id != wanted.id:
            if not held.state.final:
                following = followed(held, request.wish)
                if not await _saved(following, held, desk):
                    continue
                desk.wake(held.id)
                return BuildFollowed(held)
            if held.state is BuildState.BUILT and await _is_there(held, edges):
                return BuildThere(held)
            anew = again(held, wanted)
            if not await _saved(anew, held, desk):
                continue
            wanted = anew
        now = edges.clock.now()
        await edges.audit.record(build_entry("build", wanted, request.by, now))
        desk.wake(wanted.id)
        return BuildStarted(wanted)


async def _saved(wanted: Build, held: Build, desk: BuildDesk) -> bool:
    if wanted == held:
        return True
    try:
        await desk.builds.save(wanted)
    except StaleError:
        return False
    return True


async def _is_there(build: Build, edges: Edges) -> bool:
    try:
        await edges.images.resolve(build.image, build.digest)
    except PortError as error:
        if error.trouble is Trouble.NOT_FOUND:
            return False
        raise
    return True


def _build(request: BuildRequest, revision: Revision, edges: Edges) -> Build:
    service = request.place.service
    now = edges.clock.now()
    wish = request.wish
    return Build(
        id="".join(secrets.choice(_ALPHABET) for _ in range(8)),
        service=service.name,
        ref=request.ref,
        commit=revision.commit,
        version=version_of(revision.tag, revision.commit, now.date()),
        image=service.image,
        repository=service.repository,
        requested_by=request.actor,
        requested_at=now,
        line=request.line,
        card=CardRef(request.place.environment.channel.id),
        asked_in=request.asked_in,
        command=service.build or "",
        wishes=(wish,) if wish else (),
    )


# --- and on to its environment -------------------------------------------------------------------


async def deploy_built(
    build: Build, edges: Edges, wake: Callable[[Rollout], None], answered: Answered
) -> str:
    """Carry out what was wished for; the id of the rollout that has taken the build's card over, ""
    where none did. Each wish is a request as any other: all gates are asked. Doing it again after a
    crash does nothing twice: the rollout that has this card is found. Raises PortError where it may
    be done later; of what may not, whoever wished for it hears."""
    taken = ""
    for wish in build.wishes:
        recent = await edges.store.recent(build.service, wish.environment)
        ours = [each for each in recent if each.card.ts == build.card.ts]
        if ours:
            taken = ours[0].id
            wake(ours[0])
            continue
        try:
            place = place_named(build.service, wish.environment, edges.catalog)
            request = Request(
                place,
                build.version,
                wish.actor,
                wish.asked_in,
                wish.line,
                reason=wish.reason,
                surface=wish.surface,
                card=None if taken else build.card,
            )
            answer = await request_rollout(request, edges)
        except PortError as error:
            if error.temporary:
                raise
            await _tell_why_not(wish, build, error, edges)
            continue
        if isinstance(answer, Started | Waiting):
            taken = taken or answer.rollout.id
            wake(answer.rollout)
        elif not isinstance(answer, AlreadyUnderway):
            await answered(wish, request, answer)
    return taken


async def _tell_why_not(wish: Wish, build: Build, error: PortError, edges: Edges) -> None:
    """The image is there, and its deploy met what no waiting changes."""
    log.warning("build %s was not deployed to %s: %s", build.id, wish.environment, error)
    texts = Texts.of(wish.actor.language)
    card = trouble_card(error, error_id=build.id, line=wish.line, texts=texts)
    try:
        await edges.messenger.whisper(wish.asked_in or build.card.channel, wish.actor.id, card)
    except PortError as second:
        log.warning("nobody could be told: %s: %s", card.text, second)


async def cancel_build(
    build_id: str, by: By, edges: Edges, reason: str = ""
) -> Build | GateResult | None:
    """Whoever asked for it may cancel it, and whoever may deploy where it is going. None where it
    is over."""
    desk = edges.builds
    build = await desk.builds.get(build_id) if desk else None
    if desk is None or build is None or build.state.final:
        return None
    if by.actor != build.requested_by.id:
        names = [wish.environment for wish in build.wishes] or [edges.catalog.first.name]
        service = edges.catalog.service(build.service)
        gate = await permission(
            by.actor, Place(service, edges.catalog.environment(names[0])), edges
        )
        if not gate.ok:
            subject = subject_of(build.service)
            now, of = edges.clock.now(), {"version": build.version, "build": build.id}
            entry = refusal_entry("cancel", subject, (gate,), by, now, **of)
            await edges.audit.record(entry)
            return gate
    return await desk.cancel(build_id, by, reason)


async def build_for(place: Place, edges: Edges) -> Build | None:
    """The newest build under way that goes there."""
    if edges.builds is None:
        return None
    found = [
        build
        for build in await edges.builds.builds.unsettled(place.service.name)
        if not build.state.final
        and (
            any(wish.environment == place.environment.name for wish in build.wishes)
            or (not build.wishes and place.environment == edges.catalog.first)
        )
    ]
    return found[-1] if found else None

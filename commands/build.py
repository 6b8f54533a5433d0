"""`build SERVICE REF`, and `deploy SERVICE ENV REF` where the word is no version of the registry
but a branch, tag or commit of the service's repository.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Final

from bot.cards.buttons import typed
from bot.cards.card import Card
from bot.cards.mrkdwn import Mrkdwn, channel, code, link, people
from bot.cards.pointer import denied_card, notice_card
from bot.cards.refusal import refusal_card
from bot.cards.signs import HAND, OK
from bot.domain.audit import Surface
from bot.domain.build import Build, Wish
from bot.domain.gate import GateResult
from bot.domain.rollout import Rollout
from bot.errors import PortError
from bot.text import Texts
from bot.workflows.build import (
    BuildFollowed,
    BuildRequest,
    BuildStarted,
    BuildThere,
    NotBuilt,
    cancel_build,
    request_build,
)
from bot.workflows.edges import Edges, Place
from bot.workflows.rollout import Answer, Request
from commands.asked import Asked, title
from commands.command import Invocation
from commands.pressing import Click, Press, gone
from commands.requesting import answer_to
from commands.vocabulary import BUILD, DEPLOY

log = logging.getLogger(__name__)

COMMAND = BUILD


async def run(asked: Asked) -> Card | None:
    """None when the answer is the build's own card."""
    catalog = asked.edges.catalog
    place = Place(catalog.service(str(asked.invocation.service)), catalog.first)
    request = _request(asked, place, str(asked.invocation.version), deploys=False)
    answer = await request_build(request, asked.edges)
    match answer:
        case BuildThere(build):
            line = code(typed(f"deploy {build.service} {catalog.first.name} {build.version}"))
            values = {**_names(build), "digest": build.result.short_digest, "line": line}
            return notice_card(asked.texts, "build_there", sign=OK, **values)
        case _:
            return await _answer(asked, place, request, answer)


async def deploy_ref(asked: Asked, place: Place, word: str) -> Card | Build | NotBuilt | None:
    """For a word that the registry does not know. `NotBuilt` where git knows it neither, or does
    not answer; a build that is there already is handed back, to be deployed at once."""
    request = _request(asked, place, word, deploys=True)
    try:
        answer = await request_build(request, asked.edges)
    except PortError as error:
        if error.port != "git":
            raise
        log.info("%s was not looked for in the repository: %s", word, error)
        return NotBuilt("REF_UNKNOWN")
    match answer:
        case NotBuilt(code="NOT_ALLOWED"):
            return await _answer(asked, place, request, answer)
        case NotBuilt():
            return answer
        case BuildThere(build):
            return build
    return await _answer(asked, place, request, answer)


async def press_stop(asked: Asked, click: Click) -> Card | None:
    """The button on a build's card; None when the card itself is the answer."""
    if len(click.pieces) != 1:
        return gone(asked)
    outcome = await cancel_build(click.pieces[0], asked.by, asked.edges)
    if isinstance(outcome, Build):
        return None
    return stopped(asked, outcome)


PRESSES: Final[Mapping[str, Press]] = {"stop-build": press_stop}


def stopped(asked: Asked, outcome: Build | GateResult | None) -> Card:
    match outcome:
        case Build() as build:
            return notice_card(asked.texts, "build_stopped", sign=OK, **_names(build))
        case GateResult() as gate:
            values = {**gate.values, "who": people(str(gate.values.get("who", "")))}
            return denied_card(asked.texts, "not_yours", **values)
    return notice_card(asked.texts, "build_over")


async def tell_not_deployed(
    wish: Wish,
    request: Request,
    answer: Answer,
    edges: Edges,
    wake: Callable[[Rollout], None],
) -> None:
    """The image is there and something stands in the way of its deploy: whoever wished for it
    hears privately what, with the buttons that a typed line would have had."""
    texts = Texts.of(wish.actor.language)
    invocation = Invocation(
        DEPLOY.name,
        request.place.service.name,
        request.place.environment.name,
        request.version,
        line=f"deploy {request.place.service.name} {wish.environment} {request.version}",
    )
    where = wish.asked_in or request.place.environment.channel.id
    asked = Asked(invocation, wish.actor, where, edges, texts, wake, Surface.ENGINE)
    card = await answer_to(asked, request, answer, DEPLOY)
    if card is None:
        return
    try:
        await edges.messenger.whisper(where, wish.actor.id, card)
    except PortError as error:
        log.warning("nobody could be told: %s: %s", card.text, error)


async def _answer(
    asked: Asked,
    place: Place,
    request: BuildRequest,
    answer: BuildStarted | BuildFollowed | BuildThere | NotBuilt,
) -> Card | None:
    texts = asked.texts
    if isinstance(answer, BuildStarted | BuildFollowed):
        asked.building(answer.build)
    match answer:
        case BuildStarted(build) | BuildThere(build):
            where = channel(build.card.channel)
            if asked.channel == build.card.channel:
                return None
            return notice_card(texts, "build_started", sign=OK, channel=where, **_names(build))
        case BuildFollowed(build):
            where, address = channel(build.card.channel), await _link(build, asked)
            values = {"channel": where, "link": address, **_names(build)}
            return notice_card(texts, "build_followed", **values)
        case NotBuilt(gate=GateResult() as gate):
            return refusal_card(
                (gate,),
                service=place.service.name,
                environment_title=title(place, texts),
                version=request.ref,
                line=request.line,
                texts=texts,
            )
        case NotBuilt(code=reason):
            values = {"service": place.service.name, "ref": request.ref}
            return notice_card(texts, reason.lower(), sign=HAND, **values)


async def _link(build: Build, asked: Asked) -> Mrkdwn:
    if not build.card.ts:
        return Mrkdwn("")
    try:
        address = await asked.edges.messenger.permalink(build.card)
    except PortError as error:
        log.info("no permalink of build %s: %s", build.id, error)
        return Mrkdwn("")
    return link(address, asked.texts("pointer.link"))


def _request(asked: Asked, place: Place, ref: str, *, deploys: bool) -> BuildRequest:
    return BuildRequest(
        place=place,
        ref=ref,
        actor=asked.actor,
        line=asked.invocation.line,
        asked_in=asked.channel,
        by=asked.by,
        deploys=deploys,
        reason=str(asked.invocation.options.get("reason", "")),
    )


def _names(build: Build) -> dict[str, str]:
    return {"service": build.service, "version": build.version}

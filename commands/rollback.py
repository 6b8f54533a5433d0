"""`rollback SERVICE ENV [VERSION]`, and the buttons: back to the last release that ran well."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from bot.cards.buttons import SEPARATOR, typed
from bot.cards.card import Card
from bot.cards.mrkdwn import code
from bot.cards.pointer import notice_card
from bot.cards.refusal import refusal_card
from bot.cards.rollback import ask_card
from bot.cards.signs import HAND, OK
from bot.cards.usage import called
from bot.domain.image import is_digest
from bot.workflows.edges import Place
from bot.workflows.operating import Closed, look_at
from bot.workflows.promotion import place_of
from bot.workflows.rollback import NoWayBack, RollbackAnswer, Unconfirmed, request_rollback
from bot.workflows.rollout import AlreadyUnderway, Request, Started, running
from bot.workflows.telling import permalink_of
from commands.asked import Asked, title
from commands.command import Invocation
from commands.parser import parse
from commands.pressing import Click, Press, gone
from commands.requesting import to_what_is_underway
from commands.vocabulary import ROLLBACK, VERBS

COMMAND = ROLLBACK


async def run(asked: Asked) -> Card | None:
    """None when the answer is the rollback's own card."""
    return await _carry(asked, digest="", confirmed=False)


async def press(asked: Asked, click: Click) -> Card | None:
    """The button on the card of a release: Slack's own question was answered. It takes back the
    release of that card and no other, to where the card said."""
    if len(click.pieces) != 2 or not is_digest(click.pieces[1]):
        return gone(asked)
    rollout = await asked.edges.store.get(click.pieces[0])
    place = place_of(rollout, asked.edges) if rollout else None
    if rollout is None or place is None:
        return notice_card(asked.texts, "unknown_rollout")
    now = running(await look_at(place, asked.edges), place)
    if now is None or now.digest != rollout.image.digest:
        shows = code(typed(f"status {rollout.service} {rollout.environment}"))
        names = {**_names(asked, place), "version": rollout.version}
        return notice_card(asked.texts, "rollback_left", sign=HAND, line=shows, **names)
    line = f"{COMMAND.name} {rollout.service} {rollout.environment}"
    there = replace(
        asked,
        invocation=Invocation(
            COMMAND.name, service=rollout.service, environment=rollout.environment, line=line
        ),
    )
    return await _carry(there, digest=click.pieces[1], confirmed=True)


async def press_confirmed(asked: Asked, click: Click) -> Card | None:
    """The button under the question to a typed line. Value: the target's digest and the line."""
    digest, separator, line = click.value.partition(SEPARATOR)
    read = parse(line, asked.edges.catalog, VERBS)
    if not separator or not is_digest(digest) or not isinstance(read, Invocation):
        return gone(asked)
    if read.command != COMMAND.name:
        return gone(asked)
    answer = await _carry(replace(asked, invocation=read), digest=digest, confirmed=True)
    if answer is None:
        return notice_card(asked.texts, "started", line=code(typed(read.line), 400))
    return answer


PRESSES: Final[Mapping[str, Press]] = {"rollback": press, "rollback-confirmed": press_confirmed}


async def _carry(asked: Asked, *, digest: str, confirmed: bool) -> Card | None:
    request = Request(
        place=asked.place,
        version=asked.invocation.version,
        actor=asked.actor,
        asked_in=asked.channel,
        line=asked.invocation.line,
        reason=str(asked.invocation.options.get("reason", "")),
        surface=asked.surface,
        digest=digest,
        confirmed=confirmed,
    )
    answer = await request_rollback(request, asked.edges)
    return await _told(asked, request, answer)


async def _told(asked: Asked, request: Request, answer: RollbackAnswer) -> Card | None:
    texts, place = asked.texts, request.place
    name = title(place, texts)
    match answer:
        case Started(rollout):
            asked.wake(rollout)
            return None
        case AlreadyUnderway(rollout):
            return await to_what_is_underway(asked, place, rollout)
        case Closed(gates=gates):
            return refusal_card(
                gates,
                service=place.service.name,
                environment_title=name,
                version=COMMAND.name,
                line=request.line,
                texts=texts,
            )
        case Unconfirmed(plan):
            return ask_card(
                plan.target,
                service=place.service.name,
                environment_title=name,
                before=plan.before.version if plan.before else "",
                stays=plan.stays,
                whole=plan.whole,
                line=request.line,
                texts=texts,
            )
        case NoWayBack():
            return await _no_way(asked, request, answer)


async def _no_way(asked: Asked, request: Request, answer: NoWayBack) -> Card:
    texts, place = asked.texts, request.place
    names = {**_names(asked, place), "version": answer.version}
    there = f"{place.service.name} {place.environment.name}"
    match answer.code:
        case "NOT_RUNNING":
            return notice_card(texts, "operation_not_running", sign=HAND, **names)
        case "RUNS_ALREADY":
            return notice_card(texts, "rollback_runs", sign=OK, **names)
        case "UNDERWAY" if answer.rollout is not None:
            link = await permalink_of(answer.rollout, asked.edges)
            names["version"] = answer.rollout.version
            return notice_card(texts, "rollback_underway", sign=HAND, link=link, **names)
        case "MOVED":
            line = code(typed(f"{COMMAND.name} {there}"))
            return notice_card(texts, "rollback_moved", sign=HAND, line=line, **names)
        case "NOT_GOOD":
            line = code(typed(f"deploy {there} {answer.version}"), 400)
            choices = ", ".join(answer.choices) or "–"
            return notice_card(
                texts, "rollback_not_good", sign=HAND, line=line, choices=choices, **names
            )
    line = code(typed(f"deploy {there} {called('version', asked.texts)}"))
    return notice_card(texts, "rollback_none", sign=HAND, line=line, **names)


def _names(asked: Asked, place: Place) -> dict[str, str]:
    return {"service": place.service.name, "environment": title(place, asked.texts)}

"""`promote SERVICE [ENV]`: the digest that runs healthy in the environment before, and the button
that lets go what waited for people.
"""

from collections.abc import Mapping
from typing import Final

from bot.cards.buttons import typed
from bot.cards.card import Card
from bot.cards.choice import choice_card
from bot.cards.mrkdwn import Mrkdwn, code, people, user
from bot.cards.pointer import notice_card
from bot.cards.refusal import refusal_card
from bot.cards.signs import HAND
from bot.domain.rollout import Rollout
from bot.workflows.edges import Place
from bot.workflows.promotion import NoTarget, NotReleased, Target, find_target, place_of, release
from bot.workflows.rollout import decide
from bot.workflows.version import NotChosen
from commands.asked import Asked, title
from commands.pressing import Click, Press, gone
from commands.requesting import (
    TYPED,
    Pressed,
    answer_to,
    normal,
    not_chosen,
    request_of,
    too_long,
)
from commands.vocabulary import PROMOTE
from config.catalog import Environment

COMMAND = PROMOTE


async def run(asked: Asked) -> Card | None:
    """None when the answer is the rollout's own card."""
    return await carry(asked, TYPED)


async def carry(asked: Asked, pressed: Pressed) -> Card | None:
    refused = too_long(asked)
    if refused is not None:
        return refused
    invocation, catalog = asked.invocation, asked.edges.catalog
    service = catalog.service(str(invocation.service))
    there = catalog.environment(invocation.environment) if invocation.environment else None
    found = await find_target(service, there, invocation.version, asked.edges)
    match found:
        case NotChosen():
            place = Place(service, there or catalog.first)
            return not_chosen(asked, place, found, COMMAND)
        case NoTarget():
            return _no_target(asked, there, found)
        case Target(place, chosen):
            exact = normal(asked, place)
            request = request_of(exact, place, chosen.version, pressed)
            answer = await decide(request, chosen, asked.edges)
            return await answer_to(exact, request, answer, COMMAND)


def _no_target(asked: Asked, there: Environment | None, found: NoTarget) -> Card:
    texts, catalog = asked.texts, asked.edges.catalog
    service = catalog.service(str(asked.invocation.service))
    names = {"service": service.name}
    if there is not None:
        names |= {"environment": title(Place(service, there), texts), "name": there.name}
    if found.code == "SEVERAL":
        lines = [f"promote {service.name} {ahead.target}" for ahead in found.ahead]
        return choice_card(texts, "several_to_promote", lines, **names)
    if found.runs is not None:
        before = Place(service, catalog.environment(found.runs.environment))
        key = "runs_nothing_before" if found.code == "NOT_RUNNING" else "not_healthy_before"
        values: dict[str, object] = {
            "before": title(before, texts),
            "version": found.runs.version,
            "ready": found.runs.ready,
            "desired": found.runs.desired,
        }
        return notice_card(texts, key, sign=HAND, **names, **values)
    key = {"FIRST_ENVIRONMENT": "first_environment", "NOT_IN_PIPELINE": "not_in_pipeline"}.get(
        found.code, "nothing_to_promote"
    )
    return notice_card(texts, key, version=found.version, **names)


# --- "Deploy to production" ------------------------------------------------------------------


async def press_go(asked: Asked, click: Click) -> Card | None:
    """The button on the card; None when the card itself is the answer."""
    if len(click.pieces) != 2:
        return gone(asked)
    rollout_id, covers = click.pieces
    outcome = await release(rollout_id, covers, asked.by, asked.edges)
    if isinstance(outcome, NotReleased):
        return _not_released(asked, outcome)
    asked.wake(outcome.rollout)
    return None


PRESSES: Final[Mapping[str, Press]] = {"go": press_go}


def _not_released(asked: Asked, outcome: NotReleased) -> Card:
    texts, rollout = asked.texts, outcome.rollout
    if rollout is None:
        return notice_card(texts, "unknown_rollout")
    names = names_of(asked, rollout)
    if outcome.plan is not None:
        asked.wake(rollout)  # what the card shows is not so any more
        return refusal_card(
            outcome.plan.gates,
            service=rollout.service,
            environment_title=names["environment"],
            version=rollout.version,
            line=rollout.line,
            texts=texts,
        )
    match outcome.code:
        case "NOT_ALLOWED" if outcome.gate is not None:
            values = {**outcome.gate.values, "who": people(str(outcome.gate.values.get("who", "")))}
            key = "nobody_may" if outcome.gate.code == "NOBODY_ALLOWED" else "not_yours"
            return notice_card(texts, key, sign=HAND, **values)
        case "CHANGED":
            asked.wake(rollout)
            return notice_card(texts, "approval_changed", sign=HAND)
        case "MOVED":
            line = code(typed(rollout.line), 400)
            return notice_card(texts, "version_moved", version=rollout.version, line=line)
    return waits_no_more(asked, rollout)


def waits_no_more(asked: Asked, rollout: Rollout) -> Card:
    """A stale click: what became of it meanwhile."""
    texts, names = asked.texts, names_of(asked, rollout)
    if rollout.released_by and not rollout.state.final:
        return notice_card(texts, "waits_no_more", who=user(rollout.released_by), **names)
    table = "state" if rollout.state.final else "state_waiting"
    state = Mrkdwn(texts.say(f"notice.{table}.{rollout.state}", {}, str(rollout.state)))
    return notice_card(texts, "not_waiting", state=state, **names)


def names_of(asked: Asked, rollout: Rollout) -> dict[str, str]:
    place = place_of(rollout, asked.edges)
    return {
        "service": rollout.service,
        "environment": title(place, asked.texts) if place else rollout.environment,
        "version": rollout.version,
    }

"""`approve SERVICE ENV [VERSION]`, and the button: yes to what waits, for exactly one digest."""

from collections.abc import Mapping
from typing import Final

from bot.cards.buttons import typed
from bot.cards.card import Card
from bot.cards.choice import choice_card
from bot.cards.mrkdwn import code, people
from bot.cards.pointer import denied_card, notice_card
from bot.cards.signs import HAND, OK
from bot.domain.approval import Decision, Settled
from bot.domain.rollout import Rollout, RolloutState
from bot.workflows.approving import Decided, NotDecided, decide_on
from commands.asked import Asked
from commands.command import Command
from commands.pressing import Click, Press, gone
from commands.promote import names_of, waits_no_more
from commands.vocabulary import APPROVE

COMMAND = APPROVE


async def run(asked: Asked) -> Card | None:
    waiting = await the_one_that_waits(asked, COMMAND)
    if isinstance(waiting, Card):
        return waiting
    outcome = await decide_on(waiting.id, Decision.APPROVE, asked.by, asked.edges)
    return answer(asked, waiting, outcome)


async def press(asked: Asked, click: Click) -> Card | None:
    """The button on the card, for what the card showed."""
    if len(click.pieces) != 2:
        return gone(asked)
    rollout_id, covers = click.pieces
    outcome = await decide_on(rollout_id, Decision.APPROVE, asked.by, asked.edges, covers=covers)
    found = await asked.edges.store.get(rollout_id)
    return answer(asked, found, outcome)


PRESSES: Final[Mapping[str, Press]] = {"approve": press}


# --- shared with `reject` ------------------------------------------------------------------------


async def the_one_that_waits(asked: Asked, command: Command) -> Rollout | Card:
    """Of the service there, of the version where one is named; or a card that says why none is."""
    place, texts = asked.place, asked.texts
    service, environment = place.service.name, place.environment.name
    names = {"service": service, "environment": asked.title(place)}
    active = await asked.edges.store.active(service, environment)
    waiting = [each for each in active if each.state is RolloutState.AWAITING_APPROVAL]
    version = asked.invocation.version
    if version is not None:
        waiting = [each for each in waiting if version in (each.version, each.image.digest)]
    if len(waiting) == 1:
        return waiting[0]
    if waiting:
        lines = [f"{command.name} {service} {environment} {each.version}" for each in waiting]
        return choice_card(texts, "several_await", lines, **names)
    line = code(typed(f"promote {service} {environment}"))
    return notice_card(texts, "nothing_awaits", line=line, **names)


def answer(asked: Asked, rollout: Rollout | None, outcome: Decided | NotDecided) -> Card | None:
    texts = asked.texts
    if rollout is None:
        return notice_card(texts, "unknown_rollout")
    names = names_of(asked, rollout)
    if isinstance(outcome, NotDecided):
        return _not_decided(asked, rollout, outcome, names)
    asked.wake(rollout)
    said = "approved" if outcome.approval.decision is Decision.APPROVE else "rejected"
    if outcome.settled is Settled.AGAIN:
        return notice_card(texts, f"{said}_again", sign=OK, **names)
    if said == "approved" and not outcome.counts:
        return notice_card(texts, "approved_own", sign=HAND, **names)
    return notice_card(texts, said, sign=OK, **names)


def _not_decided(
    asked: Asked, rollout: Rollout, outcome: NotDecided, names: dict[str, str]
) -> Card:
    texts = asked.texts
    match outcome.code:
        case "NOT_ALLOWED" if outcome.gate is not None:
            values = {**outcome.gate.values, "who": people(str(outcome.gate.values["who"]))}
            return denied_card(texts, "may_not_approve", **values)
        case "NOT_NEEDED":
            line = code(typed(rollout.line), 400)
            return notice_card(texts, "no_approval_needed", line=line, **names)
        case "NO_MANIFEST":
            return notice_card(texts, "approval_no_manifest", sign=HAND, **names)
        case "CHANGED":
            asked.wake(rollout)
            return notice_card(texts, "approval_changed", sign=HAND)
        case "NOT_WAITING":
            return waits_no_more(asked, rollout)
    return notice_card(texts, "unknown_rollout")

"""`cancel SERVICE ENV`, and the button: end what is under way, or go back to what ran before."""

from collections.abc import Mapping
from typing import Final

from bot.cards.card import Card
from bot.cards.mrkdwn import Mrkdwn, people
from bot.cards.pointer import denied_card, notice_card
from bot.cards.signs import HAND, OK
from bot.domain.approval import LONGEST_REASON
from bot.domain.rollout import Rollout
from bot.text import Texts
from bot.workflows.build import build_for, cancel_build
from bot.workflows.cancel import Cancelled, NotCancelled, cancel_rollout
from commands.asked import Asked
from commands.build import stopped
from commands.pressing import Click, Press, gone
from commands.promote import names_of
from commands.vocabulary import CANCEL

COMMAND = CANCEL


async def run(asked: Asked) -> Card | None:
    place = asked.place
    reason = str(asked.invocation.options.get("reason", "")).strip()
    if len(reason) > LONGEST_REASON:
        values = {"length": len(reason), "most": LONGEST_REASON}
        return notice_card(asked.texts, "approval_reason", sign=HAND, **values)
    active = await asked.edges.store.active(place.service.name, place.environment.name)
    building = await build_for(place, asked.edges)
    if building is not None:
        ended = await cancel_build(building.id, asked.by, asked.edges, reason)
        return stopped(asked, ended)
    if not active:
        return notice_card(
            asked.texts,
            "nothing_to_cancel",
            service=place.service.name,
            environment=asked.title(place),
        )
    # Of several, the newest: the ones before it were asked for earlier and go on.
    outcome = await cancel_rollout(active[-1].id, asked.by, asked.edges, reason)
    return _answer(asked, outcome)


async def press(asked: Asked, click: Click) -> Card | None:
    """The button on a card; None when the card itself is the answer."""
    if not click.pieces:
        return gone(asked)
    outcome = await cancel_rollout(click.pieces[0], asked.by, asked.edges)
    answer = _answer(asked, outcome)
    return None if isinstance(outcome, Cancelled) else answer


PRESSES: Final[Mapping[str, Press]] = {"cancel": press}


def _answer(asked: Asked, outcome: Cancelled | NotCancelled) -> Card:
    texts = asked.texts
    match outcome:
        case Cancelled(rollout):
            asked.wake(rollout)
            key = "cancelled" if rollout.state.final else "cancelling"
            before = rollout.before.version if rollout.before else ""
            return notice_card(texts, key, sign=OK, before=before, **names_of(asked, rollout))
        case NotCancelled(code="NOT_ALLOWED", gate=gate) if gate is not None:
            values = {**gate.values, "who": people(str(gate.values.get("who", "")))}
            return denied_card(texts, "not_yours", **values)
        case NotCancelled(rollout=None):
            return notice_card(texts, "unknown_rollout")
        case NotCancelled(code="ENDED", rollout=Rollout() as rollout):
            state = _state(rollout, texts)
            return notice_card(texts, "already_ended", state=state, **names_of(asked, rollout))
        case NotCancelled(code=code, rollout=Rollout() as rollout):
            key = {"GOING_BACK": "going_back", "NO_WAY_BACK": "no_way_back"}[code]
            return notice_card(texts, key, **names_of(asked, rollout))
    raise AssertionError(outcome)


def _state(rollout: Rollout, texts: Texts) -> Mrkdwn:
    return Mrkdwn(texts(f"notice.state.{rollout.state}"))

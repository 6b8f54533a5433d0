"""The buttons on the summary of a release: keep it, roll it back, look again, be quiet.

It has no verb to type: what a button does belongs to one message. Where a press changes something
that message is the answer; whatever changes nothing gets a private one.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from bot.cards.buttons import typed
from bot.cards.card import Card
from bot.cards.mrkdwn import code, people, user
from bot.cards.pointer import notice_card
from bot.cards.refusal import refusal_card
from bot.cards.signs import HAND, OK
from bot.domain.analysis import Analysis, Stage
from bot.domain.audit import DYNAMO, By
from bot.workflows.analysing import (
    Decided,
    GoingBack,
    NotDecided,
    press_keep,
    press_mute,
    press_recheck,
    press_roll_back,
)
from bot.workflows.edges import Edges, Place
from bot.workflows.operating import Closed
from bot.workflows.rollout import AlreadyUnderway, Started
from commands.asked import Asked, title
from commands.pressing import Click, Press

Decide = Callable[[str, By, Edges], Awaitable[Decided | NotDecided]]


async def press_dashboard(asked: Asked, click: Click) -> Card | None:
    """The link itself is what was wanted."""
    return None


async def press_keep_it(asked: Asked, click: Click) -> Card | None:
    decided = await press_keep(click.value, asked.by, asked.edges)
    return None if isinstance(decided, Decided) else _refused(asked, decided, "analysis_nothing")


async def press_mute_it(asked: Asked, click: Click) -> Card | None:
    decided = await press_mute(click.value, asked.by, asked.edges)
    if isinstance(decided, NotDecided):
        return _refused(asked, decided, "analysis_muted_already")
    names = _names(asked, decided.analysis)
    return notice_card(asked.texts, "analysis_muted", sign=OK, **names)


async def press_recheck_it(asked: Asked, click: Click) -> Card | None:
    decided = await press_recheck(click.value, asked.by, asked.edges)
    if isinstance(decided, NotDecided):
        return _refused(asked, decided, _why_not_again(decided.analysis))
    names = _names(asked, decided.analysis)
    return notice_card(asked.texts, "analysis_rechecking", sign=OK, **names)


async def press_undo(asked: Asked, click: Click) -> Card | None:
    done = await press_roll_back(click.value, asked.actor, asked.by, asked.channel, asked.edges)
    if isinstance(done, NotDecided):
        return _refused(asked, done, "analysis_nothing")
    return _went(asked, done)


PRESSES: Final[Mapping[str, Press]] = {
    "dashboard": press_dashboard,
    "keep": press_keep_it,
    "mute": press_mute_it,
    "recheck": press_recheck_it,
    "undo": press_undo,
}


def _went(asked: Asked, done: GoingBack) -> Card | None:
    match done.answer:
        case Started(rollout) | AlreadyUnderway(rollout):
            asked.wake(rollout)
            return None
        case Closed(gates=gates):
            analysis, place = done.analysis, _place(asked, done.analysis)
            return refusal_card(
                gates,
                service=analysis.service,
                environment_title=title(place, asked.texts),
                version=analysis.target or analysis.previous,
                line=f"rollback {analysis.service} {analysis.environment}",
                texts=asked.texts,
            )
    line = code(typed(f"rollback {done.analysis.service} {done.analysis.environment}"))
    names = _names(asked, done.analysis)
    return notice_card(asked.texts, "analysis_no_way_back", sign=HAND, line=line, **names)


def _why_not_again(analysis: Analysis | None) -> str:
    if analysis is None or analysis.stage is Stage.STOPPED:
        return "analysis_nothing"
    return "analysis_rechecking_already" if analysis.recheck else "analysis_not_yet"


def _refused(asked: Asked, refused: NotDecided, nothing: str) -> Card:
    texts, analysis = asked.texts, refused.analysis
    if analysis is None:
        return notice_card(texts, "analysis_unknown", line=code(typed("status")))
    names = _names(asked, analysis)
    if refused.gate is not None:
        whom = people(str(refused.gate.values.get("who", "")))
        return notice_card(texts, "analysis_not_yours", sign=HAND, who=whom, **names)
    state = f"summary.state.{analysis.follow.value}"
    if nothing == "analysis_nothing" and state in texts:
        by, said = analysis.decided_by, texts(state)
        who: object = "Dynamo" if by == DYNAMO else user(by)
        return notice_card(texts, "analysis_decided", who=who, state=said, **names)
    return notice_card(texts, nothing, **names)


def _place(asked: Asked, analysis: Analysis) -> Place:
    catalog = asked.edges.catalog
    return Place(catalog.service(analysis.service), catalog.environment(analysis.environment))


def _names(asked: Asked, analysis: Analysis) -> dict[str, str]:
    return {
        "service": analysis.service,
        "version": analysis.version,
        "environment": title(_place(asked, analysis), asked.texts),
    }

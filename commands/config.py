"""`config SERVICE ENV [--restore]`: shows what would change, and applies it when confirmed."""

from collections.abc import Mapping
from typing import Final

from bot.cards.card import Card
from bot.cards.configuration import question_card, refused_card
from bot.cards.mrkdwn import channel
from bot.cards.pointer import notice_card
from bot.cards.refusal import gate_sentence
from bot.cards.signs import HAND, OK, WARNING
from bot.domain.gate import all_open
from bot.errors import PortError
from bot.text.sentences import trouble_sentence
from bot.workflows.configuring import (
    Applied,
    Changed,
    NoFile,
    NothingKept,
    Planned,
    Refused,
    apply_config,
    plan_config,
    record_refusal,
)
from bot.workflows.edges import Place
from bot.workflows.operating import Closed, NotRunning
from bot.workflows.rollout import AlreadyUnderway, Started
from commands.asked import Asked, title
from commands.pressing import Click, Press, gone
from commands.vocabulary import CONFIG

COMMAND = CONFIG


async def run(asked: Asked) -> Card | None:
    place, restore = asked.place, "restore" in asked.invocation.options
    plan = await plan_config(place, asked.by, asked.edges, restore=restore)
    if not isinstance(plan, Planned):
        return _nothing(asked, place, plan)
    if not all_open(plan.gates):
        await record_refusal(plan, asked.by, asked.edges)
        return _refused(asked, plan)
    if plan.unchanged:
        return notice_card(asked.texts, "config_same", sign=OK, **_names(asked, place))
    return _question(asked, plan)


async def press(asked: Asked, click: Click) -> Card | None:
    """ "Apply" or "Put back", after Slack's own question: what the reader saw, or nothing."""
    match click.pieces:
        case (service, environment, seen, ("apply" | "restore") as way):
            place = Place.named(service, environment, asked.edges.catalog)
        case _:
            place = None
    if place is None:
        return gone(asked)
    outcome = await apply_config(
        place,
        asked.by,
        asked.edges,
        seen=seen,
        restore=way == "restore",
        asked_in=asked.channel,
    )
    match outcome:
        case Refused(plan):
            return _refused(asked, plan)
        case Changed(plan) if plan.unchanged:
            return notice_card(asked.texts, "config_same", sign=OK, **_names(asked, place))
        case Changed(plan) if not all_open(plan.gates):
            return _refused(asked, plan)
        case Changed(plan):
            return _question(asked, plan, changed=True)
        case Applied():
            return _applied(asked, outcome)
    return _nothing(asked, place, outcome)


PRESSES: Final[Mapping[str, Press]] = {"configure": press}


def _question(asked: Asked, plan: Planned, *, changed: bool = False) -> Card:
    place, kept = plan.place, plan.restored
    return question_card(
        plan.objects,
        service=place.service.name,
        environment=place.environment.name,
        environment_title=title(place, asked.texts),
        file=f"{place.service.manifests.name}/{_file(place)}",
        fingerprint=plan.fingerprint,
        restored=(kept.taken_at, kept.by) if kept is not None else None,
        restarts=plan.restarts,
        changed=changed,
        texts=asked.texts,
    )


def _file(place: Place) -> str:
    own = f"config.{place.environment.name}.yaml"
    return own if (place.service.manifests / own).exists() else "config.yaml"


def _refused(asked: Asked, plan: Planned) -> Card:
    place = plan.place
    way = " --restore" if plan.restored is not None else ""
    return refused_card(
        plan.gates,
        service=place.service.name,
        environment_title=title(place, asked.texts),
        line=f"config {place.service.name} {place.environment.name}{way}",
        texts=asked.texts,
    )


def _applied(asked: Asked, outcome: Applied) -> Card:
    place, texts = outcome.plan.place, asked.texts
    names = _names(asked, place)
    match outcome.restart:
        case Started(rollout) | AlreadyUnderway(rollout):
            asked.wake(rollout)
            where = channel(place.environment.channel.id)
            return notice_card(texts, "config_applied", sign=OK, channel=where, **names)
        case Closed(gates=gates):
            why = next((gate_sentence(gate, texts) for gate in gates if not gate.ok), "")
            return notice_card(texts, "config_applied_closed", sign=WARNING, why=why, **names)
        case PortError() as error:
            why = trouble_sentence(error.port, error.trouble, error.values, texts).rstrip(".")
            return notice_card(texts, "config_applied_closed", sign=WARNING, why=why, **names)
        case NotRunning():
            return notice_card(texts, "config_applied_idle", sign=OK, **names)
        case None:
            return notice_card(texts, "config_applied_keeps", sign=OK, **names)


def _nothing(asked: Asked, place: Place, outcome: NoFile | NothingKept) -> Card:
    key = "config_none" if isinstance(outcome, NoFile) else "config_nothing_kept"
    return notice_card(asked.texts, key, sign=HAND, **_names(asked, place))


def _names(asked: Asked, place: Place) -> dict[str, str]:
    return {"service": place.service.name, "environment": title(place, asked.texts)}

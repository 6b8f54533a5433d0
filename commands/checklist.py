"""`checklist SERVICE [VERSION]`, and the buttons on its message: tick, tick with evidence, untick.

Where a click changes the list its message is the answer; whatever changes nothing gets a private
one. Values of buttons and modals come from outside: each piece is checked before it is used.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from bot.cards.card import Card
from bot.cards.checklist import (
    MOST_WITH_TWO_BUTTONS,
    evidence_error,
    evidence_modal,
    moved_card,
    refused_card,
)
from bot.cards.mrkdwn import clean
from bot.cards.pointer import notice_card
from bot.cards.usage import usage_card
from bot.domain.checklist import Checklist, No, Refusal
from bot.domain.image import is_digest
from bot.errors import PortError
from bot.text import Texts
from bot.workflows.checklist import (
    could_tick,
    goal_of,
    open_list,
    press_tick,
    press_untick,
    who_may,
)
from bot.workflows.edges import Place
from bot.workflows.version import Chosen, NotChosen, choose
from commands.asked import Asked, title
from commands.command import UsageCode, UsageError
from commands.pressing import Click, Press, Window
from commands.vocabulary import CHECKLIST
from config.catalog import Catalog, UnknownNameError

COMMAND = CHECKLIST


async def run(asked: Asked) -> Card | None:
    assert asked.invocation.service is not None
    service = asked.edges.catalog.service(asked.invocation.service)
    place = Place(service, goal_of(asked.edges.catalog))
    chosen = await choose(place, asked.invocation.version, asked.edges)
    if isinstance(chosen, NotChosen):
        return _not_chosen(asked, place, chosen)
    return await _open(asked, place, chosen)


async def press_open(asked: Asked, click: Click) -> Card | None:
    """The button "Open the checklist": of a digest, or the service's current list."""
    service, digest = (*click.pieces, "", "")[:2]
    try:
        place = Place(asked.edges.catalog.service(service), goal_of(asked.edges.catalog))
    except UnknownNameError:
        return _refused(asked, service, Refusal(No.NO_LIST))
    if not digest:
        held = await asked.edges.checklists.current(service)
        if held is None:
            return _refused(asked, service, Refusal(No.NO_LIST))
        return await _link(asked, held)
    if not is_digest(digest):
        return _refused(asked, service, Refusal(No.NO_LIST))
    chosen = await choose(place, digest, asked.edges)
    if isinstance(chosen, NotChosen):
        return _refused(asked, service, Refusal(No.NO_LIST))
    return await _open(asked, place, chosen)


async def press(asked: Asked, click: Click) -> Card | None:
    """Tick or untick."""
    service, digest, item, seen = (*click.pieces, "", "", "", "")[:4]
    if click.verb == "untick":
        decided = await press_untick(service, digest, item, _time(seen), asked.by, asked.edges)
    else:
        decided = await press_tick(service, digest, item, asked.by, asked.edges)
    return _refused(asked, service, decided) if isinstance(decided, Refusal) else None


async def ask_evidence(asked: Asked, click: Click) -> Card | None:
    """The modal, for whom a tick would be taken now; the rest hear why not before they write."""
    service, digest, item_id = (*click.pieces, "", "", "")[:3]
    allowed = await could_tick(service, digest, item_id, asked.by, asked.edges)
    if isinstance(allowed, Refusal):
        return _refused(asked, service, allowed)
    item = next(each for each in asked.edges.catalog.checklist if each.id == item_id)
    data = "|".join((service, digest, item_id, asked.channel))
    modal = evidence_modal(item, data, asked.texts, optional=_optional(asked.edges.catalog))
    await asked.edges.messenger.open_modal(asked.trigger, modal)
    return None


def evidence_errors(entered: Mapping[str, str], texts: Texts) -> dict[str, str]:
    """What stands in the modal beside its field; nothing where it can be taken."""
    why = evidence_error(entered.get("evidence", ""), texts)
    return {"evidence": why} if why else {}


async def submit_evidence(
    asked: Asked, pieces: Sequence[str], entered: Mapping[str, str]
) -> Card | None:
    service, digest, item = (*pieces, "", "", "")[:3]
    written = clean(entered.get("evidence", ""), lines=True).strip()
    decided = await press_tick(service, digest, item, asked.by, asked.edges, written)
    return _refused(asked, service, decided) if isinstance(decided, Refusal) else None


PRESSES: Final[Mapping[str, Press]] = {
    "checklist": press_open,
    "tick": press,
    "untick": press,
    "evidence": ask_evidence,
}
WINDOWS: Final[Mapping[str, Window]] = {
    "evidence": Window(COMMAND.name, evidence_errors, submit_evidence)
}


def _optional(catalog: Catalog) -> bool:
    """In a long list the modal is the only way to tick."""
    return len(catalog.checklist) > MOST_WITH_TWO_BUTTONS


async def _open(asked: Asked, place: Place, chosen: Chosen) -> Card | None:
    name, digest = place.service.name, chosen.image.digest
    held = await open_list(name, digest, chosen.version, asked.by, asked.edges)
    return await _link(asked, held)


async def _link(asked: Asked, held: Checklist) -> Card | None:
    """Raises PortError where its message cannot be posted; what may pass is tried again by itself,
    and the answer says that it is on its way."""
    try:
        ref = await asked.edges.lists.placed(held.service, held.digest)
        permalink = await asked.edges.messenger.permalink(ref)
    except PortError as error:
        if not error.temporary:
            raise
        permalink = ""
    return moved_card(held, asked.edges.catalog.checklist, permalink, asked.texts)


def _refused(asked: Asked, service: str, refusal: Refusal) -> Card:
    catalog = asked.edges.catalog
    goal = goal_of(catalog)
    return refused_card(
        refusal,
        service,
        who_may(catalog),
        environment_title=goal.title.to(asked.texts.language),
        texts=asked.texts,
    )


def _not_chosen(asked: Asked, place: Place, answer: NotChosen) -> Card:
    names = {"service": place.service.name, "environment": title(place, asked.texts)}
    match answer.code:
        case "NOTHING_BEFORE":
            return notice_card(asked.texts, "none_in_before", before=answer.environment, **names)
        case "NO_IMAGES":
            return notice_card(asked.texts, "no_release", **names)
    lines = tuple(f"checklist {place.service.name} {version}" for version in answer.nearest)
    values = {"word": answer.version, "service": place.service.name}
    error = UsageError(UsageCode.UNKNOWN_VERSION, values, lines, command=COMMAND.name)
    return usage_card(error, verb=COMMAND, texts=asked.texts)


def _time(text: str) -> datetime:
    """When the tick was made that the reader saw. Any other text is a time at which none was."""
    try:
        seen = datetime.fromisoformat(text)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return seen if seen.tzinfo else seen.replace(tzinfo=UTC)

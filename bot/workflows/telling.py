"""What a rollout tells people: its card, its thread, and private words to who asked for it.

Pure but for the two that whisper; the engine and the app put them where they belong.
"""

import logging
from datetime import datetime

from bot.cards.build import build_card, build_ended_card
from bot.cards.card import Card
from bot.cards.checklist import checklist_card
from bot.cards.details import ended_card
from bot.cards.mrkdwn import channel
from bot.cards.pointer import notice_card, pointer_card
from bot.cards.promotion import announcement_card, opened_card
from bot.cards.rollout import rollout_card
from bot.domain.build import Build
from bot.domain.checklist import Checklist
from bot.domain.permission import people_of, roles_that_may_deploy
from bot.domain.rollout import Rollout
from bot.errors import PortError, Trouble
from bot.text import Texts
from bot.workflows.checklist import goal_of, who_may
from bot.workflows.edges import Edges
from config.catalog import Catalog, Environment, UnknownNameError

log = logging.getLogger(__name__)


def card_of(
    rollout: Rollout, catalog: Catalog, now: datetime, *, texts: Texts | None = None
) -> Card:
    """The one card, in the language of its channel; or in a reader's own, where they have `texts`
    (so everywhere here)."""
    environment = _environment(rollout, catalog)
    texts = texts or _channel_texts(environment, catalog)
    return rollout_card(
        rollout,
        environment_title=catalog.title_of(rollout.environment, texts.language),
        base_url=environment.base_url if environment else "",
        texts=texts,
        now=now,
    )


def details_of(rollout: Rollout, catalog: Catalog, *, texts: Texts | None = None) -> Card:
    """The reply in the card's thread when it has ended."""
    environment = _environment(rollout, catalog)
    texts = texts or _channel_texts(environment, catalog)
    return ended_card(
        rollout,
        environment_title=catalog.title_of(rollout.environment, texts.language),
        texts=texts,
    )


def opened_of(rollout: Rollout, catalog: Catalog) -> Card:
    """The reply in the card's thread that calls those who may let it go."""
    environment = _environment(rollout, catalog)
    texts = _channel_texts(environment, catalog)
    roles = roles_that_may_deploy(catalog, environment) if environment else ()
    title = catalog.title_of(rollout.environment, texts.language)
    return opened_card(rollout, environment_title=title, who=people_of(roles), texts=texts)


def checklist_of(checklist: Checklist, catalog: Catalog) -> Card:
    """The one message of a list, in the language of its channel."""
    goal = goal_of(catalog)
    texts = _channel_texts(goal, catalog)
    title = goal.title.to(texts.language)
    return checklist_card(
        checklist, catalog.checklist, who_may(catalog), environment_title=title, texts=texts
    )


def announcement_of(rollout: Rollout, catalog: Catalog) -> Card:
    """What the channel hears of an override, with those whose yes was passed by."""
    environment = _environment(rollout, catalog)
    texts = _channel_texts(environment, catalog)
    return announcement_card(
        rollout,
        environment_title=catalog.title_of(rollout.environment, texts.language),
        texts=texts,
    )


def build_of(build: Build, catalog: Catalog, *, texts: Texts | None = None) -> Card:
    """The card of a build, in the language of its channel."""
    texts = texts or _build_texts(build, catalog)
    wanted = [wish.environment for wish in build.wishes]
    found = [each for each in catalog.environments if each.name in wanted]
    titles = tuple(each.title.to(texts.language) for each in found)
    return build_card(build, environment_titles=titles, texts=texts)


def build_ended_of(build: Build, log: str, catalog: Catalog) -> Card:
    return build_ended_card(build, log, _build_texts(build, catalog))


def _build_texts(build: Build, catalog: Catalog) -> Texts:
    there = [e for e in catalog.environments if e.channel.id == build.card.channel]
    return _channel_texts(there[0] if there else None, catalog)


async def tell_where(rollout: Rollout, edges: Edges) -> None:
    """Typed elsewhere: a private link to the card. Best effort: the card itself stands."""
    if not rollout.asked_in or rollout.asked_in == rollout.card.channel:
        return
    texts = Texts.of(rollout.requested_by.language)
    title = edges.catalog.title_of(rollout.environment, texts.language)
    try:
        permalink = await permalink_of(rollout, edges)
        card = pointer_card(rollout, environment_title=title, permalink=permalink, texts=texts)
        await edges.messenger.whisper(rollout.asked_in, rollout.requested_by.id, card)
    except PortError as error:
        log.info("no private link to rollout %s: %s", rollout.id, error)


async def permalink_of(rollout: Rollout, edges: Edges) -> str:
    """Where its card is; "" while it is not posted, or where Slack does not say."""
    if not rollout.card.ts:
        return ""
    try:
        return await edges.messenger.permalink(rollout.card)
    except PortError as error:
        log.info("no permalink of rollout %s: %s", rollout.id, error)
        return ""


async def tell_turned_away(rollout: Rollout, edges: Edges) -> None:
    """The card could not be posted: whoever asked hears why, and that nothing was touched."""
    texts = Texts.of(rollout.requested_by.language)
    not_invited = rollout.obstacle is not None and rollout.obstacle.trouble == Trouble.NOT_INVITED
    notice = "not_invited" if not_invited else "no_card"
    card = notice_card(texts, notice, channel=channel(rollout.card.channel))
    where = rollout.asked_in or rollout.requested_by.id
    await edges.messenger.whisper(where, rollout.requested_by.id, card)


def _environment(rollout: Rollout, catalog: Catalog) -> Environment | None:
    """None where `dynamo.yml` no longer has it: a stored rollout outlives its catalog."""
    try:
        return catalog.environment(rollout.environment)
    except UnknownNameError:
        return None


def _channel_texts(environment: Environment | None, catalog: Catalog) -> Texts:
    return Texts.of(environment.language if environment else catalog.language)

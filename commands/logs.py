"""`logs SERVICE ENV […]`: the logs of all pods in one, by time; `--follow` keeps them live.

A short answer is private and in place. A long one is a message in the channel with a file in its
thread, and a live one a message in the channel: both are for the team.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from bot.cards.card import Card
from bot.cards.logs import (
    is_long,
    log_card,
    log_file_card,
    log_file_name,
    logs_notice_card,
    no_logs_card,
    query_error_card,
)
from bot.cards.mrkdwn import channel, link, user
from bot.cards.signs import HAND
from bot.domain.log_answer import LogAnswer
from bot.domain.log_query import Query, QueryError, read_query
from bot.domain.log_sources import NoSources
from bot.domain.rollout import CardRef
from bot.errors import PortError, Trouble
from bot.text import Texts
from bot.workflows.edges import Place
from bot.workflows.log_desk import Already, LogDesk, TooMany
from bot.workflows.log_reading import LogPlace
from bot.workflows.log_stopping import stop_follow
from bot.workflows.people import groups_of, permission
from commands.asked import Asked, title
from commands.durations import amount_of
from commands.pressing import Click, Press
from commands.vocabulary import LOGS

COMMAND = LOGS

log = logging.getLogger(__name__)

_ELSEWHERE: Final = frozenset({Trouble.NOT_INVITED, Trouble.NOT_FOUND})
"""The bot cannot post where the line was typed."""


async def run(asked: Asked) -> Card | None:
    query = await wanted(asked)
    if isinstance(query, Card):
        return query
    return await (_follow if "follow" in asked.invocation.options else _read)(asked, query)


async def wanted(asked: Asked) -> Query | Card:
    """What is asked for; or the answer to what cannot be meant, or may not be read."""
    options = asked.invocation.options
    since = amount_of(str(options["since"])) if "since" in options else None
    query = read_query(options, since)
    if isinstance(query, QueryError):
        return query_error_card(query, asked.texts)
    if "follow" in options and query.previous:
        return query_error_card(QueryError("previous_follow", {}), asked.texts)
    if not await _has_a_role(asked):
        return logs_notice_card(asked.texts, "no_role", HAND, denied=True)
    place = asked.place
    log.info(
        "%s reads the logs of %s/%s", asked.actor.id, place.service.name, place.environment.name
    )
    return query


async def press_stop(asked: Asked, click: Click) -> Card | None:
    """By whoever started it, or may deploy there."""
    message = desk_of(asked).message(click.value)
    if message is None:
        return logs_notice_card(asked.texts, "over")
    if message.started_by != asked.actor.id:
        place = Place.named(message.service, message.environment, asked.edges.catalog)
        if place is None or not (await permission(asked.actor.id, place, asked.edges)).ok:
            who = user(message.started_by)
            return logs_notice_card(asked.texts, "not_yours", HAND, who=who)
    if not await stop_follow(desk_of(asked), message, asked.by, asked.edges):
        return logs_notice_card(asked.texts, "over")
    return None


async def press_download(asked: Asked, click: Click) -> Card | None:
    if not await _has_a_role(asked):
        return logs_notice_card(asked.texts, "no_role", HAND)
    if not await desk_of(asked).download(click.value):
        return logs_notice_card(asked.texts, "lines_gone")
    return None


PRESSES: Final[Mapping[str, Press]] = {
    "stop-logs": press_stop,
    "download-logs": press_download,
}


# --- read once -----------------------------------------------------------------------------------


async def _read(asked: Asked, query: Query) -> Card | None:
    place = asked.place
    answer = await desk_of(asked).read(_log_place(place), query)
    if isinstance(answer, NoSources):
        return none_card(asked, answer)
    if not is_long(answer):
        return _card(asked, answer, asked.texts)
    return await _post(asked, answer)


async def _post(asked: Asked, answer: LogAnswer) -> Card | None:
    """Where nothing can be posted the answer is private, and its file in direct messages."""
    texts = Texts.of(asked.place.environment.language)
    messenger = asked.edges.messenger
    where = asked.channel or asked.actor.id
    try:
        posted = await messenger.post(where, _card(asked, answer, texts), thread=asked.thread)
    except PortError as error:
        if error.trouble not in _ELSEWHERE:
            raise
        card, whole = _card(asked, answer, asked.texts), _file(asked, answer, asked.texts)
        return replace(card, full=whole.full, file=whole.file)
    thread = asked.thread or posted.ts
    await messenger.post(posted.channel, _file(asked, answer, texts), thread=thread)
    return await _where(asked, posted) if posted.channel != asked.channel else None


def _card(asked: Asked, answer: LogAnswer, texts: Texts) -> Card:
    return log_card(
        answer,
        service=asked.place.service.name,
        environment_title=title(asked.place, texts),
        line=asked.invocation.line,
        texts=texts,
    )


def _file(asked: Asked, answer: LogAnswer, texts: Texts) -> Card:
    place = asked.place
    at = asked.edges.clock.now()
    file = log_file_name(place.service.name, place.environment.name, at)
    return log_file_card(answer, file=file, texts=texts)


# --- live ----------------------------------------------------------------------------------------


async def _follow(asked: Asked, query: Query) -> Card | None:
    desk, place = desk_of(asked), asked.place
    where = asked.channel or asked.actor.id
    line = asked.invocation.line
    refused = desk.already(where, line) or desk.room(asked.actor.id)
    if refused is not None:
        return await _no_room(asked, refused)
    none = await desk.unreadable(_log_place(place), query)
    if none is not None:
        return none_card(asked, none)
    try:
        posted = await desk.follow(
            _log_place(place),
            query,
            channel=where,
            thread=asked.thread,
            line=line,
            language=place.environment.language,
            user=asked.actor.id,
        )
    except PortError as error:
        if error.trouble not in _ELSEWHERE:
            raise
        return logs_notice_card(asked.texts, "not_live", HAND)
    return await _where(asked, posted) if posted.channel != asked.channel else None


async def _no_room(asked: Asked, refused: TooMany | Already) -> Card:
    match refused:
        case Already(ref):
            return logs_notice_card(asked.texts, "already", link=await _link(asked, ref))
        case TooMany():
            return no_room_card(asked, refused)


def no_room_card(asked: Asked, refused: TooMany) -> Card:
    key = "too_many_yours" if refused.yours else "too_many"
    return logs_notice_card(asked.texts, key, HAND, count=refused.count)


# --- shared --------------------------------------------------------------------------------------


def desk_of(asked: Asked) -> LogDesk:
    desk = asked.edges.logs
    assert desk is not None
    return desk


def _log_place(place: Place) -> LogPlace:
    return LogPlace.of(place.service, place.environment)


def none_card(asked: Asked, none: NoSources) -> Card:
    return no_logs_card(
        none,
        service=asked.place.service.name,
        environment_title=asked.title(asked.place),
        texts=asked.texts,
    )


async def _has_a_role(asked: Asked) -> bool:
    """Logs hold what is nobody's business outside of the team: any role will do, but one is
    needed. Raises PortError: fails closed."""
    catalog, person = asked.edges.catalog, asked.actor.id
    if catalog.roles_of(person, frozenset()):
        return True
    groups = await groups_of(person, catalog.roles, asked.edges.people)
    return bool(catalog.roles_of(person, groups))


async def _where(asked: Asked, ref: CardRef) -> Card:
    address = await _link(asked, ref)
    return logs_notice_card(asked.texts, "where", channel=channel(ref.channel), link=address)


async def _link(asked: Asked, ref: CardRef) -> object:
    try:
        address = await asked.edges.messenger.permalink(ref)
    except PortError as error:
        log.info("no permalink: %s", error)
        return ""
    return link(address, asked.texts("logs.notice.link"))

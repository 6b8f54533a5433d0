"""The Home tab: what waits for its reader, what is under way, what runs where, what is locked, in
which language. Private to its reader.

The least first: what waits is on top, and what is well is counted where there is much of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from bot.cards import buttons, signs
from bot.cards.blocks import HOME, Part, actions, context, fit, header, section
from bot.cards.card import Block, Card
from bot.cards.lock import lock_parts
from bot.cards.mrkdwn import Mrkdwn, channel, cut_mrkdwn, escape, join, say, say_plain, user
from bot.cards.rollout import rollout_card
from bot.cards.status import cell_text, status_card
from bot.domain.lock import Lock
from bot.domain.rollout import Rollout
from bot.domain.status import Health, StatusMatrix
from bot.domain.waiting import WaitingItems, WaitingRollout
from bot.text import LANGUAGES, Texts

_SHOWN = 10
_LOCKS = 5
_LIMIT = 150
_NAME = 60
_EVERY = 12
"""Services of an environment that are all listed; of more, those that are ready are counted."""
_NOT_WELL = 25

TitleOf = Callable[[str], str]


def home_card(
    waiting: Sequence[WaitingRollout],
    lists: Sequence[WaitingItems],
    active: Sequence[Rollout],
    locks: Sequence[Lock],
    matrix: StatusMatrix,
    *,
    reader: str,
    chosen: str,
    follows: str,
    title_of: TitleOf,
    texts: Texts,
    now: datetime,
) -> Card:
    """`title_of` says an environment's title by its name; `chosen` is the language that the reader
    chose ("" for none), `follows` the one of their Slack. Tables are for messages, and fixed width
    breaks on a phone: here each environment is a list."""
    status = status_card(matrix, line="status", texts=texts, now=now, monospace=True)
    count = len(waiting) + sum(len(each.items) for each in lists)
    parts = [
        Part(header(say_plain(texts, "home.title", 150))),
        Part(section(say(texts, "home.intro"))),
        Part(actions(*_row(texts))),
        Part(header(say_plain(texts, "home.waiting", 150))),
        *_waiting(waiting, lists, title_of, texts, now),
        Part(header(say_plain(texts, "home.under_way", 150))),
        *_under_way(active, title_of, texts, now),
        *(Part(block) for block in status.blocks if block["type"] in ("header", "section")),
        *_environments(matrix, texts, now),
        *(Part(block) for block in status.blocks if block["type"] == "context"),
        Part(header(say_plain(texts, "lock.list.title", 150, sign=signs.LOCKED))),
        *_locks(locks, reader, title_of, texts, now),
        Part(section(say(texts, "home.speaks"), accessory=_languages(chosen, follows, texts))),
    ]
    summary = cut_mrkdwn(say(texts, "home.text", count=count), _LIMIT)
    return fit(summary, parts, shortened=say(texts, "common.shortened_here"), room=HOME)


def _row(texts: Texts) -> list[Block]:
    every = buttons.run("help", texts("home.everything"))
    return [buttons.open_form(texts), *([every] if every is not None else [])]


def _languages(chosen: str, follows: str, texts: Texts) -> Block:
    names = [(code, texts(f"language.{code}")) for code in LANGUAGES]
    automatic = texts("language.automatic", language=texts(f"language.{follows}"))
    return buttons.language([(buttons.AUTOMATIC, automatic), *names], chosen, texts)


def _waiting(
    waiting: Sequence[WaitingRollout],
    lists: Sequence[WaitingItems],
    title_of: TitleOf,
    texts: Texts,
    now: datetime,
) -> list[Part]:
    parts = []
    for each in waiting[:_SHOWN]:
        title = title_of(each.rollout.environment)
        row = _decisions(each, title, texts)
        parts.append(Part(section(_line(each.rollout, title, texts, now))))
        parts.append(Part(actions(*row)))
    for mine in lists[:_SHOWN]:
        parts.append(Part(section(_items(mine, texts))))
        held = mine.checklist
        opens = buttons.open_checklist(held.service, held.digest, texts)
        if opens is not None:
            parts.append(Part(actions(opens)))
    more = max(0, len(waiting) - _SHOWN) + max(0, len(lists) - _SHOWN)
    if more:
        parts.append(Part(context(say(texts, "home.more", count=more))))
    return parts or [Part(section(say(texts, "home.nothing_waits", sign=signs.OK)))]


def _decisions(waiting: WaitingRollout, title: str, texts: Texts) -> list[Block]:
    rollout = waiting.rollout
    row = []
    if waiting.release:
        before = rollout.before.version if rollout.before else ""
        row.append(buttons.go(rollout, title, before, texts))
    if waiting.approve:
        row.append(buttons.approve(rollout, texts, primary=not waiting.release))
        row.append(buttons.reject(rollout, texts))
    return row


def _items(mine: WaitingItems, texts: Texts) -> Mrkdwn:
    names = [escape(item.text.to(texts.language), 150) for item in mine.items]
    said = say(
        texts,
        "home.items",
        sign=signs.LIST,
        service=escape(mine.checklist.service, _NAME),
        version=escape(mine.checklist.version, _NAME),
    )
    return join([said, *(Mrkdwn(f"{signs.OPEN} {name}") for name in names)], "\n")


def _under_way(
    active: Sequence[Rollout], title_of: TitleOf, texts: Texts, now: datetime
) -> list[Part]:
    if not active:
        return [Part(section(say(texts, "home.quiet", sign=signs.OK)))]
    parts = [
        Part(section(_line(rollout, title_of(rollout.environment), texts, now)))
        for rollout in active[:_SHOWN]
    ]
    if len(active) > _SHOWN:
        parts.append(Part(context(say(texts, "home.more", count=len(active) - _SHOWN))))
    return parts


def _environments(matrix: StatusMatrix, texts: Texts, now: datetime) -> list[Part]:
    parts = []
    for place, title in enumerate(matrix.environments):
        found = [(item.service, item.cells[place]) for item in matrix.services]
        shown = [each for each in found if each[1].health is not Health.READY]
        if len(found) <= _EVERY:
            shown = found
        lines = [
            Mrkdwn(f"{escape(service, _NAME)}: {escape(cell_text(cell, texts, now))}")
            for service, cell in shown[:_NOT_WELL]
        ]
        if len(shown) > _NOT_WELL:
            lines.append(say(texts, "home.more", count=len(shown) - _NOT_WELL))
        if well := len(found) - len(shown):
            lines.append(say(texts, f"status.count.{Health.READY}", sign=signs.OK, count=well))
        heading = Mrkdwn(f"*{escape(title, _NAME)}*")
        parts.append(Part(section(join([heading, *lines], "\n")), spare=1))
    return parts


def _locks(
    locks: Sequence[Lock], reader: str, title_of: TitleOf, texts: Texts, now: datetime
) -> list[Part]:
    if not locks:
        return [Part(section(say(texts, "lock.list.nothing")))]
    held = [(lock, title_of(lock.environment)) for lock in locks[:_LOCKS]]
    parts = lock_parts(held, reader, texts, now)
    if len(locks) > _LOCKS:
        parts.append(Part(context(say(texts, "home.more", count=len(locks) - _LOCKS))))
    return parts


def _line(rollout: Rollout, title: str, texts: Texts, now: datetime) -> Mrkdwn:
    """The sentence of its card, who asked, and the channel in which the card is."""
    card = rollout_card(rollout, environment_title=title, base_url="", texts=texts, now=now)
    return say(
        texts,
        "home.rollout",
        sign=signs.STATE[rollout.state],
        sentence=Mrkdwn(card.text),
        who=user(rollout.requested_by.id),
        channel=channel(rollout.card.channel),
    )

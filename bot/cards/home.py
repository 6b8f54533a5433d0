"""The Home tab: what is under way, what runs where, what can be typed. Private to its reader."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from bot.cards import signs
from bot.cards.blocks import Part, fit, header, section
from bot.cards.card import Card
from bot.cards.help import help_card
from bot.cards.mrkdwn import Mrkdwn, channel, cut_mrkdwn, say, say_plain, user
from bot.cards.rollout import rollout_card
from bot.cards.status import status_card
from bot.cards.usage import Verb
from bot.domain.rollout import Rollout
from bot.domain.status import StatusMatrix
from bot.text import Texts

_SHOWN = 10
_LIMIT = 150


def home_card(
    active: Sequence[Rollout],
    matrix: StatusMatrix,
    verbs: Sequence[Verb],
    *,
    title_of: Callable[[Rollout], str],
    texts: Texts,
    now: datetime,
) -> Card:
    """`title_of` names a rollout's environment. Tables are for messages, so the matrix is in fixed
    width here."""
    status = status_card(matrix, line="status", texts=texts, now=now, monospace=True)
    verbs_shown = help_card(verbs, texts=texts)
    parts = [
        Part(header(say_plain(texts, "home.title", 150))),
        Part(section(say(texts, "home.intro"))),
        Part(section(Mrkdwn(f"*{say(texts, 'home.under_way')}*"))),
        *_under_way(active, title_of, texts, now),
        *(Part(block) for block in status.blocks if block["type"] != "actions"),
        Part(header(say_plain(texts, "home.type", 150)), spare=1),
        *(Part(block, spare=1) for block in verbs_shown.blocks[2:] if block["type"] == "section"),
    ]
    summary = say(texts, "home.text")
    return fit(cut_mrkdwn(summary, _LIMIT), parts, shortened=say(texts, "common.shortened_here"))


def _under_way(
    active: Sequence[Rollout],
    title_of: Callable[[Rollout], str],
    texts: Texts,
    now: datetime,
) -> list[Part]:
    if not active:
        return [Part(section(say(texts, "home.quiet", sign=signs.OK)))]
    return [
        Part(section(_line(rollout, title_of(rollout), texts, now))) for rollout in active[:_SHOWN]
    ]


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

"""Short private answers: where the card is, and one-sentence notices after a click or a command."""

from __future__ import annotations

from dataclasses import replace

from bot.cards import signs
from bot.cards.blocks import Part, fit, section
from bot.cards.card import Card
from bot.cards.demands import role_count
from bot.cards.mrkdwn import Mrkdwn, channel, cut_mrkdwn, escaped, link, plain, say, user
from bot.domain.rollout import Rollout
from bot.text import TextError, Texts

SUMMARY = 150
_NAME = 60


def pointer_card(
    rollout: Rollout,
    *,
    environment_title: str,
    permalink: str,
    texts: Texts,
    already: bool = False,
) -> Card:
    """Typed elsewhere: the card is in the environment's channel. `permalink` is "" while the card
    is still on its way. `already`: nothing was started, somebody asked for the same before."""
    names = {
        "service": plain(rollout.service, _NAME),
        "environment": plain(environment_title, _NAME),
        "version": plain(rollout.version, _NAME),
    }
    where = channel(rollout.card.channel)
    key = "already" if already else "line"
    line = say(
        texts,
        f"pointer.{key}" if permalink else "pointer.line_waiting",
        sign=signs.POINTER,
        channel=where,
        who=user(rollout.requested_by.id),
        link=link(permalink, texts("pointer.link")),
        **names,
    )
    summary = say(texts, "pointer.text", **names)
    return fit(
        cut_mrkdwn(summary, SUMMARY),
        [Part(section(line, limit=1_500))],
        shortened=say(texts, "common.shortened_here"),
    )


def notice_card(
    texts: Texts, notice: str, /, *, sign: str = signs.POINTER, **values: object
) -> Card:
    """One sentence of `[notice]`: what a click or a command came to. `values` are foreign text
    unless they are `Mrkdwn`; one that is missing shows as "…". Raises TextError for an unknown
    notice."""
    key = f"notice.{notice}"
    if key not in texts:
        raise TextError(key)
    line = Mrkdwn(texts.say(key, {**role_count(values), **escaped(values)}, ""))
    shown = Mrkdwn(f"{sign} {line}")
    return fit(
        cut_mrkdwn(line, SUMMARY),
        [Part(section(shown, limit=1_500))],
        shortened=say(texts, "common.shortened_here"),
    )


def denied_card(texts: Texts, notice: str, /, **values: object) -> Card:
    """As `notice_card`, of a refusal for want of rights."""
    return replace(notice_card(texts, notice, sign=signs.HAND, **values), denied=True)

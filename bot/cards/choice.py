"""One sentence that asks which of several was meant, and a button for each."""

from __future__ import annotations

from collections.abc import Sequence

from bot.cards import buttons, signs
from bot.cards.blocks import Part, actions, fit, section
from bot.cards.card import Card
from bot.cards.mrkdwn import Mrkdwn, cut_mrkdwn, escaped, say
from bot.text import TextError, Texts

SUMMARY = 150
MOST = 5


def choice_card(texts: Texts, notice: str, /, lines: Sequence[str], **values: object) -> Card:
    """`notice` is a sentence of `[notice]`; none of the `lines` is the primary one, since none is
    the likelier. Raises TextError for an unknown notice."""
    key = f"notice.{notice}"
    if key not in texts:
        raise TextError(key)
    line = Mrkdwn(texts.say(key, escaped(values), ""))
    parts = [Part(section(Mrkdwn(f"{signs.QUESTION} {line}"), limit=1_500))]
    offered = [
        buttons.run(each, buttons.typed(each), place=place)
        for place, each in enumerate(lines[:MOST], start=1)
    ]
    row = [block for block in offered if block is not None]
    if row:
        parts.append(Part(actions(*row)))
    return fit(cut_mrkdwn(line, SUMMARY), parts, shortened=say(texts, "common.shortened_here"))

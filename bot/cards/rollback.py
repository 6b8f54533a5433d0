"""The private question before a rollback where the environment wants to be asked once more."""

from __future__ import annotations

from collections.abc import Sequence

from bot.cards import buttons, signs
from bot.cards.blocks import Part, actions, context, fit, header, section
from bot.cards.card import Card
from bot.cards.mrkdwn import Mrkdwn, code, cut_mrkdwn, join, moment, plain, say, say_plain
from bot.domain.kind import GoodRelease
from bot.text import Texts
from bot.text.sentences import listing

_NAME, _SUMMARY = 60, 150


def ask_card(
    target: GoodRelease,
    *,
    service: str,
    environment_title: str,
    before: str,
    stays: Sequence[str],
    whole: bool,
    line: str,
    texts: Texts,
) -> Card:
    """What it goes back to, and what it cannot bring back."""
    names = {
        "service": plain(service, _NAME),
        "environment": plain(environment_title, _NAME),
        "before": plain(before, _NAME),
        "version": plain(target.version, _NAME),
    }
    said = [say(texts, f"rollback.note.{'returns' if whole else 'image_alone'}", **names)]
    if stays:
        listed = Mrkdwn(listing([str(code(each)) for each in stays], texts))
        said.append(say(texts, "rollback.note.stays", **{**names, "names": listed}))
    also = "migrations" if stays else "migrations_alone"
    said.append(say(texts, f"rollback.note.{also}", **names))
    when = moment(target.seen_at, "date")
    parts = [
        Part(header(say_plain(texts, "rollback.ask.header", 150, sign=signs.QUESTION, **names))),
        Part(section(say(texts, "rollback.ask.state", when=when, **names))),
        Part(section(join(said, "\n"), limit=2_000)),
        Part(context(code(buttons.typed(line), 400)), spare=1),
    ]
    press = buttons.roll_back_confirmed(target, line, names, texts)
    if press is not None:
        parts.append(Part(actions(press)))
    summary = say(texts, "rollback.ask.text", **names)
    return fit(cut_mrkdwn(summary, _SUMMARY), parts, shortened=say(texts, "common.shortened_here"))

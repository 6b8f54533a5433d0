"""The reply in the thread of an analysis' message: every reading with its sentence and its query,
every policy with its evidence, and whoever decides is called. Pure; the message is `summary.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.cards.blocks import Part, fit, section
from bot.cards.card import Card
from bot.cards.figures import figure
from bot.cards.mrkdwn import Mrkdwn, code, join, moment, people, say
from bot.cards.policy import whole_parts
from bot.cards.reading_words import SIGNS, label_of, sentence_of
from bot.cards.summary_words import Shown, called_people, names_of, notice_of, worst_first
from bot.domain.analysis import ORDER, Analysis, Follow, Reading, Stage
from bot.domain.analysis import Part as Of
from bot.text import Texts


def details_card(analysis: Analysis, shown: Shown, texts: Texts) -> Card:
    """Every reading with its sentence and the query that was asked, and every policy with its
    evidence; whoever decides is called."""
    names = names_of(analysis, shown, texts)
    stage = "final" if analysis.stage is Stage.FINAL else "provisional"
    head = say(texts, f"summary.thread.{stage}", **names)
    parts = []
    call = _call(analysis, shown, names, texts)
    if call:
        parts.append(Part(section(call)))
    parts.append(Part(section(head)))
    for part in Of:
        readings = [each for each in analysis.readings if each.part is part]
        if readings:
            title = Mrkdwn(f"*{texts(f'reading.part.{part.value}')}*")
            parts.append(Part(section(title), spare=1))
            parts += _in_full(readings, texts)
    if analysis.policies:
        title = Mrkdwn(f"*{texts('summary.thread.policies')}*")
        parts.append(Part(section(title), spare=1))
        parts += whole_parts(
            analysis.policies,
            service=analysis.service,
            environment=analysis.environment,
            pair=shown.pair,
            texts=texts,
            spare=2,
        )
    return fit(
        notice_of(analysis, names, texts), parts, shortened=say(texts, "common.shortened_here")
    )


def _in_full(readings: Sequence[Reading], texts: Texts) -> list[Part]:
    parts = []
    for each in worst_first(readings):
        both = (each.before, each.after) != (None, None)
        line = say(
            texts,
            "summary.thread.reading" if both else "summary.thread.reading_plain",
            sign=SIGNS[each.result],
            what=label_of(each, texts),
            before=figure(each.before, each.unit, texts),
            after=figure(each.after, each.unit, texts),
            sentence=sentence_of(each, texts),
        )
        asked = code(each.query, 1_500)
        if each.query:
            line = join([line, say(texts, "summary.thread.query", query=asked)], "\n")
        full = ""
        if len(each.query) > 1_400:
            full = f"{label_of(each, texts)}\n{each.query}"
        parts.append(Part(section(line), spare=2 + ORDER.index(each.result), full=full))
    return parts


def _call(analysis: Analysis, shown: Shown, names: Mapping[str, object], texts: Texts) -> Mrkdwn:
    keys = {Follow.ASKED: "calls", Follow.COUNTDOWN: "countdown", Follow.HELD: "held"}
    key = keys.get(analysis.follow)
    if key is None or analysis.muted_by:
        return Mrkdwn("")
    at = moment(analysis.acts_at, "seconds") if analysis.acts_at else ""
    who = people(called_people(analysis, shown))
    return say(texts, f"summary.thread.{key}", **{**names, "who": who, "at": at})

"""What an analysis found that is not as before: the table of figures, and a sentence for each
reading that is not well. Pure; `summary.py` puts them into the message.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.cards.blocks import Part, section, table
from bot.cards.figures import change, figure
from bot.cards.mrkdwn import cut_mrkdwn, join, say
from bot.cards.reading_words import SIGNS, label_of, sentence_of, verdict_of
from bot.cards.summary_words import worst_first
from bot.domain.analysis import Analysis, Reading, Result
from bot.domain.analysis import Part as Of
from bot.text import Texts

ROWS, REASONS = 9, 6
_ONE_SENTENCE = frozenset({"METRIC_DISAPPEARED"})
"""Codes of which several readings at once have the same cause."""


def finding_parts(analysis: Analysis, texts: Texts) -> list[Part]:
    """The figures, then the reasons; where no figure has moved the reason stands elsewhere, and
    comes first."""
    both = (_table(analysis, texts), _reasons(analysis, texts))
    return [part for each in (both if _figures_moved(analysis) else both[::-1]) for part in each]


def _figures_moved(analysis: Analysis) -> bool:
    return any(each.result in (Result.FAIL, Result.WARN) for each in _measured_ones(analysis))


def _measured_ones(analysis: Analysis) -> list[Reading]:
    return [
        each
        for each in worst_first(analysis.readings)
        if each.part is not Of.INTEGRATION and (each.before, each.after) != (None, None)
    ]


def _table(analysis: Analysis, texts: Texts) -> list[Part]:
    if analysis.result not in (Result.FAIL, Result.WARN):
        return []
    measured = _measured_ones(analysis)
    if not measured:
        return []
    columns = ("what", "before", "after", "change", "verdict")
    rows = [[texts(f"summary.table.{column}") for column in columns]]
    rows += [
        [
            label_of(each, texts),
            figure(each.before, each.unit, texts),
            figure(each.after, each.unit, texts),
            change(each.before, each.after, texts),
            verdict_of(each, texts),
        ]
        for each in measured[:ROWS]
    ]
    return [Part(table(rows, wrapped=[0]), spare=2)]


def _reasons(analysis: Analysis, texts: Texts) -> list[Part]:
    """A sentence for everything that is not well, and for what could not be judged."""
    parts = []
    if analysis.burning:
        parts.append(Part(section(say(texts, "summary.why.burning"))))
    if not analysis.readings:
        return [*parts, Part(section(say(texts, "summary.why.none")))]
    moved = _alike(
        [each for each in worst_first(analysis.readings) if each.result is not Result.PASS]
    )
    lines = [
        say(
            texts,
            "summary.why.line",
            sign=SIGNS[first.result],
            what=", ".join(label_of(each, texts) for each in (first, *others)),
            sentence=cut_mrkdwn(
                say(texts, f"reading.several.{first.code}")
                if others
                else sentence_of(first, texts),
                500,
            ),
        )
        for first, *others in moved[:REASONS]
    ]
    if len(moved) > REASONS:
        lines.append(say(texts, "summary.why.more", count=len(moved) - REASONS))
    if lines:
        parts.append(Part(section(join(lines, "\n")), spare=1))
    return parts


def _alike(readings: Sequence[Reading]) -> list[list[Reading]]:
    """Those that one sentence speaks for stand together, where the first of them stood."""
    groups: dict[object, list[Reading]] = {}
    for each in readings:
        key = each.code if each.code in _ONE_SENTENCE else id(each)
        groups.setdefault(key, []).append(each)
    return list(groups.values())

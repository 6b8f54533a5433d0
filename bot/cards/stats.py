"""The four numbers of delivery, each with what it rests on and how it is defined. Pure."""

from __future__ import annotations

from bot.cards import signs
from bot.cards.blocks import Part, context, fit, header, section
from bot.cards.card import Card
from bot.cards.figures import digits
from bot.cards.mrkdwn import Mrkdwn, join, say, say_plain
from bot.domain.delivery import TAKEN_BACK_WITHIN, Delivery, Measure
from bot.text import Texts
from bot.text.sentences import duration

WEEK = 7
_OFTEN = 1.0  # from one a day on, "a day" reads better than "a week"


def stats_card(delivery: Delivery, *, where: str, days: int, texts: Texts) -> Card:
    """`where`: service and environment in the reader's words; `days`: what was asked about."""
    heading = say_plain(texts, "stats.title", 150, where=where, count=days)
    parts = [Part(header(heading))]
    if delivery.days < days - 1:
        since = round(delivery.days)
        parts.append(Part(section(say(texts, "stats.young", count=since))))
    shown = {
        "frequency": (_frequency(delivery, texts), delivery.frequency, {}),
        "lead": (
            _time(delivery.lead, texts),
            delivery.lead,
            {"of": delivery.changes_of, "well": delivery.frequency.sample},
        ),
        "failures": (
            _share(delivery.failures, texts),
            delivery.failures,
            {"failed": delivery.failed},
        ),
        "recovery": (_time(delivery.recovery, texts), delivery.recovery, {}),
    }
    for name, (value, measure, values) in shown.items():
        parts.append(Part(section(_lines(name, value, measure, delivery, texts, values))))
        hours = TAKEN_BACK_WITHIN.total_seconds() / 3_600
        parts.append(Part(context(say(texts, f"stats.meaning.{name}", hours=int(hours))), spare=1))
    summary = say(texts, "stats.text", where=where, **{n: v for n, (v, _, _) in shown.items()})
    return fit(summary, parts, shortened=say(texts, "common.shortened_here"))


def _lines(
    name: str,
    value: str,
    measure: Measure,
    delivery: Delivery,
    texts: Texts,
    values: dict[str, int],
) -> Mrkdwn:
    """ "*Change-failure rate: 8 %*", its sample, and whether that is too little to judge by."""
    lines = [say(texts, f"stats.{name}", value=value)]
    if measure.sample or (name == "lead" and delivery.frequency.sample):
        lines.append(say(texts, f"stats.sample.{name}", count=measure.sample, **values))
    if name == "recovery" and delivery.unrecovered:
        lines.append(say(texts, "stats.unrecovered", count=delivery.unrecovered))
    if measure.sample and not measure.enough:
        few = say(texts, "stats.few", least=measure.least)
        lines.append(Mrkdwn(f"{signs.WARNING} {few}"))
    return join(lines, "\n")


def _frequency(delivery: Delivery, texts: Texts) -> str:
    each_day = delivery.frequency.value
    if each_day is None:
        return texts("stats.none")
    if each_day >= _OFTEN:
        return texts("stats.a_day", number=digits(each_day, texts))
    return texts("stats.a_week", number=digits(each_day * WEEK, texts))


def _time(measure: Measure, texts: Texts) -> str:
    return texts("stats.none") if measure.value is None else duration(measure.value, texts)


def _share(measure: Measure, texts: Texts) -> str:
    if measure.value is None:
        return texts("stats.none")
    return f"{digits(100 * measure.value, texts)} %"

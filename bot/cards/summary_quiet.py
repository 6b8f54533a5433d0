"""The one line of an analysis that found all well: how long it looked, at how much, what of it
could not be judged. Pure; `summary.py` says when one line is enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from bot.cards.figures import digits, figure
from bot.cards.mrkdwn import Mrkdwn, plain, say
from bot.cards.reading_words import label_of
from bot.domain.analysis import Analysis, DataState, Part, Reading, Result, Stage
from bot.domain.policy.finding import Standing
from bot.text import Texts

_ERRORS = "ERROR_RATIO"
_QUIET = (_ERRORS, "LATENCY_P95")


def quiet_pieces(analysis: Analysis, texts: Texts) -> list[Mrkdwn]:
    """What the line goes on with after its head, in the order in which it is read."""
    pieces = []
    windows = analysis.windows
    if windows is not None:
        minutes = round((windows.after.end - windows.completed) / timedelta(minutes=1))
        pieces.append(say(texts, "summary.quiet.minutes", minutes=minutes))
    requests = _requests(analysis.readings)
    if requests:
        pieces.append(say(texts, "summary.quiet.requests", requests=digits(requests, texts)))
    pieces += [_measured(each, texts) for each in _named(analysis.readings, _QUIET)]
    logs = [each for each in analysis.readings if each.part is Part.LOGS]
    if logs and all(each.result is Result.PASS for each in logs):
        pieces.append(say(texts, "summary.quiet.logs"))
    for part, key in ((Part.INTEGRATION, "dependencies"), (Part.RESPONSE_TIMES, "routes")):
        known = _subjects(analysis.readings, part)
        if known:
            values = {"well": sum(known.values()), "count": len(known)}
            pieces.append(say(texts, f"summary.quiet.{key}", **values))
    kept = [each for each in analysis.policies if each.standing is not Standing.EXEMPT]
    if kept and all(each.standing is Standing.KEPT for each in kept):
        pieces.append(say(texts, "summary.quiet.policies", count=len(kept)))
    return [*pieces, *_not_judged(analysis, texts)]


def _not_judged(analysis: Analysis, texts: Texts) -> list[Mrkdwn]:
    """What a PASS says nothing about: too early for it at the first look, or not to be known."""
    pieces = []
    unjudged = [each for each in analysis.readings if each.result is Result.INCONCLUSIVE]
    early = [
        each
        for each in unjudged
        if analysis.stage is Stage.PROVISIONAL and each.state is DataState.LOW
    ]
    rest = [each for each in unjudged if each not in early]
    for key, readings in (("too_early", early), ("not_judged", rest)):
        if readings:
            what = ", ".join(dict.fromkeys(label_of(each, texts) for each in readings))
            pieces.append(say(texts, f"summary.quiet.{key}", what=plain(what, 200)))
    return pieces


def _measured(reading: Reading, texts: Texts) -> Mrkdwn:
    key = "measured" if reading.before is not None else "measured_only"
    return say(
        texts,
        f"summary.quiet.{key}",
        what=label_of(reading, texts),
        before=figure(reading.before, reading.unit, texts),
        after=figure(reading.after, reading.unit, texts),
    )


def _named(readings: Sequence[Reading], names: Sequence[str]) -> list[Reading]:
    judged = [e for e in readings if e.result is not Result.INCONCLUSIVE and e.after is not None]
    return [each for name in names for each in judged if each.name == name]


def _requests(readings: Sequence[Reading]) -> float:
    """How many requests the errors were counted among."""
    for reading in readings:
        found = reading.values.get("requests_after") if reading.name == _ERRORS else None
        if isinstance(found, int | float):
            return float(found)
    return 0.0


def _subjects(readings: Sequence[Reading], part: Part) -> dict[str, bool]:
    """Of this part, each subject and whether all readings of it are well."""
    well: dict[str, bool] = {}
    for each in readings:
        if each.part is part and each.subject and each.result is not Result.INCONCLUSIVE:
            well[each.subject] = well.get(each.subject, True) and each.result is Result.PASS
    return well

"""The chart of an analysis, as values: one reading's samples in both windows, the rollout marked.

`chart_block` makes Slack's own block of it, `bot/cards/chart_picture.py` a picture for workspaces
that do not take that block, `alt_of` says the same in words. Pure. Limits of the block:
research/slack-contract.md §2.
"""

from __future__ import annotations

import hashlib
import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from bot.cards.card import Block
from bot.cards.figures import change, figure
from bot.cards.mrkdwn import plain
from bot.cards.reading_words import label_of
from bot.domain.analysis import Analysis, Reading, Result, Sample, Unit
from bot.text import Texts

TITLE, LABEL, AXIS, CATEGORIES = 50, 20, 50, 20
FEWEST = 4
"""Samples; fewer make no line."""

_SCALES: dict[Unit, tuple[float, str]] = {
    Unit.RATIO: (100.0, "%"),
    Unit.SECONDS: (1000.0, "ms"),
    Unit.BYTES: (1 / 1024**2, "MiB"),
    Unit.CORES: (1.0, "CPU"),
    Unit.PER_SECOND: (1.0, "/s"),
    Unit.COUNT: (1.0, ""),
}
_LIMITS = ("threshold", "limit", "slo")
"""Values of a reading that say which line must not be crossed, in its own unit."""

_PREFERRED = ("ERROR_RATIO", "LATENCY_P95", "LATENCY_P50", "MEMORY", "CPU")


@dataclass(frozen=True, slots=True)
class Point:
    """Minutes since the change was written, and the value in the chart's unit."""

    minutes: float
    value: float


@dataclass(frozen=True, slots=True)
class Chart:
    title: str
    y_label: str
    before: tuple[Point, ...]
    after: tuple[Point, ...]
    before_name: str
    after_name: str
    rolled: float  # minutes from the change to the rollout's end
    limit: float | None
    limit_name: str
    rollout_name: str
    minutes_name: str
    alt: str

    @property
    def fingerprint(self) -> str:
        content = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:16]


def chart_of(analysis: Analysis, environment_title: str, texts: Texts) -> Chart | None:
    """Of the reading that most needs to be seen; None where none has enough samples, or where
    all is well: nobody has to look at a graph then."""
    reading = charted(analysis.readings)
    windows = analysis.windows
    if reading is None or windows is None:
        return None
    scale, unit = _SCALES[reading.unit]
    written = windows.written
    before = _points([s for s in reading.series if s.at < written], written, scale)
    after = _points([s for s in reading.series if s.at >= written], written, scale)
    label = label_of(reading, texts)
    limit = _limit(reading)
    names = {
        "service": plain(analysis.service, 40),
        "environment": plain(environment_title, 40),
        "version": plain(analysis.version, 40),
        "previous": plain(analysis.previous, 40) or texts("summary.chart.nothing_before"),
        "what": label,
    }
    return Chart(
        title=_capital(plain(texts("summary.chart.title", **names), TITLE)),
        y_label=plain(f"{label}, {unit}" if unit else label, AXIS),
        before=before,
        after=after,
        before_name=plain(names["previous"], LABEL),
        after_name=plain(names["version"], LABEL),
        rolled=max(0.0, (windows.completed - written).total_seconds() / 60),
        limit=limit * scale if limit is not None else None,
        limit_name=plain(texts("summary.chart.limit"), LABEL),
        rollout_name=plain(texts("summary.chart.rollout", **names), 60),
        minutes_name=texts("summary.chart.minutes"),
        alt=_alt(reading, limit, names, texts),
    )


def charted(readings: Sequence[Reading]) -> Reading | None:
    shown = [
        each
        for each in readings
        if len(each.series) >= FEWEST
        and each.result in (Result.FAIL, Result.WARN)
        and each.after is not None  # a line that ends at the rollout shows nothing
    ]
    return min(shown, key=_urgency, default=None)


def _urgency(reading: Reading) -> tuple[int, int]:
    known = reading.name in _PREFERRED
    place = _PREFERRED.index(reading.name) if known else len(_PREFERRED)
    return (0 if reading.result is Result.FAIL else 1, place)


def _points(samples: Sequence[Sample], written: datetime, scale: float) -> tuple[Point, ...]:
    ordered = sorted(samples, key=lambda sample: sample.at)
    return tuple(
        Point(round((each.at - written).total_seconds() / 60, 3), each.value * scale)
        for each in ordered
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _limit(reading: Reading) -> float | None:
    found = next((reading.values[name] for name in _LIMITS if name in reading.values), None)
    return float(found) if isinstance(found, int | float) else None


def _alt(reading: Reading, limit: float | None, names: dict[str, str], texts: Texts) -> str:
    """What the line says, for who does not see it."""
    highest = max(reading.series, key=lambda sample: sample.value)
    said = texts(
        "summary.chart.alt",
        **names,
        before=figure(reading.before, reading.unit, texts),
        after=figure(reading.after, reading.unit, texts),
        change=change(reading.before, reading.after, texts),
        highest=figure(highest.value, reading.unit, texts),
        at=f"{highest.at:%H:%M} UTC",
    )
    if limit is not None:
        said += " " + texts("summary.chart.alt_limit", limit=figure(limit, reading.unit, texts))
    return _capital(plain(said, 900))


# --- Slack's own block ---------------------------------------------------------------------------


def chart_block(chart: Chart) -> Block:
    """A line over at most twenty steps of time. The step in which the new version begins carries
    its name: Slack draws no marks of ours."""
    steps = _steps(chart)
    labels = _unique([label for label, _ in steps])
    values = [round(value, 4) for _, value in steps]
    series = [{"name": chart.y_label[:LABEL], "data": _data(labels, values)}]
    if chart.limit is not None:
        limits = [round(chart.limit, 4)] * len(labels)
        series.append({"name": chart.limit_name, "data": _data(labels, limits)})
    return {
        "type": "data_visualization",
        "title": chart.title,
        "chart": {
            "type": "line",
            "series": series,
            "axis_config": {
                "categories": labels,
                "x_label": chart.minutes_name[:AXIS],
                "y_label": chart.y_label,
            },
        },
    }


def _data(labels: Sequence[str], values: Sequence[float]) -> list[dict[str, object]]:
    return [{"label": label, "value": value} for label, value in zip(labels, values, strict=True)]


def _steps(chart: Chart) -> list[tuple[str, float]]:
    """Means of neighbouring samples, so that both windows together have room."""
    every = len(chart.before) + len(chart.after)
    size = max(1, -(-every // (CATEGORIES - 2)))
    steps = [(f"{_minutes(group)}", _mean(group)) for group in _groups(chart.before, size)]
    for number, group in enumerate(_groups(chart.after, size)):
        label = f"▶ {chart.after_name}"[:LABEL] if number == 0 else _minutes(group)
        steps.append((label, _mean(group)))
    return steps


def _groups(points: Sequence[Point], size: int) -> list[Sequence[Point]]:
    return [points[start : start + size] for start in range(0, len(points), size)]


def _mean(points: Sequence[Point]) -> float:
    return statistics.fmean(point.value for point in points)


def _minutes(points: Sequence[Point]) -> str:
    minutes = round(points[0].minutes)
    return f"{'+' if minutes > 0 else '−' if minutes < 0 else ''}{abs(minutes)}"


def _unique(labels: Sequence[str]) -> list[str]:
    """Samples closer than a minute would share a label."""
    seen: dict[str, int] = {}
    unique = []
    for label in labels:
        seen[label] = count = seen.get(label, 0) + 1
        unique.append(label if count == 1 else f"{label}{'′' * (count - 1)}"[:LABEL])
    return unique

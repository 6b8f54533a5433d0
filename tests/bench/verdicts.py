"""How often the verdict on metrics is wrong, and how often it finds what is there.

A release of `traces` counts as failed where any reading of it says FAIL. Beside it, on the same
traces: a static threshold as Flagger has, and Mann–Whitney alone, each set so that it finds as many
doubled latencies as we do; what is compared is what they cost on unchanged ones. Every share comes
with half its 95 % interval. The seeds are none of those that thresholds were tuned on.
"""

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
from scipy.stats import mannwhitneyu

from bot.domain.analysis import Result, Sample
from bot.domain.metric_evidence import Evidence, Observed, Span
from bot.domain.metric_rules import Rules, Signal
from bot.domain.metric_verdicts import judge_metrics
from tests.bench.rows import Row
from tests.bench.shares import Share
from tests.bench.traces import AFTER, BEFORE, CALM, GAP, LENGTH, NOISY, UNTUNED, Cell, Traces
from tests.bench.traces import traces as traces_of

SEEDS = (11, 12, 13)
REPEATS = 1000  # of each cell and seed
_NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)
_WEEK = timedelta(days=7)
RULES = Rules()
GROUPS = (("calm", CALM), ("noisy", NOISY))


def run() -> Iterator[Row]:
    for name, cells in GROUPS:
        for season in (False, True):
            yield from _unchanged(name, cells, season)
    yield from _unchanged("noisy, no week before", NOISY, season=True, week=False)
    yield from _unchanged("of kinds that nothing was tuned on", UNTUNED, season=True)
    errors = _found_errors(1000)
    yield errors.row("errors 0.1 % → 3 % found, 1,000 requests", "≥ 99 %")
    for name, cells in GROUPS:
        found = [Share.of(_failed(cell, False, 2.0)) for cell in cells]
        aim = "≥ 97 %" if cells is CALM else "none"
        worst = min(found, key=lambda share: share.found)
        yield worst.row(f"latency × 2 found, {name}, worst cell", aim)
    for name, cells in (*GROUPS, ("both", (*CALM, *NOISY)), ("untuned kinds", UNTUNED)):
        yield from _beside_peers(name, cells)


def _unchanged(
    name: str, cells: Sequence[Cell], season: bool, *, week: bool = True
) -> Iterator[Row]:
    when = " with daily seasons" if season else ""
    aim = "≤ 0.5 %" if cells is CALM else "≤ 3 %" if cells is NOISY else "none"
    each = [_failed(cell, season, week=week) for cell in cells]
    what = f"false FAIL of an unchanged release, {name}{when}, mean of the cells"
    yield Share.of([hit for hits in each for hit in hits]).row(what, aim)
    worst = max((Share.of(hits) for hits in each), key=lambda share: share.found)
    yield worst.row(f"the same, worst cell of {len(cells)}", aim)


# --- ours ----------------------------------------------------------------------------------------


@cache
def _traces(cell: Cell, season: bool, factor: float = 1.0) -> tuple[Traces, ...]:
    """One for each seed."""
    return tuple(
        traces_of(cell, count=REPEATS, seed=seed, season=season, factor=factor) for seed in SEEDS
    )


@cache
def _failed(
    cell: Cell, season: bool, factor: float = 1.0, *, week: bool = True
) -> tuple[bool, ...]:
    return tuple(
        _fails(made, row, week=week)
        for made in _traces(cell, season, factor)
        for row in range(len(made.p50))
    )


def _fails(made: Traces, row: int, *, week: bool = True) -> bool:
    def observed(now: np.ndarray, former: np.ndarray | None = None) -> Observed:
        return Observed(
            before=_span(now[row, :BEFORE], _NOON),
            after=_span(now[row, BEFORE + GAP :], _NOON + (BEFORE + GAP) * _MINUTE),
            week_before=_span(former[row, :BEFORE], _NOON - _WEEK)
            if former is not None and week
            else Span(),
            week_after=_span(former[row, BEFORE + GAP :], _NOON - _WEEK)
            if former is not None and week
            else Span(),
        )

    evidence = Evidence(
        requests=observed(made.requests),
        errors=observed(made.errors),
        measured={
            Signal.LATENCY_P50: observed(made.p50, made.week50),
            Signal.LATENCY_P95: observed(made.p95, made.week95),
        },
    )
    return any(reading.result is Result.FAIL for reading in judge_metrics(evidence, RULES))


def _span(values: np.ndarray, start: datetime) -> Span:
    samples = tuple(Sample(start + n * _MINUTE, float(each)) for n, each in enumerate(values))
    return Span(samples, len(samples))


def _found_errors(requests: int) -> Share:
    """Three in a hundred fail, of that many requests in the window after."""
    dice = np.random.default_rng(11)
    shape = (REPEATS, LENGTH)
    counts = np.full(shape, requests / AFTER)
    ratio = np.where(np.arange(LENGTH) < BEFORE, 0.001, 0.03)
    errors = dice.binomial(round(requests / AFTER), ratio, shape).astype(float)
    flat = 0.1 * (1 + 0.05 * dice.standard_normal(shape))
    made = Traces(flat, 2.5 * flat, counts, errors, flat, 2.5 * flat)
    return Share.of([_fails(made, row) for row in range(REPEATS)])


# --- the peers -----------------------------------------------------------------------------------


def _beside_peers(name: str, cells: Sequence[Cell]) -> Iterator[Row]:
    """With seasons and without. Flagger's threshold is that of the operator: the best that one
    number for all services could do, if it knew these traces; it fails after five of the checks
    (one a minute) above it. Mann–Whitney judges both latencies, as we do."""
    every = [(cell, season) for cell in cells for season in (False, True)]
    ours = Share.of([hit for cell, season in every for hit in _failed(cell, season)])
    found = [hit for cell, season in every for hit in _failed(cell, season, 2.0)]
    detection = sum(found) / len(found)
    same = [made for cell, season in every for made in _traces(cell, season)]
    twice = [made for cell, season in every for made in _traces(cell, season, 2.0)]
    usual = np.concatenate([_rank(made) for made in same]) > -math.log(RULES.alpha)
    what = f"false FAIL, {name}: beside Mann–Whitney at 1 %"
    yield _beside(what, ours, Share.of(usual.tolist()))
    for peer, score in (("a static threshold", _static), ("Mann–Whitney alone", _rank)):
        bar = _bar(detection, np.concatenate([score(made) for made in twice]))
        theirs = np.concatenate([score(made) for made in same]) >= bar
        what = f"false FAIL at equal detection ({100 * detection:.1f} %), {name}: beside {peer}"
        yield _beside(what, ours, Share.of(theirs.tolist()))


def _beside(what: str, ours: Share, theirs: Share) -> Row:
    return Row(
        what, ours.found, theirs.found, "%", "fewer", error=ours.error, peer_error=theirs.error
    )


def _bar(detection: float, scores: np.ndarray) -> float:
    """The threshold at which a peer finds as many as we do."""
    ordered = np.sort(scores)[::-1]
    return float(ordered[max(0, math.ceil(detection * len(ordered)) - 1)])


def _static(made: Traces) -> np.ndarray:
    """The threshold (in seconds) that each would just fail: its fifth highest minute."""
    return np.asarray(np.sort(made.p95[:, BEFORE + GAP :], axis=1)[:, -5])


def _rank(made: Traces) -> np.ndarray:
    """The smaller p of both latencies, the higher."""
    ps = [
        mannwhitneyu(
            each[:, BEFORE + GAP :],
            each[:, :BEFORE],
            alternative="greater",
            method="asymptotic",
            axis=1,
        ).pvalue
        for each in (made.p50, made.p95)
    ]
    return np.asarray(-np.log(np.maximum(np.minimum(*ps), 1e-300)))

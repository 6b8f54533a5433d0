"""How often the verdict on metrics is wrong, and how often it finds what is there.

Traces as in research/rollouts.md §3.6: minute samples of p50 and p95 (correlated with each other)
and counts of failures, lognormal AR(1) noise, on a grid of autocorrelation and noise, with daily
seasons and the week before. A release counts as failed where any reading of it says FAIL. Beside
it, on the same traces: a static threshold as Flagger has, and Mann–Whitney alone, each set so that
it finds as many doubled latencies as we do; what is compared is what they cost on unchanged ones.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np

from bot.domain.analysis import Result, Sample
from bot.domain.metric_rules import Rules, Signal
from bot.domain.metric_verdicts import Evidence, Observed, Span, judge_metrics
from bot.domain.statistics import rise_of
from tests.bench.rows import Row

BEFORE, GAP, AFTER = 29, 4, 14  # minutes
REPEATS = 1000  # of each cell
CALM = ((0.0, 0.15), (0.5, 0.15), (0.8, 0.15))  # autocorrelation, noise
NOISY = ((0.5, 0.4), (0.8, 0.4))
_NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)
_WEEK = timedelta(days=7)
RULES = Rules()


@dataclass(frozen=True)
class Trace:
    """p50, p95, requests and errors of each minute, and p50 and p95 of the week before."""

    p50: np.ndarray
    p95: np.ndarray
    requests: np.ndarray
    errors: np.ndarray
    week50: np.ndarray
    week95: np.ndarray

    @property
    def before95(self) -> list[float]:
        return [float(each) for each in self.p95[:BEFORE]]

    @property
    def after95(self) -> list[float]:
        return [float(each) for each in self.p95[BEFORE + GAP :]]


def run() -> Iterator[Row]:
    for name, cells, aim in (("calm", CALM, "≤ 0.5 %"), ("noisy", NOISY, "≤ 3 %")):
        for season in (False, True):
            when = " with daily seasons" if season else ""
            shares = [100 * _failing(_traces(cell, season)) for cell in cells]
            what = f"false FAIL of an unchanged release, {name}{when}, mean of the cells"
            yield Row(what, sum(shares) / len(shares), None, "%", aim)
            yield Row(f"the same, worst cell of {len(cells)}", max(shares), None, "%", aim)
    yield Row(
        "errors 0.1 % → 3 % found, 1,000 requests", 100 * _found_errors(1000), None, "%", "≥ 99 %"
    )
    for cells in (CALM, NOISY):
        name = "calm" if cells is CALM else "noisy"
        found = [100 * _failing(_traces(cell, False, 2.0)) for cell in cells]
        aim = "≥ 97 %" if cells is CALM else "none"
        yield Row(f"latency × 2 found, {name}, worst cell", min(found), None, "%", aim)
    yield from _beside_peers()


# --- ours ----------------------------------------------------------------------------------------


def _failing(traces: Iterable[Trace]) -> float:
    found = [_ours(trace) is Result.FAIL for trace in traces]
    return sum(found) / len(found)


def _ours(trace: Trace) -> Result:
    def observed(values: np.ndarray, week: np.ndarray | None = None) -> Observed:
        return Observed(
            before=_span(values[:BEFORE], _NOON),
            after=_span(values[BEFORE + GAP :], _NOON + (BEFORE + GAP) * _MINUTE),
            week_before=_span(week[:BEFORE], _NOON - _WEEK) if week is not None else Span(),
            week_after=_span(week[BEFORE + GAP :], _NOON - _WEEK) if week is not None else Span(),
        )

    evidence = Evidence(
        requests=observed(trace.requests),
        errors=observed(trace.errors),
        measured={
            Signal.LATENCY_P50: observed(trace.p50, trace.week50),
            Signal.LATENCY_P95: observed(trace.p95, trace.week95),
        },
    )
    results = {reading.result for reading in judge_metrics(evidence, RULES)}
    return Result.FAIL if Result.FAIL in results else Result.PASS


def _span(values: np.ndarray, start: datetime) -> Span:
    samples = tuple(Sample(start + n * _MINUTE, float(each)) for n, each in enumerate(values))
    return Span(samples, len(samples))


def _found_errors(requests: int) -> float:
    """Three in a hundred fail, of that many requests in the window after."""
    dice = np.random.default_rng(11)
    each = requests / AFTER
    found = 0
    for _ in range(REPEATS):
        counts = np.full(BEFORE + GAP + AFTER, each)
        ratio = np.where(np.arange(len(counts)) < BEFORE, 0.001, 0.03)
        errors = dice.binomial(round(each), ratio).astype(float)
        flat = np.full(len(counts), 0.1) * (1 + 0.05 * dice.standard_normal(len(counts)))
        found += _ours(Trace(flat, flat * 2.5, counts, errors, flat, flat * 2.5)) is Result.FAIL
    return found / REPEATS


# --- the peers -----------------------------------------------------------------------------------


def _beside_peers() -> Iterator[Row]:
    """Flagger's threshold is that of the operator: the best that one number for all services could
    do, if it knew these traces. It fails after five of the checks (one a minute) above it."""
    for name, cells in (("calm", CALM), ("noisy", NOISY), ("both", (*CALM, *NOISY))):
        same = [trace for cell in cells for trace in _traces(cell, True)]
        twice = [trace for cell in cells for trace in _traces(cell, True, 2.0)]
        detection = _failing(twice)
        ours = 100 * _failing(same)
        usual = [rise_of(trace.before95, trace.after95).p < RULES.alpha for trace in same]
        share = 100 * sum(usual) / len(usual)
        yield Row(f"false FAIL, {name}: beside Mann–Whitney at 1 %", ours, share, "%", "fewer")
        for peer, score in (("a static threshold", _static), ("Mann–Whitney alone", _rank)):
            bar = _bar(detection, [score(trace) for trace in twice])
            theirs = [score(trace) >= bar for trace in same]
            yield Row(
                f"false FAIL at equal detection ({100 * detection:.1f} %), {name}: beside {peer}",
                ours,
                100 * sum(theirs) / len(theirs),
                "%",
                "fewer",
            )


def _bar(detection: float, scores: list[float]) -> float:
    """The threshold at which a peer finds as many as we do."""
    ordered = sorted(scores, reverse=True)
    return ordered[max(0, math.ceil(detection * len(ordered)) - 1)]


def _static(trace: Trace) -> float:
    """The threshold (in seconds) that this trace would just fail: its fifth highest minute."""
    return sorted(trace.after95, reverse=True)[4]


def _rank(trace: Trace) -> float:
    """The smaller p, the higher."""
    return -math.log(max(rise_of(trace.before95, trace.after95).p, 1e-300))


# --- traces --------------------------------------------------------------------------------------


@cache
def _traces(cell: tuple[float, float], season: bool, factor: float = 1.0) -> tuple[Trace, ...]:
    """Services differ in how fast they usually are; a release multiplies its latency."""
    autocorrelation, noise = cell
    dice = np.random.default_rng(round(1000 * (autocorrelation + noise)) + 7 * season)
    make: Callable[[], Trace] = lambda: _trace(  # noqa: E731
        dice, autocorrelation, noise, season, factor
    )
    return tuple(make() for _ in range(REPEATS))


def _trace(
    dice: np.random.Generator, autocorrelation: float, noise: float, season: bool, factor: float
) -> Trace:
    length = BEFORE + GAP + AFTER
    usual = 0.08 * math.exp(0.3 * dice.standard_normal())
    shared, own, week, failing = (_ar(dice, autocorrelation, length) for _ in range(4))
    other = 0.7 * shared + math.sqrt(1 - 0.49) * own
    hours = _season(dice, length) if season else np.ones(length)
    release = np.where(np.arange(length) < BEFORE, 1.0, factor)
    requests = dice.poisson(120 * hours, length).astype(float)
    ratio = 0.001 * np.exp(noise * failing)
    return Trace(
        p50=usual * hours * release * np.exp(noise * shared),
        p95=2.5 * usual * hours * release * np.exp(noise * other),
        requests=requests,
        errors=dice.binomial(requests.astype(int), ratio).astype(float),
        week50=usual * hours * np.exp(noise * week),
        week95=2.5 * usual * hours * np.exp(noise * week),
    )


def _season(dice: np.random.Generator, length: int) -> np.ndarray:
    """Somewhere in a day that rises by half within an hour in the morning, and sinks at night."""
    minute = dice.uniform(0, 1440) + np.arange(length)
    wave = 1 + 0.25 * np.sin(2 * np.pi * minute / 1440)
    morning = 1 + 0.5 / (1 + np.exp(-((minute % 1440) - 540) / 10))
    return wave * morning


def _ar(dice: np.random.Generator, autocorrelation: float, length: int) -> np.ndarray:
    steps = dice.standard_normal(length)
    found = np.empty(length)
    found[0] = steps[0]
    for at in range(1, length):
        found[at] = autocorrelation * found[at - 1]
        found[at] += math.sqrt(1 - autocorrelation**2) * steps[at]
    return found

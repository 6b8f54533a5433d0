"""Made-up traces of services, for benches of verdicts: minute samples of p50 and p95 (correlated
with each other), requests and failures, and the latencies of the week before.

As in research/rollouts.md §3.6: lognormal AR(1) noise on a grid of autocorrelation and noise, with
daily seasons or without. Two further kinds, on which no threshold was tuned, tell whether a rule
only knows the grid.
"""

import math
from dataclasses import dataclass

import numpy as np

BEFORE, GAP, AFTER = 29, 4, 14  # minutes
LENGTH = BEFORE + GAP + AFTER


@dataclass(frozen=True)
class Cell:
    """What a service's minutes are like. `tails`: degrees of freedom of Student's t, in the place
    of normal steps; the noise is the same, its extremes are more frequent."""

    alike: float  # autocorrelation
    noise: float
    tails: float = 0.0


CALM: tuple[Cell, ...] = (Cell(0.0, 0.15), Cell(0.5, 0.15), Cell(0.8, 0.15))
NOISY: tuple[Cell, ...] = (Cell(0.5, 0.4), Cell(0.8, 0.4))
UNTUNED: tuple[Cell, ...] = (Cell(0.9, 0.25), Cell(0.6, 0.3, tails=3.0))


@dataclass(frozen=True)
class Traces:
    """A row for each release."""

    p50: np.ndarray
    p95: np.ndarray
    requests: np.ndarray
    errors: np.ndarray
    week50: np.ndarray
    week95: np.ndarray


def traces(cell: Cell, *, count: int, seed: int, season: bool, factor: float = 1.0) -> Traces:
    """Services differ in how fast they usually are; a release multiplies its latency. The same
    seed is the same noise, whatever the factor."""
    dice = np.random.default_rng([seed, round(1000 * cell.alike), round(1000 * cell.noise), season])
    usual = 0.08 * np.exp(0.3 * dice.standard_normal((count, 1)))
    shared, own, week, failing = (_noise(dice, cell, count) for _ in range(4))
    other = 0.7 * shared + math.sqrt(1 - 0.49) * own
    hours = _season(dice, count) if season else np.ones((count, LENGTH))
    release = np.where(np.arange(LENGTH) < BEFORE, 1.0, factor)
    requests = dice.poisson(120 * hours).astype(float)
    ratio = np.minimum(0.001 * np.exp(cell.noise * failing), 1)
    return Traces(
        p50=usual * hours * release * np.exp(cell.noise * shared),
        p95=2.5 * usual * hours * release * np.exp(cell.noise * other),
        requests=requests,
        errors=dice.binomial(requests.astype(int), ratio).astype(float),
        week50=usual * hours * np.exp(cell.noise * week),
        week95=2.5 * usual * hours * np.exp(cell.noise * week),
    )


def _season(dice: np.random.Generator, count: int) -> np.ndarray:
    """Somewhere in a day that rises by half within an hour in the morning, and sinks at night."""
    minute = dice.uniform(0, 1440, (count, 1)) + np.arange(LENGTH)
    wave = 1 + 0.25 * np.sin(2 * np.pi * minute / 1440)
    morning = 1 + 0.5 / (1 + np.exp(-((minute % 1440) - 540) / 10))
    return wave * morning


def _noise(dice: np.random.Generator, cell: Cell, count: int) -> np.ndarray:
    """AR(1) with variance 1."""
    if cell.tails:
        scale = math.sqrt((cell.tails - 2) / cell.tails)
        steps = scale * dice.standard_t(cell.tails, (count, LENGTH))
    else:
        steps = dice.standard_normal((count, LENGTH))
    found = np.empty_like(steps)
    found[:, 0] = steps[:, 0]
    for at in range(1, LENGTH):
        fresh = math.sqrt(1 - cell.alike**2) * steps[:, at]
        found[:, at] = cell.alike * found[:, at - 1] + fresh
    return found

"""What the verdict on metrics is measured against: the signals, their floors, and the thresholds.

Defaults are those of research/rollouts.md §3.5, tuned where its own table misses the aims
(docs/analysis.md says where, with the error rates before and after); `metric_errors` and
`metric_samples` apply them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.domain.analysis import Unit


class Signal(StrEnum):
    """What is read of a service; the name of its `Reading`."""

    REQUEST_RATE = "REQUEST_RATE"
    ERROR_RATIO = "ERROR_RATIO"
    LATENCY_P50 = "LATENCY_P50"
    LATENCY_P95 = "LATENCY_P95"
    LATENCY_P99 = "LATENCY_P99"
    CPU = "CPU"
    MEMORY = "MEMORY"
    THROTTLING = "THROTTLING"
    RESTARTS = "RESTARTS"


LATENCIES = (Signal.LATENCY_P50, Signal.LATENCY_P95, Signal.LATENCY_P99)
SATURATION = frozenset({Signal.CPU, Signal.MEMORY, Signal.THROTTLING})
"""These warn; they fail only close to the limit of the container."""

SEASON_P = 0.05
"""Below it the rise of this hour a week ago was no chance; that of now is held against it."""

UNITS: Mapping[Signal, Unit] = {
    Signal.REQUEST_RATE: Unit.PER_SECOND,
    Signal.ERROR_RATIO: Unit.RATIO,
    Signal.LATENCY_P50: Unit.SECONDS,
    Signal.LATENCY_P95: Unit.SECONDS,
    Signal.LATENCY_P99: Unit.SECONDS,
    Signal.CPU: Unit.CORES,
    Signal.MEMORY: Unit.BYTES,
    Signal.THROTTLING: Unit.RATIO,
    Signal.RESTARTS: Unit.COUNT,
}

FLOORS: Mapping[Signal, float] = {
    Signal.LATENCY_P50: 0.020,
    Signal.LATENCY_P95: 0.020,
    Signal.LATENCY_P99: 0.020,
    Signal.CPU: 0.05,
    Signal.MEMORY: 32 * 2**20,
    Signal.THROTTLING: 0.10,
}
"""A rise by less is of no consequence, whatever its ratio."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Thresholds of one service. `limits` are absolute ones by signal (a service's own SLO): beyond
    them a rise is a FAIL however noisy the signal; `capacities` are the limits of the container
    (cores, bytes); `slo` is the share of requests that must be well, for the fast-burn guard."""

    limits: Mapping[Signal, float] = field(default_factory=dict)
    capacities: Mapping[Signal, float] = field(default_factory=dict)
    slo: float = 0.995

    alpha: float = 0.01
    warn_ratio: float = 1.25
    fail_ratio: float = 1.42
    warn_noise: float = 1.25
    fail_noise: float = 2.5
    fail_mads: float = 3.0
    full: float = 0.9  # of a capacity

    error_alpha_warn: float = 0.05
    error_points: float = 0.005
    error_ratio: float = 2.0
    least_errors: int = 5
    least_requests: int = 300  # below, errors under 5 % cannot be judged
    least_for_p99: int = 1000  # requests, in each window

    least_before: int = 10  # samples
    least_after: int = 5
    most_lost: float = 0.3
    dropped: float = 0.5  # traffic
    largest_season: float = 2.0

    burn: float = 14.4
    least_burning: int = 20  # requests

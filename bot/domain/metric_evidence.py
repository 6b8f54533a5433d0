"""What is known of a service's metrics before and after a change: samples in windows. Values only.

Asked for by `bot/workflows/looks/metric_asking.py`, judged by `metric_verdicts.py`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.domain.analysis import Sample
from bot.domain.metric_rules import Signal
from bot.domain.verdict import Value


@dataclass(frozen=True, slots=True)
class Span:
    """One window of one signal. `expected` is how many samples there would be if none were missing;
    NaN and infinities are kept, and count as lost."""

    samples: tuple[Sample, ...] = ()
    expected: int = 0

    @property
    def usable(self) -> tuple[float, ...]:
        return tuple(each.value for each in self.samples if math.isfinite(each.value))

    @property
    def lost(self) -> float:
        return 1 - len(self.usable) / self.expected if self.expected else 0.0


@dataclass(frozen=True, slots=True)
class Observed:
    """A signal in four windows; those of a week ago are empty where there is nothing so old.
    `trouble` is what kept it from being read (a code of the reading), `query` what was asked."""

    before: Span = Span()
    after: Span = Span()
    week_before: Span = Span()
    week_after: Span = Span()
    trouble: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)
    query: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that is known of one service. `requests` and `errors` are counts per sample, of
    `seconds` each. `compared`: there were pods before, so that "gone" can be told from "never
    there"."""

    requests: Observed
    errors: Observed
    measured: Mapping[Signal, Observed] = field(default_factory=dict)
    seconds: float = 60.0
    compared: bool = True
    restarts: int = 0
    out_of_memory: int = 0

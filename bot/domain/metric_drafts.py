"""A reading of one metric in the making: its numbers before its result is known, and what to say
where too little is known to judge it. Pure.

What is missing is never a PASS or a FAIL (research/rollouts.md §3.4).
"""

import math
import statistics
from dataclasses import dataclass, field

from bot.domain.analysis import DataState, Part, Reading, Result, Sample
from bot.domain.metric_evidence import Evidence, Observed, Span
from bot.domain.metric_rules import LATENCIES, UNITS, Rules, Signal
from bot.domain.verdict import Value

_FEWEST_SCRAPES = 3  # with fewer, what is not there may just not be there yet
_OF_REQUESTS = frozenset({Signal.REQUEST_RATE, Signal.ERROR_RATIO, *LATENCIES})


@dataclass(frozen=True, slots=True)
class Traffic:
    """How many requests there were in each window."""

    before: float
    after: float

    @classmethod
    def of(cls, requests: Observed) -> "Traffic":
        return cls(sum(requests.before.usable), sum(requests.after.usable))


@dataclass(slots=True)
class Draft:
    """A reading in the making: its numbers are there before its result is known."""

    signal: Signal
    seen: Observed
    traffic: Traffic
    scale: float = 1.0
    before: float | None = None
    after: float | None = None
    values: dict[str, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        before, after = self.seen.before, self.seen.after
        self.before = self._middle(before)
        self.after = self._middle(after)
        self.values |= {"samples_before": len(before.usable), "samples_after": len(after.usable)}
        lost = len(before.samples) + len(after.samples) - len(before.usable) - len(after.usable)
        if lost:
            self.values["lost"] = lost
        if self.signal in LATENCIES or self.signal in (Signal.ERROR_RATIO, Signal.REQUEST_RATE):
            self.values["requests_before"] = round(self.traffic.before)
            self.values["requests_after"] = round(self.traffic.after)

    def _middle(self, span: Span) -> float | None:
        if not span.usable:
            return None
        average = statistics.mean if self.signal is Signal.REQUEST_RATE else statistics.median
        return average(span.usable) * self.scale

    def reading(
        self, result: Result, code: str, state: DataState = DataState.OK, **values: Value
    ) -> Reading:
        return Reading(
            part=Part.METRICS,
            name=self.signal,
            result=result,
            code=code,
            state=state,
            unit=UNITS[self.signal],
            before=self.before,
            after=self.after,
            values={**self.values, **values},
            query=self.seen.query,
            series=tuple(
                Sample(each.at, each.value * self.scale)
                for span in (self.seen.before, self.seen.after)
                for each in span.samples
                if math.isfinite(each.value)
            ),
        )

    def low(self, least: int) -> Reading:
        return self.reading(Result.INCONCLUSIVE, "METRIC_LOW", DataState.LOW, least=least)


def missing_reading(draft: Draft, evidence: Evidence, rules: Rules) -> Reading | None:
    """The state of what cannot be judged; None where there is enough."""
    seen, traffic = draft.seen, draft.traffic
    if seen.trouble:
        draft.values.update(seen.values)
        return draft.reading(Result.INCONCLUSIVE, seen.trouble, DataState.QUERY_ERROR)
    there_before = bool(seen.before.samples)
    if draft.signal in _OF_REQUESTS and evidence.requests.after.usable and not traffic.after:
        result = Result.WARN if traffic.before else Result.INCONCLUSIVE
        gone = draft.signal is Signal.REQUEST_RATE and result is Result.WARN
        return draft.reading(
            result if gone else Result.INCONCLUSIVE, "METRIC_NO_TRAFFIC", DataState.NO_TRAFFIC
        )
    if seen.after.expected < _FEWEST_SCRAPES:
        return draft.reading(
            Result.INCONCLUSIVE, "METRIC_FEW", DataState.LOW, least=rules.least_after
        )
    if not seen.after.samples:
        if there_before and evidence.compared:
            return draft.reading(Result.WARN, "METRIC_DISAPPEARED", DataState.NO_DATA)
        return draft.reading(Result.INCONCLUSIVE, "METRIC_NO_METRIC", DataState.NO_METRIC)
    quiet = draft.signal in LATENCIES and traffic.after < rules.least_requests
    if seen.after.lost > rules.most_lost or not seen.after.usable:
        state = DataState.LOW if quiet else DataState.NO_DATA
        return draft.reading(
            Result.INCONCLUSIVE,
            "METRIC_LOW" if quiet else "METRIC_GAPS",
            state,
            least=rules.least_requests,
        )
    if there_before and seen.before.lost > rules.most_lost:
        return draft.reading(Result.INCONCLUSIVE, "METRIC_GAPS", DataState.NO_DATA)
    return None

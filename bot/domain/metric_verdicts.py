"""The judge of metrics: samples before and after a change become readings. Pure.

`judge_metrics` takes all signals of a service at once, because the chance of a false alarm is that
of all tests together (Holm). Errors are judged by counts, everything else by samples of the same
length that do not overlap. Where there is nothing to judge by, the reading says what is missing and
is never a PASS or a FAIL (research/rollouts.md §3.4, §3.5); docs/analysis.md has the method with
its measured error rates. Loads scipy: to be run on the workbench.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain.analysis import DataState, Part, Reading, Result, Sample, Unit
from bot.domain.metric_rules import FLOORS, LATENCIES, SATURATION, UNITS, Rules, Signal
from bot.domain.statistics import Rise, holm, p_of_more, rise_of
from bot.domain.verdict import Value

_SEASON_P = 0.05
_FEWEST_SCRAPES = 3  # with fewer, what is not there may just not be there yet


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


def judge_metrics(evidence: Evidence, rules: Rules) -> tuple[Reading, ...]:
    """A reading for each signal, in the order of `Signal`."""
    traffic = _Traffic.of(evidence.requests)
    found = [_rate(evidence, traffic, rules), _errors(evidence, traffic, rules)]
    found += _samples(evidence, traffic, rules)
    found.append(_restarts(evidence))
    order = list(Signal)
    return tuple(sorted(found, key=lambda reading: order.index(Signal(reading.name))))


def burns_fast(windows: Sequence[tuple[float, float]], rules: Rules) -> bool:
    """Whether errors use the budget up so fast that nobody should wait: the error ratio of every
    window (errors, requests), short and long, is above 14.4 times what the SLO allows. Source: the
    SRE Workbook's first alert; at least 20 requests, so that one bad one is no fire."""
    allowed = rules.burn * (1 - rules.slo)
    return bool(windows) and all(
        requests >= rules.least_burning and errors / requests > allowed
        for errors, requests in windows
    )


# --- traffic -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Traffic:
    before: float  # requests
    after: float

    @classmethod
    def of(cls, requests: Observed) -> "_Traffic":
        return cls(sum(requests.before.usable), sum(requests.after.usable))


def _rate(evidence: Evidence, traffic: _Traffic, rules: Rules) -> Reading:
    seen, seconds = evidence.requests, evidence.seconds
    draft = _Draft(Signal.REQUEST_RATE, seen, traffic, scale=1 / seconds)
    if missing := _missing(draft, evidence, traffic, rules):
        return missing
    after = statistics.mean(seen.after.usable)
    if not seen.before.usable:
        return draft.reading(Result.INCONCLUSIVE, "METRIC_FIRST", DataState.NO_METRIC)
    former = [statistics.mean(seen.before.usable)]
    if seen.week_after.usable:
        former.append(statistics.mean(seen.week_after.usable))
    if former[0] > 0 and all(after < rules.dropped * each for each in former):
        return draft.reading(Result.WARN, "METRIC_TRAFFIC_DROPPED")
    return draft.reading(Result.PASS, "METRIC_TRAFFIC")


# --- errors --------------------------------------------------------------------------------------


def _errors(evidence: Evidence, traffic: _Traffic, rules: Rules) -> Reading:
    draft = _Draft(Signal.ERROR_RATIO, _ratios(evidence.errors, evidence.requests), traffic)
    if missing := _missing(draft, evidence, traffic, rules):
        return missing
    errors = _counts(evidence.errors, evidence.requests, "after")
    former = _counts(evidence.errors, evidence.requests, "before")
    draft.before, draft.after = former.ratio, errors.ratio
    draft.values.update(errors_before=round(former.errors), errors_after=round(errors.errors))
    limit = rules.limits.get(Signal.ERROR_RATIO)
    if limit is not None:
        draft.values["threshold"] = limit
    if former.requests < 1:
        return _errors_alone(draft, errors, limit, rules)
    p = p_of_more(*former.rounded, *errors.rounded)
    draft.values["p"] = p
    rise = errors.ratio - former.ratio
    allowed = rules.error_ratio * max(former.ratio, _last_week(evidence, rules))
    serious = rise >= rules.error_points and errors.errors >= rules.least_errors
    worse = rise > 0 and errors.ratio >= allowed
    if p < rules.alpha and serious and worse:
        return draft.reading(Result.FAIL, "METRIC_REGRESSED", floor=rules.error_points)
    over = limit is not None and errors.ratio > limit
    if p < rules.alpha and over and worse and errors.errors >= rules.least_errors:
        return draft.reading(Result.FAIL, "METRIC_OVER_LIMIT")
    if p < rules.error_alpha_warn and serious and errors.ratio >= allowed / rules.error_ratio:
        return draft.reading(Result.WARN, "METRIC_WORSE", floor=rules.error_points)
    if errors.requests < rules.least_requests:
        return draft.low(rules.least_requests)
    if over:
        return draft.reading(Result.PASS, "METRIC_STILL_OVER_LIMIT")
    if former.ratio - errors.ratio >= rules.error_points:
        return draft.reading(Result.PASS, "METRIC_IMPROVED")
    return draft.reading(Result.PASS, "METRIC_AS_BEFORE")


@dataclass(frozen=True, slots=True)
class _Counts:
    errors: float
    requests: float

    @property
    def ratio(self) -> float:
        return self.errors / self.requests if self.requests else 0.0

    @property
    def rounded(self) -> tuple[int, int]:
        """Prometheus extrapolates increases: here they are whole, and errors no more than all."""
        requests = max(1, round(self.requests))
        return min(round(self.errors), requests), requests


def _counts(errors: Observed, requests: Observed, window: str) -> _Counts:
    """Of the moments at which both are known."""
    wrong = _by_time(getattr(errors, window))
    every = _by_time(getattr(requests, window))
    shared = wrong.keys() & every.keys()
    return _Counts(sum(wrong[at] for at in shared), sum(every[at] for at in shared))


def _errors_alone(draft: "_Draft", errors: _Counts, limit: float | None, rules: Rules) -> Reading:
    """Nothing to compare with: only a threshold of the service's own can be judged."""
    enough = errors.requests >= rules.least_requests
    if limit is not None and errors.ratio > limit and errors.errors >= rules.least_errors:
        return draft.reading(Result.FAIL if enough else Result.WARN, "METRIC_OVER_LIMIT_ALONE")
    if limit is not None and enough:
        return draft.reading(Result.PASS, "METRIC_WITHIN_LIMIT")
    return draft.reading(Result.INCONCLUSIVE, "METRIC_FIRST", DataState.NO_METRIC)


def _last_week(evidence: Evidence, rules: Rules) -> float:
    """The error ratio of this hour a week ago, where errors rose then, too."""
    former = _counts(evidence.errors, evidence.requests, "week_before")
    later = _counts(evidence.errors, evidence.requests, "week_after")
    if not former.requests or not later.requests:
        return 0.0
    rose = p_of_more(*former.rounded, *later.rounded) < _SEASON_P
    return min(later.ratio, rules.largest_season * former.ratio) if rose else 0.0


def _ratios(errors: Observed, requests: Observed) -> Observed:
    """As a series, for the chart and for what is missing."""

    def span(window: str) -> Span:
        wrong, every = _by_time(getattr(errors, window)), _by_time(getattr(requests, window))
        samples = tuple(
            Sample(at, wrong[at] / every[at]) for at in sorted(wrong) if every.get(at, 0) > 0
        )
        silent = sum(each == 0 for each in every.values())
        return Span(samples, max(0, getattr(requests, window).expected - silent))

    return Observed(
        before=span("before"),
        after=span("after"),
        trouble=errors.trouble or requests.trouble,
        values=errors.values if errors.trouble else requests.values,
        query=f"{errors.query} / {requests.query}" if errors.query else "",
    )


def _by_time(span: Span) -> Mapping[datetime, float]:
    return {each.at: each.value for each in span.samples if math.isfinite(each.value)}


# --- samples -------------------------------------------------------------------------------------


def _samples(evidence: Evidence, traffic: _Traffic, rules: Rules) -> list[Reading]:
    """All sampled signals; the p of those that are judged are adjusted for how many there are."""
    found: list[Reading] = []
    tested: list[tuple[_Draft, Rise]] = []
    for signal, seen in evidence.measured.items():
        draft = _Draft(signal, seen, traffic)
        if missing := _missing(draft, evidence, traffic, rules):
            found.append(missing)
        elif not seen.before.usable:
            found.append(_alone(draft, rules))
        elif not _enough(seen, rules):
            found.append(_few(draft, rules))
        elif signal is Signal.LATENCY_P99 and not _enough_for_p99(traffic, rules):
            found.append(draft.reading(Result.PASS, "METRIC_SHOWN", least=rules.least_for_p99))
        else:
            tested.append((draft, _rise(seen, rules)))
    adjusted = holm([rise.p for _, rise in tested])
    for (draft, rise), p in zip(tested, adjusted, strict=True):
        found.append(_judged(draft, rise, p, rules))
    return found


def _enough(seen: Observed, rules: Rules) -> bool:
    enough = len(seen.before.usable) >= rules.least_before
    return enough and len(seen.after.usable) >= rules.least_after


def _enough_for_p99(traffic: _Traffic, rules: Rules) -> bool:
    return min(traffic.before, traffic.after) >= rules.least_for_p99


def _rise(seen: Observed, rules: Rules) -> Rise:
    """Against what is usual at this hour: where a week ago it rose from the one window to the other
    as well, the samples before are lifted by as much (at most twofold). What last week's windows
    vary by is noise in any case: two windows alone are little to know it by."""
    season = _season(seen, rules)
    week = [span.usable for span in (seen.week_before, seen.week_after)]
    others = [each for each in week if len(each) >= rules.least_after]
    return rise_of([each * season for each in seen.before.usable], seen.after.usable, others)


def _season(seen: Observed, rules: Rules) -> float:
    former, later = seen.week_before.usable, seen.week_after.usable
    if len(former) < rules.least_before or len(later) < rules.least_after:
        return 1.0
    rise = rise_of(former, later)
    if rise.p >= _SEASON_P or rise.ratio < rules.warn_ratio:
        return 1.0  # too small to be taken for a change, or noise
    return min(rise.ratio, rules.largest_season)


def _judged(draft: "_Draft", rise: Rise, p: float, rules: Rules) -> Reading:
    signal = draft.signal
    limit, floor = rules.limits.get(signal), FLOORS[signal]
    draft.values.update(p=p, floor=floor)
    if limit is not None:
        draft.values["threshold"] = limit
    over = limit is not None and rise.after > limit
    large = rise.ratio >= rules.warn_ratio and rise.difference >= floor
    full = _full(draft, rise.after, rules)
    if rise.p < rules.alpha and large and rise.stands_out(rules.warn_noise):
        if signal in SATURATION:
            if full:
                return draft.reading(Result.FAIL, "METRIC_NEARLY_FULL")
            return draft.reading(Result.WARN, "METRIC_WORSE")
        if over and p < rules.alpha:
            return draft.reading(Result.FAIL, "METRIC_OVER_LIMIT")
        if p < rules.alpha and _beyond_noise(rise, rules):
            return draft.reading(Result.FAIL, "METRIC_REGRESSED")
        return draft.reading(Result.WARN, "METRIC_WORSE")
    if full:
        return draft.reading(Result.WARN, "METRIC_FULL_AS_BEFORE")
    if over:
        before = limit is not None and rise.before > limit
        return draft.reading(*((Result.PASS, "METRIC_STILL_OVER_LIMIT") if before else _OVER))
    better = rise.ratio <= 1 / rules.warn_ratio and -rise.difference >= floor
    return draft.reading(Result.PASS, "METRIC_IMPROVED" if better else "METRIC_AS_BEFORE")


_OVER = (Result.WARN, "METRIC_OVER_LIMIT_WITHIN_NOISE")


def _beyond_noise(rise: Rise, rules: Rules) -> bool:
    return (
        rise.ratio >= rules.fail_ratio
        and rise.difference >= rules.fail_mads * rise.mad
        and rise.stands_out(min(rules.fail_noise, rise.strays))
    )


def _full(draft: "_Draft", value: float, rules: Rules) -> bool:
    capacity = rules.capacities.get(draft.signal)
    if not capacity:
        return False
    draft.values["limit"] = capacity
    return value > rules.full * capacity


def _alone(draft: "_Draft", rules: Rules) -> Reading:
    """Nothing before: a first release, judged only by thresholds of the service's own."""
    limit, after = rules.limits.get(draft.signal), statistics.median(draft.seen.after.usable)
    if _full(draft, after, rules):
        return draft.reading(Result.WARN, "METRIC_FULL_ALONE")
    if limit is None:
        return draft.reading(Result.INCONCLUSIVE, "METRIC_FIRST", DataState.NO_METRIC)
    enough = len(draft.seen.after.usable) >= rules.least_after
    draft.values["threshold"] = limit
    if after <= limit:
        return draft.reading(Result.PASS, "METRIC_WITHIN_LIMIT")
    return draft.reading(Result.FAIL if enough else Result.WARN, "METRIC_OVER_LIMIT_ALONE")


def _few(draft: "_Draft", rules: Rules) -> Reading:
    """Too few for a test: what is plain to see is a warning, the rest is shown."""
    before, after = draft.seen.before.usable, draft.seen.after.usable
    middle, later = statistics.median(before), statistics.median(after)
    large = later >= rules.fail_ratio * middle and later - middle >= FLOORS[draft.signal]
    if len(after) > 1 and large and min(after) > max(before):
        return draft.reading(Result.WARN, "METRIC_WORSE_FEW", DataState.LOW)
    return draft.reading(Result.INCONCLUSIVE, "METRIC_FEW", DataState.LOW, least=rules.least_after)


# --- restarts ------------------------------------------------------------------------------------


def _restarts(evidence: Evidence) -> Reading:
    """Of the new pods since the rollout was complete, as the cluster counts them."""
    count, killed = evidence.restarts, evidence.out_of_memory
    result, code = Result.PASS, "METRIC_NO_RESTARTS"
    if killed:
        result, code = Result.FAIL, "METRIC_OUT_OF_MEMORY"
    elif count >= 2:
        result, code = Result.FAIL, "METRIC_RESTARTED"
    elif count:
        result, code = Result.WARN, "METRIC_RESTARTED"
    return Reading(
        part=Part.METRICS,
        name=Signal.RESTARTS,
        result=result,
        code=code,
        unit=Unit.COUNT,
        after=float(max(count, killed)),
        values={"count": max(count, killed)},
    )


# --- what is missing -----------------------------------------------------------------------------


@dataclass(slots=True)
class _Draft:
    """A reading in the making: its numbers are there before its result is known."""

    signal: Signal
    seen: Observed
    traffic: _Traffic
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


def _missing(draft: _Draft, evidence: Evidence, traffic: _Traffic, rules: Rules) -> Reading | None:
    """The state of what cannot be judged; None where there is enough."""
    seen = draft.seen
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


_OF_REQUESTS = frozenset({Signal.REQUEST_RATE, Signal.ERROR_RATIO, *LATENCIES})

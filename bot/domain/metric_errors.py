"""The judge of errors: counts of wrong answers among all, before and after a change. Pure.

One test of two counts, since errors are few and requests many (research/rollouts.md §3.5). Loads
scipy: to be run on the workbench.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.analysis import DataState, Reading, Result, Sample
from bot.domain.metric_drafts import Draft, Traffic, missing_reading
from bot.domain.metric_evidence import Evidence, Observed, Span
from bot.domain.metric_rules import SEASON_P, Rules, Signal
from bot.domain.statistics import p_of_more


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


def judge_errors(evidence: Evidence, traffic: Traffic, rules: Rules) -> Reading:
    """The reading of the error ratio."""
    draft = Draft(Signal.ERROR_RATIO, _ratios(evidence.errors, evidence.requests), traffic)
    if missing := missing_reading(draft, evidence, rules):
        return missing
    errors = _counts(evidence.errors.after, evidence.requests.after)
    former = _counts(evidence.errors.before, evidence.requests.before)
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


def burns_fast(windows: Sequence[tuple[float, float]], rules: Rules) -> bool:
    """Whether errors use the budget up so fast that nobody should wait: the error ratio of every
    window (errors, requests), short and long, is above 14.4 times what the SLO allows. Source: the
    SRE Workbook's first alert; at least 20 requests, so that one bad one is no fire."""
    allowed = rules.burn * (1 - rules.slo)
    return bool(windows) and all(
        requests >= rules.least_burning and errors / requests > allowed
        for errors, requests in windows
    )


def _errors_alone(draft: Draft, errors: _Counts, limit: float | None, rules: Rules) -> Reading:
    """Nothing to compare with: only a threshold of the service's own can be judged."""
    enough = errors.requests >= rules.least_requests
    if limit is not None and errors.ratio > limit and errors.errors >= rules.least_errors:
        return draft.reading(Result.FAIL if enough else Result.WARN, "METRIC_OVER_LIMIT_ALONE")
    if limit is not None and enough:
        return draft.reading(Result.PASS, "METRIC_WITHIN_LIMIT")
    return draft.reading(Result.INCONCLUSIVE, "METRIC_FIRST", DataState.NO_METRIC)


def _last_week(evidence: Evidence, rules: Rules) -> float:
    """The error ratio of this hour a week ago, where errors rose then, too."""
    former = _counts(evidence.errors.week_before, evidence.requests.week_before)
    later = _counts(evidence.errors.week_after, evidence.requests.week_after)
    if not former.requests or not later.requests:
        return 0.0
    rose = p_of_more(*former.rounded, *later.rounded) < SEASON_P
    return min(later.ratio, rules.largest_season * former.ratio) if rose else 0.0


def _counts(errors: Span, requests: Span) -> _Counts:
    """Of the moments at which both are known."""
    wrong, every = _by_time(errors), _by_time(requests)
    shared = wrong.keys() & every.keys()
    return _Counts(sum(wrong[at] for at in shared), sum(every[at] for at in shared))


def _ratios(errors: Observed, requests: Observed) -> Observed:
    """As a series, for the chart and for what is missing."""

    def span(of_errors: Span, of_requests: Span) -> Span:
        wrong, every = _by_time(of_errors), _by_time(of_requests)
        samples = tuple(
            Sample(at, wrong[at] / every[at]) for at in sorted(wrong) if every.get(at, 0) > 0
        )
        silent = sum(each == 0 for each in every.values())
        return Span(samples, max(0, of_requests.expected - silent))

    return Observed(
        before=span(errors.before, requests.before),
        after=span(errors.after, requests.after),
        trouble=errors.trouble or requests.trouble,
        values=errors.values if errors.trouble else requests.values,
        query=f"{errors.query} / {requests.query}" if errors.query else "",
    )


def _by_time(span: Span) -> Mapping[datetime, float]:
    return {each.at: each.value for each in span.samples if math.isfinite(each.value)}

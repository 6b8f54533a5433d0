"""The judge of everything that is sampled: latencies, CPU, memory, and other figures. Pure.

Samples of the same length that do not overlap are compared; all signals of a service are tested
together, because the chance of a false alarm is that of all tests (Holm; research/rollouts.md
§3.5). Loads scipy: to be run on the workbench.
"""

import statistics

from bot.domain.analysis import DataState, Reading, Result
from bot.domain.metric_drafts import Draft, Traffic, missing_reading
from bot.domain.metric_evidence import Evidence, Observed
from bot.domain.metric_rules import FLOORS, SATURATION, SEASON_P, Rules, Signal
from bot.domain.statistics import Rise, holm, rise_of


def judge_samples(evidence: Evidence, traffic: Traffic, rules: Rules) -> list[Reading]:
    """All sampled signals; the p of those that are judged are adjusted for how many there are."""
    found: list[Reading] = []
    tested: list[tuple[Draft, Rise]] = []
    for signal, seen in evidence.measured.items():
        draft = Draft(signal, seen, traffic)
        if missing := missing_reading(draft, evidence, rules):
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


def _enough_for_p99(traffic: Traffic, rules: Rules) -> bool:
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
    if rise.p >= SEASON_P or rise.ratio < rules.warn_ratio:
        return 1.0  # too small to be taken for a change, or noise
    return min(rise.ratio, rules.largest_season)


def _judged(draft: Draft, rise: Rise, p: float, rules: Rules) -> Reading:
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
        if before:
            return draft.reading(Result.PASS, "METRIC_STILL_OVER_LIMIT")
        return draft.reading(Result.WARN, "METRIC_OVER_LIMIT_WITHIN_NOISE")
    better = rise.ratio <= 1 / rules.warn_ratio and -rise.difference >= floor
    return draft.reading(Result.PASS, "METRIC_IMPROVED" if better else "METRIC_AS_BEFORE")


def _beyond_noise(rise: Rise, rules: Rules) -> bool:
    return (
        rise.ratio >= rules.fail_ratio
        and rise.difference >= rules.fail_mads * rise.mad
        and rise.stands_out(min(rules.fail_noise, rise.strays))
    )


def _full(draft: Draft, value: float, rules: Rules) -> bool:
    capacity = rules.capacities.get(draft.signal)
    if not capacity:
        return False
    draft.values["limit"] = capacity
    return value > rules.full * capacity


def _alone(draft: Draft, rules: Rules) -> Reading:
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


def _few(draft: Draft, rules: Rules) -> Reading:
    """Too few for a test: what is plain to see is a warning, the rest is shown."""
    before, after = draft.seen.before.usable, draft.seen.after.usable
    middle, later = statistics.median(before), statistics.median(after)
    large = later >= rules.fail_ratio * middle and later - middle >= FLOORS[draft.signal]
    if len(after) > 1 and large and min(after) > max(before):
        return draft.reading(Result.WARN, "METRIC_WORSE_FEW", DataState.LOW)
    return draft.reading(Result.INCONCLUSIVE, "METRIC_FEW", DataState.LOW, least=rules.least_after)

"""The judge of metrics: samples before and after a change become readings. Pure.

`judge_metrics` takes all signals of a service at once. Errors are judged by counts
(`metric_errors.py`), everything else by samples (`metric_samples.py`). Where there is nothing to
judge by, the reading says what is missing and is never a PASS or a FAIL (research/rollouts.md §3.4,
§3.5); docs/analysis.md has the method with its measured error rates. Loads scipy: to be run on the
workbench.
"""

import statistics

from bot.domain.analysis import DataState, Part, Reading, Result, Unit
from bot.domain.metric_drafts import Draft, Traffic, missing_reading
from bot.domain.metric_errors import judge_errors
from bot.domain.metric_evidence import Evidence
from bot.domain.metric_rules import Rules, Signal
from bot.domain.metric_samples import judge_samples


def judge_metrics(evidence: Evidence, rules: Rules) -> tuple[Reading, ...]:
    """A reading for each signal, in the order of `Signal`."""
    traffic = Traffic.of(evidence.requests)
    found = [_rate(evidence, traffic, rules), judge_errors(evidence, traffic, rules)]
    found += judge_samples(evidence, traffic, rules)
    found.append(_restarts(evidence))
    order = list(Signal)
    return tuple(sorted(found, key=lambda reading: order.index(Signal(reading.name))))


def _rate(evidence: Evidence, traffic: Traffic, rules: Rules) -> Reading:
    seen, seconds = evidence.requests, evidence.seconds
    draft = Draft(Signal.REQUEST_RATE, seen, traffic, scale=1 / seconds)
    if missing := missing_reading(draft, evidence, rules):
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

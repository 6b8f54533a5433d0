"""Before and after, judged: each kind of change, each way in which data can be missing."""

import math
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.analysis import DataState, Result, Sample, overall
from bot.domain.metric_errors import burns_fast
from bot.domain.metric_evidence import Evidence, Observed, Span
from bot.domain.metric_rules import Rules, Signal
from bot.domain.metric_verdicts import judge_metrics
from bot.text import LANGUAGES, Texts

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WOBBLE = (1.0, 1.04, 0.97, 1.02, 0.95, 1.0, 1.06, 0.98)
DEFAULTS = Rules()
NAN = math.nan


def span(values, start=NOON, expected=None):
    values = list(values)
    samples = tuple(Sample(start + n * MINUTE, value) for n, value in enumerate(values))
    return Span(samples, len(values) if expected is None else expected)


def around(level, count):
    return [level * WOBBLE[n % len(WOBBLE)] for n in range(count)]


def seen(before, after, n=29, m=14, **more):
    before = around(before, n) if isinstance(before, int | float) else before
    after = around(after, m) if isinstance(after, int | float) else after
    return Observed(span(before), span(after, NOON + timedelta(hours=1)), query="q", **more)


def evidence(*, requests=None, errors=None, compared=True, **measured):
    signals = {Signal[name.upper()]: value for name, value in measured.items()}
    return Evidence(
        requests=requests or seen(100.0, 100.0),
        errors=errors or seen(0.1, 0.1),
        measured=signals,
        compared=compared,
    )


def judged(found, rules=DEFAULTS, **more):
    return {each.name: each for each in judge_metrics(found, rules)}


def one(name, rules=DEFAULTS, **more):
    return judged(evidence(**more), rules)[name]


# --- errors


def test_three_errors_in_a_hundred_where_there_was_one_in_a_thousand_fail():
    reading = one("ERROR_RATIO", errors=seen(0.1, 3.0))
    assert (reading.result, reading.code) == (Result.FAIL, "METRIC_REGRESSED")
    assert reading.before == pytest.approx(0.001, rel=0.1)
    assert reading.after == pytest.approx(0.03, rel=0.1)
    assert reading.values["requests_after"] == pytest.approx(1400, rel=0.02)
    assert reading.values["p"] < 1e-6
    assert reading.query == "q / q"


def test_as_many_errors_as_before_pass():
    assert one("ERROR_RATIO", errors=seen(1.0, 1.0)).code == "METRIC_AS_BEFORE"


def test_a_rise_of_less_than_half_a_point_is_no_alarm_however_certain():
    many = seen(100_000.0, 100_000.0)
    reading = one("ERROR_RATIO", requests=many, errors=seen(100.0, 400.0))
    assert reading.values["p"] < 1e-6
    assert reading.result is Result.PASS


def test_a_service_that_always_has_errors_fails_only_when_they_double():
    reading = one("ERROR_RATIO", errors=seen(5.0, 7.5))
    assert (reading.result, reading.code) == (Result.WARN, "METRIC_WORSE")
    assert one("ERROR_RATIO", errors=seen(5.0, 11.0)).result is Result.FAIL


def test_few_requests_without_errors_are_no_pass():
    few = seen(5.0, 5.0)
    reading = one("ERROR_RATIO", requests=few, errors=seen(0.0, 0.0))
    assert (reading.result, reading.state) == (Result.INCONCLUSIVE, DataState.LOW)
    assert reading.values["least"] == 300


def test_few_requests_that_nearly_all_fail_are_a_fail():
    few = seen(5.0, 5.0)
    assert one("ERROR_RATIO", requests=few, errors=seen(0.0, 3.0)).result is Result.FAIL


def test_errors_that_rose_at_this_hour_last_week_too_are_not_blamed_on_the_release():
    later = timedelta(hours=1)
    last = {
        "week_before": span(around(1.0, 29), NOON - timedelta(days=7)),
        "week_after": span(around(2.4, 14), NOON - timedelta(days=7) + later),
    }
    asked = {
        "week_before": span(around(100.0, 29), NOON - timedelta(days=7)),
        "week_after": span(around(100.0, 14), NOON - timedelta(days=7) + later),
    }
    blamed = one("ERROR_RATIO", errors=seen(1.0, 2.6))
    spared = one("ERROR_RATIO", requests=seen(100.0, 100.0, **asked), errors=seen(1.0, 2.6, **last))
    assert blamed.result is Result.FAIL
    assert spared.result is Result.WARN


def test_a_services_own_threshold_fails_what_the_defaults_let_pass():
    strict = Rules(limits={Signal.ERROR_RATIO: 0.003})
    many, errors = seen(100_000.0, 100_000.0), seen(100.0, 400.0)
    reading = one("ERROR_RATIO", strict, requests=many, errors=errors)
    assert (reading.result, reading.code) == (Result.FAIL, "METRIC_OVER_LIMIT")
    assert reading.values["threshold"] == 0.003


def test_what_was_over_its_threshold_before_is_not_the_releases_fault():
    strict = Rules(limits={Signal.ERROR_RATIO: 0.005})
    reading = one("ERROR_RATIO", strict, errors=seen(1.0, 1.0))
    assert (reading.result, reading.code) == (Result.PASS, "METRIC_STILL_OVER_LIMIT")


def test_fewer_errors_are_told():
    assert one("ERROR_RATIO", errors=seen(3.0, 0.1)).code == "METRIC_IMPROVED"


# --- samples


def test_a_latency_that_doubles_fails():
    reading = one("LATENCY_P95", latency_p95=seen(0.180, 0.360))
    assert (reading.result, reading.code) == (Result.FAIL, "METRIC_REGRESSED")
    assert reading.values["samples_before"] == 29
    assert len(reading.series) == 43


def test_a_latency_within_noise_passes():
    assert one("LATENCY_P95", latency_p95=seen(0.180, 0.182)).code == "METRIC_AS_BEFORE"


def test_a_rise_that_is_certain_and_of_no_consequence_passes():
    assert one("LATENCY_P50", latency_p50=seen(0.004, 0.012)).result is Result.PASS


def test_a_rise_by_a_third_warns_and_does_not_fail():
    reading = one("LATENCY_P95", latency_p95=seen(0.180, 0.245))
    assert (reading.result, reading.code) == (Result.WARN, "METRIC_WORSE")


def test_a_rise_by_a_third_beyond_the_services_own_threshold_fails():
    rules = Rules(limits={Signal.LATENCY_P95: 0.2})
    reading = one("LATENCY_P95", rules, latency_p95=seen(0.180, 0.245))
    assert (reading.result, reading.code) == (Result.FAIL, "METRIC_OVER_LIMIT")


def test_a_noisy_service_is_not_failed_for_what_it_does_anyway():
    noisy = [0.1, 0.5, 0.2, 0.9, 0.15, 0.3, 0.7, 0.12, 0.4, 0.25] * 3
    after = [0.5, 0.9, 0.3, 1.0, 0.6, 0.4, 0.8, 0.45, 0.7, 0.55]
    reading = one("LATENCY_P95", latency_p95=seen(noisy[:29], after))
    assert reading.values["p"] < 0.01
    assert reading.result is not Result.FAIL


def test_a_season_that_rose_last_week_as_well_is_not_blamed():
    week = {
        "week_before": span(around(0.180, 29), NOON - timedelta(days=7)),
        "week_after": span(around(0.330, 14), NOON - timedelta(days=7)),
    }
    assert one("LATENCY_P95", latency_p95=seen(0.180, 0.330)).result is Result.FAIL
    assert one("LATENCY_P95", latency_p95=seen(0.180, 0.330, **week)).result is Result.PASS


def test_an_incident_of_last_week_hides_no_more_than_a_doubling():
    week = {
        "week_before": span(around(0.180, 29), NOON - timedelta(days=7)),
        "week_after": span(around(5.0, 14), NOON - timedelta(days=7)),
    }
    assert one("LATENCY_P95", latency_p95=seen(0.180, 0.9, **week)).result is Result.FAIL


def test_what_last_week_varied_by_is_noise_as_well():
    """Two quiet windows of a service that is known to be restless are no proof."""
    restless = [0.180 * (0.3 if n % 2 else 1.7) for n in range(29)]
    week = {
        "week_before": span(restless, NOON - timedelta(days=7)),
        "week_after": span(restless[:14], NOON - timedelta(days=7)),
    }
    assert one("LATENCY_P95", latency_p95=seen(0.180, 0.400)).result is Result.FAIL
    assert one("LATENCY_P95", latency_p95=seen(0.180, 0.400, **week)).result is not Result.FAIL


def test_the_same_rise_fails_where_minutes_are_independent_and_warns_where_they_drift():
    """In a slow wave a minute tells little that the minute before it had not told."""
    steps = (0.55, 0.75, 0.95, 1.05, 1.3, 1.75)
    shuffled = [steps[(5 * n + n // 6) % 6] for n in range(29)]
    wave = [steps[min(n % 22, 22 - n % 22) // 2] for n in range(29)]

    def reading(shape):
        after = [0.420 * each for each in shape[:14]]
        return one("LATENCY_P95", latency_p95=seen([0.180 * each for each in shape], after))

    assert reading(shuffled).result is Result.FAIL
    assert reading(wave).result is Result.WARN


def test_p99_is_shown_and_judged_only_with_a_thousand_requests_in_each_window():
    few = seen(40.0, 40.0)
    reading = one("LATENCY_P99", requests=few, latency_p99=seen(0.2, 0.6))
    assert (reading.result, reading.code) == (Result.PASS, "METRIC_SHOWN")
    assert one("LATENCY_P99", latency_p99=seen(0.2, 0.6)).result is Result.FAIL


def test_memory_warns_and_fails_only_close_to_its_limit():
    mib = 2**20
    rules = Rules(capacities={Signal.MEMORY: 512 * mib})
    assert one("MEMORY", rules, memory=seen(200 * mib, 320 * mib)).result is Result.WARN
    reading = one("MEMORY", rules, memory=seen(200 * mib, 490 * mib))
    assert (reading.result, reading.code) == (Result.FAIL, "METRIC_NEARLY_FULL")
    full = one("MEMORY", rules, memory=seen(480 * mib, 485 * mib))
    assert (full.result, full.code) == (Result.WARN, "METRIC_FULL_AS_BEFORE")


def test_less_of_something_is_an_improvement():
    assert one("CPU", cpu=seen(0.6, 0.3)).code == "METRIC_IMPROVED"


def test_with_few_samples_only_what_is_plain_to_see_warns():
    plain = one("LATENCY_P95", latency_p95=seen(0.18, 0.5, m=4))
    assert (plain.result, plain.code, plain.state) == (
        Result.WARN,
        "METRIC_WORSE_FEW",
        DataState.LOW,
    )
    shown = one("LATENCY_P95", latency_p95=seen(0.18, 0.19, m=4))
    assert (shown.result, shown.code) == (Result.INCONCLUSIVE, "METRIC_FEW")
    assert shown.after == pytest.approx(0.19, rel=0.1)


def test_several_tests_at_once_demand_more_of_each():
    """One of twenty signals that is just beyond chance is what twenty signals do."""
    before = [1.0 + 0.001 * n for n in range(29)]
    after = [1.6, 0.95, 1.7, 0.96, 1.8, 1.75, 1.9]
    alone = one("LATENCY_P95", latency_p95=seen(before, after))
    beside = one(
        "LATENCY_P95",
        latency_p95=seen(before, after),
        latency_p50=seen(0.1, 0.1),
        cpu=seen(0.5, 0.5),
        memory=seen(1e9, 1e9),
    )
    assert beside.values["p"] == pytest.approx(4 * alone.values["p"])


# --- traffic and restarts


def test_traffic_that_halves_warns_unless_it_did_so_last_week():
    reading = one("REQUEST_RATE", requests=seen(100.0, 40.0))
    assert (reading.result, reading.code) == (Result.WARN, "METRIC_TRAFFIC_DROPPED")
    assert reading.before == pytest.approx(100 / 60, rel=0.05)
    night = {"week_after": span(around(42.0, 14), NOON - timedelta(days=7))}
    assert one("REQUEST_RATE", requests=seen(100.0, 40.0, **night)).result is Result.PASS


@pytest.mark.parametrize(
    ("restarts", "killed", "result"),
    [(0, 0, Result.PASS), (1, 0, Result.WARN), (2, 0, Result.FAIL), (1, 1, Result.FAIL)],
)
def test_restarts_since_the_rollout(restarts, killed, result):
    found = Evidence(seen(100.0, 100.0), seen(0.1, 0.1), restarts=restarts, out_of_memory=killed)
    assert judged(found)["RESTARTS"].result is result


# --- what is missing


def test_a_metric_that_there_never_was_is_its_own_state():
    nothing = Observed(Span((), 29), Span((), 14))
    readings = judged(evidence(requests=nothing, errors=nothing, latency_p95=nothing))
    for name in ("REQUEST_RATE", "ERROR_RATIO", "LATENCY_P95"):
        assert readings[name].state is DataState.NO_METRIC
        assert readings[name].result is Result.INCONCLUSIVE


def test_a_metric_that_disappeared_is_suspicious():
    reading = one("LATENCY_P95", latency_p95=Observed(span(around(0.2, 29)), Span((), 14)))
    assert (reading.result, reading.code) == (Result.WARN, "METRIC_DISAPPEARED")
    assert reading.state is DataState.NO_DATA


def test_no_request_at_all_is_no_pass_and_told_once():
    readings = judged(
        evidence(
            requests=seen(100.0, [0.0] * 14),
            errors=seen(0.1, [0.0] * 14),
            latency_p95=seen(0.2, [NAN] * 14),
        )
    )
    assert readings["REQUEST_RATE"].result is Result.WARN
    for name in ("REQUEST_RATE", "ERROR_RATIO", "LATENCY_P95"):
        assert readings[name].state is DataState.NO_TRAFFIC
    assert readings["ERROR_RATIO"].result is Result.INCONCLUSIVE
    assert overall(readings.values()) is Result.WARN


def test_a_service_that_nobody_ever_asks_is_inconclusive():
    readings = judge_metrics(
        evidence(requests=seen([0.0] * 29, [0.0] * 14), errors=seen([0.0] * 29, [0.0] * 14)),
        DEFAULTS,
    )
    assert overall(readings) is Result.INCONCLUSIVE


@pytest.mark.parametrize("bad", [NAN, math.inf, -math.inf])
def test_more_than_a_third_of_no_numbers_is_no_data(bad):
    some = [0.2, bad, 0.21, bad, 0.2, bad, 0.19, bad, 0.2, bad, 0.2, bad]
    reading = one("LATENCY_P95", latency_p95=seen(around(0.2, 29), some))
    assert (reading.result, reading.state) == (Result.INCONCLUSIVE, DataState.NO_DATA)
    assert reading.values["lost"] == 6


def test_a_few_no_numbers_are_dropped_and_counted():
    reading = one("LATENCY_P95", latency_p95=seen(0.2, [*around(0.2, 12), NAN, math.inf]))
    assert reading.result is Result.PASS
    assert reading.values["lost"] == 2
    assert all(math.isfinite(sample.value) for sample in reading.series)


def test_samples_that_are_not_there_count_as_lost():
    thin = Observed(span(around(0.2, 29)), span(around(0.2, 6), expected=14))
    assert one("LATENCY_P95", latency_p95=thin).state is DataState.NO_DATA


def test_a_query_that_failed_is_said_with_its_code():
    trouble = Observed(trouble="METRIC_SEVERAL_SERIES", values={"series": 3}, query="up")
    reading = one("CPU", cpu=trouble)
    assert (reading.result, reading.state) == (Result.INCONCLUSIVE, DataState.QUERY_ERROR)
    assert (reading.code, reading.values["series"], reading.query) == (
        "METRIC_SEVERAL_SERIES",
        3,
        "up",
    )


def test_a_first_release_is_judged_by_thresholds_alone():
    none = {"requests": seen([], 100.0), "compared": False}
    first = judged(evidence(errors=seen([], 0.1), latency_p95=seen([], 0.2), **none))
    assert {first[n].code for n in ("REQUEST_RATE", "ERROR_RATIO", "LATENCY_P95")} == {
        "METRIC_FIRST"
    }
    rules = Rules(limits={Signal.ERROR_RATIO: 0.01, Signal.LATENCY_P95: 0.3})
    found = judged(evidence(errors=seen([], 3.0), latency_p95=seen([], 0.2), **none), rules)
    assert found["ERROR_RATIO"].result is Result.FAIL
    assert found["LATENCY_P95"].result is Result.PASS


def test_readings_come_in_the_order_of_the_signals():
    found = evidence(memory=seen(1e8, 1e8), latency_p50=seen(0.1, 0.1), cpu=seen(1, 1))
    names = [reading.name for reading in judge_metrics(found, DEFAULTS)]
    assert names == [each for each in Signal if each in names]
    assert len(names) == 6


# --- the fast-burn guard


def test_errors_burn_fast_when_the_short_and_the_long_window_say_so():
    rules = Rules(slo=0.995)  # 14.4 × 0.5 % = 7.2 %
    assert burns_fast([(10, 100), (10, 100)], rules)
    assert not burns_fast([(10, 100), (10, 1000)], rules)
    assert not burns_fast([(7, 100), (7, 100)], rules)


def test_a_handful_of_requests_is_no_fire():
    assert not burns_fast([(19, 19), (19, 19)], Rules())
    assert burns_fast([(20, 20), (20, 20)], Rules())
    assert not burns_fast([], Rules())


# --- its words


def test_every_code_of_metrics_has_a_sentence_in_each_language():
    root = Path(__file__).parents[2] / "bot"
    files = [*(root / "domain").glob("metric_*.py"), *(root / "workflows/looks").glob("*.py")]
    codes = {
        code for file in files for code in re.findall(r'"(METRIC_[A-Z0-9_]+)"', file.read_text())
    }
    assert len(codes) > 25
    for language in LANGUAGES:
        texts = Texts.of(language)
        missing = {code for code in codes if f"reading.code.{code}" not in texts.entries} - {
            code for code in codes if f"reading.code.{code}.one" in texts.entries
        }
        assert not missing

"""The verdict on each kind of change, by real queries of a real Prometheus."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.analysis import DataState, Result, overall
from bot.workflows.looks.burning import fast_burn
from tests.adapters.metrics.conftest import workload
from tests.adapters.metrics.stories import NEW, SERVICE, STORIES, windows_of


async def test_an_unchanged_release_passes_in_everything(look, storied, written):
    readings = await look(storied, STORIES["unchanged"], written)
    wrong = {name: each.code for name, each in readings.items() if each.result is not Result.PASS}
    assert wrong == {"THROTTLING": "METRIC_NO_METRIC"}
    assert overall(readings.values()) is Result.PASS
    errors = readings["ERROR_RATIO"]
    assert errors.values["requests_after"] == pytest.approx(8 * 60 * 14, rel=0.1)
    assert errors.values["requests_before"] == pytest.approx(8 * 60 * 29, rel=0.1)
    assert readings["REQUEST_RATE"].after == pytest.approx(8, rel=0.1)
    assert readings["LATENCY_P50"].after == pytest.approx(0.07, rel=0.2)
    assert readings["LATENCY_P95"].values["samples_before"] == 29
    assert readings["LATENCY_P95"].values["samples_after"] == 14
    assert len(readings["LATENCY_P95"].series) == 43
    assert f'pod=~"{NEW}-[a-z0-9]{{5}}"' in readings["LATENCY_P95"].query
    assert readings["MEMORY"].values["limit"] == 384 * 2**20


async def test_three_errors_in_a_hundred_fail(look, storied, written):
    readings = await look(storied, STORIES["errors"], written)
    reading = readings["ERROR_RATIO"]
    assert (reading.result, reading.code) == (Result.FAIL, "METRIC_REGRESSED")
    assert reading.after == pytest.approx(0.03, abs=0.008)
    assert reading.before == pytest.approx(0.001, abs=0.001)
    assert readings["LATENCY_P95"].result is Result.PASS


async def test_twice_the_latency_fails(look, storied, written):
    readings = await look(storied, STORIES["slower"], written)
    assert readings["LATENCY_P50"].code == "METRIC_REGRESSED"
    assert readings["LATENCY_P95"].code == "METRIC_REGRESSED"
    assert readings["ERROR_RATIO"].result is Result.PASS


async def test_traffic_that_drops_is_a_warning(look, storied, written):
    readings = await look(storied, STORIES["traffic"], written)
    reading = readings["REQUEST_RATE"]
    assert (reading.result, reading.code) == (Result.WARN, "METRIC_TRAFFIC_DROPPED")
    assert overall(readings.values()) is Result.WARN


async def test_a_leak_warns_and_fails_when_the_limit_is_near(look, storied, written):
    readings = await look(storied, STORIES["leak"], written)
    assert readings["MEMORY"].code == "METRIC_WORSE"
    late = timedelta(minutes=4)
    windows = _shifted(written, late)
    near = await look(storied, STORIES["leak"], written, windows=windows)
    assert (near["MEMORY"].result, near["MEMORY"].code) == (Result.FAIL, "METRIC_NEARLY_FULL")


async def test_a_release_that_emits_no_metrics_is_suspicious_and_no_pass(look, storied, written):
    readings = await look(storied, STORIES["silent"], written)
    for name in ("REQUEST_RATE", "ERROR_RATIO", "LATENCY_P50", "LATENCY_P95", "LATENCY_P99"):
        assert readings[name].code == "METRIC_DISAPPEARED"
        assert readings[name].state is DataState.NO_DATA
    assert readings["MEMORY"].result is Result.PASS
    assert overall(readings.values()) is Result.WARN


async def test_counters_that_begin_anew_are_no_errors_and_no_drop(look, storied, written):
    story = STORIES["restarted"]
    windows = _shifted(written, timedelta(0))
    seen = workload(story.namespace, restarts=1, at=windows.completed + timedelta(minutes=6))
    readings = await look(storied, story, written, seen=seen)
    assert readings["ERROR_RATIO"].result is Result.PASS
    assert readings["REQUEST_RATE"].result is Result.PASS
    assert readings["CPU"].result is Result.PASS
    assert (readings["RESTARTS"].result, readings["RESTARTS"].after) == (Result.FAIL, 2.0)


async def test_restarts_before_the_rollout_was_complete_are_the_rollouts_own(
    look, storied, written
):
    seen = workload("ns-unchanged", restarts=3, at=written)
    readings = await look(storied, STORIES["unchanged"], written, seen=seen)
    assert readings["RESTARTS"].result is Result.PASS


async def test_a_pod_that_was_killed_for_memory_fails(look, storied, written):
    at = written + timedelta(minutes=5)
    seen = workload("ns-unchanged", restarts=1, oom=True, at=at)
    readings = await look(storied, STORIES["unchanged"], written, seen=seen)
    assert readings["RESTARTS"].code == "METRIC_OUT_OF_MEMORY"


async def test_a_rise_that_last_week_had_too_is_not_blamed(look, storied, written):
    blamed = await look(storied, STORIES["no-season"], written)
    spared = await look(storied, STORIES["season"], written)
    assert blamed["LATENCY_P95"].result is Result.FAIL
    assert spared["LATENCY_P95"].result is Result.PASS


async def test_little_traffic_is_said_and_not_judged(look, storied, written):
    readings = await look(storied, STORIES["quiet"], written)
    reading = readings["ERROR_RATIO"]
    assert (reading.result, reading.state) == (Result.INCONCLUSIVE, DataState.LOW)
    assert reading.values["requests_after"] < 300


async def test_no_traffic_at_all_is_a_state(look, storied, written):
    readings = await look(storied, STORIES["asleep"], written)
    assert {readings[n].state for n in ("REQUEST_RATE", "ERROR_RATIO", "LATENCY_P95")} == {
        DataState.NO_TRAFFIC
    }
    assert overall(readings.values()) is Result.WARN


async def test_a_first_release_has_nothing_to_be_compared_with(look, storied, written):
    readings = await look(storied, STORIES["first"], written)
    assert readings["ERROR_RATIO"].code == "METRIC_FIRST"
    assert readings["LATENCY_P95"].code == "METRIC_WITHIN_LIMIT"  # dynamo.yml has one for it


async def test_a_first_release_fails_its_own_threshold(look, storied, written, catalog):
    service = catalog.service(SERVICE)
    own = replace(service.metrics, limits={"errors": 0.01})
    story = STORIES["first-bad"]
    readings = await look(storied, story, written, service=replace(service, metrics=own))
    reading = readings["ERROR_RATIO"]
    assert (reading.result, reading.code) == (Result.FAIL, "METRIC_OVER_LIMIT_ALONE")


async def test_a_status_under_another_name_is_no_silent_pass(look, storied, written, catalog):
    """`status` where the service says `code`: every failure would have been read as none."""
    wrong = await look(storied, STORIES["label"], written)
    assert wrong["ERROR_RATIO"].code == "METRIC_NO_STATUS"
    assert wrong["ERROR_RATIO"].values["label"] == "status"
    service = catalog.service(SERVICE)
    named = replace(service, metrics=replace(service.metrics, status="code"))
    right = await look(storied, STORIES["label"], written, service=named)
    assert right["ERROR_RATIO"].code == "METRIC_REGRESSED"


async def test_an_empty_status_is_no_silent_pass(look, storied, written):
    """As after a relabelling that went wrong: failures cannot be told from the rest."""
    reading = (await look(storied, STORIES["blank"], written))["ERROR_RATIO"]
    assert (reading.result, reading.code) == (Result.INCONCLUSIVE, "METRIC_NO_STATUS")


async def test_a_query_that_gives_several_series_is_named(look, storied, written, catalog):
    service = catalog.service(SERVICE)
    queries = {"memory": "container_memory_working_set_bytes{{{sel}}}"}
    several = replace(service, metrics=replace(service.metrics, queries=queries))
    readings = await look(storied, STORIES["unchanged"], written, service=several)
    reading = readings["MEMORY"]
    assert (reading.result, reading.code) == (Result.INCONCLUSIVE, "METRIC_SEVERAL_SERIES")
    assert reading.values["series"] == 2
    assert "pod" in str(reading.values["labels"])
    assert readings["CPU"].result is Result.PASS


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("sum(rate(x{{{sel}}}[{{window}}])", "parse error"),
        ("{__name__=~'.+'} * on(pod) {__name__=~'.+'}", ""),
    ],
)
async def test_a_query_that_prometheus_refuses_is_quoted(
    look, storied, written, catalog, query, said
):
    """400 for what it cannot read, 422 for what it cannot carry out."""
    service = catalog.service(SERVICE)
    broken = replace(service, metrics=replace(service.metrics, queries={"cpu": query}))
    readings = await look(storied, STORIES["unchanged"], written, service=broken)
    reading = readings["CPU"]
    assert (reading.result, reading.code) == (Result.INCONCLUSIVE, "METRIC_QUERY_REFUSED")
    assert said in str(reading.values["message"])
    assert readings["ERROR_RATIO"].result is Result.PASS


async def test_values_that_are_no_numbers_are_counted_and_not_judged(
    look, storied, written, catalog
):
    service = catalog.service(SERVICE)
    odd = {"cpu": "sum(container_cpu_usage_seconds_total{{{sel}}}) * 0 / 0"}
    readings = await look(
        storied,
        STORIES["unchanged"],
        written,
        service=replace(service, metrics=replace(service.metrics, queries=odd)),
    )
    assert readings["CPU"].state is DataState.NO_DATA
    assert readings["CPU"].values["lost"] == 43


async def test_minutes_in_which_another_release_rolled_out_are_left_out(
    look, storied, written, make_rollout
):
    other = make_rollout(
        id="other",
        applying_since=written - timedelta(minutes=22),
        completed_at=written - timedelta(minutes=21),
    )
    readings = await look(storied, STORIES["unchanged"], written, others=(other,))
    assert readings["LATENCY_P95"].values["samples_before"] == 19


def _shifted(written, later):
    windows = windows_of(written)
    after = replace(
        windows.after, start=windows.after.start + later * 2, end=windows.after.end + later
    )
    return replace(windows, after=after)


async def test_the_guard_sees_a_fire_and_nothing_else(look, storied, written):
    now = written + timedelta(minutes=3)
    guard = {"ask": fast_burn, "now": now}
    found = await look(storied, STORIES["fire"], written, **guard)
    reading = found["ERROR_RATIO"]
    assert (reading.result, reading.code) == (Result.FAIL, "METRIC_BURNING")
    assert reading.after == pytest.approx(0.3, abs=0.05)
    assert reading.values["requests_after"] > 500
    for calm in ("unchanged", "errors", "silent", "asleep"):
        assert not await look(storied, STORIES[calm], written, **guard)


async def test_the_guard_does_not_look_back_behind_the_change(look, storied, written):
    """In its first second there is nothing to ask for."""
    found = await look(storied, STORIES["fire"], written, ask=fast_burn, now=written)
    assert not found


async def test_a_guard_that_cannot_see_says_nothing(look, written, monkeypatch):
    monkeypatch.setattr("bot.adapters.prometheus_metrics._PAUSES", ())
    now = written + timedelta(minutes=3)
    found = await look("http://127.0.0.1:1", STORIES["fire"], written, ask=fast_burn, now=now)
    assert not found

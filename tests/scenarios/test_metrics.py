"""Each knob of the sandbox, and what the look at metrics says of the release that has it."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import aiohttp
import pytest

from bot.domain.analysis import DataState, Result, Window, Windows
from bot.workflows.edges import Place
from bot.workflows.looks.look import Subject
from bot.workflows.looks.metrics import LOOK

QA = "qa-deploys"
MINUTE = timedelta(minutes=1)


async def judged(sandbox, slack):
    """Deploy, let a quarter of an hour pass, and look."""
    edges = sandbox.dynamo.edges
    place = Place(edges.catalog.service("tasks-service"), edges.catalog.environment("qa"))
    baseline = await LOOK.baseline(place, edges)
    await slack.say("ana", QA, "/dynamo deploy tasks-service qa 1.4.0")
    async with asyncio.timeout(60):
        while not (found := await edges.store.recent("tasks-service", "qa")) or (
            found[0].completed_at is None
        ):
            await asyncio.sleep(0.05)
    rollout = replace(found[0])
    await sandbox.clock.pass_time(16 * 60)
    written, completed = rollout.applying_since, rollout.completed_at
    windows = Windows(
        before=Window(written - 30 * MINUTE, written - MINUTE),
        after=Window(completed + MINUTE, completed + 15 * MINUTE),
        written=written,
        completed=completed,
    )
    readings = await LOOK.read(Subject(place, rollout, windows, baseline), edges)
    return {reading.name: reading for reading in readings}


async def test_a_good_release_is_as_good_as_the_one_before(sandbox, slack):
    readings = await judged(sandbox, slack)
    assert {each.result for each in readings.values()} == {Result.PASS}
    assert len(readings) == 9
    assert readings["ERROR_RATIO"].values["requests_after"] > 1000


@pytest.mark.parametrize(
    ("knob", "name", "result", "code"),
    [
        ("slower", "LATENCY_P95", Result.FAIL, "METRIC_REGRESSED"),
        ("fails-3-percent", "ERROR_RATIO", Result.FAIL, "METRIC_REGRESSED"),
        ("leaks-memory", "MEMORY", Result.WARN, "METRIC_WORSE"),
        ("drops-traffic", "REQUEST_RATE", Result.WARN, "METRIC_TRAFFIC_DROPPED"),
        ("no-metrics", "ERROR_RATIO", Result.WARN, "METRIC_DISAPPEARED"),
    ],
)
async def test_each_knob_has_its_own_finding(sandbox, slack, knob, name, result, code):
    sandbox.world.set_trouble(knob, "tasks-service", "qa")
    readings = await judged(sandbox, slack)
    assert (readings[name].result, readings[name].code) == (result, code)
    others = {"ERROR_RATIO", "LATENCY_P95", "MEMORY", "REQUEST_RATE"} - {name}
    if knob != "no-metrics":
        assert all(readings[each].result is Result.PASS for each in others)
    else:
        assert readings["LATENCY_P95"].state is DataState.NO_DATA


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("sum(", 400, "parse error"),
        ("topk(3, up)", 400, "unknown function"),
        ("rate(up)", 400, "expected type range vector"),
        ("vector(up)", 422, "expected type scalar"),
        ("nothing_of_the_kind", 200, None),
    ],
)
async def test_its_prometheus_refuses_as_the_real_one_does(sandbox, query, status, said):
    url = f"{sandbox.url}/prometheus/api/v1/query"
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, params={"query": query}) as answer,
    ):
        assert answer.status == status
        body = await answer.json()
    if said is None:
        assert body["data"] == {"resultType": "vector", "result": []}
    else:
        assert said in body["error"]

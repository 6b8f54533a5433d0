"""What answers in the place of Prometheus may be anything: each is a PortError of its own."""

import asyncio
import json
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.adapters.prometheus_metrics import PrometheusMetrics
from bot.domain.analysis import Result, Window
from bot.errors import PortError, Trouble
from tests.adapters.metrics.stories import STORIES
from tests.serving import served

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NOTHING = {"status": "success", "data": {"resultType": "vector", "result": []}}
Handler = Callable[[web.Request], Any]


@asynccontextmanager
async def server(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    async with served(app) as url:
        yield url


@asynccontextmanager
async def metrics(address: str, **more: Any) -> AsyncIterator[PrometheusMetrics]:
    made = PrometheusMetrics({"qa": address}, **more)
    try:
        yield made
    finally:
        await made.close()


async def asked(handler: Handler, **more: Any) -> Any:
    async with server(handler) as address, metrics(address, **more) as door:
        return await door.at("qa", "up", NOON)


async def refused(handler: Handler, **more: Any) -> PortError:
    with pytest.raises(PortError) as caught:
        await asked(handler, **more)
    assert caught.value.port == "metrics"
    return caught.value


def answering(body: Any, status: int = 200, **headers: str) -> Handler:
    text = body if isinstance(body, str) else json.dumps(body)

    async def handler(_: web.Request) -> web.Response:
        return web.Response(
            text=text, status=status, headers=headers, content_type="application/json"
        )

    return handler


# --- the real one


async def test_explicit_times_and_steps_are_asked_for(storied, written):
    async with metrics(storied) as door:
        query = 'sum(increase(http_requests_total{namespace="ns-unchanged"}[60s]))'
        start = written - timedelta(minutes=10)
        [series] = await door.over("qa", query, Window(start, start + 4 * MINUTE), MINUTE)
        assert [sample.at for sample in series.samples] == [start + n * MINUTE for n in range(5)]
        [one] = await door.at("qa", query, start)
        assert one.samples == series.samples[:1]


async def test_what_is_no_number_comes_as_it_is(storied):
    async with metrics(storied) as door:
        assert math.isnan((await door.at("qa", "vector(0) / 0", NOON))[0].samples[0].value)
        assert (await door.at("qa", "vector(1) / 0", NOON))[0].samples[0].value == math.inf
        assert (await door.at("qa", "vector(-1) / 0", NOON))[0].samples[0].value == -math.inf
        assert (await door.at("qa", "scalar(vector(3))", NOON))[0].samples[0].value == 3


async def test_its_own_refusals_are_quoted(storied):
    async with metrics(storied) as door:
        with pytest.raises(PortError, match="parse error") as unreadable:
            await door.at("qa", "sum(", NOON)
        assert unreadable.value.trouble is Trouble.INVALID
        assert not unreadable.value.temporary
        with pytest.raises(PortError, match="11,000 points"):
            await door.over("qa", "up", Window(NOON, NOON + timedelta(days=30)), MINUTE)


# --- whatever else


async def test_nothing_there_is_nothing():
    assert await asked(answering(NOTHING)) == []


async def test_an_environment_without_prometheus_is_not_asked():
    async with metrics("http://127.0.0.1:1") as door:
        assert door.serves("qa")
        assert not door.serves("dev")
        with pytest.raises(PortError) as caught:
            await door.at("dev", "up", NOON)
        assert caught.value.trouble is Trouble.NOT_FOUND


@pytest.mark.parametrize(
    ("status", "trouble", "temporary"),
    [
        (400, Trouble.INVALID, False),
        (422, Trouble.INVALID, False),
        (401, Trouble.UNAUTHENTICATED, False),
        (403, Trouble.FORBIDDEN, False),
        (404, Trouble.NOT_FOUND, False),
        (302, Trouble.UNEXPECTED, False),
        (418, Trouble.UNEXPECTED, False),
        (500, Trouble.AWAY, True),
        (503, Trouble.AWAY, True),
        (429, Trouble.THROTTLED, True),
    ],
)
async def test_each_status_is_a_trouble_of_its_own(status, trouble, temporary, quickly):
    body = {"status": "error", "errorType": "execution", "error": "too many samples"}
    answer = answering(body, status, Location="https://elsewhere.example/")
    times: list[int] = []

    async def counted(request: web.Request) -> Any:
        times.append(1)
        return await answer(request)

    error = await refused(counted)
    assert (error.trouble, error.temporary) == (trouble, temporary)
    assert len(times) == (3 if temporary else 1)
    if status not in (302,):
        assert "too many samples" in error.values["message"]


@pytest.fixture
def quickly(monkeypatch):
    monkeypatch.setattr("bot.adapters.prometheus_metrics._PAUSES", (0.0, 0.0))


async def test_a_redirect_is_not_followed_and_the_token_stays(quickly):
    """It would carry the token to whoever answered."""
    seen: list[str] = []

    async def elsewhere(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization", ""))
        return web.json_response(NOTHING)

    async with server(elsewhere) as other:
        error = await refused(
            answering("", 307, Location=f"{other}/api/v1/query"), token=SecretStr("HUSH")
        )
    assert seen == []
    assert "127.0.0.1" in error.values["message"]


async def test_the_token_is_sent_as_a_bearer_and_never_said():
    seen: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request.headers["Authorization"])
        return web.json_response({"status": "error", "error": "no"}, status=401)

    error = await refused(handler, token=SecretStr("HUSH"))
    assert seen == ["Bearer HUSH"]
    assert "HUSH" not in str(error)


@pytest.mark.parametrize(
    "body",
    [
        "<html>Sign in</html>",
        "",
        "[]",
        {"status": "success", "data": {"resultType": "streams", "result": []}},
        {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}}, 3]}},
        {
            "status": "success",
            "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "many"]}]},
        },
        {
            "status": "success",
            "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1e99, "1"]}]},
        },
    ],
)
async def test_what_is_not_prometheus_is_named(body):
    error = await refused(answering(body))
    assert error.trouble is Trouble.UNEXPECTED


async def test_an_answer_without_end_is_cut_off():
    async def handler(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        for _ in range(200):
            await answer.write(b" " * 100_000)
        return answer

    error = await refused(handler)
    assert "too large" in error.values["message"]


async def test_an_error_with_status_200_is_an_error():
    error = await refused(answering({"status": "error", "errorType": "timeout", "error": "slow"}))
    assert (error.trouble, error.values["message"]) == (Trouble.INVALID, "slow")


async def test_what_fails_for_a_moment_is_asked_again(quickly):
    asked_times: list[int] = []

    async def handler(_: web.Request) -> web.Response:
        asked_times.append(1)
        if len(asked_times) < 3:
            return web.Response(status=503, text="busy")
        return web.json_response(NOTHING)

    assert await asked(handler) == []
    assert len(asked_times) == 3


async def test_it_is_asked_three_times_at_the_most(quickly):
    asked_times: list[int] = []

    async def handler(_: web.Request) -> web.Response:
        asked_times.append(1)
        return web.Response(status=500)

    await refused(handler)
    assert len(asked_times) == 3


async def test_one_that_hangs_is_given_up(quickly):
    async def handler(_: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.json_response(NOTHING)

    error = await refused(handler, seconds=0.1)
    assert (error.trouble, error.temporary) == (Trouble.AWAY, True)
    assert "0.1 s" in error.values["message"]


async def test_all_attempts_together_have_a_limit():
    async def handler(_: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.json_response(NOTHING)

    error = await refused(handler, seconds=10, patience=0.2)
    assert "0.2 s" in error.values["message"]


async def test_nobody_there_is_away(quickly):
    async with metrics("http://127.0.0.1:1") as door:
        with pytest.raises(PortError) as caught:
            await door.at("qa", "up", NOON)
    assert caught.value.trouble is Trouble.AWAY


async def test_plain_http_where_tls_is_expected_is_away(quickly):
    async with server(answering(NOTHING)) as address:
        secure = address.replace("http://", "https://")
        async with metrics(secure) as door:
            with pytest.raises(PortError) as caught:
                await door.at("qa", "up", NOON)
    assert caught.value.trouble is Trouble.AWAY


async def test_at_most_eight_queries_are_on_their_way():
    now, most = 0, 0

    async def handler(_: web.Request) -> web.Response:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1
        return web.json_response(NOTHING)

    async with server(handler) as address, metrics(address) as door:
        await asyncio.gather(*(door.at("qa", "up", NOON) for _ in range(30)))
    assert most == 8


async def test_an_address_of_the_catalog_is_somewhere_else_offline():
    paths: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        paths.append(request.path)
        return web.json_response(NOTHING)

    named = "https://prometheus.yourapp.com"
    async with server(handler) as address:
        instead = {named: f"{address}/prometheus"}
        async with metrics(f"{named}/team", instead=instead) as door:
            await door.at("qa", "up", NOON)
    assert paths == ["/prometheus/team/api/v1/query"]


# --- what the look makes of it


@pytest.mark.parametrize(
    ("handler", "code"),
    [
        (answering("busy", 503), "METRIC_AWAY"),
        (answering({"status": "error", "error": "who are you"}, 401), "METRIC_NOT_ALLOWED"),
        (answering("<html>", 200), "METRIC_NOT_PROMETHEUS"),
    ],
)
async def test_one_that_gives_nothing_is_said_once_and_passes_nothing(
    look, written, quickly, handler, code
):
    async with server(handler) as address:
        readings = await look(address, STORIES["unchanged"], written)
    [reading] = readings.values()
    assert (reading.name, reading.result, reading.code) == ("METRICS", Result.INCONCLUSIVE, code)


async def test_a_prometheus_that_knows_nothing_of_the_service_is_no_pass(look, written, storied):
    stranger = STORIES["unchanged"].__class__("nobody")
    readings = await look(storied, stranger, written)
    assert readings["ERROR_RATIO"].code == "METRIC_NO_METRIC"
    assert {each.result for name, each in readings.items() if name != "RESTARTS"} == {
        Result.INCONCLUSIVE
    }

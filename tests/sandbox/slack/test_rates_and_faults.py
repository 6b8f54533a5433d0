"""How often the app may call, and troubles on order."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import seed
from bot.sandbox.slack.rate_limits import RateLimits


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def burst(rates: RateLimits, method: str, tier: str | None, channel: str | None = None) -> int:
    """How many calls pass at once."""
    count = 0
    while rates.take(method, tier, channel) is None:
        count += 1
    return count


@pytest.mark.parametrize(
    ("tier", "real", "strict"), [("T1", 2, 1), ("T2", 25, 20), ("T3", 60, 50), ("T4", 120, 100)]
)
def test_a_tier_passes_its_calls_per_minute_and_a_burst_unless_strict(
    tier: str, real: int, strict: int
) -> None:
    assert burst(RateLimits(Time(), "real"), "m", tier) == real
    assert burst(RateLimits(Time(), "strict"), "m", tier) == strict


def test_a_window_slides_and_tells_the_wait() -> None:
    time = Time()
    rates = RateLimits(time, "strict")
    assert burst(rates, "m", "T2") == 20
    time.now = 17.5
    assert rates.take("m", "T2") == 43
    assert rates.take("other", "T2") is None
    time.now = 60.0
    assert burst(rates, "m", "T2") == 20


def test_posting_has_a_pace_per_channel_and_a_sum_per_workspace() -> None:
    time = Time()
    rates = RateLimits(time, "real")
    assert burst(rates, "chat.postMessage", None, "C1") == 5
    assert burst(rates, "chat.postMessage", None, "C2") == 5
    time.now = 2.0
    assert burst(rates, "chat.postMessage", None, "C1") == 2
    assert burst(RateLimits(Time(), "strict"), "chat.postMessage", None, "C1") == 1
    posted = sum(rates.take("chat.postMessage", None, f"D{n}") is None for n in range(400))
    assert posted == 300 - 12


def test_off_limits_nothing() -> None:
    rates = RateLimits(Time(), "off")
    assert all(rates.take("m", "T1") is None for _ in range(1000))


async def test_too_many_edits_meet_429_and_pass_again_in_time(open_office: Any) -> None:
    office = await open_office(rate="strict")
    posted = await office.bot.chat_postMessage(channel=seed.DEV_DEPLOYS, text="card")
    place = {"channel": seed.DEV_DEPLOYS, "ts": posted["ts"]}
    for number in range(50):
        await office.bot.chat_update(**place, text=str(number))
    with pytest.raises(SlackApiError) as caught:
        await office.bot.chat_update(**place, text="51")
    response = caught.value.response
    assert (response.status_code, response["error"]) == (429, "ratelimited")
    assert response.headers["Retry-After"] == "60"
    await office.people.advance(60)
    assert (await office.bot.chat_update(**place, text="52"))["ok"]


async def test_the_sdks_retry_handler_waits_as_told(office: Any) -> None:
    await office.people.fault(
        method="chat.postMessage", error="ratelimited", status=429, retry_after=0, times=1
    )
    client = AsyncWebClient(
        token=seed.BOT_TOKEN,
        base_url=f"{office.url}/api/",
        session=office.session,
        retry_handlers=[AsyncRateLimitErrorRetryHandler(max_retry_count=1)],
    )
    assert (await client.chat_postMessage(channel=seed.DEV_DEPLOYS, text="x"))["ok"]
    assert [c["status"] for c in await office.people.calls("chat.postMessage")] == [429, 200]


async def test_a_fault_meets_its_method_as_often_as_ordered(office: Any) -> None:
    await office.people.fault(method="chat.update", error="fatal_error", times=2)
    assert (await office.bot.auth_test())["ok"]
    posted = await office.bot.chat_postMessage(channel=seed.DEV_DEPLOYS, text="card")
    place = {"channel": seed.DEV_DEPLOYS, "ts": posted["ts"], "text": "new"}
    for _ in range(2):
        with pytest.raises(SlackApiError, match="fatal_error"):
            await office.bot.chat_update(**place)
    assert (await office.bot.chat_update(**place))["ok"]


async def test_a_dropped_call_has_no_effect_unless_its_answer_alone_was_lost(
    office: Any,
) -> None:
    post = {"channel": seed.DEV_DEPLOYS, "text": "card"}
    await office.people.fault(method="chat.postMessage", drop=True, times=1)
    with pytest.raises(aiohttp.ClientError):
        await office.bot.chat_postMessage(**post)
    assert await office.people.messages("ana", "#dev-deploys") == []
    await office.people.fault(method="chat.postMessage", drop=True, after=True, times=1)
    with pytest.raises(aiohttp.ClientError):
        await office.bot.chat_postMessage(**post)
    assert len(await office.people.messages("ana", "#dev-deploys")) == 1


async def test_faults_without_a_method_meet_every_call_until_they_are_lifted(office: Any) -> None:
    await office.people.fault(status=500)
    with pytest.raises(SlackApiError) as caught:
        await office.bot.auth_test()
    assert caught.value.response.status_code == 500
    await office.people.no_faults()
    assert (await office.bot.auth_test())["ok"]


async def test_a_delayed_call_waits_in_virtual_time(
    office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = asyncio.Event()
    sleep = office.clock.sleep

    async def noted_sleep(seconds: float) -> None:
        asyncio.get_running_loop().call_soon(waits.set)
        await sleep(seconds)

    monkeypatch.setattr(office.clock, "sleep", noted_sleep)
    await office.people.fault(method="auth.test", delay=30)
    call = asyncio.create_task(office.bot.auth_test())
    await waits.wait()
    await office.people.advance(29)
    assert not call.done()
    await office.people.advance(1)
    assert (await call)["ok"]


async def test_a_fault_that_is_none_is_refused(office: Any) -> None:
    url = f"{office.url}/client/faults"
    unknown = await office.session.post(url, json={"methd": "x"})
    wrong = await office.session.post(url, json={"times": "3"})
    assert [unknown.status, wrong.status] == [400, 400]
    assert (await (await office.session.get(url)).json())["faults"] == []


async def test_a_channel_has_one_pace_by_whatever_name_it_is_called(open_office: Any) -> None:
    office = await open_office(rate="strict")
    await office.bot.chat_postMessage(channel=seed.DEV_DEPLOYS, text="one")
    with pytest.raises(SlackApiError, match="ratelimited"):
        await office.bot.chat_postMessage(channel="#dev-deploys", text="two")
    direct = await office.bot.chat_postMessage(channel=seed.ANA, text="one")
    with pytest.raises(SlackApiError, match="ratelimited"):
        await office.bot.chat_postMessage(channel=direct["channel"], text="two")


async def test_a_socket_that_wants_to_open_can_be_refused_or_kept_waiting(office: Any) -> None:
    client = office.client(seed.APP_TOKEN)
    opened = await client.apps_connections_open(app_token=seed.APP_TOKEN)
    await office.people.fault(method="link", status=503, times=1)
    with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
        await office.session.ws_connect(opened["url"])
    ws = await office.session.ws_connect(opened["url"])
    assert (await ws.receive_json())["type"] == "hello"

"""Socket Mode: hello, acks, several sockets, reconnects, nobody there, redelivered events."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from bot.sandbox.clock import Clock
from bot.sandbox.slack import seed
from bot.sandbox.slack.manifest import read_manifest
from bot.sandbox.slack.running import running_workspace
from bot.sandbox.slack.server import MANIFEST


class Raw:
    """A hand-driven Socket Mode client: sees every frame and acks when told."""

    def __init__(self, office: Any) -> None:
        self.office = office
        self.ws: Any = None

    async def connect(self, query: str = "") -> dict[str, Any]:
        opened = await self.office.client(seed.APP_TOKEN).apps_connections_open(
            app_token=seed.APP_TOKEN
        )
        self.ws = await self.office.session.ws_connect(opened["url"] + query, autoping=False)
        return await self.next()

    async def next(self) -> dict[str, Any]:
        frame = await self.frame()
        while frame.type is aiohttp.WSMsgType.PING:
            frame = await self.frame()
        assert frame.type is aiohttp.WSMsgType.TEXT, frame
        found: dict[str, Any] = frame.json()
        return found

    async def frame(self) -> Any:
        return await asyncio.wait_for(self.ws.receive(), 5)

    async def ack(self, envelope: dict[str, Any], **payload: Any) -> None:
        body = {"envelope_id": envelope["envelope_id"]}
        await self.ws.send_json(body | ({"payload": payload} if payload else {}))


@pytest.fixture
async def raw(office: Any) -> Raw:
    return Raw(office)


def say(office: Any, text: str = "/dynamo help") -> asyncio.Task[Any]:
    return asyncio.create_task(office.people.say("ana", "#dev-deploys", text))


async def test_hello_comes_first_and_an_envelope_waits_for_its_ack(office: Any, raw: Raw) -> None:
    hello = await raw.connect()
    assert (hello["type"], hello["num_connections"]) == ("hello", 1)
    assert hello["connection_info"] == {"app_id": seed.APP_ID}
    assert hello["debug_info"]["approximate_connection_time"] == 18060
    typed = say(office)
    envelope = await raw.next()
    assert set(envelope) == {"envelope_id", "type", "accepts_response_payload", "payload"}
    assert (envelope["type"], envelope["accepts_response_payload"]) == ("slash_commands", True)
    assert not typed.done()
    await raw.ws.send_str("ping")
    await raw.ack(envelope, text="at your service")
    assert (await typed)["ok"] is True
    answer = await office.people.message("ana", where=lambda m: m.text == "at your service")
    assert answer.ephemeral


async def test_a_ticket_opens_one_socket(office: Any, raw: Raw) -> None:
    opened = await office.client(seed.APP_TOKEN).apps_connections_open(app_token=seed.APP_TOKEN)
    raw.ws = await office.session.ws_connect(opened["url"])
    await raw.next()
    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        await office.session.ws_connect(opened["url"])


async def test_a_ticket_is_good_for_a_minute(office: Any) -> None:
    client = office.client(seed.APP_TOKEN)
    fresh = await client.apps_connections_open(app_token=seed.APP_TOKEN)
    await office.people.advance(60)
    await office.session.ws_connect(fresh["url"])
    stale = await client.apps_connections_open(app_token=seed.APP_TOKEN)
    await office.people.advance(60.5)
    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        await office.session.ws_connect(stale["url"])


async def test_a_silent_app_shows_the_person_a_timeout(office: Any, raw: Raw) -> None:
    await raw.connect()
    typed = say(office)
    await raw.next()
    await office.people.advance(3)
    assert (await typed)["error"] == "operation_timeout"
    shown = await office.people.message("ana", where=lambda m: m.error)
    assert shown.text == '/dynamo failed with the error "operation_timeout"'
    assert shown.ephemeral


async def test_without_a_socket_a_command_fails_to_dispatch(office: Any) -> None:
    typed = say(office)
    await office.people.message("ana", where=lambda m: "command" in m.body)
    await office.people.advance(3)
    assert (await typed)["error"] == "dispatch_failed"


async def test_an_envelope_waits_for_an_app_that_reconnects(office: Any, raw: Raw) -> None:
    typed = say(office)
    await office.people.message("ana", where=lambda m: "command" in m.body)
    await office.people.advance(2)
    await raw.connect()
    await raw.ack(await raw.next())
    assert (await typed)["ok"] is True


async def test_sockets_take_turns_and_any_of_them_may_ack(office: Any, raw: Raw) -> None:
    other = Raw(office)
    await raw.connect()
    assert (await other.connect())["num_connections"] == 2
    first, second = say(office, "/dynamo one"), say(office, "/dynamo two")
    one, two = await raw.next(), await other.next()
    assert {one["payload"]["text"], two["payload"]["text"]} == {"one", "two"}
    await other.ack(one)
    await raw.ack(two)
    assert (await first)["ok"] is True
    assert (await second)["ok"] is True


async def test_a_late_ack_changes_nothing(office: Any, raw: Raw) -> None:
    await raw.connect()
    typed = say(office)
    envelope = await raw.next()
    await office.people.advance(3)
    await typed
    await raw.ack(envelope, text="too late")
    after = say(office, "/dynamo again")
    await raw.ack(await raw.next())
    await after
    shown = await office.people.messages("ana", "#dev-deploys")
    assert all(m.text != "too late" for m in shown)


async def test_pings_go_both_ways_and_a_muted_socket_answers_none(office: Any, raw: Raw) -> None:
    await raw.connect()
    await raw.ws.ping(b"sdk-ping-pong:1")
    pong = await raw.frame()
    assert (pong.type, pong.data) == (aiohttp.WSMsgType.PONG, b"sdk-ping-pong:1")
    await office.people.advance(10)
    assert (await raw.frame()).type is aiohttp.WSMsgType.PING
    assert await office.people.sockets("mute") == 1
    await raw.ws.ping(b"sdk-ping-pong:2")
    typed = say(office)
    frame = await raw.frame()
    assert frame.type is aiohttp.WSMsgType.TEXT
    await raw.ack(frame.json())
    await office.people.advance(3)
    assert (await typed)["error"] == "operation_timeout"


async def test_a_socket_is_warned_and_then_asked_to_reconnect_when_its_time_is_up(
    office: Any, raw: Raw
) -> None:
    hello = await raw.connect("&debug_reconnects=true")
    assert hello["debug_info"]["approximate_connection_time"] == 360
    await office.people.advance(350)
    assert (await raw.next())["reason"] == "warning"
    await office.people.advance(10)
    assert (await raw.next())["reason"] == "refresh_requested"
    frame = await raw.frame()
    while frame.type is aiohttp.WSMsgType.PING:
        frame = await raw.frame()
    assert frame.type is aiohttp.WSMsgType.CLOSE


async def test_the_eleventh_socket_is_sent_away(office: Any) -> None:
    sockets = [Raw(office) for _ in range(11)]
    hellos = [await each.connect() for each in sockets]
    assert [each["type"] for each in hellos] == ["hello"] * 10 + ["disconnect"]
    assert hellos[-1]["reason"] == "too_many_websockets"


async def test_a_real_app_survives_refreshes_and_cut_connections(office: Any) -> None:
    app = office.bolt()

    async def run(ack: Any) -> None:
        await ack("here")

    app.command("/dynamo")(run)
    # A cut connection is noticed by the SDK at its next ping only.
    async with office.running(app, ping_interval=0.1):
        for trouble in ("refresh_requested", "cut", "warning", "link_disabled"):
            assert (await office.people.say("ana", "#dev-deploys", "/dynamo before"))["ok"]
            assert await office.people.sockets(trouble) >= 1
            said = await office.people.say("ana", "#dev-deploys", f"/dynamo {trouble}")
            assert said["ok"] is True, trouble


async def test_an_event_without_an_ack_comes_again_with_its_number_and_reason(
    office: Any, raw: Raw
) -> None:
    await raw.connect()
    await office.people.say("ana", "#dev-deploys", "hey @dynamo status")
    first = await raw.next()
    assert (first["type"], first["accepts_response_payload"]) == ("events_api", False)
    assert "retry_attempt" not in first
    await office.people.advance(3)
    again = await raw.next()
    await office.people.advance(3)
    await office.people.advance(60)
    third = await raw.next()
    await office.people.advance(3)
    await office.people.advance(300)
    last = await raw.next()
    tries = [again, third, last]
    assert [each["retry_attempt"] for each in tries] == [1, 2, 3]
    assert {each["retry_reason"] for each in tries} == {"timeout"}
    assert {each["payload"]["event_id"] for each in tries} == {first["payload"]["event_id"]}
    await office.people.advance(3)
    await office.people.advance(600)
    typed = say(office)
    following = await raw.next()
    assert following["type"] == "slash_commands"
    await raw.ack(following)
    await typed


async def test_an_acked_event_does_not_come_again(office: Any, raw: Raw) -> None:
    await raw.connect()
    await office.people.say("ana", "#dev-deploys", "hey @dynamo")
    await raw.ack(await raw.next())
    await office.people.advance(600)
    typed = say(office)
    following = await raw.next()
    assert following["type"] == "slash_commands"
    await raw.ack(following)
    await typed


async def test_a_lost_envelope_is_ordered_as_a_fault(office: Any, raw: Raw) -> None:
    await raw.connect()
    await office.people.fault(method="slash_commands", drop=True, times=1)
    assert (await office.people.say("ana", "#dev-deploys", "/dynamo x"))["error"] == (
        "operation_timeout"
    )
    typed = say(office)
    await raw.ack(await raw.next())
    assert (await typed)["ok"] is True


async def test_the_latest_delivery_can_be_sent_again(office: Any, raw: Raw) -> None:
    await raw.connect()
    typed = say(office)
    first = await raw.next()
    await raw.ack(first)
    await typed
    again = asyncio.create_task(office.people.redeliver())
    second = await raw.next()
    await raw.ack(second)
    assert (await again)["ok"] is True
    assert second["payload"] == first["payload"]
    assert second["envelope_id"] != first["envelope_id"]
    await office.people.say("ana", "#general", "@dynamo hi")
    event = await raw.next()
    await raw.ack(event)
    await office.people.exchange(where=lambda entry: entry["method"] == "events_api")
    again = asyncio.create_task(office.people.redeliver())
    retried = await raw.next()
    await raw.ack(retried)
    await again
    assert (retried["retry_attempt"], retried["retry_reason"]) == (1, "timeout")
    assert retried["payload"]["event_id"] == event["payload"]["event_id"]


async def test_a_fast_world_does_not_hurry_the_app(open_office: Any) -> None:
    office = await open_office(clock=Clock(speed=10, manual=True))
    raw = Raw(office)
    await raw.connect()
    typed = say(office)
    await raw.next()
    await office.people.advance(29)
    assert not typed.done()
    await office.people.advance(1)
    assert (await typed)["error"] == "operation_timeout"


async def test_a_workspace_that_closes_leaves_no_error_that_nobody_sees() -> None:
    """It told an app that was away of something: asyncio had complained at the end of the test."""
    reading = replace(
        read_manifest(MANIFEST), scopes=("channels:history",), bot_events=("message.channels",)
    )
    async with running_workspace(Clock(manual=True), manifest=reading) as workspace:
        await workspace.people.say("ana", "#qa-deploys", "anybody?")
        (pending,) = workspace.server.socket._pending.values()
    assert pending.answer.exception() is None

"""Events of what people do: mentions, and who hears of them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from bot.sandbox.slack import seed
from bot.sandbox.slack.manifest import read_manifest
from bot.sandbox.slack.server import MANIFEST


async def test_a_mention_in_a_thread_reaches_the_app_as_slack_sends_it(office: Any) -> None:
    app = office.bolt()
    bodies: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def mentioned(body: Any) -> None:
        bodies.put_nowait(body)

    app.event("app_mention")(mentioned)
    parent = await office.bot.chat_postMessage(channel=seed.DEV_DEPLOYS, text="card")
    async with office.running(app):
        said = await office.people.say(
            "ana", "#dev-deploys", "@dynamo status & logs", thread_ts=parent["ts"]
        )
        body = await bodies.get()
    assert set(body) == {
        "token",
        "team_id",
        "api_app_id",
        "event",
        "type",
        "event_id",
        "event_time",
        "authorizations",
        "is_ext_shared_channel",
        "event_context",
    }
    assert body["authorizations"][0]["user_id"] == seed.BOT_USER_ID
    event = body["event"]
    assert event["blocks"][0]["elements"][0]["elements"] == [
        {"type": "user", "user_id": seed.BOT_USER_ID},
        {"type": "text", "text": " status & logs"},
    ]
    del event["blocks"]
    assert event == {
        "type": "app_mention",
        "user": seed.ANA,
        "text": f"<@{seed.BOT_USER_ID}> status &amp; logs",
        "ts": said["ts"],
        "channel": seed.DEV_DEPLOYS,
        "event_ts": said["ts"],
        "team": seed.TEAM_ID,
        "thread_ts": parent["ts"],
    }


async def test_a_mention_where_the_app_is_not_tells_the_person_how_to_invite_it(
    office: Any,
) -> None:
    await office.people.say("ana", "#random", "@dynamo hello?")
    hint = await office.people.message("ana", where=lambda m: m.ephemeral)
    assert "/invite @dynamo" in hint.text
    assert await office.people.calls("events_api") == []


async def test_only_events_that_the_manifest_names_are_sent(open_office: Any) -> None:
    manifest = replace(
        read_manifest(MANIFEST), bot_events=("member_joined_channel", "message.channels")
    )
    scopes = frozenset({*manifest.scopes, "channels:read"})
    office = await open_office(manifest=manifest, scopes=scopes)
    app = office.bolt()
    events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def heard(event: Any) -> None:
        events.put_nowait(event)

    app.event("member_joined_channel")(heard)
    app.event("message")(heard)
    async with office.running(app):
        await office.people.say("ana", "#dev-deploys", "@dynamo hi")
        message = await events.get()
        await office.people.say("ana", "#random", "/invite @dynamo")
        await office.people.exchange(where=lambda e: "inviter" in str(e["request"]))
    assert (message["type"], message["channel_type"]) == ("message", "channel")
    kinds = [
        e["request"]["payload"]["event"]["type"] for e in await office.people.calls("events_api")
    ]
    assert "app_mention" not in kinds
    joined = await office.people.message(
        "ana", where=lambda m: m.body.get("subtype") == "channel_join"
    )
    assert joined.user == seed.BOT_USER_ID


async def test_an_event_needs_its_scope_and_a_command_its_own(open_office: Any) -> None:
    office = await open_office(scopes=frozenset({"chat:write", "users:read"}))
    await office.people.say("ana", "#dev-deploys", "@dynamo hi")
    await office.people.advance(10)
    assert await office.people.calls("events_api") == []
    said = await office.people.say("ana", "#dev-deploys", "/dynamo help")
    assert said["error"] == "unknown_command"


async def test_without_interactivity_no_click_arrives(open_office: Any) -> None:
    manifest = replace(read_manifest(MANIFEST), interactivity=False)
    office = await open_office(manifest=manifest)
    button = {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": "go"}
    await office.bot.chat_postMessage(
        channel=seed.DEV_DEPLOYS, text="card", blocks=[{"type": "actions", "elements": [button]}]
    )
    card = await office.people.message("ana", where=lambda m: m.text == "card")
    assert (await office.people.click("ana", card, "Go"))["error"] == "dispatch_failed"
    assert await office.people.calls("interactive") == []


async def test_a_workspace_that_closes_keeps_nobody_waiting(open_office: Any) -> None:
    office = await open_office()
    typed = asyncio.create_task(office.people.say("ana", "#general", "/dynamo help"))
    await office.people.message("ana", where=lambda m: "command" in m.body)
    await office.server.close()
    assert (await typed)["error"] == "dispatch_failed"


async def test_an_archived_channel_is_told_with_its_scope(open_office: Any) -> None:
    manifest = replace(read_manifest(MANIFEST), bot_events=("channel_archive", "channel_unarchive"))
    office = await open_office(manifest=manifest, scopes=frozenset({"channels:read"}))
    app = office.bolt()
    events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def heard(event: Any) -> None:
        events.put_nowait(event)

    app.event("channel_archive")(heard)
    app.event("channel_unarchive")(heard)
    async with office.running(app):
        await office.people.change_channel("archive", "#dev-deploys")
        await office.people.change_channel("unarchive", "#dev-deploys")
        told = [await events.get(), await events.get()]
    assert {(each["type"], each["channel"], each["user"]) for each in told} == {
        ("channel_archive", seed.DEV_DEPLOYS, seed.ELENA),
        ("channel_unarchive", seed.DEV_DEPLOYS, seed.ELENA),
    }

"""What an app that reads along hears of: every message, edit and deletion, its own ones too."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from bot.sandbox.slack import seed
from bot.sandbox.slack.manifest import read_manifest
from bot.sandbox.slack.server import MANIFEST
from tests.sandbox.slack.conftest import GRANTED

READING = replace(
    read_manifest(MANIFEST),
    scopes=(*GRANTED, "im:history", "reactions:write"),
    bot_events=("message.channels", "message.im"),
)


def told(office: Any) -> list[Any]:
    """The events that were delivered, the oldest first."""
    return [payload["event"] for kind, payload, _ in office.server.delivered]


async def until(office: Any, count: int) -> list[Any]:
    """Events are sent in the background, so that the poster does not wait for them."""
    async with asyncio.timeout(30):
        while len(told(office)) < count:
            await asyncio.sleep(0)
    return told(office)


async def test_posts_edits_and_deletions_are_told_with_what_was_there_before(
    open_office: Any,
) -> None:
    office = await open_office(manifest=READING)
    said = await office.people.say("ana", "#qa-deploys", "tea?")
    place = {"channel": seed.QA_DEPLOYS}
    posted = await office.bot.chat_postMessage(**place, text="green", thread_ts=said["ts"])
    ts = posted["ts"]
    await office.bot.reactions_add(**place, timestamp=ts, name="tea")
    await office.bot.chat_update(**place, ts=ts, text="black")
    await office.bot.chat_delete(**place, ts=ts)
    said_, posted_, changed, deleted = await until(office, 4)
    assert (said_["user"], said_["text"], said_["channel_type"]) == (seed.ANA, "tea?", "channel")
    assert "subtype" not in said_
    assert (posted_["bot_id"], posted_["user"]) == (seed.BOT_ID, seed.BOT_USER_ID)
    assert (posted_["thread_ts"], posted_["event_ts"]) == (said["ts"], ts)
    assert (changed["subtype"], changed["hidden"]) == ("message_changed", True)
    assert changed["message"]["text"] == "black"
    assert changed["message"]["edited"]["user"] == seed.BOT_USER_ID
    assert changed["previous_message"]["text"] == "green"
    assert changed["ts"] > ts
    assert (deleted["subtype"], deleted["deleted_ts"]) == ("message_deleted", ts)
    assert deleted["previous_message"]["text"] == "black"


async def test_a_parent_that_is_deleted_is_told_as_a_tombstone_once(open_office: Any) -> None:
    office = await open_office(manifest=READING)
    place = {"channel": seed.QA_DEPLOYS}
    parent = await office.bot.chat_postMessage(**place, text="tea?")
    await office.bot.chat_postMessage(**place, text="green", thread_ts=parent["ts"])
    await office.bot.chat_delete(**place, ts=parent["ts"])
    await office.bot.chat_postMessage(**place, text="the end")
    events = await until(office, 4)
    assert [each.get("subtype") for each in events] == [None, None, "message_changed", None]
    assert events[2]["message"]["subtype"] == "tombstone"


async def test_what_one_person_sees_alone_is_told_to_nobody(open_office: Any) -> None:
    office = await open_office(manifest=READING)
    await office.bot.chat_postEphemeral(channel=seed.QA_DEPLOYS, user=seed.ANA, text="psst")
    await office.people.say("ana", "#random", "the app is not here")
    await office.bot.chat_postMessage(channel=seed.ANA, text="to you")
    (event,) = await until(office, 1)
    assert (event["text"], event["channel_type"]) == ("to you", "im")


async def test_an_app_is_not_told_of_what_its_manifest_does_not_name(open_office: Any) -> None:
    office = await open_office()
    await office.people.say("ana", "#qa-deploys", "tea?")
    await office.bot.chat_postMessage(channel=seed.QA_DEPLOYS, text="green")
    assert told(office) == []


async def test_bolt_leaves_out_what_the_app_said_itself(open_office: Any) -> None:
    office = await open_office(manifest=READING)
    heard: asyncio.Queue[str] = asyncio.Queue()
    app = office.bolt()

    async def hear(event: Any) -> None:
        heard.put_nowait(event["text"])

    app.event("message")(hear)
    async with office.running(app):
        await office.bot.chat_postMessage(channel=seed.QA_DEPLOYS, text="tea?")
        await office.people.say("ana", "#qa-deploys", "green")
        assert await heard.get() == "green"
        assert heard.empty()

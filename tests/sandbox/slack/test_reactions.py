"""Emoji under messages: of people and of the app, seen by both."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.sandbox.slack import seed
from bot.sandbox.slack.driver import SlackRefusal
from bot.sandbox.slack.manifest import read_manifest
from bot.sandbox.slack.server import MANIFEST
from tests.sandbox.slack.conftest import GRANTED
from tests.sandbox.slack.refused import error_of

REACTING = replace(
    read_manifest(MANIFEST),
    scopes=(*GRANTED, "reactions:read", "reactions:write"),
    bot_events=("reaction_added", "reaction_removed"),
)


async def test_reactions_are_added_counted_and_taken_away(open_office: Any) -> None:
    office = await open_office(manifest=REACTING)
    posted = await office.bot.chat_postMessage(channel=seed.QA_DEPLOYS, text="Tea?")
    place = {"channel": seed.QA_DEPLOYS, "timestamp": posted["ts"]}
    await office.bot.reactions_add(**place, name="tea")
    message = await office.people.message("ana", where=lambda m: "tea" in m.reactions)
    await office.people.react("ana", message, ":tea:")
    found = (await office.bot.reactions_get(**place))["message"]
    users = [seed.BOT_USER_ID, seed.ANA]
    assert found["reactions"] == [{"name": "tea", "users": users, "count": 2}]
    assert await error_of(office.bot.reactions_add(**place, name="tea")) == "already_reacted"
    await office.bot.reactions_remove(**place, name=":tea:")
    assert await error_of(office.bot.reactions_remove(**place, name="tea")) == "no_reaction"
    assert await error_of(office.bot.reactions_remove(**place, name="T e")) == "invalid_name"
    await office.people.react("ana", message, "tea", remove=True)
    nothing = office.bot.reactions_get(channel=seed.QA_DEPLOYS)
    assert await error_of(nothing) == "no_item_specified"
    assert "reactions" not in (await office.bot.reactions_get(**place))["message"]
    await office.people.message("ana", where=lambda m: m.text == "Tea?" and not m.reactions)
    with pytest.raises(SlackRefusal, match="no_reaction"):
        await office.people.react("ana", message, "tea", remove=True)
    with pytest.raises(SlackRefusal, match="invalid_name"):
        await office.people.react("ana", message, "T e a")


async def test_the_app_hears_of_reactions_that_its_manifest_names(open_office: Any) -> None:
    office = await open_office(manifest=REACTING)
    heard: asyncio.Queue[Any] = asyncio.Queue()
    app = office.bolt()

    async def hear(event: Any) -> None:
        heard.put_nowait(event)

    app.event("reaction_added")(hear)
    app.event("reaction_removed")(hear)
    async with office.running(app):
        posted = await office.bot.chat_postMessage(channel=seed.QA_DEPLOYS, text="Tea?")
        message = await office.people.message("ben", where=lambda m: m.text == "Tea?")
        await office.people.react("ben", message, "tea")
        event = await heard.get()
        assert event.pop("event_ts") > posted["ts"]
        assert event == {
            "type": "reaction_added",
            "user": seed.BEN,
            "reaction": "tea",
            "item_user": seed.BOT_USER_ID,
            "item": {"type": "message", "channel": seed.QA_DEPLOYS, "ts": posted["ts"]},
        }
        await office.people.react("ben", message, "tea", remove=True)
        assert (await heard.get())["type"] == "reaction_removed"


async def test_where_the_app_is_no_member_it_hears_of_no_reaction(open_office: Any) -> None:
    office = await open_office(manifest=REACTING)
    said = await office.people.say("ana", "#random", "tea?")
    message = await office.people.message("ana", where=lambda m: m.ts == said["ts"])
    await office.people.react("ana", message, "tea")
    assert not office.server.delivered


async def test_nobody_reacts_to_what_one_person_sees_alone(open_office: Any) -> None:
    office = await open_office(manifest=REACTING)
    place = {"channel": seed.QA_DEPLOYS, "user": seed.ANA}
    await office.bot.chat_postEphemeral(**place, text="psst")
    message = await office.people.message("ana", where=lambda m: m.text == "psst")
    with pytest.raises(SlackRefusal, match="bad_field"):
        await office.people.react("ana", message, "tea")

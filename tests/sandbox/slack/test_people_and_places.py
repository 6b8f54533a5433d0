"""What an app asks of people, of its team and of itself, and how it joins a channel."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot.sandbox.slack import seed
from bot.sandbox.slack.manifest import read_manifest
from bot.sandbox.slack.server import MANIFEST
from tests.sandbox.slack.conftest import GRANTED
from tests.sandbox.slack.refused import error_of

ASKING = replace(
    read_manifest(MANIFEST),
    scopes=(
        *GRANTED,
        "team:read",
        "users:read.email",
        "channels:read",
        "groups:read",
        "channels:join",
    ),
    bot_events=("member_joined_channel",),
)


async def test_the_app_learns_of_its_team_and_of_itself(open_office: Any) -> None:
    office = await open_office(manifest=ASKING)
    assert (await office.bot.team_info())["team"]["domain"] == seed.TEAM_DOMAIN
    bot = (await office.bot.bots_info(bot=seed.BOT_ID))["bot"]
    assert (bot["app_id"], bot["user_id"]) == (seed.APP_ID, seed.BOT_USER_ID)
    assert await error_of(office.bot.bots_info(bot="B0OTHER000")) == "bot_not_found"
    assert (await office.bot.api_test(foo="bar"))["args"] == {"foo": "bar"}


async def test_an_address_is_shown_to_an_app_that_may_see_it(open_office: Any) -> None:
    office = await open_office(manifest=ASKING)
    ana = (await office.bot.users_info(user=seed.ANA))["user"]["profile"]["email"]
    found = await office.bot.users_lookupByEmail(email=ana.upper())
    assert found["user"]["id"] == seed.ANA
    nobody = office.bot.users_lookupByEmail(email="nobody@acme.example")
    assert await error_of(nobody) == "users_not_found"
    other = await open_office()
    assert "email" not in (await other.bot.users_info(user=seed.ANA))["user"]["profile"]


async def test_conversations_of_somebody_are_those_that_the_app_sees_too(
    open_office: Any,
) -> None:
    office = await open_office(manifest=ASKING)

    async def of(user: str | None, types: str) -> set[str]:
        found = await office.bot.users_conversations(user=user, types=types)
        return {each["name"] for each in found["channels"]}

    assert "random" not in await of(None, "public_channel")
    assert "random" in await of(seed.ANA, "public_channel")
    assert await of(seed.ANA, "private_channel") == set()
    assert await of(seed.ELENA, "private_channel") == {"release-managers"}
    nobody = office.bot.users_conversations(user="U0NOBODY00")
    assert await error_of(nobody) == "user_not_found"


async def test_an_app_joins_a_public_channel_by_itself_and_is_told_of_it(
    open_office: Any,
) -> None:
    office = await open_office(manifest=ASKING)
    joined = await office.bot.conversations_join(channel=seed.RANDOM)
    assert joined["channel"]["is_member"]
    line = await office.people.message("ana", where=lambda m: "has joined the channel" in m.text)
    assert line.channel == seed.RANDOM
    (_, payload, _) = office.server.delivered[-1]
    assert payload["event"]["type"] == "member_joined_channel"
    assert "inviter" not in payload["event"]
    again = await office.bot.conversations_join(channel=seed.RANDOM)
    assert again["warning"] == "already_in_channel"
    private = office.bot.conversations_join(channel=seed.RELEASE_MANAGERS)
    assert await error_of(private) == "method_not_supported_for_channel_type"
    await office.people.change_channel("archive", "#general")
    assert await error_of(office.bot.conversations_join(channel=seed.GENERAL)) == "is_archived"

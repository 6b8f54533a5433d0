"""Users, groups, channels and histories as the app reads them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot.sandbox.slack import seed
from bot.sandbox.slack.manifest import read_manifest
from bot.sandbox.slack.server import MANIFEST
from tests.sandbox.slack.refused import refusal_of as error_of


def scoped(*more: str) -> Any:
    manifest = read_manifest(MANIFEST)
    return replace(manifest, scopes=(*manifest.scopes, *more))


async def test_a_locale_is_told_only_when_asked_for(office: Any) -> None:
    plain = await office.bot.users_info(user=seed.ANA)
    assert "locale" not in plain["user"]
    full = await office.bot.users_info(user=seed.ANA, include_locale=True)
    assert full["user"]["locale"] == "es-ES"
    assert full["user"]["profile"]["title"] == "Developer"
    assert (await error_of(office.bot.users_info(user="U0NOBODY00")))["error"] == "user_not_found"


async def test_listings_come_in_pages(office: Any) -> None:
    names, cursor = [], ""
    pages = 0
    while pages == 0 or cursor:
        page = await office.bot.users_list(limit=3, cursor=cursor)
        names += [each["name"] for each in page["members"]]
        cursor = page["response_metadata"]["next_cursor"]
        pages += 1
    assert pages == 3
    assert sorted(names) == ["ana", "ben", "carla", "dan", "dynamo", "elena", "farid"]
    assert (await error_of(office.bot.users_list(cursor="x")))["error"] == "invalid_cursor"


async def test_user_groups_name_their_members(office: Any) -> None:
    groups = (await office.bot.usergroups_list(include_users=True))["usergroups"]
    assert {each["handle"]: each["users"] for each in groups} == {
        "developers": [seed.ANA, seed.BEN],
        "qa": [seed.CARLA],
        "security": [seed.DAN],
        "docs": [seed.FARID],
        "release-managers": [seed.ELENA],
    }
    members = await office.bot.usergroups_users_list(usergroup=seed.DEVELOPERS)
    assert members["users"] == [seed.ANA, seed.BEN]
    unknown = await error_of(office.bot.usergroups_users_list(usergroup="S0NOBODY00"))
    assert unknown["error"] == "no_such_subteam"


async def test_a_direct_message_opens_once(office: Any) -> None:
    first = await office.bot.conversations_open(users=[seed.ANA])
    again = await office.bot.conversations_open(users=[seed.ANA])
    assert first["channel"]["id"] == again["channel"]["id"]
    assert again["already_open"] is True
    assert (await error_of(office.bot.conversations_open(users="U0NOBODY00")))["error"] == (
        "user_not_found"
    )


async def test_channels_are_read_with_their_own_scopes(open_office: Any) -> None:
    plain = await open_office()
    refusal = await error_of(plain.bot.conversations_info(channel=seed.GENERAL))
    assert refusal["error"] == "missing_scope"
    office = await open_office(manifest=scoped("channels:read"))
    info = await office.bot.conversations_info(channel=seed.GENERAL, include_num_members=True)
    assert (info["channel"]["name"], info["channel"]["num_members"]) == ("general", 7)
    private = await error_of(office.bot.conversations_info(channel=seed.RELEASE_MANAGERS))
    assert (private["error"], private["needed"]) == ("missing_scope", "groups:read")
    listed = await office.bot.conversations_list(types="public_channel")
    assert len(listed["channels"]) == 5
    members = await office.bot.conversations_members(channel=seed.GENERAL, limit=2)
    assert len(members["members"]) == 2
    assert members["response_metadata"]["next_cursor"]
    gone = await error_of(office.bot.conversations_info(channel="C0NOWHERE0"))
    assert gone["error"] == "channel_not_found"


async def test_a_history_has_the_newest_first_between_two_moments(office: Any) -> None:
    stamps = [
        (await office.bot.chat_postMessage(channel=seed.GENERAL, text=str(n)))["ts"]
        for n in range(5)
    ]
    history = office.bot.conversations_history
    everything = await history(channel=seed.GENERAL)
    assert [m["text"] for m in everything["messages"]] == ["4", "3", "2", "1", "0"]
    since = await history(channel=seed.GENERAL, oldest=stamps[2])
    assert [m["text"] for m in since["messages"]] == ["4", "3"]
    between = await history(
        channel=seed.GENERAL, oldest=stamps[1], latest=stamps[3], inclusive=True
    )
    assert [m["text"] for m in between["messages"]] == ["3", "2", "1"]
    page = await history(channel=seed.GENERAL, limit=2)
    assert page["has_more"] is True
    rest = await history(
        channel=seed.GENERAL, limit=2, cursor=page["response_metadata"]["next_cursor"]
    )
    assert [m["text"] for m in rest["messages"]] == ["2", "1"]


async def test_a_history_is_closed_to_who_is_not_in_the_channel(office: Any) -> None:
    refusal = await error_of(office.bot.conversations_history(channel=seed.RANDOM))
    assert refusal["error"] == "not_in_channel"
    direct = await office.bot.conversations_open(users=seed.ANA)
    scope = await error_of(office.bot.conversations_history(channel=direct["channel"]["id"]))
    assert scope["needed"] == "im:history"


async def test_a_commands_line_is_in_no_history(office: Any) -> None:
    app = office.bolt()

    async def run(ack: Any) -> None:
        await ack(text="all see this", response_type="in_channel")

    app.command("/dynamo")(run)
    async with office.running(app):
        await office.people.say("ana", "#general", "/dynamo help")
    history = await office.bot.conversations_history(channel=seed.GENERAL)
    assert [m["text"] for m in history["messages"]] == ["all see this"]

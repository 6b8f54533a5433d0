"""Shortcuts, channels chosen in modals, tabs that a manifest turns off, membership."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from bot.sandbox.slack import seed
from bot.sandbox.slack.driver import SlackRefusal
from bot.sandbox.slack.manifest import Shortcut, read_manifest
from bot.sandbox.slack.server import MANIFEST
from tests.sandbox.slack.refused import error_of

ANY = re.compile(".*")
PLAIN = {"type": "plain_text", "text": "x"}


@pytest.fixture
async def office(open_office: Any) -> Any:
    """A workspace whose app has both kinds of shortcuts."""
    shortcuts = (
        Shortcut("Open Dynamo", "global", "dyn_open"),
        Shortcut("Explain", "message", "dyn_explain"),
    )
    return await open_office(manifest=replace(read_manifest(MANIFEST), shortcuts=shortcuts))


async def test_shortcuts_carry_what_slack_sends(office: Any) -> None:
    app = office.bolt()
    bodies: list[dict[str, Any]] = []

    async def run(ack: Any, body: Any) -> None:
        bodies.append(body)
        await ack()

    app.shortcut(ANY)(run)
    posted = await office.bot.chat_postMessage(channel=seed.GENERAL, text="card")
    card = await office.people.message("ana", where=lambda m: m.text == "card")
    async with office.running(app):
        await office.people.shortcut("ana", "dyn_open")
        await office.people.shortcut("ana", "dyn_explain", card)
    common = {
        "type",
        "user",
        "api_app_id",
        "token",
        "team",
        "enterprise",
        "is_enterprise_install",
        "callback_id",
        "trigger_id",
        "action_ts",
    }
    assert set(bodies[0]) == common
    assert set(bodies[1]) == common | {"channel", "message", "message_ts", "response_url"}
    assert [b["type"] for b in bodies] == ["shortcut", "message_action"]
    assert bodies[1]["message_ts"] == posted["ts"]


@pytest.mark.parametrize("callback_id", ["dyn_explain", "nothing"])
async def test_a_shortcut_that_is_not_there_is_refused(office: Any, callback_id: str) -> None:
    with pytest.raises(SlackRefusal, match="no_such_shortcut"):
        await office.people.shortcut("ana", callback_id)


async def test_a_channel_chosen_in_a_modal_brings_a_response_url(office: Any) -> None:
    app = office.bolt()
    bodies: list[dict[str, Any]] = []
    select = {
        "type": "conversations_select",
        "action_id": "place",
        "response_url_enabled": True,
    }
    view = {
        "type": "modal",
        "title": PLAIN,
        "submit": PLAIN,
        "blocks": [{"type": "input", "block_id": "in", "label": PLAIN, "element": select}],
    }

    async def run(ack: Any, body: Any, client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=view)

    async def submitted(ack: Any, body: Any) -> None:
        bodies.append(body)
        await ack()

    app.shortcut(ANY)(run)
    app.view(ANY)(submitted)
    async with office.running(app):
        await office.people.shortcut("ana", "dyn_open")
        modal = await office.people.view("ana")
        await office.people.submit("ana", modal, {"place": seed.GENERAL})
    (given,) = bodies[0]["response_urls"]
    assert (given["block_id"], given["channel_id"]) == ("in", seed.GENERAL)
    answer = await office.session.post(
        given["response_url"], json={"text": "from a modal", "response_type": "in_channel"}
    )
    assert answer.status == 200
    await office.people.message("ben", where=lambda m: m.text == "from a modal")


async def test_tabs_that_are_off_refuse_messages_and_homes(open_office: Any) -> None:
    manifest = replace(read_manifest(MANIFEST), home_tab=False, messages_tab=False)
    office = await open_office(manifest=manifest)
    view = {"type": "home", "blocks": [{"type": "divider"}]}
    home = office.bot.views_publish(user_id=seed.ANA, view=view)
    assert await error_of(home) == "not_enabled"
    direct = office.bot.chat_postMessage(channel=seed.ANA, text="hi")
    assert await error_of(direct) == "messages_tab_disabled"
    with pytest.raises(SlackRefusal, match="home_tab_off"):
        await office.people.open_home("ana")


async def test_without_socket_mode_no_socket_opens(open_office: Any) -> None:
    office = await open_office(manifest=replace(read_manifest(MANIFEST), socket_mode=False))
    client = office.client(seed.APP_TOKEN)
    opened = client.apps_connections_open(app_token=seed.APP_TOKEN)
    assert await error_of(opened) == "forbidden_team"


async def test_the_app_comes_and_goes_with_invite_and_remove(office: Any) -> None:
    await office.people.say("ana", "#random", "/invite @dynamo")
    await office.people.channel("ana", "#random", where=lambda c: c["bot_is_member"])
    await office.people.say("ana", "#random", "/remove @dynamo")
    await office.people.channel("ana", "#random", where=lambda c: not c["bot_is_member"])
    other = await office.people.say("ana", "#random", "/invite @ben")
    assert other["error"] == "user_not_found"


async def test_the_app_cannot_write_to_itself(office: Any) -> None:
    call = office.bot.chat_postMessage(channel=seed.BOT_USER_ID, text="hi")
    assert await error_of(call) == "cannot_dm_bot"


async def test_a_second_home_replaces_the_first_unless_its_hash_is_old(office: Any) -> None:
    publish = office.bot.views_publish
    view = {"type": "home", "blocks": [{"type": "divider"}]}
    first = (await publish(user_id=seed.ANA, view=view))["view"]
    second = (await publish(user_id=seed.ANA, view=view, hash=first["hash"]))["view"]
    assert first["id"] == second["id"]
    stale = publish(user_id=seed.ANA, view=view, hash=first["hash"])
    assert await error_of(stale) == "hash_conflict"
    modal = {"type": "modal", "title": PLAIN, "blocks": [{"type": "divider"}]}
    assert await error_of(publish(user_id=seed.ANA, view=modal)) == "invalid_arguments"
    assert await error_of(publish(user_id="U0NOBODY00", view=view)) == "user_not_found"

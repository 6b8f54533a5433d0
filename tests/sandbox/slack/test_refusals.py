"""Refusals that no story meets: each by the code that Slack has for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.sandbox.slack import limits, seed
from bot.sandbox.slack.driver import SlackRefusal
from bot.sandbox.slack.manifest import read_manifest
from bot.sandbox.slack.server import MANIFEST
from tests.sandbox.slack.refused import error_of


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def modal(**more: Any) -> dict[str, Any]:
    return {"type": "modal", "title": plain("T"), "blocks": [{"type": "divider"}], **more}


async def test_of_views(office: Any) -> None:
    def trigger(view_id: str | None = None) -> str:
        return str(office.server.triggers.issue(seed.ANA, view_id))

    bot = office.bot
    first = await bot.views_open(trigger_id=trigger(), view=modal(external_id="one"))
    view_id = first["view"]["id"]
    again = bot.views_push(trigger_id=trigger(view_id), view=modal(external_id="one"))
    assert await error_of(again) == "duplicate_external_id"
    await bot.views_push(trigger_id=trigger(view_id), view=modal(external_id="two"))
    taken = bot.views_update(external_id="two", view=modal(external_id="one"))
    assert await error_of(taken) == "duplicate_external_id"
    await bot.views_push(trigger_id=trigger(view_id), view=modal())
    fourth = bot.views_push(trigger_id=trigger(view_id), view=modal())
    assert await error_of(fourth) == "push_limit_reached"
    elsewhere = bot.views_push(trigger_id=trigger(), view=modal())
    assert await error_of(elsewhere) == "invalid_arguments"  # not from inside of a modal
    stale = bot.views_update(view_id=view_id, view=modal(), hash="1.old")
    assert await error_of(stale) == "hash_conflict"
    assert await error_of(bot.views_update(view_id="V0GONE", view=modal())) == "not_found"
    large = bot.views_update(
        view_id=view_id,
        view=modal(
            blocks=[
                {"type": "section", "text": plain("x" * 3000)} for _ in range(limits.VIEW_BLOCKS)
            ]
        ),
    )
    assert await error_of(large) == "view_too_large"
    home = {"type": "home", "blocks": [{"type": "divider"}]}
    nobody = bot.views_publish(user_id="U0NOBODY00", view=home)
    assert await error_of(nobody) == "user_not_found"
    sent = bot.views_publish(user_id=seed.ANA, view={**home, "submit": plain("Save")})
    assert await error_of(sent) == "invalid_arguments"
    assert await error_of(bot.views_open(trigger_id="1.2.x", view=modal())) == (
        "invalid_trigger_id"
    )


async def test_of_messages(office: Any) -> None:
    bot, place = office.bot, {"channel": seed.DEV_DEPLOYS}
    whispered = await bot.chat_postEphemeral(**place, user=seed.ANA, text="psst")
    aside = bot.chat_postMessage(**place, text="x", thread_ts=whispered["message_ts"])
    assert await error_of(aside) == "cannot_reply_to_message"
    large = {"event_type": "x", "event_payload": {"x": "x" * limits.METADATA_JSON}}
    assert await error_of(bot.chat_postMessage(**place, text="x", metadata=large)) == (
        "metadata_too_large"
    )
    nobody = bot.chat_postEphemeral(**place, user="U0NOBODY00", text="x")
    assert await error_of(nobody) == "user_not_found"
    long = bot.chat_postEphemeral(**place, user=seed.ANA, text="x" * (limits.MESSAGE_TEXT + 1))
    assert await error_of(long) == "msg_too_long"
    markdown = {"channel": seed.DEV_DEPLOYS, "markdown_text": "x" * (limits.MARKDOWN_TEXT + 1)}
    assert await error_of(bot.api_call("chat.postMessage", json=markdown)) == "msg_too_long"
    assert await error_of(bot.chat_getPermalink(**place, message_ts="1.000001")) == (
        "message_not_found"
    )
    for name in ("oldest", "latest"):
        when = bot.conversations_history(**place, **{name: "soon"})
        assert await error_of(when) == f"invalid_ts_{name}"


async def test_of_people_and_places(office: Any) -> None:
    bot = office.bot
    nobody = bot.api_call("conversations.open")
    assert await error_of(nobody) == "users_list_not_supplied"
    several = bot.conversations_open(users=[seed.ANA, seed.BEN])
    assert await error_of(several) == "method_not_supported_for_channel_type"
    office.server.workspace.users[seed.BEN].deleted = True
    assert await error_of(bot.conversations_open(users=seed.BEN)) == "user_disabled"
    assert await error_of(bot.users_info(user="U0NOBODY00")) == "user_not_found"
    assert await error_of(bot.usergroups_users_list(usergroup="S0NONE")) == "no_such_subteam"
    get = await office.session.get(
        f"{office.url}/api/apps.connections.open",
        headers={"Authorization": f"Bearer {seed.APP_TOKEN}"},
    )
    assert (await get.json())["error"] == "insecure_request"


async def test_of_reactions(open_office: Any) -> None:
    manifest = replace(read_manifest(MANIFEST), scopes=("reactions:write", "chat:write"))
    office = await open_office(manifest=manifest)
    posted = await office.bot.chat_postMessage(channel=seed.DEV_DEPLOYS, text="x")
    place = {"channel": seed.DEV_DEPLOYS, "timestamp": posted["ts"]}
    assert await error_of(office.bot.reactions_add(**place, name="T A D A")) == "invalid_name"
    nowhen = office.bot.reactions_add(channel=seed.DEV_DEPLOYS, timestamp="now", name="tada")
    assert await error_of(nowhen) == "bad_timestamp"
    nowhere = office.bot.reactions_add(channel=seed.DEV_DEPLOYS, timestamp="1.000002", name="tada")
    assert await error_of(nowhere) == "message_not_found"


async def test_of_files(office: Any) -> None:
    url = office.bot.files_getUploadURLExternal
    most = {"filename": "a.txt", "length": limits.FILE_BYTES + 1}
    assert await error_of(url(**most)) == "file_upload_size_restricted"
    assert (await url(filename="a.png", length=1, alt_txt="x" * limits.FILE_ALT_TEXT))["ok"]
    assert (await url(filename="a", length=limits.SNIPPET_BYTES, snippet_type="text"))["ok"]
    step = await url(filename="a.txt", length=1)
    await office.session.post(step["upload_url"], data=b"a")
    once_more = await office.session.post(step["upload_url"], data=b"a")
    assert once_more.status == 404
    complete = office.bot.files_completeUploadExternal
    file = [{"id": step["file_id"]}]
    body = {"files": file, "channel_id": seed.DEV_DEPLOYS}
    markdown = office.bot.api_call(
        "files.completeUploadExternal",
        json={**body, "blocks": [{"type": "markdown", "text": "x"}]},
    )
    assert await error_of(markdown) == "internal_error"
    assert (await complete(files=file, channel_id=seed.DEV_DEPLOYS))["ok"]
    assert await error_of(complete(files=file)) == "file_not_found"


async def test_of_people_on_the_page(office: Any) -> None:
    async def refused(call: Any) -> str:
        with pytest.raises(SlackRefusal) as caught:
            await call
        return caught.value.code

    people = office.people
    assert await refused(people.redeliver()) == "nothing_delivered"
    hers = {
        "type": "button",
        "action_id": "a",
        "text": plain("x"),
        "visible_to_user_ids": [seed.ANA],
    }
    await office.bot.chat_postMessage(
        channel=seed.QA_DEPLOYS, text="hers", blocks=[{"type": "actions", "elements": [hers]}]
    )
    seen = await people.message("ben", where=lambda m: m.text == "hers")
    assert await refused(people.click("ben", seen, "x")) == "no_such_element"
    assert await refused(people.rate("fast")) == "bad_field"
    view = {"user": seed.ANA, "view_id": "V0GONE"}
    gone = await office.session.post(f"{office.url}/client/submit", json=view)
    assert (await gone.json())["error"] == "view_not_found"
    nameless = await office.session.post(f"{office.url}/client/say", json={"user": seed.ANA})
    assert (await nameless.json())["error"] == "missing_field"

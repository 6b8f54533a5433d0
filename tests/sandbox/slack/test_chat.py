"""chat.*: where the app may write, what an edit keeps, who sees an ephemeral message."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot.sandbox.slack import seed
from bot.sandbox.slack.manifest import read_manifest
from bot.sandbox.slack.server import MANIFEST
from tests.sandbox.slack.refused import refusal_of as error_of

DIVIDER = {"type": "divider"}


def without(*scopes: str) -> Any:
    manifest = read_manifest(MANIFEST)
    return replace(manifest, scopes=tuple(s for s in manifest.scopes if s not in scopes))


async def test_a_channel_without_the_app_refuses_its_posts(open_office: Any) -> None:
    office = await open_office(manifest=without("chat:write.public"))
    refusal = await error_of(office.bot.chat_postMessage(channel=seed.RANDOM, text="hi"))
    assert refusal["error"] == "not_in_channel"
    await office.people.say("ana", "#random", "/invite @dynamo")
    posted = await office.bot.chat_postMessage(channel=seed.RANDOM, text="hi")
    assert posted["message"]["bot_id"] == seed.BOT_ID


async def test_chat_write_public_opens_public_channels_only(office: Any) -> None:
    assert (await office.bot.chat_postMessage(channel=seed.RANDOM, text="hi"))["ok"]
    await office.people.change_channel("remove", "#release-managers")
    gone = await error_of(office.bot.chat_postMessage(channel=seed.RELEASE_MANAGERS, text="hi"))
    assert gone["error"] == "channel_not_found"
    ephemeral = office.bot.chat_postEphemeral(channel=seed.RANDOM, user=seed.ANA, text="hi")
    assert (await error_of(ephemeral))["error"] == "not_in_channel"


async def test_an_archived_channel_takes_nothing(office: Any) -> None:
    await office.people.change_channel("archive", "#dev-deploys")
    refusal = await error_of(office.bot.chat_postMessage(channel=seed.DEV_DEPLOYS, text="hi"))
    assert refusal["error"] == "is_archived"


async def test_a_persons_id_opens_the_direct_message_whose_id_edits_need(office: Any) -> None:
    posted = await office.bot.chat_postMessage(channel=seed.ANA, text="for you")
    assert posted["channel"].startswith("D")
    wrong = await error_of(
        office.bot.chat_update(channel=seed.ANA, ts=posted["ts"], text="changed")
    )
    assert wrong["error"] == "channel_not_found"
    await office.bot.chat_update(channel=posted["channel"], ts=posted["ts"], text="changed")
    seen = await office.people.message("ana", where=lambda m: m.text == "changed")
    assert seen.channel == posted["channel"]
    assert all(m.text != "changed" for m in await office.people.messages("ben", "@dynamo"))


async def test_an_edit_with_text_alone_takes_the_blocks_away_and_keeps_metadata(
    office: Any,
) -> None:
    metadata = {"event_type": "rollout", "event_payload": {"id": "7"}}
    posted = await office.bot.chat_postMessage(
        channel=seed.DEV_DEPLOYS, text="a", blocks=[DIVIDER], metadata=metadata
    )
    assert "blocks" in posted["message"]
    place = {"channel": seed.DEV_DEPLOYS, "ts": posted["ts"]}
    edited = await office.bot.chat_update(**place, text="b")
    assert "blocks" not in edited["message"]
    assert edited["message"]["metadata"] == metadata
    assert edited["message"]["edited"]["ts"] > posted["ts"]
    history = await office.bot.conversations_history(channel=seed.DEV_DEPLOYS)
    assert "metadata" not in history["messages"][0]
    history = await office.bot.conversations_history(
        channel=seed.DEV_DEPLOYS, include_all_metadata=True
    )
    assert history["messages"][0]["metadata"] == metadata


async def test_only_the_apps_own_messages_can_be_edited_or_deleted(office: Any) -> None:
    said = await office.people.say("ana", "#dev-deploys", "mine")
    place = {"channel": seed.DEV_DEPLOYS, "ts": said["ts"]}
    assert (await error_of(office.bot.chat_update(**place, text="x")))["error"] == (
        "cant_update_message"
    )
    assert (await error_of(office.bot.chat_delete(**place)))["error"] == "cant_delete_message"
    nowhere = {"channel": seed.DEV_DEPLOYS, "ts": "1.000001"}
    assert (await error_of(office.bot.chat_delete(**nowhere)))["error"] == "message_not_found"


async def test_an_ephemeral_message_is_seen_by_one_and_cannot_be_edited(office: Any) -> None:
    await office.people.watch("ana", "ben")
    sent = await office.bot.chat_postEphemeral(channel=seed.DEV_DEPLOYS, user=seed.ANA, text="psst")
    seen = await office.people.message("ana", where=lambda m: m.text == "psst")
    assert seen.ephemeral
    assert await office.people.messages("ben", "#dev-deploys") == []
    await office.people.say("carla", "#dev-deploys", "in public")
    await office.people.message("ben", where=lambda m: m.text == "in public")
    heard = [e["message"]["text"] for e in await office.people.events("ben") if "message" in e]
    assert heard == ["in public"]
    counted = await office.people.channel("ben", "#dev-deploys")
    assert counted["unread"] == 1
    history = await office.bot.conversations_history(channel=seed.DEV_DEPLOYS)
    assert [m["text"] for m in history["messages"]] == ["in public"]
    edit = office.bot.chat_update(channel=seed.DEV_DEPLOYS, ts=sent["message_ts"], text="x")
    assert (await error_of(edit))["error"] == "message_not_found"


async def test_an_ephemeral_message_needs_its_reader_in_the_channel(office: Any) -> None:
    call = office.bot.chat_postEphemeral(channel=seed.RELEASE_MANAGERS, user=seed.ANA, text="psst")
    assert (await error_of(call))["error"] == "user_not_in_channel"


async def test_texts_have_slacks_limits(office: Any) -> None:
    place = {"channel": seed.DEV_DEPLOYS}
    assert (await error_of(office.bot.api_call("chat.postMessage", json=place)))[
        "error"
    ] == "no_text"
    long = await office.bot.chat_postMessage(**place, text="x" * 40_001)
    assert long["warning"] == "message_truncated"
    assert len(long["message"]["text"]) == 40_000
    edit = office.bot.chat_update(**place, ts=long["ts"], text="x" * 4_001)
    assert (await error_of(edit))["error"] == "msg_too_long"
    both = office.bot.api_call(
        "chat.postMessage", json={**place, "text": "x", "markdown_text": "y"}
    )
    assert (await error_of(both))["error"] == "markdown_text_conflict"
    many = office.bot.chat_postMessage(**place, text="x", attachments=[{"fallback": "x"}] * 101)
    assert (await error_of(many))["error"] == "too_many_attachments"


async def test_replies_are_counted_at_their_parent_and_kept_out_of_the_channel(
    office: Any,
) -> None:
    parent = await office.bot.chat_postMessage(channel=seed.DEV_DEPLOYS, text="card")
    first = await office.bot.chat_postMessage(
        channel=seed.DEV_DEPLOYS, text="detail", thread_ts=parent["ts"]
    )
    nested = await office.bot.chat_postMessage(
        channel=seed.DEV_DEPLOYS, text="more", thread_ts=first["ts"], reply_broadcast=True
    )
    assert nested["message"]["thread_ts"] == parent["ts"]
    top = await office.people.messages("ana", "#dev-deploys")
    assert [m.text for m in top] == ["card", "more"]
    assert top[0].body["reply_count"] == 2
    assert top[0].body["latest_reply"] == nested["ts"]
    thread = await office.bot.conversations_replies(channel=seed.DEV_DEPLOYS, ts=parent["ts"])
    assert [m["text"] for m in thread["messages"]] == ["card", "detail", "more"]
    lost = office.bot.chat_postMessage(channel=seed.DEV_DEPLOYS, text="x", thread_ts="1.000001")
    assert (await error_of(lost))["error"] == "thread_not_found"


async def test_deleting_removes_a_message_and_leaves_a_stone_over_a_thread(office: Any) -> None:
    lone = await office.bot.chat_postMessage(channel=seed.DEV_DEPLOYS, text="lone")
    seen = await office.people.message("ana", where=lambda m: m.text == "lone")
    await office.bot.chat_delete(channel=seed.DEV_DEPLOYS, ts=lone["ts"])
    await office.people.gone("ana", seen)
    parent = await office.bot.chat_postMessage(channel=seed.DEV_DEPLOYS, text="parent")
    await office.bot.chat_postMessage(
        channel=seed.DEV_DEPLOYS, text="reply", thread_ts=parent["ts"]
    )
    await office.bot.chat_delete(channel=seed.DEV_DEPLOYS, ts=parent["ts"])
    left = await office.people.messages("ana", "#dev-deploys")
    assert [m.body["subtype"] for m in left] == ["tombstone"]


async def test_a_permalink_leads_to_the_message_on_the_page(office: Any) -> None:
    posted = await office.bot.chat_postMessage(channel=seed.DEV_DEPLOYS, text="card")
    answer = await office.bot.chat_getPermalink(channel=seed.DEV_DEPLOYS, message_ts=posted["ts"])
    digits = posted["ts"].replace(".", "")
    assert answer["permalink"] == f"{office.url}/archives/{seed.DEV_DEPLOYS}/p{digits}"
    page = await office.session.get(answer["permalink"], allow_redirects=False)
    assert page.headers["Location"].endswith(f"/?channel={seed.DEV_DEPLOYS}&ts={posted['ts']}")


async def test_metadata_has_a_type_and_a_payload(office: Any) -> None:
    call = office.bot.chat_postMessage(
        channel=seed.DEV_DEPLOYS, text="x", metadata={"event_type": "a", "more": 1}
    )
    refusal = await error_of(call)
    assert refusal["error"] == "invalid_metadata_format"
    assert len(refusal["response_metadata"]["messages"]) == 2


async def test_what_slack_adds_to_stored_blocks_cannot_be_posted_back(office: Any) -> None:
    image = {"type": "image", "image_url": "https://example.com/x.png", "alt_text": "x"}
    posted = await office.bot.chat_postMessage(channel=seed.DEV_DEPLOYS, text="x", blocks=[image])
    stored = posted["message"]["blocks"]
    refusal = await error_of(
        office.bot.chat_update(channel=seed.DEV_DEPLOYS, ts=posted["ts"], text="x", blocks=stored)
    )
    assert refusal["error"] == "invalid_blocks"
    assert "invalid additional property: image_width [json-pointer:/blocks/0]" in refusal["errors"]


async def test_reactions_need_their_scope_and_count_once(open_office: Any) -> None:
    manifest = read_manifest(MANIFEST)
    office = await open_office(
        manifest=replace(manifest, scopes=(*manifest.scopes, "reactions:write"))
    )
    said = await office.people.say("ana", "#dev-deploys", "shipped")
    place = {"channel": seed.DEV_DEPLOYS, "timestamp": said["ts"]}
    await office.bot.reactions_add(**place, name="tada")
    again = await error_of(office.bot.reactions_add(**place, name="tada"))
    assert again["error"] == "already_reacted"
    plain = await open_office()
    refusal = await error_of(plain.bot.reactions_add(**place, name="tada"))
    assert (refusal["error"], refusal["needed"]) == ("missing_scope", "reactions:write")


async def test_an_empty_object_takes_metadata_away(office: Any) -> None:
    posted = await office.bot.chat_postMessage(
        channel=seed.DEV_DEPLOYS,
        text="a",
        metadata={"event_type": "rollout", "event_payload": {}},
    )
    edited = await office.bot.chat_update(
        channel=seed.DEV_DEPLOYS, ts=posted["ts"], text="b", metadata={}
    )
    assert "metadata" not in edited["message"]


async def test_nothing_is_edited_in_an_archived_channel(office: Any) -> None:
    posted = await office.bot.chat_postMessage(channel=seed.DEV_DEPLOYS, text="card")
    await office.people.change_channel("archive", "#dev-deploys")
    edit = office.bot.chat_update(channel=seed.DEV_DEPLOYS, ts=posted["ts"], text="x")
    assert (await error_of(edit))["error"] == "is_inactive"


async def test_attachments_are_checked_as_blocks_are(office: Any) -> None:
    async def refused(*attachments: Any, blocks: Any = ()) -> Any:
        return await error_of(
            office.bot.chat_postMessage(
                channel=seed.DEV_DEPLOYS, text="x", attachments=attachments, blocks=list(blocks)
            )
        )

    table = {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]}
    bad = await refused({"color": "#fff", "blocks": [{"type": "header"}]})
    assert bad["error"] == "invalid_attachments"
    assert bad["errors"] == ["missing required field: text [json-pointer:/attachments/0/blocks/0]"]
    two = await refused({"blocks": [table]}, blocks=[table])
    assert two["errors"] == ["only_one_table_allowed [json-pointer:/blocks]"]
    long = {"blocks": [{"type": "markdown", "text": "x" * 7_000}]}
    assert (await refused(long, long))["error"] == "invalid_blocks"
    fits = {"color": "#fff", "blocks": [table]}
    assert (
        await office.bot.chat_postMessage(channel=seed.DEV_DEPLOYS, text="x", attachments=[fits])
    )["ok"]


async def test_an_edit_without_any_text_leaves_the_blocks_where_they_are(office: Any) -> None:
    blocks = [{"type": "divider"}]
    place = {"channel": seed.DEV_DEPLOYS}
    posted = await office.bot.chat_postMessage(**place, text="card", blocks=blocks)

    async def edited(**content: Any) -> Any:
        body = {**place, "ts": posted["ts"], **content}
        answer = await office.bot.api_call("chat.update", json=body)
        return [each["type"] for each in answer["message"].get("blocks", [])]

    colour = [{"color": "#ff0000", "text": "red", "fallback": "red"}]
    assert await edited(attachments=colour) == ["divider"]
    assert await edited(attachments=colour, blocks=[]) == []
    assert await edited(blocks=blocks) == ["divider"]
    assert await edited(text="words") == []

"""chat.startStream, appendStream and stopStream: a message that grows, and then stands."""

from __future__ import annotations

from typing import Any

import orjson
from slack_sdk.models.messages.chunk import MarkdownTextChunk, TaskUpdateChunk

from bot.sandbox.slack import seed
from bot.sandbox.slack.keeping import kept, resume
from tests.sandbox.slack.refused import error_of

FOR_ANA = {"recipient_team_id": seed.TEAM_ID, "recipient_user_id": seed.ANA}


async def asked(office: Any) -> str:
    said = await office.people.say("ana", "#dev-deploys", "what happened?")
    return str(said["ts"])


async def started(office: Any, **more: Any) -> dict[str, str]:
    answer = await office.bot.chat_startStream(
        channel=seed.DEV_DEPLOYS, thread_ts=await asked(office), **FOR_ANA, **more
    )
    return {"channel": answer["channel"], "ts": answer["ts"]}


async def test_what_is_appended_is_seen_at_once_and_stands_in_the_end(office: Any) -> None:
    place = await started(office, markdown_text="The rollout ")
    await office.people.message("ana", where=lambda m: m.text == "The rollout ")
    await office.bot.chat_appendStream(**place, markdown_text="**failed**")
    seen = await office.people.message("ana", where=lambda m: m.text == "The rollout **failed**")
    assert seen.thread_ts is not None
    button = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Logs"}}
    answer = await office.bot.chat_stopStream(
        **place, markdown_text=".", blocks=[{"type": "actions", "elements": [button]}]
    )
    assert answer["message"]["text"] == "The rollout **failed**."
    kinds = [each["type"] for each in answer["message"]["blocks"]]
    assert kinds == ["markdown", "actions"]
    for late in (
        office.bot.chat_appendStream(**place, markdown_text="more"),
        office.bot.chat_stopStream(**place),
    ):
        assert await error_of(late) == "message_not_in_streaming_state"


async def test_the_sdks_own_helper_streams(office: Any) -> None:
    stream = await office.bot.chat_stream(
        channel=seed.DEV_DEPLOYS, thread_ts=await asked(office), buffer_size=1, **FOR_ANA
    )
    for word in ("one ", "two ", "three"):
        await stream.append(markdown_text=word)
    await stream.stop()
    await office.people.message("ben", where=lambda m: m.text == "one two three")


async def test_tasks_and_the_plan_are_found_again_by_their_ids(office: Any) -> None:
    place = await started(
        office, chunks=[TaskUpdateChunk(id="t1", title="Pull the image", status="in_progress")]
    )
    await office.bot.chat_appendStream(
        **place,
        chunks=[
            TaskUpdateChunk(id="t1", title="Pull the image", status="error", output="denied"),
            TaskUpdateChunk(id="t2", title="Read the log", status="pending"),
            {"type": "plan_update", "title": "Two steps"},
            MarkdownTextChunk(text="Denied."),
        ],
    )
    await office.bot.chat_appendStream(
        **place, chunks=[{"type": "plan_update", "title": "Two steps, one failed"}]
    )
    answer = await office.bot.chat_stopStream(**place)
    first, second, plan, text = answer["message"]["blocks"]
    assert (first["task_id"], first["status"]) == ("t1", "error")
    assert first["output"]["elements"][0]["elements"][0]["text"] == "denied"
    assert second["task_id"] == "t2"
    assert plan["title"] == "Two steps, one failed"
    assert text["text"] == "Denied."


async def test_a_message_cannot_be_edited_while_it_streams(office: Any) -> None:
    place = await started(office, markdown_text="x")
    assert await error_of(office.bot.chat_update(**place, text="y")) == "streaming_state_conflict"
    await office.bot.chat_stopStream(**place)
    assert (await office.bot.chat_update(**place, text="y"))["ok"]


async def test_slack_closes_a_stream_after_minutes(office: Any) -> None:
    place = await started(office, markdown_text="x")
    await office.people.advance(299)
    await office.bot.chat_appendStream(**place, markdown_text="y")
    await office.people.advance(1)
    late = office.bot.chat_appendStream(**place, markdown_text="z")
    assert await error_of(late) == "message_not_in_streaming_state"
    assert (await office.bot.chat_update(**place, text="the end"))["ok"]


async def test_a_stream_in_a_channel_is_for_somebody_and_in_a_thread(office: Any) -> None:
    start, thread = office.bot.chat_startStream, await asked(office)
    place = {"channel": seed.DEV_DEPLOYS, "thread_ts": thread}
    assert await error_of(start(**place)) == "missing_recipient_team_id"
    assert await error_of(start(**place, recipient_team_id=seed.TEAM_ID)) == (
        "missing_recipient_user_id"
    )
    nobody = {"recipient_team_id": seed.TEAM_ID, "recipient_user_id": "U0NOBODY00"}
    assert await error_of(start(**place, **nobody)) == "user_not_found"
    lost = start(channel=seed.DEV_DEPLOYS, thread_ts="1.000001", **FOR_ANA)
    assert await error_of(lost) == "thread_not_found"
    alone = office.bot.api_call("chat.startStream", json={"channel": seed.DEV_DEPLOYS, **FOR_ANA})
    assert await error_of(alone) == "invalid_arguments"
    private = await office.bot.chat_postMessage(channel=seed.ANA, text="hi")
    in_dm = await start(channel=private["channel"], thread_ts=private["ts"], markdown_text="x")
    assert in_dm["channel"] == private["channel"]


async def test_pieces_have_slacks_limits(office: Any) -> None:
    place = await started(office, markdown_text="x" * 11_999)
    append = office.bot.chat_appendStream
    assert await error_of(append(**place, markdown_text="xx")) == "msg_too_long"
    await append(**place, markdown_text="x")
    assert await error_of(append(**place)) == "no_text"
    odd = append(**place, chunks=[{"type": "task_update", "id": "1", "title": "t", "status": "?"}])
    assert await error_of(odd) == "invalid_chunks"
    bad = append(**place, chunks=[{"type": "blocks", "blocks": [{"type": "header"}]}])
    assert await error_of(bad) == "invalid_blocks"
    dividers = [{"type": "blocks", "blocks": [{"type": "divider"}] * 25}]
    await append(**place, chunks=dividers)
    assert await error_of(append(**place, chunks=dividers)) == "invalid_blocks"


async def test_only_what_the_app_streams_itself_can_be_appended_to(office: Any) -> None:
    said = await asked(office)
    append = office.bot.chat_appendStream
    persons = append(channel=seed.DEV_DEPLOYS, ts=said, markdown_text="x")
    assert await error_of(persons) == "message_not_owned_by_app"
    posted = await office.bot.chat_postMessage(channel=seed.DEV_DEPLOYS, text="card")
    own = append(channel=seed.DEV_DEPLOYS, ts=posted["ts"], markdown_text="x")
    assert await error_of(own) == "message_not_in_streaming_state"
    gone = append(channel=seed.DEV_DEPLOYS, ts="1.000001", markdown_text="x")
    assert await error_of(gone) == "message_not_found"


async def test_a_stream_does_not_outlive_its_run(office: Any, open_office: Any) -> None:
    place = await started(office, markdown_text="half of it")
    later = await open_office()
    found = orjson.loads(orjson.dumps(kept(office.server, lambda _: "")))
    resume(later.server, found, lambda _: b"")
    assert (await later.bot.chat_update(**place, text="the rest"))["ok"]

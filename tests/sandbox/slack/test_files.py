"""Uploads in three steps with the real SDK, and images that wait for them."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError

from bot.sandbox.slack import seed
from tests.sandbox.slack.refused import error_of

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100


async def uploaded(office: Any, name: str, content: bytes = PNG, **more: Any) -> Any:
    step = await office.bot.files_getUploadURLExternal(filename=name, length=len(content), **more)
    sent = await office.session.post(step["upload_url"], data=content)
    assert (sent.status, await sent.text()) == (200, f"OK - {len(content)}")
    return step["file_id"]


async def test_the_sdks_upload_appears_in_the_thread_after_a_while(office: Any) -> None:
    parent = await office.bot.chat_postMessage(channel=seed.DEV_DEPLOYS, text="card")
    answer = await office.bot.files_upload_v2(
        channel=seed.DEV_DEPLOYS,
        thread_ts=parent["ts"],
        filename="errors.log",
        title="Errors",
        content="Error: DATABASE_URL is not set",
        initial_comment="the log",
    )
    file = answer["files"][0]
    assert file["shares"] == {}
    thread = await office.people.messages("ana", "#dev-deploys", parent["ts"])
    assert [m.text for m in thread] == ["card"]
    await office.people.advance(0.5)
    seen = await office.people.message("ana", where=lambda m: m.text == "the log")
    assert seen.thread_ts == parent["ts"]
    shown = seen.body["files"][0]
    assert (shown["title"], shown["mimetype"]) == ("Errors", "text/plain")
    served = await office.session.get(office.url + shown["url"])
    assert await served.text() == "Error: DATABASE_URL is not set"
    info = await office.bot.files_info(file=file["id"])
    assert info["file"]["url_private"] == office.url + shown["url"]
    share = info["file"]["shares"]["public"][seed.DEV_DEPLOYS][0]
    assert share["ts"] == seen.ts


async def test_an_image_block_takes_a_file_only_once_it_is_processed(office: Any) -> None:
    file_id = await uploaded(office, "chart.png", alt_txt="errors rose")
    block = {"type": "image", "slack_file": {"id": file_id}, "alt_text": "errors rose"}
    post = {"channel": seed.DEV_DEPLOYS, "text": "chart", "blocks": [block]}
    await office.bot.files_completeUploadExternal(files=[{"id": file_id, "title": "Chart"}])
    with pytest.raises(SlackApiError) as early:
        await office.bot.chat_postMessage(**post)
    assert early.value.response["errors"] == [
        "invalid slack file [json-pointer:/blocks/0/slack_file]"
    ]
    await office.people.advance(0.5)
    await office.bot.chat_postMessage(**post)
    seen = await office.people.message("ana", where=lambda m: m.text == "chart")
    served = await office.session.get(office.url + seen.blocks[0]["slack_file"]["url"])
    assert (served.content_type, await served.read()) == ("image/png", PNG)


async def test_alternative_text_on_what_is_no_image_drops_the_share_and_says_ok(
    office: Any,
) -> None:
    file_id = await uploaded(office, "pods.txt", b"pods", alt_txt="pods")
    answer = await office.bot.files_completeUploadExternal(
        files=[{"id": file_id}], channel_id=seed.DEV_DEPLOYS
    )
    assert answer["ok"]
    await office.people.advance(1)
    assert (await office.bot.files_info(file=file_id))["file"]["shares"] == {}
    assert await office.people.messages("ana", "#dev-deploys") == []


async def test_a_comment_takes_the_place_of_blocks(office: Any) -> None:
    blocks = [{"type": "section", "text": {"type": "plain_text", "text": "in blocks"}}]
    for comment, seen in (("the log", "the log"), (None, "in blocks")):
        file_id = await uploaded(office, "a.txt", b"a")
        place = {"channel_id": seed.DEV_DEPLOYS, "initial_comment": comment}
        await office.bot.files_completeUploadExternal(
            files=[{"id": file_id}], blocks=json.dumps(blocks), **place
        )
        await office.people.advance(0.5)
        message = await office.people.message("ana", where=lambda m: m.body.get("files"))
        assert message.words == seen


async def test_wrong_uploads_are_refused_by_name(office: Any) -> None:
    url = office.bot.files_getUploadURLExternal
    assert await error_of(url(filename="a", length=0)) == "missing_argument"
    assert await error_of(url(filename="a", length=1, alt_txt="x" * 1001)) == "alt_txt_too_large"
    snippet = url(filename="a", length=1_000_001, snippet_type="text")
    assert await error_of(snippet) == "snippet_too_large"
    complete = office.bot.files_completeUploadExternal
    assert await error_of(complete(files=[{"id": "F0NOWHERE0"}])) == "file_not_found"
    file_id = await uploaded(office, "a.txt", b"a")
    many = complete(files=[{"id": file_id}], channels=[f"C{n}" for n in range(101)])
    assert await error_of(many) == "channels_limit_exceeded"
    away = complete(files=[{"id": file_id}], channel_id=seed.RANDOM)
    assert await error_of(away) == "not_in_channel"
    empty = await url(filename="a", length=1)
    assert await error_of(complete(files=[{"id": empty["file_id"]}])) == "file_not_found"
    assert await error_of(office.bot.files_info(file=empty["file_id"])) == "file_not_found"
    lost = await office.session.post(f"{office.url}/upload/v1/nobody", data=b"x")
    assert lost.status == 404


async def test_a_page_sent_as_a_file_is_not_served_as_a_page(office: Any) -> None:
    file_id = await uploaded(office, "x.html", b"<script>alert(1)</script>")
    await office.bot.files_completeUploadExternal(
        files=[{"id": file_id}], channel_id=seed.DEV_DEPLOYS
    )
    await office.people.advance(1)
    seen = await office.people.message("ana", where=lambda m: bool(m.body.get("files")))
    served = await office.session.get(office.url + seen.body["files"][0]["url"])
    assert served.content_type == "text/plain"
    assert served.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_form_may_carry_the_bytes_and_an_upload_may_fail(office: Any) -> None:
    step = await office.bot.files_getUploadURLExternal(filename="a.txt", length=3)
    await office.people.fault(method="upload", status=503, times=1)
    failed = await office.session.post(step["upload_url"], data=b"abc")
    assert failed.status == 503
    form = aiohttp.FormData()
    form.add_field("file", b"abc", filename="a.txt")
    sent = await office.session.post(step["upload_url"], data=form)
    assert (sent.status, await sent.text()) == (200, "OK - 3")

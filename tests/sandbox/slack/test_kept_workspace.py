"""A workspace that is written down and gone on from shows each person what it showed before."""

import orjson

from bot.sandbox.clock import Clock
from bot.sandbox.slack import keeping, seed
from bot.sandbox.slack.files import Share
from bot.sandbox.slack.manifest import read_manifest
from bot.sandbox.slack.server import MANIFEST, acme
from bot.sandbox.slack.services import Credentials, Slack, assemble
from bot.sandbox.slack.workspace import Message

MODAL = {
    "type": "modal",
    "callback_id": "ask",
    "title": {"type": "plain_text", "text": "Why?"},
    "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "Say why"}}],
}


def workspace() -> Slack:
    clock = Clock(manual=True)
    manifest = read_manifest(MANIFEST)
    keys = Credentials(seed.BOT_TOKEN, seed.APP_TOKEN, seed.SIGNING_SECRET)
    return assemble(acme(clock, manifest), clock, manifest=manifest, credentials=keys)


def gone_on_from(before: Slack) -> Slack:
    blobs: dict[str, bytes] = {}

    def put(content: bytes) -> str:
        blobs[f"{len(blobs)}"] = content
        return f"{len(blobs) - 1}"

    text = orjson.dumps(keeping.kept(before, put))
    after = workspace()
    keeping.resume(after, orjson.loads(text), blobs.__getitem__)
    return after


def said(slack: Slack, text: str, user: str = seed.BEN, **more: str) -> Message:
    ts = slack.workspace.new_ts()
    message = Message(channel=seed.QA_DEPLOYS, ts=ts, user=user, text=text, **more)  # type: ignore[arg-type]
    return slack.workspace.post(message)


def seen(slack: Slack, user: str) -> list[dict[str, object]]:
    channel = slack.workspace.channels[seed.QA_DEPLOYS]
    return [slack.streams.message(each) for each in slack.workspace.seen_by(user, channel)]


def test_messages_threads_reactions_and_what_only_one_may_see() -> None:
    before = workspace()
    parent = said(before, f"<@{seed.ANA}> look")
    parent.reactions["eyes"] = [seed.ANA]
    said(before, "an answer", thread_ts=parent.ts)
    said(before, "for Ana alone", visible_to=seed.ANA)
    after = gone_on_from(before)
    for user in (seed.ANA, seed.BEN):
        assert seen(after, user) == seen(before, user)
    assert len(seen(after, seed.ANA)) == 3
    assert len(seen(after, seed.BEN)) == 2


def test_what_is_unread_and_who_is_in_a_channel() -> None:
    before = workspace()
    first = said(before, "one")
    said(before, f"<@{seed.ANA}> two")
    channel = before.workspace.channels[seed.QA_DEPLOYS]
    before.workspace.mark_read(seed.ANA, channel, first.ts)
    before.workspace.leave(seed.BOT_USER_ID, channel)
    before.workspace.archive(before.workspace.channels[seed.RANDOM])
    after = gone_on_from(before)
    found = after.workspace.channels[seed.QA_DEPLOYS]
    assert after.workspace.unread(seed.ANA, found) == (1, 1)
    assert seed.BOT_USER_ID not in found.members
    assert after.workspace.channels[seed.RANDOM].archived


def test_new_messages_come_after_old_ones_and_new_ids_are_new() -> None:
    before = workspace()
    last, view = said(before, "last"), before.views.open(seed.ANA, MODAL)
    after = gone_on_from(before)
    assert said(after, "next").ts > last.ts
    assert after.workspace.new_id("V") > view.id


def test_an_open_modal_and_a_home_are_there_to_be_used() -> None:
    before = workspace()
    view = before.views.open(seed.ANA, MODAL)
    home = before.views.publish(seed.ANA, {"type": "home", "blocks": []}, None)
    after = gone_on_from(before)
    assert [after.views.wire(each) for each in after.views.stack(seed.ANA)] == [
        before.views.wire(view)
    ]
    found = after.views.home(seed.ANA)
    assert found is not None
    assert after.views.publish(seed.ANA, {"type": "home", "blocks": []}, home.hash) is found


def test_a_response_url_stays_good_for_what_is_left_of_its_uses() -> None:
    before = workspace()
    url = before.urls.issue("commands", seed.QA_DEPLOYS, seed.ANA)
    before.urls.use(url.path)
    after = gone_on_from(before)
    assert after.urls.use(url.path).uses == 2


def test_a_file_has_its_bytes_and_one_that_was_being_processed_is_shared() -> None:
    before = workspace()
    file = before.files.expect("chart.png", 3, seed.BOT_USER_ID, "a chart")
    before.files.receive(file.ticket, b"png")
    before.files.complete([file], Share((seed.QA_DEPLOYS,), "here it is"))
    after = gone_on_from(before)
    found = after.files.get(file.id)
    assert (found.content, found.processed) == (b"png", False)
    after.clock.advance(after.files.processing_seconds + 1)
    assert found.processed
    assert [each["text"] for each in seen(after, seed.ANA)] == ["here it is"]

"""Clicks, menus, modals and the Home, with a real Bolt app."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from bot.sandbox.slack import seed
from bot.sandbox.slack.driver import SlackRefusal
from tests.sandbox.slack.refused import error_of

ANY = re.compile(".*")


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def option(text: str) -> dict[str, Any]:
    return {"text": plain(text), "value": text.lower()}


CARD = [
    {
        "type": "actions",
        "block_id": "controls",
        "elements": [
            {
                "type": "button",
                "action_id": "cancel",
                "text": plain("Cancel"),
                "value": "rollout-7",
                "style": "danger",
                "confirm": {
                    "title": plain("Cancel?"),
                    "text": plain("3 pods"),
                    "confirm": plain("Cancel"),
                    "deny": plain("Keep"),
                },
            },
            {
                "type": "static_select",
                "action_id": "pick",
                "placeholder": plain("Pick one"),
                "options": [option("Dev"), option("QA")],
            },
            {
                "type": "checkboxes",
                "action_id": "ticks",
                "options": [option("Tests"), option("Docs")],
                "initial_options": [option("Docs")],
            },
            {
                "type": "overflow",
                "action_id": "more",
                "options": [option("Logs"), option("Pods")],
            },
        ],
    }
]
MODAL = {
    "type": "modal",
    "callback_id": "why",
    "title": plain("Reject"),
    "submit": plain("Send"),
    "private_metadata": "rollout-7",
    "notify_on_close": True,
    "blocks": [
        {
            "type": "input",
            "block_id": "reason",
            "label": plain("Reason"),
            "element": {"type": "plain_text_input", "action_id": "text"},
        },
        {
            "type": "input",
            "block_id": "where",
            "optional": True,
            "label": plain("Where"),
            "element": {
                "type": "static_select",
                "action_id": "env",
                "options": [option("Dev"), option("QA")],
                "initial_option": option("QA"),
            },
        },
    ],
}


class Desk:
    """A Bolt app that keeps what it got and answers as a test tells it."""

    def __init__(self, office: Any) -> None:
        self.office = office
        self.bodies: list[dict[str, Any]] = []
        self.ack: dict[str, Any] = {}
        self.open_modal: Any = None
        self.errors: asyncio.Queue[str] = asyncio.Queue()
        self.app = office.bolt()
        for register in (self.app.action, self.app.view, self.app.shortcut, self.app.options):
            register(ANY)(self.handle)
        self.app.view_closed(ANY)(self.handle)

    async def handle(self, ack: Any, body: Any, client: Any) -> None:
        self.bodies.append(body)
        await ack(**self.ack)
        if self.open_modal is not None:
            try:
                await self.open_modal(client, body)
            except SlackApiError as refusal:
                self.errors.put_nowait(refusal.response["error"])

    async def card(self, blocks: Any = CARD) -> Any:
        await self.office.bot.chat_postMessage(channel=seed.QA_DEPLOYS, text="card", blocks=blocks)
        return await self.office.people.message("ana", where=lambda m: m.text == "card")


async def open_why(client: Any, body: Any) -> None:
    await client.views_open(trigger_id=body["trigger_id"], view=MODAL)


async def test_a_click_carries_what_slack_sends_and_nothing_else(office: Any) -> None:
    desk = Desk(office)
    card = await desk.card()
    async with office.running(desk.app):
        result = await office.people.click("ana", card, "Cancel")
    assert result == {"ok": True}
    body = desk.bodies[0]
    assert set(body) == {
        "type",
        "user",
        "api_app_id",
        "token",
        "container",
        "trigger_id",
        "team",
        "enterprise",
        "is_enterprise_install",
        "channel",
        "message",
        "state",
        "response_url",
        "actions",
    }
    assert body["user"] == {
        "id": seed.ANA,
        "username": "ana",
        "name": "ana",
        "team_id": seed.TEAM_ID,
    }
    assert body["container"] == {
        "type": "message",
        "message_ts": card.ts,
        "channel_id": seed.QA_DEPLOYS,
        "is_ephemeral": False,
    }
    assert body["channel"] == {"id": seed.QA_DEPLOYS, "name": "qa-deploys"}
    (action,) = body["actions"]
    assert set(action) == {
        "type",
        "action_id",
        "block_id",
        "action_ts",
        "text",
        "value",
        "style",
        "confirm",
    }
    assert (action["action_id"], action["block_id"], action["value"]) == (
        "cancel",
        "controls",
        "rollout-7",
    )
    assert body["message"]["ts"] == card.ts
    assert body["state"]["values"]["controls"] == {
        "pick": {"type": "static_select", "selected_option": None},
        "ticks": {
            "type": "checkboxes",
            "selected_options": [
                {"text": {**plain("Docs"), "emoji": True}, "value": "docs"},
            ],
        },
    }


async def test_choices_carry_the_stored_options_and_are_each_persons_own(office: Any) -> None:
    desk = Desk(office)
    card = await desk.card()
    async with office.running(desk.app):
        await office.people.choose("ana", card, "pick", "QA")
        await office.people.choose("ana", card, "ticks", "Tests", "Docs")
        await office.people.choose("ana", card, "more", "Pods")
        await office.people.click("ben", card, "Cancel")
    picked, ticked, more, bens = desk.bodies
    assert picked["actions"][0]["selected_option"]["value"] == "qa"
    assert picked["actions"][0]["placeholder"]["text"] == "Pick one"
    ticks = ticked["actions"][0]["selected_options"]
    assert [each["value"] for each in ticks] == ["tests", "docs"]
    assert more["actions"][0]["selected_option"]["value"] == "pods"
    assert more["state"]["values"]["controls"]["pick"]["selected_option"]["value"] == "qa"
    assert bens["state"]["values"]["controls"]["pick"]["selected_option"] is None


async def test_what_is_not_offered_cannot_be_chosen_and_what_is_gone_not_clicked(
    office: Any,
) -> None:
    desk = Desk(office)
    card = await desk.card()
    place = {"user": seed.ANA, "channel": card.channel, "message_ts": card.ts}
    url = f"{office.url}/client/action"
    forged = {**place, "block_id": "controls", "action_id": "pick", "selected_option": "prod"}
    answer = await office.session.post(url, json=forged)
    assert (answer.status, (await answer.json())["error"]) == (404, "no_such_option")
    gone = await office.session.post(
        url, json={**place, "block_id": "controls", "action_id": "retry"}
    )
    assert (gone.status, (await gone.json())["error"]) == (404, "no_such_element")
    assert desk.bodies == []


async def test_a_click_on_an_ephemeral_message_sends_no_message(office: Any) -> None:
    desk = Desk(office)
    await office.bot.chat_postEphemeral(
        channel=seed.QA_DEPLOYS, user=seed.ANA, text="psst", blocks=CARD
    )
    async with office.running(desk.app):
        message = await office.people.message("ana", where=lambda m: m.ephemeral)
        await office.people.click("ana", message, "Cancel")
        with pytest.raises(SlackRefusal, match="message_not_found"):
            await office.people.click("ben", message, "Cancel")
    (body,) = desk.bodies
    assert "message" not in body
    assert body["container"]["is_ephemeral"] is True
    assert body["response_url"].startswith(f"{office.url}/actions/{seed.TEAM_ID}/")


async def test_a_click_in_a_thread_names_the_thread(office: Any) -> None:
    desk = Desk(office)
    parent = await office.bot.chat_postMessage(channel=seed.QA_DEPLOYS, text="parent")
    await office.bot.chat_postMessage(
        channel=seed.QA_DEPLOYS, text="reply", blocks=CARD, thread_ts=parent["ts"]
    )
    async with office.running(desk.app):
        reply = await office.people.message("ana", where=lambda m: m.text == "reply")
        await office.people.click("ana", reply, "Cancel")
    assert desk.bodies[0]["container"]["thread_ts"] == parent["ts"]
    assert desk.bodies[0]["message"]["thread_ts"] == parent["ts"]


async def test_a_click_shows_that_it_waits_and_says_when_nobody_answers(office: Any) -> None:
    app = office.bolt()
    came, let_go = asyncio.Event(), asyncio.Event()

    async def silent(body: Any) -> None:
        came.set()
        await let_go.wait()

    app.action(ANY)(silent)
    await office.bot.chat_postMessage(channel=seed.QA_DEPLOYS, text="card", blocks=CARD)
    card = await office.people.message("ana", where=lambda m: m.text == "card")
    async with office.running(app):
        click = asyncio.create_task(office.people.click("ana", card, "Cancel"))
        await came.wait()
        await office.people.advance(2.9)
        assert not click.done()
        await office.people.advance(0.2)
        assert await click == {"ok": False, "error": "operation_timeout"}
        let_go.set()
    assert "did not respond" in await office.people.toast("ana")
    busy = [e["busy"] for e in await office.people.events("ana") if e["event"] == "busy"]
    assert busy == [True, False]


async def test_a_modal_opens_is_refused_with_errors_and_closes_when_accepted(
    office: Any,
) -> None:
    desk = Desk(office)
    desk.open_modal = open_why
    card = await desk.card()
    async with office.running(desk.app):
        await office.people.click("ana", card, "Cancel")
        modal = await office.people.view("ana", where=lambda v: v.title == "Reject")
        desk.open_modal = None
        missing = await office.people.submit("ana", modal)
        assert missing["errors"] == {"reason": "Please complete this required field."}
        desk.ack = {"response_action": "errors", "errors": {"reason": "Too short"}}
        short = await office.people.submit("ana", modal, {"Reason": "x"})
        assert short == {
            "ok": False,
            "response_action": "errors",
            "errors": {"reason": "Too short"},
        }
        desk.ack = {}
        assert await office.people.submit("ana", modal, {"text": "too risky"}) == {"ok": True}
        await office.people.no_view("ana")
    submissions = [b for b in desk.bodies if b["type"] == "view_submission"]
    assert len(submissions) == 2
    view = submissions[-1]["view"]
    assert view["state"]["values"] == {
        "reason": {"text": {"type": "plain_text_input", "value": "too risky"}},
        "where": {
            "env": {
                "type": "static_select",
                "selected_option": {"text": {**plain("QA"), "emoji": True}, "value": "qa"},
            }
        },
    }
    assert (view["private_metadata"], view["callback_id"]) == ("rollout-7", "why")
    assert (view["previous_view_id"], view["external_id"]) == (None, "")
    assert "channel" not in submissions[-1]


async def test_closing_a_modal_is_told_where_the_app_asked_for_it(office: Any) -> None:
    desk = Desk(office)
    desk.open_modal = open_why
    card = await desk.card()
    async with office.running(desk.app):
        await office.people.click("ana", card, "Cancel")
        modal = await office.people.view("ana")
        desk.open_modal = None
        await office.people.close("ana", modal)
        await office.people.no_view("ana")
    closed = desk.bodies[-1]
    assert (closed["type"], closed["is_cleared"]) == ("view_closed", False)
    assert closed["view"]["id"] == modal.id


async def test_modals_stack_three_high_and_a_submission_may_clear_them(office: Any) -> None:
    desk = Desk(office)
    deeper = {**MODAL, "blocks": [*CARD], "title": plain("Deeper")}

    async def go_deeper(client: Any, body: Any) -> None:
        method = client.views_push if body.get("view") else client.views_open
        await method(trigger_id=body["trigger_id"], view=deeper)

    desk.open_modal = go_deeper
    card = await desk.card()
    async with office.running(desk.app):
        await office.people.click("ana", card, "Cancel")
        ids: list[str] = []
        for _ in range(3):
            top = await office.people.view("ana", where=lambda v: v.id not in ids)
            ids.append(top.id)
            await office.people.click("ana", top, "Cancel")
        assert await desk.errors.get() == "push_limit_reached"
        desk.open_modal = None
        desk.ack = {"response_action": "clear"}
        await office.people.submit("ana", top)
        await office.people.no_view("ana")
    view = desk.bodies[-1]["view"]
    assert (view["root_view_id"], view["previous_view_id"]) == (ids[0], ids[1])


async def test_a_submission_may_show_another_view_and_a_bad_one_is_refused(office: Any) -> None:
    desk = Desk(office)
    desk.open_modal = open_why
    card = await desk.card()
    async with office.running(desk.app):
        await office.people.click("ana", card, "Cancel")
        modal = await office.people.view("ana")
        desk.open_modal = None
        desk.ack = {"response_action": "update", "view": {**MODAL, "title": plain("x" * 25)}}
        bad = await office.people.submit("ana", modal, {"Reason": "x"})
        assert bad["error"] == "invalid_arguments"
        desk.ack = {"response_action": "errors", "errors": {"elsewhere": "no"}}
        stray = await office.people.submit("ana", modal, {"Reason": "x"})
        assert stray["error"] == "invalid_arguments"
        desk.ack = {"response_action": "update", "view": {**MODAL, "title": plain("Thanks")}}
        await office.people.submit("ana", modal, {"Reason": "x"})
        thanks = await office.people.view("ana", where=lambda v: v.title == "Thanks")
    assert thanks.id == modal.id


async def test_a_trigger_opens_one_modal_within_three_seconds(office: Any) -> None:
    desk = Desk(office)
    card = await desk.card()
    async with office.running(desk.app):
        await office.people.click("ana", card, "Cancel")
        await office.people.click("ana", card, "Cancel")
    first, second = (body["trigger_id"] for body in desk.bodies)
    bad = {**MODAL, "title": plain("x" * 25)}
    assert await error_of(office.bot.views_open(trigger_id=first, view=bad)) == (
        "invalid_arguments"
    )
    opened = await office.bot.views_open(trigger_id=first, view=MODAL)
    again = office.bot.views_open(trigger_id=first, view=MODAL)
    assert await error_of(again) == "exchanged_trigger_id"
    stray = office.bot.views_push(trigger_id=second, view=MODAL)
    assert await error_of(stray) == "invalid_arguments"
    await office.people.advance(3.1)
    late = office.bot.views_open(trigger_id=second, view=MODAL)
    assert await error_of(late) == "exchanged_trigger_id"
    forged = office.bot.views_open(trigger_id="1.2.3", view=MODAL)
    assert await error_of(forged) == "invalid_trigger_id"
    assert opened["view"]["hash"]


async def test_an_unused_trigger_expires(office: Any) -> None:
    desk = Desk(office)
    card = await desk.card()
    async with office.running(desk.app):
        await office.people.click("ana", card, "Cancel")
    await office.people.advance(3.1)
    late = office.bot.views_open(trigger_id=desk.bodies[0]["trigger_id"], view=MODAL)
    assert await error_of(late) == "expired_trigger_id"


async def test_an_edit_of_a_view_needs_its_present_hash(office: Any) -> None:
    desk = Desk(office)
    card = await desk.card()
    async with office.running(desk.app):
        await office.people.click("ana", card, "Cancel")
    trigger_id = desk.bodies[0]["trigger_id"]
    named = {**MODAL, "external_id": "loading"}
    view = (await office.bot.views_open(trigger_id=trigger_id, view=named))["view"]
    update = office.bot.views_update
    done = {**named, "title": plain("Ready")}
    await update(view_id=view["id"], hash=view["hash"], view=done)
    stale = update(view_id=view["id"], hash=view["hash"], view=done)
    assert await error_of(stale) == "hash_conflict"
    assert (await update(external_id="loading", view=done))["view"]["title"]["text"] == "Ready"
    assert await error_of(update(view_id="V0NOWHERE0", view=done)) == "not_found"


async def test_the_home_is_told_on_each_open_and_shows_what_was_published(office: Any) -> None:
    app = office.bolt()
    opened: list[dict[str, Any]] = []
    arrived = asyncio.Event()

    async def show(event: Any, client: Any) -> None:
        opened.append(event)
        if len(opened) == 1:
            home = {"type": "home", "blocks": CARD}
            await client.views_publish(user_id=event["user"], view=home)
        arrived.set()

    app.event("app_home_opened")(show)
    async with office.running(app):
        assert await office.people.open_home("ana") is None
        home = await office.people.home("ana")
        assert home.buttons == ["Cancel"]
        await arrived.wait()
        arrived.clear()
        again = await office.people.open_home("ana")
        assert again is not None
        assert again.id == home.id
        await arrived.wait()
    assert set(opened[0]) == {"type", "user", "channel", "tab", "event_ts"}
    assert (opened[0]["channel"][0], opened[0]["tab"]) == ("D", "home")
    assert opened[1]["view"]["id"] == home.id


async def test_a_click_on_the_home_has_no_channel(office: Any) -> None:
    desk = Desk(office)
    await office.bot.views_publish(user_id=seed.ANA, view={"type": "home", "blocks": CARD})
    home = await office.people.open_home("ana")
    async with office.running(desk.app):
        await office.people.click("ana", home, "Cancel")
    body = desk.bodies[0]
    assert not {"channel", "message", "response_url"} & set(body)
    assert body["container"] == {"type": "view", "view_id": home.id}
    assert body["view"]["type"] == "home"


async def test_options_are_looked_up_as_somebody_types(office: Any) -> None:
    desk = Desk(office)
    finder = {"type": "external_select", "action_id": "find", "min_query_length": 2}
    card = await desk.card(
        [{"type": "actions", "block_id": "search", "elements": [finder]}],
    )
    desk.ack = {"options": [option("Tasks")]}
    async with office.running(desk.app):
        assert (await office.people.options("ana", card, "find", "t"))["options"] == []
        found = await office.people.options("ana", card, "find", "ta")
        desk.ack = {"options": [option("x" * 76)]}
        bad = await office.people.options("ana", card, "find", "ta")
    assert found["options"][0]["value"] == "tasks"
    assert bad["error"] == "invalid_arguments"
    (body, _) = desk.bodies
    assert (body["type"], body["value"], body["block_id"]) == ("block_suggestion", "ta", "search")

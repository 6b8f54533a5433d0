"""What people enter, of every kind that Slack has, as an app hears of it, named as people do."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.sandbox.slack import seed
from bot.sandbox.slack.driver import SlackRefusal
from bot.sandbox.slack.sights import View


def plain(text: str) -> Any:
    return {"type": "plain_text", "text": text}


OPTIONS = [
    {"text": {"type": "mrkdwn", "text": "*Milk*"}, "value": "milk"},
    {"text": plain("Sugar"), "value": "sugar"},
]
SELECT = [{"text": plain("Small"), "value": "s"}, {"text": plain("Large"), "value": "l"}]
ELEMENTS: dict[str, Any] = {
    "plain_text_input": {},
    "number_input": {"is_decimal_allowed": True},
    "email_text_input": {},
    "url_text_input": {},
    "rich_text_input": {},
    "file_input": {"filetypes": ["txt"], "max_files": 2},
    "static_select": {"options": SELECT},
    "multi_static_select": {"options": SELECT},
    "external_select": {"min_query_length": 1},
    "multi_external_select": {"min_query_length": 1},
    "users_select": {},
    "multi_users_select": {},
    "channels_select": {},
    "multi_channels_select": {},
    "conversations_select": {},
    "multi_conversations_select": {},
    "datepicker": {},
    "timepicker": {},
    "datetimepicker": {},
    "checkboxes": {"options": OPTIONS},
    "radio_buttons": {"options": OPTIONS},
}
FORM = {
    "type": "modal",
    "callback_id": "form",
    "title": plain("Form"),
    "submit": plain("Go"),
    "blocks": [
        {
            "type": "input",
            "block_id": f"b-{kind}",
            "optional": True,
            "label": plain(kind),
            "element": {"type": kind, "action_id": kind, **more},
        }
        for kind, more in ELEMENTS.items()
    ],
}
EARL = {"text": plain("Earl Grey"), "value": "earl"}


class Desk:
    """Ana at a form of an app that keeps what it was sent."""

    def __init__(self, office: Any, form: Any = FORM) -> None:
        self.shown = form
        self.people = office.people
        self.submitted: asyncio.Queue[Any] = asyncio.Queue()
        self.app = office.bolt()
        self.app.command("/dynamo")(self._open)
        self.app.view("form")(self._keep)
        self.app.options({"type": "block_suggestion", "action_id": "external_select"})(self._offer)
        self.app.options({"type": "block_suggestion", "action_id": "multi_external_select"})(
            self._offer
        )

    async def form(self, channel: str = "#qa-deploys") -> View:
        await self.people.say("ana", channel, "/dynamo")
        view: View = await self.people.view("ana", where=lambda v: v.callback_id == "form")
        return view

    async def _open(self, ack: Any, client: Any, command: Any) -> None:
        await ack()
        await client.views_open(trigger_id=command["trigger_id"], view=self.shown)

    async def _keep(self, ack: Any, view: Any) -> None:
        await ack()
        self.submitted.put_nowait(view["state"]["values"])

    async def _offer(self, ack: Any) -> None:
        await ack(options=[{"text": plain("English"), "value": "english"}, EARL])


async def test_every_kind_of_input_is_sent_as_slack_sends_it(office: Any) -> None:
    desk = Desk(office)
    async with office.running(desk.app):
        entered = {
            "plain_text_input": "hello",
            "number_input": 2.5,
            "email_text_input": "ana@acme.example",
            "url_text_input": "https://acme.example",
            "rich_text_input": "a line",
            "static_select": "Large",
            "multi_static_select": ["Small", "l"],
            "external_select": "Earl Grey",
            "multi_external_select": ["earl"],
            "users_select": "ben",
            "multi_users_select": ["@ben", seed.DAN],
            "channels_select": "#general",
            "multi_channels_select": ["#general", seed.QA_DEPLOYS],
            "conversations_select": "#qa-deploys",
            "multi_conversations_select": ["@dynamo"],
            "datepicker": "2026-12-01",
            "timepicker": "09:30",
            "datetimepicker": 1_790_000_000,
            "checkboxes": ["Milk"],
            "radio_buttons": "sugar",
            "file_input": [("tea.txt", b"leaves")],
        }
        answer = await desk.people.submit("ana", await desk.form(), entered)
        assert answer["ok"]
        values = await desk.submitted.get()
    line = {"type": "rich_text_section", "elements": [{"type": "text", "text": "a line"}]}
    file = values["b-file_input"]["file_input"]["files"][0]
    assert (file["name"], file["size"], file["user"]) == ("tea.txt", 6, seed.ANA)
    expected = {
        "plain_text_input": ("value", "hello"),
        "number_input": ("value", "2.5"),
        "email_text_input": ("value", "ana@acme.example"),
        "url_text_input": ("value", "https://acme.example"),
        "rich_text_input": ("rich_text_value", {"type": "rich_text", "elements": [line]}),
        "users_select": ("selected_user", seed.BEN),
        "multi_users_select": ("selected_users", [seed.BEN, seed.DAN]),
        "channels_select": ("selected_channel", seed.GENERAL),
        "multi_channels_select": ("selected_channels", [seed.GENERAL, seed.QA_DEPLOYS]),
        "conversations_select": ("selected_conversation", seed.QA_DEPLOYS),
        "multi_conversations_select": ("selected_conversations", ["D0ANA00000"]),
        "datepicker": ("selected_date", "2026-12-01"),
        "timepicker": ("selected_time", "09:30"),
        "datetimepicker": ("selected_date_time", 1_790_000_000),
    }
    for kind, (key, value) in expected.items():
        assert values[f"b-{kind}"][kind] == {"type": kind, key: value}
    assert values["b-external_select"]["external_select"]["selected_option"] == EARL
    assert values["b-multi_external_select"]["multi_external_select"]["selected_options"] == [EARL]
    chosen = {
        kind: values[f"b-{kind}"][kind][key]
        for kind, key in (
            ("static_select", "selected_option"),
            ("multi_static_select", "selected_options"),
            ("checkboxes", "selected_options"),
            ("radio_buttons", "selected_option"),
        )
    }
    assert chosen["static_select"]["value"] == "l"
    assert [each["value"] for each in chosen["multi_static_select"]] == ["s", "l"]
    assert [each["value"] for each in chosen["checkboxes"]] == ["milk"]
    assert chosen["radio_buttons"]["value"] == "sugar"


async def test_what_no_client_could_send_is_refused(office: Any) -> None:
    desk = Desk(office)
    async with office.running(desk.app):
        form = await desk.form()
        for kind, key, wrong in (
            ("users_select", "selected_user", "ben"),
            ("users_select", "selected_user", ["U0BEN00000"]),
            ("multi_users_select", "selected_users", ["U0NOBODY00"]),
            ("multi_users_select", "selected_users", "U0BEN00000"),
            ("channels_select", "selected_channel", "D0ANA00000"),
            ("conversations_select", "selected_conversation", seed.RELEASE_MANAGERS),
            ("datepicker", "selected_date", "2026-02-30"),
            ("datepicker", "selected_date", "tomorrow"),
            ("timepicker", "selected_time", "24:00"),
            ("datetimepicker", "selected_date_time", 12),
            ("plain_text_input", "value", 12),
            ("rich_text_input", "rich_text_value", "a line"),
            ("file_input", "files", [{"id": "F0NOTHERE0"}]),
            ("file_input", "files", ["F0NOTHERE0"]),
        ):
            with pytest.raises(SlackRefusal):
                await desk.people.submit("ana", form, {kind: {key: wrong}})
        with pytest.raises(SlackRefusal, match="bad_file_type"):
            await desk.people.submit("ana", form, {"file_input": [("tea.png", b"leaves")]})
        of_ben = await desk.people.upload("ben", "tea.txt", b"leaves")
        with pytest.raises(SlackRefusal, match="file_not_found"):
            await desk.people.submit("ana", form, {"file_input": {"files": [of_ben]}})
        with pytest.raises(SlackRefusal, match="empty_file"):
            await desk.people.upload("ana", "tea.txt", b"")
        with pytest.raises(LookupError, match="Assam' is not offered, but: English, Earl Grey"):
            await desk.people.submit("ana", form, {"external_select": "Assam"})
        with pytest.raises(LookupError, match="takes one choice"):
            await desk.people.submit("ana", form, {"users_select": ["ben", "dan"]})
        assert desk.submitted.empty()


async def test_a_menu_on_a_message_takes_names(office: Any) -> None:
    heard: asyncio.Queue[Any] = asyncio.Queue()
    app = office.bolt()

    async def hear(ack: Any, action: Any) -> None:
        await ack()
        heard.put_nowait(action)

    app.action({"block_id": "row"})(hear)
    kinds = ("users_select", "conversations_select", "datepicker", "checkboxes")
    row = [{"type": kind, "action_id": kind, **ELEMENTS[kind]} for kind in kinds]
    blocks = [{"type": "actions", "block_id": "row", "elements": row}]
    async with office.running(app):
        await office.bot.chat_postMessage(channel=seed.QA_DEPLOYS, text="Who?", blocks=blocks)
        people = office.people
        message = await people.message("ana", where=lambda m: m.text == "Who?")
        await people.choose("ana", message, "users_select", "ben")
        assert (await heard.get())["selected_user"] == seed.BEN
        await people.choose("ana", message, "conversations_select", "#general")
        assert (await heard.get())["selected_conversation"] == seed.GENERAL
        await people.choose("ana", message, "datepicker", "2026-12-01")
        assert (await heard.get())["selected_date"] == "2026-12-01"
        await people.choose("ana", message, "checkboxes")
        assert (await heard.get())["selected_options"] == []
        with pytest.raises(SlackRefusal, match="no_such_option"):
            await people.choose("ana", message, "datepicker", "soon")
        assert heard.empty()


async def test_a_menu_may_begin_with_the_conversation_that_somebody_came_from(
    office: Any,
) -> None:
    def menu(kind: str, action_id: str, **more: Any) -> Any:
        element = {
            "type": kind,
            "action_id": action_id,
            "default_to_current_conversation": True,
            **more,
        }
        label = plain(action_id)
        return {"type": "input", "block_id": action_id, "label": label, "element": element}

    one, several = "conversations_select", "multi_conversations_select"
    blocks = [
        menu(one, "one"),
        menu(several, "several"),
        menu(one, "named", initial_conversation=seed.GENERAL),
    ]
    desk = Desk(office, {**FORM, "blocks": blocks})

    async with office.running(desk.app):
        form = await desk.form()
        begins = [block["element"] for block in form.blocks]
        assert begins[0]["initial_conversation"] == seed.QA_DEPLOYS
        assert begins[1]["initial_conversations"] == [seed.QA_DEPLOYS]
        assert begins[2]["initial_conversation"] == seed.GENERAL
        await desk.people.submit("ana", form, {})
        values = await desk.submitted.get()
    assert values["one"]["one"]["selected_conversation"] == seed.QA_DEPLOYS
    assert values["several"]["several"]["selected_conversations"] == [seed.QA_DEPLOYS]
    assert values["named"]["named"]["selected_conversation"] == seed.GENERAL

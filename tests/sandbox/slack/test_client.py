"""The client API and its stream: what each person sees, and what the page may not do."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.slack import seed
from bot.sandbox.slack.driver import SlackRefusal


async def get(office: Any, path: str, **query: str) -> Any:
    answer = await office.session.get(f"{office.url}/client/{path}", params=query)
    return await answer.json()


async def test_boot_tells_a_person_their_side_bar(office: Any) -> None:
    boot = await get(office, "boot", user=seed.ANA)
    assert boot["me"]["locale"] == "es-ES"
    names = [each["name"] for each in boot["channels"]]
    assert names == ["dev-deploys", "qa-deploys", "production", "general", "random", "Dynamo"]
    elena = await get(office, "boot", user=seed.ELENA)
    assert "release-managers" in [each["name"] for each in elena["channels"]]
    assert boot["commands"][0]["command"] == "/dynamo"
    assert boot["app"]["home_tab"] is True
    nobody = await get(office, "boot", user="U0NOBODY00")
    assert nobody["error"] == "user_not_found"


async def test_mentions_and_links_are_escaped_as_slack_sends_them(office: Any) -> None:
    app = office.bolt()
    texts: list[str] = []

    async def run(ack: Any, body: Any) -> None:
        texts.append(body["text"])
        await ack()

    app.command("/dynamo")(run)
    typed = [
        "ask @ana, @qa or @nobody in #production",
        "open https://qa.yourapp.com/x?a=1&b=2. now",
        "qa.yourapp.com v1.4.0 mail@ana.com",
        "a<b & c>d",
    ]
    async with office.running(app):
        for line in typed:
            await office.people.say("ben", "#general", f"/dynamo {line}")
    assert texts == [
        f"ask <@{seed.ANA}|ana>, <!subteam^{seed.QA}|@qa> or @nobody in "
        f"<#{seed.PRODUCTION}|production>",
        "open <https://qa.yourapp.com/x?a=1&amp;b=2>. now",
        "<http://qa.yourapp.com|qa.yourapp.com> v1.4.0 mail@ana.com",
        "a&lt;b &amp; c&gt;d",
    ]


async def test_unread_and_mentions_count_until_they_are_read(office: Any) -> None:
    await office.people.watch("ana")
    await office.people.say("ben", "#general", "morning")
    await office.people.say("ben", "#general", "@ana look")
    await office.bot.chat_postMessage(
        channel=seed.GENERAL,
        text="for developers",
        blocks=[
            {
                "type": "section",
                "text": {"type": "mrkdwn", "text": f"<!subteam^{seed.DEVELOPERS}>"},
            }
        ],
    )
    general = await office.people.channel("ana", "#general", where=lambda c: c["unread"] == 3)
    assert general["mentions"] == 2
    carla = await office.people.channel("carla", "#general")
    assert (carla["unread"], carla["mentions"]) == (3, 0)
    last = await office.people.message("ana", channel="#general")
    await office.people.read("ana", last)
    read = await office.people.channel("ana", "#general", where=lambda c: c["unread"] == 0)
    assert read["mentions"] == 0


async def test_a_private_channel_is_not_there_for_others(office: Any) -> None:
    await office.people.watch("ana", "elena")
    await office.people.say("elena", "#release-managers", "plan")
    await office.people.say("elena", "#general", "public")
    await office.people.message("ana", where=lambda m: m.text == "public")
    heard = [e["message"]["text"] for e in await office.people.events("ana") if "message" in e]
    assert heard == ["public"]
    hidden = await get(office, "messages", user=seed.ANA, channel=seed.RELEASE_MANAGERS)
    assert hidden["error"] == "channel_not_found"


async def test_commands_are_not_for_threads(office: Any) -> None:
    await office.people.watch("ana")
    said = await office.people.say("ana", "#general", "parent")
    with pytest.raises(SlackRefusal, match="slash_command_in_thread"):
        await office.people.say("ana", "#general", "/dynamo help", thread_ts=said["ts"])
    assert "not supported in threads" in await office.people.toast("ana")


async def test_an_unknown_command_is_slackbots_to_explain(office: Any) -> None:
    said = await office.people.say("ana", "#general", "/deploy x")
    assert said == {"ok": False, "error": "unknown_command"}
    shown = await office.people.message("ana", where=lambda m: m.error)
    assert shown.text.startswith("`/deploy` is not a valid command")


@pytest.mark.parametrize(
    ("place", "text", "code"),
    [
        ("@dynamo", "hello", "messages_tab_read_only"),
        (seed.RELEASE_MANAGERS, "hello", "channel_not_found"),
        ("#general", "   ", "no_text"),
    ],
)
async def test_what_a_person_cannot_say_is_refused(
    office: Any, place: str, text: str, code: str
) -> None:
    with pytest.raises(SlackRefusal, match=code):
        await office.people.say("ana", place, text)


async def test_a_foreign_page_cannot_act(office: Any) -> None:
    body = {"user": seed.ANA, "channel": seed.GENERAL, "text": "hi"}
    url = f"{office.url}/client/say"
    for origin in ("https://evil.example", "null", f"{office.url}0"):
        answer = await office.session.post(url, json=body, headers={"Origin": origin})
        assert answer.status == 403, origin
    rebound = {"Origin": "http://evil.example", "Host": "evil.example"}
    assert (await office.session.post(url, json=body, headers=rebound)).status == 403
    own = await office.session.post(url, json=body, headers={"Origin": office.url})
    assert own.status == 200


async def test_the_transcript_has_every_exchange_without_secrets(office: Any) -> None:
    app = office.bolt()

    async def run(ack: Any, respond: Any) -> None:
        await ack()
        await respond("late")

    app.command("/dynamo")(run)
    async with office.running(app):
        await office.people.say("ana", "#general", "/dynamo help")
        await office.people.message("ana", where=lambda m: m.text == "late")
        entry = await office.people.exchange(where=lambda e: e["surface"] == "response_url")
    assert entry["request"]["text"] == "late"
    entries = await office.people.transcript()
    assert [e["n"] for e in entries] == list(range(1, len(entries) + 1))
    assert {(e["direction"], e["surface"]) for e in entries} >= {
        ("to_slack", "web_api"),
        ("to_app", "socket"),
        ("to_slack", "response_url"),
    }
    text = str(entries)
    assert seed.BOT_TOKEN not in text
    assert seed.APP_TOKEN not in text
    assert office.server.credentials.verification_token not in text
    opened = next(e for e in entries if e["method"] == "apps.connections.open")
    assert "ticket=…" in opened["response"]["url"]


async def test_the_driver_names_what_is_there_when_something_is_not(office: Any) -> None:
    await office.bot.chat_postMessage(channel=seed.GENERAL, text="card")
    with pytest.raises(TimeoutError, match="card"):
        await office.people.message("ana", where=lambda m: m.text == "x", timeout=0.01)
    card = await office.people.message("ana")
    with pytest.raises(LookupError, match="nothing to use"):
        await office.people.click("ana", card, "Cancel")
    with pytest.raises(SlackRefusal, match="user_not_found"):
        await office.people.say("zoe", "#general", "hi")


async def test_a_page_that_is_open_does_not_hold_the_server_up(open_office: Any) -> None:
    office = await open_office()
    ws = await office.session.ws_connect(f"{office.url}/client/stream?user={seed.ANA}")
    await office.server.close()
    assert (await ws.receive()).data == 1001


async def test_the_app_gets_addresses_by_the_name_it_uses_itself(office: Any) -> None:
    app = office.bolt()
    urls: list[str] = []

    async def run(ack: Any, body: Any) -> None:
        urls.append(body["response_url"])
        await ack()

    app.command("/dynamo")(run)
    body = {"user": seed.ANA, "channel": seed.GENERAL, "text": "/dynamo help"}
    async with office.running(app):
        tunnel = {"Host": "tunnel.example"}
        await office.session.post(f"{office.url}/client/say", json=body, headers=tunnel)
    assert urls[0].startswith(office.url)


async def test_an_edit_may_name_somebody_who_was_not_named_before(office: Any) -> None:
    posted = await office.bot.chat_postMessage(channel=seed.GENERAL, text="quiet")
    await office.people.channel("ana", "#general", where=lambda c: c["mentions"] == 0)
    await office.bot.chat_update(channel=seed.GENERAL, ts=posted["ts"], text=f"<@{seed.ANA}>")
    boot = await get(office, "boot", user=seed.ANA)
    general = next(c for c in boot["channels"] if c["id"] == seed.GENERAL)
    assert general["mentions"] == 1


async def test_the_newest_messages_can_be_asked_for_alone(office: Any) -> None:
    for number in range(4):
        await office.bot.chat_postMessage(channel=seed.GENERAL, text=str(number))
    some = await get(office, "messages", user=seed.ANA, channel=seed.GENERAL, limit="2")
    assert [m["text"] for m in some["messages"]] == ["2", "3"]


async def test_a_newcomer_is_somebody_who_speaks_their_language(office: Any) -> None:
    for spoken, name in (("en-GB,en;q=0.8", "ben"), ("es-MX", "ana"), ("pt-BR", "ana")):
        headers = {"Accept-Language": spoken}
        answer = await office.session.get(f"{office.url}/client/boot", headers=headers)
        assert (await answer.json())["me"]["name"] == name

"""Slash commands over Socket Mode, with a real Bolt app."""

from __future__ import annotations

from typing import Any

from bot.sandbox.slack import seed


async def test_a_command_reaches_the_app_with_exactly_slacks_fields(office: Any) -> None:
    app = office.bolt()
    seen: list[dict[str, Any]] = []

    async def run(ack: Any, body: Any) -> None:
        seen.append(body)
        await ack()

    app.command("/dynamo")(run)
    async with office.running(app):
        said = await office.people.say("ana", "#dev-deploys", "/dynamo deploy  tasks <b>")
    assert said["ok"] is True
    assert set(seen[0]) == {
        "token",
        "team_id",
        "team_domain",
        "channel_id",
        "channel_name",
        "user_id",
        "user_name",
        "command",
        "text",
        "api_app_id",
        "is_enterprise_install",
        "response_url",
        "trigger_id",
    }
    assert seen[0]["text"] == "deploy  tasks &lt;b&gt;"
    assert seen[0]["is_enterprise_install"] == "false"
    assert seen[0]["channel_id"] == seed.DEV_DEPLOYS
    assert seen[0]["channel_name"] == "dev-deploys"


async def test_a_card_is_posted_and_edited_in_sight_of_everybody(office: Any) -> None:
    app = office.bolt()

    async def run(ack: Any, client: Any, body: Any) -> None:
        await ack()
        posted = await client.chat_postMessage(channel=body["channel_id"], text="started")
        await client.chat_update(channel=posted["channel"], ts=posted["ts"], text="done")

    app.command("/dynamo")(run)
    async with office.running(app):
        await office.people.watch("ana", "ben")
        await office.people.say("ana", "#qa-deploys", "/dynamo deploy tasks-service qa")
        mine = await office.people.message("ana", where=lambda m: m.text == "done")
        theirs = await office.people.message("ben", where=lambda m: m.text == "done")
    assert mine.ts == theirs.ts
    assert mine.body["edited"]["user"] == seed.BOT_USER_ID

"""An app on threads: Bolt's other half, with the WebSocket client that the SDK has built in."""

from __future__ import annotations

import asyncio
from typing import Any

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from bot.sandbox.slack import seed


def connected(api_url: str) -> Any:
    app = App(client=WebClient(token=seed.BOT_TOKEN, base_url=api_url))

    def run(ack: Any, respond: Any, command: Any) -> None:
        ack()
        respond(f"private {command['text']}")

    app.command("/dynamo")(run)
    handler: Any = SocketModeHandler(app, seed.APP_TOKEN)
    handler.connect()
    return handler


async def test_a_threaded_app_answers_and_comes_back_after_a_refresh(office: Any) -> None:
    handler = await asyncio.to_thread(connected, f"{office.url}/api/")
    try:
        for number, trouble in enumerate(("refresh_requested", "")):
            assert (await office.people.say("ana", "#dev-deploys", f"/dynamo {number}"))["ok"]
            # Its Host header names no port: the address of the answer is not learnt from that.
            await office.people.message("ana", where=lambda m, n=number: m.text == f"private {n}")
            if trouble:
                assert await office.people.sockets(trouble) == 1
    finally:
        await asyncio.to_thread(handler.close)

"""The peer of benches: a Bolt app that acknowledges and does nothing else, behind the same HTTP
glue that Bolt ships. With CHANNEL (and TOKEN, API_URL) it posts one message there for each command:
the least that a bot can show."""

import os
import re

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient


def main() -> None:
    channel, token = os.environ.get("CHANNEL", ""), os.environ.get("TOKEN", "xoxb-none")
    client = AsyncWebClient(token=token, base_url=os.environ.get("API_URL", ""))

    async def authorize(**_: object) -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=None,
            team_id="T0ACME0000",
            bot_token=token,
            bot_id="B0DYNAMO00",
            bot_user_id="U0DYNAMO00",
        )

    app = AsyncApp(signing_secret=os.environ["SIGNING"], authorize=authorize)

    @app.command("/dynamo")
    async def answer(ack: AsyncAck, body: dict[str, str]) -> None:
        await ack()
        if channel:
            await client.chat_postMessage(channel=channel, text=body["text"])

    @app.action(re.compile(".*"))
    async def acknowledge(ack: AsyncAck) -> None:
        await ack()

    async def events(request: web.Request) -> web.Response:
        return await to_aiohttp_response(await app.async_dispatch(await to_bolt_request(request)))

    async def ready(_: web.Request) -> web.Response:
        return web.Response(text="ready\n")

    server = web.Application()
    server.router.add_post("/slack/events", events)
    server.router.add_get("/readyz", ready)
    web.run_app(server, host="127.0.0.1", port=int(os.environ["PORT"]), print=None)


if __name__ == "__main__":
    main()

"""A workspace on a free port, people who use it, and a real Bolt app against it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.clock import Clock
from bot.sandbox.slack import seed
from bot.sandbox.slack.driver import SlackDriver
from bot.sandbox.slack.manifest import Manifest, read_manifest
from bot.sandbox.slack.running import running_workspace
from bot.sandbox.slack.server import MANIFEST
from bot.sandbox.slack.services import Slack

# What these tests' app is granted, whatever Dynamo's own manifest asks for by now.
GRANTED = (
    "commands",
    "chat:write",
    "chat:write.public",
    "files:write",
    "files:read",
    "users:read",
    "usergroups:read",
    "im:write",
    "app_mentions:read",
    "channels:history",
    "groups:history",
)


@dataclass
class Office:
    """A running workspace: its parts, its people, and clients of its Web API."""

    url: str
    server: Slack
    clock: Clock
    people: SlackDriver
    session: aiohttp.ClientSession

    @property
    def bot(self) -> AsyncWebClient:
        return self.client(seed.BOT_TOKEN)

    def client(self, token: str | None) -> AsyncWebClient:
        return AsyncWebClient(
            token=token, base_url=f"{self.url}/api/", session=self.session, retry_handlers=[]
        )

    def bolt(self) -> AsyncApp:
        async def authorize(**_: Any) -> AuthorizeResult:
            return AuthorizeResult(
                enterprise_id=None,
                team_id=seed.TEAM_ID,
                bot_token=seed.BOT_TOKEN,
                bot_id=seed.BOT_ID,
                bot_user_id=seed.BOT_USER_ID,
            )

        return AsyncApp(
            client=AsyncWebClient(base_url=f"{self.url}/api/", session=self.session),
            authorize=authorize,
            signing_secret=seed.SIGNING_SECRET,
            ssl_check_enabled=False,
        )

    @asynccontextmanager
    async def running(self, app: AsyncApp, *, ping_interval: float = 3600) -> AsyncIterator[Any]:
        """The app, connected by Socket Mode."""
        handler: Any = AsyncSocketModeHandler(app, seed.APP_TOKEN, ping_interval=ping_interval)
        await handler.connect_async()
        try:
            yield handler
        finally:
            await handler.close_async()


OpenOffice = Callable[..., Awaitable[Office]]


@pytest.fixture
async def open_office() -> AsyncIterator[OpenOffice]:
    """Start a workspace with a manual clock; several per test, with other settings, if need be."""
    async with AsyncExitStack() as stack:

        async def open_(
            *,
            clock: Clock | None = None,
            manifest: Manifest | None = None,
            rate: str = "off",
            **settings: Any,
        ) -> Office:
            if manifest is None:
                manifest = replace(read_manifest(MANIFEST), scopes=GRANTED)
            running = running_workspace(
                clock or Clock(manual=True), manifest=manifest, rate=rate, **settings
            )
            workspace = await stack.enter_async_context(running)
            session = await stack.enter_async_context(aiohttp.ClientSession())
            return Office(
                workspace.url, workspace.server, workspace.clock, workspace.people, session
            )

        yield open_


@pytest.fixture
async def office(open_office: OpenOffice) -> Office:
    return await open_office()

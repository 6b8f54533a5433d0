"""A workspace on a free loopback port, for tests and for whoever wants to try it:

    async with running_workspace(Clock(manual=True), rate="off") as workspace:
        await workspace.people.say("ana", "#general", "/dynamo help")

An app is pointed at `workspace.url` with the tokens of `seed.py`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.sandbox.clock import Clock
from bot.sandbox.slack.driver import SlackDriver
from bot.sandbox.slack.server import SLACK, acme, slack_app
from bot.sandbox.slack.services import Slack

_SHUTDOWN_SECONDS = 1.0  # for requests that wait for a virtual time that will not come


@dataclass(frozen=True, slots=True)
class RunningWorkspace:
    """`api_url` is what an app's SLACK_API_URL must be."""

    url: str
    server: Slack
    clock: Clock
    people: SlackDriver

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/"


@asynccontextmanager
async def running_workspace(
    clock: Clock | None = None, *, port: int = 0, **settings: Any
) -> AsyncIterator[RunningWorkspace]:
    """Serve the workspace "Acme" until the block ends; `settings` are those of `slack_app`."""
    clock = clock or Clock()
    app = slack_app(acme(clock, settings.get("manifest")), clock, **settings)
    runner = web.AppRunner(app, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with SlackDriver(url) as people:
            yield RunningWorkspace(url, app[SLACK], clock, people)
    finally:
        await runner.cleanup()

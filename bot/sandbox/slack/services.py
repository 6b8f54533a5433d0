"""The parts of one workspace server, put together once and handed to whoever needs them."""

from __future__ import annotations

import secrets
from collections import deque
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import web

from bot.sandbox.clock import Clock
from bot.sandbox.slack.errors import JSON
from bot.sandbox.slack.faults import Fault, Faults
from bot.sandbox.slack.files import Files
from bot.sandbox.slack.manifest import Manifest
from bot.sandbox.slack.rate_limits import Mode, RateLimits
from bot.sandbox.slack.response_urls import ResponseUrls
from bot.sandbox.slack.signed_http import SignedHttp
from bot.sandbox.slack.socket_mode import SocketMode
from bot.sandbox.slack.streams import Streams
from bot.sandbox.slack.transcript import Transcript
from bot.sandbox.slack.triggers import Triggers
from bot.sandbox.slack.views import Views
from bot.sandbox.slack.waiting import Tasks
from bot.sandbox.slack.workspace import Workspace

EnvelopeKind = Literal["slash_commands", "interactive", "events_api"]
_KEPT_DELIVERIES = 100


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the app must present, and the secret that signs requests to it."""

    bot_token: str
    app_token: str
    signing_secret: str
    verification_token: str = "sandbox-verification"  # noqa: S105 - deprecated by Slack, never checked


@dataclass(slots=True)
class BaseUrl:
    """Where the app reaches this server: as configured, else as its latest request addressed it.

    A page may know the server by another name (a tunnel, another machine): it counts only until the
    app itself was heard.
    """

    given: str | None = None
    seen_by_app: str | None = None
    seen_by_page: str = "http://127.0.0.1"

    def __call__(self) -> str:
        return (self.given or self.seen_by_app or self.seen_by_page).rstrip("/")


@dataclass(slots=True)
class HttpMode:
    """Request URLs of the app when it does not use Socket Mode; None: Socket Mode."""

    commands: str
    interactivity: str
    events: str
    options: str
    of_command: dict[str, str] = field(default_factory=dict)  # where each has an address of its own

    @classmethod
    def one(cls, url: str) -> HttpMode:
        return cls(url, url, url, url)


@dataclass(slots=True)
class Slack:
    workspace: Workspace
    clock: Clock
    manifest: Manifest
    scopes: frozenset[str]
    credentials: Credentials
    base_url: BaseUrl
    http_mode: HttpMode | None
    rates: RateLimits
    transcript: Transcript
    triggers: Triggers
    urls: ResponseUrls
    files: Files
    views: Views
    streams: Streams
    socket: SocketMode
    http: SignedHttp
    faults: Faults = field(default_factory=Faults)
    tasks: Tasks = field(default_factory=Tasks)
    suggestions: tuple[tuple[str, str], ...] = ()
    action_state: dict[tuple[str, str, str], dict[str, object]] = field(default_factory=dict)

    delivered: deque[tuple[EnvelopeKind, JSON, bool]] = field(
        default_factory=lambda: deque(maxlen=_KEPT_DELIVERIES)
    )
    pages: set[web.WebSocketResponse] = field(default_factory=set)

    async def fault_of(self, method: str, *, web_api: bool = False) -> Fault | None:
        """The fault that this call meets, after the delay that it orders."""
        fault = self.faults.take(method, web_api=web_api)
        if fault is not None and fault.delay:
            await self.clock.sleep(fault.delay)
        return fault

    async def close(self) -> None:
        """Say goodbye to sockets and end background work."""
        for page in tuple(self.pages):
            await page.close(code=1001)
        self.transcript.close()
        await self.socket.close()
        await self.tasks.close()
        await self.http.close()


def assemble(
    workspace: Workspace,
    clock: Clock,
    *,
    manifest: Manifest,
    credentials: Credentials,
    scopes: frozenset[str] | None = None,
    base_url: str | None = None,
    http_mode: HttpMode | None = None,
    rate: Mode = "real",
    suggestions: tuple[tuple[str, str], ...] = (),
) -> Slack:
    """Build the server's parts; `scopes` narrows what the installation grants of the manifest's."""
    base = BaseUrl(base_url)
    tasks = Tasks()
    transcript = Transcript(clock.now)
    files = Files(workspace, clock, base, lambda: secrets.token_urlsafe(18))
    streams = Streams(workspace, files, lambda: views)
    views = Views(workspace, streams.on_view)
    return Slack(
        workspace=workspace,
        clock=clock,
        manifest=manifest,
        scopes=frozenset(manifest.scopes) if scopes is None else scopes,
        credentials=credentials,
        base_url=base,
        http_mode=http_mode,
        rates=RateLimits(clock.monotonic, rate),
        transcript=transcript,
        triggers=Triggers(clock),
        urls=ResponseUrls(workspace.team.id, clock, base),
        files=files,
        views=views,
        streams=streams,
        socket=SocketMode(clock, transcript, workspace.app.id, tasks),
        http=SignedHttp(clock, transcript, tasks, credentials.signing_secret),
        tasks=tasks,
        suggestions=suggestions,
    )

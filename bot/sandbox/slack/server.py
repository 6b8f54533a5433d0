"""The workspace as an HTTP server: `slack_app` for one of its own, `add_slack` beside others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aiohttp import web
from yarl import URL

from bot.sandbox.clock import Clock
from bot.sandbox.slack import client, control, message_events, methods, responses, seed, web_api
from bot.sandbox.slack.manifest import Manifest, read_manifest
from bot.sandbox.slack.rate_limits import Mode
from bot.sandbox.slack.services import Credentials, HttpMode, Slack, assemble
from bot.sandbox.slack.workspace import App, Team, Workspace

SLACK = web.AppKey("slack", Slack)
MANIFEST = Path(__file__).resolve().parents[3] / "manifest.yml"
_LARGEST_REQUEST = 4 * 1024**2

assert methods  # importing them registers the Web API


def acme(clock: Clock, manifest: Manifest | None = None) -> Workspace:
    """The workspace "Acme" with its people and channels, and the app of the manifest installed."""
    name = (manifest or read_manifest(MANIFEST)).name
    app = App(seed.APP_ID, name, seed.BOT_USER_ID, seed.BOT_ID)
    team = Team(seed.TEAM_ID, seed.TEAM_NAME, seed.TEAM_DOMAIN)
    return seed.furnish(Workspace(team, app, clock.now))


def slack_app(
    workspace: Workspace,
    clock: Clock,
    *,
    manifest: Manifest | None = None,
    scopes: frozenset[str] | None = None,
    credentials: Credentials | None = None,
    base_url: str | None = None,
    request_url: str | None = None,
    rate: Mode = "real",
    suggestions: tuple[tuple[str, str], ...] = (),
) -> web.Application:
    """A web application that is this workspace; its parts are at `app[SLACK]`.

    `scopes` is what the installation grants (default: all of the manifest), `base_url` how the app
    reaches this server (default: as requests address it), `request_url` turns HTTP mode on, `rate`
    is "off", "real" or "strict".
    """
    manifest = manifest or read_manifest(MANIFEST)
    slack = assemble(
        workspace,
        clock,
        manifest=manifest,
        credentials=credentials or Credentials(seed.BOT_TOKEN, seed.APP_TOKEN, seed.SIGNING_SECRET),
        scopes=scopes,
        base_url=base_url,
        http_mode=HttpMode.one(request_url) if request_url else http_mode(manifest),
        rate=rate,
        suggestions=suggestions,
    )
    app = web.Application(client_max_size=_LARGEST_REQUEST)
    add_slack(app, slack)
    return app


def http_mode(manifest: Manifest) -> HttpMode | None:
    """Where a manifest without Socket Mode wants its requests."""
    if manifest.socket_mode:
        return None
    interactivity = manifest.interactivity_url or ""
    command = manifest.commands[0].url if manifest.commands else None
    return HttpMode(
        commands=command or interactivity,
        interactivity=interactivity,
        events=manifest.events_url or interactivity,
        options=manifest.options_url or interactivity,
        of_command={each.command: each.url for each in manifest.commands if each.url},
    )


def add_slack(app: web.Application, slack: Slack) -> None:
    """Serve a workspace from an application that may serve other things too."""
    app[SLACK] = slack
    message_events.follow(slack)

    def at(handler: Any) -> Any:
        async def serve(request: web.Request) -> web.StreamResponse:
            slack.base_url.seen_by_app = str(request.url.origin())
            response: web.StreamResponse = await handler(slack, request)
            return response

        return serve

    def quietly(handler: Any) -> Any:
        async def serve(request: web.Request) -> web.StreamResponse:
            response: web.StreamResponse = await handler(slack, request)
            return response

        return serve

    app.router.add_routes(
        [
            web.route("*", "/api/{method}", at(web_api.handle)),
            # Not a place to learn from: the SDK's own WebSocket client leaves the port out of Host.
            web.get("/link", quietly(_link)),
            web.post("/commands/{tail:.+}", at(responses.handle)),
            web.post("/actions/{tail:.+}", at(responses.handle)),
            web.post("/upload/v1/{ticket}", at(_upload)),
            web.get("/files/{file}/{name}", quietly(_file)),
            web.get("/archives/{channel}/{message}", quietly(_archive)),
            *client.routes(slack),
            *control.routes(slack),
        ]
    )

    async def shut(_: web.Application) -> None:
        await slack.close()

    app.on_shutdown.append(shut)


async def _link(slack: Slack, request: web.Request) -> web.StreamResponse:
    """The door of Socket Mode, which a fault may keep shut: the ticket is not used then."""
    fault = await slack.fault_of("link")
    if fault is not None and fault.drop and request.transport is not None:
        request.transport.close()
    if fault is not None and (fault.drop or fault.status or fault.error):
        body = {"ok": False, "error": fault.error or "internal_error"}
        return web.json_response(body, status=fault.status or 503)
    return await slack.socket.link(request)


async def _upload(slack: Slack, request: web.Request) -> web.StreamResponse:
    """The bytes of a file, raw or as the first part of a multipart form; no token is asked for."""
    fault = await slack.fault_of("upload")
    if request.content_type.startswith("multipart/"):
        part = await (await request.multipart()).next()
        content = bytes(await part.read()) if part is not None and hasattr(part, "read") else b""
    else:
        content = await request.content.read()
    status, text = 200, f"OK - {len(content)}"
    if fault is not None and (fault.status or fault.error):
        status, text = fault.status or 500, fault.error or "error"
    elif not content or slack.files.receive(request.match_info["ticket"], content) is None:
        status, text = 404, "unknown upload"
    slack.transcript.add(
        "to_slack",
        "upload",
        "upload",
        request={"bytes": len(content)},
        response=text,
        status=status,
    )
    return web.Response(status=status, text=text)


async def _file(slack: Slack, request: web.Request) -> web.StreamResponse:
    file = slack.files.find(request.match_info["file"].partition("-")[2])
    if file is None or file.content is None or file.name != request.match_info["name"]:
        raise web.HTTPNotFound
    kind = file.mimetype
    if not file.is_image:
        kind = "text/plain" if kind.startswith("text/") else "application/octet-stream"
    headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}
    return web.Response(
        body=file.content,
        content_type=kind,
        charset="utf-8" if kind == "text/plain" else None,
        headers=headers,
    )


async def _archive(_: Slack, request: web.Request) -> web.StreamResponse:
    """A permalink leads into the page, to the channel and the message."""
    digits = request.match_info["message"].removeprefix("p")
    ts = f"{digits[:-6]}.{digits[-6:]}"
    query = {"channel": request.match_info["channel"], "ts": ts}
    if "thread_ts" in request.query:
        query["thread_ts"] = request.query["thread_ts"]
    raise web.HTTPFound(str(URL("/").with_query(query)))

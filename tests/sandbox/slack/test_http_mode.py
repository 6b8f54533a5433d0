"""Signed HTTP: a real Bolt app behind a request URL, signatures, retries."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.sandbox.slack import seed
from bot.sandbox.slack.manifest import read_manifest


@dataclass
class Endpoint:
    """A request URL that keeps what came and answers what a test put in line."""

    url: str = ""
    requests: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)
    answers: list[web.Response] = field(default_factory=list)
    silent: asyncio.Event | None = None

    async def serve(self, request: web.Request) -> web.Response:
        body = await request.read()
        if b"url_verification" in body:
            return web.json_response({"challenge": json.loads(body)["challenge"]})
        self.requests.put_nowait((dict(request.headers), body))
        if self.silent is not None:
            await self.silent.wait()
        return self.answers.pop(0) if self.answers else web.Response()


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    kept = Endpoint()
    app = web.Application()
    app.router.add_post("/slack/events", kept.serve)
    server = TestServer(app)
    await server.start_server()
    kept.url = str(server.make_url("/slack/events"))
    yield kept
    await server.close()


async def test_a_command_is_a_signed_form_and_its_answer_is_shown(
    open_office: Any, endpoint: Endpoint
) -> None:
    office = await open_office(request_url=endpoint.url)
    endpoint.answers.append(web.json_response({"text": "hi", "response_type": "in_channel"}))
    await office.people.watch("ben")
    await office.people.say("ana", "#dev-deploys", "/dynamo deploy tasks & co")
    headers, body = await endpoint.requests.get()
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    base = b"v0:" + headers["X-Slack-Request-Timestamp"].encode() + b":" + body
    digest = hmac.new(seed.SIGNING_SECRET.encode(), base, hashlib.sha256).hexdigest()
    assert headers["X-Slack-Signature"] == f"v0={digest}"
    form = parse_qs(body.decode())
    assert form["command"] == ["/dynamo"]
    assert form["text"] == ["deploy tasks &amp; co"]
    echo = await office.people.message("ben", where=lambda m: "command" in m.body)
    answer = await office.people.message("ben", where=lambda m: m.text == "hi")
    assert echo.body["command"] == "/dynamo deploy tasks & co"
    assert not answer.ephemeral


async def test_a_real_bolt_app_accepts_the_signature_and_answers(open_office: Any) -> None:
    office = await open_office()
    app = office.bolt()

    async def run(ack: Any) -> None:
        await ack("by HTTP")

    app.command("/dynamo")(run)
    server = TestServer(app.web_app("/slack/events"))
    await server.start_server()
    url = str(server.make_url("/slack/events"))
    switched = await office.session.post(f"{office.url}/client/request_url", json={"url": url})
    assert switched.status == 200
    await office.people.say("ana", "#dev-deploys", "/dynamo help")
    assert (await office.people.message("ana", where=lambda m: m.text == "by HTTP")).ephemeral
    await server.close()
    lost = await office.people.say("ana", "#dev-deploys", "/dynamo help")
    assert lost["error"] == "dispatch_failed"


async def test_an_interaction_is_a_payload_in_a_form(open_office: Any, endpoint: Endpoint) -> None:
    office = await open_office(request_url=endpoint.url)
    button = {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": "go"}
    await office.bot.chat_postMessage(
        channel=seed.DEV_DEPLOYS, text="card", blocks=[{"type": "actions", "elements": [button]}]
    )
    card = await office.people.message("ana", where=lambda m: m.text == "card")
    await office.people.click("ana", card, "Go")
    _, body = await endpoint.requests.get()
    payload = json.loads(parse_qs(body.decode())["payload"][0])
    assert payload["actions"][0]["action_id"] == "go"


async def test_a_refused_event_comes_again_at_once_after_a_minute_and_after_five(
    open_office: Any, endpoint: Endpoint
) -> None:
    office = await open_office(request_url=endpoint.url)
    endpoint.answers += [web.Response(status=500) for _ in range(4)]
    await office.people.say("ana", "#dev-deploys", "@dynamo hi")
    tries = [await endpoint.requests.get(), await endpoint.requests.get()]
    for wait in (60, 300):
        noted = len(tries)
        await office.people.exchange(where=lambda entry, noted=noted: entry["n"] >= noted)
        assert endpoint.requests.empty()
        await office.people.advance(wait)
        tries.append(await endpoint.requests.get())
    numbers = [headers.get("X-Slack-Retry-Num") for headers, _ in tries]
    reasons = {headers.get("X-Slack-Retry-Reason") for headers, _ in tries}
    assert numbers == [None, "1", "2", "3"]
    assert reasons == {None, "http_error"}
    assert len({json.loads(body)["event_id"] for _, body in tries}) == 1


async def test_no_retry_ends_the_retries(open_office: Any, endpoint: Endpoint) -> None:
    office = await open_office(request_url=endpoint.url)
    endpoint.answers.append(web.Response(status=500, headers={"X-Slack-No-Retry": "1"}))
    await office.people.say("ana", "#dev-deploys", "@dynamo hi")
    await endpoint.requests.get()
    await office.people.say("ana", "#dev-deploys", "/dynamo help")
    headers, body = await endpoint.requests.get()
    assert b"command=%2Fdynamo" in body
    assert "X-Slack-Retry-Num" not in headers


async def test_a_url_that_fails_the_challenge_is_not_taken(office: Any) -> None:
    dead = f"{office.url}/nowhere"
    answer = await office.session.post(f"{office.url}/client/request_url", json={"url": dead})
    assert (answer.status, (await answer.json())["error"]) == (400, "url_not_verified")
    assert office.server.http_mode is None


async def test_an_event_that_nobody_answers_is_retried_with_the_reason(
    open_office: Any, endpoint: Endpoint
) -> None:
    office = await open_office(request_url=endpoint.url)
    endpoint.silent = asyncio.Event()
    await office.people.say("ana", "#dev-deploys", "@dynamo hi")
    await endpoint.requests.get()
    await office.people.advance(3)
    headers, _ = await endpoint.requests.get()
    assert (headers["X-Slack-Retry-Num"], headers["X-Slack-Retry-Reason"]) == ("1", "http_timeout")
    endpoint.silent.set()


async def test_an_app_that_is_away_or_elsewhere_is_named_as_the_reason(
    open_office: Any, endpoint: Endpoint
) -> None:
    office = await open_office(request_url="http://127.0.0.1:1/slack/events")
    await office.people.say("ana", "#dev-deploys", "@dynamo hi")
    lost = await office.people.exchange(where=lambda e: e["status"] == "connection_failed")
    assert lost["method"] == "events_api"
    moved = await open_office(request_url=endpoint.url)
    endpoint.answers.append(web.Response(status=302, headers={"Location": "/"}))
    await moved.people.say("ana", "#dev-deploys", "@dynamo hi")
    await endpoint.requests.get()
    headers, _ = await endpoint.requests.get()
    assert headers["X-Slack-Retry-Reason"] == "too_many_redirects"


async def test_an_answer_that_is_no_json_fails_the_command(
    open_office: Any, endpoint: Endpoint
) -> None:
    office = await open_office(request_url=endpoint.url)
    endpoint.answers.append(web.Response(text="{", content_type="application/json"))
    said = await office.people.say("ana", "#dev-deploys", "/dynamo help")
    assert said["error"] == "dispatch_failed"


async def test_each_command_goes_to_the_address_that_the_manifest_gives_it(
    open_office: Any, endpoint: Endpoint
) -> None:
    commands = [{"command": "/other", "url": "http://127.0.0.1:1/"}]
    commands.append({"command": "/tea", "url": endpoint.url})
    manifest = read_manifest(
        {
            "display_information": {"name": "Teapot"},
            "features": {"slash_commands": commands},
            "oauth_config": {"scopes": {"bot": ["commands"]}},
        }
    )
    office = await open_office(manifest=manifest)
    assert (await office.people.say("ana", "#dev-deploys", "/tea green"))["ok"]
    _, body = await endpoint.requests.get()
    assert parse_qs(body.decode())["text"] == ["green"]
    other = await office.people.say("ana", "#dev-deploys", "/other")
    assert other["error"] == "dispatch_failed"

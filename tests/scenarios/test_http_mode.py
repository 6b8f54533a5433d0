"""HTTP mode: Slack calls `/slack/events` and signs what it sends; nothing else is let in."""

import hashlib
import hmac
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import pytest
from pydantic import SecretStr

from bot.app import Dynamo
from bot.sandbox.launcher import Options, Sandbox, WorldClock, launch
from bot.sandbox.slack import seed
from bot.sandbox.slack.driver import SlackDriver

SECRET = seed.SIGNING_SECRET


@dataclass(frozen=True, slots=True)
class ByHttp:
    sandbox: Sandbox
    dynamo: Dynamo
    url: str


@pytest.fixture
async def by_http(tmp_path: Path) -> AsyncIterator[ByHttp]:
    async with launch(Options(speed=10, keep=tmp_path, bot=False)) as sandbox:
        changes = {"slack_app_token": None, "slack_signing_secret": SecretStr(SECRET)}
        settings = sandbox.settings.model_copy(update=changes)
        dynamo = await Dynamo.start(settings, clock=WorldClock(sandbox.clock))
        yield ByHttp(sandbox, dynamo, f"http://127.0.0.1:{dynamo.port}")
        await dynamo.stop()


def signed(body: str, *, secret: str = SECRET, at: float | str | None = None) -> Mapping[str, str]:
    stamp = at if isinstance(at, str) else str(int(at or time.time()))
    base = f"v0:{stamp}:{body}".encode()
    digest = hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={digest}",
    }


async def post(url: str, body: str, headers: Mapping[str, str]) -> int:
    where = f"{url}/slack/events"
    async with (
        aiohttp.ClientSession() as session,
        session.post(where, data=body, headers=headers) as answer,
    ):
        return answer.status


COMMAND = urlencode(
    {
        "command": "/dynamo",
        "text": "help",
        "team_id": seed.TEAM_ID,
        "channel_id": seed.GENERAL,
        "user_id": seed.BEN,
        "trigger_id": "1.2.3",
        "api_app_id": seed.APP_ID,
    }
)


async def test_a_command_over_signed_http_is_carried_out_and_answered(by_http):
    async with SlackDriver(by_http.sandbox.url) as slack:
        await slack.watch("ben")
        await slack.request_url(f"{by_http.url}/slack/events")
        await slack.say("ben", "#general", "/dynamo status")
        answer = await slack.message("ben", where=lambda m: m.from_app and m.ephemeral)
        assert "tasks-service" in answer.words


async def test_a_right_signature_is_let_in(by_http):
    assert await post(by_http.url, COMMAND, signed(COMMAND)) == 200


@pytest.mark.parametrize(
    "headers",
    [
        signed(COMMAND, secret="another-secret-of-somebody"),
        signed(COMMAND + "x"),
        signed(COMMAND, at=time.time() - 301),
        signed(COMMAND, at="yesterday"),
        signed(COMMAND, at="١٧٦٤٠٠٠٠٠٠"),
        {"Content-Type": "application/x-www-form-urlencoded"},
    ],
    ids=["wrong secret", "other body", "too old", "no number", "foreign digits", "none at all"],
)
async def test_a_wrong_old_or_missing_signature_is_turned_away(by_http, headers):
    assert await post(by_http.url, COMMAND, headers) == 401


async def test_ssl_check_opens_no_door(by_http):
    body = "ssl_check=1&token=x"
    assert await post(by_http.url, body, signed(body, secret="another-secret-of-somebody")) == 401


async def test_a_request_of_another_workspace_runs_nothing(by_http):
    body = COMMAND.replace(seed.TEAM_ID, "T0FOREIGN0").replace("help", "deploy+tasks-service+qa")
    await post(by_http.url, body, signed(body))
    assert await by_http.dynamo.edges.store.recent() == []


async def test_health_readiness_and_metrics_are_served(by_http):
    async with aiohttp.ClientSession() as session:
        for path, part in (("healthz", "ok"), ("readyz", "ready"), ("metrics", "dynamo_ready 1")):
            async with session.get(f"{by_http.url}/{path}") as answer:
                assert answer.status == 200
                assert part in await answer.text()

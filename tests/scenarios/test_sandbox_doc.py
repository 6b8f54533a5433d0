"""docs/sandbox.md is run, not believed: its example bot, its tests, its list of the control API."""

import json
import re
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes.world import World
from bot.sandbox.slack import client, control
from bot.sandbox.slack.driver import SlackDriver
from bot.sandbox.slack.faults import Fault
from bot.sandbox.slack.manifest import read_manifest
from bot.sandbox.slack.running import running_workspace
from bot.sandbox.slack.seed import BOT_USER_ID
from tests.scenarios.remembered import Remembered
from tests.serving import served

DOC = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", DOC, re.DOTALL | re.MULTILINE)

TEAPOT = read_manifest(
    {
        "display_information": {"name": "Teapot"},
        "features": {"slash_commands": [{"command": "/tea"}]},
        "oauth_config": {"scopes": {"bot": ["commands"]}},
        "settings": {"interactivity": {"is_enabled": True}},
    }
)
BUTTON = {"type": "button", "action_id": "pour", "text": {"type": "plain_text", "text": "Pour"}}


class Teapot:
    """A bot without an SDK: it knows Slack's requests alone."""

    ts = ""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def served(self) -> AbstractAsyncContextManager[str]:
        app = web.Application()
        app.router.add_post("/slack/events", self._hear)
        return served(app)

    async def _hear(self, request: web.Request) -> web.Response:
        if request.content_type == "application/json":
            event = await request.json()
            self.heard.append(event["type"])
            return web.json_response({"challenge": event["challenge"]})
        form = await request.post()
        if "payload" in form:
            self.heard.append(json.loads(str(form["payload"]))["actions"][0]["action_id"])
            return web.Response()
        self.heard.append(f"{form['command']!s} {form['text']!s}")
        blocks = [{"type": "actions", "block_id": "tea", "elements": [BUTTON]}]
        return web.json_response({"text": "Tea?", "blocks": blocks})


pytestmark = pytest.mark.timeout(90)


def example(name: str) -> Callable[..., Awaitable[None]]:
    """The test of this name in the document, with all its code blocks run before it."""
    names: dict[str, Any] = {}
    for block in BLOCKS:
        exec(compile(block, "docs/sandbox.md", "exec"), names)
    found: Callable[..., Awaitable[None]] = names[name]
    return found


async def test_the_example_bot_pours_tea() -> None:
    await example("test_ana_gets_her_tea")()


async def test_the_requests_of_the_document_lead_from_a_command_to_a_click() -> None:
    """With another app, told by signed HTTP: as a bot in any language is tested."""
    requests = re.findall(r"^curl -s \"?\$SLACK(\S+?)\"?(?: -d '(.*)')?$", DOC, re.MULTILINE)
    tea = Teapot()
    answers = []
    async with (
        tea.served() as address,
        running_workspace(manifest=TEAPOT) as workspace,
        aiohttp.ClientSession(workspace.url) as session,
    ):
        for path, written in requests:
            body = written.replace("http://127.0.0.1:3000", address)
            body = body.replace('"A"', '"pour"').replace('"B"', '"tea"').replace("TS", tea.ts)
            asked = session.post(path, data=body) if body else session.get(path)
            async with asked as answer:
                answers.append(await answer.text())
                assert answer.status == 200, answers[-1]
            if path == "/client/say":
                message = await workspace.people.message("ana", where=lambda m: m.text == "Tea?")
                tea.ts = message.ts
    assert len(answers) == 5
    assert '"slash_commands"' in answers[2]
    assert f'"ts": "{tea.ts}"' in answers[3]
    assert tea.heard == ["url_verification", "/tea green", "pour"]


async def test_the_example_with_the_fixtures_holds(
    slack: SlackDriver, world: World, dynamo: Remembered
) -> None:
    await example("test_a_missing_image_is_diagnosed")(slack, world, dynamo)


def test_the_example_bot_is_of_some_twenty_lines() -> None:
    lines = [line for line in BLOCKS[0].splitlines() if line.strip()]
    assert 15 <= len(lines) <= 22


async def test_every_request_of_the_control_api_stands_in_the_document() -> None:
    async with running_workspace(Clock(manual=True)) as workspace:
        paths = {
            each.path
            for each in (*client.routes(workspace.server), *control.routes(workspace.server))
        }
    written = set(re.findall(r"`(?:GET |POST )?(/client/[a-z_]+)`", DOC))
    assert written == paths


def test_every_field_of_a_fault_stands_in_the_document() -> None:
    row = next(line for line in DOC.splitlines() if line.startswith("| `POST /client/faults`"))
    assert set(re.findall(r"`([a-z_]+)`", row)) == set(Fault.__dataclass_fields__)


async def test_the_people_of_the_document_are_those_of_the_workspace() -> None:
    written = set(re.findall(r"^\| `([a-z]+)` `(U0[A-Z0-9]+)` \|", DOC, re.MULTILINE))
    async with running_workspace(Clock(manual=True)) as workspace:
        people = workspace.server.workspace.users.values()
        assert written == {(each.name, each.id) for each in people if each.id != BOT_USER_ID}

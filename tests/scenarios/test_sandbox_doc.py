"""docs/sandbox.md is run, not believed: its example bot, its tests, its list of the control API."""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes.world import World
from bot.sandbox.slack import client, control
from bot.sandbox.slack.driver import SlackDriver
from bot.sandbox.slack.faults import Fault
from bot.sandbox.slack.running import running_workspace
from bot.sandbox.slack.seed import BOT_USER_ID
from tests.scenarios.remembered import Remembered

DOC = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", DOC, re.DOTALL | re.MULTILINE)

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

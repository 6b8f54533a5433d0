"""The whole offline world for stories: a user types, the channel shows.

`slack` are the people, `world` is the cluster with its troubles, `dynamo` what the bot remembers;
all three are of `sandbox`, the offline world with the production bot in it, ten times faster than
real. `catalog_file` is the sample with short stability windows.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox.kubernetes.world import World
from bot.sandbox.launcher import Options, Sandbox, launch
from bot.sandbox.slack.driver import SlackDriver
from tests.samples import sample
from tests.scenarios.remembered import Remembered


@pytest.fixture
def catalog_file(tmp_path: Path) -> Path:
    """The sample catalog with stability windows of a second, for a bot on the real clock."""
    return sample(tmp_path, window="1s")


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with launch(Options(speed=10, keep=tmp_path / "keep")) as sandbox:
        yield sandbox


@pytest.fixture
async def slack(sandbox: Sandbox) -> AsyncIterator[SlackDriver]:
    async with SlackDriver(sandbox.url) as slack:
        await slack.watch("ana", "ben", "elena")
        yield slack


@pytest.fixture
def world(sandbox: Sandbox) -> World:
    return sandbox.world


@pytest.fixture
def dynamo(sandbox: Sandbox) -> Remembered:
    return Remembered(sandbox)

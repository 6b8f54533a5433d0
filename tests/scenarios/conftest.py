"""The whole offline world for stories: a user types, the channel shows.

`sandbox` is the world with the production bot in it, ten times faster than real; `slack` are its
people. `catalog_file` is the sample with short stability windows.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from bot.sandbox.launcher import CONFIG, Options, Sandbox, launch
from bot.sandbox.slack.driver import SlackDriver


@pytest.fixture
def catalog_file(tmp_path: Path) -> Path:
    """The sample catalog with stability windows of a second, for a bot on the real clock."""
    catalog = yaml.safe_load(CONFIG.read_text())
    for environment in catalog["environments"]:
        environment["stability_window"] = "1s"
    for name, service in catalog["services"].items():
        service["manifests"] = str(CONFIG.parent / "k8s" / name)
    path = tmp_path / "dynamo.yml"
    path.write_text(yaml.safe_dump(catalog, sort_keys=False, allow_unicode=True))
    return path


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with launch(Options(speed=10, keep=tmp_path / "keep")) as sandbox:
        yield sandbox


@pytest.fixture
async def slack(sandbox: Sandbox) -> AsyncIterator[SlackDriver]:
    async with SlackDriver(sandbox.url) as slack:
        await slack.watch("ana", "ben", "elena")
        yield slack

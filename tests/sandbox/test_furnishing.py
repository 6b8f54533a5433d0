"""The workspace of another app than Dynamo, as its manifest says."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.sandbox.furnishing import furnish
from bot.sandbox.launcher import CONFIG
from bot.sandbox.slack.manifest import ManifestError
from bot.sandbox.slack.services import HttpMode, Slack
from config.catalog import load_catalog

TEAPOT = """
display_information: {name: Teapot}
features:
  slash_commands:
    - {command: /tea, description: Polls about tea, usage_hint: green, url: "http://127.0.0.1:1/tea"}
    - {command: /form}
    - {command: /cup, url: "http://127.0.0.1:1/cup"}
settings:
  interactivity: {is_enabled: true, request_url: "http://127.0.0.1:1/clicks"}
"""


def workspace_of(path: Path) -> Slack:
    parts = furnish(
        load_catalog(CONFIG), None, simulated=False, speed=1.0, manual=True, manifest=path
    )
    return parts.slack


def test_another_app_is_installed_by_its_manifest(tmp_path: Path) -> None:
    path = tmp_path / "teapot.yml"
    path.write_text(TEAPOT + "  socket_mode_enabled: true\n")
    slack = workspace_of(path)
    assert (slack.manifest.name, slack.workspace.app.name) == ("Teapot", "Teapot")
    assert slack.suggestions == (("/tea green", "Polls about tea"), ("/form", ""), ("/cup", ""))
    assert slack.http_mode is None


def test_without_socket_mode_it_is_told_at_the_addresses_of_its_manifest(tmp_path: Path) -> None:
    path = tmp_path / "teapot.yml"
    path.write_text(TEAPOT)
    clicks = "http://127.0.0.1:1/clicks"
    tea, cup = "http://127.0.0.1:1/tea", "http://127.0.0.1:1/cup"
    own = {"/tea": tea, "/cup": cup}
    assert workspace_of(path).http_mode == HttpMode(tea, clicks, clicks, clicks, own)


def test_a_manifest_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="No such file"):
        workspace_of(tmp_path / "teapot.yml")

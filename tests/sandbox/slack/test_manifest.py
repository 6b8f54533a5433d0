"""manifest.yml: within the limits of Slack's own schema, and read as it is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.sandbox.slack.manifest import ManifestError, read_manifest
from bot.sandbox.slack.server import MANIFEST


@pytest.fixture
def content() -> Any:
    return yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))


def test_the_manifest_is_within_slacks_limits(content: Any) -> None:
    shown = content["display_information"]
    assert len(shown["name"]) <= 35
    assert len(shown["description"]) <= 140
    assert len(content["features"]["bot_user"]["display_name"]) <= 80
    for command in content["features"]["slash_commands"]:
        assert command["command"].startswith("/")
        assert 2 <= len(command["command"]) <= 32
        assert len(command["description"]) <= 2000
        assert len(command["usage_hint"]) <= 1000
    scopes = content["oauth_config"]["scopes"]
    assert not set(scopes["bot"]) & set(scopes["bot_optional"])


def test_the_manifest_is_read_with_scopes_commands_and_events() -> None:
    manifest = read_manifest(MANIFEST)
    command = manifest.command("/dynamo")
    assert command is not None
    assert command.should_escape
    assert {"commands", "chat:write", "groups:history"} <= set(manifest.scopes)
    assert manifest.bot_events == ("app_home_opened", "app_mention")
    assert (manifest.socket_mode, manifest.home_tab, manifest.interactivity) == (True, True, True)


def test_urls_are_read_for_http_mode() -> None:
    url = "https://dynamo.example.com/slack/events"
    manifest = read_manifest(
        {
            "display_information": {"name": "Dynamo"},
            "features": {"slash_commands": [{"command": "/dynamo", "url": url}]},
            "settings": {
                "event_subscriptions": {"request_url": url},
                "interactivity": {"is_enabled": True, "request_url": url},
                "socket_mode_enabled": False,
            },
        }
    )
    assert not manifest.socket_mode
    assert manifest.commands[0].url == manifest.events_url == manifest.interactivity_url == url


def test_what_is_no_manifest_is_refused() -> None:
    with pytest.raises(ValueError, match="display_information"):
        read_manifest({"name": "x"})


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("a: [", "expected the node content"),
        ("x: 1", "a section display_information"),
        ("display_information: {}", "'name'"),
        ("display_information: {name: X}\nfeatures: {slash_commands: [{foo: 1}]}", "'foo'"),
    ],
)
def test_a_file_that_is_no_manifest_is_named_with_what_is_wrong(
    tmp_path: Path, written: str, said: str
) -> None:
    path = tmp_path / "teapot.yml"
    path.write_text(written)
    with pytest.raises(ManifestError) as caught:
        read_manifest(path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_a_section_without_content_is_an_empty_one() -> None:
    read = read_manifest({"display_information": {"name": "X"}, "oauth_config": None})
    assert read.scopes == ()

"""The app's manifest.yml as the workspace obeys it: scopes, commands, events, shortcuts, home
tab.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


class ManifestError(ValueError):
    """It cannot be read, or is no manifest of a Slack app; the sentence names the file."""


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command; `url` is where HTTP mode sends it."""

    command: str
    description: str = ""
    usage_hint: str = ""
    should_escape: bool = False
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Shortcut:
    """`type` is "global" (sent as `shortcut`) or "message" (sent as `message_action`)."""

    name: str
    type: str
    callback_id: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    name: str
    bot_name: str
    scopes: tuple[str, ...]
    commands: tuple[Command, ...] = ()
    shortcuts: tuple[Shortcut, ...] = ()
    bot_events: tuple[str, ...] = ()
    home_tab: bool = False
    messages_tab: bool = False
    messages_tab_read_only: bool = True
    interactivity: bool = False
    socket_mode: bool = True
    events_url: str | None = None
    interactivity_url: str | None = None
    options_url: str | None = None

    def command(self, name: str) -> Command | None:
        return next((each for each in self.commands if each.command == name), None)

    def shortcut(self, callback_id: str) -> Shortcut | None:
        return next((each for each in self.shortcuts if each.callback_id == callback_id), None)


def read_manifest(source: str | Path | Mapping[str, Any]) -> Manifest:
    """Read a manifest from a file, or from its parsed content; optional scopes count as granted.

    Raises ManifestError.
    """
    if isinstance(source, Mapping):
        return _manifest(source)
    try:
        return _manifest(yaml.safe_load(Path(source).read_text(encoding="utf-8")))
    except OSError as error:
        raise ManifestError(f"{source}: {error.strerror}") from None
    except (UnicodeError, yaml.YAMLError, ManifestError) as error:
        raise ManifestError(f"{source}: {error}") from None
    except (TypeError, KeyError, AttributeError) as error:
        raise ManifestError(f"{source} is no manifest of a Slack app: {error}") from None


def _manifest(content: Any) -> Manifest:
    if not isinstance(content, Mapping) or "display_information" not in content:
        raise ManifestError("a Slack manifest has a section display_information")
    features = content.get("features") or {}
    settings = content.get("settings") or {}
    home = features.get("app_home") or {}
    scopes = (content.get("oauth_config") or {}).get("scopes") or {}
    events = settings.get("event_subscriptions") or {}
    interactivity = settings.get("interactivity") or {}
    name = str(content["display_information"]["name"])
    return Manifest(
        name=name,
        bot_name=str(features.get("bot_user", {}).get("display_name", name)),
        scopes=(*scopes.get("bot", ()), *scopes.get("bot_optional", ())),
        commands=tuple(Command(**each) for each in features.get("slash_commands", ())),
        shortcuts=tuple(Shortcut(**each) for each in features.get("shortcuts", ())),
        bot_events=tuple(events.get("bot_events", ())),
        home_tab=bool(home.get("home_tab_enabled", False)),
        messages_tab=bool(home.get("messages_tab_enabled", False)),
        messages_tab_read_only=bool(home.get("messages_tab_read_only_enabled", True)),
        interactivity=bool(interactivity.get("is_enabled", False)),
        socket_mode=bool(settings.get("socket_mode_enabled", False)),
        events_url=events.get("request_url"),
        interactivity_url=interactivity.get("request_url"),
        options_url=interactivity.get("message_menu_options_url"),
    )

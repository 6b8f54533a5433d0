"""What a person entered, before the app hears of it: people, places, days and files that are."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from bot.sandbox.slack import elements
from bot.sandbox.slack.errors import JSON, ClientError
from bot.sandbox.slack.messages import placed_blocks
from bot.sandbox.slack.services import Slack

_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def checked(slack: Slack, user: str, blocks: list[JSON], values: JSON) -> JSON:
    """`state.values` as a client sends it; raises ClientError for what no client can send. Of files
    it names the ids, and the app gets the files.
    """
    if not isinstance(values, dict):
        raise ClientError("bad_field", "'state' is an object.")
    found: JSON = {key: dict(held) for key, held in values.items() if isinstance(held, dict)}
    for _, block in placed_blocks(blocks):
        held = found.get(block.get("block_id", ""), {})
        for element in elements.interactive(block):
            entry = held.get(element["action_id"])
            if isinstance(entry, dict):
                held[element["action_id"]] = checked_entry(slack, user, element, entry)
    return found


def checked_entry(slack: Slack, user: str, element: JSON, entry: JSON) -> JSON:
    """The entry of one element, as `checked`."""
    key = elements.held_key(element["type"])
    if key is None or entry.get(key) is None:
        return entry
    value = entry[key]
    if key == "files":
        return {**entry, key: [_file(slack, user, element, each) for each in _list(value)]}
    if key in ("selected_users", "selected_channels", "selected_conversations"):
        fits = all(_is_there(slack, user, key[:-1], each) for each in _list(value))
    elif key in ("selected_user", "selected_channel", "selected_conversation"):
        fits = _is_there(slack, user, key, value)
    else:
        fits = _fits(key, value)
    if not fits:
        raise ClientError("no_such_option", f"{value!r} cannot be chosen in a {element['type']}.")
    return entry


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ClientError("bad_field", f"{value!r} is no list.")
    return value


def _is_there(slack: Slack, user: str, key: str, value: Any) -> bool:
    """Whether this person can choose this person or place."""
    workspace = slack.workspace
    if key == "selected_user":
        return isinstance(value, str) and value in workspace.users
    channel = workspace.channels.get(value) if isinstance(value, str) else None
    if channel is None or not workspace.can_see(user, channel):
        return False
    return key == "selected_conversation" or channel.kind == "channel"


def _fits(key: str, value: Any) -> bool:
    match key:
        case "value":
            return isinstance(value, str)
        case "selected_date":
            return isinstance(value, str) and bool(_DAY.fullmatch(value)) and _is_day(value)
        case "selected_time":
            return isinstance(value, str) and bool(_TIME.fullmatch(value))
        case "selected_date_time":
            return isinstance(value, int) and len(str(value)) == 10
        case "rich_text_value":
            return isinstance(value, dict) and value.get("type") == "rich_text"
        case _:
            return True


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _file(slack: Slack, user: str, element: JSON, wanted: Any) -> JSON:
    file = slack.files.find(str(wanted.get("id"))) if isinstance(wanted, dict) else None
    if file is None or file.owner != user:
        raise ClientError("file_not_found", "There is no such file of this person.", 404)
    kinds = element.get("filetypes")
    if kinds and file.name.rsplit(".", 1)[-1].casefold() not in kinds:
        raise ClientError("bad_file_type", f"{file.name}: only {', '.join(kinds)} can be added.")
    return slack.files.wire(file)

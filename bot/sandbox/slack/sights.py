"""What a person sees of the workspace, for the driver: messages, views, and things to use on them.

Nothing here talks to the server: it reads the JSON that the client API gives.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Control:
    """Something on a message or view that can be used."""

    block_id: str
    element: JSON

    @property
    def action_id(self) -> str:
        return str(self.element["action_id"])

    @property
    def label(self) -> str:
        """The words on it: a button's text, a menu's placeholder."""
        words = self.element.get("text") or self.element.get("placeholder") or {}
        return str(words.get("text", "")) if isinstance(words, dict) else str(words)

    @property
    def options(self) -> list[JSON]:
        found: list[JSON] = list(self.element.get("options", []))
        for group in self.element.get("option_groups", []):
            found += group["options"]
        return found


@dataclass(frozen=True, slots=True)
class Shown:
    """A message or a view as one person sees it."""

    body: JSON

    @property
    def blocks(self) -> list[JSON]:
        return list(self.body.get("blocks") or [])

    @property
    def words(self) -> str:
        """All text of the blocks, line by line; of a message without blocks, its text."""
        lines = [line for block in self.blocks for line in _lines(block)]
        return "\n".join(lines) if lines else str(self.body.get("text", ""))

    @property
    def controls(self) -> list[Control]:
        return [
            Control(str(block.get("block_id", "")), element)
            for block in self.blocks
            for element in _elements(block)
        ]

    @property
    def buttons(self) -> list[str]:
        return [each.label for each in self.controls if each.element["type"] == "button"]


@dataclass(frozen=True, slots=True)
class Message(Shown):
    @property
    def channel(self) -> str:
        return str(self.body["channel"])

    @property
    def ts(self) -> str:
        return str(self.body["ts"])

    @property
    def text(self) -> str:
        return str(self.body.get("text", ""))

    @property
    def user(self) -> str:
        return str(self.body["user"])

    @property
    def thread_ts(self) -> str | None:
        return self.body.get("thread_ts")

    @property
    def ephemeral(self) -> bool:
        return bool(self.body.get("ephemeral"))

    @property
    def reactions(self) -> dict[str, list[str]]:
        """Per emoji, who put it there."""
        return {each["name"]: each["users"] for each in self.body.get("reactions", [])}

    @property
    def error(self) -> bool:
        return bool(self.body.get("error"))

    @property
    def from_app(self) -> bool:
        return "bot_id" in self.body


@dataclass(frozen=True, slots=True)
class View(Shown):
    @property
    def id(self) -> str:
        return str(self.body["id"])

    @property
    def callback_id(self) -> str:
        return str(self.body.get("callback_id", ""))

    @property
    def title(self) -> str:
        return str((self.body.get("title") or {}).get("text", ""))


def _lines(value: Any) -> Iterator[str]:
    """The words of a block in reading order, a rich text section or table row in one line."""
    if isinstance(value, list):
        for each in value:
            yield from _lines(each)
        return
    if not isinstance(value, dict):
        return
    kind = value.get("type")
    if kind in ("rich_text_section", "rich_text_preformatted", "rich_text_quote"):
        yield "".join(_inline(each) for each in value.get("elements", []))
        return
    if kind == "table":
        for row in value.get("rows", []):
            yield " | ".join(" ".join(_lines(cell)) for cell in row)
        return
    text = value.get("text")
    if isinstance(text, str):
        yield text
    elif isinstance(text, dict):
        yield from _lines(text)
    for key in ("title", "fields", "elements", "accessory", "label", "element", "alt_text", "rows"):
        each = value.get(key)
        if isinstance(each, str):
            yield each
        elif each is not None:
            yield from _lines(each)


def _inline(element: JSON) -> str:
    match element.get("type"):
        case "user":
            return f"<@{element['user_id']}>"
        case "usergroup":
            return f"<!subteam^{element['usergroup_id']}>"
        case "channel":
            return f"<#{element['channel_id']}>"
        case "emoji":
            return f":{element['name']}:"
        case "link":
            return str(element.get("text") or element["url"])
        case "date":
            return str(element.get("fallback", ""))
        case "broadcast":
            return f"@{element['range']}"
        case _:
            return str(element.get("text", ""))


def _elements(value: Any) -> Iterator[JSON]:
    if isinstance(value, list):
        for each in value:
            yield from _elements(each)
    elif isinstance(value, dict):
        if "action_id" in value and "type" in value:
            yield value
            return
        for each in value.values():
            yield from _elements(each)


def control_named(where: Shown, wanted: str | Control) -> Control:
    """By its words, all or some, or its action id; a control itself is the one that is meant."""
    if isinstance(wanted, Control):
        return wanted
    for control in where.controls:
        if wanted in (control.action_id, control.label):
            return control
    for control in where.controls:
        if control.label and wanted.casefold() in control.label.casefold():
            return control
    there = [f"{each.label!r} ({each.action_id})" for each in where.controls]
    raise LookupError(f"{wanted!r} is not there, but: {', '.join(there) or 'nothing to use'}")


def option_of(offered: list[JSON], wanted: str) -> JSON:
    """The option with this text (with or without its marks) or value."""
    for option in offered:
        text = option["text"]["text"]
        if wanted in (option.get("value"), text, text.strip("*_~`")):
            return option
    there = [option["text"]["text"] for option in offered]
    raise LookupError(f"{wanted!r} is not offered, but: {', '.join(there)}")


def input_named(view: View, name: str) -> tuple[str, JSON]:
    for block in view.blocks:
        for element in _elements(block):
            label = (block.get("label") or {}).get("text")
            if name in (element["action_id"], block.get("block_id"), label):
                return str(block["block_id"]), element
    raise LookupError(f"{name!r} is no input of this modal")


_KEYS = {
    "static_select": "selected_option",
    "external_select": "selected_option",
    "radio_buttons": "selected_option",
    "overflow": "selected_option",
    "checkboxes": "selected_options",
    "multi_static_select": "selected_options",
    "multi_external_select": "selected_options",
    "users_select": "selected_user",
    "multi_users_select": "selected_users",
    "channels_select": "selected_channel",
    "multi_channels_select": "selected_channels",
    "conversations_select": "selected_conversation",
    "multi_conversations_select": "selected_conversations",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "rich_text_input": "rich_text_value",
    "file_input": "files",
}


def held_key(kind: str) -> str:
    """Slack's key for what a control of this type holds; of texts and numbers, `value`."""
    return _KEYS.get(kind, "value")


def plain_value(key: str, wanted: Any) -> Any:
    """What was typed, as Slack holds it: a line of rich text as its parts, a number as digits."""
    if key == "rich_text_value" and isinstance(wanted, str):
        line = {"type": "rich_text_section", "elements": [{"type": "text", "text": wanted}]}
        return {"type": "rich_text", "elements": [line]}
    if key == "value" and isinstance(wanted, int | float):
        return str(wanted)
    return wanted

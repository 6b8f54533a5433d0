"""Interactive elements of stored blocks: finding them, what a person did to one, what they hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from bot.sandbox.slack.errors import JSON, ClientError
from bot.sandbox.slack.messages import own_parts, placed_blocks

# Per type: the key in actions and state, the key of its initial value, what an empty one holds.
_STATEFUL: dict[str, tuple[str, str, Any]] = {
    "static_select": ("selected_option", "initial_option", None),
    "external_select": ("selected_option", "initial_option", None),
    "radio_buttons": ("selected_option", "initial_option", None),
    "checkboxes": ("selected_options", "initial_options", []),
    "multi_static_select": ("selected_options", "initial_options", []),
    "multi_external_select": ("selected_options", "initial_options", []),
    "users_select": ("selected_user", "initial_user", None),
    "multi_users_select": ("selected_users", "initial_users", []),
    "conversations_select": ("selected_conversation", "initial_conversation", None),
    "multi_conversations_select": ("selected_conversations", "initial_conversations", []),
    "channels_select": ("selected_channel", "initial_channel", None),
    "multi_channels_select": ("selected_channels", "initial_channels", []),
    "datepicker": ("selected_date", "initial_date", None),
    "timepicker": ("selected_time", "initial_time", None),
    "datetimepicker": ("selected_date_time", "initial_date_time", None),
    "plain_text_input": ("value", "initial_value", None),
    "email_text_input": ("value", "initial_value", None),
    "url_text_input": ("value", "initial_value", None),
    "number_input": ("value", "initial_value", None),
    "rich_text_input": ("rich_text_value", "initial_value", None),
    "file_input": ("files", "", []),
}
_OPTION_KEYS = {"selected_option", "selected_options"}
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_URL = re.compile(r"https?://[^\s/]+\S*")


def interactive(block: JSON) -> Iterator[JSON]:
    """Every element of a block that has an action id; those of blocks inside of it are theirs."""
    yield from _within(own_parts(block))


def _within(value: Any) -> Iterator[JSON]:
    if isinstance(value, list):
        for each in value:
            yield from _within(each)
    elif isinstance(value, dict):
        if "action_id" in value and "type" in value:
            yield value
            return
        for each in value.values():
            yield from _within(each)


def find(blocks: list[JSON], block_id: str, action_id: str) -> JSON:
    """The element that a person looks at; raises `ClientError` when it is not there (any more)."""
    return _found(blocks, block_id, action_id)[1]


def acted_on(blocks: list[JSON], block_id: str, action_id: str) -> JSON:
    """The element that a person used, so that the app hears of it at once: one in an input only
    where the app asked for that.
    """
    block, element = _found(blocks, block_id, action_id)
    if block["type"] == "input" and block.get("dispatch_action") is not True:
        raise ClientError("not_dispatched", "What is entered here is sent with the form.")
    return element


def _found(blocks: list[JSON], block_id: str, action_id: str) -> tuple[JSON, JSON]:
    for _, block in placed_blocks(blocks):
        if block.get("block_id") == block_id:
            for element in interactive(block):
                if element["action_id"] == action_id:
                    return block, element
    raise ClientError("no_such_element", "This control is no longer on the message.", 404)


def action(element: JSON, block_id: str, used: JSON, action_ts: str) -> JSON:
    """The entry of `actions` for what a person did; `used` is what the page sent."""
    kind = element["type"]
    entry: JSON = {
        "type": kind,
        "action_id": element["action_id"],
        "block_id": block_id,
        "action_ts": action_ts,
    }
    if kind in ("button", "icon_button", "workflow_button"):
        keys: tuple[str, ...] = ("text", "value", "style", "confirm", "url")
    elif kind == "feedback_buttons":
        entry |= _feedback(element, used.get("value"))
        keys = ()
    elif kind == "overflow":
        entry["selected_option"] = _chosen(element, used.get("selected_option"))
        keys = ("confirm",)
    else:
        entry |= _held(element, used)
        keys = ("placeholder", "confirm")
    return entry | {key: element[key] for key in keys if key in element}


def state(blocks: list[JSON], held: JSON) -> JSON:
    """`state.values` of a message or view: what was chosen, else the initial values."""
    values: JSON = {}
    for _, block in placed_blocks(blocks):
        for element in interactive(block):
            known = _STATEFUL.get(element["type"])
            if known is None:
                continue
            key, initial, empty = known
            entry = {"type": element["type"], key: element.get(initial, empty)}
            current = held.get(block["block_id"], {}).get(element["action_id"])
            if isinstance(current, dict) and key in current:
                entry[key] = current[key]
            values.setdefault(block["block_id"], {})[element["action_id"]] = entry
    return values


def held_key(kind: str) -> str | None:
    """Slack's key for what an element of this type holds; None for one that holds nothing."""
    return _STATEFUL[kind][0] if kind in _STATEFUL else None


def _beginning(blocks: list[JSON], channel: str) -> Iterator[tuple[JSON, JSON, str, Any]]:
    """Menus that begin with the conversation somebody looks at: block, element, key of the initial
    value, and the value. A conversation that the app names itself comes before it.
    """
    for _, block in placed_blocks(blocks):
        for element in interactive(block):
            key, initial, _ = _STATEFUL.get(element["type"], ("", "", None))
            if element.get("default_to_current_conversation") and initial not in element:
                yield block, element, initial, [channel] if key.endswith("s") else channel


def conversation_of(blocks: list[JSON], channel: str) -> JSON:
    """What such menus hold before anybody used them."""
    values: JSON = {}
    for block, element, _, held in _beginning(blocks, channel):
        entry = {"type": element["type"], _STATEFUL[element["type"]][0]: held}
        values.setdefault(block["block_id"], {})[element["action_id"]] = entry
    return values


def begin_with(blocks: list[JSON], channel: str) -> None:
    """Write the conversation into blocks for a page, as it knows initial values alone."""
    for _, element, initial, held in tuple(_beginning(blocks, channel)):
        element[initial] = held


def chosen_state(element: JSON, used: JSON) -> JSON | None:
    """What an element holds from now on; None for one that holds nothing (a button)."""
    if element["type"] not in _STATEFUL:
        return None
    return {"type": element["type"], **_held(element, used)}


def complaints(blocks: list[JSON], values: JSON) -> dict[str, str]:
    """Per block id what a client holds against an input: it sends no submission then."""
    found = {}
    for block in blocks:
        if block.get("type") != "input":
            continue
        for element in interactive(block):
            entry = values.get(block["block_id"], {}).get(element["action_id"], {})
            wrong = _complaint(element, _value_of(entry), optional=bool(block.get("optional")))
            if wrong is not None:
                found[block["block_id"]] = wrong
    return found


def _value_of(entry: JSON) -> Any:
    known = _STATEFUL.get(str(entry.get("type")))
    return entry.get(known[0]) if known is not None else None


def _complaint(element: JSON, value: Any, *, optional: bool) -> str | None:
    if value in (None, "", []):
        return None if optional else "Please complete this required field."
    kind, text = element["type"], str(value)
    if kind == "plain_text_input":
        least, most = element.get("min_length", 0), element.get("max_length", len(text))
        if len(text) < least:
            return f"This entry needs to be at least {least} characters."
        return f"This entry can be at most {most} characters." if len(text) > most else None
    if kind == "number_input":
        return _number_complaint(element, text)
    if kind == "email_text_input" and _EMAIL.fullmatch(text) is None:
        return "This needs to be a valid email address."
    if kind == "url_text_input" and _URL.fullmatch(text) is None:
        return "This needs to be a valid URL."
    most = element.get("max_selected_items", element.get("max_files"))
    if isinstance(value, list) and isinstance(most, int) and len(value) > most:
        return f"Choose {most} at most."
    return None


def _number_complaint(element: JSON, text: str) -> str | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return "This needs to be a number."
    if not number.is_finite():
        return "This needs to be a number."
    if not element.get("is_decimal_allowed") and number != number.to_integral_value():
        return "This needs to be a whole number."
    least, most = element.get("min_value"), element.get("max_value")
    if least is not None and number < Decimal(least):
        return f"This needs to be at least {least}."
    return f"This can be at most {most}." if most is not None and number > Decimal(most) else None


def _held(element: JSON, used: JSON) -> JSON:
    known = _STATEFUL.get(element["type"])
    if known is None:
        raise ClientError("not_interactive", f"A {element['type']} cannot be used.")
    key, _, empty = known
    value = used.get(key, empty)
    if key in _OPTION_KEYS and not element["type"].endswith("external_select"):
        if isinstance(value, list):
            value = [_chosen(element, each) for each in value]
        elif value is not None:
            value = _chosen(element, value)
    return {key: value}


def _feedback(element: JSON, value: Any) -> JSON:
    """The one of both buttons that was pressed, known by its value."""
    for name in ("positive_button", "negative_button"):
        if element[name]["value"] == value:
            return {"text": element[name]["text"], "value": value}
    raise ClientError("no_such_option", "This choice is not offered.", 404)


def _chosen(element: JSON, wanted: Any) -> JSON:
    """The element's own option for a value that the page sent (an option or its value)."""
    value = wanted.get("value") if isinstance(wanted, dict) else wanted
    options: list[JSON] = list(element.get("options", []))
    for group in element.get("option_groups", []):
        options += group.get("options", [])
    for option in options:
        if option.get("value") == value:
            return option
    raise ClientError("no_such_option", "This choice is not offered.", 404)

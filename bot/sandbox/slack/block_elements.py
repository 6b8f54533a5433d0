"""Schemas of what stands inside of blocks: texts, options, buttons, menus, inputs, images."""

from __future__ import annotations

import ipaddress
import re
from typing import Any
from urllib.parse import urlsplit

from bot.sandbox.slack import limits
from bot.sandbox.slack.block_rich_text import BLOCK_ID, RICH_TEXT
from bot.sandbox.slack.schema import (
    Check,
    array,
    boolean,
    breach,
    by_type,
    matching,
    number,
    one_of,
    record,
    string,
    together,
)

ACTION_ID = string(limits.ACTION_ID)
_FILE_ID = re.compile(r"^F[A-Z0-9]{8,}$")


# -- texts -----------------------------------------------------------------------------------------
def plain(most: int) -> Check:
    """A plain_text object; another kind of text matches no schema there."""
    inner = record({"text": string(most)}, {"emoji": boolean}, typed=True)

    def check(value: Any, pointer: str, found: list[str]) -> None:
        if isinstance(value, dict) and value.get("type") not in (None, "plain_text"):
            found.append(breach("failed to match all allowed schemas", pointer))
            return
        by_type({"plain_text": inner})(value, pointer, found)

    return check


def text(most: int) -> Check:
    """A plain_text or mrkdwn object."""
    return by_type(
        {
            "plain_text": record({"text": string(most)}, {"emoji": boolean}, typed=True),
            "mrkdwn": record({"text": string(most)}, {"verbatim": boolean}, typed=True),
        }
    )


# -- composition -----------------------------------------------------------------------------------
CONFIRM = record(
    {
        "title": plain(limits.CONFIRM_TITLE),
        "text": text(limits.CONFIRM_TEXT),
        "confirm": plain(limits.CONFIRM_BUTTON),
        "deny": plain(limits.CONFIRM_BUTTON),
    },
    {"style": one_of("primary", "danger")},
)
STYLE = one_of("primary", "danger")
PLACEHOLDER = plain(limits.PLACEHOLDER)


def _option(label: Check, description: Check, *, url: bool = False) -> Check:
    optional: dict[str, Check] = {"description": description}
    if url:
        optional["url"] = string(limits.URL)
    return record({"text": label, "value": string(limits.OPTION_VALUE)}, optional)


_MENU_OPTION = _option(plain(limits.OPTION_TEXT), plain(limits.OPTION_DESCRIPTION))
_CHOICE_OPTION = _option(text(limits.OPTION_TEXT), text(limits.OPTION_DESCRIPTION))
_OVERFLOW_OPTION = _option(plain(limits.OPTION_TEXT), plain(limits.OPTION_DESCRIPTION), url=True)
OPTIONS = array(_MENU_OPTION, 1, limits.SELECT_OPTIONS)
OPTION_GROUPS = array(
    record({"label": plain(limits.GROUP_LABEL), "options": OPTIONS}), 1, limits.SELECT_GROUPS
)


def list_at(value: Any, name: str) -> list[Any]:
    """A copy of the list in a property; empty where there is none, whatever is there instead."""
    found = value.get(name) if isinstance(value, dict) else None
    return list(found) if isinstance(found, list) else []


def _options_or_groups(value: Any, pointer: str, found: list[str]) -> None:
    if isinstance(value, dict) and ("options" in value) == ("option_groups" in value):
        found.append(breach("must define either `options` or `option_groups`", pointer))


def _initial_is_offered(value: Any, pointer: str, found: list[str]) -> None:
    """An initial option must be one of those offered, word for word."""
    if not isinstance(value, dict):
        return
    offered = list_at(value, "options")
    for group in list_at(value, "option_groups"):
        offered += list_at(group, "options")
    wanted = list_at(value, "initial_options")
    if "initial_option" in value:
        wanted.append(value["initial_option"])
    name = "initial_option" if "initial_option" in value else "initial_options"
    if any(each not in offered for each in wanted):
        found.append(breach("must match one of the provided options", f"{pointer}/{name}"))


# -- blocks and elements ---------------------------------------------------------------------------
def block(
    required: dict[str, Check], optional: dict[str, Check] | None = None, *more: Check
) -> Check:
    """A block: every one may have an id."""
    return together(record(required, {"block_id": BLOCK_ID, **(optional or {})}, typed=True), *more)


def _element(required: dict[str, Check], optional: dict[str, Check], *more: Check) -> Check:
    common = {"action_id": ACTION_ID, "confirm": CONFIRM, "focus_on_load": boolean}
    return together(record(required, common | optional, typed=True), *more)


_SOME_PEOPLE = array(string(limits.ACTION_ID), 1, limits.PEOPLE)
_BUTTON: dict[str, Check] = {
    "action_id": ACTION_ID,
    "value": string(limits.BUTTON_VALUE),
    "confirm": CONFIRM,
    "accessibility_label": string(limits.ACCESSIBILITY_LABEL),
    "visible_to_user_ids": _SOME_PEOPLE,
}
BUTTON = record(
    {"text": plain(limits.BUTTON_TEXT)},
    {
        **_BUTTON,
        "url": string(limits.URL),
        "style": STYLE,
        "agent_prompt": string(limits.AGENT_PROMPT),
        "agent_prompt_display": string(limits.BUTTON_TEXT),
    },
    typed=True,
)
ICON_BUTTON = record(
    {"text": plain(limits.BUTTON_TEXT), "icon": one_of("trash")}, _BUTTON, typed=True
)
_WORKFLOW_TRIGGER = record(
    {"url": string(limits.URL)},
    {
        "customizable_input_parameters": array(
            record({"name": string(limits.TEXT), "value": string(limits.TEXT)}),
            1,
            limits.WORKFLOW_INPUTS,
        )
    },
)
WORKFLOW_BUTTON = record(
    {"text": plain(limits.BUTTON_TEXT), "workflow": record({"trigger": _WORKFLOW_TRIGGER})},
    {
        "action_id": ACTION_ID,
        "style": STYLE,
        "accessibility_label": string(limits.ACCESSIBILITY_LABEL),
    },
    typed=True,
)
_FEEDBACK = record(
    {"text": plain(limits.BUTTON_TEXT), "value": string(limits.BUTTON_VALUE)},
    {"accessibility_label": string(limits.ACCESSIBILITY_LABEL)},
)
FEEDBACK_BUTTONS = record(
    {"positive_button": _FEEDBACK, "negative_button": _FEEDBACK},
    {"action_id": ACTION_ID},
    typed=True,
)
_choices = array(_CHOICE_OPTION, 1, limits.CHOICE_OPTIONS)
CHECKBOXES = _element({"options": _choices}, {"initial_options": _choices}, _initial_is_offered)
RADIO_BUTTONS = _element(
    {"options": _choices}, {"initial_option": _CHOICE_OPTION}, _initial_is_offered
)
OVERFLOW = record(
    {"options": array(_OVERFLOW_OPTION, 1, limits.OVERFLOW_OPTIONS)},
    {"action_id": ACTION_ID, "confirm": CONFIRM},
    typed=True,
)
_id = string(limits.ACTION_ID)
_ids = array(_id, 1, limits.SELECT_OPTIONS)
_multi: dict[str, Check] = {"max_selected_items": number(1), "placeholder": PLACEHOLDER}
_filter = record(
    {},
    {
        "include": array(one_of("im", "mpim", "private", "public"), 1, 4),
        "exclude_external_shared_channels": boolean,
        "exclude_bot_users": boolean,
    },
)
_static: dict[str, Check] = {"options": OPTIONS, "option_groups": OPTION_GROUPS}
_dispatch = record(
    {}, {"trigger_actions_on": array(one_of("on_enter_pressed", "on_character_entered"), 1, 2)}
)
_line: dict[str, Check] = {"placeholder": PLACEHOLDER, "dispatch_action_config": _dispatch}
_place: dict[str, Check] = {"placeholder": PLACEHOLDER}
_conversation: dict[str, Check] = {
    "default_to_current_conversation": boolean,
    "filter": _filter,
}

SELECTS: dict[str, Check] = {
    "static_select": _element(
        {},
        {**_static, "initial_option": _MENU_OPTION, **_place},
        _options_or_groups,
        _initial_is_offered,
    ),
    "external_select": _element(
        {}, {"initial_option": _MENU_OPTION, "min_query_length": number(0), **_place}
    ),
    "users_select": _element({}, {"initial_user": _id, **_place}),
    "conversations_select": _element(
        {},
        {"initial_conversation": _id, "response_url_enabled": boolean, **_conversation, **_place},
    ),
    "channels_select": _element(
        {}, {"initial_channel": _id, "response_url_enabled": boolean, **_place}
    ),
    "multi_static_select": _element(
        {},
        {**_static, "initial_options": OPTIONS, **_multi},
        _options_or_groups,
        _initial_is_offered,
    ),
    "multi_external_select": _element(
        {}, {"initial_options": OPTIONS, "min_query_length": number(0), **_multi}
    ),
    "multi_users_select": _element({}, {"initial_users": _ids, **_multi}),
    "multi_conversations_select": _element(
        {}, {"initial_conversations": _ids, **_conversation, **_multi}
    ),
    "multi_channels_select": _element({}, {"initial_channels": _ids, **_multi}),
}
_date = matching(
    r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", "must be a date in the format YYYY-MM-DD"
)
_time = matching(r"([01]\d|2[0-3]):[0-5]\d", "must be a time in the format HH:mm")
PICKERS: dict[str, Check] = {
    "datepicker": _element({}, {"initial_date": _date, **_place}),
    "timepicker": _element({}, {"initial_time": _time, "timezone": string(limits.WORD), **_place}),
    "datetimepicker": _element({}, {"initial_date_time": number(0, limits.LATEST_SECOND)}),
}


_digits = matching(r"-?\d{1,100}(\.\d{1,100})?", "must be a number, written as a string")


def _lengths_agree(value: Any, pointer: str, found: list[str]) -> None:
    least, most = (
        value.get(name) if isinstance(value, dict) else None
        for name in ("min_length", "max_length")
    )
    if isinstance(least, int) and isinstance(most, int) and least > most:
        found.append(breach("must not be more than `max_length`", f"{pointer}/min_length"))


INPUTS: dict[str, Check] = {
    "plain_text_input": _element(
        {},
        {
            "initial_value": string(limits.PLAIN_TEXT_INPUT),
            "multiline": boolean,
            "min_length": number(0, limits.PLAIN_TEXT_INPUT),
            "max_length": number(1, limits.PLAIN_TEXT_INPUT),
            **_line,
        },
        _lengths_agree,
    ),
    "rich_text_input": _element(
        {},
        {"initial_value": RICH_TEXT, "min_lines": number(1), "max_lines": number(1), **_line},
    ),
    "email_text_input": _element({}, {"initial_value": string(limits.TEXT), **_line}),
    "url_text_input": _element({}, {"initial_value": string(limits.URL), **_line}),
    "number_input": _element(
        {"is_decimal_allowed": boolean},
        {
            "initial_value": _digits,
            "min_value": _digits,
            "max_value": _digits,
            **_line,
        },
    ),
    "file_input": _element(
        {},
        {
            "filetypes": array(string(limits.WORD), 1, limits.FILE_TYPES),
            "max_files": number(1, limits.FILE_INPUT_FILES),
        },
    ),
}

_BUTTONS = ("button", "icon_button", "feedback_buttons", "workflow_button")
_CHOICES = ("checkboxes", "radio_buttons", "overflow")
INTERACTIVE = frozenset((*_BUTTONS, *_CHOICES, *SELECTS, *PICKERS, *INPUTS))
"""Elements that a person can use: each has an action id, Slack's where the app gave none."""

# -- images ----------------------------------------------------------------------------------------
SLACK_FILE = record({}, {"id": string(limits.ACTION_ID), "url": string(limits.URL)})


def _is_public(url: str) -> bool:
    """Whether Slack could get at it: its servers fetch images, not the reader's browser."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith((".local", ".localhost", ".internal"))


def image_source(value: Any, pointer: str, found: list[str]) -> None:
    """Exactly one source; a URL is public https, a file id has Slack's form."""
    if not isinstance(value, dict):
        return
    if ("image_url" in value) == ("slack_file" in value):
        found.append(breach("must define either `image_url` or `slack_file`", pointer))
        return
    url = value.get("image_url")
    if isinstance(url, str) and not url.startswith("https://"):
        found.append(breach("must be a valid https url", f"{pointer}/image_url"))
    elif isinstance(url, str) and not _is_public(url):
        found.append(breach("downloading image failed", f"{pointer}/image_url"))
    reference = value.get("slack_file")
    if isinstance(reference, dict):
        if ("id" in reference) == ("url" in reference):
            found.append(breach("must define either `id` or `url`", f"{pointer}/slack_file"))
        elif "id" in reference and not _FILE_ID.match(str(reference["id"])):
            found.append(breach("invalid slack file", f"{pointer}/slack_file"))


IMAGE_ELEMENT = together(
    record(
        {"alt_text": string(limits.ALT_TEXT)},
        {"image_url": string(limits.URL), "slack_file": SLACK_FILE},
        typed=True,
    ),
    image_source,
)

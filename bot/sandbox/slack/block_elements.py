"""Schemas of what stands inside of blocks: texts, options, buttons, menus, inputs, rich text."""

from __future__ import annotations

import re
from typing import Any

from bot.sandbox.slack import limits
from bot.sandbox.slack.schema import (
    Check,
    anything,
    array,
    boolean,
    breach,
    by_type,
    number,
    one_of,
    record,
    string,
    together,
)

ACTION_ID = string(limits.ACTION_ID)
BLOCK_ID = string(limits.BLOCK_ID)
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


# -- elements --------------------------------------------------------------------------------------
def _element(required: dict[str, Check], optional: dict[str, Check], *more: Check) -> Check:
    common = {"action_id": ACTION_ID, "confirm": CONFIRM, "focus_on_load": boolean}
    return together(record(required, common | optional, typed=True), *more)


BUTTON = record(
    {"text": plain(limits.BUTTON_TEXT)},
    {
        "action_id": ACTION_ID,
        "url": string(limits.URL),
        "value": string(limits.BUTTON_VALUE),
        "style": STYLE,
        "confirm": CONFIRM,
        "accessibility_label": string(limits.ACCESSIBILITY_LABEL),
        "visible_to_user_ids": array(string(limits.ACTION_ID), 1, 100),
    },
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
PICKERS: dict[str, Check] = {
    "datepicker": _element({}, {"initial_date": string(10), **_place}),
    "timepicker": _element({}, {"initial_time": string(5), "timezone": string(100), **_place}),
    "datetimepicker": _element({}, {"initial_date_time": number(0)}),
}
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
    ),
    "rich_text_input": _element({}, {"initial_value": anything, **_line}),
    "email_text_input": _element({}, {"initial_value": string(limits.TEXT), **_line}),
    "url_text_input": _element({}, {"initial_value": string(limits.URL), **_line}),
    "number_input": _element(
        {"is_decimal_allowed": boolean},
        {
            "initial_value": string(100),
            "min_value": string(100),
            "max_value": string(100),
            **_line,
        },
    ),
    "file_input": _element(
        {},
        {
            "filetypes": array(string(100), 1, 100),
            "max_files": number(1, limits.FILE_INPUT_FILES),
        },
    ),
}

# -- images ----------------------------------------------------------------------------------------
SLACK_FILE = record({}, {"id": string(limits.ACTION_ID), "url": string(limits.URL)})


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

# -- rich text -------------------------------------------------------------------------------------
_text_style = record(
    {},
    dict.fromkeys(
        (
            "bold",
            "italic",
            "strike",
            "code",
            "underline",
            "highlight",
            "client_highlight",
            "unlink",
        ),
        boolean,
    ),
)
_styled: dict[str, Check] = {"style": _text_style}
_RICH: dict[str, Check] = {
    "text": record({"text": string(limits.MARKDOWN_TEXT)}, _styled, typed=True),
    "link": record(
        {"url": string(limits.URL)},
        {"text": string(limits.TEXT), "unsafe": boolean, **_styled},
        typed=True,
    ),
    "emoji": record(
        {"name": string(100)},
        {"unicode": string(100), "skin_tone": number(2, 6), **_styled},
        typed=True,
    ),
    "user": record({"user_id": _id}, _styled, typed=True),
    "usergroup": record({"usergroup_id": _id}, _styled, typed=True),
    "channel": record({"channel_id": _id}, _styled, typed=True),
    "team": record({"team_id": _id}, _styled, typed=True),
    "broadcast": record({"range": one_of("here", "channel", "everyone")}, _styled, typed=True),
    "date": record(
        {"timestamp": number(0), "format": string(limits.TEXT)},
        {"url": string(limits.URL), "fallback": string(limits.TEXT), **_styled},
        typed=True,
    ),
    "color": record({"value": string(20)}, _styled, typed=True),
}
_MANY = 10_000
_section = record({"elements": array(by_type(_RICH), 0, _MANY)}, typed=True)
_border: dict[str, Check] = {"border": number(0, 1)}
RICH_TEXT_ELEMENTS = array(
    by_type(
        {
            "rich_text_section": _section,
            "rich_text_list": record(
                {
                    "style": one_of("bullet", "ordered"),
                    "elements": array(by_type({"rich_text_section": _section}), 1, _MANY),
                },
                {"indent": number(0, limits.LIST_INDENT), "offset": number(0), **_border},
                typed=True,
            ),
            "rich_text_preformatted": record(
                {
                    "elements": array(
                        by_type({"text": _RICH["text"], "link": _RICH["link"]}), 0, _MANY
                    )
                },
                {"language": string(100), **_border},
                typed=True,
            ),
            "rich_text_quote": record(
                {"elements": array(by_type(_RICH), 0, _MANY)}, _border, typed=True
            ),
        }
    ),
    0,
    _MANY,
)

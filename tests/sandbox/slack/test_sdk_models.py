"""Every block and element that Slack's SDK knows passes the validator, with every attribute."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import signature
from typing import Any

import pytest
from slack_sdk.models.blocks import Block, BlockElement, block_elements, blocks
from slack_sdk.models.views import View

from bot.sandbox.slack.blocks import check_message_blocks, check_view
from bot.sandbox.slack.errors import SchemaError

ID = {"block_id": "b"}
PLAIN = {"type": "plain_text", "text": "x", "emoji": True}
MRKDWN = {"type": "mrkdwn", "text": "x", "verbatim": True}
CONFIRM = {"title": PLAIN, "text": MRKDWN, "confirm": PLAIN, "deny": PLAIN, "style": "danger"}
OPTION = {"text": PLAIN, "value": "v", "description": PLAIN}
GROUP = {"label": PLAIN, "options": [OPTION]}
STYLE = {"bold": True, "italic": True, "strike": True, "code": True, "underline": True}
IMAGE = {"type": "image", "alt_text": "x", "image_url": "https://example.com/x.png"}
STORED = {"type": "image", "alt_text": "x", "slack_file": {"id": "F0000000001"}}
PARTS = [
    {"type": "text", "text": "x", "style": STYLE},
    {"type": "channel", "channel_id": "C1", "style": STYLE},
    {"type": "user", "user_id": "U1", "style": STYLE},
    {"type": "emoji", "name": "tada", "skin_tone": 2, "unicode": "1f389", "style": STYLE},
    {"type": "link", "url": "https://example.com", "text": "x", "style": STYLE},
    {"type": "team", "team_id": "T1", "style": STYLE},
    {"type": "usergroup", "usergroup_id": "S1", "style": STYLE},
    {
        "type": "date",
        "timestamp": 1,
        "format": "{date}",
        "url": "https://example.com",
        "fallback": "x",
        "style": STYLE,
    },
    {"type": "broadcast", "range": "here", "style": STYLE},
    {"type": "color", "value": "#ffffff", "style": STYLE},
]
SECTION = {"type": "rich_text_section", "elements": PARTS}
RICH = {
    "type": "rich_text",
    "elements": [
        SECTION,
        {
            "type": "rich_text_list",
            "style": "ordered",
            "indent": 1,
            "offset": 1,
            "border": 1,
            "elements": [SECTION],
        },
        {"type": "rich_text_preformatted", "elements": [PARTS[0]], "border": 0},
        {"type": "rich_text_quote", "elements": PARTS},
    ],
}
CLICK = {"action_id": "a", "confirm": CONFIRM}
FIELD = {**CLICK, "placeholder": PLAIN, "focus_on_load": True}
LINE = {
    "action_id": "a",
    "placeholder": PLAIN,
    "focus_on_load": True,
    "dispatch_action_config": {"trigger_actions_on": ["on_enter_pressed"]},
}
PLACES = {"filter": {"include": ["public"], "exclude_bot_users": True}}
PERSONAL = {"accessibility_label": "x", "visible_to_user_ids": ["U1"]}
BUTTON = {
    "type": "button",
    **CLICK,
    **PERSONAL,
    "text": PLAIN,
    "url": "https://example.com",
    "value": "v",
    "style": "primary",
    "agent_prompt": "x",
    "agent_prompt_display": "x",
}
OVERFLOW = {"type": "overflow", **CLICK, "options": [{**OPTION, "url": "https://example.com"}]}
CHOICES = {"options": [OPTION]}
CLICKABLE: list[dict[str, Any]] = [
    BUTTON,
    {
        "type": "workflow_button",
        "action_id": "a",
        "text": PLAIN,
        "style": "danger",
        "accessibility_label": "x",
        "workflow": {
            "trigger": {
                "url": "https://example.com",
                "customizable_input_parameters": [{"name": "x", "value": "y"}],
            }
        },
    },
    OVERFLOW,
    {"type": "checkboxes", **CLICK, **CHOICES, "initial_options": [OPTION], "focus_on_load": True},
    {
        "type": "radio_buttons",
        **CLICK,
        **CHOICES,
        "initial_option": OPTION,
        "focus_on_load": True,
    },
    {"type": "static_select", **FIELD, **CHOICES, "initial_option": OPTION},
    {"type": "static_select", **FIELD, "option_groups": [GROUP], "initial_option": OPTION},
    {
        "type": "multi_static_select",
        **FIELD,
        **CHOICES,
        "initial_options": [OPTION],
        "max_selected_items": 1,
    },
    {"type": "multi_static_select", **FIELD, "option_groups": [GROUP]},
    {"type": "external_select", **FIELD, "initial_option": OPTION, "min_query_length": 1},
    {
        "type": "multi_external_select",
        **FIELD,
        "initial_options": [OPTION],
        "min_query_length": 1,
        "max_selected_items": 1,
    },
    {"type": "users_select", **FIELD, "initial_user": "U1"},
    {"type": "multi_users_select", **FIELD, "initial_users": ["U1"], "max_selected_items": 1},
    {
        "type": "conversations_select",
        **FIELD,
        **PLACES,
        "initial_conversation": "C1",
        "default_to_current_conversation": True,
        "response_url_enabled": True,
    },
    {
        "type": "multi_conversations_select",
        **FIELD,
        **PLACES,
        "initial_conversations": ["C1"],
        "default_to_current_conversation": True,
        "max_selected_items": 1,
    },
    {"type": "channels_select", **FIELD, "initial_channel": "C1", "response_url_enabled": True},
    {"type": "multi_channels_select", **FIELD, "initial_channels": ["C1"], "max_selected_items": 1},
    {"type": "datepicker", **FIELD, "initial_date": "2026-11-24"},
    {"type": "timepicker", **FIELD, "initial_time": "23:59", "timezone": "Europe/Madrid"},
    {"type": "datetimepicker", **CLICK, "focus_on_load": True, "initial_date_time": 1628633820},
]
INPUTS: list[dict[str, Any]] = [
    {
        "type": "plain_text_input",
        **LINE,
        "initial_value": "x",
        "multiline": True,
        "min_length": 1,
        "max_length": 9,
    },
    {"type": "rich_text_input", **LINE, "initial_value": RICH, "min_lines": 2, "max_lines": 9},
    {"type": "email_text_input", **LINE, "initial_value": "a@example.com"},
    {"type": "url_text_input", **LINE, "initial_value": "https://example.com"},
    {
        "type": "number_input",
        **LINE,
        "is_decimal_allowed": True,
        "initial_value": "-1.5",
        "min_value": "-2",
        "max_value": "3",
    },
    {"type": "file_input", "action_id": "a", "filetypes": ["txt"], "max_files": 2},
]
FEEDBACK = {"text": PLAIN, "value": "v", "accessibility_label": "x"}
SOURCE = {"type": "url", "url": "https://example.com", "text": "x"}
TASK = {
    "type": "task_card",
    **ID,
    "task_id": "1",
    "title": "x",
    "status": "complete",
    "details": {"type": "rich_text", "elements": [SECTION]},
    "output": {"type": "rich_text", "elements": [SECTION]},
    "sources": [SOURCE],
}
CARD = {
    "type": "card",
    **ID,
    "title": MRKDWN,
    "subtitle": MRKDWN,
    "body": MRKDWN,
    "icon": IMAGE,
    "hero_image": STORED,
    "actions": [BUTTON],
}
BLOCKS: list[dict[str, Any]] = [
    {"type": "section", **ID, "text": MRKDWN, "fields": [PLAIN], "expand": True},
    *({"type": "section", **ID, "text": MRKDWN, "accessory": each} for each in CLICKABLE),
    {"type": "section", **ID, "text": MRKDWN, "accessory": IMAGE},
    *({"type": "actions", **ID, "elements": [each]} for each in CLICKABLE),
    {"type": "divider", **ID},
    {**IMAGE, **ID, "title": PLAIN},
    {**STORED, **ID},
    {"type": "context", **ID, "elements": [PLAIN, MRKDWN, IMAGE, STORED]},
    {
        "type": "context_actions",
        **ID,
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": "f",
                "positive_button": FEEDBACK,
                "negative_button": FEEDBACK,
            },
            {
                "type": "icon_button",
                **CLICK,
                **PERSONAL,
                "icon": "trash",
                "text": PLAIN,
                "value": "v",
            },
        ],
    },
    *(
        {
            "type": "input",
            **ID,
            "label": PLAIN,
            "hint": PLAIN,
            "optional": True,
            "dispatch_action": True,
            "element": each,
        }
        for each in (*INPUTS, *CLICKABLE[3:])
    ),
    {"type": "file", **ID, "external_id": "x", "source": "remote"},
    {"type": "header", **ID, "text": PLAIN},
    {"type": "markdown", **ID, "text": "# x"},
    {
        "type": "video",
        **ID,
        "alt_text": "x",
        "title": PLAIN,
        "video_url": "https://example.com/v",
        "thumbnail_url": "https://example.com/t.png",
        "title_url": "https://example.com",
        "author_name": "x",
        "description": PLAIN,
        "provider_name": "x",
        "provider_icon_url": "https://example.com/i.png",
    },
    {**RICH, **ID},
    {
        "type": "table",
        **ID,
        "rows": [
            [
                {"type": "raw_text", "text": "x"},
                {"type": "rich_text", "elements": [SECTION]},
                {"type": "raw_number", "value": 1.5, "text": "1.5"},
            ]
        ],
        "column_settings": [{"align": "right", "is_wrapped": True}, None],
    },
    TASK,
    {"type": "plan", **ID, "title": "x", "tasks": [{**TASK, "block_id": "t"}]},
    CARD,
    {"type": "carousel", **ID, "elements": [{**CARD, "block_id": "c"}]},
    {
        "type": "container",
        **ID,
        "title": PLAIN,
        "subtitle": MRKDWN,
        "rich_text_title": {"type": "rich_text", "elements": [SECTION]},
        "width": "wide",
        "icon": IMAGE,
        "is_collapsible": True,
        "default_collapsed": True,
        "child_blocks": [{"type": "divider"}, {"type": "header", "text": PLAIN}],
    },
    {
        "type": "container",
        "title": PLAIN,
        "has_header_divider": True,
        "child_blocks": [{"type": "divider"}],
    },
    {
        "type": "auth_provider",
        **ID,
        "value": "x",
        "name": PLAIN,
        "is_connected": True,
        "description": PLAIN,
        "icon_url": "https://example.com/i.png",
        "auth_url": "https://example.com/a",
        "disconnect_url": "https://example.com/d",
        "connected_identity": PLAIN,
        "connected_context": PLAIN,
        "accessory": OVERFLOW,
        "fallback": [{"type": "divider"}],
    },
]
IN_MODALS: list[dict[str, Any]] = [{"type": "alert", **ID, "text": MRKDWN, "level": "warning"}]

# Slack alone makes these: an app that posts one is refused.
_SLACKS_OWN = {"call"}


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for each in value:
            yield from nodes(each)
    elif isinstance(value, dict):
        yield value
        for each in value.values():
            yield from nodes(each)


def known_attributes() -> dict[str, set[str]]:
    """Of every type of block, element and part of rich text in the SDK."""
    found: dict[str, set[str]] = {}
    parts = vars(block_elements.RichTextElementParts).values()
    for kind in (*vars(blocks).values(), *vars(block_elements).values(), *parts):
        if not isinstance(kind, type) or not issubclass(kind, Block | BlockElement):
            continue
        name = vars(kind).get("type")
        if isinstance(name, str) and name not in _SLACKS_OWN:
            bare: Any = object.__new__(kind)
            taken = signature(kind.__init__).parameters  # some attributes are a base class's alone
            found.setdefault(name, set()).update(bare.attributes & set(taken))
    return found


def typed(block: dict[str, Any]) -> str:
    inner = block.get("accessory") or block.get("element") or (block.get("elements") or [{}])[0]
    return f"{block['type']}-{inner.get('type', '')}"


@pytest.mark.parametrize("block", BLOCKS, ids=typed)
def test_what_the_sdk_writes_is_taken(block: dict[str, Any]) -> None:
    parsed = Block.parse(block)
    assert parsed is not None
    check_message_blocks([parsed.to_dict()], lambda _: True)
    check_message_blocks([block], lambda _: True)


def test_no_type_and_no_attribute_of_the_sdk_is_left_out() -> None:
    shown: dict[str, set[str]] = {}
    for node in nodes([*BLOCKS, *IN_MODALS]):
        shown.setdefault(str(node.get("type")), set()).update(node)
    missing = {
        name: attributes - shown.get(name, set()) for name, attributes in known_attributes().items()
    }
    assert {name: left for name, left in missing.items() if left} == {}


def test_a_modal_of_the_sdk_takes_an_alert_and_a_message_does_not() -> None:
    view = View(
        type="modal",
        title=PLAIN,
        blocks=IN_MODALS,
        submit=PLAIN,
        close=PLAIN,
        callback_id="c",
        private_metadata="m",
        clear_on_close=True,
        notify_on_close=True,
        external_id="e",
    )
    check_view(view.to_dict(), lambda _: True, surface="modal")
    with pytest.raises(SchemaError):
        check_message_blocks(IN_MODALS, lambda _: True)

"""Schemas of layout blocks and views, and which blocks each surface takes.

What stands inside of blocks is in `block_elements.py` and `block_rich_text.py`, tables and charts
are in `block_data.py`, cards and their kin in `block_cards.py`, the numbers in `limits.py`.
`blocks.py` applies all this and what reaches across blocks.
"""

from __future__ import annotations

from typing import Any

from bot.sandbox.slack import limits
from bot.sandbox.slack.block_cards import ALERT, CARD_BLOCKS, auth_provider, container
from bot.sandbox.slack.block_data import DATA_BLOCKS
from bot.sandbox.slack.block_elements import (
    BUTTON,
    CHECKBOXES,
    IMAGE_ELEMENT,
    INPUTS,
    OVERFLOW,
    PICKERS,
    RADIO_BUTTONS,
    SELECTS,
    SLACK_FILE,
    WORKFLOW_BUTTON,
    block,
    image_source,
    plain,
    text,
)
from bot.sandbox.slack.block_rich_text import RICH_TEXT_BLOCK
from bot.sandbox.slack.schema import (
    Check,
    array,
    boolean,
    breach,
    by_type,
    number,
    one_of,
    record,
    string,
)

_CLICKABLE: dict[str, Check] = {
    "button": BUTTON,
    "workflow_button": WORKFLOW_BUTTON,
    "checkboxes": CHECKBOXES,
    "radio_buttons": RADIO_BUTTONS,
    "overflow": OVERFLOW,
    **SELECTS,
    **PICKERS,
}
_ACCESSORY = by_type({**_CLICKABLE, "image": IMAGE_ELEMENT})
_INPUT_ELEMENT = by_type(
    {
        "checkboxes": CHECKBOXES,
        "radio_buttons": RADIO_BUTTONS,
        **SELECTS,
        **PICKERS,
        **INPUTS,
    }
)
_CONTEXT_ELEMENT = by_type(
    {
        "image": IMAGE_ELEMENT,
        "plain_text": text(limits.TEXT),
        "mrkdwn": text(limits.TEXT),
    }
)


def _text_or_fields(value: Any, pointer: str, found: list[str]) -> None:
    if isinstance(value, dict) and "text" not in value and "fields" not in value:
        found.append(breach("must define either `text` or `fields`", pointer))


# Blocks of every surface.
_COMMON: dict[str, Check] = {
    "section": block(
        {},
        {
            "text": text(limits.TEXT),
            "fields": array(text(limits.SECTION_FIELD), 1, limits.SECTION_FIELDS),
            "accessory": _ACCESSORY,
            "expand": boolean,
        },
        _text_or_fields,
    ),
    "header": block({"text": plain(limits.HEADER)}, {"level": number(1, limits.HEADER_LEVELS)}),
    "divider": block({}),
    "image": block(
        {"alt_text": string(limits.ALT_TEXT)},
        {
            "image_url": string(limits.URL),
            "slack_file": SLACK_FILE,
            "title": plain(limits.IMAGE_TITLE),
        },
        image_source,
    ),
    "context": block({"elements": array(_CONTEXT_ELEMENT, 1, limits.CONTEXT_ELEMENTS)}),
    "actions": block({"elements": array(by_type(_CLICKABLE), 1, limits.ACTIONS_ELEMENTS)}),
    "input": block(
        {"label": plain(limits.INPUT_LABEL), "element": _INPUT_ELEMENT},
        {"hint": plain(limits.INPUT_HINT), "optional": boolean, "dispatch_action": boolean},
    ),
    "rich_text": RICH_TEXT_BLOCK,
    "video": block(
        {
            "alt_text": string(limits.ALT_TEXT),
            "title": plain(limits.VIDEO_TITLE),
            "thumbnail_url": string(limits.URL),
            "video_url": string(limits.URL),
        },
        {
            "author_name": string(limits.VIDEO_AUTHOR),
            "description": plain(limits.VIDEO_TITLE),
            "provider_icon_url": string(limits.URL),
            "provider_name": string(limits.VIDEO_AUTHOR),
            "title_url": string(limits.URL),
        },
    ),
}
_MESSAGE: dict[str, Check] = {
    **_COMMON,
    **DATA_BLOCKS,
    **CARD_BLOCKS,
    "markdown": block({"text": string(limits.MARKDOWN_TEXT)}),
    # A remote file that was added before; it has no other form.
    "file": block({"external_id": string(limits.EXTERNAL_ID), "source": one_of("remote")}),
}
# https://docs.slack.dev/reference/block-kit/blocks/container-block
_CHILDREN = (
    "actions",
    "context",
    "divider",
    "file",
    "header",
    "image",
    "input",
    "rich_text",
    "section",
    "table",
    "video",
)
_INNER = {kind: _MESSAGE[kind] for kind in _CHILDREN}
_MESSAGE["container"] = container(_INNER)
_MESSAGE["auth_provider"] = auth_provider(array(by_type(_INNER), 1, limits.MESSAGE_BLOCKS))
_MODAL: dict[str, Check] = {**_COMMON, "alert": ALERT}
MESSAGE_BLOCKS = array(by_type(_MESSAGE), 1, limits.MESSAGE_BLOCKS)

# -- views
_VIEW_COMMON: dict[str, Check] = {
    "private_metadata": string(limits.PRIVATE_METADATA, 0),
    "callback_id": string(limits.CALLBACK_ID, 0),
    "external_id": string(limits.EXTERNAL_ID, 0),
}
_MODAL_VIEW = record(
    {
        "title": plain(limits.VIEW_TITLE),
        "blocks": array(by_type(_MODAL), 1, limits.VIEW_BLOCKS),
    },
    {
        "submit": plain(limits.VIEW_BUTTON),
        "close": plain(limits.VIEW_BUTTON),
        "clear_on_close": boolean,
        "notify_on_close": boolean,
        "submit_disabled": boolean,
        **_VIEW_COMMON,
    },
    typed=True,
)
_HOME_VIEW = record(
    {"blocks": array(by_type(_COMMON), 1, limits.VIEW_BLOCKS)}, _VIEW_COMMON, typed=True
)
VIEWS = {"modal": _MODAL_VIEW, "home": _HOME_VIEW}

"""Schemas of blocks and views, and which of them each surface takes.

What stands inside of blocks is in `block_elements.py`, the numbers are in `limits.py`; `blocks.py`
applies all this and what reaches across blocks.
"""

from __future__ import annotations

from typing import Any

from bot.sandbox.slack import limits
from bot.sandbox.slack.block_elements import (
    BLOCK_ID,
    BUTTON,
    CHECKBOXES,
    IMAGE_ELEMENT,
    INPUTS,
    OVERFLOW,
    PICKERS,
    RADIO_BUTTONS,
    RICH_TEXT_ELEMENTS,
    SELECTS,
    SLACK_FILE,
    image_source,
    list_at,
    plain,
    text,
)
from bot.sandbox.slack.schema import (
    Check,
    array,
    boolean,
    breach,
    by_type,
    later,
    number,
    one_of,
    record,
    string,
    together,
)
from bot.sandbox.slack.workspace import texts_of

_CLICKABLE: dict[str, Check] = {
    "button": BUTTON,
    "workflow_button": BUTTON,
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


def _block(
    required: dict[str, Check], optional: dict[str, Check] | None = None, *more: Check
) -> Check:
    return together(record(required, {"block_id": BLOCK_ID, **(optional or {})}, typed=True), *more)


def _text_or_fields(value: Any, pointer: str, found: list[str]) -> None:
    if isinstance(value, dict) and "text" not in value and "fields" not in value:
        found.append(breach("must define either `text` or `fields`", pointer))


_RAW_TEXT = record({"text": string(limits.TEXT)}, typed=True)
_RICH_CELL = record({"elements": RICH_TEXT_ELEMENTS}, {"block_id": BLOCK_ID}, typed=True)
_RAW_NUMBER = record({"value": number(whole=False)}, {"text": string(limits.TEXT)}, typed=True)
_TABLE_CELL = by_type({"raw_text": _RAW_TEXT, "rich_text": _RICH_CELL, "raw_number": _RAW_NUMBER})
_COLUMN = record({}, {"align": one_of("left", "center", "right"), "is_wrapped": boolean})


def _table_text(value: Any, pointer: str, found: list[str]) -> None:
    if sum(len(each) for each in texts_of(value)) > limits.TABLE_TEXT:
        found.append(breach(f"must be less than {limits.TABLE_TEXT + 1} characters", pointer))


def _even_rows(value: Any, pointer: str, found: list[str]) -> None:
    rows = list_at(value, "rows")
    if len({len(row) for row in rows if isinstance(row, list)}) > 1:
        found.append(breach("all rows must have the same number of cells", f"{pointer}/rows"))
    header = rows[0] if rows and isinstance(rows[0], list) else []
    for index, cell in enumerate(header):
        if isinstance(cell, dict) and cell.get("type") == "rich_text":
            found.append(breach("unsupported type: rich_text", f"{pointer}/rows/0/{index}/type"))


_POINT = record({"label": string(limits.CHART_LABEL), "value": number(whole=False)})
_SEGMENT = record({"label": string(limits.CHART_LABEL), "value": number(whole=False)})


def _positive_segments(value: Any, pointer: str, found: list[str]) -> None:
    for index, each in enumerate(list_at(value, "segments")):
        worth = each.get("value") if isinstance(each, dict) else None
        if isinstance(worth, int | float) and worth <= 0:
            where = f"{pointer}/segments/{index}/value"
            found.append(breach("must be greater than 0", where))


def _series_fit_axis(value: Any, pointer: str, found: list[str]) -> None:
    """Unique names, and one point for each category of the axis."""
    series = list_at(value, "series")
    names = [str(each.get("name")) for each in series if isinstance(each, dict)]
    if len(set(names)) < len(names):
        found.append(breach("series names must be unique", f"{pointer}/series"))
    axis = value.get("axis_config") if isinstance(value, dict) else None
    categories = list_at(axis, "categories")
    for index, each in enumerate(series):
        labels = [p.get("label") for p in list_at(each, "data") if isinstance(p, dict)]
        if labels != categories:
            where = f"{pointer}/series/{index}/data"
            found.append(breach("labels must match the axis categories", where))


_axis_label = string(limits.CHART_AXIS_LABEL)
_XY_CHART = together(
    record(
        {
            "series": array(
                record(
                    {
                        "name": string(limits.CHART_LABEL),
                        "data": array(_POINT, 1, limits.CHART_CATEGORIES),
                    }
                ),
                1,
                limits.CHART_SERIES,
            ),
            "axis_config": record(
                {"categories": array(string(limits.CHART_LABEL), 1, limits.CHART_CATEGORIES)},
                {"x_label": _axis_label, "y_label": _axis_label},
            ),
        },
        typed=True,
    ),
    _series_fit_axis,
)
_PIE = together(
    record({"segments": array(_SEGMENT, 1, limits.CHART_SEGMENTS)}, typed=True),
    _positive_segments,
)
_CHART = by_type({"pie": _PIE, "bar": _XY_CHART, "area": _XY_CHART, "line": _XY_CHART})

_RICH_TEXT_BLOCK = _block({"elements": RICH_TEXT_ELEMENTS})
_TASK_FIELDS: dict[str, Check] = {
    "task_id": string(limits.BLOCK_ID),
    "title": string(limits.CARD_TITLE),
}
_TASK_MORE: dict[str, Check] = {
    "status": one_of("pending", "in_progress", "complete", "error"),
    "details": by_type({"rich_text": _RICH_TEXT_BLOCK}),
    "output": by_type({"rich_text": _RICH_TEXT_BLOCK}),
    "sources": array(
        by_type(
            {"url": record({"url": string(limits.URL), "text": string(limits.TEXT)}, typed=True)}
        ),
        0,
        limits.MESSAGE_BLOCKS,
    ),
}
_TASK_CARD = _block(_TASK_FIELDS, _TASK_MORE)
_FEEDBACK = record(
    {"text": plain(limits.BUTTON_TEXT)},
    {
        "value": string(limits.BUTTON_VALUE),
        "accessibility_label": string(limits.ACCESSIBILITY_LABEL),
    },
)
_CARD = _block(
    {},
    {
        "title": text(limits.CARD_TITLE),
        "subtitle": text(limits.CARD_TITLE),
        "body": text(limits.CARD_BODY),
        "icon": by_type({"image": IMAGE_ELEMENT}),
        "hero_image": by_type({"image": IMAGE_ELEMENT}),
        "actions": array(by_type({"button": BUTTON}), 1, limits.CARD_ACTIONS),
    },
)

# Blocks of every surface.
_COMMON: dict[str, Check] = {
    "section": _block(
        {},
        {
            "text": text(limits.TEXT),
            "fields": array(text(limits.SECTION_FIELD), 1, limits.SECTION_FIELDS),
            "accessory": _ACCESSORY,
            "expand": boolean,
        },
        _text_or_fields,
    ),
    "header": _block({"text": plain(limits.HEADER)}, {"level": number(1, 4)}),
    "divider": _block({}),
    "image": _block(
        {"alt_text": string(limits.ALT_TEXT)},
        {
            "image_url": string(limits.URL),
            "slack_file": SLACK_FILE,
            "title": plain(limits.IMAGE_TITLE),
        },
        image_source,
    ),
    "context": _block({"elements": array(_CONTEXT_ELEMENT, 1, limits.CONTEXT_ELEMENTS)}),
    "actions": _block({"elements": array(by_type(_CLICKABLE), 1, limits.ACTIONS_ELEMENTS)}),
    "input": _block(
        {"label": plain(limits.INPUT_LABEL), "element": _INPUT_ELEMENT},
        {"hint": plain(limits.INPUT_HINT), "optional": boolean, "dispatch_action": boolean},
    ),
    "rich_text": _RICH_TEXT_BLOCK,
    "video": _block(
        {
            "alt_text": string(limits.ALT_TEXT),
            "title": plain(limits.IMAGE_TITLE),
            "thumbnail_url": string(limits.URL),
            "video_url": string(limits.URL),
        },
        {
            "author_name": string(50),
            "description": plain(limits.IMAGE_TITLE),
            "provider_icon_url": string(limits.URL),
            "provider_name": string(50),
            "title_url": string(limits.URL),
        },
    ),
}
_MESSAGE: dict[str, Check] = {
    **_COMMON,
    "markdown": _block({"text": string(limits.MARKDOWN_TEXT)}),
    "table": _block(
        {"rows": array(array(_TABLE_CELL, 1, limits.TABLE_CELLS), 1, limits.TABLE_ROWS)},
        {"column_settings": array(_COLUMN, 1, limits.TABLE_CELLS)},
        _table_text,
    ),
    "data_table": _block(
        {
            "caption": string(limits.TEXT),
            "rows": array(
                array(_TABLE_CELL, 1, limits.DATA_TABLE_COLUMNS), 2, limits.DATA_TABLE_ROWS
            ),
        },
        {"page_size": number(1, limits.DATA_TABLE_PAGE)},
        _even_rows,
    ),
    "data_visualization": _block({"title": string(limits.CHART_TITLE), "chart": _CHART}),
    "context_actions": _block(
        {
            "elements": array(
                by_type(
                    {
                        "feedback_buttons": record(
                            {},
                            {
                                "action_id": string(limits.ACTION_ID),
                                "positive_button": _FEEDBACK,
                                "negative_button": _FEEDBACK,
                            },
                            typed=True,
                        ),
                    }
                ),
                1,
                limits.CONTEXT_ACTIONS_ELEMENTS,
            )
        }
    ),
    "plan": _block(
        {"title": string(limits.CARD_TITLE)},
        {"tasks": array(by_type({"task_card": _TASK_CARD}), 1, limits.PLAN_TASKS)},
    ),
    "task_card": _TASK_CARD,
    "card": _CARD,
    "carousel": _block({"elements": array(by_type({"card": _CARD}), 1, limits.CAROUSEL_CARDS)}),
    "container": _block(
        {"child_blocks": array(later(lambda: by_type(_CONTAINED)), 1, limits.CONTAINER_CHILDREN)},
        {"title": text(limits.CARD_TITLE)},
    ),
}
_CONTAINED: dict[str, Check] = {k: v for k, v in _MESSAGE.items() if k != "container"}
_MODAL: dict[str, Check] = {
    **_COMMON,
    "alert": _block(
        {"text": text(limits.ALERT_TEXT)},
        {"level": one_of("default", "info", "warning", "error", "success")},
    ),
}
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

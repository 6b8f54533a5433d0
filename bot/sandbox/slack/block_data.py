"""Schemas of tables and charts."""

from __future__ import annotations

from typing import Any

from bot.sandbox.slack import limits
from bot.sandbox.slack.block_elements import block, list_at
from bot.sandbox.slack.block_rich_text import RICH_TEXT_BLOCK
from bot.sandbox.slack.schema import (
    Check,
    array,
    boolean,
    breach,
    by_type,
    number,
    one_of,
    or_null,
    record,
    string,
    together,
)
from bot.sandbox.slack.workspace import texts_of

_RAW_TEXT = record({"text": string(limits.TEXT)}, typed=True)
_RAW_NUMBER = record({"value": number(whole=False), "text": string(limits.TEXT)}, typed=True)
_CELL = by_type({"raw_text": _RAW_TEXT, "rich_text": RICH_TEXT_BLOCK, "raw_number": _RAW_NUMBER})
_COLUMN = or_null(record({}, {"align": one_of("left", "center", "right"), "is_wrapped": boolean}))


def table_text(value: Any) -> int:
    """Characters of all cells."""
    return sum(len(each) for each in texts_of(list_at(value, "rows")))


def _table_text(value: Any, pointer: str, found: list[str]) -> None:
    if table_text(value) > limits.TABLE_TEXT:
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

DATA_BLOCKS: dict[str, Check] = {
    "table": block(
        {"rows": array(array(_CELL, 1, limits.TABLE_CELLS), 1, limits.TABLE_ROWS)},
        {"column_settings": array(_COLUMN, 1, limits.TABLE_CELLS)},
        _table_text,
    ),
    "data_table": block(
        {
            "caption": string(limits.TEXT),
            "rows": array(array(_CELL, 1, limits.DATA_TABLE_COLUMNS), 2, limits.DATA_TABLE_ROWS),
        },
        {
            "page_size": number(1, limits.DATA_TABLE_PAGE),
            "row_header_column_index": number(0, limits.DATA_TABLE_COLUMNS - 1),
        },
        _even_rows,
        _table_text,
    ),
    "data_visualization": block({"title": string(limits.CHART_TITLE), "chart": _CHART}),
}

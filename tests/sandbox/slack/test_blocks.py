"""The Block Kit validator: every limit one below and one above it, in Slack's words."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bot.sandbox.slack.blocks import check_message_blocks, check_options, check_view
from bot.sandbox.slack.errors import SchemaError, SlackError


def usable(file_id: str) -> bool:
    return file_id == "F000000GOOD"


def breaches(*blocks: Any) -> list[str]:
    try:
        check_message_blocks(list(blocks), usable)
    except SchemaError as refusal:
        return refusal.breaches if refusal.code == "invalid_blocks" else [refusal.code]
    return []


def view_breaches(view: Any, surface: str = "modal") -> list[str]:
    try:
        check_view(view, usable, surface=surface)
    except SchemaError as refusal:
        return refusal.breaches if refusal.code == "invalid_arguments" else [refusal.code]
    return []


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def section(text: str = "x", **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": mrkdwn(text), **more}


def button(text: str = "Go", **more: Any) -> dict[str, Any]:
    return {"type": "button", "text": plain(text), "action_id": "go", **more}


def actions(*elements: Any) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


def option(text: str = "a", value: str = "a", **more: Any) -> dict[str, Any]:
    return {"text": plain(text), "value": value, **more}


def confirm(**changed: Any) -> dict[str, Any]:
    words = {"title": "t", "text": "x", "confirm": "Yes", "deny": "No"} | changed
    return {name: plain(text) for name, text in words.items()}


def select(count: int, **more: Any) -> dict[str, Any]:
    options = [option(str(n), str(n)) for n in range(count)]
    return {"type": "static_select", "action_id": "s", "options": options, **more}


def table(rows: int, cells: int) -> dict[str, Any]:
    cell = {"type": "raw_text", "text": "x"}
    return {"type": "table", "rows": [[cell] * cells for _ in range(rows)]}


def data_table(*widths: int, **more: Any) -> dict[str, Any]:
    cell = {"type": "raw_text", "text": "x"}
    rows = [[cell] * width for width in widths]
    return {"type": "data_table", "caption": "c", "rows": rows, **more}


def pie(*values: float) -> dict[str, Any]:
    segments = [{"label": str(n), "value": value} for n, value in enumerate(values)]
    chart = {"type": "pie", "segments": segments}
    return {"type": "data_visualization", "title": "t", "chart": chart}


def line(series: int, points: int) -> dict[str, Any]:
    data = [{"label": str(n), "value": n} for n in range(points)]
    chart = {
        "type": "line",
        "series": [{"name": f"s{n}", "data": data} for n in range(series)],
        "axis_config": {"categories": [str(n) for n in range(points)], "y_label": "%"},
    }
    return {"type": "data_visualization", "title": "t", "chart": chart}


def image(**more: Any) -> dict[str, Any]:
    return {"type": "image", "alt_text": "a chart", **more}


def rich(*elements: Any) -> dict[str, Any]:
    return {"type": "rich_text", "elements": list(elements)}


def context(count: int) -> dict[str, Any]:
    return {"type": "context", "elements": [mrkdwn("x")] * count}


FITS: dict[str, Any] = {
    "section text": section("x" * 3000),
    "fields": {"type": "section", "fields": [mrkdwn("x" * 100)] * 10},
    "field": {"type": "section", "fields": [mrkdwn("x" * 2000)]},
    "header": {"type": "header", "text": plain("x" * 150)},
    "context": context(10),
    "actions": actions(*(button(action_id=str(n)) for n in range(25))),
    "button": button("x" * 75, value="v" * 2000, style="danger", confirm=confirm()),
    "confirm": button(confirm=confirm(title="t" * 100, text="x" * 300, confirm="y" * 30)),
    "select": section(accessory=select(100, placeholder=plain("p" * 150))),
    "overflow": section(
        accessory={"type": "overflow", "options": [option("a", str(n)) for n in range(5)]}
    ),
    "checkboxes": section(
        accessory={"type": "checkboxes", "options": [option("a", str(n)) for n in range(10)]}
    ),
    "initial option": section(accessory=select(3, initial_option=option("1", "1"))),
    "image url": image(image_url="https://example.com/a.png"),
    "image file": image(slack_file={"id": "F000000GOOD"}),
    "table rows": table(100, 3),
    "table cells": table(5, 20),
    "data table": data_table(3, 3),
    "pie": pie(*range(1, 13)),
    "line": line(12, 20),
    "rich text": rich(
        {"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]},
        {
            "type": "rich_text_list",
            "style": "bullet",
            "indent": 8,
            "elements": [{"type": "rich_text_section", "elements": []}],
        },
        {
            "type": "rich_text_preformatted",
            "elements": [{"type": "text", "text": "x"}],
        },
    ),
    "markdown": {"type": "markdown", "text": "x" * 11_000},
    "input": {
        "type": "input",
        "label": plain("l"),
        "element": {"type": "plain_text_input", "action_id": "i", "max_length": 3000},
    },
}


@pytest.mark.parametrize("name", FITS)
def test_what_is_within_the_limits_passes(name: str) -> None:
    block = FITS[name]
    assert breaches(actions(block) if block["type"] == "button" else block) == []


REFUSED: list[tuple[Any, str]] = [
    (section("x" * 3001), "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
    (section(""), "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
    ({"type": "section"}, "must define either `text` or `fields` [json-pointer:/blocks/0]"),
    (
        {"type": "section", "fields": [mrkdwn("x")] * 11},
        "no more than 10 items allowed [json-pointer:/blocks/0/fields]",
    ),
    (
        {"type": "section", "fields": [mrkdwn("x" * 2001)]},
        "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]",
    ),
    (
        {"type": "header", "text": plain("x" * 151)},
        "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
    ),
    (
        {"type": "header", "text": mrkdwn("x")},
        "failed to match all allowed schemas [json-pointer:/blocks/0/text]",
    ),
    (context(11), "no more than 10 items allowed [json-pointer:/blocks/0/elements]"),
    (context(0), "must provide at least 1 items [json-pointer:/blocks/0/elements]"),
    (
        actions(*(button(action_id=str(n)) for n in range(26))),
        "no more than 25 items allowed [json-pointer:/blocks/0/elements]",
    ),
    (
        actions(button("x" * 76)),
        "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]",
    ),
    (
        actions(button(value="v" * 2001)),
        "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]",
    ),
    (
        actions(button(url="u" * 3001)),
        "must be less than 3001 characters [json-pointer:/blocks/0/elements/0/url]",
    ),
    (
        actions(button(accessibility_label="a" * 76)),
        "must be less than 76 characters [json-pointer:/blocks/0/elements/0/accessibility_label]",
    ),
    (
        actions(button(disabled=True)),
        "invalid additional property: disabled [json-pointer:/blocks/0/elements/0]",
    ),
    (
        actions(button(style="default")),
        "must be one of: primary, danger [json-pointer:/blocks/0/elements/0/style]",
    ),
    (
        actions(button(confirm=confirm(title="t" * 101))),
        "must be less than 101 characters [json-pointer:/blocks/0/elements/0/confirm/title/text]",
    ),
    (
        actions(button(confirm=confirm(text="t" * 301))),
        "must be less than 301 characters [json-pointer:/blocks/0/elements/0/confirm/text/text]",
    ),
    (
        actions(button(confirm=confirm(deny="t" * 31))),
        "must be less than 31 characters [json-pointer:/blocks/0/elements/0/confirm/deny/text]",
    ),
    (
        actions(button(), button()),
        '`action_id` "go" already exists [json-pointer:/blocks/0/elements/1/action_id]',
    ),
    (
        section(accessory=select(101)),
        "no more than 100 items allowed [json-pointer:/blocks/0/accessory/options]",
    ),
    (
        section(accessory=select(0)),
        "must provide at least 1 items [json-pointer:/blocks/0/accessory/options]",
    ),
    (
        section(accessory=select(1, option_groups=[])),
        "must define either `options` or `option_groups` [json-pointer:/blocks/0/accessory]",
    ),
    (
        section(accessory=select(1, placeholder=plain("p" * 151))),
        "must be less than 151 characters [json-pointer:/blocks/0/accessory/placeholder/text]",
    ),
    (
        section(accessory=select(1, initial_option=option("zz", "zz"))),
        "must match one of the provided options [json-pointer:/blocks/0/accessory/initial_option]",
    ),
    (
        section(accessory={"type": "overflow", "options": [option()] * 6}),
        "no more than 5 items allowed [json-pointer:/blocks/0/accessory/options]",
    ),
    (
        section(accessory={"type": "checkboxes", "options": [option()] * 11}),
        "no more than 10 items allowed [json-pointer:/blocks/0/accessory/options]",
    ),
    (
        section(accessory={"type": "radio_buttons", "options": [option("x" * 76)]}),
        "must be less than 76 characters [json-pointer:/blocks/0/accessory/options/0/text/text]",
    ),
    (
        section(accessory={"type": "overflow", "options": [option(value="v" * 151)]}),
        "must be less than 151 characters [json-pointer:/blocks/0/accessory/options/0/value]",
    ),
    (
        section(accessory=select(0) | {"options": [option(url="https://example.com")]}),
        "invalid additional property: url [json-pointer:/blocks/0/accessory/options/0]",
    ),
    (
        image(),
        "must define either `image_url` or `slack_file` [json-pointer:/blocks/0]",
    ),
    (
        {"type": "image", "image_url": "https://example.com/a.png"},
        "missing required field: alt_text [json-pointer:/blocks/0]",
    ),
    (
        image(image_url="http://example.com/a.png"),
        "must be a valid https url [json-pointer:/blocks/0/image_url]",
    ),
    (
        image(slack_file={"id": "F00000RAW00"}),
        "invalid slack file [json-pointer:/blocks/0/slack_file]",
    ),
    (image(slack_file={"id": "x"}), "invalid slack file [json-pointer:/blocks/0/slack_file]"),
    (table(101, 1), "no more than 100 items allowed [json-pointer:/blocks/0/rows]"),
    (table(1, 21), "no more than 20 items allowed [json-pointer:/blocks/0/rows/0]"),
    (
        data_table(3, 2),
        "all rows must have the same number of cells [json-pointer:/blocks/0/rows]",
    ),
    (
        data_table(1, 1) | {"caption": ""},
        "must be more than 0 characters [json-pointer:/blocks/0/caption]",
    ),
    (pie(1, 0), "must be greater than 0 [json-pointer:/blocks/0/chart/segments/1/value]"),
    (
        pie(*range(1, 14)),
        "no more than 12 items allowed [json-pointer:/blocks/0/chart/segments]",
    ),
    (line(13, 1), "no more than 12 items allowed [json-pointer:/blocks/0/chart/series]"),
    (
        line(1, 21),
        "no more than 20 items allowed [json-pointer:/blocks/0/chart/series/0/data]",
    ),
    (
        rich({"type": "rich_text_list", "style": "bullet", "indent": 9, "elements": []}),
        "must be less than or equal to 8 [json-pointer:/blocks/0/elements/0/indent]",
    ),
    ({"type": "sections"}, "unsupported type: sections [json-pointer:/blocks/0/type]"),
    (
        {"type": "alert", "text": plain("x")},
        "unsupported type: alert [json-pointer:/blocks/0/type]",
    ),
    ({"text": "x"}, "missing required field: type [json-pointer:/blocks/0]"),
    ("text", "must provide an object [json-pointer:/blocks/0]"),
    (
        section(block_id="b" * 256),
        "must be less than 256 characters [json-pointer:/blocks/0/block_id]",
    ),
]


REFUSED += [
    (
        image(image_url="https://localhost/a.png"),
        "downloading image failed [json-pointer:/blocks/0/image_url]",
    ),
    (
        image(image_url="https://10.0.0.7/a.png"),
        "downloading image failed [json-pointer:/blocks/0/image_url]",
    ),
    (
        section(accessory={"type": "datepicker", "initial_date": "24.11.2026"}),
        "must be a date in the format YYYY-MM-DD [json-pointer:/blocks/0/accessory/initial_date]",
    ),
    (
        section(accessory={"type": "timepicker", "initial_time": "24:00"}),
        "must be a time in the format HH:mm [json-pointer:/blocks/0/accessory/initial_time]",
    ),
    (
        section(accessory={"type": "datetimepicker", "initial_date_time": 10**10}),
        "must be less than or equal to 9999999999 "
        "[json-pointer:/blocks/0/accessory/initial_date_time]",
    ),
    (
        {
            "type": "input",
            "label": plain("l"),
            "element": {"type": "plain_text_input", "min_length": 9, "max_length": 8},
        },
        "must not be more than `max_length` [json-pointer:/blocks/0/element/min_length]",
    ),
    (
        {
            "type": "input",
            "label": plain("l"),
            "element": {"type": "number_input", "is_decimal_allowed": True, "min_value": "one"},
        },
        "must be a number, written as a string [json-pointer:/blocks/0/element/min_value]",
    ),
    (
        {"type": "card", "subtitle": plain("x")},
        "must define at least one of `hero_image`, `title`, `actions` or `body` "
        "[json-pointer:/blocks/0]",
    ),
    (
        {"type": "card", "title": plain("x"), "slack_icon": {"type": "icon", "name": "pony"}},
        "/blocks/0/slack_icon/name",
    ),
    (
        {"type": "container", "child_blocks": [{"type": "divider"}]},
        "must define either `title` or `rich_text_title` [json-pointer:/blocks/0]",
    ),
    (
        {"type": "container", "title": plain("x"), "child_blocks": [pie(1)]},
        "unsupported type: data_visualization [json-pointer:/blocks/0/child_blocks/0/type]",
    ),
    (
        {
            "type": "container",
            "title": plain("x"),
            "child_blocks": [{"type": "divider"}],
            "default_collapsed": True,
        },
        "requires `is_collapsible` to be true [json-pointer:/blocks/0/default_collapsed]",
    ),
    (
        {
            "type": "container",
            "title": plain("x"),
            "child_blocks": [{"type": "divider"}],
            "is_collapsible": True,
            "has_header_divider": True,
        },
        "cannot be set when `is_collapsible` is true [json-pointer:/blocks/0/has_header_divider]",
    ),
    (
        {
            "type": "container",
            "title": plain("x"),
            "child_blocks": [section(block_id="a"), section(block_id="a")],
        },
        '`block_id` "a" already exists [json-pointer:/blocks/0/child_blocks/1/block_id]',
    ),
    (
        {"type": "table", "rows": [[{"type": "raw_number", "value": 1}]]},
        "missing required field: text [json-pointer:/blocks/0/rows/0/0]",
    ),
    (
        {"type": "context_actions", "elements": [button()]},
        "unsupported type: button [json-pointer:/blocks/0/elements/0/type]",
    ),
    (
        {
            "type": "context_actions",
            "elements": [{"type": "icon_button", "icon": "pony", "text": plain("x")}],
        },
        "must be one of: trash [json-pointer:/blocks/0/elements/0/icon]",
    ),
    (
        actions({"type": "workflow_button", "text": plain("x")}),
        "missing required field: workflow [json-pointer:/blocks/0/elements/0]",
    ),
]


@pytest.mark.parametrize(("block", "breach"), REFUSED)
def test_what_is_over_a_limit_is_refused_with_its_pointer(block: Any, breach: str) -> None:
    assert any(breach in each for each in breaches(block))


def one_option(**more: Any) -> dict[str, Any]:
    return section(accessory={"type": "overflow", "options": [option(**more)]})


def groups(count: int, label: str = "g") -> dict[str, Any]:
    each = {"label": plain(label), "options": [option()]}
    menu = {"type": "static_select", "action_id": "s", "option_groups": [each] * count}
    return section(accessory=menu)


def field(element: Any = None, **more: Any) -> dict[str, Any]:
    entry = element or {"type": "plain_text_input", "action_id": "i"}
    return {"type": "input", "label": plain("l"), "element": entry, **more}


def text_input(**more: Any) -> dict[str, Any]:
    return field({"type": "plain_text_input", "action_id": "i", **more})


def chart(title: str = "t", label: str = "a", axis: str = "y", name: str = "n") -> dict[str, Any]:
    return {
        "type": "data_visualization",
        "title": title,
        "chart": {
            "type": "bar",
            "series": [{"name": name, "data": [{"label": label, "value": 1}]}],
            "axis_config": {"categories": [label], "x_label": axis},
        },
    }


def card(**more: Any) -> dict[str, Any]:
    return {"type": "card", "title": plain("t"), **more}


def feedback(count: int) -> dict[str, Any]:
    element = {
        "type": "feedback_buttons",
        "positive_button": {"text": plain("Good"), "value": "good"},
        "negative_button": {"text": plain("Bad"), "value": "bad"},
    }
    return {"type": "context_actions", "elements": [element] * count}


def plan(count: int) -> dict[str, Any]:
    tasks = [{"type": "task_card", "task_id": str(n), "title": "t"} for n in range(count)]
    return {"type": "plan", "title": "p", "tasks": tasks}


def long_table(length: int) -> dict[str, Any]:
    texts = ["x" * 2500] * 3 + ["x" * (length - 7500)]
    cells = [{"type": "raw_text", "text": text} for text in texts]
    return {"type": "table", "rows": [cells]}


def video(**more: Any) -> dict[str, Any]:
    urls = {"video_url": URL, "thumbnail_url": URL}
    return {"type": "video", "alt_text": "a", "title": plain("t"), **urls, **more}


def provider(**more: Any) -> dict[str, Any]:
    return {
        "type": "auth_provider",
        "value": "v",
        "name": plain("n"),
        "is_connected": False,
        **more,
    }


URL = "https://e.com/"
DIVIDER = {"type": "divider"}
# What is built of a number, and the largest number that Slack takes.
EDGES: dict[str, tuple[Callable[[int], Any], int]] = {
    "action_id": (lambda n: actions(button(action_id="a" * n)), 255),
    "block_id": (lambda n: section(block_id="b" * n), 255),
    "context_actions": (feedback, 5),
    "option text": (lambda n: one_option(text="x" * n), 75),
    "option value": (lambda n: one_option(value="x" * n), 150),
    "option description": (lambda n: one_option(description=plain("x" * n)), 75),
    "option url": (lambda n: one_option(url="x" * n), 3000),
    "groups": (groups, 100),
    "group label": (lambda n: groups(1, "x" * n), 75),
    "input label": (lambda n: field(label=plain("x" * n)), 2000),
    "input hint": (lambda n: field(hint=plain("x" * n)), 2000),
    "max_length": (lambda n: text_input(max_length=n), 3000),
    "initial value": (lambda n: text_input(initial_value="x" * n), 3000),
    "max_files": (
        lambda n: field({"type": "file_input", "action_id": "f", "max_files": n}),
        10,
    ),
    "alt_text": (lambda n: image(image_url=URL) | {"alt_text": "x" * n}, 2000),
    "image title": (lambda n: image(image_url=URL, title=plain("x" * n)), 2000),
    "image url": (lambda n: image(image_url=URL + "x" * (n - len(URL))), 3000),
    "confirm button": (lambda n: actions(button(confirm=confirm(confirm="x" * n))), 30),
    "table text": (long_table, 10_000),
    "data table rows": (lambda n: data_table(*[1] * n), 101),
    "data table columns": (lambda n: data_table(n, n), 20),
    "data table page": (lambda n: data_table(1, 1, page_size=n), 100),
    "chart title": (lambda n: chart(title="x" * n), 50),
    "chart label": (lambda n: chart(label="x" * n), 20),
    "chart series name": (lambda n: chart(name="x" * n), 20),
    "chart axis": (lambda n: chart(axis="x" * n), 50),
    "plan tasks": (plan, 50),
    "card title": (lambda n: card(title=plain("x" * n)), 150),
    "card body": (lambda n: card(body=plain("x" * n)), 200),
    "card actions": (
        lambda n: card(actions=[button(action_id=str(m)) for m in range(n)]),
        3,
    ),
    "carousel": (lambda n: {"type": "carousel", "elements": [card()] * n}, 10),
    "container": (
        lambda n: {"type": "container", "title": plain("t"), "child_blocks": [DIVIDER] * n},
        10,
    ),
    "markdown": (lambda n: {"type": "markdown", "text": "x" * n}, 12_000),
    "agent prompt": (lambda n: actions(button(agent_prompt="x" * n)), 4000),
    "people": (lambda n: actions(button(visible_to_user_ids=["U1"] * n)), 100),
    "video title": (lambda n: video(title=plain("x" * n)), 200),
    "video author": (lambda n: video(author_name="x" * n), 50),
    "provider value": (lambda n: provider(value="x" * n), 150),
    "provider name": (lambda n: provider(name=plain("x" * n)), 75),
}


@pytest.mark.parametrize("name", EDGES)
def test_the_largest_passes_and_one_more_does_not(name: str) -> None:
    build, largest = EDGES[name]
    assert breaches(build(largest)) == []
    assert breaches(build(largest + 1)) != []


def blocks_of_json_size(size: int) -> list[Any]:
    blocks = [actions(button(action_id=str(n), value="v" * 1900)) for n in range(8)]
    blocks[0]["elements"][0]["accessibility_label"] = "a"
    with_label = len(json.dumps(blocks, separators=(",", ":")))
    short = size - with_label
    for block in blocks:
        add = min(100, short)
        block["elements"][0]["value"] += "v" * add
        short -= add
    assert len(json.dumps(blocks, separators=(",", ":"))) == size
    return blocks


def test_blocks_have_a_size_as_json() -> None:
    check_message_blocks(blocks_of_json_size(16_500), usable)
    with pytest.raises(SlackError, match="msg_blocks_too_long"):
        check_message_blocks(blocks_of_json_size(16_501), usable)


def test_a_message_has_fifty_blocks_at_most() -> None:
    assert breaches(*[{"type": "divider"}] * 50) == []
    assert breaches(*[{"type": "divider"}] * 51) == [
        "no more than 50 items allowed [json-pointer:/blocks]"
    ]


def test_block_ids_are_unique_in_a_message() -> None:
    assert breaches(section(block_id="a"), section(block_id="a")) == [
        '`block_id` "a" already exists [json-pointer:/blocks/1/block_id]'
    ]
    assert breaches(section(), section(), section(block_id="a")) == []


def test_a_message_has_one_table_two_charts_and_a_sum_of_markdown() -> None:
    assert breaches(table(1, 1), table(1, 1)) == ["only_one_table_allowed [json-pointer:/blocks]"]
    assert breaches(pie(1), pie(1)) == []
    assert len(breaches(pie(1), pie(1), pie(1))) == 1
    assert len(breaches(*[{"type": "markdown", "text": "x" * 6_001}] * 2)) == 1
    assert breaches(data_table(1, 1), data_table(1, 1)) == []
    many = {"type": "raw_text", "text": "x" * 2_501}
    wide = {"type": "data_table", "caption": "c", "rows": [[many, many], [many, many]]}
    assert breaches(wide) == ["must be less than 10001 characters [json-pointer:/blocks/0]"]
    half = {**wide, "rows": [[many], [many]]}
    assert breaches(half, half) == ["must be less than 10001 characters [json-pointer:/blocks]"]


def test_blocks_have_a_total_of_text() -> None:
    check_message_blocks([section("x" * 3000)] * 4, usable)
    with pytest.raises(SlackError, match="msg_blocks_too_long"):
        check_message_blocks([section("x" * 3000)] * 4 + [section("x")], usable)
    with pytest.raises(SlackError, match="msg_blocks_too_long"):
        check_message_blocks([actions(button(value="v" * 2000)) for _ in range(9)], usable)
    with pytest.raises(SlackError, match="invalid_blocks_format"):
        check_message_blocks({"type": "divider"}, usable)


def test_every_breach_is_told_at_once() -> None:
    assert len(breaches(section(""), actions(button(disabled=True, style="x")))) == 3


def modal(**changed: Any) -> dict[str, Any]:
    return {"type": "modal", "title": plain("Title"), "blocks": [section()]} | changed


INPUT = FITS["input"]


@pytest.mark.parametrize(
    ("view", "breach"),
    [
        (
            modal(title=plain("x" * 25)),
            "must be less than 25 characters [json-pointer:/view/title/text]",
        ),
        (
            modal(submit=plain("x" * 25)),
            "must be less than 25 characters [json-pointer:/view/submit/text]",
        ),
        (
            modal(private_metadata="x" * 3001),
            "must be less than 3001 characters [json-pointer:/view/private_metadata]",
        ),
        (
            modal(callback_id="x" * 256),
            "must be less than 256 characters [json-pointer:/view/callback_id]",
        ),
        (
            modal(blocks=[section()] * 101),
            "no more than 100 items allowed [json-pointer:/view/blocks]",
        ),
        (
            modal(blocks=[INPUT]),
            "must define `submit` to use an `input` block in modals "
            "[json-pointer:/view/blocks/0/input]",
        ),
        ({"type": "modal"}, "missing required field: title [json-pointer:/view]"),
        ({"type": "modal"}, "missing required field: blocks [json-pointer:/view]"),
        (
            modal(blocks=[table(1, 1)]),
            "unsupported type: table [json-pointer:/view/blocks/0/type]",
        ),
        (
            modal(blocks=[{"type": "markdown", "text": "x"}]),
            "unsupported type: markdown [json-pointer:/view/blocks/0/type]",
        ),
        (
            {"type": "home", "blocks": [section()]},
            "must be one of: modal [json-pointer:/view/type]",
        ),
        (None, "must provide an object [json-pointer:/view]"),
    ],
)
def test_a_bad_modal_is_refused_with_its_pointer(view: Any, breach: str) -> None:
    assert breach in view_breaches(view)


VIEW_EDGES: dict[str, tuple[Callable[[int], Any], int]] = {
    "title": (lambda n: modal(title=plain("x" * n)), 24),
    "submit": (lambda n: modal(submit=plain("x" * n)), 24),
    "close": (lambda n: modal(close=plain("x" * n)), 24),
    "private_metadata": (lambda n: modal(private_metadata="x" * n), 3000),
    "callback_id": (lambda n: modal(callback_id="x" * n), 255),
    "external_id": (lambda n: modal(external_id="x" * n), 255),
    "blocks": (lambda n: modal(blocks=[section()] * n), 100),
    "alert": (lambda n: modal(blocks=[{"type": "alert", "text": plain("x" * n)}]), 200),
}


@pytest.mark.parametrize("name", VIEW_EDGES)
def test_the_largest_view_passes_and_one_more_does_not(name: str) -> None:
    build, largest = VIEW_EDGES[name]
    assert view_breaches(build(largest)) == []
    assert view_breaches(build(largest + 1)) != []


def view_of_size(size: int) -> Any:
    view = modal(blocks=[section("é" * 1380) for _ in range(88)])
    short = size - len(json.dumps(view, ensure_ascii=False).encode())
    for block in view["blocks"]:
        add = max(0, min(100, short))
        block["text"]["text"] += "x" * add
        short -= add
    assert len(json.dumps(view, ensure_ascii=False).encode()) == size
    return view


def test_a_good_modal_passes_and_a_home_has_no_buttons_of_its_own() -> None:
    assert view_breaches(modal(blocks=[INPUT], submit=plain("Save"))) == []
    assert view_breaches(modal(blocks=[{"type": "alert", "text": plain("x")}])) == []
    home = {"type": "home", "blocks": [section()]}
    assert view_breaches(home, "home") == []
    assert view_breaches({**home, "submit": plain("Save")}, "home") == [
        "invalid additional property: submit [json-pointer:/view]"
    ]


def test_a_view_has_a_size() -> None:
    check_view(view_of_size(250_000), usable, surface="modal")
    with pytest.raises(SlackError, match="view_too_large"):
        check_view(view_of_size(250_001), usable, surface="modal")


def test_looked_up_options_are_a_hundred_at_most() -> None:
    check_options({"options": []})
    check_options({"options": [option("a", str(n)) for n in range(100)]})
    with pytest.raises(SchemaError):
        check_options({"options": [option("a", str(n)) for n in range(101)]})


async def test_the_wire_form_of_a_refusal_is_slacks(office: Any) -> None:
    kind = {"Content-Type": "application/json; charset=utf-8"}
    headers = {"Authorization": "Bearer xoxb-sandbox-dynamo", **kind}
    body = {"channel": "C0DEVDEPLOY", "blocks": [section("x" * 3001)]}
    answer = await office.session.post(
        f"{office.url}/api/chat.postMessage", json=body, headers=headers
    )
    message = "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"
    assert answer.status == 200
    assert await answer.json() == {
        "ok": False,
        "error": "invalid_blocks",
        "errors": [message],
        "response_metadata": {"messages": [f"[ERROR] {message}"]},
    }


async def test_blocks_validate_asks_for_no_token_and_explains_each_breach(office: Any) -> None:
    url = f"{office.url}/api/blocks.validate"
    kind = {"Content-Type": "application/json; charset=utf-8"}
    good = await office.session.post(url, json={"blocks": [section()]})
    assert (await good.json())["ok"] is True
    wrong = {"blocks": [{"type": "x"}, section(extra=1)]}
    bad = await office.session.post(url, json=wrong, headers=kind)
    assert await bad.json() == {
        "ok": False,
        "error": "invalid_blocks",
        "errors": [
            {
                "code": "unsupported_type",
                "message": "unsupported type: x",
                "field": "type",
                "pointer": "/blocks/0/type",
            },
            {
                "code": "additional_property",
                "message": "invalid additional property: extra",
                "field": "1",
                "pointer": "/blocks/1",
            },
        ],
    }

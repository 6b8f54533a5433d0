"""Whatever is sent, the workspace answers: refusals, never a crash."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.sandbox.slack import seed
from bot.sandbox.slack.blocks import check_message_blocks, check_options, check_view
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.web_api import METHODS

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
PLAIN = {"type": "plain_text", "text": "x"}
OPTION = {"text": PLAIN, "value": "v"}
CELL = {"type": "raw_text", "text": "x"}
SECTION = {"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}
POINT = {"label": "a", "value": 1}
SAMPLES: list[Any] = [
    {
        "type": "section",
        "fields": [PLAIN],
        "accessory": {
            "type": "static_select",
            "action_id": "s",
            "option_groups": [{"label": PLAIN, "options": [OPTION]}],
            "initial_option": OPTION,
        },
    },
    {
        "type": "actions",
        "elements": [
            {"type": "button", "text": PLAIN, "action_id": "b"},
            {
                "type": "checkboxes",
                "action_id": "c",
                "options": [OPTION],
                "initial_options": [OPTION],
            },
        ],
    },
    {"type": "image", "alt_text": "x", "slack_file": {"id": "F000000001"}},
    {"type": "rich_text", "elements": [SECTION]},
    {"type": "table", "rows": [[CELL, CELL], [CELL, CELL]], "column_settings": [{"align": "left"}]},
    {"type": "data_table", "caption": "x", "rows": [[CELL], [CELL]]},
    {
        "type": "data_visualization",
        "title": "x",
        "chart": {
            "type": "line",
            "series": [{"name": "a", "data": [POINT]}],
            "axis_config": {"categories": ["a"]},
        },
    },
    {
        "type": "data_visualization",
        "title": "x",
        "chart": {"type": "pie", "segments": [POINT]},
    },
    {"type": "container", "title": PLAIN, "child_blocks": [{"type": "divider"}]},
    {"type": "carousel", "elements": [{"type": "card", "title": PLAIN}]},
    {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "positive_button": {"text": PLAIN, "value": "a"},
                "negative_button": {"text": PLAIN, "value": "b"},
            },
            {"type": "icon_button", "icon": "trash", "text": PLAIN},
        ],
    },
    {
        "type": "input",
        "label": PLAIN,
        "element": {"type": "plain_text_input", "min_length": 1, "max_length": 2},
    },
    {"type": "markdown", "text": "x"},
]


STRANGE: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    "",
    "x",
    [],
    ["x"],
    {},
    {"x": "y"},
    [[[]]],
    "😀" * 300,
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every node below `value`."""
    found = [path] if path else []
    steps: Any = ()
    if isinstance(value, dict):
        steps = value.items()
    elif isinstance(value, list):
        steps = enumerate(value)
    for step, inner in steps:
        found += places(inner, (*path, step))
    return found


def broken(value: Any, path: tuple[Any, ...], wrong: Any) -> Any:
    copied = copy.deepcopy(value)
    node = copied
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = wrong
    return copied


def answers(blocks: Any) -> None:
    """Run every validator over it; anything but a refusal fails the test."""
    view = {"type": "modal", "title": PLAIN, "blocks": blocks}
    checks: tuple[Callable[[], None], ...] = (
        lambda: check_message_blocks(blocks, lambda _: True),
        lambda: check_view(view, lambda _: True, surface="modal"),
        lambda: check_view(blocks, lambda _: True, surface="home"),
        lambda: check_options(blocks),
    )
    for check in checks:
        try:
            check()
        except SlackError:
            continue


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["type"])
def test_every_node_may_be_anything(sample: Any) -> None:
    for path in places([sample]):
        for wrong in STRANGE:
            answers(broken([sample], path, wrong))


@settings(max_examples=200, deadline=None)
@given(wrong=JSON)
@example(wrong={"type": []})
def test_blocks_may_be_any_json(wrong: Any) -> None:
    answers(wrong)
    answers([wrong])


def test_the_samples_themselves_are_good() -> None:
    check_message_blocks(SAMPLES, lambda _: True)


NAMES = (
    "channel",
    "text",
    "blocks",
    "ts",
    "user",
    "view",
    "trigger_id",
    "files",
    "metadata",
    "limit",
    "cursor",
    "oldest",
    "thread_ts",
    "length",
    "filename",
    "users",
    "attachments",
    "name",
    "timestamp",
    "chunks",
    "recipient_user_id",
)


@pytest.mark.parametrize("method", sorted(METHODS))
async def test_strange_arguments_get_an_answer_from_every_method(office: Any, method: str) -> None:
    token = seed.APP_TOKEN if METHODS[method].token == "app" else seed.BOT_TOKEN
    headers = {"Authorization": f"Bearer {token}"}
    chance = random.Random(method)
    url = f"{office.url}/api/{method}"
    for _ in range(60):
        args = {name: chance.choice(STRANGE) for name in NAMES if chance.random() < 0.7}
        if chance.random() < 0.7:
            args["channel"] = seed.DEV_DEPLOYS
        answer = await office.session.post(url, json=args, headers=headers)
        assert answer.status == 200, (args, await answer.text())
        assert "ok" in await answer.json()


@pytest.mark.parametrize(
    "path",
    [
        "say",
        "action",
        "submit",
        "close",
        "shortcut",
        "read",
        "options",
        "faults",
        "clock",
        "socket",
        "channel",
        "rate",
        "request_url",
        "redeliver",
    ],
)
async def test_strange_bodies_get_an_answer_from_the_client_api(office: Any, path: str) -> None:
    await office.bot.views_publish(user_id=seed.ANA, view={"type": "home", "blocks": [SAMPLES[0]]})
    chance = random.Random(path)
    names: tuple[str, ...] = (
        "text",
        "block_id",
        "action_id",
        "view_id",
        "message_ts",
        "state",
        "value",
        "do",
    )
    names += ("selected_option", "ts", "advance", "mode", "url", "callback_id", "thread_ts")
    url = f"{office.url}/client/{path}"
    for raw in ("", "{", "[]", "null", '"x"'):
        answer = await office.session.post(url, data=raw)
        assert answer.status == 400 or path == "redeliver", raw
    for _ in range(40):
        body = {name: chance.choice(STRANGE) for name in names if chance.random() < 0.6}
        body["user"] = seed.ANA if chance.random() < 0.8 else chance.choice(STRANGE)
        body["channel"] = seed.GENERAL if chance.random() < 0.8 else chance.choice(STRANGE)
        if isinstance(body.get("text"), str) and body["text"].startswith("/"):
            continue
        answer = await office.session.post(url, json=body)
        assert answer.status in (200, 400, 404), (body, await answer.text())
    for query in ("", "?user=", "?user=U0ANA00000&channel=", "?user=%00&channel=x&thread_ts=x"):
        for read in ("boot", "messages", "view", "home"):
            answer = await office.session.get(f"{office.url}/client/{read}{query}")
            assert answer.status in (200, 400, 404)

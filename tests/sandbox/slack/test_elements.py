"""Controls: what a client holds back, what is told at once, and buttons inside of other blocks."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.slack import elements
from bot.sandbox.slack.errors import ClientError
from bot.sandbox.slack.messages import stored_blocks


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def held(kind: str, value: Any, optional: bool = False, **described: Any) -> dict[str, str]:
    """What a client says about a value in an input of this kind."""
    block = {
        "type": "input",
        "block_id": "b",
        "label": plain("l"),
        "optional": optional,
        "element": {"type": kind, "action_id": "a", **described},
    }
    key = "selected_users" if kind == "multi_users_select" else "value"
    state = elements.state([block], {"b": {"a": {"type": kind, key: value}}})
    return elements.complaints([block], state)


@pytest.mark.parametrize(
    ("kind", "value", "described"),
    [
        ("plain_text_input", "", {}),
        ("plain_text_input", "abc", {"min_length": 4}),
        ("plain_text_input", "abcdef", {"max_length": 5}),
        ("number_input", "three", {"is_decimal_allowed": True}),
        ("number_input", "NaN", {"is_decimal_allowed": True}),
        ("number_input", "1.5", {"is_decimal_allowed": False}),
        ("number_input", "1", {"is_decimal_allowed": False, "min_value": "2"}),
        ("number_input", "9", {"is_decimal_allowed": False, "max_value": "8"}),
        ("email_text_input", "ana", {}),
        ("url_text_input", "example.com", {}),
        ("multi_users_select", ["U1", "U2"], {"max_selected_items": 1}),
    ],
)
def test_a_client_holds_back_what_does_not_fit(kind: str, value: Any, described: Any) -> None:
    assert list(held(kind, value, **described)) == ["b"]


@pytest.mark.parametrize(
    ("kind", "value", "described"),
    [
        ("plain_text_input", "abcd", {"min_length": 4, "max_length": 4}),
        ("plain_text_input", "", {"optional": True, "min_length": 4}),
        ("number_input", "-2.5", {"is_decimal_allowed": True, "min_value": "-2.5"}),
        ("number_input", "8", {"is_decimal_allowed": False, "max_value": "8"}),
        ("email_text_input", "ana@example.com", {}),
        ("url_text_input", "https://example.com/x", {}),
        ("multi_users_select", ["U1"], {"max_selected_items": 1}),
    ],
)
def test_a_client_sends_what_fits(kind: str, value: Any, described: Any) -> None:
    assert held(kind, value, **described) == {}


def test_an_input_is_told_at_once_only_where_the_app_asked_for_it() -> None:
    block = {
        "type": "input",
        "block_id": "b",
        "label": plain("l"),
        "element": {"type": "external_select", "action_id": "a"},
    }
    with pytest.raises(ClientError, match="not_dispatched"):
        elements.acted_on([block], "b", "a")
    assert elements.find([block], "b", "a")["action_id"] == "a"
    assert elements.acted_on([{**block, "dispatch_action": True}], "b", "a")["action_id"] == "a"


def test_blocks_inside_of_blocks_have_ids_and_are_found() -> None:
    def button(action_id: str) -> dict[str, Any]:
        return {"type": "button", "action_id": action_id, "text": plain(action_id)}

    count = iter(range(100))
    container, carousel = stored_blocks(
        [
            {
                "type": "container",
                "title": plain("t"),
                "child_blocks": [{"type": "actions", "elements": [button("inner")]}],
            },
            {
                "type": "carousel",
                "elements": [{"type": "card", "actions": [button("card")]} for _ in range(2)],
            },
        ],
        lambda kind: f"{kind}{next(count)}",
    )
    ids = [
        container["block_id"],
        container["child_blocks"][0]["block_id"],
        carousel["block_id"],
        *(each["block_id"] for each in carousel["elements"]),
    ]
    assert len(set(ids)) == 5
    found = elements.find([container, carousel], ids[1], "inner")
    assert found["text"]["text"] == "inner"
    assert elements.find([container, carousel], ids[4], "card")
    with pytest.raises(ClientError):
        elements.find([container, carousel], ids[0], "inner")


def test_feedback_is_told_with_the_value_of_the_button_that_was_pressed() -> None:
    element = {
        "type": "feedback_buttons",
        "action_id": "f",
        "positive_button": {"text": plain("Good"), "value": "good"},
        "negative_button": {"text": plain("Bad"), "value": "bad"},
    }
    told = elements.action(element, "b", {"value": "bad"}, "1.000001")
    assert (told["type"], told["value"], told["text"]) == ("feedback_buttons", "bad", plain("Bad"))
    with pytest.raises(ClientError):
        elements.action(element, "b", {"value": "so so"}, "1.000001")

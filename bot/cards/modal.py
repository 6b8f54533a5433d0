"""A modal: what a person is asked in a window of its own, as a value like `Card`.

`callback` is `dyn:VERB`, as for buttons; `data` comes back with the submission as it is, so it is
read as foreign text. Limits: research/slack-contract.md §2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.cards.card import Block
from bot.cards.mrkdwn import plain

_TITLE, _LABEL, _HINT, _ENTERED = 24, 200, 200, 3_000


@dataclass(frozen=True, slots=True)
class Modal:
    callback: str
    title: str
    submit: str
    close: str
    blocks: Sequence[Block]
    data: str = ""

    @property
    def view(self) -> dict[str, Any]:
        """As `views.open` takes it."""
        return {
            "type": "modal",
            "callback_id": self.callback,
            "title": _text(self.title),
            "submit": _text(self.submit),
            "close": _text(self.close),
            "private_metadata": self.data,
            "blocks": [dict(block) for block in self.blocks],
        }


def text_input(name: str, label: str, *, hint: str = "", optional: bool = False) -> Block:
    """Some lines of text; `name` is the key of its value and of an error about it."""
    block: dict[str, Any] = {
        "type": "input",
        "block_id": name,
        "optional": optional,
        "label": {"type": "plain_text", "text": plain(label, _LABEL)},
        "element": {
            "type": "plain_text_input",
            "action_id": name,
            "multiline": True,
            "max_length": _ENTERED,
        },
    }
    if hint:
        block["hint"] = {"type": "plain_text", "text": plain(hint, _HINT)}
    return block


def line_input(name: str, label: str, *, value: str = "", hint: str = "") -> Block:
    """One short line, with what stands in it to begin with."""
    block: dict[str, Any] = {
        "type": "input",
        "block_id": name,
        "label": {"type": "plain_text", "text": plain(label, _LABEL)},
        "element": {
            "type": "plain_text_input",
            "action_id": name,
            "initial_value": value,
            "max_length": 20,
        },
    }
    if hint:
        block["hint"] = {"type": "plain_text", "text": plain(hint, _HINT)}
    return block


def _text(words: str) -> Block:
    return {"type": "plain_text", "text": plain(words, _TITLE)}

"""The few Block Kit blocks that cards are built of, each cut to Slack's limits.

Plain dicts: what the Slack SDK's models accept and what the wire carries differ too often
(research/slack-contract.md §2 has the limits, and which of them the SDK does not check). Text
that is given to `section` or `context` is `Mrkdwn`: ours or escaped; what goes into `header`,
`button`, `preformatted` and `table` is foreign text as it is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bot.cards.card import Block, Card
from bot.cards.mrkdwn import Mrkdwn, clean, cut, cut_mrkdwn, plain, size

HEADER = 150
SECTION = 3_000
FIELDS, FIELD = 10, 2_000
CONTEXT_ELEMENTS, CONTEXT = 10, 2_000
ACTIONS = 25
BUTTON, VALUE, LABEL = 75, 2_000, 75
CONFIRM_TITLE, CONFIRM_TEXT, CONFIRM_BUTTON = 100, 300, 30
PREFORMATTED_LINES, PREFORMATTED_LINE = 20, 300
TABLE_ROWS, TABLE_COLUMNS, CELL = 100, 20, 200
TEXT = 3_000
"""`text` is refused above 4,000 characters on an update."""

BLOCKS = 50
BUDGET = 9_000
"""Characters a reader sees in one message. Slack names no figure; 9,597 were seen to pass."""
BUDGET_JSON = 15_000
"""And of its JSON; 15,500 were seen to pass, 17,700 not."""


def header(text: str) -> Block:
    shown = plain(text, HEADER) or "…"
    return {"type": "header", "text": {"type": "plain_text", "text": shown, "emoji": True}}


def section(text: Mrkdwn, *, limit: int = SECTION, accessory: Block | None = None) -> Block:
    block: dict[str, Any] = {"type": "section", "text": _mrkdwn(text, limit)}
    if accessory is not None:
        block["accessory"] = accessory
    return block


def fields(texts: Sequence[Mrkdwn]) -> Block:
    """Two columns, for short facts."""
    return {"type": "section", "fields": [_mrkdwn(text, FIELD) for text in texts[:FIELDS]]}


def context(*texts: Mrkdwn) -> Block:
    """Small and grey: who, why, which line."""
    shown = [text for text in texts if text][:CONTEXT_ELEMENTS]
    return {"type": "context", "elements": [_mrkdwn(text, CONTEXT) for text in shown]}


def actions(*buttons: Block) -> Block:
    """Buttons in the order given: primary, neutral, danger."""
    return {"type": "actions", "elements": list(buttons[:ACTIONS])}


def button(
    label: str,
    action: str,
    value: str,
    *,
    style: Literal["primary", "danger"] | None = None,
    confirm: Block | None = None,
    spoken: str = "",
) -> Block:
    """`value` comes back with the click and must be whole: raises ValueError over 2,000.
    `spoken` is what a screen reader says where several buttons look alike."""
    if size(value) > VALUE:
        raise ValueError(f"a button carries at most {VALUE} characters")
    block: dict[str, Any] = {
        "type": "button",
        "text": {"type": "plain_text", "text": plain(label, BUTTON) or "…", "emoji": True},
        "action_id": action,
        "value": value,
    }
    if style is not None:
        block["style"] = style
    if confirm is not None:
        block["confirm"] = confirm
    if spoken:
        block["accessibility_label"] = plain(spoken, LABEL)
    return block


def link_button(label: str, action: str, url: str) -> Block:
    """Leads to an address; Slack sends a click of it too, which only wants an ack."""
    return {
        "type": "button",
        "text": {"type": "plain_text", "text": plain(label, BUTTON) or "…", "emoji": True},
        "action_id": action,
        "url": url,
    }


def confirm(title: str, text: str, yes: str, no: str, *, danger: bool = False) -> Block:
    """Asked by Slack itself before the click is sent."""
    block: dict[str, Any] = {
        "title": {"type": "plain_text", "text": plain(title, CONFIRM_TITLE)},
        "text": {"type": "plain_text", "text": plain(text, CONFIRM_TEXT)},
        "confirm": {"type": "plain_text", "text": plain(yes, CONFIRM_BUTTON)},
        "deny": {"type": "plain_text", "text": plain(no, CONFIRM_BUTTON)},
    }
    if danger:
        block["style"] = "danger"
    return block


def preformatted(
    lines: Iterable[str], *, last: int = PREFORMATTED_LINES, width: int = PREFORMATTED_LINE
) -> Block:
    """Foreign lines in fixed width; Slack reads nothing into them. The last ones are kept."""
    shown = [
        cut(clean(line, lines=True, most=8 * width).replace("\n", " "), width)
        for line in list(lines)[-last:]
    ]
    text = cut("\n".join(shown), SECTION)
    element = {"type": "text", "text": text if text.strip() else "…"}
    return {
        "type": "rich_text",
        "elements": [{"type": "rich_text_preformatted", "elements": [element]}],
    }


def table(rows: Sequence[Sequence[str | Block]], *, wrapped: Iterable[int] = ()) -> Block:
    """The first row is the heading. One per message; columns in `wrapped` may break lines. A cell
    is foreign text, or a `rich_text` block of our own."""
    cells = [[_cell(text) for text in row[:TABLE_COLUMNS]] for row in rows[:TABLE_ROWS]]
    wraps = set(wrapped)
    width = min(TABLE_COLUMNS, max((len(row) for row in cells), default=0))
    return {
        "type": "table",
        "rows": cells,
        "column_settings": [{"is_wrapped": index in wraps} for index in range(width)],
    }


def _cell(text: str | Block) -> Block:
    if not isinstance(text, str):
        return text
    return {"type": "raw_text", "text": plain(text, CELL) or "–"}


def _mrkdwn(text: Mrkdwn, limit: int) -> Block:
    # verbatim: Slack must not find links, channels or names of its own in foreign words.
    return {"type": "mrkdwn", "text": cut_mrkdwn(text, limit) or "…", "verbatim": True}


@dataclass(frozen=True, slots=True)
class Part:
    """A block and how much it matters: 0 is never left out, the highest goes first. `full` is the
    whole of a text that the block shows only the beginning of."""

    block: Block
    spare: int = 0
    full: str = ""


@dataclass(frozen=True, slots=True)
class Room:
    """How many blocks, characters to read and characters of JSON fit."""

    blocks: int = BLOCKS
    read: int = BUDGET
    written: int = BUDGET_JSON


MESSAGE = Room()
HOME = Room(100, 50_000, 100_000)
"""A view has no limit of characters to read; its JSON may be 250 kB."""


def fit(
    text: Mrkdwn,
    parts: Sequence[Part],
    *,
    shortened: Mrkdwn,
    limit: int = TEXT,
    room: Room = MESSAGE,
) -> Card:
    """The card of these parts within Slack's limits: what matters least is left out until the
    rest fits, and `shortened` says so at the end. What was cut is whole in `Card.full`."""
    summary = cut_mrkdwn(text, limit)
    weights = [_weight(part.block) for part in parts]
    cut_short = [part.full for part in parts if part.full]
    if _fits(summary, weights, room) and not cut_short:
        return Card(text=summary, blocks=tuple(part.block for part in parts))
    note = context(shortened)
    weights.append(_weight(note))
    kept = list(range(len(parts)))
    for index in sorted(kept, key=lambda i: (-parts[i].spare, -i)):
        if _fits(summary, [weights[i] for i in (*kept, -1)], room):
            break
        kept.remove(index)
    whole = [
        part.full or "\n".join(shown_texts(part.block))
        for index, part in enumerate(parts)
        if part.full or index not in kept
    ]
    blocks = (*(parts[i].block for i in kept), note)
    return Card(text=summary, blocks=blocks, full="\n\n".join(whole))


def _weight(block: Block) -> tuple[int, int]:
    """What a block takes of the two budgets: characters to read, characters of JSON."""
    return sum(map(size, shown_texts(block))), len(json.dumps(block)) + 2


def _fits(text: str, weights: Sequence[tuple[int, int]], room: Room) -> bool:
    read = sum(weight[0] for weight in weights)
    written = len(json.dumps(text)) + sum(weight[1] for weight in weights)
    return len(weights) <= room.blocks and read <= room.read and written <= room.written


def shown_texts(node: object) -> list[str]:
    """Every text in a block tree that a reader sees: what the budget counts."""
    found: list[str] = []
    _walk(node, found.append)
    return found


def _walk(node: object, found: Callable[[str], None]) -> None:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "text" and isinstance(value, str):
                found(value)
            else:
                _walk(value, found)
    elif isinstance(node, list | tuple):
        for item in node:
            _walk(item, found)


def shown_hash(card: Card) -> str:
    """Tells whether an edit would change anything that a reader sees. Cards hold no figure that
    runs with the clock while a rollout is under way, so an equal state has an equal hash."""
    content = json.dumps({"text": card.text, "blocks": card.blocks}, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]

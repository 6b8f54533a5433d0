"""A card as lines of text, for a terminal: the same words, without Slack's marks.

Pure. Buttons are left out (nobody can press them there) but for lines that can be typed; links
keep their address. No control character gets through: foreign text must not steer a terminal.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.cards.card import Card

_ANGLE = re.compile(r"<([^<>\n]+)>")
_BOLD = re.compile(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])")
_ITALIC = re.compile(r"(?<![\w_])_([^_\n]+)_(?![\w_])")
_CODE = re.compile(r"(`[^`\n]+`)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_HELD = "\x00"
"""Holds the place of code. Foreign text has none of it: control characters go first."""
_GAP = "  "


def as_text(card: Card) -> str:
    """The card's blocks from top to bottom, and what had to be cut from them."""
    pieces = [piece for block in card.blocks for piece in _block(block) if piece.strip()]
    if card.full:
        pieces.append(card.full)
    return _CONTROL.sub("", "\n".join(pieces) or words(card.text))


def lines_of_logs(rows: Sequence[str]) -> str:
    """Lines that a service wrote, as they are: nothing in them is a mark of Slack's. What one of
    them says on several lines is indented, so that it cannot pass for another one."""
    return _CONTROL.sub("", "\n".join(row.replace("\n", "\n    ") for row in rows))


def words(mrkdwn: str) -> str:
    """Slack's mrkdwn as plain words; what stands in backticks stays as it is, also where marks
    stand around it."""
    bare = _CONTROL.sub("", mrkdwn)
    shown = _unmarked(_CODE.sub(_HELD, bare))
    for each in _CODE.findall(bare):
        shown = shown.replace(_HELD, each, 1)
    return _CONTROL.sub("", html.unescape(shown))  # unescaping may have made new ones


def _unmarked(text: str) -> str:
    return _ANGLE.sub(_reference, _ITALIC.sub(r"\1", _BOLD.sub(r"\1", text)))


def _reference(found: re.Match[str]) -> str:
    """A mention, a channel, a date or a link."""
    target, _, label = found[1].partition("|")
    match target[0]:
        case "@" | "#":
            return f"{target[0]}{label or target[1:]}"
        case "!":
            return label or f"@{target[1:].rpartition('^')[2]}"
    return f"{label} ({target})" if label and label != target else target


def _block(block: Mapping[str, Any]) -> Iterator[str]:
    match block.get("type"):
        case "header":
            yield str(block["text"]["text"])
        case "section":
            shown = [block["text"]] if "text" in block else []
            yield from (_said(text) for text in [*shown, *block.get("fields", ())])
            yield from _lines([block.get("accessory", {})])
        case "actions":
            yield from _lines(block["elements"])
        case "context":
            yield _GAP.join(_said(e) for e in block["elements"] if "text" in e)
        case "table":
            yield from _table(block["rows"])
        case "rich_text":
            yield _rich(block)
        case "image":
            yield str(block.get("alt_text", ""))


def _lines(elements: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Of buttons those that carry a line which can be typed instead."""
    labels = [str((each.get("text") or {}).get("text", "")) for each in elements]
    yield from (f"{_GAP}{label}" for label in labels if label.startswith("/dynamo "))


def _said(text: Mapping[str, Any]) -> str:
    said = str(text["text"])
    return words(said) if text.get("type") == "mrkdwn" else said


def _table(rows: list[list[Mapping[str, Any]]]) -> Iterator[str]:
    cells = [[_cell(cell) for cell in row] for row in rows]
    columns = max((len(row) for row in cells), default=0)
    wide = [max(len(row[i]) for row in cells if i < len(row)) for i in range(columns)]
    for row in cells:
        yield _GAP.join(cell.ljust(wide[i]) for i, cell in enumerate(row)).rstrip()


def _cell(cell: Mapping[str, Any]) -> str:
    text = str(cell["text"]) if cell.get("type") == "raw_text" else _rich(cell)
    return text.replace("\n", " ")


def _rich(node: Mapping[str, Any]) -> str:
    """The text of a rich_text tree; a line for each of its parts."""
    match node.get("type"):
        case "text" | "link":
            return str(node.get("text") or node.get("url", ""))
        case "user":
            return f"@{node.get('user_id', '')}"
        case "emoji":
            return f":{node.get('name', '')}:"
        case "rich_text" | "rich_text_list":
            return "\n".join(_rich(each) for each in node.get("elements", ()))
    return "".join(_rich(each) for each in node.get("elements", ()))

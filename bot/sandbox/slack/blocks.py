"""The Block Kit validator: what Slack would refuse is refused here, in its words.

`check_message_blocks` and `check_view` raise `SchemaError` with every breach at once. The numbers
are in `limits.py`, the schemas in `block_schemas.py` and what it names.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from bot.sandbox.slack import limits
from bot.sandbox.slack.block_data import table_text
from bot.sandbox.slack.block_elements import OPTION_GROUPS, OPTIONS
from bot.sandbox.slack.block_schemas import MESSAGE_BLOCKS, VIEWS
from bot.sandbox.slack.errors import SchemaError, SlackError
from bot.sandbox.slack.messages import own_parts, placed_blocks
from bot.sandbox.slack.schema import Check, breach, by_type, record
from bot.sandbox.slack.workspace import texts_of

FileUsable = Callable[[str], bool]
"""Whether an image block may show the file of this id: known and processed."""


# -- messages --------------------------------------------------------------------------------------


def check_message_blocks(blocks: Any, usable: FileUsable) -> None:
    """Raise `SchemaError` (`invalid_blocks`) or `SlackError` (`msg_blocks_too_long`)."""
    if blocks == []:
        _refuse("invalid_blocks", _breaches(blocks, "/blocks", usable))
    check_content(blocks, [], usable)


def check_content(blocks: Any, attachments: Any, usable: FileUsable) -> None:
    """Blocks and attachments of one message, and what counts over both: tables, and all of their
    size. Raises `SchemaError` (`invalid_blocks`, `invalid_attachments`) or `SlackError`.
    """
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    if not isinstance(attachments, list):
        raise SlackError("invalid_attachments")
    if len(attachments) > limits.ATTACHMENTS:
        raise SlackError("too_many_attachments")
    if blocks:
        _refuse("invalid_blocks", _breaches(blocks, "/blocks", usable))
    for index, each in enumerate(attachments):
        where = f"/attachments/{index}"
        if not isinstance(each, dict):
            _refuse("invalid_attachments", [breach("must provide an object", where)])
        elif each.get("blocks"):
            inside = _breaches(each["blocks"], f"{where}/blocks", usable)
            _refuse("invalid_attachments", inside)
    everything = [*blocks, *(block for each in attachments for block in each.get("blocks") or [])]
    _refuse("invalid_blocks", list(_over_all(everything)))
    size = len(json.dumps(everything, ensure_ascii=False, separators=(",", ":")))
    length = sum(len(each) for each in texts_of(everything))
    if length > limits.BLOCKS_TEXT or size > limits.BLOCKS_JSON:
        raise SlackError("msg_blocks_too_long")


def _refuse(code: str, breaches: list[str]) -> None:
    if breaches:
        raise SchemaError(code, breaches)


def _breaches(blocks: Any, pointer: str, usable: FileUsable) -> list[str]:
    found: list[str] = []
    MESSAGE_BLOCKS(blocks, pointer, found)
    if not found:
        _unique_ids(blocks, pointer, found)
        _known_files(blocks, pointer, usable, found)
    return found


def _over_all(blocks: list[Any]) -> Iterator[str]:
    every = [block for _, block in placed_blocks(blocks)]
    kinds = [block["type"] for block in every]
    if kinds.count("table") > limits.TABLES_PER_MESSAGE:
        yield breach("only_one_table_allowed", "/blocks")
    if kinds.count("data_visualization") > limits.CHARTS_PER_MESSAGE:
        yield breach("too many data_visualization blocks", "/blocks")
    if sum(table_text(each) for each in every) > limits.TABLE_TEXT:
        yield breach(f"must be less than {limits.TABLE_TEXT + 1} characters", "/blocks")
    markdown = sum(len(block["text"]) for block in every if block["type"] == "markdown")
    if markdown > limits.MARKDOWN_TEXT:
        yield breach(f"must be less than {limits.MARKDOWN_TEXT + 1} characters", "/blocks")


def _unique_ids(blocks: list[Any], pointer: str, found: list[str]) -> None:
    """Block ids once per message or view, action ids once per block."""
    seen: set[str] = set()
    for where, block in placed_blocks(blocks, pointer):
        block_id = block.get("block_id")
        if block_id is not None and block_id in seen:
            words = f'`block_id` "{block_id}" already exists'
            found.append(breach(words, f"{where}/block_id"))
        seen.add(str(block_id))
        actions: set[str] = set()
        for place, action_id in _action_ids(own_parts(block), where):
            if action_id in actions:
                found.append(breach(f'`action_id` "{action_id}" already exists', place))
            actions.add(action_id)


def _action_ids(value: Any, pointer: str) -> list[tuple[str, str]]:
    ids = []
    if isinstance(value, dict):
        if "action_id" in value:
            ids.append((f"{pointer}/action_id", value["action_id"]))
        for name, each in value.items():
            ids += _action_ids(each, f"{pointer}/{name}")
    elif isinstance(value, list):
        for index, each in enumerate(value):
            ids += _action_ids(each, f"{pointer}/{index}")
    return ids


def _known_files(value: Any, pointer: str, usable: FileUsable, found: list[str]) -> None:
    if isinstance(value, list):
        for index, each in enumerate(value):
            _known_files(each, f"{pointer}/{index}", usable, found)
    elif isinstance(value, dict):
        reference = value.get("slack_file")
        file_id = reference.get("id") if isinstance(reference, dict) else None
        if value.get("type") == "image" and file_id is not None and not usable(file_id):
            found.append(breach("invalid slack file", f"{pointer}/slack_file"))
        for name, each in value.items():
            if isinstance(each, dict | list):
                _known_files(each, f"{pointer}/{name}", usable, found)


# -- views -----------------------------------------------------------------------------------------


def check_view(view: Any, usable: FileUsable, *, surface: str) -> None:
    """Raise `SchemaError` (`invalid_arguments`), or `view_too_large`, for a view of this
    surface.
    """
    found: list[str] = []
    kind = view.get("type") if isinstance(view, dict) else None
    if isinstance(kind, str) and kind in VIEWS and kind != surface:
        found.append(breach(f"must be one of: {surface}", "/view/type"))
    else:
        by_type(VIEWS)(view, "/view", found)
    if not found:
        _unique_ids(view["blocks"], "/view/blocks", found)
        _known_files(view["blocks"], "/view/blocks", usable, found)
        _submit_for_inputs(view, found)
    if found:
        raise SchemaError("invalid_arguments", found)
    if len(json.dumps(view, ensure_ascii=False).encode("utf-8", "replace")) > limits.VIEW_JSON:
        raise SlackError("view_too_large")


def _submit_for_inputs(view: Any, found: list[str]) -> None:
    if view["type"] != "modal" or "submit" in view:
        return
    for index, block in enumerate(view["blocks"]):
        if block["type"] == "input":
            message = "must define `submit` to use an `input` block in modals"
            found.append(breach(message, f"/view/blocks/{index}/input"))


# -- options ---------------------------------------------------------------------------------------


def check_options(answer: Any) -> None:
    """The answer to a block_suggestion: `options` or `option_groups`, at most a hundred."""
    found: list[str] = []
    record({}, {"options": _or_empty(OPTIONS), "option_groups": OPTION_GROUPS})(answer, "", found)
    if found:
        raise SchemaError("invalid_arguments", found)


def _or_empty(check: Check) -> Check:
    """A list that may be empty, as when nothing matches what was typed."""

    def checked(value: Any, pointer: str, found: list[str]) -> None:
        if value != []:
            check(value, pointer, found)

    return checked

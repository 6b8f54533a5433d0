"""What a message says: text, blocks, attachments and metadata of a call or an answer, checked.

Shared by the Web API and response URLs. The schemas are in `blocks.py`.
"""

from __future__ import annotations

import json
from typing import Any

from bot.sandbox.slack import limits
from bot.sandbox.slack.blocks import FileUsable, check_content
from bot.sandbox.slack.errors import JSON, SchemaError, SlackError


def check_words(text: str, blocks: Any, attachments: Any, usable: FileUsable) -> None:
    """Raise `SlackError` unless this is a message: it says something, within Slack's limits."""
    if not text and not blocks and not attachments:
        raise SlackError("no_text")
    check_content(blocks, attachments, usable)


def check_markdown(markdown: str, text: str, blocks: Any) -> None:
    """`markdown_text` stands alone, and has its own limit."""
    if text or blocks:
        raise SlackError("markdown_text_conflict")
    if len(markdown) > limits.MARKDOWN_TEXT:
        raise SlackError("msg_too_long")


def check_metadata(found: Any) -> JSON | None:
    """Metadata as it is kept: None where none came, empty where it shall be taken away."""
    if found is None:
        return None
    if not isinstance(found, dict):
        raise SlackError("invalid_metadata_format")
    breaches = [
        f"missing required field: {key} [json-pointer:/metadata]"
        for key, kind in (("event_type", str), ("event_payload", dict))
        if not isinstance(found.get(key), kind)
    ]
    breaches += [
        f"invalid additional property: {key} [json-pointer:/metadata]"
        for key in found
        if key not in ("event_type", "event_payload", "entities")
    ]
    if breaches and found:
        raise SchemaError("invalid_metadata_format", breaches)
    if len(json.dumps(found)) > limits.METADATA_JSON:
        raise SlackError("metadata_too_large")
    metadata: JSON = found
    return metadata

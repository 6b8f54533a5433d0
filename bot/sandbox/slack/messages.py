"""Messages as Slack writes them out, and blocks as Slack keeps them.

Slack adds to the blocks it stores (ids, `emoji`, `verbatim`, sizes of images): an app that posts
such blocks back is refused, so the workspace adds them too.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from bot.sandbox.slack.block_elements import INTERACTIVE
from bot.sandbox.slack.errors import JSON
from bot.sandbox.slack.workspace import Message, Workspace

_INNER = {"container": "child_blocks", "carousel": "elements"}


def placed_blocks(blocks: list[JSON], pointer: str = "") -> Iterator[tuple[str, JSON]]:
    """Blocks with their pointers, and those inside of containers and carousels: each has an id of
    its own.
    """
    for index, block in enumerate(blocks):
        where = f"{pointer}/{index}"
        yield where, block
        inner = _INNER.get(str(block.get("type")))
        if inner is not None:
            yield from placed_blocks(block.get(inner, []), f"{where}/{inner}")


def own_parts(block: JSON) -> JSON:
    """A block without the blocks inside of it."""
    return {k: v for k, v in block.items() if k != _INNER.get(str(block.get("type")))}


def stored_blocks(blocks: list[JSON], new_id: Callable[[str], str]) -> list[JSON]:
    """A copy of an app's blocks with what Slack adds: block and action ids, defaults of texts."""
    kept: list[JSON] = copy.deepcopy(blocks)
    for _, block in placed_blocks(kept):
        block.setdefault("block_id", new_id("b"))
    _dress(kept, new_id)
    return kept


def _dress(value: Any, new_id: Callable[[str], str]) -> None:
    if isinstance(value, list):
        for each in value:
            _dress(each, new_id)
        return
    if not isinstance(value, dict):
        return
    kind = value.get("type")
    if kind == "plain_text":
        value.setdefault("emoji", True)
    elif kind == "mrkdwn":
        value.setdefault("verbatim", False)
    elif kind == "image" and "alt_text" in value:
        value.setdefault("image_width", 800)
        value.setdefault("image_height", 400)
        value.setdefault("image_bytes", 0)
        value.setdefault("fallback", value["alt_text"])
    elif kind in INTERACTIVE:
        value.setdefault("action_id", new_id("a"))
    for each in tuple(value.values()):
        if isinstance(each, dict | list):
            _dress(each, new_id)


def wire(
    workspace: Workspace, message: Message, files: list[JSON], *, metadata: bool = False
) -> JSON:
    """The message object of Slack's API; `files` are the objects of the message's files."""
    body: JSON = {
        "type": "message",
        "user": message.user,
        "ts": message.ts,
        "text": message.text,
        "team": workspace.team.id,
    }
    if message.subtype:
        body["subtype"] = message.subtype
    if message.bot_id:
        body["bot_id"] = message.bot_id
        body["app_id"] = message.app_id
    if message.blocks:
        body["blocks"] = message.blocks
    if message.attachments:
        body["attachments"] = message.attachments
    if message.edited_ts:
        body["edited"] = {"user": message.user, "ts": message.edited_ts}
    if message.metadata is not None and metadata:
        body["metadata"] = message.metadata
    if files:
        body["files"] = files
    if message.reactions:
        body["reactions"] = [
            {"name": name, "users": users, "count": len(users)}
            for name, users in message.reactions.items()
        ]
    body |= _thread(workspace, message)
    return copy.deepcopy(body)


def _thread(workspace: Workspace, message: Message) -> JSON:
    if message.thread_ts is None:
        return {}
    if message.is_reply:
        parent = workspace.find(message.channel, message.thread_ts)
        author = {"parent_user_id": parent.user} if parent else {}
        return {"thread_ts": message.thread_ts, **author}
    replies = workspace.channels[message.channel].replies.get(message.ts, [])
    if not replies:
        return {}
    authors = list(dict.fromkeys(reply.user for reply in replies))
    return {
        "thread_ts": message.ts,
        "reply_count": len(replies),
        "reply_users_count": len(authors),
        "reply_users": authors,
        "latest_reply": replies[-1].ts,
    }


def client_view(workspace: Workspace, message: Message, files: list[JSON]) -> JSON:
    """The message as the page gets it: Slack's object and what only a client knows."""
    body = wire(workspace, message, files, metadata=True)
    body["channel"] = message.channel
    if message.visible_to is not None:
        body["ephemeral"] = True
    if message.command is not None:
        body["command"] = message.command
    if message.error:
        body["error"] = True
    return body

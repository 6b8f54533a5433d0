"""chat.startStream and its kin: a message that an app writes piece by piece into a thread.

While it streams it cannot be edited; Slack closes it after some minutes, whether or not the app is
done (slack-contract.md §3). The words and tasks of the pieces become blocks of the one message.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.sandbox.slack import limits
from bot.sandbox.slack.block_cards import SOURCE, STATUS
from bot.sandbox.slack.blocks import check_message_blocks
from bot.sandbox.slack.contents import check_markdown, check_metadata
from bot.sandbox.slack.errors import JSON, SchemaError, SlackError
from bot.sandbox.slack.messages import stored_blocks
from bot.sandbox.slack.methods.chat import shown
from bot.sandbox.slack.methods.places import own_message, thread_of, writable
from bot.sandbox.slack.schema import Check, array, breach, by_type, record, string
from bot.sandbox.slack.waiting import patience
from bot.sandbox.slack.web_api import Call, method
from bot.sandbox.slack.workspace import Message

_CHUNKS: Check = array(
    by_type(
        {
            "markdown_text": record({"text": string(limits.MARKDOWN_TEXT)}, typed=True),
            "task_update": record(
                {
                    "id": string(limits.BLOCK_ID),
                    "title": string(limits.CARD_TITLE),
                    "status": STATUS,
                },
                {
                    "details": string(limits.TEXT),
                    "output": string(limits.TEXT),
                    "sources": array(SOURCE, 0, limits.MESSAGE_BLOCKS),
                },
                typed=True,
            ),
            "plan_update": record({"title": string(limits.CARD_TITLE)}, typed=True),
            "blocks": record({"blocks": lambda *_: None}, typed=True),
        }
    ),
    0,
    limits.STREAM_CHUNKS,
)


@method("chat.startStream", "chat:write", tier="T2")
def start(call: Call) -> JSON:
    """In a channel it must be told for whom; a stream is always an answer in a thread."""
    channel = writable(call.slack, call.need("channel"))
    thread_ts = thread_of(channel, call.need("thread_ts"))
    if channel.kind != "im":
        if call.text("recipient_team_id") is None:
            raise SlackError("missing_recipient_team_id")
        if call.text("recipient_user_id") is None:
            raise SlackError("missing_recipient_user_id")
        if call.text("recipient_user_id") not in call.slack.workspace.users:
            raise SlackError("user_not_found")
    workspace = call.slack.workspace
    blocks = _grown(call, [])
    message = workspace.post_as_app(
        channel.id,
        _words(blocks),
        blocks=stored_blocks(blocks, workspace.new_id),
        thread_ts=thread_ts,
        streaming=True,
    )
    life = patience(call.slack.clock, limits.STREAM_SECONDS)
    call.slack.clock.call_later(life, lambda: _end(call, message))
    return {"channel": channel.id, "ts": message.ts}


@method("chat.appendStream", "chat:write", tier="T4")
def append(call: Call) -> JSON:
    message = _streaming(call)
    if call.text("markdown_text") is None and not call.structure("chunks"):
        raise SlackError("no_text")
    _write(call, message, _grown(call, message.blocks))
    return {"channel": message.channel, "ts": message.ts}


@method("chat.stopStream", "chat:write", tier="T2")
def stop(call: Call) -> JSON:
    """What is appended last, and blocks below all that was streamed."""
    message = _streaming(call)
    metadata = check_metadata(call.structure("metadata"))
    final = call.structure("blocks") or []
    if final:
        check_message_blocks(final, call.slack.files.usable)
    blocks = _grown(call, message.blocks, final)
    message.metadata = metadata or message.metadata
    message.streaming = False
    _write(call, message, blocks)
    return {"channel": message.channel, "ts": message.ts, "message": shown(call, message)}


def _streaming(call: Call) -> Message:
    message = own_message(call, "message_not_owned_by_app")
    if not message.streaming:
        raise SlackError("message_not_in_streaming_state")
    return message


def _end(call: Call, message: Message) -> None:
    there = call.slack.workspace.find(message.channel, message.ts)
    if message.streaming and there is message:  # nobody has deleted it meanwhile
        message.streaming = False
        call.slack.workspace.changed(message)


def _write(call: Call, message: Message, blocks: list[JSON]) -> None:
    workspace = call.slack.workspace
    message.blocks = stored_blocks(blocks, workspace.new_id)
    message.text = _words(blocks)
    workspace.changed(message)


def _words(blocks: list[JSON]) -> str:
    return "".join(each["text"] for each in blocks if each["type"] == "markdown")


def _grown(call: Call, blocks: list[JSON], below: Sequence[JSON] = ()) -> list[JSON]:
    """The blocks so far, what this call adds to them, and what stands below it all."""
    pieces = _chunks(call)
    markdown = call.text("markdown_text")
    if markdown is not None:
        check_markdown(markdown, "", [])
        pieces = [{"type": "markdown_text", "text": markdown}, *pieces]
    for piece in pieces:
        blocks = _with_piece(blocks, piece)
    blocks = [*blocks, *below]
    if len(_words(blocks)) > limits.MARKDOWN_TEXT:
        raise SlackError("msg_too_long")
    if len(blocks) > limits.MESSAGE_BLOCKS:
        words = f"no more than {limits.MESSAGE_BLOCKS} items allowed"
        raise SchemaError("invalid_blocks", [breach(words, "/blocks")])
    return blocks


def _chunks(call: Call) -> list[JSON]:
    found = call.structure("chunks")
    if found is None:
        return []
    breaches: list[str] = []
    _CHUNKS(found, "/chunks", breaches)
    if breaches:
        raise SchemaError("invalid_chunks", breaches)
    for each in found:
        if each["type"] == "blocks":
            check_message_blocks(each["blocks"], call.slack.files.usable)
    chunks: list[JSON] = found
    return chunks


def _with_piece(blocks: list[JSON], piece: JSON) -> list[JSON]:
    """Text goes on where the last text ended; a task or the plan is found again by its id."""
    kind = piece["type"]
    if kind == "blocks":
        return [*blocks, *piece["blocks"]]
    if kind == "markdown_text":
        if blocks and blocks[-1]["type"] == "markdown":
            return [*blocks[:-1], {**blocks[-1], "text": blocks[-1]["text"] + piece["text"]}]
        return [*blocks, {"type": "markdown", "text": piece["text"]}]
    if kind == "plan_update":
        return _replaced(blocks, {"type": "plan", "title": piece["title"]}, "type")
    task: JSON = {"type": "task_card", "task_id": piece["id"]}
    task |= {key: piece[key] for key in ("title", "status", "sources") if key in piece}
    task |= {key: _rich(piece[key]) for key in ("details", "output") if key in piece}
    return _replaced(blocks, task, "task_id")


def _replaced(blocks: list[JSON], block: JSON, key: str) -> list[JSON]:
    known = [each for each in blocks if each.get(key) == block[key]]
    if not known:
        return [*blocks, block]
    return [{**each, **block} if each is known[0] else each for each in blocks]


def _rich(text: str) -> dict[str, Any]:
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [section]}

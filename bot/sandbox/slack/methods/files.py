"""files.*: the three steps of an upload, and what became of it."""

from __future__ import annotations

from bot.sandbox.slack import limits
from bot.sandbox.slack.blocks import check_message_blocks
from bot.sandbox.slack.errors import JSON, SchemaError, SlackError
from bot.sandbox.slack.files import File, Share
from bot.sandbox.slack.messages import stored_blocks
from bot.sandbox.slack.methods.places import writable
from bot.sandbox.slack.web_api import Call, method


@method("files.getUploadURLExternal", "files:write", tier="T4")
def get_upload_url(call: Call) -> JSON:
    name, length = call.need("filename"), call.number("length", 0)
    if length < 1:
        raise SlackError("missing_argument")
    if length > limits.FILE_BYTES:
        raise SlackError("file_upload_size_restricted")
    alt_txt = call.text("alt_txt")
    if alt_txt is not None and len(alt_txt) > limits.FILE_ALT_TEXT:
        raise SlackError("alt_txt_too_large")
    if call.text("snippet_type") is not None and length > limits.SNIPPET_BYTES:
        raise SlackError("snippet_too_large")
    owner = call.slack.workspace.app.bot_user_id
    file = call.slack.files.expect(name, length, owner, alt_txt)
    url = f"{call.slack.base_url()}/upload/v1/{file.ticket}"
    return {"upload_url": url, "file_id": file.id}


@method("files.completeUploadExternal", "files:write", tier="T4")
def complete_upload(call: Call) -> JSON:
    """Answers before the files are processed: their `shares` are empty still."""
    files = [_uploaded(call, each) for each in _entries(call)]
    share = _share(call)
    call.slack.files.complete(files, share)
    return {"files": [call.slack.files.wire(file) for file in files]}


@method("files.info", "files:read", tier="T4")
def info(call: Call) -> JSON:
    file = call.slack.files.get(call.need("file"))
    if not file.completed:
        raise SlackError("file_not_found")
    paging = {"count": 100, "total": 0, "page": 1, "pages": 0}
    return {
        "file": call.slack.files.wire(file),
        "comments": [],
        "paging": paging,
        "response_metadata": {"next_cursor": ""},
    }


def _entries(call: Call) -> list[JSON]:
    found = call.structure("files")
    if not isinstance(found, list) or not found:
        raise SchemaError("invalid_arguments", ["missing required field: files"])
    for number, each in enumerate(found):
        if not isinstance(each, dict) or not isinstance(each.get("id"), str):
            where = f"[json-pointer:/files/{number}]"
            raise SchemaError("invalid_arguments", [f"missing required field: id {where}"])
    return found


def _uploaded(call: Call, entry: JSON) -> File:
    file = call.slack.files.get(entry["id"])
    if file.content is None or file.completed:
        raise SlackError("file_not_found")
    file.title = str(entry.get("title") or file.name)
    return file


def _share(call: Call) -> Share:
    names = [each for each in (call.text("channels") or "").split(",") if each]
    if single := call.text("channel_id"):
        names.append(single)
    if len(names) > limits.FILE_CHANNELS:
        raise SlackError("channels_limit_exceeded")
    channels = tuple(writable(call.slack, each, uninvited=False).id for each in names)
    text = call.text("initial_comment") or ""
    blocks = [] if text else call.structure("blocks") or []  # the comment takes their place
    if any(isinstance(each, dict) and each.get("type") == "markdown" for each in blocks):
        raise SlackError("internal_error")
    if blocks:
        check_message_blocks(blocks, call.slack.files.usable)
    return Share(
        channels,
        text=text,
        blocks=tuple(stored_blocks(blocks, call.slack.workspace.new_id)),
        thread_ts=call.text("thread_ts"),
    )

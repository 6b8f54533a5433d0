"""What open pages hear: messages they may see, views, unread counters, toasts, waiting buttons."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Literal

from bot.sandbox.slack.elements import begin_with
from bot.sandbox.slack.errors import JSON
from bot.sandbox.slack.files import Files
from bot.sandbox.slack.messages import client_view
from bot.sandbox.slack.views import View, ViewEvent, Views
from bot.sandbox.slack.workspace import Change, Channel, Message, Workspace

Queue = asyncio.Queue[str]
"""Events of one stream, written out: a message is written once for all who see it."""


class Streams:
    """Fan-out from workspace changes to the streams of each person (who may have several)."""

    def __init__(self, workspace: Workspace, files: Files, views: Callable[[], Views]) -> None:
        self._workspace = workspace
        self._files = files
        self._views = views
        self._queues: dict[str, list[Queue]] = {}
        workspace.subscribe(self._on_change)

    def connect(self, user: str) -> Queue:
        queue: Queue = asyncio.Queue()
        self._queues.setdefault(user, []).append(queue)
        return queue

    def leave(self, user: str, queue: Queue) -> None:
        self._queues[user].remove(queue)

    def send(self, user: str, event: JSON) -> None:
        if self._queues.get(user):
            self._put(user, json.dumps(event))

    def _put(self, user: str, event: str) -> None:
        for queue in self._queues.get(user, ()):
            queue.put_nowait(event)

    def toast(self, user: str, level: Literal["error", "info"], text: str) -> None:
        self.send(user, {"event": "toast", "level": level, "text": text})

    def on_view(self, event: ViewEvent) -> None:
        if self._queues.get(event.view.user):
            view = page_view(self._views(), self._files, event.view)
            self.send(event.view.user, {"event": event.kind, "view": view})

    def _on_change(self, change: Change) -> None:
        written: dict[str, str] = {}
        for user in [user for user, queues in self._queues.items() if queues]:
            if not self._workspace.can_see(user, change.channel):
                continue
            message = change.message
            if message is not None and message.visible_to in (None, user):
                kind: str = change.kind
                if kind == "message" and message.command is not None and user == message.user:
                    kind = "message_changed" if message.visible_to is None else "message"
                if kind not in written:
                    body = {"channel": change.channel.id, "message": self.message(message)}
                    written[kind] = json.dumps({"event": kind, **body})
                self._put(user, written[kind])
            if change.kind in ("message", "channel"):
                self.send(user, {"event": "channel", "channel": self.channel(user, change.channel)})

    def message(self, message: Message) -> JSON:
        """A message as the page gets it, with addresses for the uploaded images in its blocks."""
        body = client_view(self._workspace, message, self._files.for_page(message))
        _locate_images(body.get("blocks", []), self._files)
        return body

    def channel(self, user: str, channel: Channel) -> JSON:
        unread, mentions = self._workspace.unread(user, channel)
        visible = [m.ts for m in channel.messages[-20:] if m.visible_to in (None, user)]
        body: JSON = {
            "id": channel.id,
            "name": channel.name,
            "topic": channel.topic,
            "kind": channel.kind,
            "is_member": user in channel.members,
            "bot_is_member": self._workspace.app.bot_user_id in channel.members,
            "is_archived": channel.archived,
            "unread": unread,
            "mentions": mentions,
            "last_ts": visible[-1] if visible else None,
        }
        if channel.kind == "im":
            body["user_id"] = self._workspace.app.bot_user_id
        return body


def page_view(views: Views, files: Files, view: View) -> JSON:
    """A view as the page gets it: Slack's object, with paths of uploaded images, and menus of
    conversations at the one where the person was.
    """
    body = views.wire(view)
    if view.channel is not None:
        begin_with(body["blocks"], view.channel)
    _locate_images(body["blocks"], files)
    return body


def _locate_images(value: object, files: Files) -> None:
    """Write the path of an uploaded image beside its id, as the browser knows only those."""
    if isinstance(value, list):
        for each in value:
            _locate_images(each, files)
    elif isinstance(value, dict):
        reference = value.get("slack_file")
        if value.get("type") == "image" and isinstance(reference, dict):
            file = files.find(str(reference.get("id", "")))
            if file is not None:
                reference["url"] = files.path(file)
        for each in value.values():
            _locate_images(each, files)

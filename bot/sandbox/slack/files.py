"""Files: uploaded in three steps, processed a while after the third, then shared in a channel."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from mimetypes import MimeTypes
from typing import Any
from urllib.parse import quote

from bot.sandbox.clock import Clock
from bot.sandbox.slack import limits
from bot.sandbox.slack.errors import JSON, SlackError
from bot.sandbox.slack.workspace import Message, Workspace

# Python's own table, not this machine's: a file has the same type wherever the sandbox runs.
_TYPES = MimeTypes()
for _extension in (".log", ".txt", ".yml", ".yaml", ".diff", ".patch"):
    _TYPES.add_type("text/plain", _extension)


@dataclass(slots=True)
class File:
    """A file from the moment its upload URL is asked for; `processed` when blocks may use it."""

    id: str
    name: str
    title: str
    length: int
    owner: str
    created: int
    ticket: str
    alt_txt: str | None = None
    content: bytes | None = None
    completed: bool = False
    processed: bool = False
    shares: dict[str, list[str]] = field(default_factory=dict)

    @property
    def mimetype(self) -> str:
        return _TYPES.guess_type(self.name)[0] or "application/octet-stream"

    @property
    def is_image(self) -> bool:
        return self.mimetype.startswith("image/")


@dataclass(frozen=True, slots=True)
class Share:
    """Where a completed upload shall appear, and with what words."""

    channels: tuple[str, ...]
    text: str = ""
    blocks: tuple[JSON, ...] = ()
    thread_ts: str | None = None


class Files:
    def __init__(
        self, workspace: Workspace, clock: Clock, base_url: Callable[[], str], new_ticket: Any
    ) -> None:
        self._workspace = workspace
        self._clock = clock
        self._base_url = base_url
        self._new_ticket: Callable[[], str] = new_ticket
        self.processing_seconds = limits.FILE_PROCESSING_SECONDS
        self._files: dict[str, File] = {}
        self._tickets: dict[str, File] = {}
        self.sharing: list[tuple[list[File], Share]] = []  # completed, and not processed yet

    def expect(self, name: str, length: int, owner: str, alt_txt: str | None) -> File:
        """Step one: a file id and a ticket for its bytes."""
        file = File(
            id=self._workspace.new_id("F"),
            name=name,
            title=name,
            length=length,
            owner=owner,
            created=int(self._clock.now().timestamp()),
            ticket=self._new_ticket(),
            alt_txt=alt_txt,
        )
        self._files[file.id] = file
        self._tickets[file.ticket] = file
        return file

    def receive(self, ticket: str, content: bytes) -> File | None:
        """Step two: the bytes; None for a ticket that nobody was given."""
        file = self._tickets.pop(ticket, None)
        if file is not None:
            file.content = content
        return file

    def bring(self, name: str, content: bytes, owner: str) -> File:
        """What a person picks for an input: there at once, and in no channel."""
        file = self.expect(name, len(content), owner, None)
        self.receive(file.ticket, content)
        file.completed = file.processed = True
        return file

    def complete(self, files: list[File], share: Share) -> None:
        """Step three: process after a while, then post one message with all files."""
        for file in files:
            file.completed = True
        self.sharing.append((files, share))
        self._clock.call_later(self.processing_seconds, lambda: self._process(files, share))

    def _process(self, files: list[File], share: Share) -> None:
        self.sharing.remove((files, share))
        for file in files:
            file.processed = True
        # Slack drops the share of a non-image that was given alternative text, and says ok.
        shared = [f for f in files if f.is_image or f.alt_txt is None]
        if not shared:
            return
        for channel in share.channels:
            message = Message(
                channel=channel,
                ts=self._workspace.new_ts(),
                user=shared[0].owner,
                text=share.text,
                blocks=list(share.blocks),
                bot_id=self._workspace.app.bot_id,
                app_id=self._workspace.app.id,
                thread_ts=share.thread_ts,
                files=[file.id for file in shared],
            )
            for file in shared:
                file.shares.setdefault(channel, []).append(message.ts)
            self._workspace.post(message)

    def all(self) -> list[File]:
        return [*self._files.values()]

    def resume(self, files: Iterable[File]) -> None:
        """Go on with files of an earlier run; those that wait for their bytes still do."""
        for file in files:
            self._files[file.id] = file
            if file.content is None:
                self._tickets[file.ticket] = file

    def get(self, file_id: str) -> File:
        if file_id not in self._files:
            raise SlackError("file_not_found")
        return self._files[file_id]

    def find(self, file_id: str) -> File | None:
        return self._files.get(file_id)

    def usable(self, file_id: str) -> bool:
        """Whether an image block may show it: known, an image, and processed."""
        file = self._files.get(file_id)
        return file is not None and file.processed and file.is_image

    def path(self, file: File) -> str:
        """Where this server serves it; all that the page, on the same origin, needs."""
        return f"/files/{self._workspace.team.id}-{file.id}/{quote(file.name)}"

    def url(self, file: File) -> str:
        return f"{self._base_url()}{self.path(file)}"

    def wire(self, file: File) -> JSON:
        """The file object of Slack's API; `shares` is empty until processing ends."""
        public: JSON = {}
        private: JSON = {}
        for channel_id, stamps in file.shares.items():
            channel = self._workspace.channels[channel_id]
            places = [{"ts": ts, "channel_name": channel.name} for ts in stamps]
            (public if channel.kind == "channel" else private)[channel_id] = places
        shares: JSON = {}
        if public:
            shares["public"] = public
        if private:
            shares["private"] = private
        kind = file.name.rsplit(".", 1)[-1] if "." in file.name else "text"
        body: JSON = {
            "id": file.id,
            "created": file.created,
            "timestamp": file.created,
            "name": file.name,
            "title": file.title,
            "mimetype": file.mimetype if file.processed else "",
            "filetype": kind if file.processed else "",
            "pretty_type": kind.upper() if file.processed else "",
            "user": file.owner,
            "mode": "hosted",
            "editable": False,
            "is_external": False,
            "is_public": bool(public),
            "size": len(file.content) if file.content is not None else file.length,
            "url_private": self.url(file),
            "url_private_download": self.url(file),
            "permalink": self.url(file),
            "channels": list(public),
            "groups": [c for c in private if not c.startswith("D")],
            "ims": [c for c in private if c.startswith("D")],
            "shares": shares,
        }
        if file.alt_txt:
            body["alt_txt"] = file.alt_txt
        return body

    def of_message(self, message: Message) -> list[JSON]:
        return [self.wire(self._files[each]) for each in message.files if each in self._files]

    def for_page(self, message: Message) -> list[JSON]:
        return [self.page_file(self._files[each]) for each in message.files if each in self._files]

    def page_file(self, file: File) -> JSON:
        body: JSON = {
            "id": file.id,
            "name": file.name,
            "title": file.title,
            "mimetype": file.mimetype,
            "size": len(file.content or b""),
            "url": self.path(file),
        }
        if file.alt_txt:
            body["alt_txt"] = file.alt_txt
        return body

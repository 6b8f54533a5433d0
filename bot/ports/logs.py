"""The logs of containers, as bytes; and which follow messages are live."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class LogOf:
    """One container of one pod, and from where on its log is wanted. `since` counts to the whole
    second (the API's own precision); without `tail` all of it comes, from the oldest line."""

    context: str
    namespace: str
    pod: str
    container: str
    tail: int | None = None
    since: datetime | None = None
    previous: bool = False
    follow: bool = False


class Logs(Protocol):
    def log(self, of: LogOf) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The bytes of a log as they come, cut anywhere; each line begins with its time and a
        blank (`bot.domain.log_lines.split_stamp`). With `follow` until the container ends.

        Raises PortError: NOT_FOUND (the pod), FORBIDDEN, INVALID (no such container, nothing
        started yet, nothing before: `message` is the server's own), AWAY.
        """


@dataclass(frozen=True, slots=True)
class FollowMessage:
    """A message that shows a log live, with what its last card needs: a process that starts finds
    here what the one before it left open. `ts` is "" until it is posted, with `id` as its key."""

    id: str
    channel: str
    thread: str
    ts: str
    service: str
    environment: str
    line: str
    language: str
    started_by: str
    started_at: datetime


class Follows(Protocol):
    async def put(self, message: FollowMessage) -> None:
        """In the place of the one with the same id."""

    async def remove(self, id_: str) -> None: ...

    async def all(self) -> Sequence[FollowMessage]:
        """The oldest first."""

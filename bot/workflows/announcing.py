"""Tells a channel what was done there: once, and also when the process dies before it is told.

What is due stands in the outbox, written in one transaction with the deed. It is posted with its
key, which is looked for before it is posted again (`bot/engine/` does the same with its cards).
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta

from bot.errors import PortError
from bot.ports import Announcement, Clock, Messenger, Outbox

log = logging.getLogger(__name__)

_TRY_AGAIN = timedelta(seconds=30)


class Announcer:
    """One for the process: whatever is due is posted by one task at a time."""

    def __init__(self, outbox: Outbox, messenger: Messenger, clock: Clock) -> None:
        self._outbox = outbox
        self._messenger = messenger
        self._clock = clock
        self._turn = asyncio.Lock()
        self._tried: set[str] = set()  # posted or begun by this process
        self._cancel: Callable[[], None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = False
        self._fresh = False  # False until what an earlier process left has been looked at

    def start(self) -> None:
        """Go on with what an earlier process left."""
        self._wake()

    async def tell(self) -> frozenset[str]:
        """Post all that is due; the keys of what could not be told. What fails for now is tried
        again by itself, what a channel never takes (not invited) is given up."""
        untold = set()
        async with self._turn:
            for due in await self._outbox.due():
                if not await self._tell(due):
                    untold.add(due.key)
            self._fresh = True
        return frozenset(untold)

    async def _tell(self, due: Announcement) -> bool:
        doubtful = due.key in self._tried or not self._fresh
        self._tried.add(due.key)
        try:
            found = doubtful and await self._messenger.find(due.channel, due.key, due.since)
            if not found:
                await self._messenger.post(due.channel, due.card, key=due.key)
        except PortError as error:
            log.warning("announcement %s: %s", due.key, error)
            if error.temporary:
                self._try_again()
            else:
                await self._outbox.done(due.key)
            return False
        await self._outbox.done(due.key)
        self._tried.discard(due.key)
        return True

    def _try_again(self) -> None:
        if self._cancel is None and not self._stopped:
            self._cancel = self._clock.call_at(self._clock.now() + _TRY_AGAIN, self._wake)

    def _wake(self) -> None:
        self._cancel = None
        task = asyncio.get_running_loop().create_task(self._again())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _again(self) -> None:
        try:
            await self.tell()
        except PortError as error:  # the store
            log.warning("announcements wait: %s", error)
            self._try_again()

    async def stop(self) -> None:
        self._stopped = True
        if self._cancel is not None:
            self._cancel()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

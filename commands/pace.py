"""What was acknowledged is worked off at a pace that leaves the event loop to acknowledgements.

Slack shows a person an error where an ack takes three seconds, and a storm of clicks would do all
its work before the ack of the last. So each piece of work is begun after as long a pause as the
loop needed for one round: not at all where nothing else goes on, and the more the busier it is. How
many are under way at once is not limited: none waits for a cluster that another one waits for.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger(__name__)

Work = Coroutine[Any, Any, None]


class Pace:
    """Begins work in the order in which it comes, and owns the tasks that do it."""

    def __init__(self) -> None:
        self._waiting: deque[Work] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._beginning: asyncio.Task[None] | None = None

    def begin(self, work: Work) -> None:
        """Soon; nobody waits for it here."""
        self._waiting.append(work)
        if self._beginning is None:
            self._beginning = asyncio.get_running_loop().create_task(self._begin_all())

    async def drain(self, seconds: float) -> None:
        """Let what was acknowledged finish, at most so long."""
        try:
            async with asyncio.timeout(seconds):
                while self._beginning is not None or self._tasks:
                    held = {self._beginning} if self._beginning is not None else set()
                    await asyncio.wait(self._tasks | held)
        except TimeoutError:
            if self._beginning is not None:
                self._beginning.cancel()
            for task in self._tasks:
                task.cancel()
            for work in self._waiting:
                work.close()
            self._waiting.clear()

    async def _begin_all(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                task = loop.create_task(self._waiting.popleft())
                self._tasks.add(task)
                task.add_done_callback(self._finished)
                began = loop.time()
                await asyncio.sleep(0)
                await asyncio.sleep(loop.time() - began)
        finally:
            self._beginning = None

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a task of the router failed", exc_info=task.exception())

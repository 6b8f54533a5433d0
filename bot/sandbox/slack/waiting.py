"""Waiting with a limit in virtual time, and tasks that nobody loses."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from bot.sandbox.clock import Clock

T = TypeVar("T")


def patience(clock: Clock, seconds: float) -> float:
    """Virtual seconds that are never shorter than as many real ones.

    Where the world runs ten times faster, people and the app's process do not: what Slack waits of
    them stays as long as it is.
    """
    return seconds * max(1.0, clock.speed)


async def within(clock: Clock, seconds: float, future: asyncio.Future[T]) -> T:
    """Await `future` for `patience` of seconds; raises `TimeoutError` and leaves it running."""
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()
    timer = clock.call_later(
        patience(clock, seconds), lambda: None if over.done() else over.set_result(None)
    )
    try:
        both: tuple[asyncio.Future[Any], ...] = (future, over)
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    finally:
        timer.cancel()
        over.cancel()
    if future.done():
        return future.result()
    raise TimeoutError


class Tasks:
    """Background work of a server: referenced until it ends, cancelled when the server closes."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

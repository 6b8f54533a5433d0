"""The time, passed in."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The time, passed in: real in production, scaled in the sandbox, moved by hand in tests."""

    def now(self) -> datetime: ...  # aware UTC

    def call_at(self, when: datetime, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` at that time, or as soon as possible when it is past; returns a cancel."""


async def sleep_until(clock: Clock, when: datetime) -> None:
    """Wait for a time of this clock."""
    over = asyncio.Event()
    cancel = clock.call_at(when, over.set)
    try:
        await over.wait()
    finally:
        cancel()

"""The real time. Tests and the sandbox pass a clock of their own in its place."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime


class WallClock:
    """`bot.ports.Clock` on the machine's clock and the running event loop."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def call_at(self, when: datetime, wake: Callable[[], None]) -> Callable[[], None]:
        seconds = max(0.0, (when - self.now()).total_seconds())
        return asyncio.get_running_loop().call_later(seconds, wake).cancel

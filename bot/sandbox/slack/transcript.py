"""Every exchange between the workspace and the app, in order, with secrets masked.

Tests ask it what the app did; people learn from it how a Slack app works. It keeps the newest
entries.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

from bot.sandbox.slack.errors import JSON

Direction = Literal["to_slack", "to_app"]
Surface = Literal["web_api", "socket", "http", "response_url", "upload"]

_KEPT = 20_000
_SECRET = re.compile(r"\b(xox[a-z]-|xapp-)[A-Za-z0-9-]+|(ticket=)[^&\"\s]+")


class Transcript:
    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._entries: deque[JSON] = deque(maxlen=_KEPT)
        self._count = 0
        self._waiting: list[asyncio.Future[None]] = []

    def add(
        self,
        direction: Direction,
        surface: Surface,
        method: str,
        *,
        request: Any,
        response: Any,
        status: int | str,
    ) -> None:
        """Note a finished exchange; `status` is an HTTP status, or a word for a socket's
        outcome.
        """
        self._count += 1
        self._entries.append(
            {
                "n": self._count,
                "at": self._now().isoformat(),
                "direction": direction,
                "surface": surface,
                "method": method,
                "request": masked(request),
                "response": masked(response),
                "status": status,
            }
        )
        self._wake()

    def entries(self, since: int = 0) -> list[JSON]:
        """Entries whose number is above `since`, the oldest first."""
        return [each for each in self._entries if each["n"] > since]

    async def wait(self, since: int, seconds: float) -> None:
        """Return when there is an entry above `since`, or after real `seconds`."""
        if self._count > since:
            return
        news: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(news)
        await asyncio.wait([news], timeout=seconds)
        news.cancel()

    def close(self) -> None:
        """Let everybody go who waits for news."""
        self._wake()

    def _wake(self) -> None:
        for each in self._waiting:
            if not each.done():
                each.set_result(None)
        self._waiting.clear()

    def as_lines(self, since: int = 0) -> str:
        return "".join(f"{json.dumps(each, ensure_ascii=False)}\n" for each in self.entries(since))


def masked(value: Any) -> Any:
    """A copy in which tokens and tickets are cut to their kind."""
    if isinstance(value, dict):
        return {key: masked(each) for key, each in value.items() if key != "token"}
    if isinstance(value, list | tuple):
        return [masked(each) for each in value]
    if isinstance(value, str):
        return _SECRET.sub(lambda found: f"{found[1] or found[2]}…", value)
    return value

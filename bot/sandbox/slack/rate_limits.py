"""How often the app may call: Slack's tiers as sliding windows, and the pace of posting.

One window per method (one app, one workspace); posting has a token bucket per channel besides.
`mode` is "off", "real" (bursts tolerated, as seen on Slack) or "strict" (not one call more than the
tier says).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Literal

from bot.sandbox.slack import limits

Mode = Literal["off", "real", "strict"]


class RateLimits:
    def __init__(self, monotonic: Callable[[], float], mode: Mode = "real") -> None:
        self._monotonic = monotonic
        self.mode: Mode = mode
        self._windows: dict[str, deque[float]] = {}
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, method: str, tier: str | None, channel: str | None = None) -> int | None:
        """Count a call; None when it may go on, else the whole seconds to wait (`Retry-After`)."""
        if self.mode == "off":
            return None
        if method == "chat.postMessage":
            return self._post(channel or "")
        if tier is None:
            return None
        return self._window(method, *limits.TIERS[tier])

    def take_response_url(self, url: str) -> int | None:
        """The pace of one response URL: a use per second."""
        if self.mode == "off":
            return None
        return self._bucket(url, limits.RESPONSE_URL_INTERVAL_SECONDS, 1)

    def _post(self, channel: str) -> int | None:
        size = 1 if self.mode == "strict" else limits.POST_PER_CHANNEL_BURST
        wait = self._bucket(f"post {channel}", limits.POST_PER_CHANNEL_SECONDS, size)
        if wait is not None:
            return wait
        return self._window("chat.postMessage", *limits.POST_PER_WORKSPACE)

    def _window(self, name: str, allowed: int, burst: int) -> int | None:
        now = self._monotonic()
        calls = self._windows.setdefault(name, deque())
        while calls and calls[0] <= now - limits.RATE_WINDOW_SECONDS:
            calls.popleft()
        size = allowed if self.mode == "strict" else allowed + burst
        if len(calls) < size:
            calls.append(now)
            return None
        return _whole(calls[len(calls) - size] + limits.RATE_WINDOW_SECONDS - now)

    def _bucket(self, name: str, interval: float, size: int) -> int | None:
        now = self._monotonic()
        tokens, since = self._buckets.get(name, (float(size), now))
        tokens = min(float(size), tokens + (now - since) / interval)
        if tokens >= 1:
            self._buckets[name] = (tokens - 1, now)
            return None
        self._buckets[name] = (tokens, now)
        return _whole((1 - tokens) * interval)


def _whole(seconds: float) -> int:
    return max(1, math.ceil(seconds))

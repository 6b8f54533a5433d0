"""Virtual time of the offline world.

Everything in the sandbox that waits (probes, back-off, deadlines, log lines) asks this clock, so
that a rollout can be watched at its real pace, ten times faster, or moved on by hand in a test.
Timers run in the order of their virtual time, and the clock stands at that time while one runs. The
only users of real time are the clock itself and the timeouts of network protocols.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_SETTLE_TURNS = 20  # turns of the event loop that coroutines get after each timer in `pass_time`


class Handle:
    """A timer that has not run yet; `cancel` makes sure that it never does."""

    __slots__ = ("cancelled", "due", "fn")

    def __init__(self, due: float, fn: Callable[[], None]) -> None:
        self.due = due
        self.fn = fn
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """Virtual seconds: `speed` of them in one real second; none by themselves when `manual`."""

    def __init__(
        self,
        speed: float = 1.0,
        manual: bool = False,
        start: datetime | None = None,
        passed: float = 0.0,
    ) -> None:
        """`start` is the time of day at 0, `passed` the seconds since then (of an earlier run)."""
        if speed <= 0:
            raise ValueError(f"the speed of a clock is above 0, not {speed}")
        self.speed = speed
        self.manual = manual
        self._start = start or datetime.now(UTC)
        self._jumped = passed
        self._real_start = time.monotonic()
        self._standing_at: float | None = None
        self._timers: list[tuple[float, int, Handle]] = []
        self._count = 0
        self._alarm: asyncio.TimerHandle | None = None

    def now(self) -> datetime:
        """Virtual time of day, aware, in UTC."""
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Virtual seconds since the clock was made."""
        if self._standing_at is not None:
            return self._standing_at
        if self.manual:
            return self._jumped
        return self._jumped + (time.monotonic() - self._real_start) * self.speed

    async def sleep(self, seconds: float) -> None:
        """Wait for virtual seconds; a manual clock must be advanced past them by somebody else."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        handle = self.call_later(seconds, lambda: None if done.done() else done.set_result(None))
        try:
            await done
        finally:
            handle.cancel()

    def call_later(self, seconds: float, fn: Callable[[], None]) -> Handle:
        """Run `fn` once after virtual seconds; timers of one instant run in order of their call."""
        handle = Handle(self.monotonic() + max(0.0, seconds), fn)
        self._count += 1
        heapq.heappush(self._timers, (handle.due, self._count, handle))
        self._set_alarm()
        return handle

    def pace(self, speed: float) -> None:
        """Go on faster or slower from here: who has to press a button in time takes the time."""
        if speed <= 0:
            raise ValueError(f"the speed of a clock is above 0, not {speed}")
        self._jumped = self.monotonic()
        self._real_start = time.monotonic()
        self.speed = speed
        self._set_alarm()

    def skip(self, seconds: float) -> None:
        """The time of day moves on, and nothing else: no timer comes nearer."""
        self._start += timedelta(seconds=seconds)

    def advance(self, seconds: float) -> None:
        """Jump ahead: every timer that falls due runs now, at its own time, the earliest first.

        Coroutines that `sleep` are woken but get their turn only when the caller awaits; where they
        sleep again and again, use `pass_time`.
        """
        if seconds < 0:
            raise ValueError("time does not run backwards")
        target = self.monotonic() + seconds
        while self._run_next(target):
            pass
        self._stand(target)

    async def pass_time(self, seconds: float) -> None:
        """Like `advance`, but after each timer the event loop turns for coroutines."""
        if seconds < 0:
            raise ValueError("time does not run backwards")
        target = self.monotonic() + seconds
        await _settle()
        while self._run_next(target):
            await _settle()
        self._stand(target)
        await _settle()

    def _run_next(self, target: float) -> bool:
        """Run the earliest timer that is due by `target`; False when there is none."""
        while self._timers and self._timers[0][0] <= target:
            due, _, handle = heapq.heappop(self._timers)
            if handle.cancelled:
                continue
            self._jumped += max(0.0, due - self.monotonic())
            self._standing_at = due
            try:
                handle.fn()
            finally:
                self._standing_at = None
            return True
        return False

    def _stand(self, at: float) -> None:
        self._jumped += max(0.0, at - self.monotonic())
        self._set_alarm()

    def _set_alarm(self) -> None:
        """One real timer for the earliest virtual one; without a running loop there is none."""
        if self.manual:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        while self._timers and self._timers[0][2].cancelled:
            heapq.heappop(self._timers)
        if self._timers:
            wait = max(0.0, self._timers[0][0] - self.monotonic()) / self.speed
            self._alarm = loop.call_later(wait, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        target = self.monotonic()
        try:
            while self._run_next(target):
                pass
        finally:
            self._set_alarm()


async def _settle() -> None:
    for _ in range(_SETTLE_TURNS):
        await asyncio.sleep(0)

"""The kubelet's side of `kubectl logs`: lines of the current run of a container, or the last one.

Implements the API server's `LogSource` over what the pod workers keep. Lines are made when they are
read; like the real kubelet, which rotates a log at a size, this keeps only so many of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes.container_run import Incarnation
from bot.sandbox.kubernetes.kubelet import Kubelet
from bot.sandbox.kubernetes.logs import LogError, LogLine, LogStream

KEPT_LINES = 2000
_LAST_WORDS = timedelta(milliseconds=1)


class KubeletLogs:
    """A `LogSource`."""

    def __init__(self, kubelet: Kubelet, clock: Clock) -> None:
        self._kubelet = kubelet
        self._clock = clock

    def lines(
        self, namespace: str, pod: str, container: str, *, previous: bool
    ) -> LogStream | LogError:
        run = self._kubelet.container((namespace, pod), container)
        if run is None or run.current is None:
            return LogError(
                f'container "{container}" in pod "{pod}" is waiting to start: ContainerCreating'
            )
        chosen: Incarnation | None = run.current
        if previous and not (run.current.noticed and run.told is not None):
            chosen = run.past[-1] if run.past else None
        if chosen is None:
            return LogError(f'previous terminated container "{container}" in pod "{pod}" not found')
        return _Stream(chosen, self._clock)


class _Stream:
    """The log of one incarnation."""

    def __init__(self, incarnation: Incarnation, clock: Clock) -> None:
        self._incarnation = incarnation
        self._clock = clock

    def so_far(self, *, tail: int | None = None) -> Sequence[LogLine]:
        number = KEPT_LINES if tail is None else min(tail, KEPT_LINES)
        return self._incarnation.log.tail(self._until(), number)

    def follow(self) -> AsyncIterator[LogLine]:
        """From now on; a line that is due while nobody listens is given at the next turn."""
        return self._follow(self._incarnation.log.count(self._until()))

    async def _follow(self, number: int) -> AsyncIterator[LogLine]:
        while True:
            total = self._incarnation.log.count(self._until())
            while number < total:
                yield self._incarnation.log.line(number)
                number += 1
            if self._incarnation.ended is not None:
                return
            await self._news(number)

    async def _news(self, number: int) -> None:
        """Until the next line is due, or the container ends."""
        woken = asyncio.Event()
        wake = woken.set
        self._incarnation.at_end.append(wake)
        timer = None
        if self._incarnation.log.has(number):
            due = self._incarnation.log.line(number).at
            wait = (due - self._clock.now()).total_seconds()
            timer = self._clock.call_later(wait + 0.001, wake)
        try:
            await woken.wait()
        finally:
            self._incarnation.at_end.remove(wake)
            if timer is not None:
                timer.cancel()

    def _until(self) -> datetime:
        """Now; or its end, and a moment more for the words of that same instant."""
        ended = self._incarnation.ended
        return self._clock.now() if ended is None else ended + _LAST_WORDS

"""One pod as its worker and its containers have it: the object as it is stored now, what it may ask
of its node, its timers, and its events.

Nothing here decides: `pod_worker.py` drives, `container_start.py` and `container_adoption.py` bring
containers up on it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from bot.sandbox.clock import Handle
from bot.sandbox.kubernetes.container_run import ContainerRun
from bot.sandbox.kubernetes.node_host import NodeHost
from bot.sandbox.kubernetes.work_queue import key_of

Object = dict[str, Any]


class PodContext:
    """`stored` is replaced as the pod changes; its timers end with `stop`."""

    def __init__(self, host: NodeHost, pod: Object) -> None:
        self.host = host
        self.stored = pod
        self.uid: str = pod["metadata"]["uid"]
        self.node: str = pod["spec"]["nodeName"]
        self.times = host.timings
        self._events = host.events(self.node)
        self._timers: dict[int, Handle] = {}
        self._timer_count = 0

    # What ails it, and what it refers to

    @property
    def trouble(self) -> str:
        """The kind of trouble that the world has set for it, or an empty text."""
        return self.host.trouble.of(self.stored)

    def trouble_while_serving(self, at: datetime) -> str:
        return self.host.trouble.while_serving(self.stored, at)

    def lookup(self) -> Callable[[str, str], Object | None]:
        """Find ConfigMaps and Secrets of its namespace."""
        return self.host.lookup(key_of(self.stored)[0])

    # Telling

    def tell(self, run: ContainerRun, reason: str, message: str) -> None:
        self._events.normal(self.stored, reason, message, run.field_path)

    def warn(self, run: ContainerRun, reason: str, message: str) -> None:
        self._events.warning(self.stored, reason, message, run.field_path)

    def warn_of_pod(self, reason: str, message: str) -> None:
        self._events.warning(self.stored, reason, message)

    # Time

    def now(self) -> datetime:
        return self.host.clock.now()

    def monotonic(self) -> float:
        return self.host.clock.monotonic()

    def since(self, moment: datetime) -> float:
        """Seconds that have gone by since a moment."""
        return (self.host.clock.now() - moment).total_seconds()

    def to_relist(self, seconds: float) -> float:
        """Seconds to the first tick that notices containers, not sooner than `seconds`."""
        return self.host.to_tick(self.times.relist, seconds)

    def to_work(self, seconds: float) -> float:
        """Seconds to the first tick that comes back to pods, not sooner than `seconds`."""
        return self.host.to_tick(self.times.work, seconds)

    def later(self, seconds: float, fn: Callable[[], None]) -> int:
        """Run later, unless the pod's timers are stopped before; the number is for `cancel`."""
        self._timer_count += 1
        number = self._timer_count

        def run() -> None:
            self._timers.pop(number, None)
            fn()

        self._timers[number] = self.host.clock.call_later(seconds, run)
        return number

    def cancel(self, number: int) -> None:
        """Raises KeyError for a timer that has run, or was cancelled before."""
        self._timers.pop(number).cancel()

    def stop(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

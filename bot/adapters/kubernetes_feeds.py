"""The shared news of one namespace: three streams, one index, any number of followers.

A feed starts its streams with the first follower and ends them a minute after the last has gone.
A change is handed out in the next turn of the event loop; further ones wait a moment, so that a
burst of events becomes few snapshots of the workloads it touched.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from bot.adapters.kubernetes_connections import Connection
from bot.adapters.kubernetes_errors import Resource
from bot.adapters.kubernetes_index import Index, Shelf
from bot.adapters.kubernetes_streams import Pace, Stream
from bot.domain.workload import Workload
from bot.errors import PortError
from bot.ports import Clock

DEPLOYMENTS = Resource("apps", "v1", "deployments")
REPLICA_SETS = Resource("apps", "v1", "replicasets")
PODS = Resource("", "v1", "pods")

LINGER = timedelta(seconds=60)
# Seconds between two hand-outs: the first change after a pause goes out at once, then so many times
# as long passes as the last one took, within bounds.
_LEAST_BREATH, _LONGEST_BREATH, _BREATHS = 0.02, 0.1, 4

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(eq=False, slots=True)
class _Follower:
    name: str
    on_change: Callable[[Workload], None]
    on_obstacle: Callable[[PortError | None], None]
    greeted: bool = False  # has been given a first snapshot


class Feed:
    def __init__(
        self,
        connection: Connection,
        namespace: str,
        *,
        clock: Clock,
        pace: Pace,
        dice: random.Random,
        ended: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._ended = ended
        self._index = Index()
        self._followers: dict[str, list[_Follower]] = {}
        self._troubles: dict[str, PortError | None] = {}
        self._told: PortError | None = None
        self._flushing: asyncio.TimerHandle | None = None
        self._rest_until = 0.0
        self._cancel_end: Callable[[], None] | None = None
        shelves: dict[Resource, Shelf[Any]] = {
            DEPLOYMENTS: self._index.deployments,
            REPLICA_SETS: self._index.replica_sets,
            PODS: self._index.pods,
        }
        self._streams = [
            Stream(
                connection,
                resource,
                namespace,
                shelf,
                heard=self._schedule,
                troubled=partial(self._troubled, resource.full),
                clock=clock,
                pace=pace,
                dice=dice,
            )
            for resource, shelf in shelves.items()
        ]
        self._tasks = [
            asyncio.create_task(stream.run(), name=f"watch {resource.full} in {namespace}")
            for resource, stream in zip(shelves, self._streams, strict=True)
        ]

    @property
    def open_streams(self) -> int:
        return sum(stream.open for stream in self._streams)

    def follow(
        self,
        name: str,
        on_change: Callable[[Workload], None],
        on_obstacle: Callable[[PortError | None], None],
    ) -> Callable[[], None]:
        if self._cancel_end is not None:
            self._cancel_end()
            self._cancel_end = None
        follower = _Follower(name, on_change, on_obstacle)
        self._followers.setdefault(name, []).append(follower)
        if self._told is not None:
            asyncio.get_running_loop().call_soon(self._tell_late, follower)
        self._schedule()
        return lambda: self._stop(follower)

    async def close(self) -> None:
        if self._cancel_end is not None:
            self._cancel_end()
        if self._flushing is not None:
            self._flushing.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _stop(self, follower: _Follower) -> None:
        followers = self._followers.get(follower.name, [])
        if follower not in followers:
            return
        followers.remove(follower)
        if not followers:
            del self._followers[follower.name]
        if not self._followers:
            self._cancel_end = self._clock.call_at(self._clock.now() + LINGER, self._ended)

    def _schedule(self) -> None:
        if self._flushing is None:
            loop = asyncio.get_running_loop()
            self._flushing = loop.call_at(max(loop.time(), self._rest_until), self._flush)

    def _flush(self) -> None:
        self._flushing = None
        loop = asyncio.get_running_loop()
        started = loop.time()
        self._hand_out()
        took = loop.time() - started
        breath = min(_LONGEST_BREATH, max(_LEAST_BREATH, took * _BREATHS))
        self._rest_until = loop.time() + breath

    def _hand_out(self) -> None:
        """What changed, and to newcomers what is. Nothing before all three kinds have been listed:
        half a picture would look like a deletion."""
        changed = self._index.changed()
        if not self._index.filled:
            return
        for name, followers in [*self._followers.items()]:
            due = [f for f in followers if name in changed or not f.greeted]
            if not due:
                continue
            snapshot = self._index.workload(name)
            for follower in due:
                follower.greeted = True
                _call(follower.on_change, snapshot)

    def _troubled(self, stream: str, error: PortError | None) -> None:
        """Followers hear of the first trouble, and when there is none any more."""
        self._troubles[stream] = error
        worst = next((e for e in self._troubles.values() if e is not None), None)
        if _same(worst, self._told):
            return
        self._told = worst
        for followers in [*self._followers.values()]:
            for follower in [*followers]:
                _call(follower.on_obstacle, worst)

    def _tell_late(self, follower: _Follower) -> None:
        if self._told is not None and follower in self._followers.get(follower.name, []):
            _call(follower.on_obstacle, self._told)


def _same(one: PortError | None, other: PortError | None) -> bool:
    """The same trouble in other words is no news; a right missing on something else is."""
    if one is None or other is None:
        return one is other
    return (one.trouble, one.values.get("resource")) == (
        other.trouble,
        other.values.get("resource"),
    )


def _call(callback: Callable[[T], None], value: T) -> None:
    """A follower that fails must not take the news from the others."""
    try:
        callback(value)
    except Exception:
        log.exception("a follower of the cluster's news failed")

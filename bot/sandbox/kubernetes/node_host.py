"""What the pods of all nodes share: the beat of the kubelets, the images that nodes hold,
addresses, who writes events, and what is to go wrong with whom.

The kubelet (`kubelet.py`) has one and hands it to its workers; nothing here knows of either.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes.events import EventRecorder
from bot.sandbox.kubernetes.images import ImageSource
from bot.sandbox.kubernetes.storage import Storage

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds, as the recordings show them. Ticks come once a second at a phase of their own."""

    notice: float = 0.009  # from the binding to the first status
    sandbox: float = 0.345  # to make the pod's sandbox
    create: float = 0.009
    start: float = 0.031
    tell: float = 0.006  # from an act to its status
    first_probe: float = 0.035
    refused_pull: float = 0.006
    relist: float = 0.21  # phase of the tick that notices what became of containers
    work: float = 0.73  # phase of the tick that comes back to pods with errors
    retry: float = 12.5  # 10 s with up to half of it added
    kill: float = 0.007  # from the deletion to the signal
    minimum_grace: float = 2.05


class PodTrouble:
    """What is to go wrong with a pod; the world's `Troubles` overrides this."""

    def of(self, _pod: Object) -> str:
        """A kind of trouble such as "crash-at-start", or an empty text."""
        return ""

    def while_serving(self, _pod: Object, _at: datetime) -> str:
        """The kind that a pod has at a time while it serves, such as "slower"; "" for none."""
        return ""


class NodeHost:
    """`pods` are those that stand when it begins: their addresses are given to nobody else."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        images: ImageSource,
        pods: Iterable[Object],
        trouble: PodTrouble | None = None,
        timings: Timings | None = None,
    ) -> None:
        self.storage = storage
        self.clock = clock
        self.images = images
        self.trouble = trouble or PodTrouble()
        self.timings = timings or Timings()
        self._events: dict[str, EventRecorder] = {}
        self._on_node: set[tuple[str, str]] = set()
        self._addresses = max((_place_of(pod) for pod in pods), default=0)

    def events(self, node: str) -> EventRecorder:
        if node not in self._events:
            self._events[node] = EventRecorder(self.storage, self.clock, "kubelet", node)
        return self._events[node]

    def forget(self, uid: str) -> None:
        """A pod is gone: no event of it will be counted up any more."""
        for events in self._events.values():
            events.forget(uid)

    def to_tick(self, phase: float, seconds: float) -> float:
        """Seconds from now to the first tick of a phase that is not sooner than `seconds`."""
        now = self.clock.monotonic()
        earliest = now + max(seconds, 1e-6)
        tick = math.ceil(earliest - phase - 1e-9) + phase
        return tick - now

    def has_image(self, node: str, image: str) -> bool:
        return (node, image) in self._on_node

    def keep_image(self, node: str, image: str) -> None:
        """The image is on the node from now on (IfNotPresent needs no registry for it)."""
        self._on_node.add((node, image))

    def node_address(self, node: str) -> str:
        found = self.storage.stored("nodes", None, node)
        for each in (found.view["status"].get("addresses") or ()) if found else ():
            if each["type"] == "InternalIP":
                return str(each["address"])
        return "192.0.2.2"

    def pod_address(self, pod: Object) -> str:
        """A new one with each call, but for a pod that has its node's."""
        if pod["spec"].get("hostNetwork"):
            return self.node_address(pod["spec"]["nodeName"])
        self._addresses += 1
        return f"10.244.{self._addresses // 250}.{self._addresses % 250 + 2}"

    def lookup(self, namespace: str) -> Callable[[str, str], Object | None]:
        """Find ConfigMaps and Secrets of a namespace."""

        def find(resource: str, name: str) -> Object | None:
            found = self.storage.stored(resource, namespace, name)
            return None if found is None else found.view

        return find


def _place_of(pod: Mapping[str, Any]) -> int:
    """The number from which `pod_address` made a pod's address; 0 for none of that kind."""
    parts = str(pod.get("status", {}).get("podIP", "")).split(".")
    if parts[:2] != ["10", "244"] or len(parts) != 4:
        return 0
    return int(parts[2]) * 250 + int(parts[3]) - 2

"""The scheduler: each pod without a node gets the node with most room, or is told why none fits.

Follows kube-scheduler's filters that matter here (unschedulable, nodeSelector, host ports and
resources; taints are not simulated) and the wording of its FailedScheduling message. A pod that did
not fit is tried again when something that could help happened: a pod went, a node changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes.api_objects import (
    condition_of,
    is_over,
    labels_of,
    quantity,
    requests_of,
)
from bot.sandbox.kubernetes.events import EventRecorder
from bot.sandbox.kubernetes.storage import Storage
from bot.sandbox.kubernetes.stored import NotFound
from bot.sandbox.kubernetes.work_queue import Cache, Key, WorkQueue, key_of

Object = dict[str, Any]
_LATENCY = 0.003
_RETRY = 300.0  # seconds: unschedulable pods are tried again by themselves (5 min flush)
_UNSCHEDULABLE = "node(s) were unschedulable"
_SELECTOR = "node(s) didn't match Pod's node affinity/selector"
_PORTS = "node(s) didn't have free ports for the requested pod ports"
_ANYWHERE = "0.0.0.0"  # noqa: S104 - the API's word for every address of a node
NodeTrouble = Callable[[Object], str | None]
HostPort = tuple[str, str, int]
"""Address, protocol and number."""


@dataclass(frozen=True, slots=True)
class _Misfit:
    reason: str
    hopeless: bool  # would not fit an empty node either


class Scheduler:
    """`trouble(pod)` names a resource of which every node is to have too little, or None."""

    def __init__(
        self, storage: Storage, clock: Clock, pods: Cache, nodes: Cache, trouble: NodeTrouble
    ) -> None:
        self._storage = storage
        self._pods = pods
        self._nodes = nodes
        self._trouble = trouble
        self._used: dict[str, dict[str, Decimal]] = {}
        self._on_node: dict[Key, tuple[str, dict[str, Decimal]]] = {}
        self._ports: dict[str, dict[Key, set[HostPort]]] = {}
        self._waiting: set[Key] = set()
        self._events = EventRecorder(storage, clock, "default-scheduler")
        self._queue = WorkQueue(clock, self._schedule, latency=_LATENCY)
        pods.listen(self._pod_changed)
        nodes.listen(self._node_changed)
        for pod in pods.all():
            self._pod_changed(None, pod)

    def stop(self) -> None:
        self._queue.stop()

    def retry(self) -> None:
        """Something changed that may make room: try the waiting pods again."""
        for key in sorted(self._waiting):
            self._queue.add(key)

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        key = key_of(new or old or {})
        self._account(key, new)
        if new is None:
            self._waiting.discard(key)
            self._queue.forget(key)
        elif not new["spec"].get("nodeName") and old is None:
            self._queue.add(key)
        if old is not None and old["spec"].get("nodeName") and (new is None or is_over(new)):
            self.retry()

    def _account(self, key: Key, pod: Object | None) -> None:
        """Keep the sum of requests of each node up to date."""
        node = pod["spec"].get("nodeName") if pod is not None and not is_over(pod) else None
        before = self._on_node.get(key)
        if before is not None and before[0] == node:
            return
        if before is not None:
            used = self._used[before[0]]
            for name, amount in before[1].items():
                used[name] -= amount
            self._ports.get(before[0], {}).pop(key, None)
            del self._on_node[key]
        if node and pod is not None:
            asked = {**requests_of(pod["spec"]), "pods": Decimal(1)}
            self._on_node[key] = (node, asked)
            ports = host_ports(pod["spec"])
            if ports:
                self._ports.setdefault(node, {})[key] = ports
            used = self._used.setdefault(node, {})
            for name, amount in asked.items():
                used[name] = used.get(name, Decimal(0)) + amount

    def _node_changed(self, _old: Object | None, _new: Object | None) -> None:
        self.retry()

    def _schedule(self, key: Key) -> None:
        pod = self._pods.get(key)
        if pod is None or pod["spec"].get("nodeName") or "deletionTimestamp" in pod["metadata"]:
            return
        nodes = sorted(self._nodes.all(), key=key_of)
        misfits = {node["metadata"]["name"]: self._misfits(pod, node) for node in nodes}
        fitting = [node for node in nodes if not misfits[node["metadata"]["name"]]]
        if fitting:
            self._bind(pod, max(fitting, key=self._free_share)["metadata"]["name"])
        else:
            self._refuse(pod, misfits)

    def _misfits(self, pod: Object, node: Object) -> list[_Misfit]:
        if node.get("spec", {}).get("unschedulable"):
            return [_Misfit(_UNSCHEDULABLE, hopeless=True)]
        wanted: Mapping[str, str] = pod["spec"].get("nodeSelector") or {}
        if not wanted.items() <= labels_of(node).items():
            return [_Misfit(_SELECTOR, hopeless=True)]
        taken = self._ports.get(node["metadata"]["name"], {}).values()
        if taken and any(_clash(host_ports(pod["spec"]), each) for each in taken):
            return [_Misfit(_PORTS, hopeless=False)]
        short = self._trouble(pod)
        if short is not None:
            return [_Misfit(f"Insufficient {short}", hopeless=True)]
        allocatable = node["status"].get("allocatable") or node["status"]["capacity"]
        used = self._used.get(node["metadata"]["name"], {})
        misfits = []
        for name, amount in {**requests_of(pod["spec"]), "pods": Decimal(1)}.items():
            room = quantity(allocatable.get(name, 0))
            if amount > 0 and amount > room - used.get(name, Decimal(0)):
                reason = "Too many pods" if name == "pods" else f"Insufficient {name}"
                misfits.append(_Misfit(reason, hopeless=amount > room))
        return misfits

    def _free_share(self, node: Object) -> Decimal:
        """The least allocated node first, as NodeResourcesFit scores by default."""
        allocatable = node["status"].get("allocatable") or node["status"]["capacity"]
        used = self._used.get(node["metadata"]["name"], {})
        shares = [
            1 - used.get(name, Decimal(0)) / quantity(allocatable[name])
            for name in ("cpu", "memory", "pods")
            if quantity(allocatable.get(name, 0)) > 0
        ]
        return sum(shares, Decimal(0)) / max(1, len(shares))

    def _bind(self, pod: Object, node: str) -> None:
        bound = self._storage.get("pods", *key_of(pod))
        if bound is None:
            return
        bound["spec"]["nodeName"] = node
        scheduled = {"type": "PodScheduled", "status": "True", "lastProbeTime": None}
        _set_condition(bound, {**scheduled, "lastTransitionTime": self._storage.timestamp()})
        self._write(bound)
        self._waiting.discard(key_of(pod))
        namespace, name = key_of(pod)
        message = f"Successfully assigned {namespace}/{name} to {node}"
        self._events.schedule(pod, "Normal", "Scheduled", "Binding", message)

    def _refuse(self, pod: Object, misfits: Mapping[str, list[_Misfit]]) -> None:
        message = explanation(misfits)
        self._waiting.add(key_of(pod))
        told = self._storage.get("pods", *key_of(pod))
        if told is None:
            return
        before = condition_of(told.get("status", {}), "PodScheduled")
        if before is None or before.get("message") != message:
            meta = pod["metadata"]
            refused = {
                "type": "PodScheduled",
                "observedGeneration": int(meta.get("generation", 1)),
                "status": "False",
                "lastProbeTime": None,
                "lastTransitionTime": (before or {}).get(
                    "lastTransitionTime", self._storage.timestamp()
                ),
                "reason": "Unschedulable",
                "message": message,
            }
            _set_condition(told, refused)
            self._write(told)
        self._events.schedule(pod, "Warning", "FailedScheduling", "Scheduling", message)
        self._queue.add_after(key_of(pod), _RETRY)

    def _write(self, pod: Object) -> None:
        try:
            # A binding does not count as a change of the pod's spec: its generation stays.
            self._storage.update("pods", pod, manager="kube-scheduler", subresource="binding")
        except NotFound:
            return


def host_ports(spec: Object) -> set[HostPort]:
    """The ports of its node that a pod wants: on the host's network each of its containers' ports
    (the API server has written them down as hostPort)."""
    return {
        (port.get("hostIP") or _ANYWHERE, port.get("protocol") or "TCP", int(port["hostPort"]))
        for container in spec["containers"]
        for port in container.get("ports") or ()
        if port.get("hostPort")
    }


def _clash(wanted: set[HostPort], taken: set[HostPort]) -> bool:
    """HostPortInfo.CheckConflict: the same number and protocol on the same address, or on all."""
    return any(
        one[1:] == other[1:] and (one[0] == other[0] or _ANYWHERE in (one[0], other[0]))
        for one in wanted
        for other in taken
    )


def explanation(misfits: Mapping[str, list[_Misfit]]) -> str:
    """FitError.Error() with the verdict of preemption after it."""
    total = len(misfits)
    if total == 0:
        return "no nodes available to schedule pods"
    reasons = Counter(each.reason for found in misfits.values() for each in found)
    hopeless = sum(any(each.hopeless for each in found) for found in misfits.values())
    preemption = Counter(
        {
            "Preemption is not helpful for scheduling": hopeless,
            "No preemption victims found for incoming pod": total - hopeless,
        }
    )
    return (
        f"0/{total} nodes are available: {_histogram(reasons)} "
        f"no new claims to deallocate, preemption: 0/{total} nodes are available: "
        f"{_histogram(preemption)}"
    )


def _histogram(reasons: Counter[str]) -> str:
    lines = sorted(f"{count} {reason}" for reason, count in reasons.items() if count)
    return ", ".join(lines) + "."


def _set_condition(pod: Object, condition: Object) -> None:
    status = pod.setdefault("status", {})
    others = [each for each in status.get("conditions") or () if each["type"] != condition["type"]]
    status["conditions"] = [*others, condition]

"""The status of a pod, computed from what its containers are doing.

Pure. Follows pkg/kubelet/kubelet_pods.go and status/generate.go: phase, the five conditions with
their reasons and messages, container statuses. Times of transition are kept where nothing turned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bot.sandbox.kubernetes import quantities
from bot.sandbox.kubernetes.api_objects import quantity
from bot.sandbox.kubernetes.defaults import qos_class

Object = dict[str, Any]


@dataclass(slots=True)
class ContainerView:
    """One container as the kubelet tells it."""

    name: str
    image: str
    state: Object
    last_state: Object = field(default_factory=dict)
    ready: bool = False
    started: bool = False
    restarts: int = 0
    image_id: str = ""
    container_id: str = ""
    spec: Object = field(default_factory=dict)

    @property
    def exit_code(self) -> int | None:
        ended = self.state.get("terminated")
        return None if ended is None else int(ended["exitCode"])

    @property
    def never_ran(self) -> bool:
        return "waiting" in self.state and "terminated" not in self.last_state

    def to_json(self) -> Object:
        status: Object = {
            "name": self.name,
            "state": self.state,
            "lastState": self.last_state,
            "ready": self.ready,
            "restartCount": self.restarts,
            "image": self.image,
            "imageID": self.image_id,
        }
        if self.container_id:
            status["containerID"] = self.container_id
        status["started"] = self.started
        resources = self.spec.get("resources") or {}
        if resources.get("requests"):
            status["allocatedResources"] = resources["requests"]
        if self.container_id:
            status["resources"] = resources
        mounts = [
            {
                "name": each["name"],
                "mountPath": each["mountPath"],
                **(
                    {"readOnly": True, "recursiveReadOnly": "Disabled"}
                    if each.get("readOnly")
                    else {}
                ),
            }
            for each in self.spec.get("volumeMounts") or ()
        ]
        if mounts:
            status["volumeMounts"] = mounts
        return status


@dataclass(frozen=True, slots=True)
class PodView:
    """A pod as the kubelet tells it."""

    main: Sequence[ContainerView]
    init: Sequence[ContainerView]
    sandbox_ready: bool
    initialized: bool
    over: bool  # being taken down, and everything has stopped


def status_of(pod: Object, view: PodView, now: str, node_ip: str, pod_ip: str) -> Object:
    """The pod's new status."""
    before = pod.get("status", {})
    phase = _phase(pod, view)
    status: Object = {
        "observedGeneration": int(pod["metadata"].get("generation", 1)),
        "phase": phase,
        "conditions": _conditions(pod, view, phase, now),
        "hostIP": node_ip,
        "hostIPs": [{"ip": node_ip}],
    }
    if view.sandbox_ready or before.get("podIP"):
        status["podIP"] = before.get("podIP") or pod_ip
        status["podIPs"] = [{"ip": status["podIP"]}]
    status["startTime"] = before.get("startTime") or now
    if view.init:
        status["initContainerStatuses"] = [each.to_json() for each in view.init]
    status["containerStatuses"] = [each.to_json() for each in view.main]
    status["qosClass"] = before.get("qosClass") or qos_class(pod["spec"])
    status["resources"] = _resources(pod["spec"]["containers"])
    if status["resources"].get("requests"):
        status["allocatedResources"] = status["resources"]["requests"]
    return status


def _resources(containers: Sequence[Object]) -> Object:
    """What all containers together may use and ask for."""
    held = [each.get("resources") or {} for each in containers]
    if len(held) == 1:
        return {key: held[0][key] for key in ("limits", "requests") if held[0].get(key)}
    total: Object = {}
    for key in ("limits", "requests"):
        sums: dict[str, Decimal] = {}
        for each in held:
            for name, amount in (each.get(key) or {}).items():
                sums[name] = sums.get(name, Decimal(0)) + quantity(amount)
        if sums:
            total[key] = {name: quantities.canonical(f"{sums[name]:f}") for name in sums}
    return total


def _phase(pod: Object, view: PodView) -> str:
    policy = pod["spec"].get("restartPolicy", "Always")
    if view.over and view.main and not all(each.never_ran for each in view.main):
        failed = any(each.exit_code not in (0, None) for each in view.main)
        return "Failed" if failed else "Succeeded"
    if not view.initialized:
        broken = any(each.exit_code not in (0, None) for each in view.init)
        return "Failed" if broken and policy == "Never" else "Pending"
    if any(each.never_ran for each in view.main):
        return "Pending"
    if any("running" in each.state for each in view.main) or policy == "Always":
        return "Running"
    codes = [each.exit_code for each in view.main]
    if all(code == 0 for code in codes):
        return "Succeeded"
    return "Failed" if policy == "Never" and None not in codes else "Running"


def _conditions(pod: Object, view: PodView, phase: str, now: str) -> list[Object]:
    generation = int(pod["metadata"].get("generation", 1))
    known = {each["type"]: each for each in pod.get("status", {}).get("conditions") or ()}
    wanted = [
        _fact("PodReadyToStartContainers", view.sandbox_ready and not view.over),
        _initialized(view),
        _ready("Ready", view, phase),
        _ready("ContainersReady", view, phase),
        _fact("PodScheduled", True),
    ]
    conditions = []
    for kind, status, reason, message in wanted:
        old = known.get(kind)
        same = old is not None and old["status"] == status
        condition: Object = {
            "type": kind,
            "observedGeneration": generation,
            "status": status,
            "lastProbeTime": None,
            "lastTransitionTime": old["lastTransitionTime"] if old and same else now,
        }
        if reason:
            condition["reason"] = reason
        if message:
            condition["message"] = message
        conditions.append(condition)
    return conditions


_Condition = tuple[str, str, str, str]


def _fact(kind: str, true: bool) -> _Condition:
    return (kind, "True" if true else "False", "", "")


def _initialized(view: PodView) -> _Condition:
    if view.initialized:
        return _fact("Initialized", True)
    left = " ".join(each.name for each in view.init if each.exit_code != 0 and not each.ready)
    message = f"containers with incomplete status: [{left}]"
    return ("Initialized", "False", "ContainersNotInitialized", message)


def _ready(kind: str, view: PodView, phase: str) -> _Condition:
    if phase in ("Succeeded", "Failed"):
        return (kind, "False", "PodCompleted" if phase == "Succeeded" else "PodFailed", "")
    unready = [each.name for each in view.main if not each.ready]
    if not unready:
        return _fact(kind, True)
    message = f"containers with unready status: [{' '.join(unready)}]"
    return (kind, "False", "ContainersNotReady", message)

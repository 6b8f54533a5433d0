"""The HorizontalPodAutoscaler controller: it keeps a Deployment within its bounds.

Follows pkg/controller/podautoscaler at a load that calls for as many pods as there are: the wished
number is moved only into minReplicas…maxReplicas. The status says whether there is something to go
by, a metric and a request in every container that it is taken of.
"""

from __future__ import annotations

from typing import Any

from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes.events import EventRecorder
from bot.sandbox.kubernetes.rolling import wished_replicas
from bot.sandbox.kubernetes.storage import Storage
from bot.sandbox.kubernetes.stored import NotFound
from bot.sandbox.kubernetes.work_queue import Cache, Key, WorkQueue, key_of

Object = dict[str, Any]
MANAGER = "kube-controller-manager"
_AUTOSCALERS = "horizontalpodautoscalers.autoscaling"
_LATENCY = 0.05


class Autoscaler:
    """Watches autoscalers and the Deployments they point at."""

    def __init__(
        self, storage: Storage, clock: Clock, autoscalers: Cache, deployments: Cache
    ) -> None:
        self._storage = storage
        self._autoscalers = autoscalers
        self._deployments = deployments
        self._events = EventRecorder(storage, clock, "horizontal-pod-autoscaler")
        self._queue = WorkQueue(clock, self._sync, latency=_LATENCY)
        autoscalers.listen(self._changed)
        deployments.listen(self._target_changed)
        for each in autoscalers.all():
            self._queue.add(key_of(each))

    def stop(self) -> None:
        self._queue.stop()

    def _changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._queue.add(key_of(new))
        elif old is not None:
            self._queue.forget(key_of(old))

    def _target_changed(self, _old: Object | None, new: Object | None) -> None:
        if new is None:
            return
        namespace, name = key_of(new)
        for each in self._autoscalers.in_namespace(namespace):
            if each["spec"]["scaleTargetRef"]["name"] == name:
                self._queue.add(key_of(each))

    def _sync(self, key: Key) -> None:
        autoscaler = self._autoscalers.get(key)
        if autoscaler is None:
            return
        spec = autoscaler["spec"]
        target = self._deployments.get((key[0], spec["scaleTargetRef"]["name"]))
        if target is None:
            return
        wished = wished_replicas(target)
        least, most = int(spec.get("minReplicas") or 1), int(spec["maxReplicas"])
        size = wished if wished == 0 else max(least, min(most, wished))
        if size != wished:
            self._scale(autoscaler, target, size, above=wished < least)
        self._tell(key, target, size, wished)

    def _scale(self, autoscaler: Object, target: Object, size: int, *, above: bool) -> None:
        wanted = self._storage.get("deployments.apps", *key_of(target))
        if wanted is None:
            return
        wanted["spec"]["replicas"] = size
        self._storage.update("deployments.apps", wanted, manager=MANAGER, subresource="scale")
        reason = (
            "Current number of replicas below Spec.MinReplicas"
            if above
            else "Current number of replicas above Spec.MaxReplicas"
        )
        message = f"New size: {size}; reason: {reason}"
        self._events.normal(autoscaler, "SuccessfulRescale", message)

    def _tell(self, key: Key, target: Object, size: int, wished: int) -> None:
        def change(stored: Object) -> None:
            status = stored.setdefault("status", {})
            status["currentReplicas"] = int(target.get("status", {}).get("replicas", 0))
            status["desiredReplicas"] = size
            status.setdefault("currentMetrics", None)
            status["observedGeneration"] = int(stored["metadata"].get("generation", 1))
            unmeasured = _unmeasured(stored["spec"], target)
            before = status.get("conditions") or []
            status["conditions"] = self._conditions(before, wished, unmeasured)

        try:
            self._storage.update_status(_AUTOSCALERS, *key, change, manager=MANAGER)
        except NotFound:
            return

    def _conditions(self, before: list[Object], wished: int, unmeasured: str) -> list[Object]:
        able = (
            "AbleToScale",
            "True",
            "SucceededGetScale",
            "the HPA controller was able to get the target's current scale",
        )
        if wished == 0:
            active = (
                "ScalingActive",
                "False",
                "ScalingDisabled",
                "scaling is disabled since the replica count of the target is zero",
            )
        elif unmeasured:
            active = (
                "ScalingActive",
                "False",
                "FailedGetResourceMetric",
                f"the HPA was unable to compute the replica count: {unmeasured}",
            )
        else:
            active = (
                "ScalingActive",
                "True",
                "ValidMetricFound",
                "the HPA was able to successfully calculate a replica count from cpu resource "
                "utilization (percentage of request)",
            )
        known = {each["type"]: each for each in before}
        conditions = []
        for kind, status, reason, message in (able, active):
            old = known.get(kind)
            same = old is not None and old["status"] == status
            since = old["lastTransitionTime"] if old and same else self._storage.timestamp()
            conditions.append(
                {
                    "type": kind,
                    "status": status,
                    "lastTransitionTime": since,
                    "reason": reason,
                    "message": message,
                }
            )
        return conditions


def _unmeasured(spec: Object, target: Object) -> str:
    """Why there is nothing to go by, in the controller's words; "" where there is."""
    metrics = spec.get("metrics") or ()
    if not metrics:
        return (
            "unable to get metrics for resource cpu: no metrics returned from resource metrics API"
        )
    for metric in metrics:
        resource = metric.get("resource", {}).get("name")
        for container in target["spec"]["template"]["spec"]["containers"]:
            resources = container.get("resources") or {}
            asked = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
            if resource is not None and resource not in asked:
                lacking = f"missing request for {resource} in container {container['name']}"
                return f"failed to get {resource} utilization: {lacking}"
    return ""

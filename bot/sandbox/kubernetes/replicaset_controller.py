"""The ReplicaSet controller: as many pods as wished, made and removed, counted.

Follows pkg/controller/replicaset and controller_utils: pods are created in batches of 1, 2, 4, … so
that a refusal (a quota) stops at the first; pods that serve least are removed first; the status is
computed from the pods that were there before the step, so a later look corrects it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes.api_objects import (
    annotations_of,
    condition_of,
    controller_of,
    instant,
    is_active,
    is_over,
    labels_of,
    owner_reference,
    ready_since,
    selects,
    without_zeros,
)
from bot.sandbox.kubernetes.events import EventRecorder
from bot.sandbox.kubernetes.pod_defaults import pod_from_template
from bot.sandbox.kubernetes.rolling import replicas_of
from bot.sandbox.kubernetes.storage import Storage
from bot.sandbox.kubernetes.stored import NotFound, StorageError
from bot.sandbox.kubernetes.work_queue import Cache, Key, WorkQueue, key_of

Object = dict[str, Any]
MANAGER = "kube-controller-manager"
_REPLICA_SETS = "replicasets.apps"
_LATENCY = 0.0035
_BURST = 500  # pods made or removed in one look
_COST = "controller.kubernetes.io/pod-deletion-cost"
PodAdmission = Callable[[Object], str | None]
PodDeletion = Callable[[Object], None]


class ReplicaSetController:
    """`refuse(pod)` says why a pod may not be created (None: it may); `delete(pod)` removes one."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        replica_sets: Cache,
        pods: Cache,
        refuse: PodAdmission,
        delete: PodDeletion,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._replica_sets = replica_sets
        self._pods = pods
        self._refuse = refuse
        self._delete_pod = delete
        self._dice = random.Random()
        self._events = EventRecorder(storage, clock, "replicaset-controller")
        self._queue = WorkQueue(clock, self._sync, latency=_LATENCY)
        replica_sets.listen(self._replica_set_changed)
        pods.listen(self._pod_changed)
        for replica_set in replica_sets.all():
            self._queue.add(key_of(replica_set))

    def stop(self) -> None:
        self._queue.stop()

    def _replica_set_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._queue.add(key_of(new))
        elif old is not None:
            self._queue.forget(key_of(old))
            self._events.forget(old["metadata"]["uid"])

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        changed = new or old
        if changed is None or (old is not None and new is not None and _counts_alike(old, new)):
            return
        owner = controller_of(changed)
        namespace = key_of(changed)[0]
        if owner is not None:
            if owner["kind"] == "ReplicaSet":
                self._queue.add((namespace, owner["name"]))
            return
        for replica_set in self._replica_sets.in_namespace(namespace):
            if new is not None and selects(replica_set["spec"]["selector"], labels_of(new)):
                self._queue.add(key_of(replica_set))

    # One look at one ReplicaSet

    def _sync(self, key: Key) -> bool:
        replica_set = self._replica_sets.get(key)
        if replica_set is None or "deletionTimestamp" in replica_set["metadata"]:
            return False
        pods = self._claimed(replica_set)
        active = [pod for pod in pods if is_active(pod)]
        terminating = [
            pod for pod in pods if not is_over(pod) and "deletionTimestamp" in pod["metadata"]
        ]
        difference = replicas_of(replica_set) - len(active)
        refusal = self._manage(replica_set, active, difference)
        self._report(replica_set, active, len(terminating), difference, refusal)
        return refusal is not None

    def _claimed(self, replica_set: Object) -> list[Object]:
        """The pods it owns; orphans that its selector selects are adopted."""
        namespace, uid = key_of(replica_set)[0], replica_set["metadata"]["uid"]
        orphans = [
            pod
            for pod in self._pods.owned_by("")
            if key_of(pod)[0] == namespace
            and is_active(pod)
            and selects(replica_set["spec"]["selector"], labels_of(pod))
        ]
        for pod in orphans:
            adopted = self._storage.get("pods", *key_of(pod))
            if adopted is not None:
                owner = owner_reference(replica_set, "apps/v1", "ReplicaSet")
                adopted["metadata"].setdefault("ownerReferences", []).append(owner)
                self._storage.update("pods", adopted, manager=MANAGER)
        return self._pods.owned_by(uid)

    def _manage(self, replica_set: Object, active: list[Object], difference: int) -> str | None:
        """Create or delete pods; returns why it could not."""
        if difference > 0:
            return self._create(replica_set, min(difference, _BURST))
        if difference < 0:
            for pod in ranked_for_deletion(active)[: min(-difference, _BURST)]:
                name = pod["metadata"]["name"]
                self._delete_pod(pod)
                self._events.normal(replica_set, "SuccessfulDelete", f"Deleted pod: {name}")
        return None

    def _create(self, replica_set: Object, count: int) -> str | None:
        """In batches that double; the first refusal stops it (slowStartBatch)."""
        left, batch = count, 1
        while left > 0:
            size = min(batch, left)
            refusals = [self._create_one(replica_set) for _ in range(size)]
            refused = next((each for each in refusals if each is not None), None)
            if refused is not None:
                return refused
            left -= size
            batch *= 2
        return None

    def _create_one(self, replica_set: Object) -> str | None:
        pod = pod_from_template(
            replica_set, owner_reference(replica_set, "apps/v1", "ReplicaSet"), self._dice
        )

        def check(named: Object) -> None:
            reason = self._refuse(named)
            if reason is not None:
                raise StorageError("pods", named["metadata"]["name"], reason)

        try:
            made = self._storage.create("pods", pod, manager=MANAGER, check=check)
        except StorageError as error:
            self._events.warning(replica_set, "FailedCreate", f"Error creating: {error}")
            return str(error)
        name = made["metadata"]["name"]
        self._events.normal(replica_set, "SuccessfulCreate", f"Created pod: {name}")
        return None

    # Telling

    def _report(
        self,
        replica_set: Object,
        active: list[Object],
        terminating: int,
        difference: int,
        refusal: str | None,
    ) -> None:
        minimum = int(replica_set["spec"].get("minReadySeconds") or 0)
        template_labels = labels_of(replica_set["spec"]["template"])
        ready = [pod for pod in active if ready_since(pod) is not None]
        waits = [self._seconds_to_available(pod, minimum) for pod in ready]
        counts = {
            "replicas": len(active),
            "fullyLabeledReplicas": sum(
                template_labels.items() <= labels_of(pod).items() for pod in active
            ),
            "readyReplicas": len(ready),
            "availableReplicas": sum(wait <= 0 for wait in waits),
            "terminatingReplicas": terminating,
            "observedGeneration": int(replica_set["metadata"]["generation"]),
        }
        keep = ("replicas", "terminatingReplicas")
        status: Object = dict(without_zeros(counts, keep=keep))
        conditions = self._conditions(replica_set, difference, refusal)
        if conditions:
            status["conditions"] = conditions

        def change(stored: Object) -> None:
            stored["status"] = status

        if status != replica_set.get("status"):
            try:
                self._storage.update_status(
                    _REPLICA_SETS, *key_of(replica_set), change, manager=MANAGER
                )
            except NotFound:
                return
        pending = [wait for wait in waits if wait > 0]
        if pending:
            self._queue.add_after(key_of(replica_set), min(pending))

    def _seconds_to_available(self, pod: Object, minimum: int) -> float:
        since = ready_since(pod)
        if minimum == 0 or since is None:
            return 0.0
        due = instant(since) + timedelta(seconds=minimum)
        return (due - self._clock.now()).total_seconds()

    def _conditions(
        self, replica_set: Object, difference: int, refusal: str | None
    ) -> list[Object]:
        status = replica_set.get("status", {})
        others = [
            each for each in status.get("conditions") or () if each["type"] != "ReplicaFailure"
        ]
        if refusal is None:
            return others
        present = condition_of(status, "ReplicaFailure")
        new = {
            "type": "ReplicaFailure",
            "status": "True",
            "lastTransitionTime": self._storage.timestamp(),
            "reason": "FailedCreate" if difference > 0 else "FailedDelete",
            "message": refusal,
        }
        return [*others, present or new]


def ranked_for_deletion(pods: Sequence[Object]) -> list[Object]:
    """Pods in the order in which they are given up (ActivePodsWithRanks): not placed, pending, not
    ready, cheap by annotation, crowded on a node, ready for less long, restarted more, younger.
    """
    crowd: dict[str, int] = {}
    for pod in pods:
        node = pod["spec"].get("nodeName") or ""
        crowd[node] = crowd.get(node, 0) + 1
    phases = {"Pending": 0, "Unknown": 1, "Running": 2}

    def rank(pod: Object) -> tuple[object, ...]:
        node = pod["spec"].get("nodeName") or ""
        status = pod.get("status", {})
        since = ready_since(pod)
        restarts = max(
            (int(each.get("restartCount", 0)) for each in status.get("containerStatuses") or ()),
            default=0,
        )
        return (
            bool(node),
            phases.get(status.get("phase", "Pending"), 0),
            since is not None,
            int(annotations_of(pod).get(_COST) or 0),
            -crowd[node],
            -instant(since).timestamp() if since is not None else 0.0,
            -restarts,
            -instant(pod["metadata"]["creationTimestamp"]).timestamp(),
        )

    return sorted(pods, key=rank)


_COUNTED_OF_METADATA = ("labels", "ownerReferences", "deletionTimestamp", "creationTimestamp")
_COUNTED_OF_STATUS = ("phase", "conditions")


def _same(old: Object, new: Object, words: tuple[str, ...]) -> bool:
    for word in words:  # noqa: SIM110  # asked of each write: a generator costs more than its answer
        if old.get(word) != new.get(word):
            return False
    return True


def _counts_alike(old: Object, new: Object) -> bool:
    """Would a ReplicaSet count both the same? Then it need not look."""
    if _same(old["metadata"], new["metadata"], _COUNTED_OF_METADATA) and _same(
        old.get("status", {}), new.get("status", {}), _COUNTED_OF_STATUS
    ):
        return True  # so it is with most status writes of a kubelet

    def seen(pod: Object) -> tuple[object, ...]:
        return (
            is_active(pod),
            is_over(pod),
            ready_since(pod),
            labels_of(pod),
            controller_of(pod),
        )

    return seen(old) == seen(new)

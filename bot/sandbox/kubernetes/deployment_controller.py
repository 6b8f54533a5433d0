"""The Deployment controller: ReplicaSets for templates, scaled step by step, and its status.

Follows pkg/controller/deployment: one `_sync` looks at a Deployment and its ReplicaSets, does at
most one kind of step (create, scale up, scale down) and writes the status; the change that it made
brings it back. ReplicaSets are found and written by `deployment_replica_sets.py`, the arithmetic is
in `rolling.py`, the status in `deployment_status.py`.
"""

from __future__ import annotations

from typing import Any

from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes import rolling
from bot.sandbox.kubernetes.api_objects import (
    annotations_of,
    condition_of,
    controller_of,
    instant,
    is_over,
)
from bot.sandbox.kubernetes.deployment_replica_sets import (
    DeploymentReplicaSets,
    RolloutHook,
    write_status,
)
from bot.sandbox.kubernetes.deployment_status import (
    TIMED_OUT,
    computed_status,
    condition,
    deadline_of,
    is_complete,
    rollout_status,
    set_condition,
)
from bot.sandbox.kubernetes.events import EventRecorder
from bot.sandbox.kubernetes.storage import Storage
from bot.sandbox.kubernetes.stored import copy_json
from bot.sandbox.kubernetes.work_queue import Cache, Key, WorkQueue, key_of

Object = dict[str, Any]
_LATENCY = 0.0025  # seconds between a change and the controller's answer, as recorded


class DeploymentController:
    """`on_rollout(deployment, replica_set)` is called as a template's rollout begins."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        deployments: Cache,
        replica_sets: Cache,
        pods: Cache,
        on_rollout: RolloutHook | None = None,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._deployments = deployments
        self._replica_sets = replica_sets
        self._pods = pods
        self._events = EventRecorder(storage, clock, "deployment-controller")
        self._sets = DeploymentReplicaSets(storage, replica_sets, self._events, on_rollout)
        self._queue = WorkQueue(clock, self._sync, latency=_LATENCY)
        deployments.listen(self._deployment_changed)
        replica_sets.listen(self._replica_set_changed)
        pods.listen(self._pod_changed)
        for deployment in deployments.all():
            self._queue.add(key_of(deployment))

    def stop(self) -> None:
        self._queue.stop()

    # What wakes it

    def _deployment_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._queue.add(key_of(new))
        elif old is not None:
            self._queue.forget(key_of(old))
            self._events.forget(old["metadata"]["uid"])

    def _replica_set_changed(self, old: Object | None, new: Object | None) -> None:
        changed = new or old
        owner = controller_of(changed) if changed else None
        if changed is not None and owner is not None and owner["kind"] == "Deployment":
            self._queue.add((key_of(changed)[0], owner["name"]))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        """A Recreate rollout waits for the last old pod to go."""
        if old is None or (new is not None and not is_over(new)):
            return
        owner = controller_of(old)
        namespace = key_of(old)[0]
        replica_set = self._replica_sets.get((namespace, owner["name"])) if owner else None
        parent = controller_of(replica_set) if replica_set else None
        deployment = self._deployments.get((namespace, parent["name"])) if parent else None
        if deployment is not None and rolling.is_recreate(deployment):
            self._queue.add(key_of(deployment))

    # One look at one Deployment

    def _sync(self, key: Key) -> None:
        deployment = self._deployments.get(key)
        if deployment is None:
            return
        deployment = copy_json(deployment)
        owned = self._sets.owned(deployment)
        if "deletionTimestamp" in deployment["metadata"]:
            return
        self._tell_pause(deployment)
        if deployment["spec"].get("paused"):
            self._sync_scale(deployment, owned, paused=True)
        elif self._is_scaling(deployment, owned):
            self._sync_scale(deployment, owned, paused=False)
        elif rolling.is_recreate(deployment):
            self._sync_recreate(deployment, owned)
        else:
            self._sync_rolling(deployment, owned)

    def _tell_pause(self, deployment: Object) -> None:
        """Progressing says Unknown while paused: no deadline counts (checkPausedConditions)."""
        if deadline_of(deployment) is None:
            return
        status = deployment.setdefault("status", {})
        current = condition_of(status, "Progressing")
        if current is not None and current.get("reason") == TIMED_OUT:
            return
        paused = bool(deployment["spec"].get("paused"))
        told = current is not None and current.get("reason") == "DeploymentPaused"
        if paused == told:
            return
        word = "paused" if paused else "resumed"
        new = condition(
            "Progressing",
            "Unknown",
            f"Deployment{word.capitalize()}",
            f"Deployment is {word}",
            self._storage.timestamp(),
        )
        status["conditions"] = set_condition(status.get("conditions") or [], new)
        write_status(self._storage, deployment, status)

    def _is_scaling(self, deployment: Object, owned: list[Object]) -> bool:
        wished = str(rolling.wished_replicas(deployment))
        told = (
            annotations_of(each).get(rolling.DESIRED) for each in owned if rolling.replicas_of(each)
        )
        return any(each is not None and each != wished for each in told)

    def _sync_scale(self, deployment: Object, owned: list[Object], *, paused: bool) -> None:
        new, old = self._sets.new_and_old(deployment, owned, create=False)
        self._sets.scale(deployment, new, old)
        if paused:
            self._sets.clean_up(deployment, old)
        new, old = self._sets.fresh(deployment, new)
        every = [*old, *([new] if new else [])]
        status = computed_status(deployment, every, new, self._storage.timestamp())
        write_status(self._storage, deployment, status)

    def _sync_rolling(self, deployment: Object, owned: list[Object]) -> None:
        new, old = self._sets.new_and_old(deployment, owned, create=True)
        if new is None:
            return
        self._step_rolling(deployment, new, old)
        new, old = self._sets.fresh(deployment, new)
        self._report(deployment, new, old)

    def _step_rolling(self, deployment: Object, new: Object, old: list[Object]) -> None:
        own, wished = rolling.replicas_of(new), rolling.wished_replicas(deployment)
        size = wished if own > wished else rolling.new_replicas(deployment, [*old, new], own)
        if self._sets.resize(deployment, new, size):
            return
        active = [each for each in old if rolling.replicas_of(each)]
        downs = rolling.scale_downs(deployment, active, new) if active else []
        for replica_set, smaller in downs:
            self._sets.resize(deployment, replica_set, smaller)
        if not downs and is_complete(deployment, deployment.get("status", {})):
            self._sets.clean_up(deployment, old)

    def _sync_recreate(self, deployment: Object, owned: list[Object]) -> None:
        new, old = self._sets.new_and_old(deployment, owned, create=False)
        active = [each for each in old if rolling.replicas_of(each)]
        for replica_set in active:
            self._sets.resize(deployment, replica_set, 0)
        if not active and not any(self._has_pods(each) for each in old):
            if new is None:
                new, old = self._sets.new_and_old(deployment, owned, create=True)
            if new is not None:
                self._sets.resize(deployment, new, rolling.wished_replicas(deployment))
            if is_complete(deployment, deployment.get("status", {})):
                self._sets.clean_up(deployment, old)
        new, old = self._sets.fresh(deployment, new)
        self._report(deployment, new, old)

    def _has_pods(self, replica_set: Object) -> bool:
        pods = self._pods.owned_by(replica_set["metadata"]["uid"])
        return any(not is_over(pod) for pod in pods)

    # Telling

    def _report(self, deployment: Object, new: Object | None, old: list[Object]) -> None:
        every = [*old, *([new] if new else [])]
        stamp = self._storage.timestamp()
        status = rollout_status(deployment, every, new, self._clock.now(), stamp)
        if status != deployment.get("status", {}):
            write_status(self._storage, deployment, status)
        else:
            self._watch_deadline(deployment, status)

    def _watch_deadline(self, deployment: Object, status: Object) -> None:
        """Come back a second after the deadline; until then nobody needs to (requeueStuck…)."""
        deadline = deadline_of(deployment)
        current = condition_of(status, "Progressing")
        if deadline is None or current is None or current.get("reason") == TIMED_OUT:
            return
        if is_complete(deployment, status):
            return
        since = (self._clock.now() - instant(current["lastUpdateTime"])).total_seconds()
        self._queue.add_after(key_of(deployment), max(deadline - since, 0.0) + 1.0)

"""The Deployment controller: ReplicaSets for templates, scaled step by step, and its status.

Follows pkg/controller/deployment: one `_sync` looks at a Deployment and its ReplicaSets, does at
most one kind of step (create, scale up, scale down) and writes the status; the change that it made
brings it back. The arithmetic is in `rolling.py`, the status in `deployment_status.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes import rolling
from bot.sandbox.kubernetes.api_objects import (
    annotations_of,
    condition_of,
    controller_of,
    instant,
    is_over,
    labels_of,
    owner_reference,
    selects,
    template_hash,
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
from bot.sandbox.kubernetes.stored import AlreadyExists, NotFound, copy_json
from bot.sandbox.kubernetes.work_queue import Cache, Key, WorkQueue, key_of

Object = dict[str, Any]
MANAGER = "kube-controller-manager"
_DEPLOYMENTS, _REPLICA_SETS = "deployments.apps", "replicasets.apps"
_LATENCY = 0.0025  # seconds between a change and the controller's answer, as recorded
_HASH = "pod-template-hash"
_NOT_COPIED = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        rolling.REVISION,
        rolling.REVISION_HISTORY,
        rolling.DESIRED,
        rolling.MAXIMUM,
    }
)
RolloutHook = Callable[[Object, Object], None]


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
        self._on_rollout = on_rollout
        self._events = EventRecorder(storage, clock, "deployment-controller")
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
        owned = self._owned(deployment)
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

    def _owned(self, deployment: Object) -> list[Object]:
        """The Deployment's ReplicaSets; orphans that its selector selects are adopted."""
        uid, namespace = deployment["metadata"]["uid"], key_of(deployment)[0]
        for each in self._replica_sets.owned_by(""):
            if key_of(each)[0] == namespace and selects(
                deployment["spec"]["selector"], labels_of(each)
            ):
                adopted = copy_json(each)
                owner = owner_reference(deployment, "apps/v1", "Deployment")
                adopted["metadata"].setdefault("ownerReferences", []).append(owner)
                self._storage.update(_REPLICA_SETS, adopted, manager=MANAGER)
        return self._replica_sets.owned_by(uid)

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
        self._write_status(deployment, status)

    def _is_scaling(self, deployment: Object, owned: list[Object]) -> bool:
        wished = str(rolling.wished_replicas(deployment))
        told = (
            annotations_of(each).get(rolling.DESIRED) for each in owned if rolling.replicas_of(each)
        )
        return any(each is not None and each != wished for each in told)

    def _sync_scale(self, deployment: Object, owned: list[Object], *, paused: bool) -> None:
        new, old = self._new_and_old(deployment, owned, create=False)
        self._scale(deployment, new, old)
        if paused:
            self._clean_up(deployment, old)
        new, old = self._fresh(deployment, new)
        every = [*old, *([new] if new else [])]
        status = computed_status(deployment, every, new, self._storage.timestamp())
        self._write_status(deployment, status)

    def _sync_rolling(self, deployment: Object, owned: list[Object]) -> None:
        new, old = self._new_and_old(deployment, owned, create=True)
        if new is None:
            return
        self._step_rolling(deployment, new, old)
        new, old = self._fresh(deployment, new)
        self._report(deployment, new, old)

    def _step_rolling(self, deployment: Object, new: Object, old: list[Object]) -> None:
        own, wished = rolling.replicas_of(new), rolling.wished_replicas(deployment)
        size = wished if own > wished else rolling.new_replicas(deployment, [*old, new], own)
        if self._resize(deployment, new, size):
            return
        active = [each for each in old if rolling.replicas_of(each)]
        downs = rolling.scale_downs(deployment, active, new) if active else []
        for replica_set, smaller in downs:
            self._resize(deployment, replica_set, smaller)
        if not downs and is_complete(deployment, deployment.get("status", {})):
            self._clean_up(deployment, old)

    def _sync_recreate(self, deployment: Object, owned: list[Object]) -> None:
        new, old = self._new_and_old(deployment, owned, create=False)
        active = [each for each in old if rolling.replicas_of(each)]
        for replica_set in active:
            self._resize(deployment, replica_set, 0)
        if not active and not any(self._has_pods(each) for each in old):
            if new is None:
                new, old = self._new_and_old(deployment, owned, create=True)
            if new is not None:
                self._resize(deployment, new, rolling.wished_replicas(deployment))
            if is_complete(deployment, deployment.get("status", {})):
                self._clean_up(deployment, old)
        new, old = self._fresh(deployment, new)
        self._report(deployment, new, old)

    def _has_pods(self, replica_set: Object) -> bool:
        pods = self._pods.owned_by(replica_set["metadata"]["uid"])
        return any(not is_over(pod) for pod in pods)

    # Finding and making ReplicaSets

    def _new_and_old(
        self, deployment: Object, owned: list[Object], *, create: bool
    ) -> tuple[Object | None, list[Object]]:
        template = deployment["spec"]["template"]
        oldest_first = sorted(
            owned, key=lambda each: (each["metadata"]["creationTimestamp"], key_of(each))
        )
        new = next((each for each in oldest_first if _has_template(each, template)), None)
        old = [each for each in oldest_first if each is not new]
        revision = max((_revision_of(each) for each in old), default=0) + 1
        if new is not None:
            return self._adopted_as_new(deployment, new, revision), old
        if not create:
            return None, old
        return self._create(deployment, old, revision), old

    def _adopted_as_new(self, deployment: Object, present: Object, revision: int) -> Object:
        """A ReplicaSet has the template already: it gets the next revision, as in a roll-back."""
        wanted = copy_json(present)
        annotations = annotations_of(wanted)
        copied = {k: v for k, v in annotations_of(deployment).items() if k not in _NOT_COPIED}
        before = int(annotations.get(rolling.REVISION) or 0)
        if before < revision:
            history = annotations.get(rolling.REVISION_HISTORY)
            if before:
                copied[rolling.REVISION_HISTORY] = f"{history},{before}" if history else str(before)
            copied[rolling.REVISION] = str(revision)
            if self._on_rollout is not None:
                self._on_rollout(deployment, present)
        wanted["metadata"]["annotations"] = {**annotations, **copied}
        minimum = deployment["spec"].get("minReadySeconds", 0)
        if wanted["spec"].get("minReadySeconds", 0) != minimum:
            wanted["spec"]["minReadySeconds"] = minimum
        if wanted != present:
            return self._storage.update(_REPLICA_SETS, wanted, manager=MANAGER)
        name = present["metadata"]["name"]
        self._note_new(
            deployment,
            annotations.get(rolling.REVISION, "1"),
            "FoundNewReplicaSet",
            f'Found new replica set "{name}"',
            always=False,
        )
        return present

    def _create(self, deployment: Object, old: list[Object], revision: int) -> Object | None:
        meta, spec = deployment["metadata"], deployment["spec"]
        collisions = int(deployment.get("status", {}).get("collisionCount") or 0)
        digest = template_hash(spec["template"], collisions)
        template = copy_json(spec["template"])
        template["metadata"]["labels"] = {**labels_of(template), _HASH: digest}
        template["metadata"] = {
            k: template["metadata"][k] for k in sorted(template["metadata"], reverse=True)
        }
        selector = copy_json(spec["selector"])
        selector["matchLabels"] = {**(selector.get("matchLabels") or {}), _HASH: digest}
        bounds = rolling.bounds_of(deployment)
        copied = {k: v for k, v in annotations_of(deployment).items() if k not in _NOT_COPIED}
        name = f"{meta['name']}-{digest}"
        size = rolling.new_replicas(deployment, old, 0)
        wanted: Object = {
            "kind": "ReplicaSet",
            "apiVersion": "apps/v1",
            "metadata": {
                "name": name,
                "namespace": meta["namespace"],
                "labels": labels_of(template),
                "annotations": {
                    **copied,
                    rolling.DESIRED: str(bounds.wished),
                    rolling.MAXIMUM: str(bounds.most),
                    rolling.REVISION: str(revision),
                },
                "ownerReferences": [owner_reference(deployment, "apps/v1", "Deployment")],
            },
            "spec": {"replicas": size, "selector": selector, "template": template},
            "status": {"replicas": 0},
        }
        if spec.get("minReadySeconds"):
            wanted["spec"]["minReadySeconds"] = spec["minReadySeconds"]
        try:
            made = self._storage.create(_REPLICA_SETS, wanted, manager=MANAGER)
        except AlreadyExists:
            status = deployment.setdefault("status", {})
            self._write_status(deployment, {**status, "collisionCount": collisions + 1})
            return None
        if self._on_rollout is not None:
            self._on_rollout(deployment, made)
        if size:
            self._events.normal(
                deployment, "ScalingReplicaSet", f"Scaled up replica set {name} from 0 to {size}"
            )
        message = f'Created new replica set "{name}"'
        self._note_new(deployment, str(revision), "NewReplicaSetCreated", message, always=True)
        return made

    def _note_new(
        self, deployment: Object, revision: str, reason: str, message: str, *, always: bool
    ) -> None:
        """The Deployment's revision, and a first word on its progress, in one write."""
        annotations = {**annotations_of(deployment), rolling.REVISION: revision}
        status = deployment.setdefault("status", {})
        if deadline_of(deployment) is not None and (
            always or condition_of(status, "Progressing") is None
        ):
            new = condition("Progressing", "True", reason, message, self._storage.timestamp())
            status["conditions"] = set_condition(status.get("conditions") or [], new)
        deployment["metadata"]["annotations"] = annotations
        self._write_status(deployment, status)

    def _fresh(self, deployment: Object, new: Object | None) -> tuple[Object | None, list[Object]]:
        """New and old as they are after this sync's writes."""
        owned = self._replica_sets.owned_by(deployment["metadata"]["uid"])
        name = new["metadata"]["name"] if new is not None else None
        found = next((each for each in owned if each["metadata"]["name"] == name), None)
        return found, [each for each in owned if each is not found]

    # Scaling

    def _scale(self, deployment: Object, new: Object | None, old: list[Object]) -> None:
        wished = rolling.wished_replicas(deployment)
        every = [*old, *([new] if new else [])]
        active = [each for each in every if rolling.replicas_of(each)]
        single = active[0] if len(active) == 1 else None
        if not active:
            single = new or (old[-1] if old else None)
        if single is not None:
            self._resize(deployment, single, wished)
        elif new is not None and _is_saturated(deployment, new):
            for each in active:
                if each is not new:
                    self._resize(deployment, each, 0)
        elif not rolling.is_recreate(deployment):
            for each, size in rolling.proportional_sizes(deployment, active):
                self._resize(deployment, each, size)

    def _resize(self, deployment: Object, replica_set: Object, size: int) -> bool:
        """Write the size and what it was computed from; True when the size changed."""
        bounds = rolling.bounds_of(deployment)
        before = rolling.replicas_of(replica_set)
        told = {rolling.DESIRED: str(bounds.wished), rolling.MAXIMUM: str(bounds.most)}
        annotations = annotations_of(replica_set)
        if before == size and told.items() <= annotations.items():
            return False
        wanted = self._storage.get(_REPLICA_SETS, *key_of(replica_set))
        if wanted is None:
            return False
        wanted["spec"]["replicas"] = size
        wanted["metadata"]["annotations"] = {**annotations_of(wanted), **told}
        self._storage.update(_REPLICA_SETS, wanted, manager=MANAGER)
        if before != size:
            direction = "up" if size > before else "down"
            name = replica_set["metadata"]["name"]
            self._events.normal(
                deployment,
                "ScalingReplicaSet",
                f"Scaled {direction} replica set {name} from {before} to {size}",
            )
        return before != size

    def _clean_up(self, deployment: Object, old: list[Object]) -> None:
        """Forget the oldest empty ReplicaSets beyond revisionHistoryLimit."""
        limit = deployment["spec"].get("revisionHistoryLimit", 10)
        kept = [each for each in old if "deletionTimestamp" not in each["metadata"]]
        for each in sorted(kept, key=_revision_of)[: max(0, len(kept) - int(limit))]:
            status = each.get("status", {})
            seen = int(status.get("observedGeneration", 0)) >= each["metadata"]["generation"]
            if seen and not status.get("replicas") and not rolling.replicas_of(each):
                self._storage.delete(_REPLICA_SETS, *key_of(each))

    # Telling

    def _report(self, deployment: Object, new: Object | None, old: list[Object]) -> None:
        every = [*old, *([new] if new else [])]
        stamp = self._storage.timestamp()
        status = rollout_status(deployment, every, new, self._clock.now(), stamp)
        if status != deployment.get("status", {}):
            self._write_status(deployment, status)
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

    def _write_status(self, deployment: Object, status: Object) -> None:
        annotations = annotations_of(deployment)

        def change(stored: Object) -> None:
            stored["status"] = status
            if annotations:
                stored["metadata"]["annotations"] = {
                    **annotations_of(stored),
                    **{k: v for k, v in annotations.items() if k == rolling.REVISION},
                }

        try:
            stored = self._storage.update_status(
                _DEPLOYMENTS, *key_of(deployment), change, manager=MANAGER
            )
        except NotFound:
            return
        written = stored.copy()
        deployment["status"] = written.get("status", {})
        deployment["metadata"]["annotations"] = annotations_of(written)


def _has_template(replica_set: Object, wanted: Object) -> bool:
    """The same template, but for the hash that the controller added (EqualIgnoreHash)."""
    its = replica_set["spec"]["template"]
    if its.get("spec") != wanted.get("spec"):
        return False
    meta = {k: v for k, v in (its.get("metadata") or {}).items() if k != "labels"}
    other = {k: v for k, v in (wanted.get("metadata") or {}).items() if k != "labels"}
    labels = {k: v for k, v in labels_of(its).items() if k != _HASH}
    return meta == other and labels == labels_of(wanted)


def _revision_of(replica_set: Object) -> int:
    return int(annotations_of(replica_set).get(rolling.REVISION) or 0)


def _is_saturated(deployment: Object, new: Object) -> bool:
    wished = rolling.wished_replicas(deployment)
    return (
        annotations_of(new).get(rolling.DESIRED) == str(wished)
        and rolling.replicas_of(new) == wished
        and rolling.available_of(new) == wished
    )

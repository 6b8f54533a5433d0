"""The ReplicaSets of Deployments: found, adopted, made, scaled, forgotten, each change told.

Follows pkg/controller/deployment (sync.go): a ReplicaSet is a Deployment's new one by its template
alone, and a revision is given to it in the same write. Which of this is done in a sync, and when,
is `deployment_controller.py`; how large each may be is `rolling.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.sandbox.kubernetes import rolling
from bot.sandbox.kubernetes.api_objects import (
    annotations_of,
    condition_of,
    labels_of,
    owner_reference,
    selects,
    template_hash,
)
from bot.sandbox.kubernetes.deployment_status import condition, deadline_of, set_condition
from bot.sandbox.kubernetes.events import EventRecorder
from bot.sandbox.kubernetes.storage import Storage
from bot.sandbox.kubernetes.stored import AlreadyExists, NotFound, copy_json
from bot.sandbox.kubernetes.work_queue import Cache, key_of

Object = dict[str, Any]
MANAGER = "kube-controller-manager"
_DEPLOYMENTS, _REPLICA_SETS = "deployments.apps", "replicasets.apps"
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


class DeploymentReplicaSets:
    """`on_rollout(deployment, replica_set)` is called as a template's rollout begins."""

    def __init__(
        self,
        storage: Storage,
        replica_sets: Cache,
        events: EventRecorder,
        on_rollout: RolloutHook | None = None,
    ) -> None:
        self._storage = storage
        self._replica_sets = replica_sets
        self._events = events
        self._on_rollout = on_rollout

    # Finding and making

    def owned(self, deployment: Object) -> list[Object]:
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

    def new_and_old(
        self, deployment: Object, owned: list[Object], *, create: bool
    ) -> tuple[Object | None, list[Object]]:
        """The one with the Deployment's template, made where it must be, and all others."""
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

    def fresh(self, deployment: Object, new: Object | None) -> tuple[Object | None, list[Object]]:
        """New and old as they are after this sync's writes."""
        owned = self._replica_sets.owned_by(deployment["metadata"]["uid"])
        name = new["metadata"]["name"] if new is not None else None
        found = next((each for each in owned if each["metadata"]["name"] == name), None)
        return found, [each for each in owned if each is not found]

    def _adopted_as_new(self, deployment: Object, present: Object, revision: int) -> Object:
        """A ReplicaSet has the template already: it gets the next revision, as in a roll-back."""
        wanted = copy_json(present)
        annotations = annotations_of(wanted)
        copied = _copied_annotations(deployment)
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
        """None where the name is taken by another template: the next sync tries another name."""
        collisions = int(deployment.get("status", {}).get("collisionCount") or 0)
        size = rolling.new_replicas(deployment, old, 0)
        wanted = _replica_set_of(deployment, revision, size, collisions)
        name = wanted["metadata"]["name"]
        try:
            made = self._storage.create(_REPLICA_SETS, wanted, manager=MANAGER)
        except AlreadyExists:
            status = deployment.setdefault("status", {})
            write_status(self._storage, deployment, {**status, "collisionCount": collisions + 1})
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
        write_status(self._storage, deployment, status)

    # Sizes

    def scale(self, deployment: Object, new: Object | None, old: list[Object]) -> None:
        """To the wished number: the only one, the new one alone once it is full, or all in
        proportion."""
        wished = rolling.wished_replicas(deployment)
        every = [*old, *([new] if new else [])]
        active = [each for each in every if rolling.replicas_of(each)]
        single = active[0] if len(active) == 1 else None
        if not active:
            single = new or (old[-1] if old else None)
        if single is not None:
            self.resize(deployment, single, wished)
        elif new is not None and _is_saturated(deployment, new):
            for each in active:
                if each is not new:
                    self.resize(deployment, each, 0)
        elif not rolling.is_recreate(deployment):
            for each, size in rolling.proportional_sizes(deployment, active):
                self.resize(deployment, each, size)

    def resize(self, deployment: Object, replica_set: Object, size: int) -> bool:
        """Write the size and what it was computed from; True when the size changed."""
        before = rolling.replicas_of(replica_set)
        told = _computed_from(deployment)
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

    def clean_up(self, deployment: Object, old: list[Object]) -> None:
        """Forget the oldest empty ReplicaSets beyond revisionHistoryLimit."""
        limit = deployment["spec"].get("revisionHistoryLimit", 10)
        kept = [each for each in old if "deletionTimestamp" not in each["metadata"]]
        for each in sorted(kept, key=_revision_of)[: max(0, len(kept) - int(limit))]:
            status = each.get("status", {})
            seen = int(status.get("observedGeneration", 0)) >= each["metadata"]["generation"]
            if seen and not status.get("replicas") and not rolling.replicas_of(each):
                self._storage.delete(_REPLICA_SETS, *key_of(each))


def write_status(storage: Storage, deployment: Object, status: Object) -> None:
    """The Deployment's status, and its revision where it carries one; it goes on as written."""
    annotations = annotations_of(deployment)

    def change(stored: Object) -> None:
        stored["status"] = status
        if annotations:
            stored["metadata"]["annotations"] = {
                **annotations_of(stored),
                **{k: v for k, v in annotations.items() if k == rolling.REVISION},
            }

    try:
        stored = storage.update_status(_DEPLOYMENTS, *key_of(deployment), change, manager=MANAGER)
    except NotFound:
        return
    written = stored.copy()
    deployment["status"] = written.get("status", {})
    deployment["metadata"]["annotations"] = annotations_of(written)


def _replica_set_of(deployment: Object, revision: int, size: int, collisions: int) -> Object:
    """A new one for the Deployment's template; `collisions` is part of the hash that names it."""
    meta, spec = deployment["metadata"], deployment["spec"]
    digest = template_hash(spec["template"], collisions)
    template = copy_json(spec["template"])
    template["metadata"]["labels"] = {**labels_of(template), _HASH: digest}
    template["metadata"] = {
        k: template["metadata"][k] for k in sorted(template["metadata"], reverse=True)
    }
    selector = copy_json(spec["selector"])
    selector["matchLabels"] = {**(selector.get("matchLabels") or {}), _HASH: digest}
    wanted: Object = {
        "kind": "ReplicaSet",
        "apiVersion": "apps/v1",
        "metadata": {
            "name": f"{meta['name']}-{digest}",
            "namespace": meta["namespace"],
            "labels": labels_of(template),
            "annotations": {
                **_copied_annotations(deployment),
                **_computed_from(deployment),
                rolling.REVISION: str(revision),
            },
            "ownerReferences": [owner_reference(deployment, "apps/v1", "Deployment")],
        },
        "spec": {"replicas": size, "selector": selector, "template": template},
        "status": {"replicas": 0},
    }
    if spec.get("minReadySeconds"):
        wanted["spec"]["minReadySeconds"] = spec["minReadySeconds"]
    return wanted


def _copied_annotations(deployment: Object) -> Object:
    """Those of the Deployment that its ReplicaSets have, too."""
    return {k: v for k, v in annotations_of(deployment).items() if k not in _NOT_COPIED}


def _computed_from(deployment: Object) -> dict[str, str]:
    """The annotations that tell from which bounds a size was computed."""
    bounds = rolling.bounds_of(deployment)
    return {rolling.DESIRED: str(bounds.wished), rolling.MAXIMUM: str(bounds.most)}


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

"""Deletion: at once, or marked with a time for the kubelet, the collector or a finalizer to finish.

The API server only marks; `garbage_collector.py` removes what belongs to the deleted, and the
kubelet takes a pod out when its grace is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes import statuses, versions
from bot.sandbox.kubernetes.resources import Kind
from bot.sandbox.kubernetes.storage import Storage
from bot.sandbox.kubernetes.stored import Object, copy_json

_PROTECTED = ("default", "kube-system", "kube-public")
_DEFAULT_GRACE = 30  # seconds


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    propagation: str = "Background"
    grace: int | None = None
    uid: str | None = None
    resource_version: str | None = None
    dry_run: bool = False


class Deletion:
    """Deletes on behalf of clients."""

    def __init__(self, store: Storage, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def delete(
        self, kind: Kind, namespace: str, name: str, options: DeleteOptions
    ) -> tuple[Object, bool]:
        """Returns the object (or its last state), and whether it is gone at once."""
        stored = self._store.stored(kind.key, namespace or None, name)
        if stored is None:
            raise statuses.not_found(kind, name)
        old = versions.to_version(kind, stored.copy())
        meta = old["metadata"]
        if options.uid and options.uid != meta["uid"]:
            raise statuses.precondition(
                kind,
                name,
                f"the UID in the precondition ({options.uid}) does not match the UID in record "
                f"({meta['uid']}). The object might have been deleted and then recreated",
            )
        if options.resource_version and options.resource_version != meta["resourceVersion"]:
            raise statuses.precondition(
                kind,
                name,
                f"the ResourceVersion in the precondition ({options.resource_version}) does not "
                f"match the ResourceVersion in record ({meta['resourceVersion']}). The object "
                "might have been modified",
            )
        if kind.kind == "Namespace":
            return self._delete_namespace(kind, old, options)
        return self._delete_object(kind, old, options)

    def _delete_namespace(
        self, kind: Kind, old: Object, options: DeleteOptions
    ) -> tuple[Object, bool]:
        meta = old["metadata"]
        if meta["name"] in _PROTECTED:
            raise statuses.forbidden(kind, meta["name"], "this namespace may not be deleted")
        if "deletionTimestamp" not in meta:
            meta["deletionTimestamp"] = self._store.timestamp()
        # A namespace is never gone at once, and keeps no grace period: its content goes first.
        meta["finalizers"] = meta.get("finalizers") or []
        old["status"] = {**(old.get("status") or {}), "phase": "Terminating"}
        if not meta["finalizers"]:
            del meta["finalizers"]
        if options.dry_run:
            return versions.answer(kind, old), False
        return versions.answer(kind, self._store.mark_deleted(kind.key, old)), False

    def _delete_object(
        self, kind: Kind, old: Object, options: DeleteOptions
    ) -> tuple[Object, bool]:
        meta = old["metadata"]
        finalizers = [f for f in meta.get("finalizers") or [] if f != "orphan"]
        if options.propagation == "Foreground" and "foregroundDeletion" not in finalizers:
            finalizers.append("foregroundDeletion")
        if options.propagation == "Orphan" and not options.dry_run:
            self._orphan_dependents(meta["uid"])
        grace = self._grace(kind, old, options)
        namespace = meta.get("namespace")
        if not finalizers and not grace:
            if options.propagation == "Orphan":
                return self._orphaned(kind, old, dry_run=options.dry_run), False
            if not options.dry_run:
                old = self._store.delete(kind.key, namespace, meta["name"]) or old
            return versions.answer(kind, old), True
        self._mark(meta, grace)
        if finalizers:
            meta["finalizers"] = finalizers
        if options.dry_run:
            return versions.answer(kind, old), False
        return versions.answer(kind, self._store.mark_deleted(kind.key, old)), False

    def _orphaned(self, kind: Kind, old: Object, *, dry_run: bool) -> Object:
        """What is deleted without its dependents waits until they are let go, which is at once
        here; the answer is the object that waits (store.go: Delete, shouldOrphanDependents).
        """
        meta = old["metadata"]
        self._mark(meta, 0)
        meta["finalizers"] = ["orphan"]
        if dry_run:
            return versions.answer(kind, old)
        answer = versions.answer(kind, self._store.mark_deleted(kind.key, old))
        self._store.delete(kind.key, meta.get("namespace"), meta["name"])
        return answer

    def _mark(self, meta: Object, grace: int) -> None:
        """deletionTimestamp and grace; a second deletion can only shorten them."""
        if "deletionTimestamp" in meta:
            left = int(meta.get("deletionGracePeriodSeconds") or 0)
            if grace >= left:
                return
            since = datetime.fromisoformat(meta["deletionTimestamp"]) - timedelta(seconds=left)
            moment = max(since + timedelta(seconds=grace), since)
        else:
            moment = self._clock.now() + timedelta(seconds=grace)
        meta["deletionTimestamp"] = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        meta["deletionGracePeriodSeconds"] = grace

    def _grace(self, kind: Kind, old: Object, options: DeleteOptions) -> int:
        """Seconds that the kubelet has; only a pod that runs somewhere gets any."""
        if kind.kind != "Pod":
            return 0
        spec, phase = old.get("spec") or {}, (old.get("status") or {}).get("phase")
        if not spec.get("nodeName") or phase in ("Succeeded", "Failed"):
            return 0
        grace = options.grace
        if grace is None:
            grace = spec.get("terminationGracePeriodSeconds")
        if grace is None:
            return _DEFAULT_GRACE
        return int(grace) if grace >= 0 else 1  # registry/core/pod/strategy.go

    def _orphan_dependents(self, uid: str) -> None:
        for resource in self._store.resources():
            for view in list(self._store.views(resource)):
                owners = view["metadata"].get("ownerReferences") or []
                if any(owner.get("uid") == uid for owner in owners):
                    obj: Object = copy_json(view)
                    obj["metadata"]["ownerReferences"] = [
                        owner for owner in owners if owner.get("uid") != uid
                    ]
                    self._store.update(resource, obj)

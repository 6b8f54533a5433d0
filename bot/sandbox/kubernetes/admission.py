"""Admission: what a new object is given or refused after it is decoded and before it is validated.

The namespace must be open, a pod's account must be there, pods get what mutating plugins give them,
services their addresses; and the world has its say through a hook (quotas).
"""

from __future__ import annotations

import random
from collections.abc import Callable

from bot.sandbox.kubernetes import defaults, statuses
from bot.sandbox.kubernetes.class_validation import SYSTEM_PRIORITIES
from bot.sandbox.kubernetes.resources import STORED, Kind
from bot.sandbox.kubernetes.statuses import Refusal
from bot.sandbox.kubernetes.storage import Storage
from bot.sandbox.kubernetes.stored import Object

Admission = Callable[[str, Object], Refusal | None]
"""`(resource, object)`: the world's own refusal of a new object, or None."""


class Admitting:
    """Admits on behalf of the registry."""

    def __init__(self, store: Storage, hook: Admission, dice: random.Random) -> None:
        self._store = store
        self._hook = hook
        self._dice = dice

    def admit(self, kind: Kind, obj: Object) -> None:
        if kind.kind == "Pod":
            self._find_account(kind, obj)
            self._find_priority(kind, obj)
            self._find_runtime(kind, obj)
            defaults.admit_pod(obj.setdefault("spec", {}), self._dice)
        refusal = self._hook(kind.key, obj)
        if refusal is None:
            return
        name = obj["metadata"].get("name", "")
        if refusal.code == 403:
            raise statuses.forbidden(kind, name, refusal.message, refusal.causes)
        raise statuses.ApiError(refusal.code, refusal.reason, refusal.message)

    def _find_account(self, kind: Kind, pod: Object) -> None:
        """A pod's account must be there (plugin/pkg/admission/serviceaccount)."""
        meta, name = pod["metadata"], (pod.get("spec") or {}).get("serviceAccountName")
        namespace = meta.get("namespace", "")
        if name in (None, "", "default"):
            return
        if self._store.stored("serviceaccounts", namespace, name) is None:
            why = (
                f"error looking up service account {namespace}/{name}: serviceaccount "
                f'"{name}" not found'
            )
            raise statuses.forbidden(kind, meta.get("name", ""), why)

    def _find_priority(self, kind: Kind, pod: Object) -> None:
        """A pod's priority is its class's (plugin/pkg/admission/priority)."""
        spec = pod.get("spec") or {}
        name, who = spec.get("priorityClassName"), pod["metadata"].get("name", "")
        found: Object = {"value": SYSTEM_PRIORITIES.get(name) if name else 0}
        if name:
            stored = self._store.stored("priorityclasses.scheduling.k8s.io", None, name)
            found = stored.view if stored is not None else found
        if found["value"] is None:
            why = f"no PriorityClass with name {name} was found"
            raise statuses.forbidden(kind, who, why)
        for field, given, wanted in (
            ("priority", "the integer value of priority", found["value"]),
            (
                "preemptionPolicy",
                "the string value of PreemptionPolicy",
                found.get("preemptionPolicy", "PreemptLowerPriority"),
            ),
        ):
            if spec.get(field) not in (None, wanted):
                why = (
                    f"{given} ({spec[field]}) must not be provided in pod spec; priority admission "
                    f"controller computed {wanted} from the given PriorityClass name"
                )
                raise statuses.forbidden(kind, who, why)
            spec[field] = wanted

    def _find_runtime(self, kind: Kind, pod: Object) -> None:
        """plugin/pkg/admission/runtimeclass."""
        name = (pod.get("spec") or {}).get("runtimeClassName")
        if name and self._store.stored("runtimeclasses.node.k8s.io", None, name) is None:
            why = f'pod rejected: RuntimeClass "{name}" not found'
            raise statuses.forbidden(kind, pod["metadata"].get("name", ""), why)

    def open_namespace(self, kind: Kind, namespace: str, name: str) -> None:
        """Nothing new in a namespace that is missing (404) or going (403)."""
        found = self._store.stored("namespaces", None, namespace)
        namespaces = STORED["namespaces"]
        if found is None:
            raise statuses.not_found(namespaces, namespace)
        if found.view["metadata"].get("deletionTimestamp"):
            why = (
                f"unable to create new content in namespace {namespace} because it is being "
                "terminated"
            )
            cause = {
                "reason": "NamespaceTerminating",
                "message": f"namespace {namespace} is being terminated",
                "field": "metadata.namespace",
            }
            raise statuses.forbidden(kind, name, why, (cause,))

    def allot(self, obj: Object) -> None:
        taken: set[str] = set()
        ports: set[int] = set()
        for other in self._store.views("services"):
            taken.add(other["spec"].get("clusterIP", ""))
            ports.update(port.get("nodePort", 0) for port in other["spec"].get("ports") or [])
        defaults.allot_service(obj["spec"], taken, ports, self._dice)

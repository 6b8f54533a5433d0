"""What somebody changes behind everybody's back: a ConfigMap or an autoscaler, by hand.

Each is set at once, for a service in an environment, and stays until it is taken back ("none" lifts
it with everything else) or until somebody applies the files again. Pods read what they read when
they start; the objects say it from the first moment, and that is what a look at them finds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.sandbox.kubernetes.storage import Storage

Object = dict[str, Any]
Key = tuple[str, str]
MANAGER = "kubectl-edit"
_CONFIGS = "configmaps"
_AUTOSCALERS = "horizontalpodautoscalers.autoscaling"

DATA: Mapping[str, Mapping[str, str]] = {
    "key-only-here": {"FEATURE_X": "true"},
    "debug-tools": {"NODE_OPTIONS": "--inspect=0.0.0.0:9229", "LOG_LEVEL": "debug"},
    "production-database": {"SUPABASE_URL": "https://yourapp.supabase.co"},
}
"""Keys of the service's ConfigMap."""
STUCK_AUTOSCALER = "stuck-autoscaler"
DRIFTS = frozenset({*DATA, STUCK_AUTOSCALER})


@dataclass(frozen=True, slots=True)
class _Drift:
    """An object as it was before somebody changed it, and after."""

    resource: str
    name: str
    before: Object
    changed: Object


class Drifts:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._made: dict[tuple[str, Key], _Drift] = {}

    def set(self, kind: str, namespace: str, service: str) -> None:
        """Raises ValueError where there is nothing to change."""
        resource = _AUTOSCALERS if kind == STUCK_AUTOSCALER else _CONFIGS
        name = service if kind == STUCK_AUTOSCALER else f"{service}-config"
        found = self._storage.get(resource, namespace, name)
        if found is None:
            raise ValueError(f"{service} has no {name} there")
        changed = self._change(kind, found)
        self._storage.update(resource, changed, manager=MANAGER)

        drift = _Drift(resource, name, found, changed)
        self._made.setdefault((kind, (namespace, service)), drift)

    def lift(self, concerns: Callable[[str, str], bool]) -> None:
        for kind, (namespace, service) in list(self._made):
            if concerns(service, namespace):
                self._undo(namespace, self._made.pop((kind, (namespace, service))))

    def _undo(self, namespace: str, drift: _Drift) -> None:
        now = self._storage.get(drift.resource, namespace, drift.name)
        if now is not None:
            taken_back = _back(now, drift.before, drift.changed)
            self._storage.update(drift.resource, taken_back, manager=MANAGER)

    def kept(self) -> list[Any]:
        """What can be taken back, as orjson writes it."""
        return [[kind, *key, drift] for (kind, key), drift in self._made.items()]

    def resume(self, kept: list[Any]) -> None:
        self._made = {
            (kind, (namespace, service)): _Drift(**drift)
            for kind, namespace, service, drift in kept
        }

    @staticmethod
    def _change(kind: str, found: Object) -> Object:
        if kind == STUCK_AUTOSCALER:
            spec = {**found["spec"], "minReplicas": found["spec"]["maxReplicas"]}
            return {**found, "spec": spec}
        return {**found, "data": {**found.get("data", {}), **DATA[kind]}}


def _back(now: Object, before: Object, changed: Object) -> Object:
    """As it was, where nobody has changed it since."""
    part = "spec" if "spec" in now else "data"
    kept = dict(now.get(part) or {})
    for key, value in changed[part].items():
        was = before[part].get(key)
        if kept.get(key) == value != was:
            kept.pop(key)
            if was is not None:
                kept[key] = was
    return {**now, part: kept}

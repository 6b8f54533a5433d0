"""ResourceQuota: what a namespace may hold, counted, and the refusal of a pod that is too much.

Follows the admission plugin ResourceQuota for what pods use: pods, count/pods, requests.* and
limits.*; the message is the plugin's. The API server asks `excess` for clients' pods.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes.api_objects import is_over, quantity, requests_of
from bot.sandbox.kubernetes.storage import Storage
from bot.sandbox.kubernetes.stored import NotFound
from bot.sandbox.kubernetes.work_queue import Cache, Key, WorkQueue, key_of

Object = dict[str, Any]
QUOTAS = "resourcequotas"
_LATENCY = 0.01


class QuotaController:
    """Keeps `status.used` true, and says no."""

    def __init__(self, storage: Storage, clock: Clock, pods: Cache) -> None:
        self._storage = storage
        self._pods = pods
        self._quotas = Cache(storage, QUOTAS)
        self._queue = WorkQueue(clock, self._count, latency=_LATENCY)
        self._quotas.listen(self._quota_changed)
        pods.listen(self._pod_changed)

    def stop(self) -> None:
        self._queue.stop()
        self._quotas.stop()

    def refusal(self, pod: Object) -> str | None:
        """Why the pod may not be created, as the API server says it to a controller; or None."""
        excess = self.excess(pod)
        name = pod["metadata"].get("name") or pod["metadata"].get("generateName")
        return None if excess is None else f'pods "{name}" is forbidden: {excess}'

    def excess(self, pod: Object) -> str | None:
        """What is exceeded, by how much; or None."""
        namespace = pod["metadata"]["namespace"]
        for quota in self._quotas.in_namespace(namespace):
            hard = quota["spec"].get("hard") or {}
            used = self._used(namespace, hard)
            asked = {each: _asked(pod, each) for each in hard}
            over = [
                each
                for each in sorted(hard)
                if asked[each] > 0 and used[each] + asked[each] > quantity(hard[each])
            ]
            if over:
                return (
                    f"exceeded quota: {quota['metadata']['name']}, "
                    f"requested: {_listing(over, asked)}, used: {_listing(over, used)}, "
                    f"limited: {','.join(f'{each}={hard[each]}' for each in over)}"
                )
        return None

    def _used(self, namespace: str, hard: Object) -> dict[str, Decimal]:
        pods = [pod for pod in self._pods.in_namespace(namespace) if not is_over(pod)]
        return {each: sum((_asked(pod, each) for pod in pods), Decimal(0)) for each in hard}

    def _quota_changed(self, _old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._queue.add(key_of(new))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if len(self._quotas) and (old is None or new is None or is_over(new) != is_over(old)):
            for quota in self._quotas.in_namespace(key_of(new or old or {})[0]):
                self._queue.add(key_of(quota))

    def _count(self, key: Key) -> None:
        quota = self._quotas.get(key)
        if quota is None:
            return
        hard = quota["spec"].get("hard") or {}
        used = {name: _number(amount) for name, amount in self._used(key[0], hard).items()}

        def change(stored: Object) -> None:
            stored["status"] = {"hard": hard, "used": used}

        try:
            self._storage.update_status(QUOTAS, *key, change)
        except NotFound:
            return


def _asked(pod: Object, what: str) -> Decimal:
    if what in ("pods", "count/pods"):
        return Decimal(1)
    asked = requests_of(pod["spec"])
    if what.startswith("limits."):
        name = what.removeprefix("limits.")
        limits = [
            (each.get("resources") or {}).get("limits") or {} for each in pod["spec"]["containers"]
        ]
        return sum((quantity(each.get(name, 0)) for each in limits), Decimal(0))
    return asked.get(what.removeprefix("requests."), Decimal(0))


def _listing(names: list[str], amounts: dict[str, Decimal]) -> str:
    return ",".join(f"{name}={_number(amounts[name])}" for name in names)


def _number(amount: Decimal) -> str:
    if amount == amount.to_integral_value():
        return str(int(amount))
    return f"{int(amount * 1000)}m"

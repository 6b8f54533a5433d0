"""The kubelets of all nodes: one worker for each pod that has a node.

A worker (`pod_worker.py`) takes its pod from binding to running and to its end, on what all nodes
share (`node_host.py`). The API server serves the logs of containers from here (`kubelet_logs.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes.container_run import ContainerRun
from bot.sandbox.kubernetes.images import ImageSource
from bot.sandbox.kubernetes.node_host import NodeHost, PodTrouble, Timings
from bot.sandbox.kubernetes.pod_worker import PodWorker
from bot.sandbox.kubernetes.storage import Storage
from bot.sandbox.kubernetes.work_queue import Cache, Key

Object = dict[str, Any]


class Kubelet:
    """Starts a worker for every pod that is bound to a node and stops it when the pod is gone."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        pods: Cache,
        images: ImageSource,
        trouble: PodTrouble | None = None,
        timings: Timings | None = None,
    ) -> None:
        self.host = NodeHost(storage, clock, images, pods.all(), trouble, timings)
        self._pods = pods
        self._workers: dict[str, PodWorker] = {}
        pods.listen(self._pod_changed)
        for pod in pods.all():
            self._pod_changed(None, pod)

    def stop(self) -> None:
        for worker in self._workers.values():
            worker.stop()
        self._workers.clear()

    def container(self, key: Key, name: str) -> ContainerRun | None:
        """A container of a pod, with what it was before; None when the kubelet has none such."""
        pod = self._pods.get(key)
        worker = self._workers.get(pod["metadata"]["uid"]) if pod is not None else None
        return None if worker is None else worker.container(name)

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        uid = (new or old or {})["metadata"]["uid"]
        worker = self._workers.get(uid)
        if new is None:
            if worker is not None:
                worker.stop()
                del self._workers[uid]
            self.host.forget(uid)
            return
        if worker is None and new["spec"].get("nodeName") and not _has_ended(new):
            worker = self._workers[uid] = PodWorker(self.host, self._pods, new)
            worker.begin()
        if worker is not None:
            worker.observe(new)


def _has_ended(pod: Mapping[str, Any]) -> bool:
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")

"""The control plane without its API server: caches, controllers, scheduler and kubelets, assembled.

Everything hangs on the storage's changes and on the virtual clock; `stop` ends all of it. What goes
wrong in a rollout is decided by `Troubles`; as long as none is set, nothing does.
"""

from __future__ import annotations

from typing import Any

from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes.autoscaler import Autoscaler
from bot.sandbox.kubernetes.deployment_controller import DeploymentController
from bot.sandbox.kubernetes.garbage_collector import GarbageCollector
from bot.sandbox.kubernetes.images import ImageSource
from bot.sandbox.kubernetes.kubelet import Kubelet
from bot.sandbox.kubernetes.namespace_controller import NamespaceController
from bot.sandbox.kubernetes.node_host import Timings
from bot.sandbox.kubernetes.pod_defaults import delete_gracefully
from bot.sandbox.kubernetes.quota import QuotaController
from bot.sandbox.kubernetes.replicaset_controller import MANAGER, ReplicaSetController
from bot.sandbox.kubernetes.scheduler import Scheduler
from bot.sandbox.kubernetes.storage import Storage
from bot.sandbox.kubernetes.troubles import Troubles
from bot.sandbox.kubernetes.work_queue import Cache

Object = dict[str, Any]


class ControlPlane:
    """Starts working on what is stored as soon as it is made."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        images: ImageSource,
        troubles: Troubles | None = None,
        timings: Timings | None = None,
    ) -> None:
        self.storage = storage
        self.troubles = troubles or Troubles(storage, clock)
        self.deployments = Cache(storage, "deployments.apps")
        self.replica_sets = Cache(storage, "replicasets.apps")
        self.pods = Cache(storage, "pods")
        self.nodes = Cache(storage, "nodes")
        self._autoscalers = Cache(storage, "horizontalpodautoscalers.autoscaling")
        self.quotas = QuotaController(storage, clock, self.pods)
        self.kubelet = Kubelet(storage, clock, self.pods, images, self.troubles, timings)
        self.scheduler = Scheduler(
            storage, clock, self.pods, self.nodes, self.troubles.missing_resource
        )
        self._replica_set_controller = ReplicaSetController(
            storage,
            clock,
            self.replica_sets,
            self.pods,
            self.quotas.refusal,
            lambda pod: delete_gracefully(storage, pod, manager=MANAGER),
        )
        self._deployment_controller = DeploymentController(
            storage,
            clock,
            self.deployments,
            self.replica_sets,
            self.pods,
            self.troubles.rollout_begins,
        )
        self._autoscaler = Autoscaler(storage, clock, self._autoscalers, self.deployments)
        self._garbage_collector = GarbageCollector(storage, clock)
        self._namespace_controller = NamespaceController(storage, clock)
        self.troubles.lifted = self.scheduler.retry

    def stop(self) -> None:
        """Nothing of the control plane runs any more."""
        self._deployment_controller.stop()
        self._replica_set_controller.stop()
        self._autoscaler.stop()
        self._garbage_collector.stop()
        self._namespace_controller.stop()
        self.scheduler.stop()
        self.quotas.stop()
        self.kubelet.stop()
        for cache in (
            self.deployments,
            self.replica_sets,
            self.pods,
            self.nodes,
            self._autoscalers,
        ):
            cache.stop()

"""Subresources of a pod beside its log: eviction, and the streams that need an upgraded connection.

The sandbox's containers run no commands, so `exec`, `attach` and `portforward` answer as the real
server does to who asks without upgrading, and refuse what the real one refuses before that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from bot.sandbox.kubernetes import delete_options, logs, statuses
from bot.sandbox.kubernetes.answers import as_json
from bot.sandbox.kubernetes.api_objects import selects
from bot.sandbox.kubernetes.deletion import Deletion
from bot.sandbox.kubernetes.requests import Target
from bot.sandbox.kubernetes.statuses import ApiError
from bot.sandbox.kubernetes.storage import Storage
from bot.sandbox.kubernetes.stored import Object

STREAMS = ("exec", "attach", "portforward")
ALL = (*STREAMS, "eviction")
_BUDGETS = "poddisruptionbudgets.policy"


class PodSubresources:
    """`body` reads a request's object (ApiServer)."""

    def __init__(
        self,
        storage: Storage,
        deletion: Deletion,
        body: Callable[[web.Request, str], Awaitable[Any]],
    ) -> None:
        self._storage = storage
        self._deletion = deletion
        self._body = body

    async def serve(self, request: web.Request, target: Target) -> web.Response:
        pod = self._storage.get("pods", target.namespace, target.name)
        if target.subresource != "eviction":
            if pod is None:
                raise statuses.not_found(target.kind, target.name)
            raise _no_stream(pod, request, target.subresource)
        eviction = await self._body(request, "Eviction")
        name = (eviction.get("metadata") or {}).get("name")
        if name != target.name:
            raise statuses.bad_request("name in URL does not match name in Eviction object")
        if pod is None:
            raise statuses.not_found(target.kind, target.name)
        self._keep_budgets(pod)
        options = delete_options.of_body(eviction.get("deleteOptions") or {})
        self._deletion.delete(target.kind, target.namespace, target.name, options)
        done = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Success",
            "code": 201,
        }
        return as_json(done, 201)

    def _keep_budgets(self, pod: Object) -> None:
        """Raises ApiError 429 where a disruption budget has nothing left (eviction.go)."""
        meta = pod["metadata"]
        for budget in self._storage.views(_BUDGETS, meta["namespace"]):
            if not selects((budget.get("spec") or {}).get("selector"), meta.get("labels") or {}):
                continue
            status = budget.get("status") or {}
            if status.get("disruptionsAllowed", 0) > 0:
                continue
            name = budget["metadata"]["name"]
            healthy, wanted = status.get("currentHealthy", 0), status.get("desiredHealthy", 0)
            cause = {
                "reason": "DisruptionBudget",
                "message": f"The disruption budget {name} needs {wanted} healthy pods and has "
                f"{healthy} currently",
            }
            text = "Cannot evict pod as it would violate the pod's disruption budget."
            raise ApiError(429, "TooManyRequests", text, {"causes": [cause]})


def _no_stream(pod: Object, request: web.Request, subresource: str) -> ApiError:
    if subresource != "portforward":
        logs.choose_container(pod, request.query.get("container", ""))
    if not (pod.get("spec") or {}).get("nodeName"):
        name = pod["metadata"]["name"]
        return statuses.bad_request(f"pod {name} does not have a host assigned")
    return statuses.bad_request("Upgrade request required")

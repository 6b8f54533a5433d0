"""The base URLs: `/ENVIRONMENT/…` is what a user of that environment reaches.

An ingress finds the service by the path and hands the request to one of its ready pods; without any
it answers 503 by itself. How a pod answers follows its release: its latency, its errors. Latencies
are told, by `Server-Timing`, and not slept: a machine that does much else beside, or a world that
runs thirty times as fast, makes no release slower.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.sandbox.kubernetes.api_objects import condition_of
from bot.sandbox.kubernetes.world import World
from bot.sandbox.services.outages import REDIRECTS, SERVICE_FAILS, Outages

Object = dict[str, Any]
_NAME = "app.kubernetes.io/name"
_SLOWER = 2.4
_FAILING = 0.03
_SPREAD = 0.12  # of the logarithm of a latency


@dataclass(frozen=True, slots=True)
class Route:
    """A service as it is reached: below which path, where its health is, which paths it serves."""

    service: str
    path: str
    health: str
    routes: tuple[str, ...] = ()

    def tail_of(self, path: str) -> str | None:
        """What of a path is the service's own; None where it is another's."""
        base = self.path.rstrip("/")
        if path == base or path.startswith(f"{base}/"):
            return path[len(base) :] or "/"
        return None


class Sites:
    """`routes`: of every service that is reached."""

    def __init__(
        self,
        world: World,
        routes: Sequence[Route],
        outages: Outages,
        seed: int = 1,
    ) -> None:
        self._world = world
        self._routes = sorted(routes, key=lambda route: -len(route.path))
        self._outages = outages
        self._dice = random.Random(seed)
        self._namespaces: Mapping[str, str] = {
            each.name: each.namespace for each in world.environments
        }

    def app(self) -> web.Application:
        """To be mounted at /sites."""
        app = web.Application()
        app.router.add_get("/{environment}", self.answer)
        app.router.add_get("/{environment}/{path:.*}", self.answer)
        return app

    async def answer(self, request: web.Request) -> web.Response:
        environment = request.match_info["environment"]
        if environment not in self._namespaces:
            raise web.HTTPNotFound
        path = f"/{request.match_info.get('path', '')}"
        for route in self._routes:
            tail = route.tail_of(path)
            if tail is not None:
                return self._serve(environment, route, tail)
        return web.json_response({"message": "no route for this path"}, status=404)

    def _serve(self, environment: str, route: Route, tail: str) -> web.Response:
        if self._outages.holds(REDIRECTS, environment, route.service):
            there = f"{route.path.rstrip('/')}/moved-{self._dice.randrange(10**9)}"
            return web.Response(status=302, headers={"Location": there})
        ready = self._ready_pods(environment, route.service)
        if not ready or self._outages.holds(SERVICE_FAILS, environment, route.service):
            return web.Response(status=503, text="no healthy upstream\n")
        pod = self._dice.choice(ready)
        trouble = self._trouble_of(pod)
        took = self._latency(route.service, tail) * (_SLOWER if trouble == "slower" else 1)
        answer = self._answer_of(pod, route, tail, trouble)
        answer.headers["Server-Timing"] = f"total;dur={1000 * took:.3f}"
        return answer

    def _answer_of(self, pod: Object, route: Route, tail: str, trouble: str) -> web.Response:
        if tail == route.health:
            return web.json_response({"status": "ok", "version": self._version_of(pod)})
        if tail not in {each.partition("?")[0] for each in route.routes}:
            return web.json_response({"message": "not found"}, status=404)
        if trouble == "fails-3-percent" and self._dice.random() < _FAILING:
            return web.json_response({"message": "internal server error"}, status=500)
        return web.json_response({"items": [], "version": self._version_of(pod)})

    def _ready_pods(self, environment: str, service: str) -> list[Object]:
        return [
            pod
            for pod in self._world.plane.pods.in_namespace(self._namespaces[environment])
            if (pod["metadata"].get("labels") or {}).get(_NAME) == service
            and "deletionTimestamp" not in pod["metadata"]
            and (condition_of(pod.get("status") or {}, "Ready") or {}).get("status") == "True"
        ]

    def _trouble_of(self, pod: Object) -> str:
        return self._world.troubles.while_serving(pod, self._world.clock.now())

    def _version_of(self, pod: Object) -> str:
        return self._world.version_of(pod["spec"]["containers"][0]["image"])

    def _latency(self, service: str, tail: str) -> float:
        """Of one answer: 50 to 90 ms by its route, a few percent around it by chance."""
        digest = hashlib.blake2b(f"{service}{tail}".encode(), digest_size=2).digest()
        middle = 0.050 + 0.040 * int.from_bytes(digest) / 2**16
        return middle * math.exp(self._dice.gauss(0, _SPREAD))

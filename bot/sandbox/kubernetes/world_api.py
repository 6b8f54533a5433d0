"""`/world/…`: the state as JSON, its changes over a WebSocket, and the next trouble.

`GET /state`, `WS /stream` (the same object first and whenever anything may have changed; else only
the workloads that did, `{"changes": [{environment, service, workload}]}`; at most five times a
second, and the busier this process, the seldomer),
`POST /trouble {kind, service?, environment?, now?}` (`now`: for what runs already). Errors are
`{"error": code, "message": sentence}`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import WSMsgType, web

from bot.sandbox.kubernetes.api_objects import controller_of
from bot.sandbox.kubernetes.stored import WatchEvent
from bot.sandbox.kubernetes.work_queue import Key
from bot.sandbox.kubernetes.world import World

_SHORTEST_PAUSE = 0.2  # real seconds between two pushes
_SHARE = 0.05  # of a processor for each page, at most
_TOLD = ("pods", "deployments.apps", "replicasets.apps")


def world_app(world: World) -> web.Application:
    """The app to mount at /world."""
    api = _WorldApi(world)
    app = web.Application()
    app.router.add_get("/state", api.state)
    app.router.add_get("/stream", api.stream)
    app.router.add_post("/trouble", api.trouble)
    app.on_shutdown.append(api.close)
    return app


class _WorldApi:
    def __init__(self, world: World) -> None:
        self._world = world
        self._sockets: set[web.WebSocketResponse] = set()
        self._news: set[_News] = set()
        self._stops: list[Callable[[], None]] = [
            world.storage.subscribe(resource, self._changed) for resource in _TOLD
        ]
        world.troubles.changed = self._trouble_changed

    async def close(self, _app: web.Application) -> None:
        for stop in self._stops:
            stop()
        for socket in [*self._sockets]:
            await socket.close(code=1001, message=b"the world ends")

    def _trouble_changed(self) -> None:
        for news in self._news:
            news.touched = None
            news.there.set()

    def _changed(self, event: WatchEvent) -> None:
        if not self._news:
            return
        deployment = _deployment_of(event)
        for news in self._news:
            if news.touched is not None:
                news.touched.add(deployment)
            news.there.set()

    def _told(self, news: _News) -> str:
        touched, news.touched = news.touched, set()
        found = self._world.state() if touched is None else self._world.changes(touched)
        return orjson.dumps(found).decode()

    async def state(self, _request: web.Request) -> web.Response:
        return web.Response(body=orjson.dumps(self._world.state()), content_type="application/json")

    async def stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(heartbeat=30)
        await socket.prepare(request)
        news = _News()
        news.there.set()
        self._news.add(news)
        self._sockets.add(socket)
        pushing = asyncio.create_task(self._push(socket, news))
        try:
            async for message in socket:
                if message.type in (WSMsgType.ERROR, WSMsgType.CLOSE):
                    break
        finally:
            pushing.cancel()
            self._news.discard(news)
            self._sockets.discard(socket)
        return socket

    async def _push(self, socket: web.WebSocketResponse, news: _News) -> None:
        while not socket.closed:
            await news.there.wait()
            news.there.clear()
            began = time.thread_time()
            text = self._told(news)
            took = time.thread_time() - began
            try:
                await socket.send_str(text)
            except ConnectionError:
                return
            await asyncio.sleep(max(_SHORTEST_PAUSE, took / _SHARE))

    async def trouble(self, request: web.Request) -> web.Response:
        try:
            body: Any = await request.json()
        except ValueError:
            return _refusal("invalid_json", "The body is no JSON.")
        if not isinstance(body, dict) or not isinstance(body.get("kind"), str):
            return _refusal("invalid_arguments", "A trouble needs a kind.")
        service, environment = body.get("service"), body.get("environment")
        if any(not isinstance(each, str | None) for each in (service, environment)):
            return _refusal("invalid_arguments", "Service and environment are names.")
        try:
            self._world.set_trouble(
                body["kind"], service or None, environment or None, now=body.get("now") is True
            )
        except ValueError as error:
            return _refusal("unknown", f"{str(error).capitalize()}.")
        self._trouble_changed()
        return web.json_response({"ok": True, "trouble": self._world.state()["trouble"]})


@dataclass(eq=False, slots=True)
class _News:
    """What one page does not know yet: of which Deployments; None: of anything."""

    there: asyncio.Event = field(default_factory=asyncio.Event)
    touched: set[Key] | None = None


def _deployment_of(event: WatchEvent) -> Key:
    """The Deployment that a change of one of `_TOLD` is to be seen at."""
    namespace, name = event.stored.key
    owner = controller_of(event.stored.view)
    if event.resource == "deployments.apps" or owner is None:
        return namespace, name
    if event.resource == "replicasets.apps":
        return namespace, str(owner["name"])
    return namespace, str(owner["name"]).rpartition("-")[0]  # without the hash of the template


def _refusal(code: str, message: str) -> web.Response:
    return web.json_response({"error": code, "message": message}, status=400)

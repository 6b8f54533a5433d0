"""`/world/…`: the state as JSON, its changes over a WebSocket, and the next trouble.

`GET /state`, `WS /stream` (the same object, on change, at most five times a second),
`POST /trouble {kind, service?, environment?, now?}` (`now`: for what runs already). Errors are
`{"error": code, "message": sentence}`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, web

from bot.sandbox.kubernetes.world import World

_SHORTEST_PAUSE = 0.2  # real seconds between two pushes
_TOLD = ("pods", "deployments.apps", "replicasets.apps", "horizontalpodautoscalers.autoscaling")


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
        self._picture: tuple[int, int, str] | None = None
        self._troubles_seen = 0
        self._news: set[asyncio.Event] = set()
        self._stops: list[Callable[[], None]] = [
            world.storage.subscribe(resource, lambda _event: self._tell()) for resource in _TOLD
        ]
        world.troubles.changed = self._trouble_changed

    async def close(self, _app: web.Application) -> None:
        for stop in self._stops:
            stop()
        for socket in [*self._sockets]:
            await socket.close(code=1001, message=b"the world ends")

    def _trouble_changed(self) -> None:
        self._troubles_seen += 1
        self._tell()

    def _tell(self) -> None:
        for event in self._news:
            event.set()

    def _state(self) -> str:
        """The state as text, made once for all who ask at the same revision."""
        key = (self._world.storage.revision, self._troubles_seen)
        if self._picture is None or self._picture[:2] != key:
            text = json.dumps(self._world.state(), ensure_ascii=False, separators=(",", ":"))
            self._picture = (*key, text)
        return self._picture[2]

    async def state(self, _request: web.Request) -> web.Response:
        self._picture = None  # `now` and ages move without any change
        return web.Response(text=self._state(), content_type="application/json")

    async def stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(heartbeat=30)
        await socket.prepare(request)
        news = asyncio.Event()
        news.set()
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

    async def _push(self, socket: web.WebSocketResponse, news: asyncio.Event) -> None:
        while not socket.closed:
            await news.wait()
            news.clear()
            try:
                await socket.send_str(self._state())
            except ConnectionError:
                return
            await asyncio.sleep(_SHORTEST_PAUSE)

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


def _refusal(code: str, message: str) -> web.Response:
    return web.json_response({"error": code, "message": message}, status=400)

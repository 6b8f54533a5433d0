"""A scripted API server: for what real ones do rarely.

It is a real HTTP server whose lists and watches are told what to say: it closes, repeats itself,
forgets versions, stumbles and goes away when a test wants it. And a clock that is moved by hand.
"""

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

from bot.domain.workload import Workload
from bot.errors import PortError

Object = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
KINDS = ("deployments", "replicasets", "pods")


class ManualClock:
    """`bot.ports.Clock`, moved by hand."""

    def __init__(self) -> None:
        self._now = datetime(2026, 11, 24, 12, tzinfo=UTC)
        self._timers: list[tuple[datetime, Callable[[], None]]] = []

    def now(self) -> datetime:
        return self._now

    def call_at(self, when: datetime, wake: Callable[[], None]) -> Callable[[], None]:
        timer = (when, wake)
        self._timers.append(timer)
        return lambda: self._timers.remove(timer) if timer in self._timers else None

    @property
    def timers(self) -> int:
        return len(self._timers)

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        for timer in [t for t in self._timers if t[0] <= self._now]:
            self._timers.remove(timer)
            timer[1]()


@dataclass
class Seen:
    """What a follower was told."""

    snapshots: list[Workload] = field(default_factory=list)
    obstacles: list[PortError | None] = field(default_factory=list)

    @property
    def last(self) -> Workload:
        return self.snapshots[-1]

    def pods(self) -> dict[str, str]:
        """Name to phase, as last seen."""
        return {pod.name: pod.phase for pod in self.last.pods} if self.snapshots else {}


@dataclass
class Watch:
    """One open watch of the scripted server."""

    kind: str
    query: dict[str, str]
    queue: "asyncio.Queue[bytes | None]" = field(default_factory=asyncio.Queue)

    def send(self, type_: str, obj: Object) -> None:
        self.raw(json.dumps({"type": type_, "object": obj}).encode() + b"\n")

    def raw(self, data: bytes) -> None:
        self.queue.put_nowait(data)

    def close(self) -> None:
        self.queue.put_nowait(None)


class ScriptedServer:
    """Keeps objects; lists them; says on watches what happens. `faults[kind, verb]` are handlers
    that each answer one coming request in place of the ordinary one."""

    def __init__(self) -> None:
        self.revision = 100
        self.objects: dict[str, dict[str, Object]] = {kind: {} for kind in KINDS}
        self.watches: dict[str, list[Watch]] = defaultdict(list)
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.faults: dict[tuple[str, str], deque[Handler]] = defaultdict(deque)
        self.tokens: set[str] = set()
        self.port = 0
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/{root:api.*}/namespaces/{namespace}/{kind}", self._collection)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]

    async def stop(self) -> None:
        for watches in self.watches.values():
            for watch in watches:
                watch.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def put(self, kind: str, name: str, *, silent: bool = False, **fields: Any) -> Object:
        """Create or change an object, and tell the watches unless `silent`."""
        known = self.objects[kind].get(name)
        self.revision += 1
        before = known or _new(kind, name)
        version = {"resourceVersion": str(self.revision)}
        obj: Object = {**before, **fields}
        obj["metadata"] = {**before["metadata"], **fields.get("metadata", {}), **version}
        self.objects[kind][name] = obj
        if not silent:
            self.tell(kind, "MODIFIED" if known else "ADDED", obj)
        return obj

    def delete(self, kind: str, name: str, *, silent: bool = False) -> Object:
        obj = self.objects[kind].pop(name)
        self.revision += 1
        obj = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.revision)}}
        if not silent:
            self.tell(kind, "DELETED", obj)
        return obj

    def tell(self, kind: str, type_: str, obj: Object) -> None:
        for watch in self.watches[kind]:
            watch.send(type_, obj)

    def asked(self, kind: str, verb: str) -> list[dict[str, str]]:
        return [query for k, v, query in self.requests if (k, v) == (kind, verb)]

    @property
    def open_watches(self) -> int:
        return sum(len(watches) for watches in self.watches.values())

    async def _collection(self, request: web.Request) -> web.StreamResponse:
        kind, query = request.match_info["kind"], dict(request.query)
        verb = "watch" if query.get("watch") == "true" else "list"
        self.requests.append((kind, verb, query))
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.tokens and token not in self.tokens:
            return status(401, "Unauthorized", "Unauthorized")
        if self.faults[kind, verb]:
            return await self.faults[kind, verb].popleft()(request)
        return await self._watch(request, kind) if verb == "watch" else self._list(kind)

    def _list(self, kind: str) -> web.Response:
        items = [*self.objects[kind].values()]
        meta = {"resourceVersion": str(self.revision)}
        return web.json_response({"kind": "List", "metadata": meta, "items": items})

    async def _watch(self, request: web.Request, kind: str) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        watch = Watch(kind, dict(request.query))
        self.watches[kind].append(watch)
        try:
            while (data := await watch.queue.get()) is not None:
                await response.write(data)
        finally:
            self.watches[kind].remove(watch)
        return response


def _new(kind: str, name: str) -> Object:
    return {"metadata": {"name": name, "namespace": "dynamo-qa", "uid": f"uid-of-{name}"}}


def status(code: int, message: str, reason: str = "", **details: Any) -> web.Response:
    body = {
        "kind": "Status",
        "status": "Failure",
        "message": message,
        "reason": reason,
        "details": details,
        "code": code,
    }
    return web.json_response(body, status=code)


def answers(response: Callable[[], web.StreamResponse]) -> Handler:
    """A fault that gives this answer."""

    async def handler(_: web.Request) -> web.StreamResponse:
        return response()

    return handler


def says(*lines: bytes) -> Handler:
    """A fault: a watch that says these bytes and is closed."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        for line in lines:
            await response.write(line)
        return response

    return handler


def error_line(code: int, message: str, reason: str = "", **details: Any) -> bytes:
    body = json.loads(status(code, message, reason, **details).body)  # type: ignore[arg-type]
    return json.dumps({"type": "ERROR", "object": body}).encode() + b"\n"


async def until(
    condition: Callable[[], object], clock: ManualClock | None = None, *, within: float = 10
) -> None:
    """Wait for a condition, moving the clock on meanwhile if one is given."""
    async with asyncio.timeout(within):
        while not condition():
            if clock is not None:
                clock.advance(0.1)
            await asyncio.sleep(0.002)


def write_kubeconfig(path: Path, server: str, token: str = "", **user: str) -> Path:
    user = {"token": token, **user} if token else user
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
        "clusters": [{"name": "here", "cluster": {"server": server}}],
        "users": [{"name": "me", "user": user}],
    }
    path.write_text(yaml.safe_dump(config))
    return path


def put_workload(server: ScriptedServer, name: str, *, pods: int) -> None:
    revision = {"annotations": {"deployment.kubernetes.io/revision": "1"}}
    server.put("deployments", name, metadata=revision, spec={"replicas": pods})
    owner = owned_by(f"uid-of-{name}") | revision
    server.put("replicasets", f"{name}-1", metadata=owner, spec={"replicas": pods})
    for number in range(pods):
        put_pod(server, f"{name}-1-{number}", "Running", owner=f"uid-of-{name}-1")


def put_pod(
    server: ScriptedServer, name: str, phase: str, *, owner: str = "", silent: bool = False
) -> Object:
    fields: Object = {"status": {"phase": phase}}
    if owner:
        fields["metadata"] = owned_by(owner)
    return server.put("pods", name, silent=silent, **fields)


def owned_by(uid: str) -> Object:
    return {"ownerReferences": [{"uid": uid, "controller": True}]}

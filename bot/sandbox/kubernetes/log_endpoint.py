"""`GET …/pods/NAME/log`: one answer, or a stream of lines while the container lives."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from aiohttp import web

from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes import logs, statuses
from bot.sandbox.kubernetes.answers import drop, has_left
from bot.sandbox.kubernetes.logs import LogError, LogSource
from bot.sandbox.kubernetes.requests import Target
from bot.sandbox.kubernetes.storage import Storage

_LOOK_AROUND = 0.5  # seconds between two looks at whether the server is away


class LogEndpoint:
    """Serves logs from what the kubelet keeps."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        log_source: LogSource,
        outage: Callable[[], bool],
        closing: asyncio.Event,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._logs = log_source
        self._outage = outage
        self._closing = closing

    async def serve(self, request: web.Request, target: Target) -> web.StreamResponse:
        if request.method != "GET":
            raise statuses.method_not_allowed()
        pod = self._storage.get("pods", target.namespace, target.name)
        if pod is None:
            raise statuses.not_found(target.kind, target.name)
        options = logs.read_options(request.query, target.name, self._clock.now())
        container = logs.choose_container(pod, options.container)
        if not (pod.get("spec") or {}).get("nodeName"):
            return web.Response(body=b"", content_type="text/plain")
        logs.refuse_by_status(pod, container, previous=options.previous)
        stream = self._logs.lines(
            target.namespace, target.name, container, previous=options.previous
        )
        if isinstance(stream, LogError):
            raise logs.error_of(stream)
        follower = stream.follow() if options.follow else None
        tail = options.tail if options.since is None else None
        chosen = logs.select(stream.so_far(tail=tail), options)
        now = b"".join(line.encoded(timestamps=options.timestamps) for line in chosen)
        if options.limit_bytes is not None:
            now = now[: options.limit_bytes]
        if follower is None:
            return web.Response(body=now, headers={"Content-Type": "text/plain"})
        return await self._follow_log(request, now, follower, options)

    async def _follow_log(
        self,
        request: web.Request,
        now: bytes,
        follower: AsyncIterator[logs.LogLine],
        options: logs.LogOptions,
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        left = None if options.limit_bytes is None else options.limit_bytes - len(now)
        pending: asyncio.Future[logs.LogLine] | None = None
        try:
            if now:
                await response.write(now)
            while not self._closing.is_set() and not has_left(request):
                pending = pending or asyncio.ensure_future(anext(follower))
                await asyncio.wait({pending}, timeout=_LOOK_AROUND)
                if self._outage():
                    drop(request)
                    break
                if not pending.done():
                    continue
                try:
                    line = pending.result().encoded(timestamps=options.timestamps)
                except StopAsyncIteration:
                    break
                pending = None
                if left is not None:
                    line = line[:left]
                    left -= len(line)
                await response.write(line)
                if left == 0:
                    break
        except ConnectionResetError:
            pass  # whoever followed went away
        finally:
            if pending is not None:
                pending.cancel()
                with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
                    await pending
            close = getattr(follower, "aclose", None)
            if close is not None:
                await close()
        return response

"""`GET …?watch=true`: options, the lag of the watch cache, the stream, its bookmarks and its end.

What a watch sends is in `watch.py`; this is the connection. Times here are real seconds, because
they belong to the protocol and not to the world.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

from aiohttp import web

from bot.sandbox.clock import Clock
from bot.sandbox.kubernetes import requests, selectors, statuses, tables, watch
from bot.sandbox.kubernetes.answers import JSON, drop, has_left
from bot.sandbox.kubernetes.requests import Form, Target
from bot.sandbox.kubernetes.storage import Storage
from bot.sandbox.kubernetes.stored import Stored, encode

_BLOCK_TIMEOUT = 3.0  # seconds that the real watch cache waits to become fresh
_LOOK_AROUND = 0.5  # seconds between two looks at whether the server is away
_PRE_TIMEOUT_BOOKMARK = 2.0


class WatchEndpoint:
    """Serves watches until they time out, the client goes, or the server is away."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        caches: watch.WatchCaches,
        outage: Callable[[], bool],
        closing: asyncio.Event,
        bookmark_every: float,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._caches = caches
        self._outage = outage
        self._closing = closing
        self._bookmark_every = bookmark_every

    def _watch_options(self, request: web.Request) -> watch.WatchOptions:
        query = request.query
        bookmarks = requests.flag(query, "allowWatchBookmarks")
        initial: bool | None = None
        if "sendInitialEvents" in query:
            initial = requests.flag(query, "sendInitialEvents")
            if query.get("resourceVersionMatch") != "NotOlderThan":
                text = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
                problem = statuses.forbidden_field("resourceVersionMatch", text)
                raise statuses.invalid_options("ListOptions", [problem])
        elif query.get("resourceVersionMatch"):
            problem = statuses.forbidden_field(
                "resourceVersionMatch",
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
            )
            raise statuses.invalid_options("ListOptions", [problem])
        seconds = requests.number(query, "timeoutSeconds")
        timeout = float(seconds) if seconds else random.uniform(1800, 3600)
        version = watch.parse_version(query.get("resourceVersion", ""))
        return watch.WatchOptions(version, bookmarks, initial, timeout)

    async def serve(self, request: web.Request, target: Target, form: Form) -> web.StreamResponse:
        options = self._watch_options(request)
        query = request.query
        fields = query.get("fieldSelector", "")
        if target.name:  # the deprecated path of a watch names an object
            fields = selectors.naming(target.name, fields)
        match = selectors.matcher(target.kind, query.get("labelSelector", ""), fields)
        encoder = self._encoder(form, query.get("includeObject", "Metadata"))
        one = watch.Watch(
            self._storage, self._caches, target.kind, target.namespace or None, match, encoder
        )
        response = web.StreamResponse()
        response.content_type = JSON
        if form.stream:
            response.headers["Content-Type"] = f"{JSON};stream=watch"
        response.enable_chunked_encoding()
        await response.prepare(request)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + options.timeout
        try:
            await self._start(one, target, options)
            await self._stream(request, response, one, options, deadline)
        except ConnectionResetError:
            pass  # the client went away, as clients of watches do
        finally:
            one.stop()
        return response

    async def _start(self, one: watch.Watch, target: Target, options: watch.WatchOptions) -> None:
        """Begin; a watch without a version first waits for a cache that lags behind."""
        resource = target.kind.key
        if options.version is None and not options.initial_events:
            await self._until_fresh(resource, min(_BLOCK_TIMEOUT, options.timeout))
            if self._caches.behind(resource):
                wanted, current = self._storage.revision, self._caches.revision(resource)
                one.error(statuses.too_large_version(wanted, current))
                return
        if options.initial_events:
            self._caches.progress(resource)
        one.start(options)

    async def _until_fresh(self, resource: str, seconds: float) -> None:
        if not self._caches.behind(resource):
            return
        changed = asyncio.Event()
        stop = self._storage.subscribe(resource, lambda event: changed.set())
        try:
            async with asyncio.timeout(seconds):
                while self._caches.behind(resource):
                    await changed.wait()
                    changed.clear()
        except TimeoutError:
            return
        finally:
            stop()

    async def _stream(
        self,
        request: web.Request,
        response: web.StreamResponse,
        one: watch.Watch,
        options: watch.WatchOptions,
        deadline: float,
    ) -> None:
        loop = asyncio.get_running_loop()
        bookmark_at = self._next_bookmark(loop.time(), deadline)
        while True:
            lines = one.take()
            if lines:
                await response.write(lines)
            now = loop.time()
            if self._outage():
                drop(request)
                return
            if one.ended or now >= deadline or self._closing.is_set() or has_left(request):
                return
            if options.bookmarks and now >= bookmark_at:
                one.bookmark()
                bookmark_at = self._next_bookmark(now, deadline)
                continue
            wake = min(deadline, bookmark_at if options.bookmarks else deadline)
            await one.wait(min(wake - now, _LOOK_AROUND))

    def _next_bookmark(self, now: float, deadline: float) -> float:
        """Each minute, and two seconds before the end (cacher: nextBookmarkTime)."""
        regular = now + self._bookmark_every
        before_end = deadline - _PRE_TIMEOUT_BOOKMARK
        return min(regular, before_end) if before_end > now else regular

    def _encoder(self, form: Form, include: str) -> Callable[[Any, Stored], bytes]:
        if form.shape == "object":
            return watch.whole
        first = True

        def as_table(kind: Any, stored: Stored) -> bytes:
            nonlocal first
            obj = watch.shown(kind, stored)
            meta = {"resourceVersion": str(stored.revision)}
            table = tables.table(kind, [obj], meta, self._clock.now(), include, head=first)
            first = False
            return encode(table)

        def as_metadata(kind: Any, stored: Stored) -> bytes:
            return encode(
                {
                    "kind": "PartialObjectMetadata",
                    "apiVersion": "meta.k8s.io/v1",
                    "metadata": stored.view["metadata"],
                }
            )

        return as_table if form.shape == "table" else as_metadata

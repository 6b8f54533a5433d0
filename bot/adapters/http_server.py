"""Dynamo's own HTTP: health, readiness, metrics, and in HTTP mode Slack's events."""

from collections.abc import Callable, Iterable, Mapping

from aiohttp import web

_LIMIT = 1024 * 1024  # bytes of a request: Slack's are a few kB


class HttpServer:
    """`GET /healthz` (the process turns), `/readyz` (it can serve), `/metrics` (Prometheus).
    `closes` end what is answered without an end of its own, so that a stop waits for none of it."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        ready: Callable[[], bool],
        metrics: Callable[[], Mapping[str, float]],
        routes: Iterable[web.RouteTableDef] = (),
        closes: Iterable[Callable[[], None]] = (),
    ) -> None:
        self._host = host
        self._port = port
        self._ready = ready
        self._metrics = metrics
        self._app = web.Application(client_max_size=_LIMIT)
        self._app.router.add_get("/healthz", self._healthz)
        self._app.router.add_get("/readyz", self._readyz)
        self._app.router.add_get("/metrics", self._metrics_page)
        for table in routes:
            self._app.add_routes(table)
        self._closes = tuple(closes)
        self._app.on_shutdown.append(self._close)
        self._runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=5)

    async def start(self) -> int:
        """Listen; returns the port (asked for as 0: a free one)."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _close(self, _: web.Application) -> None:
        for close in self._closes:
            close()

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _readyz(self, _: web.Request) -> web.Response:
        if self._ready():
            return web.Response(text="ready\n")
        return web.Response(text="not ready\n", status=503)

    async def _metrics_page(self, _: web.Request) -> web.Response:
        lines = [f"{name} {value:g}" for name, value in sorted(self._metrics().items())]
        return web.Response(text="\n".join(lines) + "\n", content_type="text/plain")

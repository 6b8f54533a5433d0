"""Supabase instances, as far as their health is asked: `/HOST/auth/v1/health` and its siblings.

Each environment has one, that of the catalog; a gateway in front of all parts wants a publishable
key, as the real one does, and the root of REST describes itself to none of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from bot.sandbox.services.outages import AUTH_AWAY, STORAGE_SLOW, Outages

_SLOW = 10.0  # real seconds


def key_of(environment: str) -> str:
    """What opens the instance of an environment; it opens nothing outside of this process."""
    return f"sb_publishable_sandbox_{environment}"


class Supabase:
    """`hosts`: of each instance, and the environment it belongs to."""

    def __init__(
        self,
        hosts: Mapping[str, str],
        outages: Outages,
        *,
        sleep: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        self._hosts = dict(hosts)
        self._outages = outages
        self._sleep = sleep

    def app(self) -> web.Application:
        """To be mounted at /supabase."""
        app = web.Application(middlewares=[self._gateway])
        app.router.add_get("/{host}/auth/v1/health", self.auth)
        app.router.add_get("/{host}/rest/v1/", self.rest)
        app.router.add_get("/{host}/storage/v1/status", self.storage)
        return app

    @web.middleware
    async def _gateway(self, request: web.Request, handler: Any) -> web.StreamResponse:
        environment = self._hosts.get(request.match_info.get("host", ""))
        if environment is None:
            return web.json_response({"message": "no such project"}, status=404)
        given = request.headers.get("apikey")
        if given is None:
            return web.json_response({"message": "No API key found in request"}, status=401)
        if given != key_of(environment):
            return web.json_response({"message": "Invalid API key"}, status=401)
        answer: web.StreamResponse = await handler(request)
        return answer

    def _environment(self, request: web.Request) -> str:
        return self._hosts[request.match_info["host"]]

    async def auth(self, request: web.Request) -> web.Response:
        if self._outages.holds(AUTH_AWAY, self._environment(request)):
            return web.json_response({"message": "An invalid response was received"}, status=503)
        await self._sleep(0.010)
        return web.json_response(
            {
                "version": "v2.180.0",
                "name": "GoTrue",
                "description": "GoTrue is a user registration and authentication API",
            }
        )

    async def rest(self, _request: web.Request) -> web.Response:
        await self._sleep(0.010)
        return web.json_response({"message": "JWT role may not read the description"}, status=401)

    async def storage(self, request: web.Request) -> web.Response:
        slow = self._outages.holds(STORAGE_SLOW, self._environment(request))
        await self._sleep(_SLOW if slow else 0.012)
        return web.Response(status=200)

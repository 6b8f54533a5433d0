"""A registry behind HTTP on a free port, with one repository that has a few tags."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web

from bot.sandbox.registry.server import registry_app
from bot.sandbox.registry.store import Registry
from tests.serving import served

CREATED = datetime(2026, 11, 3, 10, 0, tzinfo=UTC)


@pytest.fixture
def registry() -> Registry:
    made = Registry(credentials={"dynamo": "secret"})
    for version in ("1.2.0", "1.3.1", "1.3.2", "1.4.0", "1.5.0"):
        made.add_image(
            "dynamo/tasks-service",
            [version],
            created=CREATED,
            labels={"org.opencontainers.image.version": version},
            size=41_000_000,
        )
    return made


@pytest.fixture
async def client(registry: Registry) -> AsyncIterator[aiohttp.ClientSession]:
    """Speaks to the registry; paths begin with /v2."""
    app = web.Application()
    app.add_subapp("/v2", registry_app(registry))
    async with served(app) as url, aiohttp.ClientSession(url) as session:
        yield session

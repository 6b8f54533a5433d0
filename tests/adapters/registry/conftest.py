"""Fixtures: a registry that can be odd, and the adapter."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.adapters.oci_registry import OciRegistry
from tests.adapters.registry.odd_registry import OddRegistry


@pytest.fixture
async def odd() -> AsyncIterator[OddRegistry]:
    registry = OddRegistry()
    await registry.start()
    yield registry
    await registry.stop()


@pytest.fixture
async def images(tmp_path: Path) -> AsyncIterator[OciRegistry]:
    adapter = OciRegistry(credentials=str(tmp_path / "config.json"))
    yield adapter
    await adapter.close()

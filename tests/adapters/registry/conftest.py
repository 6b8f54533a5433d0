"""Fixtures: a registry that can be odd, and Debian's `docker-registry` where it is installed."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.adapters.oci_registry import OciRegistry
from tests.adapters.registry.odd_registry import OddRegistry

_LISTENING = re.compile(r"listening on 127\.0\.0\.1:(\d+)")


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


@pytest.fixture
async def debian_registry(tmp_path: Path) -> AsyncIterator[str]:
    """Host and port of a real registry, empty; skips where the program is not installed."""
    program = shutil.which("docker-registry")
    if program is None:
        pytest.skip("docker-registry is not installed (on Debian: apt-get install docker-registry)")
    config = tmp_path / "registry.yml"
    config.write_text(
        "version: 0.1\n"
        f"storage: {{filesystem: {{rootdirectory: {tmp_path / 'images'}}}}}\n"
        "http: {addr: '127.0.0.1:0', secret: tests}\n"
    )
    process = await asyncio.create_subprocess_exec(
        program,
        "serve",
        str(config),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(20):
            while (found := _LISTENING.search((await process.stderr.readline()).decode())) is None:
                assert process.returncode is None, "docker-registry ended"
        yield f"127.0.0.1:{found[1]}"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()

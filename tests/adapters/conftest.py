"""What the tests of several adapters need: Debian's registry, where it is installed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.needs import needed
from tests.programs import docker_registry


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """Host and port of a real registry, empty."""
    with needed(docker_registry(tmp_path)) as address:
        yield address

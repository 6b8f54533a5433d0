"""The sample catalog, and files written for one test."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from config.catalog import Catalog, load_catalog

SAMPLE = Path(__file__).parents[2] / "config" / "dynamo.yml"


@pytest.fixture(scope="session")
def sample_path() -> Path:
    return SAMPLE


@pytest.fixture(scope="session")
def sample() -> Catalog:
    return load_catalog(SAMPLE)


@pytest.fixture
def changed(tmp_path: Path) -> Callable[..., Path]:
    """The sample file with pieces of its text replaced: changed(("old", "new"), …)."""

    def write(*changes: tuple[str, str]) -> Path:
        text = SAMPLE.read_text("utf-8")
        for old, new in changes:
            assert old in text, f"the sample no longer holds {old!r}"
            text = text.replace(old, new, 1)
        path = tmp_path / "dynamo.yml"
        path.write_text(text, "utf-8")
        return path

    return write


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str | bytes], Path]:
    def write(content: str | bytes) -> Path:
        path = tmp_path / "dynamo.yml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture
def sample_data() -> object:
    return yaml.safe_load(SAMPLE.read_text("utf-8"))

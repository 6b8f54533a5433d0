"""The sample catalog, for every test of what people type."""

from pathlib import Path

import pytest

from config.catalog import Catalog, load_catalog


@pytest.fixture(scope="session")
def sample() -> Catalog:
    return load_catalog(Path(__file__).parents[2] / "config" / "dynamo.yml")

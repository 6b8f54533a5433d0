"""Every table is tried on both databases: a SQLite file, and a real server of PostgreSQL."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.database import Connection
from bot.adapters.databases import connection_to
from bot.adapters.tables.rollouts import RolloutTable
from tests.databases import empty_database
from tests.needs import needed
from tests.programs import postgres_server


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with needed(postgres_server()) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Of an empty database, as DYNAMO_DATABASE has it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'dynamo.db'}"
    return empty_database(request.getfixturevalue("server"))


@pytest.fixture
async def connection(address: str) -> AsyncIterator[Connection]:
    opened = connection_to(address)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def store(connection: Connection) -> RolloutTable:
    return RolloutTable(connection)

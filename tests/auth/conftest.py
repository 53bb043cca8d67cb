"""The world that the auth tests live in."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from kassa.kit.documents import Database
from tests.servers import mongod
from tests.storage.worlds import DATABASES

from .world import World


@pytest.fixture(scope="session", autouse=True)
def _server() -> Iterator[None]:
    """It ends with the tests."""
    yield
    mongod.stop_shared()


@pytest.fixture
def store() -> str:
    """Which kind of database it is; a file of tests may want both."""
    return "sqlite"


@pytest.fixture
async def database(store: str, tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database."""
    async with DATABASES[store](tmp_path) as opened:
        yield opened


@pytest.fixture
async def world(database: Database) -> World:
    """An auth service without users."""
    return await World.on(database)

"""The world that the product tests live in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kassa.storage.documents_sqlite import SqliteDatabase

from .world import World


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    """An empty database."""
    database = await SqliteDatabase.open(tmp_path / "product.db")
    yield database
    await database.close()


@pytest.fixture
async def world(database: SqliteDatabase) -> World:
    """An empty catalogue."""
    return await World.on(database)

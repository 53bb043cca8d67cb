"""The world that the auth tests live in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kassa.storage.documents_sqlite import SqliteDatabase

from .world import World


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    """An empty database."""
    database = await SqliteDatabase.open(tmp_path / "auth.db")
    yield database
    await database.close()


@pytest.fixture
async def world(database: SqliteDatabase) -> World:
    """An auth service without users."""
    return await World.on(database)

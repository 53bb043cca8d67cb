"""The inventory as its callers meet it: real routes, a real ledger in SQLite, a clock that stands still."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kassa.storage.documents_sqlite import SqliteDatabase
from tests.inventory.world import World
from tests.support import sqlite


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    async with sqlite(tmp_path) as opened:
        yield opened


@pytest.fixture
async def world(database: SqliteDatabase) -> World:
    return await World.on(database)

"""A clock that stands still and a real database for the tests of the kit."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kassa.storage.documents_sqlite import SqliteDatabase
from tests.support import FakeClock, sqlite


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    async with sqlite(tmp_path) as opened:
        yield opened

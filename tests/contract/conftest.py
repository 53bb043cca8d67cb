"""Every test of a contract runs in each of the three ways."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kassa.storage.documents_sqlite import SqliteDatabase
from tests.contract.ways import WAYS, Reach
from tests.support import FakeClock, sqlite


@pytest.fixture(params=WAYS)
async def reach(request: pytest.FixtureRequest) -> AsyncIterator[Reach]:
    async with contextlib.AsyncExitStack() as closing:
        yield Reach(request.param, closing)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    async with sqlite(tmp_path) as opened:
        yield opened


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()

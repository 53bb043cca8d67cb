"""One running shop for the journeys of a module."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.journey.running import RunningShop


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningShop]:
    async with RunningShop(tmp_path_factory.mktemp("shop") / "data") as running:
        yield running

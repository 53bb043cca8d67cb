"""Every test that asks for a `database` runs once for each adapter."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from kassa.kit.documents import Database
from tests.servers import mongod
from tests.storage.worlds import DATABASES


@pytest.fixture(scope="session", autouse=True)
def _servers() -> Iterator[None]:
    """Servers that tests have started end with the tests."""
    yield
    mongod.stop_shared()


@pytest.fixture(params=sorted(DATABASES))
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with DATABASES[request.param](tmp_path) as opened:
        yield opened

"""One running shop for the journeys of a module, in both forms: on SQLite, and on MongoDB with Valkey."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from tests.journey.running import RunningShop
from tests.servers import valkey
from tests.servers.mongod import Mongod

FORMS = ["sqlite", "mongodb and valkey"]


@contextmanager
def stores(form: str, directory: Path) -> Iterator[dict[str, str]]:
    """The settings that name this form's stores: servers of the shop's own, or none."""
    if form == "sqlite":
        yield {}
        return
    mongod = Mongod()
    try:
        mongod.start()
        with valkey.running(directory) as stock:
            yield {"MONGO_URI": mongod.uri, "REDIS_URL": stock.url}
    finally:
        mongod.remove()


@pytest.fixture(scope="module", params=FORMS)
def settings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with stores(request.param, tmp_path_factory.mktemp("stores")) as named:
        yield named


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningShop]:
    async with RunningShop(tmp_path_factory.mktemp("shop") / "data", **settings) as running:
        yield running

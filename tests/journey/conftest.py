"""One running shop for the journeys of a module, in each form: one process on SQLite, one on MongoDB with Valkey, and
six that call each other over HTTP."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.journey.doubled import DoubledShop
from tests.journey.running import RunningShop
from tests.servers import chromium, valkey
from tests.servers.mongod import Mongod

FORMS = ["sqlite", "mongodb and valkey", "six processes"]
OPTIONS = {"six processes": ("--split",)}
DOUBLED = "six processes, each call between them twice"


@contextmanager
def stores(form: str, directory: Path) -> Iterator[dict[str, str]]:
    """The settings that name this form's stores: servers of the shop's own, or none."""
    if "mongodb" not in form:
        yield {}
        return
    mongod = Mongod()
    try:
        mongod.start()
        with valkey.running(directory) as stock:
            yield {"MONGO_URI": mongod.uri, "REDIS_URL": stock.url}
    finally:
        mongod.remove()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A real one."""
    async with chromium.opened() as opened:
        yield opened


@pytest.fixture(scope="module", params=FORMS)
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def settings(form: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with stores(form, tmp_path_factory.mktemp("stores")) as named:
        yield named


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(
    form: str, settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningShop]:
    data = tmp_path_factory.mktemp("shop") / "data"
    made = DoubledShop(data, **settings) if form == DOUBLED else RunningShop(data, *OPTIONS.get(form, ()), **settings)
    async with made as running:
        yield running

"""Every test that asks for a `database` or a `stock` runs once for each adapter."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis import Redis

from kassa.inventory.stock import Stock
from kassa.inventory.stock_redis import RedisStock
from kassa.kit.documents import Database
from kassa.storage.documents_sqlite import SqliteDatabase
from tests.servers import mongod, valkey, valkey_shop
from tests.servers.valkey import Valkey
from tests.servers.valkey_shop import Shop
from tests.storage.worlds import DATABASES, STOCKS
from tests.support import sqlite


@pytest.fixture(scope="session", autouse=True)
def _servers() -> Iterator[None]:
    """Servers that tests have started end with the tests."""
    yield
    mongod.stop_shared()


@pytest.fixture(params=sorted(DATABASES))
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with DATABASES[request.param](tmp_path) as opened:
        yield opened


@pytest.fixture(params=sorted(STOCKS))
async def stock(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stock]:
    async with STOCKS[request.param](tmp_path) as opened:
        yield opened


@pytest.fixture
async def file(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    """One SQLite file."""
    async with sqlite(tmp_path) as opened:
        yield opened


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Valkey]:
    """A stock server of the test's own."""
    with valkey.running(tmp_path) as started:
        yield started


@pytest.fixture
async def own(server: Valkey, file: SqliteDatabase) -> AsyncIterator[RedisStock]:
    """The stock on a server of the test's own."""
    stock = await RedisStock.open(server.url, file)
    yield stock
    await stock.close()


@pytest.fixture
async def shop(server: Valkey, tmp_path: Path) -> AsyncIterator[Shop]:
    """Orders and the stock on a server of the test's own."""
    async with valkey_shop.opened(server, tmp_path) as shop:
        yield shop


@pytest.fixture
def inside(server: Valkey) -> Iterator[Redis]:
    """A plain client of that server."""
    with server.client() as client:
        yield client

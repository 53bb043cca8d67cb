"""Where the tests of the storage ports get their adapters from: one entry for each adapter."""

import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

from pymongo.errors import AutoReconnect

from kassa.app.stores import redis_by
from kassa.inventory.stock import Stock
from kassa.inventory.stock_redis import RedisStock
from kassa.inventory.stock_redis_reservations import KEPT
from kassa.inventory.stock_sqlite import SqliteStock
from kassa.kit.clock import Millis
from kassa.kit.documents import Database
from kassa.simulation.memory import Client, Command, Memory
from kassa.storage.documents_mongo import PATIENCE, MongoDatabase
from tests.servers import mongod, valkey
from tests.support import sqlite

Databases: TypeAlias = Callable[[Path], AbstractAsyncContextManager[Database]]
Stocks: TypeAlias = Callable[[Path], AbstractAsyncContextManager[Stock]]


@asynccontextmanager
async def _sqlite_stock(directory: Path):  # type: ignore[no-untyped-def]
    async with sqlite(directory) as file:
        yield await SqliteStock.open(file)


@asynccontextmanager
async def redis_stock(directory: Path, url: str | None = None) -> AsyncIterator[RedisStock]:
    """Keys of its own on a real server, by default the one that the tests share; the ledger in a file."""
    async with sqlite(directory) as file:
        stock = await RedisStock.open(url or valkey.shared().url, file, f"test-{uuid.uuid4().hex}")
        try:
            yield stock
        finally:
            await stock.close()


@asynccontextmanager
async def _simulated_redis_stock(directory: Path) -> AsyncIterator[RedisStock]:
    """The server of the simulation does what a real one does."""
    memory = Memory(time.monotonic, Random(1))

    async def send(commands: Sequence[Command]) -> list[Any]:
        return memory.execute(commands)

    async with sqlite(directory) as file, AsyncExitStack() as closing:
        yield await redis_by(Client(send), file, closing, KEPT)


@asynccontextmanager
async def mongo(
    _: Path | None = None, server: mongod.Mongod | None = None, patience: Millis = PATIENCE
) -> AsyncIterator[MongoDatabase]:
    """A database of its own on a real server, by default the one that the tests share."""
    uri = (server or mongod.shared()).uri
    database = await MongoDatabase.open(uri, f"test_{uuid.uuid4().hex}", patience=patience)
    try:
        yield database
        await _drop(database)
    finally:
        await database.close()


async def _drop(database: MongoDatabase) -> None:
    """Again while the driver still closes connections to what was no primary for a moment: it does not by itself."""
    for _ in range(10):
        with contextlib.suppress(AutoReconnect):
            await database.raw.client.drop_database(database.name)
            return
    raise AssertionError(f"{database.name} cannot be dropped")


DATABASES: dict[str, Databases] = {"sqlite": sqlite, "mongo": mongo}
STOCKS: dict[str, Stocks] = {"sqlite": _sqlite_stock, "redis": redis_stock, "simulated redis": _simulated_redis_stock}

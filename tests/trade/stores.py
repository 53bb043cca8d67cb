"""Where a shop's data is, in both forms: in a SQLite file, or in a real MongoDB with its stock in a real Valkey."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from kassa.inventory.stock import Stock
from kassa.inventory.stock_redis import RedisStock
from kassa.inventory.stock_sqlite import SqliteStock
from kassa.kit.documents import Database
from kassa.storage.documents_mongo import MongoDatabase
from kassa.storage.documents_sqlite import SqliteDatabase
from tests.servers import mongod, valkey

SQLITE, SERVERS = "sqlite", "mongodb and valkey"
FORMS = [SQLITE, pytest.param(SERVERS, marks=pytest.mark.slow)]

_DATABASE = "trade"


@asynccontextmanager
async def stores(form: str, directory: Path) -> AsyncIterator[tuple[Database, Stock]]:
    """A database and a stock that belong to this directory: opened again, they hold what they held."""
    async with (_on_servers if form == SERVERS else _in_a_file)(directory) as opened:
        yield opened


@asynccontextmanager
async def _in_a_file(directory: Path) -> AsyncIterator[tuple[Database, Stock]]:
    database = await SqliteDatabase.open(directory / "shop.db")
    try:
        yield database, await SqliteStock.open(database)
    finally:
        await database.close()


@asynccontextmanager
async def _on_servers(directory: Path) -> AsyncIterator[tuple[Database, Stock]]:
    # One database for one shop after the other: making collections and indexes anew takes longer than most tests.
    space = directory / "space"
    if not space.exists():
        _empty(_DATABASE)
        space.write_text(f"trade-{uuid.uuid4().hex}")
    database = await MongoDatabase.open(mongod.shared().uri, _DATABASE)
    try:
        stock = await RedisStock.open(valkey.shared().url, database, space.read_text())
        try:
            yield database, stock
        finally:
            await stock.close()
    finally:
        await database.close()


def _empty(name: str) -> None:
    """Delete what another test's shop has left."""
    database: Any = mongod.shared().client[name]
    for collection in database.list_collection_names():
        database[collection].delete_many({})

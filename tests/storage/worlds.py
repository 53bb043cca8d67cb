"""Where the tests of the storage ports get their adapters from: one entry for each adapter."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TypeAlias

from kassa.inventory.stock import Stock
from kassa.inventory.stock_sqlite import SqliteStock
from kassa.kit.documents import Database
from tests.support import sqlite

Databases: TypeAlias = Callable[[Path], AbstractAsyncContextManager[Database]]
Stocks: TypeAlias = Callable[[Path], AbstractAsyncContextManager[Stock]]


@asynccontextmanager
async def _sqlite_stock(directory: Path):  # type: ignore[no-untyped-def]
    async with sqlite(directory) as file:
        yield await SqliteStock.open(file)


DATABASES: dict[str, Databases] = {"sqlite": sqlite}
STOCKS: dict[str, Stocks] = {"sqlite": _sqlite_stock}

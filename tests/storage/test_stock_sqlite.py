"""The stock in SQLite: other processes, the second line of defence, and the audit."""

import asyncio
import sys
from pathlib import Path

import apsw
import pytest

from kassa.contracts.inventory import Level, Line
from kassa.inventory.stock import By, Difference
from kassa.inventory.stock_sqlite import SqliteStock
from kassa.storage.documents_sqlite import SqliteDatabase
from tests.support import sqlite

BUYER = """
import asyncio, sys
from pathlib import Path
from kassa.contracts.inventory import InsufficientStock, Line
from kassa.inventory.stock_sqlite import SqliteStock
from kassa.storage.sqlite import Sqlite

async def main(path, name):
    file = await Sqlite.open(Path(path))
    stock = await SqliteStock.open(file)
    async def buy(n):
        try:
            await stock.reserve(f"{name}{n}.1", [Line("tea", 1)], n)
            return 1
        except InsufficientStock:
            return 0
    print(sum(await asyncio.gather(*(buy(n) for n in range(200)))))
    await file.close()

asyncio.run(main(sys.argv[1], sys.argv[2]))
"""

NOBODY = By("usr_1", "req_1")


async def buyer(directory: Path, name: str) -> int:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", BUYER, str(directory / "test.db"), name, stdout=asyncio.subprocess.PIPE
    )
    return int((await process.communicate())[0])


async def change(file: SqliteDatabase, sql: str) -> None:
    await file.write(lambda connection: connection.execute(sql).fetchall())


async def test_buyers_in_two_processes_never_get_more_than_there_is(tmp_path: Path) -> None:
    async with sqlite(tmp_path) as file:
        stock = await SqliteStock.open(file)
        await stock.init("tea", 50, "i", "", 1, NOBODY)
        bought = await asyncio.gather(buyer(tmp_path, "a"), buyer(tmp_path, "b"))
        assert sum(bought) == 50
        assert await stock.levels(["tea"]) == {"tea": Level("tea", 0, 50, 0, 50)}
        assert await stock.differences() == []


async def test_the_stock_survives_a_restart(tmp_path: Path) -> None:
    async with sqlite(tmp_path) as file:
        stock = await SqliteStock.open(file)
        await stock.init("tea", 5, "i", "", 1, NOBODY)
        await stock.reserve("o.1", [Line("tea", 2)], 2)
    async with sqlite(tmp_path) as file:
        stock = await SqliteStock.open(file)
        await stock.commit("o.1", 3)
        assert await stock.levels(["tea"]) == {"tea": Level("tea", 3, 0, 2, 5)}


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE stock SET available = -1, received = -1",
        "UPDATE stock SET available = available + 1",
        "UPDATE stock SET reserved = -1, sold = 1",
        "UPDATE reservations SET state = 'lost'",
        "UPDATE movements SET quantity = 6",
        "DELETE FROM movements",
        "INSERT INTO movements SELECT 99, at, product_id, kind, quantity, input_id, reason, who, '' FROM movements",
    ],
)
async def test_a_mistake_in_the_code_fails_the_write(file: SqliteDatabase, sql: str) -> None:
    stock = await SqliteStock.open(file)
    await stock.init("tea", 5, "i", "", 1, NOBODY)
    await stock.reserve("o.1", [Line("tea", 2)], 2)
    with pytest.raises(apsw.ConstraintError):
        await change(file, sql)
    assert await stock.differences() == []


async def test_the_audit_names_every_difference(file: SqliteDatabase) -> None:
    stock = await SqliteStock.open(file)
    await stock.init("tea", 5, "i", "", 1, NOBODY)
    await stock.init("cup", 5, "j", "", 1, NOBODY)
    await stock.reserve("o.1", [Line("tea", 2)], 2)
    await change(file, "UPDATE stock SET sold = 1, available = 2 WHERE product_id = 'tea'")
    await change(file, "DELETE FROM stock WHERE product_id = 'cup'")
    assert await stock.differences() == [
        Difference("cup", "available by the ledger", 5, 0),
        Difference("cup", "received by the ledger", 5, 0),
        Difference("tea", "available by the ledger", 3, 2),
        Difference("tea", "sold by reservations", 0, 1),
        Difference("tea", "sold by the ledger", 0, 1),
    ]


async def test_hot_queries_go_by_an_index(file: SqliteDatabase) -> None:
    await SqliteStock.open(file)
    for sql, index in {
        "reservations WHERE state = 'held' AND is_marked = 0 AND made_at < 5 ORDER BY made_at": "reservations_unmarked",
        "movements WHERE at >= 5": "movements_by_time",
        "movements WHERE input_id = 'x' AND kind = 'restock'": "sqlite_autoindex_movements_1",
    }.items():
        plan = "; ".join(row[3] for row in file.read(f"EXPLAIN QUERY PLAN SELECT * FROM {sql}"))
        assert index in plan
        assert "SCAN" not in plan
        assert "TEMP B-TREE" not in plan

"""The ledger of the stock in Redis: the stream that it comes from, and the audit that it allows."""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from redis import Redis

from kassa.contracts.inventory import Line
from kassa.inventory.ledger import MOVEMENTS, Entry, Ledger, entry
from kassa.inventory.stock import By, Difference, Kind, Movement
from kassa.inventory.stock_redis import RedisStock
from kassa.kit.problem import Unavailable
from kassa.storage.documents_sqlite import SqliteDatabase
from tests.servers.valkey import Valkey

NOBODY = By("usr_1", "req_1")

DRAINER = """
import asyncio, sys
from pathlib import Path
from kassa.inventory.stock_redis import RedisStock
from kassa.storage.documents_sqlite import SqliteDatabase

async def main(url, path):
    stock = await RedisStock.open(url, await SqliteDatabase.open(Path(path)))
    print("ready", flush=True)
    while True:
        await stock.drain()

asyncio.run(main(*sys.argv[1:]))
"""


async def drainer_of(url: str, path: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", DRAINER, url, str(path), stdout=asyncio.subprocess.PIPE
    )


async def test_every_movement_is_entered_once_though_drainers_are_killed(
    own: RedisStock, server: Valkey, inside: Redis, tmp_path: Path
) -> None:
    await own.init("tea", 1_000, "i", "", 1, NOBODY)
    drainers = [await drainer_of(server.url, tmp_path / "test.db") for _ in range(2)]
    for drainer in drainers:
        assert drainer.stdout is not None
        await drainer.stdout.readline()
    for first in range(0, 1_000, 50):
        await asyncio.gather(*(own.reserve(f"o{first + n}.1", [Line("tea", 1)], n) for n in range(50)))
        if first == 500:
            drainers[0].kill()
    drainers[1].kill()
    await asyncio.gather(*(drainer.wait() for drainer in drainers))
    entries = await own.ledger(0, 2_000)
    assert [each.number for each in entries] == list(range(1, 1_002))
    assert inside.xlen("{kassa}:movements") == 0
    assert await own.differences() == []


async def test_a_store_that_fails_now_and_then_has_all_movements_in_the_end(
    own: RedisStock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by the simulation: all were tried again each time, and never all of them succeeded."""
    await own.init("tea", 1_000, "i", "", 1, NOBODY)
    await asyncio.gather(*(own.reserve(f"o{n}.1", [Line("tea", 1)], n) for n in range(200)))
    entries, chance = own._ledger._entries, Random(1)
    insert = entries.insert

    async def sometimes(entry: Entry) -> Entry:
        if chance.random() < 0.1:
            raise Unavailable("the store did not answer")
        return await insert(entry)

    monkeypatch.setattr(entries, "insert", sometimes)
    for _ in range(20):
        with suppress(Unavailable):
            await own.drain()
            break
    else:
        raise AssertionError("the ledger is never complete")
    assert len(await own.ledger(0, 1_000)) == 201


async def test_the_audit_names_every_difference(own: RedisStock, inside: Redis) -> None:
    await own.init("tea", 5, "i", "", 1, NOBODY)
    await own.init("cup", 5, "j", "", 1, NOBODY)
    await own.reserve("o.1", [Line("tea", 2)], 2)
    inside.hset("{kassa}:stock:tea", mapping={"sold": 1, "available": -1})
    inside.delete("{kassa}:stock:cup")
    assert await own.differences() == [
        Difference("cup", "available by the ledger", 5, 0),
        Difference("cup", "received by the ledger", 5, 0),
        Difference("tea", "available by the ledger", 3, -1),
        Difference("tea", "available is never below", 0, -1),
        Difference("tea", "received by its parts", 2, 5),
        Difference("tea", "sold by reservations", 0, 1),
        Difference("tea", "sold by the ledger", 0, 1),
    ]


async def test_the_audit_finds_nothing_while_the_shop_runs(own: RedisStock) -> None:
    await own.init("tea", 5_000, "i", "", 1, NOBODY)

    async def sell(name: int) -> None:
        for number in range(30):
            await own.reserve(f"{name}-{number}.1", [Line("tea", 1)], 1)
            await (own.commit if number % 2 else own.release)(f"{name}-{number}.1", 2)

    selling = asyncio.gather(*(sell(name) for name in range(16)))
    while not selling.done():
        assert await own.differences() == []
    await selling


async def test_a_reader_of_the_ledger_misses_nothing_while_others_drain(own: RedisStock) -> None:
    await own.init("tea", 5_000, "i", "", 1, NOBODY)
    seen: list[Movement] = []

    async def sell(name: int) -> None:
        for number in range(15):
            await own.reserve(f"{name}-{number}.1", [Line("tea", 1)], 1)
            await own.drain()

    selling = asyncio.gather(*(sell(name) for name in range(16)))
    while not selling.done():
        seen += await own.ledger(seen[-1].number if seen else 0, 100)
    await selling
    while page := await own.ledger(seen[-1].number, 100):
        seen += page
    assert [movement.number for movement in seen] == list(range(1, 242))


class Drained:
    """A stream of which everything up to a number has been entered; satisfies kassa.inventory.ledger.Stream."""

    def __init__(self, number: int) -> None:
        self.number = number

    async def last_number(self) -> int:
        return self.number

    async def waiting(self, up_to: int, limit: int) -> list[Entry]:
        return []

    async def cut(self, up_to: int) -> None:
        """There is nothing to cut."""


async def test_an_entry_is_not_read_before_all_earlier_ones_are_there(file: SqliteDatabase) -> None:
    entries = await file.collection(MOVEMENTS)
    for number in (1, 3):  # another process is entering 2 and 3, and 3 was faster
        await entries.insert(entry(Movement(number, 1, "tea", Kind.RESERVE, 1, f"o{number}.1", "", "w", "r"), "[]"))
    ledger = Ledger(entries, Drained(1))
    assert [each.number for each in await ledger.after(0, 10)] == [1]
    assert [each.number for each in await ledger.recent(10)] == [1]

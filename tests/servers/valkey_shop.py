"""A stock in Redis, and the orders for it as the order service has them: durable, whatever becomes of Redis."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from kassa.contracts.inventory import Level, Line
from kassa.inventory.mending import Wanted
from kassa.inventory.stock import By, State
from kassa.inventory.stock_redis import RedisStock
from kassa.kit.clock import Millis
from kassa.storage.documents_sqlite import SqliteDatabase
from tests.servers.valkey import Valkey
from tests.support import NOON, sqlite

ADMIN = By("usr_1", "req_1")


class Shop:
    """What a test does with them."""

    def __init__(self, stock: RedisStock, server: Valkey, file: SqliteDatabase) -> None:
        self.file = file
        self.stock = stock
        self.server = server
        self.now = NOON
        self.orders: dict[str, tuple[Millis, Wanted]] = {}

    def note(self, order_id: str, state: State, *lines: Line) -> None:
        known = self.orders.get(order_id)
        self.orders[order_id] = (self.now, Wanted(f"{order_id}.1", lines or known[1].lines if known else lines, state))

    async def place(self, order_id: str, *lines: Line) -> None:
        await self.stock.reserve(f"{order_id}.1", lines, self.now)
        self.note(order_id, State.HELD, *lines)

    async def confirm(self, order_id: str) -> None:
        self.note(order_id, State.COMMITTED)
        await self.stock.commit(f"{order_id}.1", self.now)

    async def cancel(self, order_id: str) -> None:
        self.note(order_id, State.RELEASED)
        await self.stock.release(f"{order_id}.1", self.now)

    async def wanted(self, since: Millis, held: Sequence[str]) -> AsyncIterator[Wanted]:
        for changed_at, wanted in list(self.orders.values()):
            if changed_at >= since or wanted.reservation_id in held:
                yield wanted

    async def mend(self) -> bool:
        return await self.stock.mend(self.wanted, self.now)

    async def crash(self, kept: int | None = None) -> None:
        """kill -9 and a restart; the log keeps only so many bytes."""
        self.server.kill()
        if kept is not None:
            self.server.lose(kept)
        await asyncio.to_thread(self.server.start)

    async def levels(self) -> dict[str, Level]:
        return {level.product_id: level for level in await self.stock.all_levels(100)}

    async def check(self) -> None:
        """The invariants, and that every order has what it wants."""
        for level in (await self.levels()).values():
            assert level.available >= 0
            assert level.received == level.available + level.reserved + level.sold
        for _, wanted in self.orders.values():
            (found,) = await self.stock.reservations_of([wanted.reservation_id])
            assert found is not None
            assert found.state is wanted.state
        assert await self.stock.differences() == []
        entries = await self.stock.ledger(0, 10_000)
        assert len({entry.number for entry in entries}) == len(entries)


@asynccontextmanager
async def opened(server: Valkey, directory: Path) -> AsyncIterator[Shop]:
    async with sqlite(directory) as file:
        stock = await RedisStock.open(server.url, file)
        try:
            yield Shop(stock, server, file)
        finally:
            await stock.close()

"""Buyers at work while things go wrong, and the proof afterwards that nothing was lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from tests.journey.running import Buyer, RunningShop, until


class Load:
    """Buyers who go on whatever is answered, and the orders that were acknowledged to them."""

    def __init__(self, buyer: Buyer, product_id: str) -> None:
        self.acknowledged: list[str] = []
        self.stopping = asyncio.Event()
        self._tasks = [asyncio.create_task(self._buy(buyer, product_id)) for _ in range(4)]

    async def reach(self, count: int) -> None:
        """Wait for so many more orders."""
        goal = len(self.acknowledged) + count

        async def are_there() -> bool:
            return len(self.acknowledged) >= goal

        await until(are_there, f"{count} more orders", patience=60)

    async def end(self) -> None:
        self.stopping.set()
        await asyncio.gather(*self._tasks)

    async def _buy(self, buyer: Buyer, product_id: str) -> None:
        while not self.stopping.is_set():
            try:
                await self._buy_one(buyer, product_id)
            except (aiohttp.ClientError, TimeoutError):
                continue

    async def _buy_one(self, buyer: Buyer, product_id: str) -> None:
        placed = await buyer.order(product_id)
        assert placed.status in (201, 502, 503, 504), placed.body
        if placed.status != 201:
            return
        order_id = placed.body["order"]["id"]
        self.acknowledged.append(order_id)
        session = await buyer.call("POST", "/payments/create-session", {"orderId": order_id})
        if session.status == 200 and len(self.acknowledged) % 2:
            await buyer.pay(session.body["sessionId"])


@asynccontextmanager
async def load(shop: RunningShop) -> AsyncIterator[Load]:
    """Buyers at work; afterwards all that was acknowledged is there, and the audit is content."""
    admin, buyer = await shop.admin(), await shop.buyer()
    buyers = Load(buyer, await admin.product(stock=100_000))
    try:
        yield buyers
    finally:
        await buyers.end()

    async def are_there() -> bool:
        answers = await asyncio.gather(*(admin.call("GET", f"/orders/{each}") for each in buyers.acknowledged))
        assert not [answer.body for answer in answers if answer.status == 404]
        return all(answer.status == 200 for answer in answers)

    await until(are_there, "all orders to be shown")
    await until(lambda: is_proved(shop), "the audit to be content", patience=120)


async def is_proved(shop: RunningShop) -> bool:
    # What was interrupted is carried out again within the writers' leases of 30 s.
    return (await shop.command("audit"))[0] == 0


async def asked_eight_times(shop: RunningShop) -> set[str]:
    """The sessions that eight are given who ask at once to pay for one order."""
    admin, buyer = await shop.admin(), await shop.buyer()
    order_id = (await buyer.order(await admin.product(stock=5))).body["order"]["id"]
    asked = {"orderId": order_id}
    answers = await asyncio.gather(*(buyer.call("POST", "/payments/create-session", asked) for _ in range(8)))
    assert {answer.status for answer in answers} == {200}
    return {answer.body["sessionId"] for answer in answers}

"""kill -9 under load: nothing that was acknowledged is lost, nothing is half done."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.journey.conftest import OPTIONS, stores
from tests.journey.running import Buyer, RunningShop, until

pytestmark = pytest.mark.slow
KILLS = 5


@pytest.fixture
async def shop(form: str, tmp_path: Path) -> AsyncIterator[RunningShop]:
    """A shop, and stores, of the test's own."""
    with stores(form, tmp_path) as settings:
        async with RunningShop(tmp_path / "data", *OPTIONS.get(form, ()), **settings) as running:
            yield running


async def load(buyer: Buyer, product_id: str, seed: int, acknowledged: dict[str, str]) -> None:
    """Buy until the server is gone; note the last acknowledged state of each order."""
    chance = random.Random(seed)
    while True:
        try:
            placed = await buyer.order(product_id)
            if placed.status != 201:
                continue
            order_id = placed.body["order"]["id"]
            acknowledged[order_id] = "PENDING"
            if chance.random() < 0.3:
                continue
            session = await buyer.call("POST", "/payments/create-session", {"orderId": order_id})
            if session.status == 200 and chance.random() < 0.8:
                await buyer.pay(session.body["sessionId"])
                # Of several processes the gateway may be the last to die.
                found = await buyer.call("GET", f"/orders/{order_id}")
                if found.status == 200:
                    acknowledged[order_id] = found.body["order"]["status"]
            elif chance.random() < 0.5:
                await buyer.call("POST", f"/orders/{order_id}/cancel")
        except (aiohttp.ClientError, ConnectionError):
            return


async def test_nothing_is_lost_when_the_process_is_killed_under_load(shop: RunningShop) -> None:
    admin, buyer = await shop.admin(), await shop.buyer()
    mug = await admin.product(stock=100_000)
    acknowledged: dict[str, str] = {}
    for number in range(KILLS):
        buyers = [asyncio.create_task(load(buyer, mug, 100 * number + each, acknowledged)) for each in range(8)]
        before = len(acknowledged)
        await until(lambda count=before: _has_grown(acknowledged, count), "some orders")
        await shop.kill()
        await asyncio.gather(*buyers)
        await shop.start()
    assert len(acknowledged) > KILLS * 20
    for order_id, status in acknowledged.items():
        found = await admin.call("GET", f"/orders/{order_id}")
        assert found.status == 200
        if status == "CONFIRMED":  # The others may have been confirmed, or cancelled, meanwhile.
            assert found.body["order"]["status"] == "CONFIRMED"
    code, printed = await shop.command("audit")
    assert code == 0, printed


async def _has_grown(acknowledged: dict[str, str], before: int) -> bool:
    return len(acknowledged) >= before + 30


async def test_an_order_interrupted_by_a_crash_goes_on_with_its_idempotency_key(shop: RunningShop, form: str) -> None:
    admin, buyer = await shop.admin(), await shop.buyer()
    mug = await admin.product(stock=50)
    keys = [f"key-{number}" for number in range(40)]
    tries = [asyncio.create_task(buyer.order(mug, 1, **{"Idempotency-Key": key})) for key in keys]
    await asyncio.wait(tries, return_when=asyncio.FIRST_COMPLETED)
    await shop.kill()
    await asyncio.gather(*tries, return_exceptions=True)
    await shop.start()
    made: set[str] = set()

    async def is_made(key: str) -> bool:
        again = await buyer.order(mug, 1, **{"Idempotency-Key": key})
        if again.status == 201:
            made.add(again.body["order"]["id"])
            return True
        # Where another process might still be at it, its lease of 30 s is waited for.
        assert ("mongodb" in form, again.body["code"]) == (True, "idempotency_key_in_use")
        return False

    for key in keys:
        await until(lambda key=key: is_made(key), "the order of this key", patience=60)
    assert len(made) == 40
    assert await buyer.stock(mug) == 10


@pytest.mark.parametrize("form", ["sqlite", "mongodb and valkey"], scope="module")
async def test_sigterm_under_load_finishes_what_is_in_flight(shop: RunningShop) -> None:
    admin, buyer = await shop.admin(), await shop.buyer()
    mug = await admin.product(stock=1000)
    acknowledged: dict[str, str] = {}
    buyers = [asyncio.create_task(load(buyer, mug, each, acknowledged)) for each in range(8)]
    await until(lambda: _has_grown(acknowledged, 0), "some orders")
    assert await shop.stop() == 0
    await asyncio.gather(*buyers)
    await shop.start()
    for order_id in acknowledged:
        assert (await admin.call("GET", f"/orders/{order_id}")).status == 200
    code, printed = await shop.command("audit")
    assert code == 0, printed

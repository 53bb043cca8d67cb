"""kill -9 of MongoDB and of Valkey under load: what was acknowledged stays, and the shop goes on by itself."""

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journey.load import is_proved
from tests.journey.running import Buyer, RunningShop, until
from tests.servers import valkey
from tests.servers.mongod import Mongod, ReplicaSet

pytestmark = pytest.mark.slow


async def buy(buyer: Buyer, product_id: str, acknowledged: list[str], stopping: asyncio.Event) -> None:
    """Buy until told to stop, whatever is answered; note the orders that were acknowledged."""
    while not stopping.is_set():
        placed = await buyer.order(product_id)
        assert placed.status in (201, 503), placed.body
        if placed.status == 201:
            acknowledged.append(placed.body["order"]["id"])
            session = await buyer.call("POST", "/payments/create-session", {"orderId": acknowledged[-1]})
            if session.status == 200 and len(acknowledged) % 2:
                await buyer.pay(session.body["sessionId"])


@pytest.mark.parametrize("victim", ["mongodb", "valkey"])
async def test_a_store_that_is_killed_under_load_loses_nothing(victim: str, tmp_path: Path) -> None:
    mongod = Mongod()
    try:
        mongod.start()
        with valkey.running(tmp_path) as stock:
            stores = {"MONGO_URI": mongod.uri, "REDIS_URL": stock.url}
            async with RunningShop(tmp_path / "data", **stores) as shop:
                await kill_under_load(shop, mongod if victim == "mongodb" else stock)
    finally:
        mongod.remove()


async def kill_under_load(shop: RunningShop, victim: Mongod | valkey.Valkey) -> None:
    admin, buyer = await shop.admin(), await shop.buyer()
    mug = await admin.product(stock=100_000)
    acknowledged: list[str] = []
    stopping = asyncio.Event()
    buyers = [asyncio.create_task(buy(buyer, mug, acknowledged, stopping)) for _ in range(6)]
    await until(lambda: more(acknowledged, 20), "orders before the kill")
    victim.kill()
    await asyncio.sleep(1)
    victim.start()
    before = len(acknowledged)
    await until(lambda: more(acknowledged, before + 20), "orders after the kill")
    stopping.set()
    await asyncio.gather(*buyers)
    for order_id in acknowledged:
        assert (await admin.call("GET", f"/orders/{order_id}")).status == 200
    await until(lambda: is_proved(shop), "the audit to be content", patience=90)


async def more(acknowledged: list[str], than: int) -> bool:
    return len(acknowledged) >= than


@pytest.mark.parametrize("end", ["killed", "stepping down"])
async def test_a_primary_that_ends_twice_under_load_is_replaced_and_loses_nothing(end: str, tmp_path: Path) -> None:
    mongods = ReplicaSet()
    try:
        mongods.start()
        with valkey.running(tmp_path) as stock:
            stores = {"MONGO_URI": mongods.uri, "REDIS_URL": stock.url}
            async with RunningShop(tmp_path / "data", **stores) as shop:
                await end_primaries_under_load(shop, mongods, end)
    finally:
        mongods.remove()


async def end_primaries_under_load(shop: RunningShop, mongods: ReplicaSet, end: str) -> None:
    admin, buyer = await shop.admin(), await shop.buyer()
    mug = await admin.product(stock=100_000)
    acknowledged: list[str] = []
    stopping = asyncio.Event()
    keys = (f"key-{number}" for number in itertools.count())
    buyers = [asyncio.create_task(insist(buyer, mug, keys, acknowledged, stopping)) for _ in range(6)]
    for _ in range(2):
        before = len(acknowledged)
        await until(lambda before=before: more(acknowledged, before + 20), "orders before the end")
        primary = await asyncio.to_thread(mongods.primary)
        assert primary is not None
        primary.kill() if end == "killed" else primary.step_down(10)
        before = len(acknowledged)
        await until(lambda before=before: more(acknowledged, before + 20), "orders without it", patience=60)
        if end == "killed":
            primary.launch()
        await until(lambda: asyncio.to_thread(mongods.is_whole), "the three to be one again")
    stopping.set()
    await asyncio.gather(*buyers)
    await nothing_is_lost(shop, admin, mug, acknowledged)


async def insist(
    buyer: Buyer, product_id: str, keys: Iterator[str], acknowledged: list[str], stopping: asyncio.Event
) -> None:
    """Buy until told to stop, each piece until it is acknowledged, under one key; then pay for some."""
    while not stopping.is_set():
        key = {"Idempotency-Key": next(keys)}
        while (placed := await buyer.order(product_id, 1, **key)).status != 201:
            assert placed.status == 503, placed.body
        acknowledged.append(placed.body["order"]["id"])
        session = await buyer.call("POST", "/payments/create-session", {"orderId": acknowledged[-1]})
        assert session.status in (200, 503), session.body
        if session.status == 200 and len(acknowledged) % 2:
            await buyer.pay(session.body["sessionId"])


async def nothing_is_lost(shop: RunningShop, admin: Buyer, mug: str, acknowledged: list[str]) -> None:
    """Every acknowledged order is there once, and in the end there is no other and all go together."""
    assert len(set(acknowledged)) == len(acknowledged)
    for order_id in acknowledged:
        assert (await admin.call("GET", f"/orders/{order_id}")).status == 200
    await until(lambda: is_proved(shop), "the audit to be content", patience=90)
    assert await admin.stock(mug) == 100_000 - len(acknowledged)

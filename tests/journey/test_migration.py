"""A shop moves from SQLite to MongoDB and Valkey: what it had is there, and what was begun is ended there."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from tests.journey.conftest import stores
from tests.journey.running import DECLINED, Buyer, RunningShop, until

pytestmark = pytest.mark.slow


@pytest.fixture
def target(tmp_path: Path) -> Iterator[dict[str, str]]:
    with stores("mongodb and valkey", tmp_path) as named:
        yield named


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[RunningShop]:
    async with RunningShop(tmp_path / "data") as running:
        yield running


async def trade(admin: Buyer, buyer: Buyer) -> dict[str, str]:
    """Orders of all kinds; their ids by what has become of them."""
    mug, rare = await admin.product(stock=100), await admin.product(stock=1)
    made: dict[str, str] = {"mug": mug, "rare": rare}
    made["CONFIRMED"], paid = await buyer.checkout(mug)
    made["REFUNDED"], refunded = await buyer.checkout(mug)
    made["CANCELLED"], declined = await buyer.checkout(rare)
    for session in (paid, refunded):
        await buyer.pay(session)
    await buyer.pay(declined, DECLINED)
    for status in ("CONFIRMED", "REFUNDED"):
        await buyer.becomes(made[status], "CONFIRMED")
    await buyer.becomes(made["CANCELLED"], "CANCELLED")
    refund = await admin.call("POST", f"/payments/{made['REFUNDED']}/refund", {"restock": True})
    assert refund.status == 201, refund.body
    await buyer.becomes(made["REFUNDED"], "REFUNDED")
    for change in (7, -3):
        asked = {"productId": mug, "change": change, "reason": "count"}
        adjusted = await admin.call("POST", "/inventory/adjust", asked)
        assert adjusted.status == 200, adjusted.body
    made["PENDING"], made["session"] = await buyer.checkout(mug)

    async def all_is_noted() -> bool:
        events = (await admin.call("GET", "/payments/admin/events?limit=100")).body["events"]
        has_come = any(each["type"] == "charge.refunded" for each in events)
        return has_come and all(each["status"] != "received" for each in events)

    await until(all_is_noted, "it to be noted of every event what was done")
    await admin.has_stock(mug, 100 + 7 - 3 - 2)
    return made


async def seen(admin: Buyer, buyer: Buyer, made: dict[str, str]) -> list[Any]:
    """What the shop tells."""
    paths = ["/orders", "/products", f"/inventory/{made['mug']}", f"/inventory/{made['rare']}"]
    told = [(await buyer.call("GET", path)).body for path in paths]
    for status in ("CONFIRMED", "REFUNDED", "CANCELLED", "PENDING"):
        told.append((await buyer.call("GET", f"/orders/{made[status]}")).body)
        told.append((await buyer.call("GET", f"/payments/status/{made[status]}")).body)
    told.append((await admin.call("GET", "/payments/admin/events?limit=100")).body)
    return told


async def test_all_that_a_shop_had_is_there_after_the_move_and_it_goes_on(
    shop: RunningShop, target: dict[str, str]
) -> None:
    admin, buyer = await shop.admin(), await shop.buyer()
    made = await trade(admin, buyer)
    once = {"Idempotency-Key": "once"}
    ordered = await buyer.order(made["mug"], 2, **once)
    before = await seen(admin, buyer, made)
    status, printed = await shop.command("migrate", str(shop.data), target["MONGO_URI"], "--redis", target["REDIS_URL"])
    assert (status, "another server" in printed) == (1, True)
    assert await shop.stop() == 0

    status, printed = await shop.command("migrate", str(shop.data), target["MONGO_URI"], "--redis", target["REDIS_URL"])
    assert status == 0, printed
    assert "All invariants hold" in printed
    status, printed = await shop.command("audit")
    assert (status, "MONGO_URI must be set" in printed) == (2, True)
    status, printed = await shop.command("migrate", str(shop.data), target["MONGO_URI"], "--redis", target["REDIS_URL"])
    assert (status, "moved before" in printed) == (0, True)

    async with RunningShop(shop.data, **target) as moved:
        admin.shop = buyer.shop = moved
        assert await seen(admin, buyer, made) == before
        assert (await buyer.order(made["mug"], 2, **once)).body == ordered.body
        await buyer.pay(made["session"])
        await buyer.becomes(made["PENDING"], "CONFIRMED")
        part = await admin.call("POST", f"/payments/{made['CONFIRMED']}/refund", {"restock": True})
        assert part.status == 201, part.body
        await buyer.becomes(made["CONFIRMED"], "REFUNDED")
        assert (await buyer.order(made["rare"])).status == 201
        assert (await buyer.order(made["rare"])).status == 409
        for command in ("audit", "reconcile", "doctor"):
            status, printed = await moved.command(command)
            assert status == 0, printed


async def test_a_move_that_is_killed_goes_on(shop: RunningShop, target: dict[str, str], tmp_path: Path) -> None:
    admin, buyer = await shop.admin(), await shop.buyer()
    made = await trade(admin, buyer)
    many = await admin.product(stock=1000)
    for _ in range(6):
        answers = await asyncio.gather(*(buyer.order(many) for _ in range(100)))
        assert {answer.status for answer in answers} == {201}
    before = await seen(admin, buyer, made)
    assert await shop.stop() == 0
    for collection in ("authdb.users", "orderdb.orders", "inventorydb.stock_movements"):
        await kill_when_begun(shop, target, collection)
        # Neither is to be run now.
        assert (await shop.command("audit"))[0] == 2
        status, printed = await RunningShop(tmp_path / "elsewhere", **target).command("audit")
        assert (status, "being moved" in printed) == (2, True), printed

    status, printed = await shop.command("migrate", str(shop.data), target["MONGO_URI"], "--redis", target["REDIS_URL"])
    assert status == 0, printed
    async with RunningShop(shop.data, **target) as moved:
        admin.shop = buyer.shop = moved
        assert await seen(admin, buyer, made) == before
        assert await buyer.stock(many) == 400
        status, printed = await moved.command("audit")
        assert status == 0, printed


async def kill_when_begun(shop: RunningShop, target: dict[str, str], collection: str) -> None:
    """Move, and kill -9 the command when something is in the collection."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "kassa.cli.main", "migrate", str(shop.data)),
        env={**shop.environment(), **target},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    await until(lambda: asyncio.to_thread(has_some, target["MONGO_URI"], collection), f"{collection} to be begun")
    process.kill()
    assert await process.wait() == -9


def has_some(uri: str, collection: str) -> bool:
    database, _, name = collection.partition(".")
    client: MongoClient[dict[str, Any]] = MongoClient(uri)
    with client:
        return client[database][name].find_one() is not None


async def test_a_move_to_where_another_shop_is_or_from_nowhere_is_refused(
    shop: RunningShop, target: dict[str, str], tmp_path: Path
) -> None:
    await shop.stop()
    move = ("migrate", str(shop.data), target["MONGO_URI"], "--redis", target["REDIS_URL"])
    status, printed = await shop.command("migrate", str(tmp_path / "nothing"), *move[2:])
    assert (status, "has no shop on SQLite" in printed) == (1, True), printed
    assert (await shop.command("migrate", str(shop.data)))[0] == 1
    async with RunningShop(tmp_path / "another", **target) as another:
        assert await another.stop() == 0
    status, printed = await shop.command(*move)
    assert (status, "holds another shop" in printed) == (1, True), printed
    await shop.start()  # It is still where it was.

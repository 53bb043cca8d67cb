"""A full disk, and a database that another process holds: told as such, nothing half done, and it goes on by itself."""

import asyncio
import resource
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.journey.running import Answer, Buyer, RunningShop

pytestmark = pytest.mark.slow
STOCK = 50


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[RunningShop]:
    async with RunningShop(tmp_path / "data") as running:
        yield running
        code, printed = await running.command("audit")
        assert code == 0, printed


@contextmanager
def full_disk(shop: RunningShop) -> Iterator[None]:
    """No file of the shop can grow: as on a full disk, every write fails, in the middle too. Works without root."""
    assert shop._process is not None
    pid = shop._process.pid
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))


@contextmanager
def locked(shop: RunningShop) -> Iterator[None]:
    """Another process has the right to write."""
    other = sqlite3.connect(shop.data / "kassa.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


def is_unavailable(answer: Answer) -> bool:
    """A problem document that says: not now."""
    is_problem = answer.headers["Content-Type"] == "application/problem+json"
    return is_problem and (answer.status, answer.body["status"]) == (503, 503)


async def test_on_a_full_disk_writes_are_refused_reads_go_on_and_nothing_is_half_done(shop: RunningShop) -> None:
    admin, buyer = await shop.admin(), await shop.buyer()
    mug = await admin.product(stock=STOCK)
    order_id, session_id = await buyer.checkout(mug)
    unpaid = str((await buyer.order(mug)).body["order"]["id"])
    writes: list[tuple[Buyer, str, str, Any]] = [
        (buyer, "POST", "/orders", {"items": [{"productId": mug, "quantity": 2}]}),
        (buyer, "POST", f"/orders/{order_id}/cancel", None),
        (buyer, "POST", "/payments/create-session", {"orderId": unpaid}),
        (buyer, "POST", "/auth/register", {"email": "late@shop.example", "password": "correct horse battery"}),
        (admin, "POST", "/inventory/adjust", {"productId": mug, "change": 5}),
        (admin, "PUT", f"/products/{mug}", {"name": "Cup"}),
    ]
    with full_disk(shop):
        for who, method, path, body in writes:
            for headers in ({}, {"Idempotency-Key": "once"}):
                answer = await who.call(method, path, body, **headers)
                assert is_unavailable(answer), (path, answer.status, answer.body)
        for path in ("/products", f"/products/{mug}", f"/orders/{order_id}", "/orders", f"/inventory/{mug}", "/health"):
            assert (await buyer.call("GET", path)).status == 200, path
        assert await buyer.stock(mug) == STOCK - 2
    assert (await buyer.call("GET", f"/products/{mug}")).body["product"]["name"] == "Mug"
    for who, method, path, body in writes[2:]:
        assert (await who.call(method, path, body, **{"Idempotency-Key": "once"})).status < 300, path
    await buyer.pay(session_id)
    await buyer.becomes(order_id, "CONFIRMED")
    assert await buyer.stock(mug) == STOCK - 2 + 5


async def test_a_disk_that_is_full_now_and_then_under_load_loses_nothing(shop: RunningShop) -> None:
    admin, buyer = await shop.admin(), await shop.buyer()
    mug = await admin.product(stock=10_000)
    placed: list[Answer] = []

    async def buy(number: int) -> None:
        placed.extend([await buyer.order(mug, 1, **{"Idempotency-Key": f"{number}-{each}"}) for each in range(25)])

    buyers = [asyncio.create_task(buy(number)) for number in range(4)]
    while not all(task.done() for task in buyers):
        with full_disk(shop):
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.02)
    await asyncio.gather(*buyers)
    assert all(answer.status == 201 or is_unavailable(answer) for answer in placed)
    assert any(is_unavailable(answer) for answer in placed)
    again = [await buyer.order(mug, 1, **{"Idempotency-Key": f"{n}-{each}"}) for n in range(4) for each in range(25)]
    assert {answer.status for answer in again} == {201}
    ids = {answer.body["order"]["id"] for answer in again}
    assert {answer.body["order"]["id"] for answer in placed if answer.status == 201} <= ids
    assert (len(ids), await buyer.stock(mug)) == (100, 10_000 - 100)


async def test_a_database_that_is_locked_for_3_seconds_is_waited_for(shop: RunningShop) -> None:
    admin, buyer = await shop.admin(), await shop.buyer()
    mug = await admin.product(stock=STOCK)
    with locked(shop):
        orders = [asyncio.create_task(buyer.order(mug)) for _ in range(10)]
        await asyncio.sleep(0.2)
        before = time.monotonic()
        assert await buyer.stock(mug) == STOCK
        assert time.monotonic() - before < 1, "reads wait for nobody"
        await asyncio.sleep(2.8)
        assert not any(order.done() for order in orders)
    assert {answer.status for answer in await asyncio.gather(*orders)} == {201}
    assert await buyer.stock(mug) == STOCK - 10


async def test_one_that_is_locked_for_10_seconds_is_given_up_or_waited_for_and_nothing_is_lost(
    shop: RunningShop,
) -> None:
    admin, buyer = await shop.admin(), await shop.buyer()
    mug = await admin.product(stock=STOCK)
    order_id, session_id = await buyer.checkout(mug)
    with locked(shop):
        keys = [{"Idempotency-Key": f"key-{number}"} for number in range(5)]
        orders = [asyncio.create_task(buyer.order(mug, 1, **key)) for key in keys]
        paying = asyncio.create_task(buyer.pay(session_id))
        await asyncio.sleep(10)
    answers = await asyncio.gather(*orders)
    assert all(answer.status == 201 or is_unavailable(answer) for answer in answers)
    assert any(is_unavailable(answer) for answer in answers)
    await paying
    again = [await buyer.order(mug, 1, **key) for key in keys]
    assert {answer.status for answer in again} == {201}
    await buyer.becomes(order_id, "CONFIRMED")
    assert await buyer.stock(mug) == STOCK - 6

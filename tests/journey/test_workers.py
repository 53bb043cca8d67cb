"""Several processes on one store, behind one port: they do together what one does, and nothing twice."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from tests.journey.conftest import stores
from tests.journey.load import asked_eight_times
from tests.journey.running import Buyer, RunningShop, until

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

WORKERS = 4


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with stores("mongodb and valkey", tmp_path_factory.mktemp("stores")) as named:
        yield named


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningShop]:
    data = tmp_path_factory.mktemp("shop") / "data"
    async with RunningShop(data, "--workers", str(WORKERS), **settings) as running:
        # A connection for each call: they are spread over the workers.
        await running.http.close()
        running.http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=500, force_close=True))
        yield running


def workers(shop: RunningShop) -> list[int]:
    """The processes below the one that was started: the sandbox, then the workers."""
    return [int(pid) for pid in Path(f"/proc/{shop.pid}/task/{shop.pid}/children").read_text().split()]


async def is_proved(shop: RunningShop) -> None:
    async def is_so() -> bool:
        # What was interrupted is carried out again within the writers' leases of 30 s.
        return (await shop.command("audit"))[0] == 0

    await until(is_so, "the audit to be content", patience=90)


async def test_two_thousand_buyers_at_four_processes_for_five_hundred_pieces(shop: RunningShop) -> None:
    assert len(workers(shop)) == 1 + WORKERS
    admin, buyer = await shop.admin(), await shop.buyer()
    mug = await admin.product(stock=500)
    answers = await asyncio.gather(*(buyer.order(mug) for _ in range(2000)))
    statuses = [answer.status for answer in answers]
    assert (statuses.count(201), statuses.count(409)) == (500, 1500)
    assert {answer.body["code"] for answer in answers if answer.status == 409} == {"insufficient_stock"}
    assert await buyer.stock(mug) == 0
    assert (await shop.command("audit"))[0] == 0


async def test_eight_who_ask_different_processes_get_one_session(shop: RunningShop) -> None:
    assert len(await asked_eight_times(shop)) == 1


async def test_one_idempotency_key_at_different_processes_is_one_order(shop: RunningShop) -> None:
    admin, buyer = await shop.admin(), await shop.buyer()
    mug = await admin.product(stock=20)
    key = {"Idempotency-Key": "double-click"}
    answers = await asyncio.gather(*(buyer.order(mug, 1, **key) for _ in range(8)))
    assert {answer.status for answer in answers} <= {201, 409}
    assert len({answer.body["order"]["id"] for answer in answers if answer.status == 201}) == 1
    assert await buyer.stock(mug) == 19


async def test_concurrent_refunds_at_different_processes_never_exceed_what_was_paid(shop: RunningShop) -> None:
    admin, buyer = await shop.admin(), await shop.buyer()
    order_id, session_id = await buyer.checkout(await admin.product(stock=5, price="10.00"))
    await buyer.pay(session_id)
    await buyer.becomes(order_id, "CONFIRMED")
    path = f"/payments/{order_id}/refund"
    answers = await asyncio.gather(*(admin.call("POST", path, {"amount": "3.00"}) for _ in range(8)))
    assert sorted(answer.status for answer in answers) == [201] * 3 + [409] * 5
    assert (await admin.call("GET", f"/payments/status/{order_id}")).body["refundedMinor"] == 900


async def test_a_worker_that_is_killed_under_load_is_replaced_and_loses_nothing(shop: RunningShop) -> None:
    admin, buyer = await shop.admin(), await shop.buyer()
    mug = await admin.product(stock=100_000)
    acknowledged: list[str] = []
    stopping = asyncio.Event()
    buyers = [asyncio.create_task(_buy(buyer, mug, acknowledged, stopping)) for _ in range(6)]
    for turn in range(3):
        enough = (turn + 1) * 30

        async def are_enough(enough: int = enough) -> bool:
            return len(acknowledged) >= enough

        await until(are_enough, "orders between the kills")
        before = workers(shop)
        os.kill(before[-1], signal.SIGKILL)

        async def is_replaced(before: list[int] = before) -> bool:
            return len(workers(shop)) == len(before) and workers(shop) != before

        await until(is_replaced, "another worker in its place")
    stopping.set()
    await asyncio.gather(*buyers)
    for order_id in acknowledged:
        assert (await admin.call("GET", f"/orders/{order_id}")).status == 200
    await is_proved(shop)


async def _buy(buyer: Buyer, product_id: str, acknowledged: list[str], stopping: asyncio.Event) -> None:
    """Buy until told to stop; a connection may break with its worker."""
    while not stopping.is_set():
        try:
            placed = await buyer.order(product_id)
            assert placed.status in (201, 503), placed.body
            if placed.status == 201:
                order_id = placed.body["order"]["id"]
                acknowledged.append(order_id)
                session = await buyer.call("POST", "/payments/create-session", {"orderId": order_id})
                if session.status == 200 and len(acknowledged) % 2:
                    await buyer.pay(session.body["sessionId"])
        except aiohttp.ClientError:
            continue


async def test_a_second_server_beside_it_sells_the_same_stock(shop: RunningShop, settings: dict[str, str]) -> None:
    beside = RunningShop(shop.data, **settings)
    async with beside:
        admin, buyer = await shop.admin(), await shop.buyer()
        mug = await admin.product(stock=100)
        there = Buyer(beside, buyer.token)
        answers = await asyncio.gather(*(each.order(mug) for each in (buyer, there) for _ in range(100)))
        assert [answer.status for answer in answers].count(201) == 100
        order_id = next(each.body["order"]["id"] for each in answers if each.status == 201)
        session = await there.call("POST", "/payments/create-session", {"orderId": order_id})
        await buyer.pay(session.body["sessionId"])
        await there.becomes(order_id, "CONFIRMED")
    assert (await shop.call("GET", "/ready")).status == 200


async def test_it_stops_as_one_and_leaves_nobody_behind(shop: RunningShop) -> None:
    await is_proved(shop)
    left = workers(shop)
    assert await shop.stop() == 0
    assert [pid for pid in left if Path(f"/proc/{pid}").exists()] == []
    await shop.start()
    left = workers(shop)
    await shop.kill()

    async def are_gone() -> bool:
        return not any(Path(f"/proc/{pid}").exists() for pid in left)

    await until(are_gone, "the workers to follow their supervisor")


async def test_workers_on_sqlite_are_refused_in_one_line(tmp_path: Path) -> None:
    shop = RunningShop(tmp_path / "data")
    status, printed = await shop.command("up", "--workers", "2")
    assert (status, len(printed.splitlines())) == (2, 1)
    assert "MONGO_URI" in printed

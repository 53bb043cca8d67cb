"""Six processes on MongoDB and Valkey: each is killed, hangs, and comes back; no order is lost or half done."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.journey.load import is_proved, load
from tests.journey.running import RunningShop, until
from tests.servers import valkey
from tests.servers.mongod import Mongod

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

SERVICES = ("gateway", "auth", "product", "inventory", "order", "payment")


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[valkey.Valkey]:
    with valkey.running(tmp_path_factory.mktemp("stock")) as running:
        yield running


@pytest.fixture(scope="module")
def settings(stock: valkey.Valkey) -> Iterator[dict[str, str]]:
    mongod = Mongod()
    try:
        mongod.start()
        yield {"MONGO_URI": mongod.uri, "REDIS_URL": stock.url}
    finally:
        mongod.remove()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningShop]:
    async with RunningShop(tmp_path_factory.mktemp("shop") / "data", "--split", **settings) as running:
        yield running


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_that_is_killed_under_load_comes_back_and_nothing_is_lost(
    shop: RunningShop, service: str
) -> None:
    async with load(shop) as buyers:
        await buyers.reach(8)
        killed = shop.processes()[service]
        os.kill(killed, signal.SIGKILL)

        async def is_replaced() -> bool:
            return shop.processes()[service] != killed

        await until(is_replaced, f"another {service}")
        await buyers.reach(8)


@pytest.mark.parametrize("service", ["auth", "product", "inventory", "order", "payment"])
async def test_a_service_that_hangs_is_not_waited_for_for_ever(shop: RunningShop, service: str) -> None:
    async with load(shop) as buyers:
        await buyers.reach(4)
        hanging = shop.processes()[service]
        os.kill(hanging, signal.SIGSTOP)
        try:
            if service not in ("product", "auth"):
                shown = await shop.call("GET", "/products?limit=3")
                assert shown.status == 200
                if service == "inventory":
                    assert {each["stock"] for each in shown.body["products"]} == {None}
            assert (await shop.call("GET", "/ready")).status == 503
            await asyncio.sleep(1)
        finally:
            os.kill(hanging, signal.SIGCONT)
        await buyers.reach(4)


async def test_a_webhook_that_comes_while_the_orders_are_away_is_carried_out_when_they_are_back(
    shop: RunningShop,
) -> None:
    admin, buyer = await shop.admin(), await shop.buyer()
    mug = await admin.product(stock=5)
    order_id, session_id = await buyer.checkout(mug)
    orders = shop.processes()["order"]
    os.kill(orders, signal.SIGSTOP)
    try:
        await buyer.pay(session_id)

        async def is_taken() -> bool:
            status = await buyer.call("GET", f"/payments/status/{order_id}")
            return status.status == 200 and bool(status.body["status"] == "SUCCESS")

        await until(is_taken, "the payment to be known")
    finally:
        os.kill(orders, signal.SIGCONT)
    await buyer.becomes(order_id, "CONFIRMED")
    assert await buyer.stock(mug) == 4


async def test_stock_that_lost_its_last_writes_is_mended_from_the_orders_over_http(
    shop: RunningShop, stock: valkey.Valkey
) -> None:
    admin, buyer = await shop.admin(), await shop.buyer()
    mug = await admin.product(stock=10)
    first = (await buyer.order(mug, 2)).body["order"]["id"]
    kept = stock.logged()
    second, session_id = await buyer.checkout(mug)
    await buyer.pay(session_id)
    await buyer.becomes(second, "CONFIRMED")
    assert (await buyer.call("POST", f"/orders/{first}/cancel")).status == 200
    stock.kill()
    stock.lose(kept)
    await asyncio.to_thread(stock.start)

    async def is_mended() -> bool:
        return bool((await shop.call("GET", f"/inventory/{mug}")).body.get("stock") == 9)

    async def is_sold() -> bool:
        # Until the mending has ended, an order is told to come again.
        answer = await buyer.order(mug, 9, **{"Idempotency-Key": "the-rest"})
        assert answer.status in (201, 503), answer.body
        return answer.status == 201

    await until(is_mended, "the stock to be as it was")
    await until(is_sold, "the rest to be sold")
    assert (await buyer.order(mug, 1)).status == 409
    await until(lambda: is_proved(shop), "the audit to be content", patience=120)


async def test_staff_sees_how_each_service_is_doing(shop: RunningShop) -> None:
    admin = await shop.admin()

    async def are_ready() -> bool:
        told = (await admin.call("GET", "/system")).body
        return all(each["isReady"] and each["version"] == told["version"] for each in told["services"])

    await until(are_ready, "all services to be ready")
    told = (await admin.call("GET", "/system")).body["services"]
    assert {each["name"] for each in told} == {"auth", "product", "inventory", "order", "payment"}
    stopped = shop.processes()["product"]
    os.kill(stopped, signal.SIGSTOP)
    try:

        async def is_seen() -> bool:
            each = next(it for it in (await admin.call("GET", "/system")).body["services"] if it["name"] == "product")
            return not each["isReady"]

        await until(is_seen, "it to be missed")
    finally:
        os.kill(stopped, signal.SIGCONT)


async def test_between_services_nobody_gets_through_without_a_token(shop: RunningShop) -> None:
    admin, buyer = await shop.admin(), await shop.buyer()
    order_id = (await buyer.order(await admin.product(stock=5))).body["order"]["id"]
    for path in (f"/orders/{order_id}/internal", "/inventory/levels?ids=x"):
        assert (await shop.call("GET", path)).status == 404
    port = await asyncio.to_thread(listening_port, shop.processes()["order"])
    inside = f"http://127.0.0.1:{port}/orders/{order_id}/internal"
    claimed = {"x-internal-service": "payment-service"}
    for headers in ({}, claimed, {**claimed, "x-internal-token": "x"}):
        answer = await shop.call("GET", inside, **headers)
        assert (answer.status, answer.body["code"]) == (403, "forbidden")


def listening_port(pid: int) -> int:
    """The port on which a process listens."""
    sockets = {os.readlink(each) for each in Path(f"/proc/{pid}/fd").iterdir() if each.is_symlink()}
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
            return int(fields[1].rpartition(":")[2], 16)
    raise AssertionError(f"process {pid} listens on no port")

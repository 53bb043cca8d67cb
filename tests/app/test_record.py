"""What a shop's data remembers of it: its id, and its currency, so that no setting makes other amounts of them."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kassa.app.record import RECORD, remembered, whereabouts
from kassa.app.settings import SettingError, read_settings
from kassa.app.shop import Place, Shop, present
from kassa.app.wiring import all_here, open_shop
from kassa.inventory.stock import By
from kassa.inventory.stock_redis_moves import Keys
from kassa.kit.clock import SystemClock
from kassa.kit.documents import CollectionSpec, Database, Document
from kassa.kit.ids import SHOP, Ids, is_id
from kassa.order.discounts import Discount, DiscountKind
from kassa.order.domain import Order
from kassa.order.domain import Stage as OrderStage
from kassa.order.selling import ID, Selling
from kassa.order.store import DISCOUNTS, ORDERS, SELLING
from kassa.payment.domain import Payment
from kassa.payment.domain import Stage as PaymentStage
from kassa.payment.store import PAYMENTS
from kassa.product.domain import Product
from kassa.product.store import PRODUCTS
from tests.app.process import free_port, kassa, started
from tests.servers import valkey
from tests.storage.worlds import mongo
from tests.support import NOON, OWN_SECRET, sqlite

WHEN: dict[str, Any] = {"created_at": NOON, "updated_at": NOON}
USD: dict[str, Any] = {"currency": "usd", **WHEN}
STORED: dict[str, tuple[CollectionSpec[Any], Document]] = {
    "product": (
        PRODUCTS,
        Product(id="prd_1", name="Mug", description="", price_minor=999, category="", images=(), search="", **USD),
    ),
    "order": (
        ORDERS,
        Order(
            id="ord_1",
            user_id="usr_1",
            items=(),
            total_minor=999,
            stage=OrderStage.PENDING,
            status="PENDING",
            expires_at=NOON,
            **USD,
        ),
    ),
    "payment": (
        PAYMENTS,
        Payment(
            id="pay_1",
            order_id="ord_1",
            user_id="usr_1",
            amount_minor=999,
            stage=PaymentStage.INITIATED,
            status="initiated",
            **USD,
        ),
    ),
}


def new_id() -> str:
    return Ids(SystemClock()).new(SHOP)


async def opened(data: Path, place: Place | None = None, /, **given: str) -> Shop:
    settings = read_settings({"KASSA_DATA": str(data), "INTERNAL_SECRET": OWN_SECRET, **given})
    place = place or Place(all_here(settings), brings_sandbox=False)
    async with open_shop(settings, place) as shop:
        return shop


async def store(data: Path, file: str, what: str) -> None:
    spec, document = STORED[what]
    async with sqlite(data, f"{file}.db") as database:
        await (await database.collection(spec)).insert(document)


@pytest.mark.parametrize("what", STORED)
@pytest.mark.parametrize("was_started", [True, False], ids=["known", "from before there was a record"])
async def test_amounts_are_not_read_in_another_currency(tmp_path: Path, what: str, was_started: bool) -> None:
    if was_started:
        await opened(tmp_path)
    await store(tmp_path, "kassa", what)
    for _ in range(2):
        with pytest.raises(SettingError, match=r"CURRENCY must be usd: the amounts in .* are in it"):
            await opened(tmp_path, CURRENCY="eur")
    assert (await opened(tmp_path)).records[what].currency == "usd"


@pytest.mark.parametrize(
    ("spec", "document"),
    [
        (SELLING, Selling(id=ID, currency="usd")),
        (DISCOUNTS, Discount(id="dsc_1", name="Ten", kind=DiscountKind.AMOUNT, amount_minor=1000, **USD)),
    ],
    ids=["what shipping costs", "what a discount takes off"],
)
async def test_what_is_set_before_anything_is_on_sale_is_an_amount_too(
    tmp_path: Path, spec: CollectionSpec[Any], document: Document
) -> None:
    async with sqlite(tmp_path, "kassa.db") as database:
        await (await database.collection(spec)).insert(document)
    with pytest.raises(SettingError, match=r"CURRENCY must be usd: the amounts in .* are in it"):
        await opened(tmp_path, CURRENCY="jpy")


@pytest.mark.parametrize("service", STORED)
async def test_nor_by_a_service_of_its_own(tmp_path: Path, service: str) -> None:
    place = Place({service: service}, service, serves=False, brings_sandbox=False)
    await store(tmp_path, service, service)
    with pytest.raises(SettingError, match="CURRENCY must be usd"):
        await opened(tmp_path, place, CURRENCY="eur")
    await opened(tmp_path, place)


async def test_a_service_sees_what_the_others_have_in_its_file(tmp_path: Path) -> None:
    await store(tmp_path, "kassa", "product")
    with pytest.raises(SettingError, match="CURRENCY must be usd"):
        await opened(tmp_path, Place({"payment": "kassa"}, "payment", serves=False), CURRENCY="eur")


async def test_a_shop_without_amounts_may_still_change_its_currency(tmp_path: Path) -> None:
    first = (await opened(tmp_path)).records["payment"]
    then = (await opened(tmp_path, CURRENCY="eur")).records["payment"]
    assert (first.currency, then.currency, then.shop_id) == ("usd", "eur", first.shop_id)


async def test_a_new_shop_is_not_opened_in_a_withdrawn_currency(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"CURRENCY is not right: bgn was withdrawn on 2026-01-01.*use eur"):
        await opened(tmp_path / "new", CURRENCY="bgn")
    leva: Any = msgspec.structs.replace(STORED["order"][1], currency="bgn")
    async with sqlite(tmp_path, "kassa.db") as database:
        await (await database.collection(ORDERS)).insert(leva)
    assert (await opened(tmp_path, CURRENCY="bgn")).records["order"].currency == "bgn"


async def test_a_shop_keeps_its_id_in_all_its_databases(tmp_path: Path) -> None:
    place = Place({service: service for service in all_here(read_settings({}))}, serves=False, brings_sandbox=False)
    ids = [{record.shop_id for record in (await opened(tmp_path, place)).records.values()} for _ in range(2)]
    assert ids[0] == ids[1]
    assert [is_id(SHOP, each) for each in ids[0]] == [True]


async def _remember_at_once(databases: list[Database]) -> set[str]:
    settings = read_settings({})
    found = await asyncio.gather(*(remembered({"kassa": each}, settings, new_id, NOON) for each in databases))
    return {records["kassa"].shop_id for records in found}


async def test_processes_that_start_at_once_are_one_shop(tmp_path: Path) -> None:
    async with AsyncExitStack() as closing:
        opened = [await closing.enter_async_context(sqlite(tmp_path)) for _ in range(8)]
        assert len(await _remember_at_once(list(opened))) == 1


@pytest.mark.slow
async def test_processes_that_start_at_once_on_mongodb_are_one_shop() -> None:
    async with mongo() as database:
        assert len(await _remember_at_once([database] * 8)) == 1


@pytest.mark.slow
async def test_a_redis_with_the_stock_of_another_shop_is_refused(tmp_path: Path) -> None:
    with valkey.running(tmp_path) as server:
        await opened(tmp_path / "a", REDIS_URL=server.url)
        with pytest.raises(SettingError, match="REDIS_URL holds the stock of another shop"):
            await opened(tmp_path / "b", REDIS_URL=server.url)
        await opened(tmp_path / "a", REDIS_URL=server.url)


@pytest.mark.slow
async def test_nor_is_one_taken_that_nobody_has_marked_as_his_yet(tmp_path: Path) -> None:
    with valkey.running(tmp_path) as server:
        settings = read_settings({"KASSA_DATA": str(tmp_path / "a"), "REDIS_URL": server.url})
        async with open_shop(settings, Place(all_here(settings), brings_sandbox=False)) as shop:
            await present(shop.stock, "inventory").init("prd_1", 3, "made:prd_1", "", NOON, By())
        with server.client() as client:
            client.delete(Keys().shop)
        with pytest.raises(SettingError, match="REDIS_URL holds the stock of another shop"):
            await opened(tmp_path / "b", REDIS_URL=server.url)
        await opened(tmp_path / "a", REDIS_URL=server.url)


def test_every_command_says_which_currency_it_must_be(tmp_path: Path) -> None:
    with started(tmp_path, "up", "--sample") as running:
        running.wait_until_ready()
        running.stop()
    for command in ("up", "audit", "export"):
        done = kassa(tmp_path, command, CURRENCY="eur", PORT=str(free_port()))
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert done.stderr.startswith("KASSA: CURRENCY must be usd: the amounts in .kassa (SQLite) are in it")
    checked = kassa(tmp_path, "doctor", CURRENCY="eur")
    assert checked.returncode == 1
    assert "✗ CURRENCY must be usd" in checked.stdout


def test_whereabouts_hold_no_secret() -> None:
    stores = {
        "MONGO_URI": "mongodb://boss:hidden@a.example,b.example/shop?x=1",
        "REDIS_URL": "rediss://:hidden@cache:6/2",
    }
    assert whereabouts(read_settings(stores)) == "MongoDB at a.example,b.example, stock in Redis at cache:6"
    assert whereabouts(read_settings({})) == ".kassa (SQLite)"
    assert RECORD.name == "shop"

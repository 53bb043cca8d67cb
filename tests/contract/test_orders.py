"""The contract of orders, in all three ways."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from kassa.contracts.inventory import Level, Line
from kassa.contracts.order import (
    OrderForPayment,
    OrderItem,
    Orders,
    RefundNews,
    StatusChange,
    WantedPage,
    WantedReservation,
)
from kassa.inventory.mending import wanted_by
from kassa.kit.clock import MINUTE
from kassa.kit.identity import guest
from kassa.kit.ids import ORDER
from kassa.kit.problem import Invalid, NotFound
from kassa.order.domain import Order, Reason
from kassa.order.quoting import Asked
from tests.contract.ways import Reach
from tests.trade.world import BUYER, TTL, World, world

PAID = StatusChange("CONFIRMED", "evt_paid", "pay_1", "")
NO_MONEY = StatusChange("CANCELLED", "evt_over", "pay_1", "expired")
DECLINED = StatusChange("DECLINED", "evt_declined", "pay_1", "payment_declined")
DECLINED_IN_OLDER_WORDS = StatusChange("CANCELLED", "evt_declined", "pay_1", "payment_declined", session_is_open=True)


class Till:
    """Orders as the payment service reaches them, and one that is waiting to be paid."""

    def __init__(self, shop: World, orders: Orders, product_id: str, order: Order) -> None:
        self.shop = shop
        self.orders = orders
        self.product_id = product_id
        self.order_id = order.id

    async def tell(self, news: StatusChange) -> Order:
        await self.orders.set_status(self.order_id, news)
        return await self.settled()

    async def refund(self, news: RefundNews) -> Order:
        await self.orders.note_refund(self.order_id, news)
        return await self.settled()

    async def settled(self) -> Order:
        await self.shop.settle()
        return await self.shop.order.get(self.order_id)

    async def level(self) -> tuple[int, int, int]:
        level: Level = await self.shop.level(self.product_id)
        return level.available, level.reserved, level.sold


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as opened:
        yield opened


@pytest.fixture
async def till(reach: Reach, shop: World) -> Till:
    orders: Orders = await reach(Orders, "order", shop.order, "payment")
    product_id = await shop.sell(stock=10, price_minor=1999, name="Mug")
    return Till(shop, orders, product_id, await shop.place((product_id, 2)))


async def test_what_the_payment_service_must_know(till: Till) -> None:
    assert await till.orders.for_payment(till.order_id) == OrderForPayment(
        id=till.order_id,
        user_id=BUYER.id,
        items=[OrderItem(till.product_id, "Mug", 2, 1999)],
        total_minor=3998,
        currency="usd",
        status="PENDING",
        is_payable=True,
        expires_at=till.shop.clock.now() + TTL,
        number=1001,
    )


async def test_an_order_is_not_payable_after_its_deadline(till: Till) -> None:
    till.shop.clock.advance(TTL - 1)
    assert (await till.orders.for_payment(till.order_id)).is_payable
    till.shop.clock.advance(1)
    assert not (await till.orders.for_payment(till.order_id)).is_payable


@pytest.mark.parametrize("order_id", ["", "nonsense", "..", "a/../b", "ord_1?x=1", "ord_" + "0" * 26, "é", "x" * 500])
async def test_an_order_that_is_not_there_is_not_found(till: Till, order_id: str) -> None:
    for asking in (
        till.orders.for_payment(order_id),
        till.orders.set_status(order_id, PAID),
        till.orders.note_refund(order_id, RefundNews("evt_1", 1, is_full=True, restock=True)),
    ):
        with pytest.raises(NotFound):
            await asking


async def test_a_paid_order_is_confirmed_and_its_stock_sold(till: Till) -> None:
    order = await till.tell(PAID)
    assert (order.status, order.payment_id) == ("CONFIRMED", "pay_1")
    assert await till.level() == (8, 0, 2)
    assert not (await till.orders.for_payment(till.order_id)).is_payable


async def test_an_order_from_which_no_money_comes_is_cancelled_and_its_stock_free(till: Till) -> None:
    order = await till.tell(NO_MONEY)
    assert (order.status, order.reason) == ("CANCELLED", Reason.EXPIRED)
    assert await till.level() == (10, 0, 0)


@pytest.mark.parametrize("news", [DECLINED, DECLINED_IN_OLDER_WORDS], ids=["declined", "in older words"])
async def test_after_a_decline_the_session_is_closed_before_the_stock_is_free(till: Till, news: StatusChange) -> None:
    order = await till.tell(news)
    assert (order.status, order.reason) == ("CANCELLED", Reason.DECLINED)
    payment = await till.shop.payment.of_order(till.order_id)
    assert payment is not None
    assert payment.stage == "CLOSED"
    assert await till.level() == (10, 0, 0)


async def test_the_same_news_changes_nothing_twice(till: Till) -> None:
    first = await till.tell(PAID)
    again = await till.tell(PAID)
    assert (again.status, len(again.audit), len(again.effects)) == (first.status, len(first.audit), len(first.effects))
    assert [entry.input_id for entry in again.audit].count("evt_paid") == 1


async def test_news_that_come_too_late_change_nothing(till: Till) -> None:
    await till.tell(PAID)
    assert (await till.tell(NO_MONEY)).status == "CONFIRMED"
    assert await till.level() == (8, 0, 2)


async def test_money_that_comes_late_revives_the_order(till: Till) -> None:
    await till.tell(NO_MONEY)
    till.shop.clock.advance(MINUTE)
    order = await till.tell(PAID)
    assert (order.status, order.reason, order.generation) == ("CONFIRMED", Reason.PAID_LATE, 2)
    assert await till.level() == (8, 0, 2)


async def test_a_refunded_order_and_back(till: Till) -> None:
    await till.tell(PAID)
    part = RefundNews("rfd_1", 1, is_full=False, restock=False)
    assert (await till.refund(part)).status == "CONFIRMED"
    full = msgspec.structs.replace(part, input_id="rfd_2", version=2, is_full=True)
    assert (await till.refund(full)).status == "REFUNDED"
    failed = msgspec.structs.replace(part, input_id="rfd_3", version=3)
    assert (await till.refund(failed)).status == "CONFIRMED"
    assert await till.level() == (8, 0, 2)


async def test_goods_of_a_refunded_order_come_back_once(till: Till) -> None:
    await till.tell(PAID)
    for name in ("rfd_1", "rfd_2"):
        await till.refund(RefundNews(name, 1, is_full=True, restock=True))
    assert await till.level() == (10, 0, 2)
    assert await till.shop.stock.differences() == []


async def test_of_refunds_the_newest_news_is_believed_however_late_the_older_comes(till: Till) -> None:
    await till.tell(PAID)
    await till.refund(RefundNews("rfd_2", 6, is_full=True, restock=False))
    older = await till.refund(RefundNews("rfd_1", 5, is_full=False, restock=True))
    assert older.status == "REFUNDED"
    assert await till.level() == (10, 0, 2)
    await till.refund(RefundNews("rfd_1 failed", 8, is_full=False, restock=False))
    assert (await till.refund(RefundNews("rfd_3", 7, is_full=True, restock=False))).status == "CONFIRMED"


async def test_a_refund_of_what_was_not_paid_changes_nothing(till: Till) -> None:
    order = await till.refund(RefundNews("rfd_1", 1, is_full=True, restock=True))
    assert order.status == "PENDING"
    assert await till.level() == (8, 2, 0)


async def test_an_order_that_was_never_there_stays_so(till: Till) -> None:
    unknown = till.shop.ids.new(ORDER)
    with pytest.raises(NotFound):
        await till.orders.set_status(unknown, PAID)
    assert await till.shop.order.orders.get(unknown) is None


# What the inventory asks, when its stock has lost its last writes


@pytest.fixture
async def asked(reach: Reach, shop: World) -> Orders:
    orders: Orders = await reach(Orders, "order", shop.order, "inventory")
    return orders


async def test_every_stage_wants_its_reservation_in_one_state(asked: Orders, shop: World) -> None:
    mug = await shop.sell(stock=10)
    pending, paid, cancelled = [await shop.place((mug, 2)) for _ in range(3)]
    await shop.order.set_status(paid.id, PAID)
    await shop.order.set_status(cancelled.id, NO_MONEY)
    await shop.settle()
    page = await asked.reservations_since(0, "")
    lines = [Line(mug, 2)]
    assert page == WantedPage(
        [
            WantedReservation(f"{pending.id}.1", lines, "held"),
            WantedReservation(f"{paid.id}.1", lines, "committed"),
            WantedReservation(f"{cancelled.id}.1", lines, "released"),
        ],
        "",
    )
    assert await asked.reservations_of([f"{paid.id}.1", f"{paid.id}.1", "ord_unknown.1", "?"]) == [page.reservations[1]]


async def test_a_revived_order_wants_its_first_reservation_released(asked: Orders, shop: World) -> None:
    mug = await shop.sell(stock=10)
    order = await shop.place((mug, 2))
    for news in (NO_MONEY, PAID):
        await shop.order.set_status(order.id, news)
        await shop.settle()
    wanted = await asked.reservations_of([f"{order.id}.1"])
    assert [(each.reservation_id, each.state) for each in wanted] == [
        (f"{order.id}.1", "released"),
        (f"{order.id}.2", "committed"),
    ]


async def test_what_did_not_change_since_is_left_out(asked: Orders, shop: World) -> None:
    mug = await shop.sell(stock=10)
    old = await shop.place((mug, 1))
    shop.clock.advance(MINUTE)
    new = await shop.place((mug, 1))

    async def since(at: int) -> list[str]:
        return [each.reservation_id for each in (await asked.reservations_since(at, "")).reservations]

    assert await since(new.updated_at) == [f"{new.id}.1"]
    assert await since(old.updated_at) == [f"{old.id}.1", f"{new.id}.1"]
    assert await since(new.updated_at + 1) == []


async def test_all_pages_together_are_all_orders(asked: Orders, shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kassa.order.wanted.PAGE", 2)
    mug = await shop.sell(stock=10)
    orders = [await shop.place((mug, 1)) for _ in range(5)]
    found = [each async for each in wanted_by(asked)(0, [])]
    assert [each.reservation_id for each in found] == [f"{order.id}.1" for order in orders]
    named = [each async for each in wanted_by(asked)(orders[-1].updated_at + 1, [f"{orders[0].id}.1"])]
    assert [each.reservation_id for each in named] == [f"{orders[0].id}.1"]


async def test_more_reservations_than_are_answered_at_a_time_are_refused(asked: Orders) -> None:
    with pytest.raises(Invalid):
        await asked.reservations_of(["ord_1.1"] * 501)


async def test_what_a_guest_has_ordered_becomes_the_account_s(reach: Reach, shop: World) -> None:
    orders: Orders = await reach(Orders, "order", shop.order, "auth")
    who, email = guest(f"guest_{'a' * 64}"), "ada@example.com"
    asked = Asked(email=email, buyer=email)
    order = await shop.place((await shop.sell(), 1), who=who, asked=asked, is_guest=True)
    await orders.claim_of("bob@example.com", "usr_bob")
    assert (await shop.order_now(order)).user_id == who.id
    await orders.claim_of(email, BUYER.id)
    await orders.claim_of(email, "usr_bob")
    await shop.settle()
    assert (await shop.order_now(order)).user_id == BUYER.id

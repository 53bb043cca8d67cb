"""The contract of payments, in all three ways."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kassa.contracts.payment import Closing, NotRefundable, OrderNotPayable, Payments
from kassa.kit.ids import ORDER
from kassa.kit.problem import NotFound, Problem
from kassa.order.domain import Order
from kassa.payment.balance import refunded_minor
from tests.contract.ways import Reach
from tests.trade.world import BUYER, World, world


class Desk:
    """Payments as the order service reaches them, and an order."""

    def __init__(self, shop: World, payments: Payments, order: Order) -> None:
        self.shop = shop
        self.payments = payments
        self.order = order

    async def open(self) -> str:
        """Open a session; returns Stripe's id of it."""
        return str((await self.shop.open(self.order)).session_id)

    async def pay(self) -> None:
        await self.open()
        await self.shop.pay(await self.shop.payment_now(self.order))

    async def close(self) -> str:
        closing: Closing = await self.payments.close(self.order.id)
        await self.shop.settle()
        return closing.outcome

    async def refund_late(self) -> None:
        await self.payments.refund_late(self.order.id, "sold_out")
        await self.shop.settle()


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as opened:
        yield opened


@pytest.fixture
async def desk(reach: Reach, shop: World) -> Desk:
    payments: Payments = await reach(Payments, "payment", shop.payment, "order")
    return Desk(shop, payments, await shop.place((await shop.sell(price_minor=1999), 2)))


async def test_after_closing_without_a_session_none_can_be_made(desk: Desk) -> None:
    assert await desk.close() == "closed"
    assert (await desk.shop.payment_now(desk.order)).stage == "CLOSED"
    with pytest.raises(OrderNotPayable):
        await desk.shop.payment.checkout.open_session(desk.order.id, BUYER)
    assert desk.shop.stripe.sessions == {}


async def test_closing_ends_the_open_session_at_stripe(desk: Desk) -> None:
    session_id = await desk.open()
    assert await desk.close() == "closed"
    assert desk.shop.stripe.sessions[session_id].status == "expired"
    assert (await desk.shop.payment_now(desk.order)).stage == "FAILED"


async def test_closing_finds_that_it_was_paid(desk: Desk) -> None:
    desk.shop.stripe.pay(await desk.open())
    assert await desk.close() == "paid"
    assert (await desk.shop.payment_now(desk.order)).stage == "SUCCESS"
    assert (await desk.shop.order_now(desk.order)).status == "CONFIRMED"


async def test_closing_finds_money_on_its_way(desk: Desk) -> None:
    desk.shop.stripe.pay(await desk.open(), payment_status="unpaid", intent_status="processing")
    assert await desk.close() == "processing"
    assert (await desk.shop.payment_now(desk.order)).stage == "PROCESSING"


async def test_closing_again_says_the_same(desk: Desk) -> None:
    await desk.open()
    assert [await desk.close() for _ in range(3)] == ["closed"] * 3


async def test_while_stripe_does_not_answer_closing_is_unknown(desk: Desk) -> None:
    session_id = await desk.open()
    desk.shop.stripe.faults["expire_session"] = ["before"] * 2
    with pytest.raises(Problem) as unknown:
        await desk.payments.close(desk.order.id)
    assert unknown.value.status == 503
    assert desk.shop.stripe.sessions[session_id].status == "open"
    desk.shop.stripe.faults.clear()
    assert await desk.close() == "closed"


async def test_an_answer_of_stripe_that_was_lost_is_found(desk: Desk) -> None:
    await desk.open()
    desk.shop.stripe.faults["expire_session"] = ["after"]
    try:
        outcome = await desk.close()
    except Problem:  # unknown to the caller, who asks again; twice over HTTP has already done so
        outcome = await desk.close()
    assert outcome == "closed"


@pytest.mark.parametrize("order_id", ["nonsense", "..", "a/b", "x" * 300])
async def test_closing_what_is_not_there_is_refused(desk: Desk, order_id: str) -> None:
    with pytest.raises(NotFound):
        await desk.payments.close(order_id)
    with pytest.raises(NotFound):
        await desk.payments.close(desk.shop.ids.new(ORDER))


async def test_all_of_a_late_payment_goes_back_once(desk: Desk) -> None:
    await desk.pay()
    for _ in range(2):
        await desk.refund_late()
    payment = await desk.shop.payment_now(desk.order)
    assert refunded_minor(payment) == payment.taken_minor == 3998
    assert [refund.amount for refund in desk.shop.stripe.refunds_made.values()] == [3998]


async def test_a_late_refund_is_only_of_what_is_left(desk: Desk) -> None:
    await desk.pay()
    payment = await desk.shop.payment_now(desk.order)
    desk.shop.stripe.refund_at_stripe(str(payment.intent_id), 998)
    await desk.shop.hook(desk.shop.stripe.refund_event("created", "re_1"))
    await desk.refund_late()
    assert [refund.amount for refund in desk.shop.stripe.refunds_made.values()] == [998, 3000]


async def test_there_is_nothing_to_refund_without_a_payment(desk: Desk) -> None:
    with pytest.raises(NotRefundable):
        await desk.payments.refund_late(desk.order.id, "sold_out")

"""What can still come back with a refund, in every state that an order can be in."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from kassa.contracts.payment import NotRefundable, RefundTooLarge, TooManyPieces
from kassa.kit.clock import HOUR
from kassa.kit.problem import Invalid
from kassa.order.domain import Order, Stage
from tests.trade.test_attention import asked
from tests.trade.test_owed_refunds import owes_another_amount, owes_late_money
from tests.trade.test_returns import available, refund, sold
from tests.trade.world import BUYER, World, world

Make = Callable[[World], Awaitable[Order]]


async def unpaid(shop: World) -> Order:
    order = await shop.place((await shop.sell(), 2))
    await shop.open(order)
    return order


async def cancelled_unpaid(shop: World) -> Order:
    order = await unpaid(shop)
    await shop.order.cancel(order.id, BUYER)
    return order


async def cancelled_and_owed(shop: World) -> Order:
    order = await owes_late_money(shop, pieces=2)
    await give_up(shop, order)
    return order


async def paid_otherwise(shop: World) -> Order:
    order = await owes_another_amount(shop, pieces=2)
    await give_up(shop, order)
    return order


async def reviving(shop: World) -> Order:
    order = await shop.place((await shop.sell(), 2))
    payment = await shop.open(order)
    await shop.later(2 * HOUR)
    await shop.hook(shop.stripe.session_event("expired", str(payment.session_id)))
    order = await shop.order_now(order)
    await shop.order.orders.save(msgspec.structs.replace(order, stage=Stage.REVIVING, generation=2, effects=()))
    shop.stripe.pay(str(payment.session_id))
    await shop.payment.settle(payment.id, shop.stripe.sessions[str(payment.session_id)], "evt_late")
    return order


async def never_made(shop: World) -> Order:
    order = await unpaid(shop)
    payment = await shop.payment_now(order)
    known = await shop.order_now(order)
    failed = msgspec.structs.replace(known, stage=Stage.FAILED, status="FAILED", effects=())
    await shop.order.orders.save(failed)
    shop.stripe.has_funds = False
    await shop.pay(payment)
    await give_up(shop, order)
    return order


async def give_up(shop: World, order: Order) -> None:
    """Leave the money to be refunded by hand."""
    payment = await shop.payment_now(order)
    await shop.payment.payments.save(msgspec.structs.replace(payment, refunds=(), effects=(), owes_all=False))
    shop.stripe.has_funds = True


async def confirmed(shop: World) -> Order:
    order, _ = await sold(shop, 2)
    return order


async def partly_returned(shop: World) -> Order:
    order, mug = await sold(shop, 2)
    await refund(shop, order, (mug, 1))
    return order


async def all_returned(shop: World) -> Order:
    order, mug = await sold(shop, 2)
    await refund(shop, order, (mug, 2), amount=500)
    return order


async def refunded_without_goods(shop: World) -> Order:
    order, _ = await sold(shop, 2)
    await refund(shop, order)
    return order


STATES: dict[Make, int] = {
    unpaid: 0,
    cancelled_unpaid: 0,
    cancelled_and_owed: 0,
    paid_otherwise: 0,
    never_made: 0,
    reviving: 0,
    confirmed: 2,
    partly_returned: 1,
    all_returned: 0,
    refunded_without_goods: 0,
}


@pytest.mark.parametrize("ask", ["items", "restock"])
@pytest.mark.parametrize("state", STATES)
async def test_what_is_left_to_come_back_is_what_can_come_back_in_every_state(
    tmp_path: Path, state: Make, ask: str
) -> None:
    """`leftItems`, `items` and `restock` say the same of every state that an order can be in."""
    left = STATES[state]
    async with world(tmp_path) as shop:
        order = await state(shop)
        mug = order.items[0].product_id
        shown = (await asked(shop, f"/payments/{order.id}/refunds")).json()["leftItems"]
        assert shown == ([{"productId": mug, "quantity": left}] if left else [])
        before = await available(shop, mug)
        try:
            await refund(shop, order, *([(mug, left or 1)] if ask == "items" else []), restock=ask == "restock")
        except (Invalid, NotRefundable, RefundTooLarge, TooManyPieces):
            assert left == 0
        else:
            assert left or (state, ask) == (all_returned, "restock"), "all that is left may be none"
        assert await available(shop, mug) == before + left
        assert (await asked(shop, f"/payments/{order.id}/refunds")).json()["leftItems"] == []

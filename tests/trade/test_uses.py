"""Uses of discounts that each buyer may have so many of: taken, given back, and taken again, in whatever order."""

from decimal import Decimal

import pytest

from kassa.contracts.order import DiscountUsedUp
from kassa.order.domain import Order
from kassa.order.quoting import Asked
from kassa.order.uses import Uses
from tests.trade.world import BUYER, World

BUYERS = Asked(code="ONCE", email="reader@example.com", buyer="reader")


async def ordered(shop: World) -> Order:
    return await shop.place((await shop.sell(), 1), asked=BUYERS)


def use_of(order: Order) -> str:
    assert order.sale is not None
    return next(part.use for part in order.sale.parts.discounts if part.use)


def uses_in(shop: World) -> Uses:
    return Uses(shop.stores[1].uses, shop.stores[1].orders, shop.clock)


async def test_a_use_comes_back_when_its_order_ends_unpaid(shop: World) -> None:
    await shop.discount(code="ONCE", limit_per_buyer=1)
    order = await ordered(shop)
    with pytest.raises(DiscountUsedUp):
        await ordered(shop)
    await shop.order.cancel(order.id, BUYER)
    await shop.settle()
    assert use_of(await ordered(shop)) == use_of(order)


async def test_what_gives_a_use_back_late_does_not_give_back_one_that_was_taken_again(shop: World) -> None:
    await shop.discount(code="ONCE", limit_per_buyer=1)
    order = await ordered(shop)
    uses, name = uses_in(shop), use_of(order)
    assert await uses.take_again(name, order.id, 2)
    await uses.free(name, order.id, 1)
    held = await shop.stores[1].uses.get(name)
    assert held is not None
    assert (held.order_id, held.generation) == (order.id, 2)
    assert await uses.take_again(name, order.id, 2)
    await uses.free(name, order.id, 2)
    assert await shop.stores[1].uses.get(name) is None
    assert await uses.take_again(name, order.id, 2)


async def test_late_money_finds_that_another_order_has_the_use_by_now(shop: World) -> None:
    await shop.discount(code="ONCE", limit_per_buyer=1)
    order = await ordered(shop)
    payment = await shop.open(order)
    shop.stripe.put(str(payment.session_id), status="expired", url=None)
    await shop.hook(shop.stripe.session_event("expired", str(payment.session_id)))
    assert (await shop.order_now(order)).status == "CANCELLED"
    other = await ordered(shop)
    shop.stripe.pay(str(payment.session_id))
    await shop.hook(shop.stripe.session_event("completed", str(payment.session_id)))
    assert (await shop.order_now(order)).reason == "sold_out"
    held = await shop.stores[1].uses.get(use_of(other))
    assert held is not None
    assert held.order_id == other.id
    assert await shop.audit() == []


async def test_a_refusal_gives_back_what_was_taken_before_it(shop: World) -> None:
    first = await shop.discount(limit_per_buyer=2, combines=True)
    await shop.discount(code="ONCE", kind="amount", amount=Decimal(1), limit_per_buyer=1, combines=True)
    await ordered(shop)
    with pytest.raises(DiscountUsedUp):
        await ordered(shop)
    assert await uses_in(shop).is_left(first, "reader")

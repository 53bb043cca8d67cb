"""Whoever may not refund any amount refunds so much at once and so much a day, and not a cent more."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from kassa.contracts.payment import NotRefundable, RefundOverLimit, RefundTooLarge
from kassa.kit.clock import DAY
from kassa.kit.ids import REFUND
from kassa.payment.allowance import Allowances
from kassa.payment.domain import Refund
from tests.trade.world import World

AT_ONCE, A_DAY = 3000, 5000


A = TypeVar("A", bound=Allowances)


def allowances(shop: World, kind: type[A]) -> A:
    """What may be refunded in this shop."""
    days, payments = shop.allowances, shop.payment.payments
    return kind(days, payments, shop.clock, "usd", AT_ONCE // 100, A_DAY // 100)


class Support:
    """Somebody of support, with what they may refund."""

    def __init__(self, shop: World, name: str = "usr_support") -> None:
        self.shop, self.name = shop, name
        self.allowances = allowances(shop, Allowances)

    async def refund(self, order_id: str, amount: int, refund_id: str = "") -> Refund:
        refund_id = refund_id or self.shop.ids.new(REFUND)
        made = await self.shop.payment.refunding.refund(
            order_id, refund_id, amount, "asked for", who=self.name, within=self.allowances
        )
        await self.shop.settle()
        return made


async def paid(shop: World, quantity: int = 5) -> str:
    order = await shop.place((await shop.sell(price_minor=2000), quantity))
    await shop.pay(await shop.open(order))
    return order.id


async def test_more_than_the_limit_at_once_is_refused_also_as_all_that_is_left(shop: World) -> None:
    order_id, support = await paid(shop), Support(shop)
    for amount in (AT_ONCE + 1, 0):
        with pytest.raises(RefundOverLimit, match=r"30\.00 usd at once: ask an administrator"):
            await support.refund(order_id, amount)
    assert (await support.refund(order_id, AT_ONCE)).amount_minor == AT_ONCE


async def test_the_day_s_limit_holds_also_for_refunds_at_the_same_time(shop: World) -> None:
    order_id, support = await paid(shop), Support(shop)
    done = await asyncio.gather(*(support.refund(order_id, 1000) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(each, Refund) for each in done) == A_DAY // 1000
    assert sum(isinstance(each, RefundOverLimit) for each in done) == 3
    await Support(shop, "usr_another").refund(order_id, 1000)
    shop.clock.advance(DAY)
    await support.refund(order_id, 1000)


async def test_a_refund_counts_once_however_often_it_is_asked_for_and_not_if_it_came_to_nothing(shop: World) -> None:
    order_id, small, support = await paid(shop), await paid(shop, 1), Support(shop)
    refund_id = shop.ids.new(REFUND)
    for _ in range(3):
        assert (await support.refund(order_id, 1000, refund_id)).id == refund_id
    await support.refund(small, 1500)
    with pytest.raises(RefundTooLarge):
        await support.refund(small, 1500)
    await support.refund(order_id, 2500)
    with pytest.raises(RefundOverLimit, match=r"0\.00 usd is left of 50\.00 usd"):
        await support.refund(order_id, 1)


class PaidMeanwhile(Allowances):
    """In the very moment in which an amount is held the buyer pays."""

    buyer_pays: Callable[[], Awaitable[object]]

    async def take(self, who: str, payment_id: str, refund_id: str, amount_minor: int) -> str:
        """Hold it, and be paid."""
        taken = await super().take(who, payment_id, refund_id, amount_minor)
        await self.buyer_pays()
        return taken


async def test_money_that_comes_while_all_that_is_left_is_asked_for_is_not_refunded_beyond_the_limit(
    shop: World,
) -> None:
    order = await shop.place((await shop.sell(price_minor=2000), 5))
    opened, support = await shop.open(order), Support(shop)
    support.allowances = late = allowances(shop, PaidMeanwhile)
    late.buyer_pays = lambda: shop.pay(opened)
    with pytest.raises(NotRefundable):
        await support.refund(order.id, 0)
    assert (await shop.payment_now(order)).refunds == ()


async def test_a_refund_of_all_that_is_asked_for_again_is_the_same_and_counts_once(shop: World) -> None:
    order_id, support = await paid(shop, 1), Support(shop)
    refund_id = shop.ids.new(REFUND)
    for _ in range(2):
        assert (await support.refund(order_id, 0, refund_id)).amount_minor == 2000
    with pytest.raises(RefundTooLarge):
        await support.refund(order_id, 0)
    await support.refund(await paid(shop), 3000)
    with pytest.raises(RefundOverLimit, match=r"0\.00 usd is left of 50\.00 usd"):
        await support.refund(await paid(shop, 1), 1)


async def test_what_stripe_does_not_refund_after_all_is_given_back_to_the_day_once(shop: World) -> None:
    order_id, support = await paid(shop), Support(shop)
    failing = await support.refund(order_id, 3000)
    await support.refund(order_id, 2000)
    with pytest.raises(RefundOverLimit, match=r"0\.00 usd is left of 50\.00 usd"):
        await support.refund(order_id, 1000)
    event = shop.stripe.send_back(str(failing.stripe_id))
    for _ in range(2):
        await shop.hook(event)
    await support.refund(order_id, 2500)
    with pytest.raises(RefundOverLimit, match=r"5\.00 usd is left of 50\.00 usd"):
        await support.refund(order_id, 501)
    assert (await support.refund(order_id, 3000, failing.id)).status == "failed"
    await support.refund(order_id, 500)
    with pytest.raises(RefundOverLimit, match=r"0\.00 usd is left of 50\.00 usd"):
        await support.refund(order_id, 1)


async def test_what_stripe_refuses_at_once_does_not_count(shop: World) -> None:
    order_id, support = await paid(shop), Support(shop)
    payment = await shop.payment.of_order(order_id)
    assert payment is not None
    shop.stripe.refund_at_stripe(str(payment.intent_id), 9000)
    assert (await support.refund(order_id, 3000)).status == "failed"
    other = await paid(shop)
    await support.refund(other, 3000)
    await support.refund(other, 2000)


async def test_days_that_are_over_are_not_kept(shop: World) -> None:
    order_id, support = await paid(shop), Support(shop)
    await support.refund(order_id, 1)
    assert await support.allowances.remove_old() == 0
    shop.clock.advance(3 * DAY)
    assert await support.allowances.remove_old() == 1

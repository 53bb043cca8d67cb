"""Money that comes a second time for one order, by a session that should not be there: it goes back, all of it."""

import pytest

from kassa.kit.clock import DAY, MINUTE
from kassa.order.domain import Order, Stage
from kassa.payment.domain import Stage as PaymentStage
from tests.trade.test_timeline import told
from tests.trade.world import World


async def two_sessions(shop: World) -> tuple[Order, str, str]:
    """An order with its session, and another one with the same metadata."""
    order = await shop.place((await shop.sell(), 1))
    payment = await shop.open(order)
    other = await shop.stripe.open_session(payment.params, "somebody else's key")
    return order, str(payment.session_id), other.id


def given_back(shop: World, session_id: str) -> int:
    made = shop.stripe.refunds_made.values()
    return sum(each.amount for each in made if each.intent_id == f"pi_{session_id}" and each.status == "succeeded")


async def test_a_second_payment_goes_back_and_is_told(shop: World) -> None:
    order, first, second = await two_sessions(shop)
    for session_id in (first, second):
        shop.stripe.pay(session_id)
        await shop.hook(shop.stripe.session_event("completed", session_id))
    await shop.settle()
    assert (given_back(shop, first), given_back(shop, second)) == (0, 1999)
    assert (await shop.order_now(order)).stage is Stage.CONFIRMED
    payment = await shop.payment_now(order)
    assert (payment.stage, payment.session_id, payment.refunds) == (PaymentStage.SUCCESS, first, ())
    assert "Stripe has taken money for the order a second time: it goes back." in await told(shop, order)
    assert await shop.audit() == []


async def test_its_refund_is_made_once_whatever_is_lost(shop: World) -> None:
    order, first, second = await two_sessions(shop)
    for session_id in (first, second):
        shop.stripe.pay(session_id)
    shop.stripe.faults["refund"] = ["after", "before", "saved"]
    for session_id in (first, second, second):
        await shop.hook(shop.stripe.session_event("completed", session_id))
    await shop.later(10 * MINUTE)
    assert given_back(shop, second) == 1999
    refund_id = next(each.id for each in shop.stripe.refunds_made.values())
    await shop.hook(shop.stripe.refund_event("created", refund_id))
    assert (await shop.payment_now(order)).refunds == ()
    assert (await shop.order_now(order)).stage is Stage.CONFIRMED


async def test_what_becomes_of_another_session_does_not_end_the_payment(shop: World) -> None:
    order, first, second = await two_sessions(shop)
    shop.stripe.put(second, status="expired", url=None)
    await shop.hook(shop.stripe.session_event("expired", second))
    payment = await shop.payment_now(order)
    assert (payment.stage, payment.session_id) == (PaymentStage.INITIATED, first)
    await shop.pay(payment)
    assert (await shop.order_now(order)).stage is Stage.CONFIRMED


async def test_the_first_money_counts_by_whichever_session_it_came(shop: World) -> None:
    order, first, second = await two_sessions(shop)
    for session_id in (second, first):
        shop.stripe.pay(session_id)
        await shop.hook(shop.stripe.session_event("completed", session_id))
    assert (given_back(shop, first), given_back(shop, second)) == (1999, 0)
    assert (await shop.order_now(order)).stage is Stage.CONFIRMED


async def test_what_was_not_refunded_at_stripe_goes_back(shop: World) -> None:
    _, first, second = await two_sessions(shop)
    for session_id in (first, second):
        shop.stripe.pay(session_id)
    shop.stripe.refund_at_stripe(f"pi_{second}", 500)
    for session_id in (first, second):
        await shop.hook(shop.stripe.session_event("completed", session_id))
    assert (given_back(shop, first), given_back(shop, second)) == (0, 1999)


@pytest.mark.parametrize(("verdict", "is_refunded"), [("won", True), ("lost", False)])
async def test_one_that_is_disputed_goes_back_once(shop: World, verdict: str, *, is_refunded: bool) -> None:
    order, first, second = await two_sessions(shop)
    for session_id in (first, second):
        shop.stripe.pay(session_id)
    shop.stripe.dispute(second, "needs_response")
    for session_id in (first, second):
        await shop.hook(shop.stripe.session_event("completed", session_id))
    await shop.later(DAY)
    assert (await shop.payment_now(order)).needs_attention
    shop.stripe.dispute(second, verdict)
    await shop.hook(shop.stripe.dispute_event("closed"))
    await shop.later(DAY)
    assert given_back(shop, second) == (1999 if is_refunded else 0)
    payment = await shop.payment_now(order)
    assert (payment.due_at, payment.needs_attention) == (None, False)
    assert await shop.audit() == []

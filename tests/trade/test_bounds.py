"""No document grows without end: what happens at the bound, with a real store behind it."""

import msgspec
import pytest

from kassa.contracts.payment import TooManyRefunds
from kassa.kit.audit import MOST_KEPT, Cause
from kassa.kit.clock import MINUTE
from kassa.kit.effects import without
from kassa.kit.wire import encode
from kassa.order.domain import Input as OrderInput
from kassa.order.domain import Kind as OrderKind
from kassa.order.domain import Order
from kassa.order.machine import MACHINE as ORDERS
from kassa.payment.domain import Decline, Input, Kind, Payment
from kassa.payment.machine import MACHINE, MOST_DECLINES
from kassa.payment.processor import RefundState
from kassa.payment.refund_states import MOST_KNOWN, observed
from kassa.payment.refunds import MOST_REFUNDS
from kassa.product.domain import edited
from tests.trade.world import World

MIB = 1024 * 1024


async def paid(shop: World) -> Order:
    order = await shop.place((await shop.sell(price_minor=500_000), 1))
    await shop.pay(await shop.open(order))
    return order


def refunded(payment: Payment, count: int, *, by: str) -> Payment:
    """So many cents went back: by us, or in Stripe's dashboard."""
    for number in range(count):
        for status in ("pending", "succeeded"):
            state = RefundState(f"re_{by}_{number}", status, 1, "usd", payment.intent_id, {}, None)
            payment = observed(payment, [state], Cause(f"evt_{by}_{number}_{status}", "stripe"), payment.updated_at)
    refunds = tuple(msgspec.structs.replace(each, origin=by) for each in payment.refunds)
    done = tuple(msgspec.structs.replace(each, done_at=payment.updated_at) for each in payment.effects)
    return msgspec.structs.replace(payment, refunds=refunds, effects=done, due_at=None)


async def test_a_payment_refunded_a_hundred_times_by_a_cent_is_refunded_in_the_dashboard_from_then_on(
    shop: World,
) -> None:
    order = await paid(shop)
    await shop.payment.payments.save(refunded(await shop.payment_now(order), MOST_REFUNDS - 1, by="kassa"))
    for _ in range(MOST_REFUNDS - 1):
        shop.stripe.refund_at_stripe(str((await shop.payment_now(order)).intent_id), 1)
    last = await shop.payment.refunding.refund(order.id, "rfd_last", 1, "", who="usr_admin")
    assert last.status == "succeeded"
    for refund_id in ("rfd_last", "rfd_more"):
        asked = shop.payment.refunding.refund(order.id, refund_id, 1, "", who="usr_admin")
        if refund_id == "rfd_more":
            with pytest.raises(TooManyRefunds, match="Stripe's dashboard"):
                await asked
        else:
            assert (await asked).id == refund_id, "the same one again is none more"
    assert len(encode(await shop.payment_now(order))) < MIB // 4
    await shop.settle()


async def test_more_refunds_at_stripe_than_a_document_can_hold_are_shown_and_not_taken_in(shop: World) -> None:
    order = await paid(shop)
    full = await shop.payment.payments.save(refunded(await shop.payment_now(order), MOST_KNOWN, by="stripe"))
    assert len(encode(full)) < 4 * MIB, "a quarter of what MongoDB takes"
    intent_id = str(full.intent_id)
    for number in range(MOST_KNOWN):
        state = RefundState(f"re_stripe_{number}", "succeeded", 1, "usd", intent_id, {}, None)
        shop.stripe.refunds_made[state.id] = state
    more = shop.stripe.refund_at_stripe(intent_id, 1)
    await shop.hook(shop.stripe.refund_event("created", more.id))
    (event,) = await shop.inbox.events.find({"status": "parked"}, limit=5)
    assert "no more are taken in" in event.note
    now = await shop.payment_now(order)
    assert len(now.refunds) == MOST_KNOWN
    await shop.payment.payments.save(msgspec.structs.replace(now, refunds=()))  # No order has heard of those.


async def test_an_order_that_hears_of_all_of_them_can_be_stored(shop: World) -> None:
    order = await shop.order_now(await paid(shop))
    for number in range(2 * MOST_KNOWN):
        cause = Cause(
            f"{order.id}:news:{number}", "payment-service", "partly refunded", "req_01kdwpvng0900a5dfxypm14a4a"
        )
        news = OrderInput(OrderKind.PARTLY_REFUNDED, cause, payment_version=number)
        order = ORDERS.after(order, news, shop.clock.now())
    assert len(order.audit) > 2 * MOST_KNOWN
    assert len(encode(await shop.order.orders.save(order))) < 4 * MIB


async def test_a_buyer_who_tries_ten_thousand_cards_is_noted_a_hundred_times(shop: World) -> None:
    order = await shop.place((await shop.sell(), 1))
    payment = await shop.open(order)
    session = shop.stripe.sessions[str(payment.session_id)]
    for number in range(10_000):
        decline = Decline(shop.clock.now(), "card_declined", f"Your card was declined ({number}).")
        news = Input(Kind.DECLINED_ONCE, Cause(f"evt_{number}", "stripe"), session, decline)
        payment = MACHINE.after(payment, news, shop.clock.now())
    assert len(payment.declines) == MOST_DECLINES
    assert len(payment.audit) < MOST_DECLINES + 5
    stored = await shop.payment.payments.save(payment)
    await shop.pay(stored)
    assert (await shop.order_now(order)).status == "CONFIRMED"


async def test_a_product_that_is_edited_ten_thousand_times_keeps_its_newest_entries(shop: World) -> None:
    product_id = await shop.sell()
    await shop.opening.settle()
    product = await shop.product.products.get(product_id)
    assert product is not None
    for number in range(10_000):
        product = edited(product, {"price_minor": 100 + number}, Cause(f"in_{number}", "usr_admin"), number)
        product = without(product, lambda _: True, number)  # As if each price was entered in the history.
    assert len(product.audit) == MOST_KEPT
    assert (product.audit[0].what, product.audit[-1].input_id) == ("created", "in_9999")
    assert len(encode(await shop.product.products.save(product))) < MIB // 4


async def test_a_payment_that_is_looked_up_for_weeks_does_not_grow(shop: World) -> None:
    order = await shop.place((await shop.sell(), 1))
    payment = await shop.open(order)
    session_id = str(payment.session_id)
    shop.stripe.put(session_id, status="complete", intent_id=f"pi_{session_id}", intent_status="processing")
    await shop.hook(shop.stripe.session_event("completed", session_id))
    for _ in range(130):
        current = await shop.payment_now(order)
        shop.clock.at = int(current.due_at or 0)
        await shop.payment.outbox.run_due()
        await shop.settle()
    sizes = [len((await shop.payment_now(order)).effects), len((await shop.payment_now(order)).audit)]
    assert sizes[0] <= 102
    assert sizes[1] < 10
    shop.stripe.put(session_id, payment_status="paid", intent_status=None)
    await shop.later(61 * MINUTE)
    assert (await shop.order_now(order)).status == "CONFIRMED"

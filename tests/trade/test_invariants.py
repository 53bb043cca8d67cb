"""What must always hold of an order and of a payment is looked at with every write: what would break it fails, is told,
and is tried again."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from kassa.kit.clock import HOUR, MINUTE
from kassa.kit.effects import NEEDS_ATTENTION_AFTER
from kassa.kit.machine import InvariantBroken
from kassa.order.domain import Order, Stage
from kassa.payment.domain import Payment
from tests.trade.test_attention import asked
from tests.trade.world import World, found


async def paid(shop: World) -> Order:
    order = await shop.place((await shop.sell(), 1))
    await shop.pay(await shop.open(order))
    return await shop.order_now(order)


async def refunded_twice_in_the_dashboard(shop: World) -> tuple[Order, bytes, bytes]:
    """The buyer's bank sends a refund back, and an operator makes another one: the events that tell, the newest
    first."""
    order = await paid(shop)
    intent_id = str((await shop.payment_now(order)).intent_id)
    first = shop.stripe.refund_at_stripe(intent_id, 1999)
    await shop.hook(shop.stripe.refund_event("created", first.id))
    failed = shop.stripe.send_back(first.id)
    again = shop.stripe.refund_at_stripe(intent_id, 1999)
    return order, shop.stripe.refund_event("created", again.id), failed


async def told(shop: World, order: Order) -> list[str]:
    return [each.status for each in (await shop.payment_now(order)).refunds]


def without_payment(order: Order, _: Payment) -> Any:
    return msgspec.structs.replace(order, payment_id=None)


def revived_in_the_first_generation(order: Order, _: Payment) -> Any:
    return msgspec.structs.replace(order, stage=Stage.REVIVING)


def with_another_amount(_: Order, payment: Payment) -> Any:
    return msgspec.structs.replace(payment, taken_minor=1)


def without_session(_: Order, payment: Payment) -> Any:
    return msgspec.structs.replace(payment, session_id=None)


@pytest.mark.parametrize(
    "breaks", [without_payment, revived_in_the_first_generation, with_another_amount, without_session]
)
async def test_nothing_is_stored_that_breaks_an_invariant(shop: World, breaks: Callable[[Order, Payment], Any]) -> None:
    order = await paid(shop)
    payment = await shop.payment_now(order)
    broken = breaks(order, payment)
    of_orders = isinstance(broken, Order)
    collection: Any = shop.order.orders if of_orders else shop.payment.payments
    outbox: Any = shop.order.outbox if of_orders else shop.payment.outbox
    another = msgspec.structs.replace(broken, id=f"{broken.id[:-1]}x", version=0)
    writes: list[Callable[[], Awaitable[Any]]] = [
        lambda: collection.save(broken),
        lambda: collection.insert(another),
        lambda: outbox.insert(another),
        lambda: outbox.advance(broken.id, lambda _: broken),
        lambda: outbox.see_through(broken.id, lambda _: broken),
    ]
    for write in writes:
        with pytest.raises(InvariantBroken, match=broken.id[:-1]):
            await write()
    assert (await shop.order_now(order), await shop.payment_now(order)) == (order, payment)


async def test_an_event_that_would_break_one_waits_and_is_done_when_it_does_not(shop: World) -> None:
    order, newer, older = await refunded_twice_in_the_dashboard(shop)
    await shop.hook(newer)
    assert await told(shop, order) == ["succeeded"], "twice as much as was taken is not believed"
    (event,) = await shop.inbox.events.find({"status": "parked"}, limit=5)
    assert "refunds do not exceed what was taken" in event.note
    await shop.hook(older)
    await shop.later(MINUTE)
    assert await told(shop, order) == ["failed", "succeeded"]
    assert await shop.inbox.events.count({"status": "parked"}) == 0


async def test_refunds_that_are_told_together_are_taken_in_as_they_were_made(shop: World) -> None:
    order, _, _ = await refunded_twice_in_the_dashboard(shop)
    intent_id = str((await shop.payment_now(order)).intent_id)
    charge = {"id": "ch_1", "object": "charge", "metadata": {}, "payment_intent": intent_id}
    await shop.hook(shop.stripe.event("charge.refunded", charge))
    assert await told(shop, order) == ["failed", "succeeded"]


async def test_one_payment_that_is_not_believed_does_not_end_a_comparison(shop: World) -> None:
    order = await paid(shop)
    intent_id = str((await shop.payment_now(order)).intent_id)
    first = shop.stripe.refund_at_stripe(intent_id, 1999)
    await shop.hook(shop.stripe.refund_event("created", first.id))
    shop.stripe.send_back(first.id)
    for amount in (1998, 1):  # Two to a page: the first one's failure is on the second page.
        shop.stripe.refund_at_stripe(intent_id, amount)
    left = [each.text for each in found(await shop.reconciler.compare(fix=True)) if not each.is_mended]
    assert [text.partition(" is ")[0] for text in left] == ["refund re_2", "refund re_3"]
    assert all("refunds do not exceed what was taken" in text for text in left)
    assert await told(shop, order) == ["failed"]
    await shop.reconciler.compare(fix=True)
    assert await told(shop, order) == ["failed", "succeeded", "succeeded"]


async def test_an_effect_that_would_break_one_is_tried_again_and_shown(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await shop.place((await shop.sell(), 1))

    async def confirms(_: Order, __: Any) -> Callable[[Order], Order]:
        return lambda current: msgspec.structs.replace(current, stage=Stage.CONFIRMED)

    monkeypatch.setitem(shop.order.outbox.carriers, "expire", confirms)
    await shop.later(2 * HOUR)
    assert (await shop.order_now(order)).stage is Stage.PENDING
    (waiting,) = (await asked(shop, "/orders/admin/attention")).json()["waiting"]
    assert waiting["attempts"] >= NEEDS_ATTENTION_AFTER
    assert "an order that is paid names its payment" in waiting["error"]
    monkeypatch.undo()
    await shop.later(HOUR)
    assert (await shop.order_now(order)).stage is Stage.CANCELLED


async def test_what_an_earlier_version_has_broken_can_still_be_worked_on(shop: World) -> None:
    order = await paid(shop)
    broken = without_payment(order, await shop.payment_now(order))
    await shop.order.orders.inner.save(broken)  # type: ignore[attr-defined]
    changed = msgspec.structs.replace(await shop.order_now(order), updated_at=shop.clock.now())
    stored = await shop.order.orders.save(changed)
    with pytest.raises(InvariantBroken, match="later generation"):
        await shop.order.orders.save(revived_in_the_first_generation(stored, await shop.payment_now(order)))
    await shop.order.orders.save(msgspec.structs.replace(stored, payment_id=order.payment_id))

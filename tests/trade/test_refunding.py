"""Refunds: from the operator, from Stripe's dashboard, concurrent, failing."""

import asyncio
import itertools
from collections.abc import Sequence

import pytest

from kassa.contracts.inventory import Line
from kassa.contracts.payment import NotRefundable, RefundTooLarge
from kassa.kit.clock import HOUR, MINUTE
from kassa.kit.ids import REFUND
from kassa.kit.problem import Invalid, NotFound, Unavailable
from kassa.order.domain import Order, Stage
from kassa.payment.balance import held_minor, refunded_minor
from kassa.payment.domain import Refund
from kassa.payment.processor import RefundState
from tests.trade.world import BUYER, TTL, World, found


async def paid(shop: World, product_id: str, quantity: int = 1) -> Order:
    order = await shop.place((product_id, quantity))
    await shop.pay(await shop.open(order))
    return order


async def refund(
    shop: World, order: Order, amount: int = 0, *, restock: bool = False, items: Sequence[Line] = ()
) -> Refund:
    made = await shop.payment.refunding.refund(
        order.id, shop.ids.new(REFUND), amount, "asked for", restock=restock, items=items, who="usr_admin"
    )
    await shop.settle()
    return made


async def test_a_full_refund_makes_the_order_refunded(shop: World) -> None:
    order = await paid(shop, await shop.sell())
    made = await refund(shop, order)
    assert (made.status, made.amount_minor) == ("succeeded", 1999)
    assert (await shop.order_now(order)).status == "REFUNDED"


async def test_a_part_leaves_the_order_confirmed_until_all_is_refunded(shop: World) -> None:
    order = await paid(shop, await shop.sell())
    await refund(shop, order, 999)
    assert (await shop.order_now(order)).status == "CONFIRMED"
    await refund(shop, order, 1000)
    assert (await shop.order_now(order)).status == "REFUNDED"


async def test_concurrent_refunds_never_exceed_what_was_paid(shop: World) -> None:
    order = await paid(shop, await shop.sell())
    results = await asyncio.gather(*(refund(shop, order, 800) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(result, Refund) for result in results) == 2
    assert sum(isinstance(result, RefundTooLarge) for result in results) == 3
    assert sum(state.amount for state in shop.stripe.refunds_made.values()) == 1600


async def test_restocking_puts_the_goods_back_once_with_all_that_is_left(shop: World) -> None:
    mug = await shop.sell(stock=5)
    order = await paid(shop, mug, 2)
    with pytest.raises(Invalid, match="items"):
        await refund(shop, order, 999, restock=True)
    await refund(shop, order, 999)
    assert (await shop.level(mug)).available == 3
    await refund(shop, order, 2999, restock=True)
    level = await shop.level(mug)
    assert (level.available, level.sold, level.received) == (5, 2, 7)


async def test_an_unpaid_order_has_nothing_to_refund(shop: World) -> None:
    order = await shop.place((await shop.sell(), 1))
    with pytest.raises(NotFound):
        await refund(shop, order)
    await shop.open(order)
    with pytest.raises(NotRefundable):
        await refund(shop, order)


async def test_an_answer_lost_after_the_effect_is_one_refund(shop: World) -> None:
    order = await paid(shop, await shop.sell())
    shop.stripe.faults["refund"] = ["after"]
    made = await refund(shop, order)
    assert made.status == "requested"
    await shop.later(MINUTE)
    assert refunded_minor(await shop.payment_now(order)) == 1999
    assert len(shop.stripe.refunds_made) == 1


async def test_a_saved_500_is_looked_into_before_another_refund_is_made(shop: World) -> None:
    order = await paid(shop, await shop.sell())
    shop.stripe.faults["refund"] = ["after", "saved"]
    await refund(shop, order)
    await shop.later(MINUTE)
    assert len(shop.stripe.refunds_made) == 1
    assert (await shop.order_now(order)).status == "REFUNDED"


async def test_a_saved_500_without_a_refund_is_asked_again_with_a_new_key(shop: World) -> None:
    order = await paid(shop, await shop.sell())
    shop.stripe.faults["refund"] = ["saved"]
    await refund(shop, order)
    await shop.later(HOUR)
    assert len(shop.stripe.refunds_made) == 1
    assert (await shop.order_now(order)).status == "REFUNDED"


async def test_a_refund_made_in_stripes_dashboard_is_taken_in(shop: World) -> None:
    order = await paid(shop, await shop.sell())
    intent_id = str((await shop.payment_now(order)).intent_id)
    made = shop.stripe.refund_at_stripe(intent_id, 1999)
    await shop.hook(shop.stripe.refund_event("created", made.id))
    assert (await shop.order_now(order)).status == "REFUNDED"
    assert (await shop.payment_now(order)).refunds[0].origin == "stripe"


async def test_a_dashboard_refund_whose_event_was_lost_is_found_by_reconciling(shop: World) -> None:
    order = await paid(shop, await shop.sell())
    shop.stripe.refund_at_stripe(str((await shop.payment_now(order)).intent_id), 500)
    assert len(found(await shop.reconciler.compare(fix=True))) == 1
    assert refunded_minor(await shop.payment_now(order)) == 500
    assert found(await shop.reconciler.compare(fix=True)) == []


async def test_a_refund_that_fails_later_brings_the_order_back(shop: World) -> None:
    order = await paid(shop, await shop.sell())
    made = await refund(shop, order)
    assert (await shop.order_now(order)).status == "REFUNDED"
    stripe_id = str(made.stripe_id)
    known = shop.stripe.refunds_made[stripe_id]
    shop.stripe.refunds_made[stripe_id] = type(known)(
        known.id, "failed", known.amount, known.currency, known.intent_id, known.metadata, "lost_or_stolen_card"
    )
    await shop.hook(shop.stripe.refund_event("failed", stripe_id))
    assert (await shop.order_now(order)).status == "CONFIRMED"
    payment = await shop.payment_now(order)
    assert (held_minor(payment), payment.refunds[0].failure) == (0, "lost_or_stolen_card")


async def test_one_that_stripe_refuses_is_failed_and_gives_its_amount_back(shop: World) -> None:
    order = await paid(shop, await shop.sell())
    shop.stripe.refund_at_stripe(str((await shop.payment_now(order)).intent_id), 1500)
    made = await refund(shop, order, 1000)
    assert made.status == "failed"
    assert "greater than" in str(made.failure)
    assert held_minor(await shop.payment_now(order)) == 1500, "what was refunded in the dashboard, and no more"


async def test_all_that_is_left_is_refunded_though_the_dashboard_was_faster(shop: World) -> None:
    order = await shop.place((await shop.sell(), 1))
    payment = await shop.open(order)
    await shop.order.cancel(order.id, BUYER)
    session_id = str(payment.session_id)
    shop.stripe.pay(session_id)  # late money, which is not wanted any more
    shop.stripe.refund_at_stripe(f"pi_{session_id}", 500)  # its event is lost
    await shop.hook(shop.stripe.session_event("completed", session_id))
    await shop.later(MINUTE)
    assert sorted(each.amount for each in shop.stripe.refunds_made.values()) == [500, 1499]
    assert refunded_minor(await shop.payment_now(order)) == 1999


async def test_a_dashboard_refund_that_is_told_before_the_payment_waits_for_it(shop: World) -> None:
    order = await shop.place((await shop.sell(), 1))
    session_id = str((await shop.open(order)).session_id)
    shop.stripe.pay(session_id)
    shop.stripe.refund_at_stripe(f"pi_{session_id}", 1999)
    charge = {"id": "ch_1", "object": "charge", "metadata": shop.stripe.sessions[session_id].metadata}
    await shop.hook(shop.stripe.event("charge.refunded", {**charge, "payment_intent": f"pi_{session_id}"}))
    await shop.hook(shop.stripe.session_event("completed", session_id))
    await shop.later(MINUTE)
    assert (await shop.order_now(order)).status == "REFUNDED"


async def test_a_refund_before_the_order_has_heard_of_the_payment_is_not_forgotten(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await shop.place((await shop.sell(), 1))
    payment = await shop.open(order)
    with monkeypatch.context() as broken:
        broken.setattr(shop.order, "set_status", unreachable)
        await shop.pay(payment)
        await refund(shop, order)
    await shop.later(MINUTE)
    assert (await shop.order_now(order)).status == "REFUNDED"


async def test_a_refund_while_the_order_revives_is_not_forgotten(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    order = await shop.place((await shop.sell(), 1))
    payment = await shop.open(order)
    await shop.later(TTL + MINUTE)
    with monkeypatch.context() as broken:
        broken.setattr(shop.inventory, "reserve", unreachable)
        await shop.pay(payment)
        assert (await shop.order_now(order)).stage is Stage.REVIVING
        await refund(shop, order)
    await shop.later(MINUTE)
    assert (await shop.order_now(order)).status == "REFUNDED"


async def unreachable(*_: object) -> None:
    raise Unavailable


async def test_two_processes_that_renew_the_key_of_one_refund_make_one(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await paid(shop, await shop.sell())
    look = shop.stripe.refunds

    async def look_while_another_process_does_the_same(intent_id: str) -> list[RefundState]:
        made = await look(intent_id)
        monkeypatch.setattr(shop.stripe, "refunds", look)
        current = await shop.payment.payments.save(await shop.payment_now(order))  # it takes the lease
        shop.stripe.faults["refund"] = ["saved"]
        step = await shop.refund_effects.carry_refund(current, current.effects[-1])
        assert step is not None
        await shop.payment.advance(current.id, step)
        return made

    monkeypatch.setattr(shop.stripe, "refunds", look_while_another_process_does_the_same)
    shop.stripe.faults["refund"] = ["saved"]
    await refund(shop, order, 500)
    await shop.later(MINUTE)
    assert [each.amount for each in shop.stripe.refunds_made.values()] == [500]


@pytest.mark.parametrize("origin", ["kassa", "stripe"])
@pytest.mark.parametrize(
    ("end", "status"), [("succeeded", "REFUNDED"), ("failed", "CONFIRMED"), ("canceled", "CONFIRMED")]
)
@pytest.mark.parametrize("arrival", list(itertools.permutations(("created", "updated", "failed"))))
async def test_events_of_a_refund_may_come_in_any_order(
    shop: World, arrival: tuple[str, ...], end: str, status: str, origin: str
) -> None:
    """Whoever made it. What was refunded can be refunded again if that refund came to nothing."""
    order = await paid(shop, await shop.sell())
    shop.stripe.refund_status = "pending"
    if origin == "kassa":
        made = (await refund(shop, order)).stripe_id
    else:
        made = shop.stripe.refund_at_stripe(str((await shop.payment_now(order)).intent_id), 1999).id
    bodies = {kind: shop.stripe.refund_event(kind, str(made)) for kind in arrival}
    await shop.hook(bodies[arrival[0]])
    known = shop.stripe.refunds_made[str(made)]
    shop.stripe.refunds_made[str(made)] = RefundState(
        known.id, end, known.amount, known.currency, known.intent_id, known.metadata, None
    )
    for kind in (*arrival[1:], *arrival):
        await shop.hook(bodies[kind])
    (seen,) = (await shop.payment_now(order)).refunds
    assert (seen.status, seen.origin) == (end, origin)
    assert (await shop.order_now(order)).status == status
    assert held_minor(await shop.payment_now(order)) == (1999 if end == "succeeded" else 0)

"""Money comes, does not come, comes late, comes in another amount: what becomes of the order."""

import asyncio

import pytest

from kassa.contracts.inventory import Line
from kassa.contracts.payment import StripeUnreachable
from kassa.kit.clock import DAY, HOUR, MINUTE, SECOND
from kassa.order.domain import Order, Reason
from kassa.payment.balance import refunded_minor
from kassa.payment.domain import Payment, Stage
from kassa.payment.inbox import InvalidSignature
from kassa.payment.processor import FeeState
from tests.trade.stripe_at_the_port import sign
from tests.trade.world import BUYER, TTL, World, found


async def opened(shop: World, product_id: str, quantity: int = 1) -> tuple[Order, Payment]:
    order = await shop.place((product_id, quantity))
    return order, await shop.open(order)


async def test_a_paid_session_confirms_the_order_and_sells_the_stock(shop: World) -> None:
    mug = await shop.sell(stock=5)
    order, payment = await opened(shop, mug, 2)
    await shop.pay(payment)
    assert (await shop.order_now(order)).status == "CONFIRMED"
    assert (await shop.payment_now(order)).stage is Stage.SUCCESS
    level = await shop.level(mug)
    assert (level.available, level.reserved, level.sold) == (3, 0, 2)


async def test_six_copies_of_one_event_have_one_effect(shop: World) -> None:
    mug = await shop.sell(stock=5)
    order, payment = await opened(shop, mug)
    shop.stripe.pay(str(payment.session_id))
    body = shop.stripe.session_event("completed", str(payment.session_id))
    await asyncio.gather(*(shop.inbox.receive(body, sign(body)) for _ in range(6)))
    await shop.settle()
    confirmed = await shop.order_now(order)
    assert [entry.to_state for entry in confirmed.audit] == ["PENDING", "CONFIRMED"]
    assert (await shop.level(mug)).sold == 1
    assert await shop.inbox.events.count({}) == 1


async def test_two_events_about_one_payment_have_one_effect(shop: World) -> None:
    mug = await shop.sell(stock=5)
    order, payment = await opened(shop, mug)
    await shop.pay(payment)
    await shop.hook(shop.stripe.session_event("completed", str(payment.session_id)))
    assert len((await shop.payment_now(order)).audit) == 3
    assert (await shop.level(mug)).sold == 1


async def test_an_event_that_comes_before_the_session_was_saved_finds_its_payment(shop: World) -> None:
    mug = await shop.sell(stock=5)
    order = await shop.place((mug, 1))
    shop.stripe.faults["open_session"] = ["after"]
    await asyncio.gather(shop.open(order), return_exceptions=True)
    shop.stripe.pay("cs_1")
    await shop.hook(shop.stripe.session_event("completed", "cs_1"))
    assert (await shop.order_now(order)).status == "CONFIRMED"


async def test_an_expired_event_after_the_payment_changes_nothing(shop: World) -> None:
    order, payment = await opened(shop, await shop.sell())
    await shop.pay(payment)
    await shop.hook(shop.stripe.session_event("expired", str(payment.session_id)))
    assert (await shop.order_now(order)).status == "CONFIRMED"


async def test_an_expired_session_cancels_the_order(shop: World) -> None:
    mug = await shop.sell(stock=5)
    order, payment = await opened(shop, mug)
    shop.stripe.put(str(payment.session_id), status="expired", url=None)
    await shop.hook(shop.stripe.session_event("expired", str(payment.session_id)))
    ended = await shop.order_now(order)
    assert (ended.status, ended.reason) == ("CANCELLED", Reason.EXPIRED)
    assert (await shop.level(mug)).available == 5


async def test_a_decline_ends_the_order_only_after_stripe_has_expired_the_session(shop: World) -> None:
    mug = await shop.sell(stock=5)
    order, payment = await opened(shop, mug)
    await shop.hook(shop.stripe.decline_event(str(payment.session_id)))
    ended = await shop.order_now(order)
    assert (ended.status, ended.reason) == ("CANCELLED", Reason.DECLINED)
    assert shop.stripe.sessions[str(payment.session_id)].status == "expired"
    assert (await shop.level(mug)).available == 5
    declined = await shop.payment_now(order)
    assert (declined.reason, declined.declines[0].code) == ("payment_declined", "insufficient_funds")


async def test_a_decline_that_is_followed_by_a_payment_confirms(shop: World) -> None:
    order, payment = await opened(shop, await shop.sell())
    body = shop.stripe.decline_event(str(payment.session_id))
    shop.stripe.pay(str(payment.session_id))
    await shop.hook(body)
    assert (await shop.order_now(order)).status == "CONFIRMED"


async def test_a_payment_that_slips_in_before_the_expiry_wins(shop: World) -> None:
    order, payment = await opened(shop, await shop.sell())
    session_id = str(payment.session_id)
    shop.stripe.faults["expire_session"] = ["before"]
    await shop.hook(shop.stripe.decline_event(session_id))
    assert (await shop.order_now(order)).status == "PENDING"
    shop.stripe.pay(session_id)
    await shop.later(MINUTE)
    assert (await shop.order_now(order)).status == "CONFIRMED"


async def test_a_patient_shop_lets_the_buyer_try_again(patient_shop: World) -> None:
    shop = patient_shop
    order, payment = await opened(shop, await shop.sell())
    await shop.hook(shop.stripe.decline_event(str(payment.session_id)))
    assert (await shop.order_now(order)).status == "PENDING"
    assert len((await shop.payment_now(order)).declines) == 1
    await shop.pay(payment)
    assert (await shop.order_now(order)).status == "CONFIRMED"


async def test_completed_but_unpaid_is_processing_and_suspends_the_deadline(shop: World) -> None:
    mug = await shop.sell(stock=5)
    order, payment = await opened(shop, mug)
    session_id = str(payment.session_id)
    shop.stripe.pay(session_id, payment_status="unpaid", intent_status="processing")
    await shop.hook(shop.stripe.session_event("completed", session_id))
    await shop.later(TTL + 10 * MINUTE)
    assert (await shop.order_now(order)).status == "PENDING"
    assert (await shop.level(mug)).reserved == 1
    shop.stripe.put(session_id, payment_status="paid", intent_status="succeeded")
    await shop.hook(shop.stripe.session_event("async_payment_succeeded", session_id))
    assert (await shop.order_now(order)).status == "CONFIRMED"


async def test_a_delayed_payment_that_fails_cancels_the_order(shop: World) -> None:
    mug = await shop.sell(stock=5)
    order, payment = await opened(shop, mug)
    session_id = str(payment.session_id)
    shop.stripe.pay(session_id, payment_status="unpaid", intent_status="processing")
    await shop.hook(shop.stripe.session_event("completed", session_id))
    shop.stripe.put(session_id, intent_status="requires_payment_method")
    await shop.hook(shop.stripe.session_event("async_payment_failed", session_id))
    ended = await shop.order_now(order)
    assert (ended.status, ended.reason) == ("CANCELLED", Reason.PAYMENT_FAILED)
    assert (await shop.level(mug)).available == 5


async def test_late_money_revives_the_order_while_there_is_stock(shop: World) -> None:
    mug = await shop.sell(stock=5)
    order, payment = await opened(shop, mug, 2)
    await shop.later(TTL + MINUTE)
    assert (await shop.order_now(order)).status == "CANCELLED"
    await shop.pay(payment)
    revived = await shop.order_now(order)
    assert (revived.status, revived.reason, revived.generation) == ("CONFIRMED", Reason.PAID_LATE, 2)
    level = await shop.level(mug)
    assert (level.available, level.sold) == (3, 2)


async def test_late_money_for_a_sold_out_order_is_refunded_once(shop: World) -> None:
    mug = await shop.sell(stock=1)
    order, payment = await opened(shop, mug)
    await shop.later(TTL + MINUTE)
    await shop.inventory.reserve("other.1", [Line(mug, 1)])
    await shop.pay(payment)
    await shop.pay(payment)
    ended = await shop.order_now(order)
    assert (ended.status, ended.reason) == ("CANCELLED", Reason.SOLD_OUT)
    assert [refund.amount for refund in shop.stripe.refunds_made.values()] == [1999]
    assert refunded_minor(await shop.payment_now(order)) == 1999
    await shop.inventory.release("other.1")


async def test_late_money_for_an_order_that_the_buyer_cancelled_is_refunded(shop: World) -> None:
    mug = await shop.sell(stock=5)
    order, payment = await opened(shop, mug)
    await shop.order.cancel(order.id, BUYER)
    await shop.settle()
    await shop.pay(payment)
    ended = await shop.order_now(order)
    assert (ended.status, ended.reason) == ("CANCELLED", Reason.CANCELLED_BY_BUYER)
    assert refunded_minor(await shop.payment_now(order)) == 1999
    assert (await shop.level(mug)).available == 5


@pytest.mark.parametrize("changes", [{"amount_total": 5}, {"currency": "eur"}], ids=["amount", "currency"])
async def test_another_amount_or_currency_never_confirms_and_goes_back(shop: World, changes: dict[str, object]) -> None:
    mug = await shop.sell(stock=5)
    order, payment = await opened(shop, mug)
    shop.stripe.pay(str(payment.session_id), **changes)
    await shop.hook(shop.stripe.session_event("completed", str(payment.session_id)))
    ended = await shop.order_now(order)
    assert (ended.status, ended.reason) == ("CANCELLED", Reason.AMOUNT_MISMATCH)
    taken = changes.get("amount_total", 1999)
    assert [refund.amount for refund in shop.stripe.refunds_made.values()] == [taken]
    assert (await shop.level(mug)).available == 5


async def test_a_lost_webhook_is_made_up_for_two_minutes_later(shop: World) -> None:
    order, payment = await opened(shop, await shop.sell())
    shop.stripe.pay(str(payment.session_id))
    await shop.later(MINUTE)
    assert (await shop.order_now(order)).status == "PENDING"
    await shop.later(2 * MINUTE)
    assert (await shop.order_now(order)).status == "CONFIRMED"


async def test_a_payment_made_between_the_look_ups_is_found_by_the_later_ones(shop: World) -> None:
    order, payment = await opened(shop, await shop.sell())
    await shop.later(3 * MINUTE)
    shop.stripe.pay(str(payment.session_id))
    await shop.later(13 * MINUTE)
    assert (await shop.order_now(order)).status == "CONFIRMED"


async def test_a_webhook_with_a_wrong_signature_stores_nothing(shop: World) -> None:
    body = shop.stripe.event("checkout.session.completed", {"id": "cs_1", "object": "checkout.session"})
    with pytest.raises(InvalidSignature):
        await shop.inbox.receive(body, "forged")
    assert await shop.inbox.events.count({}) == 0


async def test_events_of_others_and_of_other_kinds_are_stored_as_ignored(shop: World) -> None:
    await shop.hook(shop.stripe.event("customer.created", {"id": "cus_1", "object": "customer"}, "evt_a"))
    await shop.hook(
        shop.stripe.event("checkout.session.expired", {"id": "cs_x", "object": "checkout.session"}, "evt_b")
    )
    stored = await shop.inbox.events.many(["evt_a", "evt_b"])
    assert {event.status for event in stored} == {"ignored"}


async def test_an_event_whose_payment_is_not_known_yet_waits_for_it(shop: World) -> None:
    subject = {"id": "cs_9", "object": "checkout.session", "metadata": {"paymentId": "pay_unknown"}}
    await shop.hook(shop.stripe.event("checkout.session.completed", subject, "evt_early"))
    event = await shop.inbox.events.get("evt_early")
    assert event is not None
    assert (event.status, event.attempts) == ("parked", 1)
    await shop.later(MINUTE)
    again = await shop.inbox.events.get("evt_early")
    assert again is not None
    assert again.attempts > 1


async def test_while_stripe_is_down_events_wait_and_are_acted_on_when_it_is_back(shop: World) -> None:
    order, payment = await opened(shop, await shop.sell())
    shop.stripe.faults["session"] = ["before"] * 3
    await shop.pay(payment)
    assert (await shop.order_now(order)).status == "PENDING"
    await shop.later(MINUTE)
    assert (await shop.order_now(order)).status == "CONFIRMED"


async def test_missed_events_are_fetched_over_all_pages_and_acted_on(shop: World) -> None:
    orders = []
    for _ in range(5):
        order, payment = await opened(shop, await shop.sell())
        shop.stripe.pay(str(payment.session_id))
        shop.stripe.session_event("completed", str(payment.session_id))
        orders.append(order)
    missed = await shop.reconciler.fetch_missed_events()
    await shop.settle()
    assert len(missed.findings) == 5
    assert {(await shop.order_now(order)).status for order in orders} == {"CONFIRMED"}
    again = await shop.reconciler.fetch_missed_events()
    assert (again.looked_at, again.findings) == (5, [])


async def test_reconcile_tells_differences_and_mends_them_when_asked(shop: World) -> None:
    order, payment = await opened(shop, await shop.sell())
    shop.stripe.pay(str(payment.session_id))
    told = found(await shop.reconciler.compare(fix=False))
    assert [difference.is_mended for difference in told] == [False]
    assert (await shop.order_now(order)).status == "PENDING"
    mended = found(await shop.reconciler.compare(fix=True))
    assert [difference.is_mended for difference in mended] == [True]
    await shop.settle()
    assert (await shop.order_now(order)).status == "CONFIRMED"
    assert found(await shop.reconciler.compare(fix=False)) == []


async def test_replaying_a_stored_event_is_harmless(shop: World) -> None:
    mug = await shop.sell(stock=5)
    _, payment = await opened(shop, mug)
    await shop.pay(payment)
    event_id = shop.stripe.feed[-1]["id"]
    assert (await shop.inbox.replay(event_id)).status == "done"
    await shop.settle()
    assert (await shop.level(mug)).sold == 1


async def test_an_order_service_that_is_down_hears_of_the_payment_when_it_is_back(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, payment = await opened(shop, await shop.sell())

    async def down(*_: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(shop.order, "set_status", down)
    await shop.pay(payment)
    assert (await shop.order_now(order)).status == "PENDING"
    monkeypatch.undo()
    await shop.later(MINUTE)
    assert (await shop.order_now(order)).status == "CONFIRMED"


async def test_a_delay_of_days_makes_no_difference(shop: World) -> None:
    order, payment = await opened(shop, await shop.sell())
    body = shop.stripe.session_event("completed", str(payment.session_id))
    await shop.later(TTL + MINUTE)
    shop.clock.advance(3 * DAY + HOUR + SECOND)
    await shop.hook(body)
    assert (await shop.order_now(order)).status == "CANCELLED"


async def test_stripe_is_asked_for_its_fee_when_somebody_looks_and_once(shop: World) -> None:
    order = await shop.place((await shop.sell(), 1))
    payment = await shop.open(order)
    await shop.pay(payment)
    intent_id = str((await shop.payment_now(order)).intent_id)
    assert "fee" not in shop.stripe.calls
    assert await shop.payment.fees.of(intent_id) is None
    shop.stripe.fees[intent_id] = FeeState(88, 1911, "usd")
    for _ in range(2):
        assert await shop.payment.fees.of(intent_id) == FeeState(88, 1911, "usd")
    assert shop.stripe.calls.count("fee") == 2


async def test_the_fee_is_in_minor_units_of_the_currency_of_the_balance(shop: World) -> None:
    shop.stripe.fees = {"pi_1": FeeState(8_800, 191_100, "isk"), "pi_2": FeeState(88, 1911, "jpy")}
    assert await shop.payment.fees.of("pi_1") == FeeState(88, 1911, "isk")
    assert await shop.payment.fees.of("pi_2") == FeeState(88, 1911, "jpy")


async def test_a_fee_that_nobody_understands_is_not_shown(shop: World) -> None:
    shop.stripe.fees["pi_1"] = FeeState(1, 1, "xxx")
    with pytest.raises(StripeUnreachable):
        await shop.payment.fees.of("pi_1")

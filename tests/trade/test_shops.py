"""Two shops on one Stripe account: each knows its own, leaves the other's alone, and money of neither is shown."""

import json
from typing import Any

import pytest

from kassa.kit.clock import DAY, HOUR, MINUTE
from kassa.order.domain import Order
from kassa.payment.domain import Payment
from kassa.payment.store import StripeEvent
from tests.trade.test_attention import asked
from tests.trade.world import World, found

OLD_KASSA = {"orderId": "ord_x", "paymentId": "pay_x", "userId": "usr_x"}
OTHER_SHOP = OLD_KASSA | {"kassa_shop": "shop_other"}
OTHER_SHOP_AS_FIRST_WRITTEN = OLD_KASSA | {"shopId": "shop_other"}


async def opened(shop: World) -> tuple[Order, Payment]:
    order = await shop.place((await shop.sell(), 1))
    return order, await shop.open(order)


async def foreign(shop: World, metadata: dict[str, str], **changes: Any) -> str:
    """A session that somebody else has made at this account, and that was paid."""
    params: dict[str, Any] = {
        "metadata": metadata,
        "expires_at": shop.clock.now() // 1000 + 3600,
        "line_items": [{"quantity": 1, "price_data": {"currency": "usd", "unit_amount": 500}}],
    }
    session = await shop.stripe.open_session(params, f"somebody's {len(shop.stripe.sessions)}")
    shop.stripe.pay(session.id, **changes)
    return session.id


async def stored(shop: World, body: bytes) -> StripeEvent:
    """The event, after it came."""
    await shop.hook(body)
    event = await shop.inbox.events.get(json.loads(body)["id"])
    assert event is not None
    return event


async def told(shop: World) -> list[str]:
    """The sessions whose money no order knows, as an administrator gets them."""
    answer = (await asked(shop, "/payments/admin/unclaimed")).json()
    notices = (await asked(shop, "/payments/admin/attention")).json()["notices"]
    counts = [each["count"] for each in notices if each["kind"] == "unclaimed_money"]
    assert counts == ([answer["pagination"]["total"]] if answer["unclaimed"] else [])
    return [each["sessionId"] for each in answer["unclaimed"]]


async def differences(shop: World) -> list[str]:
    return [finding.subject for finding in found(await shop.reconciler.compare(fix=True))]


async def test_what_stripe_keeps_for_us_names_this_shop(shop: World) -> None:
    order, payment = await opened(shop)
    assert payment.params["metadata"]["kassa_shop"] == shop.shop_id
    assert payment.params["payment_intent_data"]["metadata"] == payment.params["metadata"]
    await shop.pay(payment)
    await shop.payment.refunding.refund_all(order.id, "late", "a test")
    await shop.settle()
    assert {each.metadata["kassa_shop"] for each in shop.stripe.refunds_made.values()} == {shop.shop_id}


@pytest.mark.parametrize("kind", ["completed", "expired"])
@pytest.mark.parametrize("metadata", [OTHER_SHOP, OTHER_SHOP_AS_FIRST_WRITTEN], ids=["now", "at first"])
async def test_another_shops_sessions_are_ignored_and_not_asked_about_again(
    shop: World, kind: str, metadata: dict[str, str]
) -> None:
    session_id = await foreign(shop, metadata)
    event = await stored(shop, shop.stripe.session_event(kind, session_id))
    assert (event.status, event.note, event.due_at) == ("ignored", "of another shop at this account (shop_other)", None)
    assert await told(shop) == []
    assert await differences(shop) == []


async def test_another_shops_refunds_and_disputes_are_ignored(shop: World) -> None:
    session_id = await foreign(shop, OTHER_SHOP)
    made = shop.stripe.refund_at_stripe(f"pi_{session_id}", 100)
    shop.stripe.dispute(session_id, "needs_response")
    for body in (shop.stripe.refund_event("created", made.id), shop.stripe.dispute_event("created")):
        event = await stored(shop, body)
        assert (event.status, event.note) == ("ignored", "of another shop at this account (shop_other)")
    assert await differences(shop) == []


async def test_a_copy_of_our_data_with_an_id_of_its_own_leaves_our_sessions_alone(shop: World) -> None:
    order, payment = await opened(shop)
    shop.payment.shop_id = "shop_staging"
    await shop.pay(payment)
    assert (await shop.order_now(order)).status == "PENDING"


@pytest.mark.parametrize("kind", ["completed", "expired"])
async def test_a_known_payment_from_before_shops_had_ids_is_ours(shop: World, kind: str) -> None:
    order, payment = await opened(shop)
    session_id = str(payment.session_id)
    shop.stripe.put(session_id, metadata={k: v for k, v in payment.params["metadata"].items() if k != "kassa_shop"})
    if kind == "completed":
        shop.stripe.pay(session_id)
    else:
        shop.stripe.put(session_id, status="expired", url=None)
    assert (await stored(shop, shop.stripe.session_event(kind, session_id))).status == "done"
    assert (await shop.order_now(order)).status == ("CONFIRMED" if kind == "completed" else "CANCELLED")


@pytest.mark.parametrize("names_shop", [True, False], ids=["ours", "no shop"])
async def test_an_unknown_payment_is_waited_for_a_while_and_then_its_money_is_shown(
    shop: World, names_shop: bool
) -> None:
    metadata = OLD_KASSA | ({"kassa_shop": shop.shop_id} if names_shop else {})
    session_id = await foreign(shop, metadata)
    body = shop.stripe.session_event("completed", session_id)
    assert (await stored(shop, body)).status == "parked"
    await shop.later(HOUR)
    event = await shop.inbox.events.get(json.loads(body)["id"])
    assert event is not None
    assert (event.status, event.note, event.due_at) == ("ignored", "of no payment that this shop knows", None)
    assert await told(shop) == [session_id]
    await shop.unclaimed.dismiss(session_id, "usr_admin")


async def test_a_paid_session_that_carries_nothing_of_ours_is_shown_until_it_is_refunded(shop: World) -> None:
    session_id = await foreign(shop, {})
    event = await stored(shop, shop.stripe.session_event("completed", session_id))
    assert (event.status, event.due_at) == ("ignored", None)
    assert await told(shop) == [session_id]
    assert [(each.invariant, each.subject) for each in await shop.audit()] == [("I2: money has an order", session_id)]
    assert await differences(shop) == [session_id]
    made = shop.stripe.refund_at_stripe(f"pi_{session_id}", 200)
    await shop.hook(shop.stripe.refund_event("created", made.id))
    assert await told(shop) == [session_id]
    made = shop.stripe.refund_at_stripe(f"pi_{session_id}", 300)
    await shop.hook(shop.stripe.refund_event("created", made.id))
    assert await told(shop) == []
    assert await differences(shop) == []


async def test_what_was_first_written_as_shopid_is_ours_still(shop: World) -> None:
    order, payment = await opened(shop)
    metadata = payment.params["metadata"] | {"shopId": payment.params["metadata"]["kassa_shop"]}
    del metadata["kassa_shop"]
    shop.stripe.put(str(payment.session_id), metadata=metadata)
    await shop.pay(payment)
    assert (await shop.order_now(order)).status == "CONFIRMED"


@pytest.mark.parametrize(
    "metadata",
    [{"shopId": "7"}, {"shopId": "shop_7", "orderId": "7"}, {"paymentId": "7"}, {"shopId": "7", "paymentId": "7"}],
)
async def test_another_programs_words_are_not_taken_for_a_kassas(shop: World, metadata: dict[str, str]) -> None:
    session_id = await foreign(shop, metadata)
    event = await stored(shop, shop.stripe.session_event("completed", session_id))
    assert (event.status, event.note) == ("ignored", "of no payment that this shop knows")
    (money,) = (await asked(shop, "/payments/admin/unclaimed")).json()["unclaimed"]
    assert (money["sessionId"], money["orderId"]) == (session_id, "")
    await shop.unclaimed.dismiss(session_id, "usr_admin")
    session_id = await foreign(shop, metadata, created=1_000_000_000)
    await shop.hook(shop.stripe.session_event("completed", session_id))
    assert await told(shop) == []


async def test_lost_events_are_made_up_for_by_reconciling(shop: World) -> None:
    session_id = await foreign(shop, {})
    assert await differences(shop) == [session_id]
    assert await told(shop) == [session_id]
    shop.stripe.refund_at_stripe(f"pi_{session_id}", 500)
    assert await differences(shop) == []
    assert await told(shop) == []


async def test_an_operator_says_that_it_is_not_this_shops(shop: World) -> None:
    session_id = await foreign(shop, {})
    await shop.hook(shop.stripe.session_event("completed", session_id))
    path = f"/payments/admin/unclaimed/{session_id}/dismiss"
    assert (await asked(shop, path, "user", "POST")).status_code == 403
    for _ in range(2):
        answer = (await asked(shop, path, method="POST")).json()
        assert answer["unclaimed"]["status"] == "dismissed"
        assert answer["unclaimed"]["amountMinor"] == 500
    assert await told(shop) == []
    assert await differences(shop) == []
    assert (await asked(shop, "/payments/admin/unclaimed/cs_x/dismiss", method="POST")).status_code == 404
    assert (await asked(shop, "/payments/admin/unclaimed?status=x")).status_code == 422


@pytest.mark.parametrize(
    "changes",
    [
        {"mode": "subscription"},
        {"payment_status": "no_payment_required"},
        {"payment_status": "unpaid"},
        {"amount_total": 0},
        {"created": 1_000_000_000},
    ],
)
async def test_what_was_never_meant_for_a_shop_is_not_shown(shop: World, changes: dict[str, Any]) -> None:
    session_id = await foreign(shop, {}, **changes)
    await shop.hook(shop.stripe.session_event("completed", session_id))
    assert await told(shop) == []
    assert await differences(shop) == []


async def test_a_busy_neighbour_does_not_drown_an_operator(shop: World) -> None:
    for _ in range(25):
        await foreign(shop, {})
    compared = await shop.reconciler.compare(fix=True)
    subjects = [finding.subject for finding in found(compared)]
    assert (len(subjects), subjects[-1]) == (21, "5 more")
    notices = (await asked(shop, "/payments/admin/attention")).json()["notices"]
    assert [(each["kind"], each["count"]) for each in notices] == [("unclaimed_money", 25)]
    assert len(await shop.audit()) == 21
    for session_id in shop.stripe.sessions:
        await shop.unclaimed.dismiss(session_id, "usr_admin")


async def test_the_audit_of_a_shop_with_neighbours_is_quiet(shop: World) -> None:
    await foreign(shop, OTHER_SHOP)
    shop.clock.advance(DAY + MINUTE)
    assert await differences(shop) == []
    assert await shop.audit() == []

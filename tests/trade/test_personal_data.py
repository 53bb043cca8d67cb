"""What Stripe tells of a buyer is not stored, and what is stored of a buyer is told and forgotten."""

import json
from typing import Any

import msgspec
import pytest

from kassa.contracts.order import OrderRecord
from kassa.kit.clock import MINUTE
from kassa.kit.ids import REFUND
from kassa.kit.problem import Invalid
from kassa.payment.events import read_event, to_store
from kassa.payment.personal import SLIMMED, forget_old_bodies
from kassa.payment.store import StripeEvent
from tests.trade.world import BUYER, OTHER, World

CANARY = "canarybird"
PERSON = {"email": f"{CANARY}@buyer.example", "name": CANARY, "address": {"line1": CANARY}}
OURS = {"kassa_shop": "shop_1", "orderId": "ord_1", "paymentId": "pay_1", "refundId": "rfd_1", "shopId": "shop_1"}
ERROR = {"code": "card_declined", "decline_code": "lost_card", "message": "No.", "charge": "ch_1"}


def snapshot(subject: dict[str, Any], **more: Any) -> str:
    head = {"id": "evt_1", "object": "event", "type": "charge.refunded", "created": 1_767_268_800, "livemode": False}
    return json.dumps({**head, **more, "data": {"object": {**subject, "customer_details": PERSON}}})


BODIES = {
    "a session": snapshot({"id": "cs_1", "object": "checkout.session", "payment_intent": "pi_1", "metadata": OURS}),
    "an expanded intent": snapshot({"id": "re_1", "object": "refund", "payment_intent": {"id": "pi_1", **PERSON}}),
    "an intent": snapshot({"id": "pi_1", "object": "payment_intent", "last_payment_error": {**ERROR, **PERSON}}),
    "metadata of others": snapshot({"id": "ch_1", "object": "charge", "metadata": {"note": CANARY, **OURS}}),
    "not as we know it": snapshot({"id": "ch_1", "object": "charge", "metadata": [PERSON]}),
    "of an account": snapshot({"id": "ch_1", "object": "charge"}, account="acct_1"),
    "of a context": snapshot({"id": "ch_1", "object": "charge"}, context="org_1/acct_1"),
    "thin": json.dumps(
        {
            "id": "evt_1", "object": "v2.core.event", "type": "v1.charge.refunded", "livemode": True,
            "created": "2026-01-01T12:00:00.500Z", "context": "org_1/acct_1", "data": PERSON,
            "related_object": {"id": "ch_1", "type": "charge", "url": f"/v1/{CANARY}"},
        }
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_what_is_stored_of_an_event_reads_as_the_event_and_names_nobody(name: str) -> None:
    event = read_event(BODIES[name])
    kept = to_store(event)
    assert CANARY in BODIES[name]
    assert CANARY not in kept
    again = read_event(kept)
    assert again.object.intent_id == event.object.intent_id
    metadata = {key: value for key, value in (event.object.metadata or {}).items() if key in OURS}
    assert (again.object.metadata or {}) == metadata
    alike = {"payment_intent": None, "metadata": None}
    assert msgspec.structs.replace(again.object, **alike) == msgspec.structs.replace(event.object, **alike)
    assert msgspec.structs.replace(again, object=event.object) == event
    assert to_store(again) == kept


async def old_event(shop: World, number: int, payment_id: str = "") -> StripeEvent:
    """An event as earlier versions stored it."""
    whole = StripeEvent(
        id=f"evt_old{number}", sequence=shop.ids.new("in"), type="charge.refunded", object_id="ch_1", status="done",
        payment_id=payment_id, body=BODIES["metadata of others"], created_at=0, received_at=0,
    )  # fmt: skip
    return await shop.inbox.events.insert(whole)


async def test_events_that_were_stored_whole_are_gone_through_once(shop: World) -> None:
    for number in range(SLIMMED + 1):
        await old_event(shop, number)
    store = shop.stores[2]
    for left in (1, 0):
        await forget_old_bodies(store)
        bodies = [event.body for event in await store.events.find({}, limit=1000)]
        assert sum(CANARY in body for body in bodies) == left
    assert all(read_event(body).object.id == "ch_1" for body in bodies)


async def test_what_is_unpaid_is_cancelled_and_what_is_paid_names_nobody(shop: World) -> None:
    mug = await shop.sell(stock=10)
    paid, unpaid, others = await shop.place((mug, 1)), await shop.place((mug, 2)), await shop.place((mug, 1), who=OTHER)
    payment = await shop.open(paid)
    await shop.pay(payment)
    await shop.open(unpaid)
    refund = await shop.payment.refunding.refund(paid.id, shop.ids.new(REFUND), 500, CANARY, who="usr_admin")
    await shop.settle()
    await old_event(shop, 1, payment.id)
    for _ in range(2):
        await shop.order.erase_of(BUYER.id)
        await shop.settle()
    assert [(await shop.order_now(each)).status for each in (paid, unpaid, others)] == [
        "CONFIRMED",
        "CANCELLED",
        "PENDING",
    ]
    now = await shop.payment_now(paid)
    assert [(each.id, each.amount_minor, each.reason) for each in now.refunds] == [(refund.id, 500, "")]
    assert now.session_url is None
    stored = [now, await shop.order_now(paid), *await shop.inbox.events.find({}, limit=100)]
    assert CANARY not in msgspec.json.encode(stored).decode()
    assert (await shop.level(mug)).available == 8


async def test_an_order_that_stripe_cannot_be_asked_about_is_cancelled_later(shop: World) -> None:
    unpaid = await shop.place((await shop.sell(), 1))
    await shop.open(unpaid)
    shop.stripe.faults["expire_session"] = ["before"]
    await shop.order.erase_of(BUYER.id)
    assert (await shop.order_now(unpaid)).status == "PENDING"
    await shop.later(MINUTE)
    assert (await shop.order_now(unpaid)).status == "CANCELLED"


async def test_all_orders_are_told_page_by_page(shop: World) -> None:
    mug = await shop.sell(stock=100)
    orders = [await shop.place((mug, 1)) for _ in range(23)]
    await shop.place((mug, 1), who=OTHER)
    await shop.pay(await shop.open(orders[0]))
    told: list[OrderRecord] = []
    after = None
    while after != "":
        page = await shop.order.records_of(BUYER.id, after or "")
        told += page.records
        after = page.after
    assert [each.order["id"] for each in told] == [order.id for order in orders]
    assert told[0].payment is not None
    payment = await shop.payment_now(orders[0])
    assert told[0].payment.at_stripe == [payment.session_id, payment.intent_id]
    assert told[1].payment is None
    assert told[0].timeline[-1]["text"] == "The order is paid."


async def test_who_has_an_order_is_told(shop: World) -> None:
    await shop.place((await shop.sell(), 1))
    assert await shop.order.buyers_among([OTHER.id, BUYER.id]) == [BUYER.id]
    with pytest.raises(Invalid):
        await shop.order.buyers_among([BUYER.id] * 501)

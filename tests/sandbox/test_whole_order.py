"""A session with all that a shop can ask for at once, by both of the official SDK's ways, up to its events."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import stripe

from tests.sandbox.annotations import annotation_faults
from tests.sandbox.shapes import faults_of
from tests.sandbox.test_taxes import BERLIN, EMPTY, line, post
from tests.sandbox.world import Json, World, until

COUPON: Json = {
    "id": "kassa_ord_1",
    "amount_off": 1000,
    "currency": "eur",
    "duration": "once",
    "max_redemptions": 1,
    "name": "Spring",
    "metadata": {"order": "ord_1"},
}
SESSION: Json = {
    "mode": "payment",
    "success_url": "http://127.0.0.1:1/return",
    "line_items": [line(5000, "exclusive", "eur"), line(2999, "exclusive", "eur")],
    "discounts": [{"coupon": "kassa_ord_1"}],
    "shipping_options": post(490, "exclusive", "eur"),
    "customer_email": "buyer@example.com",
    "billing_address_collection": "auto",
    "shipping_address_collection": {"allowed_countries": ["DE"]},
    "phone_number_collection": {"enabled": True},
    "custom_text": {"submit": {"message": "We ship on Monday."}},
    "automatic_tax": {"enabled": True},
    "metadata": {"order": "ord_1"},
    "payment_intent_data": {"metadata": {"payment": "pay_1"}, "receipt_email": "buyer@example.com"},
}


async def made(world: World, is_async: bool) -> Any:
    """The coupon and its session, made twice with the same keys: nothing is made twice."""
    keys: list[Any] = [{"idempotency_key": "coupon"}, {"idempotency_key": "session"}]
    coupon: Any = COUPON
    given: Any = SESSION
    if is_async:
        api = world.stripe.v1
        for _ in range(2):
            await api.coupons.create_async(coupon, keys[0])
            session = await api.checkout.sessions.create_async(given, keys[1])
        return session
    client = stripe.StripeClient("sk_test_kassa", base_addresses={"api": world.sandbox.url})
    for _ in range(2):
        await asyncio.to_thread(client.v1.coupons.create, coupon, keys[0])
        session = await asyncio.to_thread(client.v1.checkout.sessions.create, given, keys[1])
    return session


@pytest.mark.parametrize("is_async", [True, False])
async def test_coupon_shipping_tax_and_address_go_together(world: World, is_async: bool) -> None:
    session = await made(world, is_async)
    assert (session.amount_subtotal, session.amount_total) == (7999, 7999 - 1000 + 490)
    assert session.automatic_tax.status == "requires_location_inputs"
    buyer: Json = {"shipping": {"name": "Ada Lovelace", "address": BERLIN}, "phone": "+49301234567"}
    assert (await world.pay(session.id, **buyer))["outcome"] == "succeeded"
    await until(lambda: world.receiver.of("checkout.session.completed"))
    (event,) = world.receiver.of("checkout.session.completed")
    told = event["data"]["object"]
    assert (faults_of(told), annotation_faults(told)) == ([], [])
    # 5000 - 625 and 2999 - 375, at 19 %: 831 and 499; shipping: 93.
    assert told["total_details"] == {"amount_discount": 1000, "amount_shipping": 490, "amount_tax": 831 + 499 + 93}
    assert (told["amount_subtotal"], told["amount_total"]) == (7999, 7999 - 1000 + 490 + 1423)
    assert told["discounts"] == [{"coupon": "kassa_ord_1", "promotion_code": None}]
    assert (told["automatic_tax"]["status"], told["payment_status"]) == ("complete", "paid")
    details = told["customer_details"]
    assert (details["email"], details["name"], details["phone"]) == (
        "buyer@example.com",
        "Ada Lovelace",
        "+49301234567",
    )
    assert details["address"] == {**EMPTY, **BERLIN}
    assert told["collected_information"]["shipping_details"]["address"] == {**EMPTY, **BERLIN}
    intent = await world.stripe.v1.payment_intents.retrieve_async(told["payment_intent"], {"expand": ["latest_charge"]})
    charge: Any = intent.latest_charge
    assert intent.amount == intent.amount_received == charge.amount == told["amount_total"]
    assert (charge.receipt_email, charge.shipping.phone) == ("buyer@example.com", "+49301234567")
    assert charge.metadata.to_dict() == {"payment": "pay_1"}
    coupon = await world.stripe.v1.coupons.retrieve_async("kassa_ord_1")
    assert (coupon.times_redeemed, coupon.valid) == (1, False)
    rate = await world.stripe.v1.shipping_rates.retrieve_async(told["shipping_cost"]["shipping_rate"])
    assert rate.display_name == "Post"
    refund = await world.stripe.v1.refunds.create_async({"payment_intent": intent.id})
    assert (refund.amount, refund.status) == (told["amount_total"], "succeeded")


async def test_what_is_kept_survives_a_restart(world: World) -> None:
    session = await made(world, is_async=True)
    port = int(world.sandbox.url.rpartition(":")[2])
    await world.sandbox.stop()
    await world.sandbox.start(port=port)
    assert (await world.pay(session.id, shipping={"name": "Ada", "address": BERLIN}))["session"]["amount_total"] == 8912
    assert not (await world.stripe.v1.coupons.retrieve_async("kassa_ord_1")).valid

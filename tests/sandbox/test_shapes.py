"""Every object and event is what Stripe would have answered."""

from __future__ import annotations

import contextlib
from typing import Any

import stripe

from kassa.sandbox.cards import CARDS
from tests.sandbox.annotations import annotation_faults
from tests.sandbox.shapes import faults_of
from tests.sandbox.world import Json, World, session_params

LISTS = (
    "checkout/sessions", "payment_intents", "charges", "refunds", "disputes", "events", "webhook_endpoints",
    "balance_transactions", "products", "prices", "customers", "payment_methods", "radar/early_fraud_warnings",
    "test_helpers/test_clocks", "coupons", "shipping_rates", "tax_rates",
)  # fmt: skip


async def listed(world: World, name: str) -> list[Json]:
    """All objects of a list, page by page."""
    found: list[Json] = []
    while True:
        after = f"&starting_after={found[-1]['id']}" if found else ""
        status, page = await world.raw("GET", f"/v1/{name}?limit=100{after}")
        assert status == 200, page
        found += page["data"]
        if not page["has_more"]:
            return found


async def play_everything(world: World) -> None:
    """Each card, with all that follows from it."""
    for card in CARDS.values():
        session = await world.open_session(customer_email="ada@example.com", allowed_payment_method_types=["card"])
        paid = await world.pay(session.id, card.number, name="Ada Lovelace")
        if card.is_challenged:
            assert faults_of(await one(world, f"payment_intents/{paid['session']['payment_intent']}")) == []
            paid = await world.pay(session.id, card.number, outcome_3ds="fail")
            paid = await world.pay(session.id, card.number, outcome_3ds="complete")
        if paid["outcome"] != "succeeded":
            await world.stripe.v1.checkout.sessions.expire_async(session.id)
        elif card.after != "dispute":
            intent = paid["session"]["payment_intent"]
            given: Json = {"payment_intent": intent, "amount": 700, "reason": "duplicate", "metadata": {"a": "b"}}
            refund = await world.stripe.v1.refunds.create_async(given)  # type: ignore[arg-type]
            await world.stripe.v1.refunds.update_async(refund.id, {"metadata": {"c": "d"}})
    await world.advance(10)
    for number, dispute in enumerate((await world.stripe.v1.disputes.list_async()).data):
        await world.control("POST", f"disputes/{dispute.id}/close", {"status": ["won", "lost"][number % 2]})


async def play_by_api(world: World) -> None:
    """What programs do without the card page."""
    api = world.stripe.v1
    product = await api.products.create_async({"name": "Mug", "metadata": {"a": "b"}, "url": "https://shop.test/mug"})
    price = await api.prices.create_async({"product": product.id, "currency": "usd", "unit_amount": 500})
    await api.prices.create_async(
        {"product": product.id, "currency": "usd", "unit_amount": 500, "recurring": {"interval": "month"}}
    )
    await api.products.update_async(product.id, {"default_price": price.id})
    address: Any = {"line1": "1 Main St", "city": "Wien", "country": "AT", "postal_code": "1010"}
    ada: Json = {"name": "Ada", "email": "ada@example.com", "address": address}
    shipping: Any = {"name": "Ada", "address": address}
    given: Any = {**ada, "shipping": shipping, "payment_method": "pm_card_visa"}
    customer = await api.customers.create_async(given)
    bank: Any = {"type": "sepa_debit", "sepa_debit": {"iban": "AT861904300235473202"}, "billing_details": ada}
    await api.payment_methods.create_async(bank)
    for name in (card.name for card in CARDS.values() if card.name):
        given = {"amount": 500, "currency": "usd", "customer": customer.id, "shipping": shipping}
        with contextlib.suppress(stripe.CardError):
            given |= {"payment_method": f"pm_card_{name}", "confirm": True}
            await api.payment_intents.create_async(given)
    line: Any = {"price": price.id, "quantity": 2}
    await world.open_session(line_items=[line], customer=customer.id)
    late = await world.open_session()
    await world.control("POST", f"sessions/{late.id}/expire")
    await world.pay(late.id, late=True)
    now = int((await world.control("GET", "state"))["now"])
    clock = await api.test_helpers.test_clocks.create_async({"frozen_time": now, "name": "a day"})
    await api.test_helpers.test_clocks.advance_async(clock.id, {"frozen_time": now + 86_400})
    listed_disputes = (await api.disputes.list_async()).data
    for dispute in [each for each in listed_disputes if each.status.endswith("needs_response")]:
        await api.disputes.update_async(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})


async def play_extras(world: World) -> None:
    """What a session has besides its lines."""
    api = world.stripe.v1
    await api.coupons.create_async({"percent_off": 12.5, "name": "Spring", "max_redemptions": 9})
    coupon = await api.coupons.create_async({"amount_off": 500, "currency": "usd", "metadata": {"a": "b"}})
    await api.coupons.update_async(coupon.id, {"name": "Five off"})
    estimate: Any = {"minimum": {"unit": "day", "value": 1}}
    rate: Any = {"display_name": "Post", "fixed_amount": {"amount": 490, "currency": "usd"}, "type": "fixed_amount"}
    given: Any = {
        "discounts": [{"coupon": coupon.id}],
        "shipping_options": [{"shipping_rate_data": {**rate, "delivery_estimate": estimate}}],
        "custom_text": {"submit": {"message": "We ship on Monday."}},
    }
    us: Any = {"line1": "1 Main St", "city": "Fresno", "country": "US", "state": "CA", "postal_code": "93650"}
    vat = await api.tax_rates.create_async({"display_name": "VAT", "percentage": 19, "inclusive": False})
    await api.tax_rates.update_async(vat.id, {"description": "of the shop"})
    own = {**session_params()["line_items"][0], "tax_rates": [vat.id]}
    opened = await world.open_session(line_items=[own])
    expand = "expand[]=line_items.data.taxes&expand[]=total_details.breakdown"
    taxed = await one(world, f"checkout/sessions/{opened.id}?{expand}")
    assert (annotation_faults(taxed), faults_of(taxed)) == ([], [])
    asking: Any = {
        "automatic_tax": {"enabled": True},
        "shipping_address_collection": {"allowed_countries": ["US"]},
        "billing_address_collection": "required",
        "phone_number_collection": {"enabled": True},
    }
    given |= asking
    await world.open_session(**given)
    paid, free = await world.open_session(**given), await world.open_session(500, discounts=given["discounts"])
    await world.pay(paid.id, shipping={"name": "Ada", "address": us}, address=us, phone="+15555550199")
    await world.pay(free.id)
    names = (
        "shipping_cost.taxes",
        "total_details.breakdown",
        "line_items.data.discounts",
        "line_items.data.taxes",
        "shipping_cost.shipping_rate",
    )
    session = await one(world, f"checkout/sessions/{paid.id}?" + "&".join(f"expand[]={name}" for name in names))
    assert session["line_items"]["data"][0]["discounts"][0]["amount"] == 500
    assert (annotation_faults(session), faults_of(_unexpanded(session))) == ([], [])
    await api.coupons.delete_async(coupon.id)


def _unexpanded(session: Json) -> Json:
    """Stripe's schemas do not know what the expanded rate is."""
    cost = {**session["shipping_cost"], "shipping_rate": session["shipping_cost"]["shipping_rate"]["id"]}
    return {**session, "shipping_cost": cost}


async def one(world: World, path: str) -> Json:
    status, found = await world.raw("GET", f"/v1/{path}")
    assert status == 200, found
    return found


async def test_all_objects_and_events_validate_against_stripes_schemas(world: World) -> None:
    await play_everything(world)
    await play_by_api(world)
    await play_extras(world)
    counted = dict.fromkeys(LISTS, 0)
    for name in LISTS:
        for value in await listed(world, name):
            assert faults_of(value) == [], value["id"]
            assert annotation_faults(value) == [], value["id"]
            counted[name] += 1
    assert all(counted.values()), counted
    assert sum(counted.values()) > 450


def test_the_annotations_find_what_is_wrong() -> None:
    """The checker itself: a missing key, an unknown one, a wrong type, wherever they are."""
    good: Json = {"id": "txn_1", "object": "balance_transaction", **dict.fromkeys(("amount", "fee", "net"), 1)}
    good |= {"available_on": 1, "balance_type": "payments", "created": 1, "currency": "usd", "fee_details": []}
    good |= {"reporting_category": "charge", "status": "pending", "type": "charge"}
    assert annotation_faults(good) == []
    assert annotation_faults({**good, "colour": "red"}) == ["balance_transaction.colour is unknown"]
    assert len(annotation_faults({**good, "fee": "1"})) == 1
    assert len(annotation_faults({**good, "fee_details": [{"amount": 1}]})) == 2
    assert len(annotation_faults({name: value for name, value in good.items() if name != "net"})) == 1
    assert len(annotation_faults({**good, "source": {"id": "cus_1", "object": "customer"}})) == 1


async def test_expanded_objects_validate_too(world: World) -> None:
    charge = await world.charge("4000000000005126")
    await world.stripe.v1.refunds.create_async({"charge": charge.id})
    session_id = (await listed(world, "checkout/sessions"))[0]["id"]
    expand = "expand[]=payment_intent.latest_charge.refunds&expand[]=line_items"
    session = await one(world, f"checkout/sessions/{session_id}?{expand}")
    assert annotation_faults(session) == []
    assert session["payment_intent"]["latest_charge"]["refunds"]["data"][0]["amount"] == 1999
    assert faults_of(session) == []
    items = await one(world, f"checkout/sessions/{session_id}/line_items")
    assert [faults_of(item) for item in items["data"]] == [[]]
    method = await one(world, f"payment_methods/{charge.payment_method}")
    assert faults_of(method) == []
    money = await one(world, f"balance_transactions/{charge.balance_transaction}?expand[]=source")
    assert (money["fee"], money["net"]) == (88, 1911)
    assert faults_of(money) == []


async def test_errors_have_stripes_shape(world: World) -> None:
    _, refused = await world.raw("GET", "/v1/charges/ch_none")
    assert refused["error"] == {
        "code": "resource_missing",
        "doc_url": "https://stripe.com/docs/error-codes/resource-missing",
        "message": "No such charge: 'ch_none'",
        "param": "id",
        "type": "invalid_request_error",
    }


async def test_a_deleted_list_cursor_and_a_wrong_limit_are_refused(world: World) -> None:
    assert (await world.raw("GET", "/v1/charges?starting_after=ch_none"))[0] == 404
    for limit in ("0", "101", "x"):
        assert (await world.raw("GET", f"/v1/charges?limit={limit}"))[0] == 400
    assert (await world.raw("GET", "/v1/charges?colour=red"))[1]["error"]["code"] == "parameter_unknown"

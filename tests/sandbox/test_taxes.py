"""Automatic tax and what the buyer is asked for, through the official SDK and the control API."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.test_sessions import refusal
from tests.sandbox.world import Json, World, session_params, until

BERLIN: Json = {"line1": "Unter den Linden 1", "city": "Berlin", "country": "DE", "postal_code": "10117"}
FRESNO: Json = {"line1": "1 Main St", "city": "Fresno", "country": "US", "state": "CA", "postal_code": "93650"}
EMPTY: Json = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
TAX: Json = {"automatic_tax": {"enabled": True}}
TO_DE: Json = {"shipping_address_collection": {"allowed_countries": ["DE", "US"]}}


def line(amount: int, behavior: str = "exclusive", currency: str = "usd", tax_code: str = "") -> Json:
    given: Json = session_params(amount, currency)["line_items"][0]
    given["price_data"]["tax_behavior"] = behavior
    if tax_code:
        given["price_data"]["product_data"]["tax_code"] = tax_code
    return given


def post(amount: int, behavior: str = "exclusive", currency: str = "usd") -> list[Json]:
    fixed = {"amount": amount, "currency": currency}
    return [{"shipping_rate_data": {"display_name": "Post", "fixed_amount": fixed, "tax_behavior": behavior}}]


async def pay(world: World, session_id: str, **given: Any) -> Any:
    """Pay by control API; the session as the SDK shows it afterwards."""
    assert (await world.pay(session_id, **given))["outcome"] == "succeeded"
    return await world.session(session_id, "payment_intent", "line_items", "total_details.breakdown")


async def test_tax_is_unknown_until_the_buyer_says_where_they_are(world: World) -> None:
    session = await world.open_session(line_items=[line(10_000)], **TAX)
    assert session.automatic_tax.to_dict() == {
        "enabled": True,
        "liability": {"type": "self"},
        "provider": "stripe",
        "status": "requires_location_inputs",
    }
    assert (session.amount_total, session.total_details.amount_tax) == (10_000, 0)
    paid = await pay(world, session.id, address=BERLIN)
    assert paid.automatic_tax.status == "complete"
    assert (paid.amount_subtotal, paid.amount_total, paid.total_details.amount_tax) == (10_000, 11_900, 1900)
    assert (paid.payment_intent.amount, paid.payment_intent.amount_received) == (11_900, 11_900)
    assert paid.customer_details.address.to_dict() == {**EMPTY, **BERLIN}
    (item,) = paid.line_items.data
    assert (item.amount_subtotal, item.amount_tax, item.amount_total) == (10_000, 1900, 11_900)
    await until(lambda: world.receiver.of("checkout.session.completed"))
    told = world.receiver.of("checkout.session.completed")[0]["data"]["object"]
    assert (told["amount_total"], told["total_details"]["amount_tax"]) == (11_900, 1900)


@pytest.mark.parametrize(
    ("behavior", "total", "tax", "taxable"),
    [("exclusive", 11_900, 1900, 10_000), ("inclusive", 10_000, 1597, 8403), ("unspecified", 11_900, 1900, 10_000)],
)
async def test_tax_is_on_top_or_contained(world: World, behavior: str, total: int, tax: int, taxable: int) -> None:
    session = await world.open_session(line_items=[line(10_000, behavior)], **TAX)
    paid = await pay(world, session.id, address=BERLIN)
    assert (paid.amount_total, paid.total_details.amount_tax) == (total, tax)
    (part,) = paid.total_details.breakdown.taxes
    assert (part.amount, part.taxable_amount, part.taxability_reason) == (tax, taxable, "standard_rated")
    assert (part.rate.percentage, part.rate.country, part.rate.tax_type) == (19.0, "DE", "vat")
    assert part.rate.inclusive == (behavior == "inclusive")
    assert (await world.stripe.v1.tax_rates.retrieve_async(part.rate.id)).to_dict() == part.rate.to_dict()


async def test_an_unspecified_behavior_is_that_of_the_currency_or_the_account_or_refused(world: World) -> None:
    in_euros = await world.open_session(line_items=[line(10_000, "unspecified", "eur")], **TAX)
    assert (await pay(world, in_euros.id, address=BERLIN)).amount_total == 10_000
    await world.control("POST", "account", {"tax_behavior": "exclusive"})
    told = await world.open_session(line_items=[line(10_000, "unspecified", "eur")], **TAX)
    assert (await pay(world, told.id, address=BERLIN)).amount_total == 11_900
    await world.control("POST", "account", {"tax_behavior": None})
    problem = await refusal(world, line_items=[line(10_000), line(10_000, "unspecified")], **TAX)
    assert problem.param == "line_items[1]"
    problem = await refusal(world, line_items=[line(10_000)], shipping_options=post(500, "unspecified"), **TAX)
    assert problem.param == "shipping_options[0]"


async def test_discount_comes_before_tax_and_shipping_is_taxed(world: World) -> None:
    await world.stripe.v1.coupons.create_async({"id": "TEN", "amount_off": 1000, "currency": "usd"})
    given: Json = {"discounts": [{"coupon": "TEN"}], "shipping_options": post(500), **TAX}
    lines = [line(3000), line(1000, "inclusive")]
    session = await world.open_session(line_items=lines, **given)
    assert (session.amount_total, session.total_details.amount_tax) == (3500, 0)
    paid = await pay(world, session.id, address=BERLIN)
    items = [(each.amount_discount, each.amount_tax, each.amount_total) for each in paid.line_items.data]
    assert items == [(750, 428, 2678), (250, 120, 750)]
    assert paid.shipping_cost.to_dict() == {
        "amount_subtotal": 500,
        "amount_tax": 95,
        "amount_total": 595,
        "shipping_rate": session.shipping_cost.shipping_rate,
    }
    assert paid.amount_total == 4000 - 1000 + 500 + 428 + 95 == 2678 + 750 + 595
    assert paid.total_details.amount_tax == 428 + 120 + 95
    assert sorted(part.amount for part in paid.total_details.breakdown.taxes) == [120, 523]


async def test_the_rates_are_those_that_the_account_was_told(world: World) -> None:
    for address, total in ((FRESNO, 10_725), ({**FRESNO, "state": "OR"}, 10_000), ({"country": "FR"}, 10_000)):
        session = await world.open_session(line_items=[line(10_000)], **TAX)
        paid = await pay(world, session.id, address=address)
        assert (paid.amount_total, paid.automatic_tax.status) == (total, "complete")
        (part,) = paid.total_details.breakdown.taxes
        reason = "standard_rated" if total > 10_000 else "not_collecting"
        assert (part.taxability_reason, part.taxable_amount) == (reason, 10_000 if total > 10_000 else 0)
    await world.control("POST", "account", {"tax_rates": {"FR": 20, "US": 1, "US-CA": 2.5}})
    for address, total in (
        ({"country": "FR"}, 12_000),
        (FRESNO, 10_250),
        ({"country": "US"}, 10_100),
        (BERLIN, 10_000),
    ):
        session = await world.open_session(line_items=[line(10_000)], **TAX)
        assert (await pay(world, session.id, address=address)).amount_total == total


@pytest.mark.parametrize("rates", [{"Germany": 19}, {"DE": 101}, {"DE": -1}, {"DE": "19"}, {"us-ca": 7}, [19]])
async def test_a_rate_that_makes_no_sense_is_refused(world: World, rates: object) -> None:
    url = f"{world.sandbox.url}/sandbox/account"
    async with world.http.post(url, json={"tax_rates": rates}) as answer:
        assert answer.status == 400


async def test_what_is_not_taxable_is_not_taxed(world: World) -> None:
    session = await world.open_session(line_items=[line(1000), line(1000, tax_code="txcd_00000000")], **TAX)
    paid = await pay(world, session.id, address=BERLIN)
    assert [item.amount_tax for item in paid.line_items.data] == [190, 0]
    reasons = {part.taxability_reason: part.amount for part in paid.total_details.breakdown.taxes}
    assert reasons == {"standard_rated": 190, "product_exempt": 0}


@pytest.mark.parametrize(
    ("currency", "amount", "tax"), [("jpy", 999, 190), ("kwd", 12_350, 2350), ("isk", 77_700, 14_800)]
)
async def test_tax_is_rounded_to_what_the_currency_has(world: World, currency: str, amount: int, tax: int) -> None:
    session = await world.open_session(line_items=[line(amount, currency=currency)], **TAX)
    paid = await pay(world, session.id, address=BERLIN)
    assert (paid.total_details.amount_tax, paid.amount_total) == (tax, amount + tax)


async def test_a_customers_address_settles_the_tax_when_the_session_is_made(world: World) -> None:
    customers = world.stripe.v1.customers
    given: Any = {"email": "ada@example.com", "address": BERLIN}
    ada = await customers.create_async(given)
    session = await world.open_session(line_items=[line(10_000)], customer=ada.id, **TAX)
    assert (session.amount_total, session.automatic_tax.status) == (11_900, "complete")
    assert (await pay(world, session.id)).amount_total == 11_900
    for exemption, reason in (("exempt", "customer_exempt"), ("reverse", "reverse_charge")):
        await customers.update_async(ada.id, {"tax_exempt": exemption})
        session = await world.open_session(line_items=[line(10_000)], customer=ada.id, **TAX)
        paid = await pay(world, session.id)
        assert (paid.amount_total, paid.customer_details.tax_exempt) == (10_000, exemption)
        assert paid.total_details.breakdown.taxes[0].taxability_reason == reason
    bob = await customers.create_async({"email": "bob@example.com"})
    problem = await refusal(world, line_items=[line(10_000)], customer=bob.id, **TAX)
    assert (problem.code, problem.param) == ("customer_tax_location_invalid", None)


async def test_a_shipping_address_is_collected_and_taxed_and_goes_to_the_payment(world: World) -> None:
    session = await world.open_session(line_items=[line(10_000)], **TAX, **TO_DE)
    assert session.shipping_address_collection.allowed_countries == ["DE", "US"]
    assert session.collected_information is None
    paid = await pay(world, session.id, shipping={"name": "Ada", "address": BERLIN}, address=FRESNO, name="A. L.")
    assert paid.amount_total == 11_900
    where = {"address": {**EMPTY, **BERLIN}, "name": "Ada"}
    assert paid.collected_information.shipping_details.to_dict() == where
    assert paid.payment_intent.shipping.to_dict() == {**where, "carrier": None, "phone": None, "tracking_number": None}
    assert paid.customer_details.address.to_dict() == {**EMPTY, **FRESNO}
    assert paid.customer_details.name == "A. L."


async def test_what_a_program_leaves_open_is_made_up(world: World) -> None:
    given: Json = {"billing_address_collection": "required", "phone_number_collection": {"enabled": True}}
    session = await world.open_session(**given, **TAX, **TO_DE)
    paid = await pay(world, session.id)
    assert paid.collected_information.shipping_details.address.country == "US"
    assert (paid.customer_details.address.state, paid.customer_details.phone) == ("CA", "+15555550123")
    assert paid.collected_information.shipping_details.name == "Test Buyer"
    plain = await pay(world, (await world.open_session()).id, address=BERLIN, email="ada@example.com", phone="1")
    assert plain.customer_details.address.to_dict() == {**EMPTY, **BERLIN}
    assert (plain.customer_details.email, plain.customer_details.phone) == ("ada@example.com", None)
    assert plain.collected_information is None


async def test_another_shipping_option_is_chosen_by_its_rate(world: World) -> None:
    session = await world.open_session(1000, shipping_options=post(500) + post(900), **TO_DE)
    chosen = session.shipping_options[1].shipping_rate
    assert (await world.pay(session.id, "4000000000000002"))["session"]["amount_total"] == 1500
    paid = await pay(world, session.id, shipping_rate=chosen)
    assert (paid.amount_total, paid.shipping_cost.shipping_rate) == (1900, chosen)
    assert (paid.payment_intent.amount, paid.payment_intent.amount_received) == (1900, 1900)


@pytest.mark.parametrize(
    "given",
    [
        {"shipping": {"name": "Ada", "address": {**BERLIN, "country": "AT"}}},
        {"address": {**BERLIN, "country": "AT"}},
        {"address": {**BERLIN, "country": "Germany"}},
        {"address": {"street": "Main"}},
        {"address": "Berlin"},
        {"shipping": "Berlin"},
        {"phone": 5},
        {"shipping_rate": "shr_none"},
    ],
)
async def test_an_address_that_is_none_or_is_not_delivered_to_is_refused(world: World, given: Json) -> None:
    session = await world.open_session(shipping_options=post(500), **TO_DE)
    url = f"{world.sandbox.url}/sandbox/sessions/{session.id}/pay"
    async with world.http.post(url, json={"card": "4242424242424242", **given}) as answer:
        assert answer.status == 400
    assert (await world.session(session.id)).status == "open"
    assert await world.types() == []


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"automatic_tax": {"enabled": "perhaps"}}, "automatic_tax[enabled]"),
        ({"automatic_tax": {"enabled": True, "liability": {"type": "self"}}}, "automatic_tax[liability]"),
        (
            {"shipping_address_collection": {"allowed_countries": ["DE", "KP"]}},
            "shipping_address_collection[allowed_countries][1]",
        ),
        ({"billing_address_collection": "never"}, "billing_address_collection"),
        ({"phone_number_collection": {"enabled": "perhaps"}}, "phone_number_collection[enabled]"),
    ],
)
async def test_what_cannot_be_asked_is_refused(world: World, changes: Json, param: str) -> None:
    assert (await refusal(world, **changes)).param == param


async def test_a_bank_debit_pays_the_tax_too(world: World) -> None:
    session = await world.open_session(line_items=[line(10_000)], **TAX)
    given = {"method": "bank", "address": BERLIN}
    done = await world.control("POST", f"sessions/{session.id}/pay", given)
    assert (done["outcome"], done["session"]["amount_total"]) == ("processing", 11_900)
    settled = await world.control("POST", f"sessions/{session.id}/settle", {"outcome": "succeed"})
    charge = (await world.stripe.v1.charges.list_async({"payment_intent": settled["payment_intent"]})).data[0]
    assert (settled["payment_status"], charge.amount) == ("paid", 11_900)


async def test_3d_secure_asks_for_the_taxed_total(world: World) -> None:
    session = await world.open_session(line_items=[line(10_000)], **TAX)
    paid = await world.pay(session.id, "4000002760003184", address=BERLIN, outcome_3ds="complete")
    assert (paid["outcome"], paid["session"]["amount_total"]) == ("succeeded", 11_900)
    assert (await world.stripe.v1.charges.list_async()).data[0].amount == 11_900


async def test_stripes_command_line_pays_where_the_payment_method_says(world: World) -> None:
    session = await world.open_session(line_items=[line(10_000)], **TAX)
    billing: Any = {"type": "card", "card": {"token": "tok_visa"}, "billing_details": {"address": BERLIN}}
    method = await world.stripe.v1.payment_methods.create_async(billing)
    status, paid = await world.raw("POST", f"/v1/payment_pages/{session.id}/confirm", f"payment_method={method.id}")
    assert (status, paid["amount_total"], paid["customer_details"]["address"]["country"]) == (200, 11_900, "DE")

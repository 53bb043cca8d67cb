"""The card page of sessions that are more than their lines, as a browser without JavaScript uses it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.sandbox.test_card_page import GOOD, error_of, get, post
from tests.sandbox.test_shipping import COURIER, POST
from tests.sandbox.test_taxes import TAX, TO_DE, line
from tests.sandbox.world import Json, World

BERLIN = {
    "shippingName": "Ada Lovelace",
    "shippingCountry": "DE",
    "shippingAddressLine1": "Unter den Linden 1",
    "shippingAddressLine2": "",
    "shippingPostalCode": "10117",
    "shippingLocality": "Berlin",
    "shippingAdministrativeArea": "",
}
CARD = {name: GOOD[name] for name in ("cardNumber", "expiry", "cvc")}
EMAIL: Json = {"customer_email": "buyer@example.com"}
OPTIONS: Json = {"shipping_options": [{"shipping_rate_data": POST}, {"shipping_rate_data": COURIER}]}


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))


def shown_in(page: str) -> str:
    found = re.search(r'name="shown" value="(\d+)"', page)
    assert found
    return found[1]


async def test_the_page_shows_how_the_total_comes_about(world: World) -> None:
    await world.stripe.v1.coupons.create_async({"id": "TEN", "percent_off": 12.5, "name": "<Spring>"})
    given: Any = {"discounts": [{"coupon": "TEN"}], "shipping_options": [{"shipping_rate_data": POST}], **EMAIL}
    texts: Any = {"submit": {"message": "We ship on Monday."}, "after_submit": {"message": "Thank you."}}
    session = await world.open_session(2000, **given, custom_text=texts)
    status, page = await get(world, session.url)
    assert status == 200
    told = text_of(page)
    assert "Subtotal $20.00 &lt;Spring&gt; 12.5% off −$2.50 Shipping Post $4.90 Total $22.40" in told
    assert "We ship on Monday." in told
    assert "Thank you." in told
    assert '<span id="email">buyer@example.com</span>' in page
    assert 'name="email"' not in page
    assert 'name="shown"' not in page
    assert "shippingRate" not in page
    assert (await post(world, session.url, GOOD))[0].status == 303
    paid = await world.session(session.id)
    assert (paid.amount_total, paid.customer_details.email) == (2240, "buyer@example.com")


async def test_a_new_total_is_shown_before_it_is_paid(world: World) -> None:
    session = await world.open_session(line_items=[line(10_000)], **TAX, **TO_DE, **OPTIONS)
    _, page = await get(world, session.url)
    assert "Tax enter your address" in text_of(page)
    assert shown_in(page) == "10490"
    typed = {**CARD, **BERLIN, "shippingRate": session.shipping_options[1].shipping_rate, "email": "ada@example.com"}
    response, page = await post(world, session.url, {**typed, "shown": shown_in(page)})
    assert response.status == 200
    assert "The total has changed" in page
    assert "VAT 19% $21.85 Total $136.85" in text_of(page)
    assert 'value="Unter den Linden 1"' in page
    assert await world.types() == []
    response, _ = await post(world, session.url, {**typed, "shown": shown_in(page)})
    assert response.status == 303
    paid = await world.session(session.id, "payment_intent")
    assert (paid.amount_total, paid.payment_intent.amount_received) == (13_685, 13_685)
    assert (paid.customer_details.email, paid.customer_details.name) == ("ada@example.com", "Ada Lovelace")
    assert paid.payment_intent.shipping.address.city == "Berlin"


async def test_the_total_can_be_asked_for_while_the_address_is_half_typed(world: World) -> None:
    session = await world.open_session(line_items=[line(10_000)], **TAX, **TO_DE)
    half = {"do": "update", "shown": "10000", "shippingCountry": "US", "cardNumber": "4242"}
    _, page = await post(world, session.url, half)
    assert "Tax enter your address" in text_of(page)
    _, page = await post(world, session.url, {**half, "shippingAdministrativeArea": "ca"})
    assert "Sales Tax 7.25% $7.25 Total $107.25" in text_of(page)
    assert shown_in(page) == "10725"
    _, page = await get(world, session.url)  # What was typed is still there, but for the card.
    assert '<option value="US" selected>' in page
    assert 'value="ca"' in page
    assert "4242 4242 4242 4242" in page  # Of the list of test cards.
    assert 'value="4242"' not in page
    quoted = await world.session(session.id)
    assert (quoted.status, quoted.amount_total, quoted.automatic_tax.status) == ("open", 10_725, "complete")
    assert quoted.collected_information is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shippingName": ""}, "Enter the name of the recipient."),
        ({"shippingCountry": ""}, "Choose a country."),
        ({"shippingCountry": "AT"}, "Choose a country."),
        ({"shippingAddressLine1": " "}, "Enter the street and number."),
        ({"shippingLocality": ""}, "Enter the city."),
        ({"shippingCountry": "US"}, "Enter the state or province, such as CA."),
        ({"phoneNumber": ""}, "Enter your phone number."),
        ({"email": "ada@"}, "Enter an e-mail address, such as name@example.com."),
        ({"shippingLocality": "x" * 201}, "This is too long."),
        ({"billingSame": "", "billingCountry": "DE", "billingAddressLine1": "1"}, "Enter the city."),
    ],
)
async def test_what_lacks_is_said_and_nothing_is_charged(world: World, changes: dict[str, str], message: str) -> None:
    phone: Any = {"phone_number_collection": {"enabled": True}, "billing_address_collection": "required"}
    session = await world.open_session(1000, **TO_DE, **phone)
    typed = {**CARD, **BERLIN, "phoneNumber": "+49 30 1", "billingSame": "yes", "shown": "1000", **changes}
    response, page = await post(world, session.url, typed)
    assert response.status == 422
    assert error_of(page) == message
    assert 'aria-invalid="true"' in page
    assert await world.types() == []
    assert (await world.session(session.id)).collected_information is None


async def test_a_form_that_leaves_out_what_is_asked_pays_nothing(world: World) -> None:
    session = await world.open_session(1000, **TO_DE)
    response, page = await post(world, session.url, CARD)
    assert (response.status, error_of(page)) == (422, "Please check the marked fields.")
    response, page = await post(world, session.url, {**CARD, **BERLIN})  # It does not tell which total it shows.
    assert response.status == 200
    assert "The total has changed" in page
    assert await world.types() == []


async def test_a_billing_address_of_its_own_is_kept(world: World) -> None:
    session = await world.open_session(1000, billing_address_collection="required", **TO_DE)
    _, page = await get(world, session.url)
    assert 'name="billingSame" value="yes" checked' in page
    vienna = {"billingCountry": "AT", "billingAddressLine1": "Ring 1", "billingLocality": "Wien"}
    response, _ = await post(world, session.url, {**CARD, **BERLIN, **vienna, "name": "A. L.", "shown": "1000"})
    assert response.status == 303
    paid = await world.session(session.id)
    assert (paid.customer_details.address.city, paid.customer_details.name) == ("Wien", "A. L.")
    assert paid.collected_information.shipping_details.address.city == "Berlin"


async def test_bank_and_decline_and_3d_secure_work_with_an_address(world: World) -> None:
    session = await world.open_session(1000, **TO_DE)
    typed = {**CARD, **BERLIN, "shown": "1000"}
    response, page = await post(world, session.url, {**typed, "cardNumber": "4000000000000002"})
    assert response.status == 402
    assert 'value="Ada Lovelace"' in page
    response, _ = await post(world, session.url, {**typed, "cardNumber": "4000002760003184"})
    question = world.sandbox.url + response.headers["Location"]
    assert (await post(world, question, {"answer": "complete"}))[0].status == 303
    assert (await world.session(session.id)).collected_information.shipping_details.name == "Ada Lovelace"
    by_bank = await world.open_session(1000, **TO_DE)
    assert (await post(world, by_bank.url, {**BERLIN, "method": "bank", "shown": "1000", "shippingName": ""}))[
        0
    ].status == 422
    assert (await post(world, by_bank.url, {**BERLIN, "method": "bank", "shown": "1000"}))[0].status == 303
    assert (await world.session(by_bank.id)).payment_status == "unpaid"


async def test_what_costs_nothing_needs_no_card(world: World) -> None:
    await world.stripe.v1.coupons.create_async({"id": "ALL", "percent_off": 100})
    session = await world.open_session(1000, discounts=[{"coupon": "ALL"}], **EMAIL)
    _, page = await get(world, session.url)
    assert "There is nothing to pay" in page
    assert "cardNumber" not in page
    assert (await post(world, session.url, {}))[0].status == 303
    assert (await world.session(session.id)).payment_status == "no_payment_required"
    assert "This order is complete" in (await get(world, session.url))[1]


async def test_a_coupon_that_was_used_up_meanwhile_is_said(world: World) -> None:
    await world.stripe.v1.coupons.create_async({"id": "ONE", "percent_off": 10, "max_redemptions": 1})
    one, two = [await world.open_session(discounts=[{"coupon": "ONE"}]) for _ in range(2)]
    await world.pay(one.id)
    response, page = await post(world, two.url, GOOD)
    assert (response.status, error_of(page)) == (422, "Coupon ONE is used up and cannot be applied.")


@pytest.mark.parametrize(
    ("estimate", "told"),
    [
        ({"minimum": {"unit": "day", "value": 2}, "maximum": {"unit": "day", "value": 5}}, "2 to 5 days"),
        ({"minimum": {"unit": "day", "value": 1}, "maximum": {"unit": "day", "value": 1}}, "1 day"),
        ({"minimum": {"unit": "hour", "value": 12}, "maximum": {"unit": "day", "value": 2}}, "12 hours to 2 days"),
        ({"minimum": {"unit": "week", "value": 1}}, "at least 1 week"),
        ({"maximum": {"unit": "business_day", "value": 3}}, "up to 3 business days"),
    ],
)
async def test_how_long_it_takes_is_told(world: World, estimate: Json, told: str) -> None:
    options = [{"shipping_rate_data": {**COURIER, "delivery_estimate": estimate}}, {"shipping_rate_data": POST}]
    page = (await get(world, (await world.open_session(shipping_options=options)).url))[1]
    assert f"<small>{told}</small>" in page

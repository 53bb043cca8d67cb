"""Shipping options and rates through the official SDK."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox.test_sessions import refusal
from tests.sandbox.world import Json, World, session_params

POST: Json = {
    "type": "fixed_amount",
    "fixed_amount": {"amount": 490, "currency": "usd"},
    "display_name": "Post",
    "metadata": {"way": "post"},
    "delivery_estimate": {"minimum": {"unit": "business_day", "value": 2}, "maximum": {"unit": "day", "value": 5}},
}
COURIER: Json = {"fixed_amount": {"amount": 1500, "currency": "usd"}, "display_name": "Courier"}


def option(**changes: Any) -> list[Json]:
    return [{"shipping_rate_data": {**POST, **changes}}]


async def test_the_first_option_is_chosen_and_paid(world: World) -> None:
    options = [{"shipping_rate_data": POST}, {"shipping_rate_data": COURIER}]
    session = await world.open_session(1999, shipping_options=options)
    rates = [each.shipping_rate for each in session.shipping_options]
    assert [each.shipping_amount for each in session.shipping_options] == [490, 1500]
    assert session.shipping_cost.to_dict() == {
        "amount_subtotal": 490,
        "amount_tax": 0,
        "amount_total": 490,
        "shipping_rate": rates[0],
    }
    assert (session.amount_subtotal, session.amount_total, session.total_details.amount_shipping) == (1999, 2489, 490)
    paid = (await world.pay(session.id))["session"]
    intent = await world.stripe.v1.payment_intents.retrieve_async(paid["payment_intent"])
    assert (paid["amount_total"], intent.amount_received) == (2489, 2489)


async def test_a_described_rate_can_be_looked_up_and_expanded(world: World) -> None:
    expand = ["shipping_cost.shipping_rate", "shipping_options.shipping_rate"]
    session = await world.open_session(shipping_options=option(tax_behavior="exclusive"), expand=expand)
    rate: Any = await world.stripe.v1.shipping_rates.retrieve_async(session.shipping_cost.shipping_rate.id)
    assert (rate.display_name, rate.fixed_amount.amount, rate.fixed_amount.currency) == ("Post", 490, "usd")
    assert (rate.type, rate.tax_behavior, rate.metadata.to_dict()) == ("fixed_amount", "exclusive", {"way": "post"})
    assert rate.delivery_estimate.to_dict() == POST["delivery_estimate"]
    assert session.shipping_options[0].shipping_rate.to_dict() == rate.to_dict()


async def test_a_rate_is_made_named_changed_and_archived(world: World) -> None:
    rates = world.stripe.v1.shipping_rates
    rate = await rates.create_async(POST)  # type: ignore[arg-type]
    session = await world.open_session(shipping_options=[{"shipping_rate": rate.id}])
    assert session.amount_total == 1999 + 490
    changed = await rates.update_async(
        rate.id, {"active": False, "metadata": {"way": "", "a": "b"}, "tax_behavior": "inclusive"}
    )
    assert (changed.active, changed.metadata.to_dict(), changed.tax_behavior) == (False, {"a": "b"}, "inclusive")
    assert [each.id for each in (await rates.list_async({"active": False, "currency": "usd"})).data] == [rate.id]
    assert (await rates.list_async({"currency": "eur"})).data == []
    problem = await refusal(world, shipping_options=[{"shipping_rate": rate.id}])
    assert problem.param == "shipping_options[0][shipping_rate]"
    with pytest.raises(stripe.InvalidRequestError, match="cannot be changed"):
        await rates.update_async(rate.id, {"tax_behavior": "exclusive"})


async def test_discount_and_shipping_go_together_and_shipping_is_not_discounted(world: World) -> None:
    await world.stripe.v1.coupons.create_async({"id": "ALL", "percent_off": 100})
    given: Any = {"discounts": [{"coupon": "ALL"}], "shipping_options": option()}
    session = await world.open_session(1999, **given)
    assert (session.amount_subtotal, session.amount_total) == (1999, 490)
    assert session.total_details.to_dict() == {"amount_discount": 1999, "amount_shipping": 490, "amount_tax": 0}


RATE = "shipping_options[0][shipping_rate_data]"


@pytest.mark.parametrize(
    ("options", "param"),
    [
        (option(fixed_amount=""), f"{RATE}[fixed_amount]"),
        (option(fixed_amount={"currency": "usd"}), f"{RATE}[fixed_amount][amount]"),
        (option(fixed_amount={"amount": -1, "currency": "usd"}), f"{RATE}[fixed_amount][amount]"),
        (option(fixed_amount={"amount": 500, "currency": "eur"}), "shipping_options[0]"),
        (option(display_name=""), f"{RATE}[display_name]"),
        (option(display_name="x" * 101), f"{RATE}[display_name]"),
        (option(type="weight"), f"{RATE}[type]"),
        (option(tax_behavior="never"), f"{RATE}[tax_behavior]"),
        (option(delivery_estimate={"minimum": {"unit": "day"}}), f"{RATE}[delivery_estimate][minimum][value]"),
        (option(delivery_estimate={"maximum": {"value": 2}}), f"{RATE}[delivery_estimate][maximum][unit]"),
        (option(colour="red"), f"{RATE}[colour]"),
        ([{"shipping_rate": "shr_none"}], "shipping_options[0][shipping_rate]"),
        ([{"shipping_rate": "shr_1", "shipping_rate_data": POST}], "shipping_options[0][shipping_rate]"),
        (option() * 6, "shipping_options"),
    ],
)
async def test_an_option_that_cannot_be_offered_is_refused(world: World, options: list[Json], param: str) -> None:
    assert (await refusal(world, shipping_options=options)).param == param
    assert (await world.stripe.v1.shipping_rates.list_async()).data == []


@pytest.mark.parametrize(("currency", "amount"), [("jpy", 500), ("kwd", 1250), ("isk", 70_000)])
async def test_shipping_is_in_the_currency_of_the_session(world: World, currency: str, amount: int) -> None:
    given = session_params(amount, currency)
    options = option(fixed_amount={"amount": amount, "currency": currency.upper()})
    session = await world.open_session(line_items=given["line_items"], shipping_options=options)
    assert session.amount_total == 2 * amount


async def test_texts_of_the_shop_are_kept(world: World) -> None:
    texts: Any = {"submit": {"message": "We ship on Monday."}, "shipping_address": {"message": "No boxes."}}
    session = await world.open_session(custom_text=texts)
    kept = session.custom_text.to_dict()
    assert kept == {**texts, "after_submit": None, "terms_of_service_acceptance": None}
    assert (await refusal(world, custom_text={"submit": {"message": "x" * 1201}})).param == (
        "custom_text[submit][message]"
    )

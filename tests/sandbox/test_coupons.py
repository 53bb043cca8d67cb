"""Coupons through the official SDK: made, applied, counted, refused in time."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
import stripe

from tests.sandbox.test_sessions import refusal
from tests.sandbox.world import Json, World, session_params, until


async def make(world: World, **changes: Any) -> Any:
    given: Any = {"id": "TEN", "amount_off": 1000, "currency": "usd", "duration": "once", **changes}
    given = {name: value for name, value in given.items() if value != ""}
    return await world.stripe.v1.coupons.create_async(given)


async def wrong(world: World, **changes: Any) -> stripe.InvalidRequestError:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await make(world, **changes)
    assert caught.value.http_status == 400
    return caught.value


def lines(*amounts: int, currency: str = "usd") -> list[Json]:
    return [line for amount in amounts for line in session_params(amount, currency)["line_items"]]


async def test_a_coupon_is_what_was_asked_for(world: World) -> None:
    coupon = await make(world, max_redemptions=1, name="Ten off", metadata={"order": "ord_1"})
    assert (coupon.id, coupon.amount_off, coupon.currency, coupon.percent_off) == ("TEN", 1000, "usd", None)
    assert (coupon.name, coupon.max_redemptions, coupon.times_redeemed, coupon.valid) == ("Ten off", 1, 0, True)
    assert coupon.metadata.to_dict() == {"order": "ord_1"}
    coupons = world.stripe.v1.coupons
    assert (await coupons.retrieve_async("TEN")).to_dict() == coupon.to_dict()
    assert [each.id for each in (await coupons.list_async()).data] == ["TEN"]
    changed: Any = await coupons.update_async("TEN", {"name": "Ten", "metadata": {"a": "b"}})
    assert (changed.name, changed.metadata.to_dict()) == ("Ten", {"order": "ord_1", "a": "b"})
    assert (await coupons.delete_async("TEN")).deleted
    with pytest.raises(stripe.InvalidRequestError, match="No such coupon: 'TEN'") as caught:
        await coupons.retrieve_async("TEN")
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
    assert await world.types() == ["coupon.created", "coupon.updated", "coupon.deleted"]


async def test_the_sdk_makes_one_without_asyncio_too(world: World) -> None:
    client = stripe.StripeClient("sk_test_kassa", base_addresses={"api": world.sandbox.url})
    made = await asyncio.to_thread(client.v1.coupons.create, {"percent_off": 12.5, "redeem_by": int(time.time()) + 60})
    assert (made.percent_off, made.amount_off, made.duration) == (12.5, None, "once")
    assert len(made.id) > 8
    session = await world.open_session(1000, discounts=[{"coupon": made.id}])
    assert (session.amount_subtotal, session.amount_total) == (1000, 875)


async def test_an_id_that_is_taken_is_refused_and_a_retry_is_not(world: World) -> None:
    given: Any = {"id": "TEN", "percent_off": 10}
    coupons = world.stripe.v1.coupons
    first = await coupons.create_async(given, {"idempotency_key": "one"})
    assert (await coupons.create_async(given, {"idempotency_key": "one"})).to_dict() == first.to_dict()
    with pytest.raises(stripe.InvalidRequestError, match=r"Coupon already exists\.") as caught:
        await coupons.create_async(given, {"idempotency_key": "two"})
    assert (caught.value.http_status, caught.value.code) == (400, "resource_already_exists")
    assert caught.value.param == "id"


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"amount_off": ""}, "parameter_missing", "percent_off"),
        ({"percent_off": 10}, None, "percent_off"),
        ({"amount_off": "", "percent_off": 10}, None, "currency"),
        ({"amount_off": "", "currency": "", "percent_off": 0}, None, "percent_off"),
        ({"amount_off": "", "currency": "", "percent_off": 100.01}, None, "percent_off"),
        ({"currency": ""}, "parameter_missing", "currency"),
        ({"currency": "xyz"}, None, "currency"),
        ({"currency": "isk", "amount_off": 150}, None, "amount_off"),
        ({"amount_off": 0}, "parameter_invalid_integer", "amount_off"),
        ({"max_redemptions": 0}, "parameter_invalid_integer", "max_redemptions"),
        ({"name": "x" * 41}, None, "name"),
        ({"redeem_by": 1}, None, "redeem_by"),
        ({"redeem_by": int(time.time()) + 6 * 366 * 86_400}, None, "redeem_by"),
        ({"duration": "repeating"}, "sandbox_unsupported", "duration"),
        ({"applies_to": {"products": ["prod_1"]}}, "sandbox_unsupported", "applies_to"),
        ({"colour": "red"}, "parameter_unknown", "colour"),
    ],
)
async def test_what_makes_no_coupon_is_refused(world: World, changes: Json, code: str | None, param: str) -> None:
    problem = await wrong(world, **changes)
    assert (problem.code, problem.param) == (code, param)
    assert (await world.stripe.v1.coupons.list_async()).data == []


async def test_an_amount_off_is_spread_over_the_lines_and_what_is_paid_is_less(world: World) -> None:
    await make(world, name="Ten off")
    session = await world.open_session(line_items=lines(3000, 1000, 999), discounts=[{"coupon": "TEN"}])
    assert (session.amount_subtotal, session.amount_total) == (4999, 3999)
    assert session.total_details.to_dict() == {"amount_discount": 1000, "amount_shipping": 0, "amount_tax": 0}
    assert [each.to_dict() for each in session.discounts] == [{"coupon": "TEN", "promotion_code": None}]
    items = (await world.stripe.v1.checkout.sessions.line_items.list_async(session.id)).data
    assert [(item.amount_subtotal, item.amount_discount, item.amount_total) for item in items] == [
        (3000, 600, 2400),
        (1000, 200, 800),
        (999, 200, 799),
    ]
    paid = (await world.pay(session.id))["session"]
    intent = await world.stripe.v1.payment_intents.retrieve_async(paid["payment_intent"])
    assert (intent.amount_received, paid["amount_total"], paid["amount_subtotal"]) == (3999, 3999, 4999)
    await until(lambda: world.receiver.of("checkout.session.completed"))
    told = world.receiver.of("checkout.session.completed")[0]["data"]["object"]
    assert (told["amount_total"], told["total_details"]["amount_discount"]) == (3999, 1000)


async def test_the_breakdown_is_told_to_who_expands_it(world: World) -> None:
    await make(world)
    expand = ["total_details.breakdown", "line_items.data.discounts", "line_items.data.taxes", "discounts.coupon"]
    given: Any = {"line_items": lines(3000, 1000), "discounts": [{"coupon": "TEN"}], "expand": expand}
    session = await world.open_session(**given)
    (whole,) = session.total_details.breakdown.discounts
    assert (whole.amount, whole.discount.source.coupon, whole.discount.checkout_session) == (1000, "TEN", session.id)
    assert [item.discounts[0].amount for item in session.line_items.data] == [750, 250]
    assert session.discounts[0].coupon.amount_off == 1000
    pages = world.stripe.v1.checkout.sessions.line_items
    listed: Any = await pages.list_async(session.id, {"expand": ["data.discounts"]})
    assert [item.discounts[0].amount for item in listed.data] == [750, 250]
    assert "taxes" not in listed.data[0]
    plain = await world.open_session(expand=["total_details.breakdown"])
    assert plain.total_details.breakdown.to_dict() == {"discounts": [], "taxes": []}


async def test_a_coupon_is_counted_when_its_session_completes_and_then_used_up(world: World) -> None:
    await make(world, max_redemptions=1)
    given: Any = {"discounts": [{"coupon": "TEN"}]}
    first, second = await world.open_session(**given), await world.open_session(**given)
    await world.pay(first.id, "4000000000000002")
    coupons = world.stripe.v1.coupons
    assert (await coupons.retrieve_async("TEN")).times_redeemed == 0
    assert (await world.pay(first.id))["outcome"] == "succeeded"
    coupon = await coupons.retrieve_async("TEN")
    assert (coupon.times_redeemed, coupon.valid) == (1, False)
    problem = await refusal(world, **given)
    assert (problem.code, problem.param) == ("coupon_expired", "discounts[0][coupon]")
    charges = len((await world.stripe.v1.charges.list_async()).data)
    late = await world.pay(second.id)
    assert (late["outcome"], late["error"]["code"]) == ("invalid", "coupon_expired")
    assert (await world.control("POST", f"sessions/{second.id}/pay", {"method": "bank"}))["outcome"] == "invalid"
    assert len((await world.stripe.v1.charges.list_async()).data) == charges
    assert (await coupons.retrieve_async("TEN")).times_redeemed == 1


async def test_late_money_comes_although_the_coupon_is_used_up(world: World) -> None:
    await make(world, max_redemptions=1)
    first, second = [await world.open_session(discounts=[{"coupon": "TEN"}]) for _ in range(2)]
    await world.control("POST", f"sessions/{first.id}/expire")
    await world.pay(second.id)
    late = await world.pay(first.id, late=True)
    assert (late["outcome"], late["session"]["amount_total"]) == ("succeeded", 999)


async def test_a_delayed_payment_counts_too(world: World) -> None:
    await make(world, max_redemptions=2)
    session = await world.open_session(discounts=[{"coupon": "TEN"}])
    await world.control("POST", f"sessions/{session.id}/pay", {"method": "bank"})
    coupon = await world.stripe.v1.coupons.retrieve_async("TEN")
    assert (coupon.times_redeemed, coupon.valid) == (1, True)


async def test_a_coupon_ends_at_its_time(world: World) -> None:
    await make(world, redeem_by=int(time.time()) + 100)
    await world.open_session(discounts=[{"coupon": "TEN"}])
    await world.advance(101)
    assert not (await world.stripe.v1.coupons.retrieve_async("TEN")).valid
    assert (await refusal(world, discounts=[{"coupon": "TEN"}])).code == "coupon_expired"


async def test_who_has_a_coupon_applied_keeps_it_when_it_is_deleted(world: World) -> None:
    await make(world)
    session = await world.open_session(discounts=[{"coupon": "TEN"}])
    await world.stripe.v1.coupons.delete_async("TEN")
    assert (await world.pay(session.id))["session"]["amount_total"] == 999
    problem = await refusal(world, discounts=[{"coupon": "TEN"}])
    assert (problem.code, problem.user_message) == ("resource_missing", "No such coupon: 'TEN'")


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"discounts": [{"coupon": "TEN"}, {"coupon": "TEN"}]}, "discounts"),
        ({"discounts": [{"coupon": "TEN"}], "allow_promotion_codes": False}, "allow_promotion_codes"),
        ({"discounts": [{"coupon": "TEN"}], "line_items": lines(2000, currency="eur")}, "discounts[0][coupon]"),
        ({"discounts": [{"coupon": "TEN"}], "line_items": lines(1049)}, "line_items"),
        ({"discounts": [{"promotion_code": "promo_1"}]}, "discounts[0][promotion_code]"),
    ],
)
async def test_a_discount_that_cannot_be_given_is_refused(world: World, changes: Json, param: str) -> None:
    await make(world)
    assert (await refusal(world, **changes)).param == param


async def test_the_currency_of_a_coupon_is_told(world: World) -> None:
    await make(world)
    problem = await refusal(world, discounts=[{"coupon": "TEN"}], line_items=lines(2000, currency="eur"))
    assert problem.user_message == "The coupon default currency (usd) does not match the line item currency (eur)."


async def test_what_costs_nothing_is_completed_without_a_payment(world: World) -> None:
    await make(world, amount_off=5000, max_redemptions=2)
    given: Any = {"discounts": [{"coupon": "TEN"}], "customer_email": "buyer@example.com"}
    session = await world.open_session(1999, **given)
    assert (session.amount_total, session.total_details.amount_discount, session.payment_status) == (0, 1999, "unpaid")
    done = await world.control("POST", f"sessions/{session.id}/pay")
    paid = await world.session(session.id, "customer")
    assert (done["outcome"], paid.status, paid.payment_status) == ("succeeded", "complete", "no_payment_required")
    assert (paid.payment_intent, paid.customer.email) == (None, "buyer@example.com")
    assert await world.types() == ["coupon.created", "customer.created", "checkout.session.completed"]
    assert (await world.stripe.v1.coupons.retrieve_async("TEN")).times_redeemed == 1
    assert (await world.control("POST", f"sessions/{session.id}/pay"))["outcome"] == "not_open"
    by_bank = await world.open_session(1999, **given)
    done = await world.control("POST", f"sessions/{by_bank.id}/pay", {"method": "bank"})
    assert done["session"]["payment_status"] == "no_payment_required"


async def test_a_restricted_key_needs_the_right_to_coupons(world: World) -> None:
    key = "rk_test_1234567890"
    await world.control("POST", "account", {"restricted_keys": {key: ["rak_coupon_read"]}})
    coupons = world.client(key).v1.coupons
    assert (await coupons.list_async()).data == []
    with pytest.raises(stripe.PermissionError, match="rak_coupon_write"):
        await coupons.create_async({"percent_off": 10})

"""Checkout sessions through the official SDK."""

from __future__ import annotations

import time
from typing import Any

import pytest
import stripe

from tests.sandbox.world import World, session_params, until


async def refusal(world: World, **changes: Any) -> stripe.InvalidRequestError:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await world.open_session(**changes)
    assert caught.value.http_status == 400
    return caught.value


def line(**price: Any) -> list[dict[str, Any]]:
    data = {"currency": "usd", "unit_amount": 500, "product_data": {"name": "Mug"}, **price}
    return [{"price_data": data, "quantity": 1}]


async def test_a_new_session_is_open_unpaid_and_has_no_payment_intent_yet(world: World) -> None:
    session = await world.open_session(1999)
    assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)
    assert (session.amount_total, session.currency, session.ui_mode) == (1999, "usd", "hosted_page")
    assert session.url.startswith(f"{world.sandbox.url}/c/pay/{session.id}")
    assert session.expires_at == session.created + 24 * 3600
    assert session.last_response.headers["Request-Id"].startswith("req_")


async def test_session_and_payment_intent_keep_their_own_metadata_and_the_charge_inherits(world: World) -> None:
    session = await world.open_session()
    await world.pay(session.id)
    paid = await world.session(session.id, "payment_intent.latest_charge", "line_items")
    assert paid.metadata.to_dict() == {"order": "ord_1"}
    assert paid.payment_intent.metadata.to_dict() == {"payment": "pay_1"}
    assert paid.payment_intent.latest_charge.metadata.to_dict() == {"payment": "pay_1"}
    assert paid.line_items.data[0].description == "Mug"


async def test_an_open_session_can_be_expired_once(world: World) -> None:
    session = await world.open_session()
    expired = await world.stripe.v1.checkout.sessions.expire_async(session.id)
    assert (expired.status, expired.url) == ("expired", None)
    with pytest.raises(stripe.InvalidRequestError, match='status in \\["open"\\]') as caught:
        await world.stripe.v1.checkout.sessions.expire_async(session.id)
    assert caught.value.code is None
    await until(lambda: world.receiver.types() == ["checkout.session.expired"])


async def test_a_session_expires_by_itself_at_its_time(world: World) -> None:
    session = await world.open_session(expires_at=int(time.time()) + 1810)
    await world.advance(1700)
    assert (await world.session(session.id)).status == "open"
    await world.advance(120)
    assert (await world.session(session.id)).status == "expired"
    assert await world.types() == ["checkout.session.expired"]
    assert (await world.pay(session.id))["outcome"] == "not_open"


async def test_a_paid_session_cannot_be_expired(world: World) -> None:
    session = await world.open_session()
    await world.pay(session.id)
    with pytest.raises(stripe.InvalidRequestError, match="status of `complete`"):
        await world.stripe.v1.checkout.sessions.expire_async(session.id)


async def test_expiry_cancels_an_unfinished_payment_intent(world: World) -> None:
    session = await world.open_session()
    await world.pay(session.id, "4000000000000002")
    await world.stripe.v1.checkout.sessions.expire_async(session.id)
    expired = await world.session(session.id, "payment_intent")
    assert expired.payment_intent.status == "canceled"
    assert (await world.types())[-2:] == ["payment_intent.canceled", "checkout.session.expired"]


@pytest.mark.parametrize("seconds", [-5, 0, 1790, 24 * 3600 + 60])
async def test_the_expiry_must_lie_within_30_minutes_and_24_hours(world: World, seconds: int) -> None:
    problem = await refusal(world, expires_at=int(time.time()) + seconds)
    assert problem.param == "expires_at"


async def test_payment_method_types_are_refused_in_this_version(world: World) -> None:
    problem = await refusal(world, payment_method_types=["card"])
    assert (problem.code, problem.param) == ("parameter_unknown", "payment_method_types")


async def test_what_the_sandbox_cannot_do_is_said_and_not_ignored(world: World) -> None:
    problem = await refusal(world, consent_collection={"terms_of_service": "required"})
    assert (problem.code, problem.param) == ("sandbox_unsupported", "consent_collection")


@pytest.mark.parametrize(
    ("changes", "param", "told"),
    [
        ({"mode": "subscription", "subscription_data": {"trial_period_days": 3}}, "mode", "mode=subscription"),
        ({"mode": "setup"}, "mode", "mode=setup"),
        ({"ui_mode": "embedded_page", "return_url": "http://shop.test/"}, "ui_mode", "ui_mode=embedded_page"),
        ({"ui_mode": "elements"}, "ui_mode", "ui_mode=elements"),
        ({"customer_creation": "always"}, "customer_creation", "customer_creation=always"),
        ({"allowed_payment_method_types": ["klarna"]}, "allowed_payment_method_types", "klarna"),
    ],
)
async def test_another_kind_of_session_is_refused_as_such(world: World, changes: Any, param: str, told: str) -> None:
    without: Any = {"success_url": "", "cancel_url": ""} if param == "ui_mode" else {}  # An embedded page has neither.
    problem = await refusal(world, **changes, **without)
    assert (problem.code, problem.param) == ("sandbox_unsupported", param)
    assert told in str(problem)
    assert "Use another value" in str(problem)


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"nonsense": "1"}, "parameter_unknown", "nonsense"),
        ({"line_items": line(colour="red")}, "parameter_unknown", "line_items[0][price_data][colour]"),
        ({"line_items": []}, "parameter_missing", "line_items"),
        ({"mode": ""}, "parameter_missing", "mode"),
        ({"success_url": ""}, "parameter_missing", "success_url"),
        ({"success_url": "shop"}, "url_invalid", "success_url"),
        (
            {"line_items": line(unit_amount="ten")},
            "parameter_invalid_integer",
            "line_items[0][price_data][unit_amount]",
        ),
        ({"line_items": line(unit_amount=-1)}, "parameter_invalid_integer", "line_items[0][price_data][unit_amount]"),
        ({"line_items": line(unit_amount=49)}, "amount_too_small", "line_items"),
        ({"line_items": line(unit_amount=1_000_000_000_000)}, "amount_too_large", "line_items"),
        ({"line_items": line(currency="xyz")}, None, "line_items[0][price_data][currency]"),
        ({"line_items": line(currency="kwd", unit_amount=1001)}, None, "line_items"),
        ({"line_items": line(currency="isk", unit_amount=50_050)}, None, "line_items"),
        ({"line_items": line() * 101}, None, "line_items"),
        ({"client_reference_id": "x" * 201}, None, "client_reference_id"),
        ({"metadata": {f"k{n}": "v" for n in range(51)}}, None, "metadata"),
        ({"metadata": {"k" * 41: "v"}}, None, "metadata"),
        ({"metadata": {"k": "v" * 501}}, None, "metadata[k]"),
        ({"expand": ["customer_magic"]}, None, "expand"),
        ({"customer_email": "ada"}, "email_invalid", "customer_email"),
        ({"customer_email": "ada@example"}, "email_invalid", "customer_email"),
        ({"customer_email": "ada@example..com"}, "email_invalid", "customer_email"),
    ],
)
async def test_wrong_parameters_are_refused_as_stripe_does(
    world: World, changes: dict[str, Any], code: str | None, param: str
) -> None:
    problem = await refusal(world, **changes)
    assert (problem.code, problem.param) == (code, param)
    assert (await world.control("GET", "state"))["objects"].get("checkout.session") is None


async def test_sums_are_right_in_every_kind_of_currency(world: World) -> None:
    for currency, amount in (("jpy", 500), ("kwd", 1250), ("isk", 70_000), ("eur", 1)):
        session = await world.open_session(line_items=session_params(amount, currency, 50)["line_items"])
        assert (session.amount_total, session.currency) == (amount * 50, currency)


async def test_an_unknown_session_is_404(world: World) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await world.session("cs_test_nope")
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")


async def test_sessions_are_listed_newest_first_in_pages(world: World) -> None:
    made = [(await world.open_session()).id for _ in range(5)]
    sessions = world.stripe.v1.checkout.sessions
    first = await sessions.list_async({"limit": 2})
    assert ([each.id for each in first.data], first.has_more) == ([made[4], made[3]], True)
    rest = await sessions.list_async({"limit": 10, "starting_after": made[3]})
    assert ([each.id for each in rest.data], rest.has_more) == ([made[2], made[1], made[0]], False)
    newer = await sessions.list_async({"limit": 2, "ending_before": made[1]})
    assert [each.id for each in newer.data] == [made[3], made[2]]
    walked = [each.id async for each in (await sessions.list_async({"limit": 2})).auto_paging_iter()]
    assert walked == made[::-1]


async def test_sessions_are_found_by_payment_intent_status_and_time(world: World) -> None:
    paid, _ = await world.open_session(), await world.open_session()
    intent = (await world.pay(paid.id))["session"]["payment_intent"]
    sessions = world.stripe.v1.checkout.sessions
    assert [each.id for each in (await sessions.list_async({"payment_intent": intent})).data] == [paid.id]
    assert [each.id for each in (await sessions.list_async({"status": "complete"})).data] == [paid.id]
    assert (await sessions.list_async({"created": {"gte": paid.created + 5000}})).data == []
    assert len((await sessions.list_async({"created": {"gte": paid.created, "lt": paid.created + 900}})).data) == 2


async def test_line_items_come_in_their_order_and_in_pages(world: World) -> None:
    lines = [
        {"price_data": {**line()[0]["price_data"], "product_data": {"name": f"n{n}"}}, "quantity": 1} for n in range(12)
    ]
    session = await world.open_session(line_items=lines)
    pages = world.stripe.v1.checkout.sessions.line_items
    first = await pages.list_async(session.id, {"limit": 5})
    assert ([item.description for item in first.data], first.has_more) == ([f"n{n}" for n in range(5)], True)
    walked = [item.description async for item in first.auto_paging_iter()]
    assert walked == [f"n{n}" for n in range(12)]


@pytest.mark.parametrize("key", ["", "pk_test_1234567890123", "sk_live_1234567890123", "sk_"])
async def test_a_wrong_key_is_401(world: World, key: str) -> None:
    status, body = await world.raw("GET", "/v1/events", key=key)
    assert (status, body["error"]["type"]) == (401, "invalid_request_error")
    assert "sk_live_1234567890123" not in str(body)


async def test_an_unknown_path_is_404_and_a_body_that_is_no_form_400(world: World) -> None:
    assert (await world.raw("GET", "/v1/nothing"))[0] == 404
    assert (await world.raw("PUT", "/v1/events"))[0] == 404
    json_type = {"Content-Type": "application/json"}
    assert (await world.raw("POST", "/v1/refunds", "{}", **json_type))[0] == 400
    assert (await world.raw("POST", "/v1/refunds", "a[b]=1&a=2"))[0] == 400
    assert (await world.raw("POST", "/v1/refunds", "charge=" + "x" * 1_100_000))[0] == 413


async def test_what_is_too_large_for_a_debit_is_offered_by_card_alone(world: World) -> None:
    both, card = await world.open_session(99_999_999), await world.open_session(100_000_000)
    assert both.payment_method_types == ["card", "sepa_debit"]
    assert card.payment_method_types == ["card"]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await world.open_session(100_000_000, allowed_payment_method_types=["sepa_debit"])
    assert caught.value.code == "amount_too_large"

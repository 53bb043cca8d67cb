"""What a call says is acted on, or has no effect that a caller could see, or is refused by name.

Every parameter that the sandbox takes is decided on, and so is every value of those that have a choice. What is taken
newly, or what a new SDK has newly, is in none of the lists, and fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from kassa.sandbox import known
from kassa.sandbox.errors import Json
from kassa.sandbox.params import words
from tests.sandbox import stripe_api
from tests.sandbox.test_known import OWN, Core, label_of, paths_of, with_parameter
from tests.sandbox.world import World

# By their own names. What follows from them is tested where it does.
ACTED_ON = words(
    """active allowed_countries allowed_payment_method_types amount amount_off api_version billing_address_collection
    cancel_url card charge confirm coupon created currency customer customer_email cvc default_price
    delivery_success disabled display_name email enabled_events ending_before error_on_requires_action
    excluded_payment_method_types exp_month exp_year expand expires_at frozen_time iban id inclusive interval
    interval_count limit lookup_key max_redemptions message name number off_session payment_intent payment_method
    percent_off percentage price product quantity redeem_by return_url shipping_rate source starting_after
    statement_descriptor statement_descriptor_suffix status submit success_url tax_behavior tax_code tax_exempt
    tax_rates token type types unit unit_amount unit_amount_decimal url value gt gte lt lte"""
)
# Stripe, too, does nothing with them that a payment would show, and repeats them.
REPEATED = words(
    """cancellation_reason carrier city client_reference_id country description evidence integration_identifier
    jurisdiction line1 line2 metadata nickname phone postal_code state tax_id tax_type tracking_number"""
)
ENDPOINTS = stripe_api.endpoints()
CHOICES = {each: dict(stripe_api.choices(ENDPOINTS[each])) for each in OWN if each in ENDPOINTS}


@pytest.fixture(scope="module")
def core() -> Core:
    return Core()


def own_name(path: tuple[str, ...]) -> str:
    """What a list or the caller's own keys are called; evidence is one thing."""
    return "evidence" if path[0] == "evidence" else next(name for name in reversed(path) if name not in ("0", "key"))


def with_value(core: Core, endpoint: str, path: tuple[str, ...], value: str) -> Json:
    given = with_parameter(core.base(endpoint), path)
    inner: Any = given
    for name in path[:-1]:
        inner = inner[int(name)] if isinstance(inner, list) else inner[name]
    inner[int(path[-1]) if isinstance(inner, list) else path[-1]] = value
    return given


def is_taken(refused: Any) -> bool:
    """A refusal for another reason is one of a value, or of what it stands beside."""
    return refused is None or refused.get("code") != "sandbox_unsupported"


def taken(core: Core, endpoint: str) -> Iterator[tuple[str, ...]]:
    for path in (path for path in paths_of(OWN[endpoint]) if path):
        values = sorted(CHOICES.get(endpoint, {}).get(path, ("x",)))
        if any(is_taken(core.try_out(endpoint, with_value(core, endpoint, path, value))) for value in values):
            yield path


@pytest.mark.parametrize("endpoint", OWN)
def test_every_parameter_that_is_taken_is_decided_on(core: Core, endpoint: str) -> None:
    decided = ACTED_ON | REPEATED | known.WITHOUT_EFFECT.keys()
    for path in taken(core, endpoint):
        label = label_of(path)
        assert label in known.VALUES.get(endpoint, {}) or own_name(path) in decided, f"{label}: what does it do?"


@pytest.mark.parametrize("endpoint", known.VALUES)
def test_every_value_of_stripes_is_taken_or_refused_by_name(core: Core, endpoint: str) -> None:
    choices = {label_of(path): (path, values) for path, values in CHOICES[endpoint].items()}
    for label, values in known.VALUES[endpoint].items():
        path, of_stripe = choices[label]
        assert {*values.taken, *values.lacking} == of_stripe, label
        for value in of_stripe:
            refused = core.try_out(endpoint, with_value(core, endpoint, path, value))
            assert is_taken(refused) is (value in values.taken), f"{label}={value}: {refused}"
            assert is_taken(refused) or (refused["param"] == label and f"{label}={value}" in refused["message"])
        refused = core.try_out(endpoint, with_value(core, endpoint, path, "nonsense"))
        assert refused["param"] == label
        assert "must be one of" in refused["message"]


def test_no_decision_is_about_what_is_not_taken(core: Core) -> None:
    names = {own_name(path) for endpoint in OWN for path in taken(core, endpoint)}
    assert known.WITHOUT_EFFECT.keys() <= names
    assert not known.WITHOUT_EFFECT.keys() & (ACTED_ON | REPEATED)


NAMES = {
    "pm_card_foo": "No such PaymentMethod: 'pm_card_foo'",
    "pm_card_visa2": "No such PaymentMethod: 'pm_card_visa2'",
    "pm_cardvisa": "No such PaymentMethod: 'pm_cardvisa'",
    "pm_1Abc": "No such PaymentMethod: 'pm_1Abc'",
    "tok_foo": "No such token: 'tok_foo'",
    "pm_card_br": "does not support `payment_method=pm_card_br`",
    "pm_card_bypassPending": "does not support `payment_method=pm_card_bypassPending`",
    "pm_usBankAccount_success": "does not support `payment_method=pm_usBankAccount_success`",
    "tok_riskLevelHighest": "does not support `card[token]=tok_riskLevelHighest`",
}


@pytest.mark.parametrize("name", NAMES)
async def test_a_test_name_is_taken_or_unsupported_or_not_there(world: World, name: str) -> None:
    intents, methods = world.stripe.v1.payment_intents, world.stripe.v1.payment_methods
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await (
            methods.create_async({"type": "card", "card": {"token": name}})
            if name.startswith("tok_")
            else intents.create_async({"amount": 500, "currency": "usd", "payment_method": name})
        )
    assert NAMES[name] in str(caught.value)
    assert caught.value.code == ("resource_missing" if "No such" in NAMES[name] else "sandbox_unsupported")


@pytest.mark.parametrize("name", ["embedded", "custom", "hosted"])
async def test_pages_have_the_names_of_the_version_that_is_asked_for(world: World, name: str) -> None:
    given = (
        "mode=payment&success_url=http://shop.test/&line_items[0][quantity]=1&line_items[0][price_data][currency]=usd"
    )
    given += (
        f"&line_items[0][price_data][unit_amount]=500&line_items[0][price_data][product_data][name]=Mug&ui_mode={name}"
    )

    async def asked(version: str) -> tuple[int, str, str]:
        status, answer = await world.raw("POST", "/v1/checkout/sessions", given, **{"Stripe-Version": version})
        error = answer.get("error", {})
        return status, error.get("code", ""), error.get("message", "")

    status, code, message = await asked("2026-10-28.endive")
    assert (status, code) == (400, "")
    assert message == "Invalid ui_mode: must be one of hosted_page, elements, embedded_page, form"
    status, code, message = await asked("2025-03-31.basil")
    assert (status, code) == ((200, "") if name == "hosted" else (400, "sandbox_unsupported"))
    assert name == "hosted" or "Use another value (`hosted_page` or `hosted`)" in message


async def test_what_the_customer_and_the_suffix_say_is_seen_in_what_is_paid(world: World) -> None:
    customer = await world.stripe.v1.customers.create_async({"email": "ada@example.test"})
    data = {"statement_descriptor_suffix": "MUG", "setup_future_usage": "off_session"}
    session = await world.open_session(customer=customer.id, payment_intent_data=data)
    await world.pay(session.id)
    paid = await world.session(session.id, "payment_intent.latest_charge")
    assert paid.customer_details is not None
    assert paid.customer_details.email == "ada@example.test"
    charge: Any = paid.payment_intent
    assert charge.latest_charge.calculated_statement_descriptor == "KASSA SANDBOX* MUG"
    kept = await world.stripe.v1.payment_methods.list_async({"customer": customer.id})
    assert [each.id for each in kept.data] == [charge.latest_charge.payment_method]
    assert "payment_method.attached" in await world.types()

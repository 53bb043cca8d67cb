"""Payment intents without a session: confirmed, declined, asked by 3-D Secure, cancelled."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from kassa.sandbox.cards import CARDS
from tests.sandbox.world import World


def given(method: str = "pm_card_visa", **more: Any) -> Any:
    return {"amount": 500, "currency": "usd", "payment_method": method, **more}


@pytest.mark.parametrize("card", [card for card in CARDS.values() if card.name], ids=lambda card: card.name)
async def test_every_test_card_does_by_its_name_what_it_does_by_its_number(world: World, card: Any) -> None:
    create = world.stripe.v1.payment_intents.create_async(given(f"pm_card_{card.name}", confirm=True))
    if card.outcome in ("decline", "blocked"):
        with pytest.raises(stripe.CardError) as declined:
            await create
        error = declined.value.error
        assert error is not None
        assert (declined.value.http_status, error.code) == (402, card.code)
        assert error.payment_intent is not None
        assert (error.decline_code, error.payment_intent.status) == (card.decline_code, "requires_payment_method")
        return
    intent = await create
    assert intent.status == ("requires_action" if card.is_challenged else "succeeded")
    disputes = (await world.stripe.v1.disputes.list_async({"payment_intent": intent.id})).data
    assert len(disputes) == (card.after == "dispute")


async def test_a_declined_intent_takes_another_card(world: World) -> None:
    api = world.stripe.v1.payment_intents
    intent = await api.create_async(given("pm_card_visa_chargeDeclined"))
    assert intent.status == "requires_confirmation"
    with pytest.raises(stripe.CardError):
        await api.confirm_async(intent.id)
    declined = await api.retrieve_async(intent.id)
    assert declined.status == "requires_payment_method"
    paid = await api.confirm_async(intent.id, {"payment_method": "pm_card_mastercard"})
    assert (paid.status, paid.amount_received) == ("succeeded", 500)
    assert await world.types() == [
        "payment_intent.created", "charge.failed", "payment_intent.payment_failed", "charge.succeeded",
        "payment_intent.succeeded",
    ]  # fmt: skip
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await api.confirm_async(intent.id)
    assert refused.value.code == "payment_intent_unexpected_state"


async def test_a_decline_is_replayed_to_the_same_key(world: World) -> None:
    params = given("pm_card_visa_chargeDeclined", confirm=True)
    for _ in range(2):
        with pytest.raises(stripe.CardError):
            await world.stripe.v1.payment_intents.create_async(params, {"idempotency_key": "once"})
    assert len((await world.stripe.v1.payment_intents.list_async()).data) == 1


@pytest.mark.parametrize(("answer", "status"), [("complete", "succeeded"), ("fail", "requires_payment_method")])
async def test_3d_secure_has_a_page_for_intents_too(world: World, answer: str, status: str) -> None:
    params = given("pm_card_authenticationRequired", confirm=True, return_url="http://127.0.0.1:1/back?a=1")
    intent = await world.stripe.v1.payment_intents.create_async(params)
    assert intent.next_action is not None
    assert intent.next_action.redirect_to_url is not None
    url = str(intent.next_action.redirect_to_url.url)
    async with world.http.get(url) as page:
        assert "Confirm it is you" in await page.text()
    async with world.http.post(url, data={"answer": answer}, allow_redirects=False) as back:
        assert back.headers["Location"] == f"http://127.0.0.1:1/back?a=1&payment_intent={intent.id}"
    assert (await world.stripe.v1.payment_intents.retrieve_async(intent.id)).status == status
    async with world.http.get(url) as page:
        assert ("This payment is done" if answer == "complete" else "Nothing was charged") in await page.text()


async def test_an_answer_may_be_left_out_and_the_intent_cancelled(world: World) -> None:
    api = world.stripe.v1.payment_intents
    intent = await api.create_async(given("pm_card_threeDSecure2Required", confirm=True))
    canceled = await api.cancel_async(intent.id, {"cancellation_reason": "abandoned"})
    assert (canceled.status, canceled.cancellation_reason, canceled.next_action) == ("canceled", "abandoned", None)
    with pytest.raises(stripe.InvalidRequestError):
        await api.cancel_async(intent.id)


async def test_an_intent_is_changed_before_it_is_paid(world: World) -> None:
    api = world.stripe.v1.payment_intents
    intent = await api.create_async({"amount": 500, "currency": "usd", "metadata": {"a": "b"}})
    changed = await api.update_async(
        intent.id, {"amount": 700, "metadata": {"c": "d"}, "payment_method": "pm_card_visa"}
    )
    assert (changed.amount, changed.metadata.to_dict()) == (700, {"a": "b", "c": "d"})
    assert (await api.confirm_async(intent.id)).amount_received == 700
    with pytest.raises(stripe.InvalidRequestError):
        await api.update_async(intent.id, {"amount": 900})


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": 49}, "amount_too_small"),
        ({"amount": 1_000_000_000_000}, "amount_too_large"),
        ({"currency": "xxx"}, None),
        ({"confirm": True, "payment_method": ""}, "payment_intent_unexpected_state"),
        ({"payment_method": "pm_1none"}, "resource_missing"),
        ({"capture_method": "manual"}, "sandbox_unsupported"),
        ({"customer": "cus_none"}, "resource_missing"),
        ({"return_url": "http://127.0.0.1:1/"}, None),
        ({"colour": "red"}, "parameter_unknown"),
    ],
)
async def test_what_cannot_be_is_refused_and_leaves_nothing(world: World, changes: Any, code: str | None) -> None:
    params: Any = {**given(), **changes}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await world.stripe.v1.payment_intents.create_async(params)
    assert refused.value.code == code
    assert (await world.stripe.v1.payment_intents.list_async()).data == []


async def test_a_sessions_intent_belongs_to_its_session(world: World) -> None:
    session = await world.open_session()
    await world.pay(session.id, "4000000000000002")
    intent = (await world.session(session.id)).payment_intent
    for call in (
        world.stripe.v1.payment_intents.confirm_async(intent, {"payment_method": "pm_card_visa"}),
        world.stripe.v1.payment_intents.cancel_async(intent),
    ):
        with pytest.raises(stripe.InvalidRequestError, match="Checkout Session"):
            await call


async def test_a_session_is_paid_through_the_api_of_its_page(world: World) -> None:
    session = await world.open_session()
    confirm = f"/v1/payment_pages/{session.id}/confirm"
    status, refused = await world.raw("POST", confirm, "payment_method=pm_card_visa&expected_amount=1")
    assert (status, refused["error"]["param"]) == (400, "expected_amount")
    status, declined = await world.raw("POST", confirm, "payment_method=pm_card_visa_chargeDeclined")
    assert (status, declined["error"]["decline_code"]) == (402, "generic_decline")
    status, paid = await world.raw("POST", confirm, "payment_method=pm_card_visa&expected_amount=1999")
    assert (status, paid["status"], paid["payment_status"]) == (200, "complete", "paid")
    assert (await world.raw("POST", confirm, "payment_method=pm_card_visa"))[0] == 400


async def test_what_a_version_has_removed_is_refused_to_those_who_ask_for_it(world: World) -> None:
    """Stripe's own command line names no version and sends what the version of the SDK has removed."""
    form = "amount=500&currency=usd&payment_method_types[]=card"
    status, intent = await world.raw("POST", "/v1/payment_intents", form)
    assert (status, intent["payment_method_types"]) == (200, ["card"])
    new, old = {"Stripe-Version": "2026-10-28.endive"}, {"Stripe-Version": "2026-08-26.dahlia"}
    status, refused = await world.raw("POST", "/v1/payment_intents", form, **new)
    assert (status, refused["error"]["code"]) == (400, "parameter_unknown")
    assert (await world.raw("POST", "/v1/payment_intents", form, **old))[0] == 200
    status, refused = await world.raw("GET", "/v1/charges", **{"Stripe-Version": "yesterday"})
    assert status == 400
    assert "Invalid Stripe API version" in refused["error"]["message"]


@pytest.mark.parametrize("name", ["pm_card_us", "pm_card_avsFail", "pm_usBankAccount_success", "pm_sepaDebit_success"])
async def test_a_test_payment_method_that_is_not_here_is_unsupported_and_not_missing(world: World, name: str) -> None:
    params: Any = {"amount": 500, "currency": "usd", "payment_method": name}
    with pytest.raises(stripe.InvalidRequestError, match=f"payment_method={name}") as caught:
        await world.stripe.v1.payment_intents.create_async(params)
    assert (caught.value.code, caught.value.param) == ("sandbox_unsupported", "payment_method")


@pytest.mark.parametrize("name", ["diners", "jcb", "unionpay", "mastercard_debit", "mastercard_prepaid"])
async def test_cards_of_other_networks_pay_too(world: World, name: str) -> None:
    params: Any = {"amount": 500, "currency": "usd", "payment_method": f"pm_card_{name}", "confirm": True}
    intent = await world.stripe.v1.payment_intents.create_async(params)
    method = await world.stripe.v1.payment_methods.retrieve_async(str(intent.payment_method))
    assert (intent.status, method.card.brand) == ("succeeded", name.partition("_")[0])  # type: ignore[union-attr]


async def test_a_card_that_asks_the_buyer_is_refused_when_there_is_none(world: World) -> None:
    params: Any = {"amount": 500, "currency": "usd", "payment_method": "pm_card_authenticationRequired"}
    params |= {"confirm": True, "off_session": True}
    with pytest.raises(stripe.CardError) as caught:
        await world.stripe.v1.payment_intents.create_async(params)
    assert caught.value.code == "authentication_required"

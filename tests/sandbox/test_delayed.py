"""Delayed methods: a session that completes unpaid, and what the bank says later."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.shapes import faults_of
from tests.sandbox.world import Json, World, until

STARTED = ["payment_intent.created", "charge.pending", "payment_intent.processing", "checkout.session.completed"]
PAID = ["charge.succeeded", "payment_intent.succeeded", "checkout.session.async_payment_succeeded"]
FAILED = ["charge.failed", "payment_intent.payment_failed", "checkout.session.async_payment_failed"]


async def by_bank(world: World) -> Any:
    """A session that was paid by bank."""
    session = await world.open_session(customer_email="ada@example.com")
    paid = await world.control("POST", f"sessions/{session.id}/pay", {"method": "bank", "name": "Ada Lovelace"})
    assert (paid["outcome"], paid["session"]["status"]) == ("processing", "complete")
    return session


async def settle(world: World, session_id: str, outcome: str) -> tuple[int, Json]:
    url = f"{world.sandbox.url}/sandbox/sessions/{session_id}/settle"
    async with world.http.post(url, json={"outcome": outcome}) as response:
        return response.status, await response.json()


async def seen(world: World, session_id: str) -> tuple[str, str, str, str]:
    """The states of the session, its payment, its intent and its charge; all of Stripe's shape."""
    _, session = await world.raw("GET", f"/v1/checkout/sessions/{session_id}?expand[]=payment_intent.latest_charge")
    assert faults_of(session) == []
    intent = session["payment_intent"]
    method = intent["latest_charge"]["payment_method"]
    assert faults_of((await world.raw("GET", f"/v1/payment_methods/{method}"))[1]) == []
    return session["status"], session["payment_status"], intent["status"], intent["latest_charge"]["status"]


async def check_events(world: World, *expected: str) -> None:
    assert await world.types() == list(expected)
    listed = (await world.raw("GET", "/v1/events?limit=100"))[1]["data"]
    assert [faults_of(event) for event in listed] == [[]] * len(expected)
    await until(lambda: sorted(world.receiver.types()) == sorted(expected))


async def test_the_session_completes_unpaid_and_is_paid_after_a_while(world: World) -> None:
    session = await by_bank(world)
    assert await seen(world, session.id) == ("complete", "unpaid", "processing", "pending")
    await check_events(world, *STARTED)
    await world.advance(29)
    assert await world.types() == STARTED
    await world.advance(2)
    assert await seen(world, session.id) == ("complete", "paid", "succeeded", "succeeded")
    await check_events(world, *STARTED, *PAID)
    told = world.receiver.of("checkout.session.async_payment_succeeded")[0]
    assert told["data"]["object"]["payment_status"] == "paid"


@pytest.mark.parametrize(
    ("outcome", "states", "events"),
    [
        ("succeed", ("complete", "paid", "succeeded", "succeeded"), PAID),
        ("fail", ("complete", "unpaid", "requires_payment_method", "failed"), FAILED),
    ],
)
async def test_its_end_can_be_decided_at_once_and_only_once(
    world: World, outcome: str, states: tuple[str, ...], events: list[str]
) -> None:
    session = await by_bank(world)
    status, settled = await settle(world, session.id, outcome)
    assert (status, settled["payment_status"]) == (200, states[1])
    assert await seen(world, session.id) == states
    assert (await settle(world, session.id, "succeed"))[0] == 400
    await world.advance(60)
    assert await seen(world, session.id) == states
    await check_events(world, *STARTED, *events)


async def test_money_that_came_by_bank_is_refunded(world: World) -> None:
    session = await by_bank(world)
    intent = (await world.session(session.id)).payment_intent
    status, _ = await world.raw("POST", "/v1/refunds", f"payment_intent={intent}")
    assert status == 400
    await settle(world, session.id, "succeed")
    status, refund = await world.raw("POST", "/v1/refunds", f"payment_intent={intent}")
    assert (status, refund["amount"], faults_of(refund)) == (200, 1999, [])


async def test_what_cannot_be_settled_is_refused(world: World) -> None:
    session = await world.open_session()
    assert (await settle(world, session.id, "succeed"))[0] == 400
    assert (await settle(world, session.id, "tuesday"))[0] == 400
    assert (await settle(world, "cs_test_none", "fail"))[0] == 404
    await world.pay(session.id)
    assert (await settle(world, session.id, "fail"))[0] == 400


async def test_the_card_page_offers_it_and_sends_the_buyer_back(world: World) -> None:
    session = await world.open_session()
    async with world.http.get(session.url) as shown:
        assert "Pay later by bank (delayed method)" in await shown.text()
    async with world.http.post(session.url, data={"method": "bank"}, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"][-len(session.id) :]) == (303, session.id)
    assert "checkout.session.completed" in world.receiver.types()
    async with world.http.post(session.url, data={"method": "bank"}, allow_redirects=False) as again:
        assert "to be paid by bank" in await again.text()
    await settle(world, session.id, "succeed")
    async with world.http.get(session.url) as shown:
        assert "This order is paid" in await shown.text()


@pytest.mark.parametrize(
    "given", [{"allowed_payment_method_types": ["card"]}, {"excluded_payment_method_types": ["sepa_debit"]}]
)
async def test_a_shop_can_take_cards_only(world: World, given: Json) -> None:
    session = await world.open_session(**given)
    assert session.payment_method_types == ["card"]
    async with world.http.get(session.url) as shown:
        assert "by bank" not in await shown.text()
    answer = await world.control("POST", f"sessions/{session.id}/pay", {"method": "bank"})
    assert (answer["outcome"], await world.types()) == ("not_open", [])


async def test_a_decline_and_then_the_bank_use_the_same_intent(world: World) -> None:
    session = await world.open_session()
    declined = await world.pay(session.id, "4000000000000002")
    paid = await world.control("POST", f"sessions/{session.id}/pay", {"method": "bank"})
    assert paid["session"]["payment_intent"] == declined["session"]["payment_intent"]
    assert await seen(world, session.id) == ("complete", "unpaid", "processing", "pending")

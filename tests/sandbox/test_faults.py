"""Faults on request: races with both winners, webhooks before answers, limits, late money, secrets that are rolled."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import stripe

from tests.sandbox.test_card_page import GOOD, get, post
from tests.sandbox.world import Receiver, World, until


async def order(world: World, kind: str, match: str, **more: Any) -> None:
    await world.control("POST", "faults", {"kind": kind, "match": match, **more})


async def test_expiring_and_paying_race_and_paying_wins(world: World) -> None:
    session = await world.open_session()
    await order(world, "paid_meanwhile", "POST /v1/checkout/sessions/*/expire")
    with pytest.raises(stripe.InvalidRequestError, match="status of `complete`"):
        await world.stripe.v1.checkout.sessions.expire_async(session.id)
    assert (await world.session(session.id)).payment_status == "paid"


async def test_expiring_and_paying_race_and_expiring_wins(world: World) -> None:
    session = await world.open_session()
    await order(world, "expired_meanwhile", "POST /c/pay/*")
    assert "Pay by card" in (await get(world, session.url))[1]
    response, page = await post(world, session.url, GOOD)
    assert (response.status, "has expired" in page) == (410, True)
    assert (await world.session(session.id)).status == "expired"
    assert await world.types() == ["checkout.session.expired"]


async def test_a_payment_on_the_card_page_can_be_slow(world: World) -> None:
    session = await world.open_session()
    await order(world, "slow", "POST /c/pay/*", seconds=0.5)
    paying = asyncio.create_task(post(world, session.url, GOOD))
    await asyncio.sleep(0.2)
    assert (await world.session(session.id)).status == "open"
    assert (await paying)[0].status == 303


async def test_faults_of_the_api_leave_the_card_page_alone(world: World) -> None:
    await order(world, "error_500_before", "* *")
    session_page = f"{world.sandbox.url}/c/assets/card.css"
    assert (await get(world, session_page))[0] == 200
    assert (await world.control("GET", "state"))["faults"] != []


async def test_webhooks_may_come_before_the_answer(world: World) -> None:
    charge = await world.charge()
    world.receiver.pause = 0.3
    await order(world, "webhooks_first", "POST /v1/refunds")
    await world.stripe.v1.refunds.create_async({"charge": charge.id})
    assert {"refund.created", "charge.refunded"} <= set(world.receiver.types())


async def test_a_balance_without_funds_refuses_a_refund_for_good_under_its_key(world: World) -> None:
    charge = await world.charge()
    await order(world, "no_funds", "POST /v1/refunds")
    for key, is_made in (("one", False), ("one", False), ("other", True)):
        asked = world.stripe.v1.refunds.create_async({"charge": charge.id}, {"idempotency_key": key})
        (answer,) = await asyncio.gather(asked, return_exceptions=True)
        assert isinstance(answer, stripe.Refund) == is_made
        assert is_made or "Insufficient funds in your Stripe balance" in str(answer)


async def test_a_locked_object_is_a_429_of_its_own(world: World) -> None:
    await order(world, "lock_timeout", "GET /v1/charges", should_retry=False)
    with pytest.raises(stripe.RateLimitError) as refused:
        await world.stripe.v1.charges.list_async()
    assert refused.value.error is not None
    assert refused.value.error.code == "lock_timeout"


async def test_the_rate_is_limited_by_the_second_altogether_and_for_an_endpoint(world: World) -> None:
    await world.control("POST", "rate_limit", {"per_second": 40})
    client = world.client(max_network_retries=0)

    async def reasons(*calls: Any) -> list[str | None]:
        answers = await asyncio.gather(*calls, return_exceptions=True)
        refused = [answer for answer in answers if isinstance(answer, stripe.RateLimitError)]
        return [(error.headers or {}).get("Stripe-Rate-Limited-Reason") for error in refused]

    one = await reasons(*(client.v1.charges.list_async() for _ in range(80)))
    assert "endpoint-rate" in one
    await asyncio.sleep(1)
    lists: list[Any] = [client.v1.charges, client.v1.refunds, client.v1.disputes, client.v1.events]
    assert "global-rate" in await reasons(*(each.list_async() for each in lists * 25))
    await world.control("POST", "rate_limit", {"per_second": 0})
    assert await reasons(*(client.v1.charges.list_async() for _ in range(80))) == []


async def test_money_may_come_after_a_session_has_expired(world: World) -> None:
    session = await world.open_session()
    await world.pay(session.id, "4000000000000002")
    await world.stripe.v1.checkout.sessions.expire_async(session.id)
    assert (await world.pay(session.id))["outcome"] == "not_open"
    assert (await world.pay(session.id, late=True))["outcome"] == "succeeded"
    paid = await world.session(session.id, "payment_intent")
    assert (paid.status, paid.payment_status, paid.payment_intent.status) == ("complete", "paid", "succeeded")
    assert (await world.types())[-1] == "checkout.session.completed"


async def test_while_a_secret_is_rolled_both_sign(world: World) -> None:
    (endpoint,) = (await world.stripe.v1.webhook_endpoints.list_async()).data
    fresh = (await world.control("POST", f"webhook_endpoints/{endpoint.id}/roll", {"overlap": 3600}))["secret"]
    await world.pay((await world.open_session()).id)
    await until(lambda: world.receiver.of("checkout.session.completed"))  # checked with the old secret
    assert all(signature.count("v1=") == 2 for _, signature in world.receiver.attempts)
    await world.advance(3601)
    world.receiver.secret = fresh
    seen = len(world.receiver.attempts)
    await world.pay((await world.open_session()).id)
    await until(lambda: len(world.receiver.of("checkout.session.completed")) == 2)
    assert all(signature.count("v1=") == 1 for _, signature in world.receiver.attempts[seen:])


async def test_an_endpoint_may_be_pinned_to_a_version(world: World) -> None:
    pinned = Receiver()
    await pinned.start()
    endpoint: Any = await world.stripe.v1.webhook_endpoints.create_async(
        {"url": pinned.url, "enabled_events": ["product.created"], "api_version": "2024-06-20"}
    )
    pinned.secret = endpoint.secret
    await world.stripe.v1.products.create_async({"name": "Mug"})
    await until(lambda: pinned.events and world.receiver.events)
    assert [event["api_version"] for event in pinned.events] == ["2024-06-20"]
    assert world.receiver.events[0]["api_version"] == "2026-10-28.endive"
    await pinned.stop()


@pytest.mark.parametrize(
    ("text", "status", "events"),
    [
        ("winning_evidence", "won", ["updated", "funds_reinstated", "closed"]),
        ("losing_evidence", "lost", ["updated", "closed"]),
        ("a parcel number", "under_review", ["updated"]),
    ],
)
async def test_evidence_decides_a_dispute(world: World, text: str, status: str, events: list[str]) -> None:
    charge = await world.charge()
    dispute = await world.control("POST", f"charges/{charge.id}/dispute", {"reason": "product_not_received"})
    assert (dispute["reason"], dispute["status"]) == ("product_not_received", "needs_response")
    seen = len(await world.types())
    given: Any = {"evidence": {"uncategorized_text": text}}
    assert (await world.stripe.v1.disputes.update_async(dispute["id"], given)).status == status
    assert (await world.types())[seen:] == [f"charge.dispute.{each}" for each in events]
    balance = await world.stripe.v1.balance_transactions.list_async({"type": "adjustment"})
    assert sum(each.amount for each in balance.data) == (0 if status == "won" else -1999)
    async with world.http.post(f"{world.sandbox.url}/sandbox/charges/{charge.id}/dispute", json={}) as again:
        assert again.status == (200 if status == "won" else 400)

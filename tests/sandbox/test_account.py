"""What the sandbox's account can be told to be like: without funds, with restricted keys, sending other events."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import stripe
from aiohttp import ClientSession

from kassa.sandbox import Sandbox
from kassa.sandbox.routes import reads, writes
from tests.sandbox.world import SECRET, Json, Receiver, World, until

KEY = "rk_test_1234567890"


@pytest.mark.parametrize("name", ["stripe_account", "stripe_context"])
async def test_a_call_on_behalf_of_another_account_is_refused_by_name(world: World, name: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="does not support `Stripe-") as caught:
        await world.stripe.v1.charges.list_async({}, {name: "acct_123"})  # type: ignore[arg-type]
    header = name.replace("_", "-").title()
    assert (caught.value.code, caught.value.param) == ("sandbox_unsupported", header)


async def test_the_account_is_shown_to_a_key_that_may_ask(world: World) -> None:
    shown = await world.stripe.v1.accounts.retrieve_current_async()
    assert (shown.object, shown.id, shown.charges_enabled) == ("account", "acct_1KassaSandbox", True)
    await world.control("POST", "account", {"restricted_keys": {KEY: ["rak_charge_read"]}})
    with pytest.raises(stripe.PermissionError, match="rak_accounts_kyc_basic_read"):
        await world.client(KEY).v1.accounts.retrieve_current_async()


async def test_while_the_balance_is_empty_refunds_are_refused_in_stripes_words(world: World) -> None:
    charge = await world.charge()
    await world.control("POST", "account", {"has_funds": False})
    refunds, given = world.stripe.v1.refunds, {"charge": charge.id}
    for key in ("first", "first", "second"):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            await refunds.create_async(given, {"idempotency_key": key})  # type: ignore[arg-type]
        assert caught.value.user_message == "Insufficient funds in your Stripe balance to refund this amount."
        assert (caught.value.http_status, caught.value.code) == (400, None)
    assert (await world.stripe.v1.charges.retrieve_async(charge.id)).amount_refunded == 0
    await world.control("POST", "account", {"has_funds": True})
    with pytest.raises(stripe.InvalidRequestError, match="Insufficient funds"):  # The refusal was kept for its key.
        await refunds.create_async(given, {"idempotency_key": "first"})  # type: ignore[arg-type]
    assert (await refunds.create_async(given)).status == "succeeded"  # type: ignore[arg-type]


async def test_a_restricted_key_may_do_what_it_has_the_permission_for(world: World) -> None:
    await world.control("POST", "account", {"restricted_keys": {KEY: ["rak_dispute_read", "rak_charge_write"]}})
    api = world.client(KEY).v1
    assert (await api.disputes.list_async()).data == []
    assert (await api.charges.list_async()).data == []
    charge = await world.charge()
    assert (await api.refunds.create_async({"charge": charge.id})).status == "succeeded"
    denied: list[tuple[Any, str]] = [
        (api.events.list_async(), "rak_event_read"),
        (api.checkout.sessions.create_async({"mode": "payment"}), "rak_checkout_session_write"),
        (api.disputes.close_async("du_missing"), "rak_dispute_write"),
        (api.webhook_endpoints.list_async(), "rak_webhook_read"),
    ]
    for call, wanted in denied:
        with pytest.raises(stripe.PermissionError) as caught:
            await call
        assert caught.value.user_message == (
            "The provided key 'rk_test_******7890' does not have the required permissions for this endpoint on account"
            f" 'acct_1KassaSandbox'. Having the '{wanted}' permission would allow this request to continue."
        )
        assert (caught.value.http_status, caught.value.code) == (403, None)


async def test_a_restricted_key_that_nobody_told_of_is_no_key(world: World) -> None:
    with pytest.raises(stripe.AuthenticationError, match="POST /sandbox/account"):
        await world.client(KEY).v1.charges.list_async()


async def test_every_call_of_the_sandbox_needs_a_permission(world: World) -> None:
    await world.control("POST", "account", {"restricted_keys": {KEY: []}})
    calls = [("GET", path) for path in reads()] + list(writes(str, world.sandbox.config))
    for method, path in calls:
        status, answer = await world.raw(method, path.replace("*", "missing"), key=KEY)
        assert (status, "Having the 'rak_" in answer["error"]["message"]) == (403, True), (method, path)


async def test_thin_events_come_beside_the_snapshots_and_can_be_fetched(world: World) -> None:
    await world.control("POST", "account", {"sends_thin_events": True})
    session = await world.open_session()
    await world.stripe.v1.checkout.sessions.expire_async(session.id)
    await until(lambda: len(world.receiver.events) == 2)
    snapshot, thin = world.receiver.events
    assert (snapshot["object"], thin["object"]) == ("event", "v2.core.event")
    # The SDK's asynchronous fetches send an internal parameter, `usage`, along; those that wait do not.
    client = stripe.StripeClient("sk_test_kassa", base_addresses={"api": world.sandbox.url})
    notification: Any = stripe.v2.core.EventNotification.from_json(thin, client)
    assert isinstance(notification, stripe.events.V1CheckoutSessionExpiredEventNotification)
    assert notification.related_object.id == session.id
    fetched = await asyncio.to_thread(notification.fetch_related_object)
    assert (fetched.id, fetched.status) == (session.id, "expired")
    event = await asyncio.to_thread(notification.fetch_event)
    assert (event.id, event.snapshot_event, event.type) == (thin["id"], snapshot["id"], "v1.checkout.session.expired")


async def test_charge_refund_updated_comes_beside_refund_updated_when_told(world: World) -> None:
    charge = await world.charge("4000000000005126")
    refund = await world.stripe.v1.refunds.create_async({"charge": charge.id})
    await world.stripe.v1.refunds.update_async(refund.id, {"metadata": {"a": "b"}})
    assert (await world.types())[-1] == "refund.updated"
    await world.control("POST", "account", {"sends_charge_refund_updated": True})
    await world.advance(10)
    assert (await world.types())[-3:] == ["refund.updated", "charge.refund.updated", "refund.failed"]
    told = await world.stripe.v1.events.list_async({"type": "charge.refund.updated"})
    assert told.data[0].data.object["status"] == "failed"


@pytest.mark.parametrize(
    "given",
    [
        {"has_fund": False},
        {"has_funds": "no"},
        {"restricted_keys": {"sk_test_1234": []}},
        {"restricted_keys": {KEY: ["dispute_read"]}},
    ],
)
async def test_an_account_that_cannot_be_is_refused(world: World, given: Json) -> None:
    with pytest.raises(AssertionError, match=r"account|permission|restricted key"):
        await world.control("POST", "account", given)


async def test_what_the_account_is_like_survives_a_restart(world: World) -> None:
    told = {"has_funds": False, "restricted_keys": {KEY: ["rak_event_read"]}}
    await world.control("POST", "account", told)
    await world.sandbox.stop()
    again = Sandbox(world.sandbox.config)
    await again.start(port=0)
    try:
        async with ClientSession() as http:
            state = await World(again, Receiver(SECRET), http).control("GET", "state")
    finally:
        await again.stop()
    assert state["account"] == {**state["account"], **told}

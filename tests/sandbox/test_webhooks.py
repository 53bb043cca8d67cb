"""Deliveries to a real receiver that checks the signatures with the SDK."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import stripe
from aiohttp import ClientSession

from kassa.sandbox import Sandbox, SandboxConfig, WebhookTarget
from tests.sandbox.test_paying import SUCCESS
from tests.sandbox.world import Receiver, World, until


@pytest.mark.parametrize("status", [500, 404, 302])
async def test_anything_but_2xx_is_sent_again_with_a_new_signature(world: World, status: int) -> None:
    world.receiver.status = status
    session = await world.open_session()
    await world.stripe.v1.checkout.sessions.expire_async(session.id)
    await until(lambda: len(world.receiver.attempts) >= 3)
    assert world.receiver.events == []
    event = (await world.stripe.v1.events.list_async()).data[0]
    assert event.pending_webhooks == 1
    assert len((await world.stripe.v1.events.list_async({"delivery_success": False})).data) == 1
    world.receiver.status = 200
    await until(lambda: world.receiver.types() == ["checkout.session.expired"])

    async def is_settled() -> bool:
        return (await world.stripe.v1.events.retrieve_async(event.id)).pending_webhooks == 0

    await until(is_settled)
    assert len((await world.stripe.v1.events.list_async({"delivery_success": True})).data) == 1


async def test_an_event_names_the_request_that_caused_it(world: World) -> None:
    session = await world.open_session()
    expired = await world.stripe.v1.checkout.sessions.expire_async(session.id, {}, {"idempotency_key": "key-1"})
    event = (await until(lambda: world.receiver.events))[0]
    assert expired.last_response is not None
    assert event["request"] == {"id": expired.last_response.headers["Request-Id"], "idempotency_key": "key-1"}
    assert event["pending_webhooks"] == 1


async def test_a_rolled_secret_signs_twice(tmp_path: Path) -> None:
    receiver = Receiver("whsec_new")
    await receiver.start()
    target = WebhookTarget(receiver.url, ("whsec_old", "whsec_new"), ("checkout.session.completed",))
    sandbox = Sandbox(SandboxConfig(database=tmp_path / "s.db", webhooks=(target,)))
    await sandbox.start(port=0)
    async with ClientSession() as http:
        world = World(sandbox, receiver, http)
        await world.charge()
        await until(lambda: receiver.events)
    assert receiver.types() == ["checkout.session.completed"]
    assert receiver.attempts[0][1].count("v1=") == 2
    assert "whsec_new" not in repr(target)
    await sandbox.stop()
    await receiver.stop()


async def test_paused_deliveries_wait(world: World) -> None:
    await world.control("POST", "deliveries", {"mode": "paused"})
    await world.charge()
    assert world.receiver.attempts == []
    await world.control("POST", "deliveries", {"mode": "normal"})
    await until(lambda: sorted(world.receiver.types()) == sorted(SUCCESS))


async def test_dropped_deliveries_never_come_but_the_events_are_listed(world: World) -> None:
    await world.control("POST", "deliveries", {"mode": "dropped"})
    await world.charge()

    async def is_dropped() -> bool:
        state = await world.control("GET", "state")
        return bool(state["deliveries"]["states"] == {"dropped": 4})

    await until(is_dropped)
    assert world.receiver.attempts == []
    assert await world.types() == SUCCESS
    completed = (await world.stripe.v1.events.list_async({"type": "checkout.session.completed"})).data[0]
    await world.control("POST", "deliveries", {"mode": "normal"})
    await world.control("POST", f"events/{completed.id}/resend")
    await until(lambda: world.receiver.types() == ["checkout.session.completed"])


async def test_duplicated_deliveries_come_twice(world: World) -> None:
    await world.control("POST", "deliveries", {"mode": "duplicated"})
    await world.charge()
    await until(lambda: sorted(world.receiver.types()) == sorted(SUCCESS * 2))
    assert len({event["id"] for event in world.receiver.events}) == 4


async def test_reversed_deliveries_come_last_first(world: World) -> None:
    await world.control("POST", "deliveries", {"mode": "reversed"})
    await world.charge()
    await until(lambda: world.receiver.types() == SUCCESS[::-1])


async def test_delayed_deliveries_wait_for_the_clock(world: World) -> None:
    await world.control("POST", "deliveries", {"delay": 3600})
    await world.charge()
    assert world.receiver.attempts == []
    await world.advance(3601)
    await until(lambda: sorted(world.receiver.types()) == sorted(SUCCESS))


async def test_a_signature_can_be_too_old(world: World) -> None:
    await world.control("POST", "deliveries", {"skew": -400})
    with pytest.raises(stripe.SignatureVerificationError):
        await _received_signature_check(world)


async def _received_signature_check(world: World) -> None:
    caught: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    original = stripe.WebhookSignature.verify_header

    def check(*args: object) -> object:
        try:
            return original(*args)  # type: ignore[arg-type]
        except stripe.SignatureVerificationError as problem:
            if not caught.done():
                caught.set_exception(problem)
            raise

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stripe.WebhookSignature, "verify_header", check)
        patch.setattr("aiohttp.web_protocol.RequestHandler.log_exception", lambda *args, **kwargs: None)
        await world.charge()
        await caught


async def test_a_test_can_send_an_event_of_its_own(world: World) -> None:
    given = {"type": "moon.landed", "object": {"object": "moon"}, "api_version": "2019-01-01"}
    sent = await world.control("POST", "events", given)
    event = (await until(lambda: world.receiver.events))[0]
    assert (event["id"], event["type"], event["api_version"]) == (sent["id"], "moon.landed", "2019-01-01")


async def test_endpoints_are_made_listed_and_removed_through_the_api(world: World) -> None:
    second = Receiver()
    await second.start()
    endpoints = world.stripe.v1.webhook_endpoints
    made = await endpoints.create_async({"url": second.url, "enabled_events": ["checkout.session.expired"]})
    assert made.secret is not None
    second.secret = made.secret
    assert len((await endpoints.list_async()).data) == 2
    assert "secret" not in (await endpoints.retrieve_async(made.id))
    session = await world.open_session()
    await world.pay(session.id, "4000000000000002")
    await world.stripe.v1.checkout.sessions.expire_async(session.id)
    await until(lambda: second.types() == ["checkout.session.expired"])
    assert (await endpoints.delete_async(made.id)).deleted
    assert len((await endpoints.list_async()).data) == 1
    await second.stop()

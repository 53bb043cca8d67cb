"""The sandbox's clock, moved by `/v1/test_helpers/test_clocks`: a day passes in a second."""

from __future__ import annotations

import time

import pytest
import stripe

from kassa.sandbox.config import FURTHEST
from tests.sandbox.world import World, until

DAY = 86_400
HALF_AN_HOUR = 32 * 60


async def test_a_day_passes_in_a_second(world: World) -> None:
    opened = await world.open_session()
    by_bank = await world.open_session()
    await world.control("POST", f"sessions/{by_bank.id}/pay", {"method": "bank"})
    clocks = world.stripe.v1.test_helpers.test_clocks
    clock = await clocks.create_async({"frozen_time": int(time.time()), "name": "tomorrow"})
    moved = await clocks.advance_async(clock.id, {"frozen_time": int(time.time()) + DAY + 60})
    assert (moved.status, moved.frozen_time) == ("ready", (await clocks.retrieve_async(clock.id)).frozen_time)
    assert (await world.session(opened.id)).status == "expired"
    assert (await world.session(by_bank.id)).payment_status == "paid"
    later = await world.open_session()
    assert later.created >= opened.created + DAY
    kinds = {event.type for event in (await world.stripe.v1.events.list_async({"limit": 100})).data}
    assert {"test_helpers.test_clock.created", "test_helpers.test_clock.ready"} <= kinds


async def test_webhooks_that_wait_for_a_retry_are_sent_as_the_clock_moves(world: World) -> None:
    world.receiver.status = 500
    session = await world.open_session()
    await world.pay(session.id)
    await until(lambda: len(world.receiver.attempts) >= 4)
    world.receiver.status = 200
    await world.advance(DAY)
    await until(lambda: world.receiver.of("checkout.session.completed"))


async def test_the_clock_never_goes_back(world: World) -> None:
    clocks = world.stripe.v1.test_helpers.test_clocks
    clock = await clocks.create_async({"frozen_time": 1_000_000_000})
    assert clock.frozen_time >= int(time.time()) - 1
    with pytest.raises(stripe.InvalidRequestError, match="after the sandbox's time"):
        await clocks.advance_async(clock.id, {"frozen_time": int(time.time()) - 10})
    await clocks.delete_async(clock.id)
    assert (await clocks.list_async()).data == []
    with pytest.raises(stripe.InvalidRequestError, match="No such"):
        await clocks.advance_async(clock.id, {"frozen_time": int(time.time()) + DAY})


@pytest.mark.parametrize("moves", [(33 * 60,), (DAY,), (3 * DAY, 60, 0), (FURTHEST,), (DAY, FURTHEST, FURTHEST)])
async def test_wherever_the_clock_was_moved_a_shop_that_goes_by_the_real_time_is_paid(
    world: World, moves: tuple[float, ...]
) -> None:
    before = await world.open_session(expires_at=int(time.time()) + HALF_AN_HOUR)
    for seconds in moves:
        await _move(world, seconds)
    assert (await world.session(before.id)).status == "expired"
    for _ in range(2):
        unpaid, session = [await world.open_session(expires_at=int(time.time()) + HALF_AN_HOUR) for _ in range(2)]
        assert 0 <= session.expires_at - session.created - HALF_AN_HOUR + 5 <= 10
        await world.pay(session.id, expiry="12/34")
        paid = await world.session(session.id)
        await world.stripe.v1.refunds.create_async({"payment_intent": paid.payment_intent, "amount": 500})
        await until(
            lambda: len(world.receiver.of("checkout.session.completed")) == len(world.receiver.of("refund.created")) > 0
        )
        told = [event["data"]["object"]["id"] for event in world.receiver.of("checkout.session.completed")]
        assert session.id in told
        port = int(world.sandbox.url.rpartition(":")[2])
        await world.sandbox.stop()
        await world.sandbox.start(port=port)
        assert (await world.session(unpaid.id)).status == "open"
    by_its_own = await world.open_session(expires_at=int((await world.control("GET", "state"))["now"]) + HALF_AN_HOUR)
    assert by_its_own.status == "open"
    async with world.http.get(f"{world.sandbox.url}/sandbox") as page:
        assert "ahead of the real time" in await page.text()


async def _move(world: World, seconds: float) -> None:
    """As far as is allowed, if that is less."""
    room = FURTHEST - (await world.control("GET", "state"))["now"] - 30
    await world.advance(max(0, min(seconds, room)))


def _told(world: World, kind: str, of: str) -> bool:
    things = [event["data"]["object"] for event in world.receiver.of(kind)]
    return any(of in (each["id"], each.get("payment_intent")) for each in things)

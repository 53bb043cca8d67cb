"""The sandbox's clock, moved by `/v1/test_helpers/test_clocks`: a day passes in a second."""

from __future__ import annotations

import time

import pytest
import stripe

from tests.sandbox.world import World, until

DAY = 86_400


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

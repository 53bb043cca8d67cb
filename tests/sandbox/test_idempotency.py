"""Idempotency keys and ordered faults, as the SDK meets them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import stripe
from aiohttp import ClientError

from kassa.sandbox.http import Message, read_request
from tests.sandbox.world import Json, World, session_params

CREATE = "POST /v1/checkout/sessions"
KEY: Json = {"idempotency_key": "order-1"}


async def fault(world: World, kind: str, **more: Any) -> None:
    await world.control("POST", "faults", {"match": CREATE, "kind": kind, **more})


async def sessions_made(world: World) -> int:
    state = await world.control("GET", "state")
    return int(state["objects"].get("checkout.session", 0))


async def test_the_same_key_gives_the_same_answer_once(world: World) -> None:
    first = await world.open_session(options=KEY)
    again = await world.open_session(options=KEY)
    assert first.id == again.id
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert await sessions_made(world) == 1


async def test_the_same_key_with_other_parameters_is_refused(world: World) -> None:
    await world.open_session(500, KEY)
    with pytest.raises(stripe.IdempotencyError) as caught:
        await world.open_session(600, KEY)
    assert caught.value.http_status == 400
    charge = await world.charge()
    with pytest.raises(stripe.IdempotencyError):
        await world.stripe.v1.refunds.create_async({"charge": charge.id}, KEY)  # type: ignore[arg-type]


async def test_a_key_is_kept_for_a_day(world: World) -> None:
    first = await world.open_session(options=KEY)
    await world.advance(23 * 3600)
    assert (await world.open_session(options=KEY)).id == first.id
    await world.advance(2 * 3600)
    assert (await world.open_session(600, KEY)).id != first.id


async def test_refused_parameters_are_not_kept(world: World) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        await world.open_session(1, KEY)
    assert (await world.open_session(1999, KEY)).amount_total == 1999


async def test_a_refusal_by_the_objects_state_is_kept(world: World) -> None:
    charge = await world.charge(amount=1000)
    refunds = world.stripe.v1.refunds
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            await refunds.create_async({"charge": charge.id, "amount": 2000}, KEY)  # type: ignore[arg-type]
    assert caught.value.headers is not None
    assert caught.value.headers["Idempotent-Replayed"] == "true"


async def test_a_key_in_use_is_409(world: World) -> None:
    await fault(world, "slow", seconds=0.5)
    calls = [world.open_session(options=KEY) for _ in range(4)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, stripe.StripeError)]
    codes = [(each.http_status, each.error.code if each.error else None) for each in refused]
    assert codes == [(409, "idempotency_key_in_use")] * 3
    assert await sessions_made(world) == 1


async def test_a_500_after_executing_is_kept_and_replayed(world: World) -> None:
    await fault(world, "error_500_after")
    for _ in range(2):
        with pytest.raises(stripe.APIError) as caught:
            await world.open_session(options=KEY)
        assert caught.value.http_status == 500
    assert caught.value.headers is not None
    assert caught.value.headers["Idempotent-Replayed"] == "true"
    assert await sessions_made(world) == 1


async def test_a_500_before_executing_leaves_nothing(world: World) -> None:
    await fault(world, "error_500_before")
    with pytest.raises(stripe.APIError):
        await world.open_session(options=KEY)
    assert await sessions_made(world) == 0
    assert (await world.open_session(options=KEY)).status == "open"


async def test_a_timeout_after_executing_is_answered_at_the_retry(world: World) -> None:
    await fault(world, "timeout_after")
    with pytest.raises(stripe.APIConnectionError):
        await world.open_session(options=KEY)
    assert await sessions_made(world) == 1
    again = await world.open_session(options=KEY)
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert await sessions_made(world) == 1


async def test_a_reset_connection_executed_nothing_and_the_sdk_tries_again(world: World) -> None:
    await fault(world, "reset", times=2)
    client = world.client(max_network_retries=2)
    session = await client.v1.checkout.sessions.create_async(session_params())  # type: ignore[arg-type]
    assert session.status == "open"
    assert await sessions_made(world) == 1


@pytest.mark.parametrize(
    ("kind", "status", "error"),
    [("409", 409, stripe.APIError), ("429", 429, stripe.RateLimitError), ("401", 401, stripe.AuthenticationError)],
)
async def test_ordered_refusals(world: World, kind: str, status: int, error: type[stripe.StripeError]) -> None:
    await fault(world, kind)
    with pytest.raises(error) as caught:
        await world.open_session()
    assert caught.value.http_status == status
    assert (await world.open_session()).status == "open"


async def test_a_429_is_retried_by_the_sdk_only_when_told_so(world: World) -> None:
    client = world.client(max_network_retries=1)
    await fault(world, "429", should_retry=True)
    await client.v1.checkout.sessions.create_async(session_params())  # type: ignore[arg-type]
    await fault(world, "429")
    with pytest.raises(stripe.RateLimitError):
        await client.v1.checkout.sessions.create_async(session_params())  # type: ignore[arg-type]


async def test_nonsense_is_no_session(world: World) -> None:
    await fault(world, "nonsense")
    with pytest.raises(stripe.APIError):
        await world.open_session()


async def test_a_slow_call_still_comes_through(world: World) -> None:
    await fault(world, "slow", seconds=0.05)
    assert (await world.open_session()).status == "open"


async def test_faults_are_counted_matched_and_cleared(world: World) -> None:
    await world.control("POST", "faults", {"match": "GET /v1/charges/*", "kind": "error_500_before", "times": 2})
    assert (await world.raw("GET", "/v1/charges"))[0] == 200
    assert (await world.raw("GET", "/v1/charges/ch_1"))[0] == 500
    await world.control("DELETE", "faults")
    assert (await world.raw("GET", "/v1/charges/ch_1"))[0] == 404
    for wrong in ({"kind": "tuesday"}, {"kind": "slow", "times": 0}, {"kind": "slow", "seconds": 1e9}):
        async with world.http.post(f"{world.sandbox.url}/sandbox/faults", json=wrong) as response:
            assert response.status == 400


async def test_expiry_and_payment_race_and_exactly_one_wins(world: World) -> None:
    for _ in range(10):
        session = await world.open_session()
        expire = world.stripe.v1.checkout.sessions.expire_async(session.id)
        paid, expired = await asyncio.gather(world.pay(session.id), expire, return_exceptions=True)
        assert not isinstance(paid, BaseException | ClientError)
        is_paid, is_expired = paid["outcome"] == "succeeded", not isinstance(expired, Exception)
        assert is_paid != is_expired
        assert (await world.session(session.id)).status == ("complete" if is_paid else "expired")


async def test_white_space_behind_a_key_is_no_part_of_it() -> None:
    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    lines = [(b"idempotency-key", b"k1 \t"), (b"accept", b"text/html "), (b"accept", b"*/*")]
    scope = {"method": "POST", "path": "/v1/refunds", "query_string": b"", "headers": lines}
    request = await read_request(scope, receive)
    assert request.headers == {"idempotency-key": "k1", "accept": "text/html, */*"}

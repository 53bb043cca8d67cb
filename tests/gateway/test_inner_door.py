"""Whom a service that runs alone believes."""

import asyncio
import contextvars
import time

import pytest

from kassa.gateway.arrival import Receive, Scope, Send
from kassa.gateway.inner_door import InnerDoor
from kassa.kit.ids import Ids
from kassa.kit.patience import deadline
from kassa.kit.service_keys import ServiceIdentity, ServiceKeys
from tests.gateway.asgi import Echo, ask
from tests.support import FakeClock

SECRET = "the secret that all services share"


@pytest.fixture
def door() -> InnerDoor:
    return InnerDoor(Echo(), Ids(FakeClock()), ServiceIdentity("auth", ServiceKeys(SECRET)))


async def test_the_gateway_s_word_on_the_client_counts(door: InnerDoor) -> None:
    headers = {**ServiceIdentity("gateway", ServiceKeys(SECRET)).headers("auth"), "x-forwarded-for": "198.51.100.7"}
    for _ in range(2):
        assert (await ask(door, headers=headers)).document["client"] == "198.51.100.7"


async def test_an_unsigned_word_does_not_count(door: InnerDoor) -> None:
    for forged in (
        {},
        {"x-internal-service": "gateway-service", "x-internal-token": "x"},
        ServiceIdentity("order", ServiceKeys(SECRET)).headers("auth"),
        ServiceIdentity("gateway", ServiceKeys("another secret, made up by somebody")).headers("auth"),
        ServiceIdentity("gateway", ServiceKeys(SECRET)).headers("order"),
    ):
        answer = await ask(door, headers={**forged, "x-forwarded-for": "198.51.100.7"})
        assert answer.document["client"] == "192.0.2.1"


async def test_how_long_the_caller_waits_is_known_behind_the_door() -> None:
    left: list[float | None] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        until = deadline.get()
        left.append(None if until is None else until - time.monotonic())
        await Echo()(scope, receive, send)

    door = InnerDoor(app, Ids(FakeClock()), ServiceIdentity("auth", ServiceKeys(SECRET)))
    for sent in ({"x-internal-deadline": "5000"}, {}, {"x-internal-deadline": "soon"}):
        context = contextvars.copy_context()
        await asyncio.get_running_loop().create_task(ask(door, headers=sent), context=context)
    first, *others = left
    assert first is not None
    assert 0 < first <= 5
    assert others == [None, None]


async def test_more_than_can_be_done_is_refused_at_once_but_never_the_question_for_health(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kassa.gateway.inner_door.MOST_AT_ONCE", 3)
    may_end = asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await may_end.wait()
        await Echo()(scope, receive, send)

    door = InnerDoor(slow, Ids(FakeClock()), ServiceIdentity("auth", ServiceKeys(SECRET)))
    inside = [asyncio.create_task(ask(door)) for _ in range(3)]
    await asyncio.sleep(0)
    refused = await ask(door)
    assert (refused.status, refused.code, refused.headers["retry-after"]) == (503, "overloaded", "1")
    watched = asyncio.create_task(ask(door, "/health"))
    await asyncio.sleep(0)
    may_end.set()
    assert {(await each).status for each in (*inside, watched)} == {200}
    assert (await ask(door)).status == 200

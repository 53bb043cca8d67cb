"""Whom a service that runs alone believes."""

import pytest

from kassa.gateway.inner_door import InnerDoor
from kassa.kit.identity import ServiceIdentity
from kassa.kit.ids import Ids
from tests.gateway.asgi import Echo, ask
from tests.support import FakeClock

SECRET = "the secret that all services share"


@pytest.fixture
def door() -> InnerDoor:
    return InnerDoor(Echo(), Ids(FakeClock()), ServiceIdentity("auth", SECRET))


async def test_the_gateway_s_word_on_the_client_counts(door: InnerDoor) -> None:
    headers = {**ServiceIdentity("gateway", SECRET).headers("auth"), "x-forwarded-for": "198.51.100.7"}
    for _ in range(2):
        assert (await ask(door, headers=headers)).document["client"] == "198.51.100.7"


async def test_an_unsigned_word_does_not_count(door: InnerDoor) -> None:
    for forged in (
        {},
        {"x-internal-service": "gateway-service", "x-internal-token": "x"},
        ServiceIdentity("order", SECRET).headers("auth"),
        ServiceIdentity("gateway", "another secret, made up by somebody").headers("auth"),
        ServiceIdentity("gateway", SECRET).headers("order"),
    ):
        answer = await ask(door, headers={**forged, "x-forwarded-for": "198.51.100.7"})
        assert answer.document["client"] == "192.0.2.1"

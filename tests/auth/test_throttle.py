"""Failed log-ins are slowed down."""

import asyncio

from kassa.auth.throttle import FROM_ANYWHERE, FROM_ONE_ADDRESS, REMEMBERED, Throttle
from kassa.kit.clock import MINUTE, SECOND
from tests.support import FakeClock

from .world import PASSWORD, World


async def fail(world: World, times: int, client: str = "192.0.2.1") -> list[int]:
    """Try a wrong password so many times; the statuses."""
    return [(await world.login("wrong password", client=client)).status_code for _ in range(times)]


async def test_after_five_failures_one_has_to_wait_and_is_told_how_long(world: World) -> None:
    await world.registered()
    assert await fail(world, 5) == [401] * 5
    answer = await world.login()
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
    assert answer.headers["retry-after"] == "1"


async def test_each_further_failure_doubles_the_wait(world: World) -> None:
    await world.registered()
    await fail(world, 5)
    for seconds in (1, 2, 4, 8):
        assert (await world.login()).headers["retry-after"] == str(seconds)
        world.clock.advance(seconds * SECOND)
        assert await fail(world, 1) == [401]


async def test_asking_too_early_counts_as_no_failure(world: World) -> None:
    await world.registered()
    await fail(world, 5)
    assert await fail(world, 20) == [429] * 20
    world.clock.advance(SECOND)
    assert (await world.login()).status_code == 200


async def test_a_success_resets_the_count(world: World) -> None:
    await world.registered()
    await fail(world, 4)
    assert (await world.login()).status_code == 200
    assert await fail(world, 5) == [401] * 5


async def test_an_address_that_failed_does_not_keep_the_user_out_from_elsewhere(world: World) -> None:
    await world.registered()
    await fail(world, 5, client="192.0.2.66")
    assert (await world.login(client="192.0.2.66")).status_code == 429
    assert (await world.login(client="192.0.2.1")).status_code == 200


async def test_one_user_tried_from_many_addresses_is_protected_too(world: World) -> None:
    await world.registered()
    statuses = [(await fail(world, 1, client=f"198.51.100.{n}"))[0] for n in range(25)]
    assert statuses == [401] * 20 + [429] * 5


async def test_unknown_addresses_are_throttled_like_known_ones(world: World) -> None:
    assert await fail(world, 6) == [401] * 5 + [429]


async def test_many_tries_at_once_are_not_a_way_round(world: World) -> None:
    await world.registered()
    answers = await asyncio.gather(*(world.login("wrong password") for _ in range(30)))
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 25


async def test_guessing_the_current_password_with_a_stolen_token_is_throttled(world: World) -> None:
    token = (await world.registered())["token"]
    for _ in range(5):
        await world.post("/auth/password", token=token, current="wrong one", new="battery staple")
    answer = await world.post("/auth/password", token=token, current=PASSWORD, new="battery staple")
    assert answer.status_code == 429


async def test_failures_are_forgotten_after_a_day(world: World) -> None:
    await world.registered()
    await fail(world, 5)
    world.clock.advance(24 * 60 * 60 * SECOND)
    assert await fail(world, 5) == [401] * 5


def test_waits_grow_up_to_a_limit() -> None:
    assert [FROM_ONE_ADDRESS.wait(count) for count in (4, 5, 6, 1000)] == [0, 1000, 2000, 15 * MINUTE]
    assert FROM_ANYWHERE.wait(1000) == MINUTE


def test_only_so_many_failures_are_remembered() -> None:
    throttle = Throttle(FakeClock(), remembered=10)
    for n in range(100):
        throttle.failed("192.0.2.1", f"user{n}@example.com")
    assert len(throttle._failures) == 10
    assert REMEMBERED >= 10_000

"""Failed log-ins are slowed down."""

import asyncio

from kassa.auth.throttle import ONE_ACCOUNT, REMEMBERED, Throttle, Trier
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


async def test_one_household_is_slowed_down_whatever_addresses_it_tries(world: World) -> None:
    statuses = [(await world.login("wrong password", f"user{n}@example.com")).status_code for n in range(30)]
    assert statuses == [401] * 20 + [429] * 10
    for seconds in (1, 2, 4, 8):
        refused = await world.login("wrong password", "another@example.com")
        assert refused.headers["retry-after"] == str(seconds)
        world.clock.advance(seconds * SECOND)
        assert (await world.login("wrong password", "another@example.com")).status_code == 401


async def test_a_log_in_of_one_s_own_in_between_does_not_help_to_guess(world: World) -> None:
    await world.registered()
    guesses = 0
    for n in range(40):
        await world.login()
        guesses += (await world.login("wrong password", f"user{n}@example.com")).status_code == 401
    assert guesses == 20


async def test_the_addresses_of_one_ipv6_subscriber_are_one_household(world: World) -> None:
    await world.registered()
    statuses = [(await world.login("wrong password", client=f"2001:db8::{n:x}")).status_code for n in range(1, 11)]
    assert statuses == [401] * 5 + [429] * 5


async def test_right_passwords_are_limited_too(world: World) -> None:
    await world.registered()
    assert [(await world.login()).status_code for _ in range(70)] == [200] * 60 + [429] * 10
    world.clock.advance(1 * SECOND)
    assert [(await world.login()).status_code for _ in range(2)] == [200, 429]


async def test_a_device_that_logged_in_before_is_not_slowed_down_by_its_neighbours(world: World) -> None:
    session = await world.registered()
    for n in range(30):
        await world.login("wrong password", f"user{n}@example.com")
    await fail(world, 10)
    assert (await world.login()).status_code == 429
    assert (await world.login(device=session["deviceToken"])).status_code == 200


async def test_a_device_that_guesses_is_slowed_down_and_slows_down_nobody_else(world: World) -> None:
    session = await world.registered()
    other = (await world.login()).json()["deviceToken"]
    device = session["deviceToken"]
    guesses = [(await world.login("wrong password", device=device)).status_code for _ in range(10)]
    assert guesses == [401] * 5 + [429] * 5
    assert (await world.login(device=device)).status_code == 429
    assert (await world.login(device=other)).status_code == (await world.login()).status_code == 200


async def test_a_device_token_is_good_for_one_account_one_password_and_one_year(world: World) -> None:
    device = (await world.registered())["deviceToken"]
    stranger = (await world.registered("bob@example.com"))["deviceToken"]
    assert (await world.login(device=device)).json()["deviceToken"] == device

    async def is_known(token: str) -> bool:
        return bool((await world.login(device=token)).json()["deviceToken"] == token)

    forged = [stranger, f"{device}x", device[:-1], device.replace(".0.", ".1."), "é", "..."]
    assert [await is_known(token) for token in (device, *forged)] == [True] + [False] * len(forged)
    assert (await world.login(device="x" * 201)).json()["errors"][0]["field"] == "deviceToken"
    world.clock.advance(365 * 24 * 60 * 60 * SECOND)
    assert not await is_known(device)

    new = (await world.login()).json()
    assert await is_known(new["deviceToken"])
    changed = await world.post("/auth/password", token=new["token"], current=PASSWORD, new="battery staple")
    assert changed.status_code == 204
    answer = await world.login("battery staple", device=new["deviceToken"])
    assert answer.json()["deviceToken"] != new["deviceToken"]


def test_waits_grow_up_to_a_limit() -> None:
    assert [ONE_ACCOUNT.wait(count) for count in (4, 5, 6, 1000)] == [0, 1000, 2000, 15 * MINUTE]


def test_only_so_many_failures_are_remembered_and_the_many_are_kept() -> None:
    throttle = Throttle(FakeClock(), remembered=100)
    guesser = Trier("ada@example.com", "192.0.2.1")
    for _ in range(5):
        throttle.failed(guesser)
    for n in range(10_000):
        throttle.failed(Trier("ada@example.com", f"198.51.{n // 256}.{n % 256}"))
    assert len(throttle._counted) <= 100
    assert throttle._counted["pair", "192.0.2.1", "ada@example.com"].count == 5
    assert REMEMBERED >= 10_000

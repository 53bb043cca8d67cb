"""What strangers do with the log-in must not keep anybody out: the attacks as they were made, and who got in meanwhile.

Hashing is dear enough for the queue to decide who is served.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable

import pytest

from kassa.auth.passwords import Passwords
from kassa.kit.clock import SECOND
from kassa.storage.documents_sqlite import SqliteDatabase

from .world import EMAIL, PASSWORD, World

ADMIN = "admin@example.com"
OWN = "203.0.113.7"


@pytest.fixture
async def dear(database: SqliteDatabase) -> AsyncIterator[World]:
    """A world in which one password is checked at a time, and ten may wait."""
    passwords = Passwords(threads=1, waiting=10, memory_kib=4096, time_cost=1)
    world = await World.on(database, passwords)
    yield world
    passwords.close()


class Attack:
    """Passwords, wrong ones first of all, 30 at a time, as long as it lasts. It has begun after so many checks."""

    def __init__(
        self,
        world: World,
        email: Callable[[int], str],
        client: Callable[[int], str],
        has_begun: int,
        password: str = "a wrong guess",
        device: Callable[[int], str] = lambda _: "",
    ) -> None:
        self.answers: Counter[int] = Counter()
        self._world, self._email, self._client = world, email, client
        self._has_begun = has_begun
        self._password, self._device = password, device
        self._number = 0
        self._tasks = [asyncio.create_task(self._try()) for _ in range(30)]

    async def _try(self) -> None:
        while True:
            self._number += 1
            number = self._number
            answer = await self._world.login(
                self._password, self._email(number), self._client(number), self._device(number)
            )
            self.answers[answer.status_code] += 1
            await asyncio.sleep(0.05)  # Otherwise refusals alone would keep this process busy.

    async def __aenter__(self) -> "Attack":
        while self.answers[401] + self.answers[200] < self._has_begun:
            await asyncio.sleep(0.05)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def test_one_address_that_tries_all_others_uses_up_no_hashing(dear: World) -> None:
    await dear.registered()
    async with Attack(dear, lambda n: f"user{n}@example.com", lambda _: "192.0.2.66", has_begun=10) as attack:
        statuses = [(await dear.login(client=OWN)).status_code for _ in range(9)]
    assert statuses == [200] * 9
    assert 0 < attack.answers[401] <= 20, "the checks that it got; all else was refused before any"
    assert set(attack.answers) == {401, 429}


async def test_many_addresses_that_fill_the_queue_keep_nobody_out(dear: World) -> None:
    device = (await dear.registered())["deviceToken"]
    async with Attack(dear, lambda n: f"user{n}@example.com", lambda n: f"198.51.100.{n % 15}", has_begun=30) as attack:
        known = [(await dear.login(client=OWN, device=device)).status_code for _ in range(10)]
        fresh = [(await dear.login(client=f"203.0.113.{n}")).status_code for n in range(10)]
    assert known + fresh == [200] * 20
    assert attack.answers[503] > 0, "the queue was full, and the attacker went away"


@pytest.mark.parametrize("has_devices", [False, True])
async def test_strangers_who_log_in_to_accounts_of_their_own_keep_nobody_out(dear: World, has_devices: bool) -> None:
    """Their passwords are right, and their devices known: nobody who came without one got in, in 60 s."""
    device = (await dear.registered())["deviceToken"]
    own = [(await dear.registered(f"own{n}@example.com"))["deviceToken"] for n in range(15)]
    attack = Attack(
        dear,
        lambda n: f"own{n % 15}@example.com",
        lambda n: f"198.51.100.{n % 15}",
        has_begun=60,
        password=PASSWORD,
        device=lambda n: own[n % 15] if has_devices else "",
    )
    async with attack:
        before = attack.answers[200]
        known = [(await dear.login(client=OWN, device=device)).status_code for _ in range(5)]
        fresh = [(await dear.login(client=f"203.0.113.{n}")).status_code for n in range(5)]
        meanwhile = attack.answers[200] - before
    assert known + fresh == [200] * 10
    assert meanwhile <= 50, f"{meanwhile} log-ins of strangers went before ten of buyers"


@pytest.mark.parametrize("email", [EMAIL, ADMIN])
async def test_nobody_is_locked_out_by_wrong_tries_from_changing_addresses(world: World, email: str) -> None:
    """29 in five minutes were enough: the owner was refused 51 times of 51."""
    await world.registered()
    await world.service.admins.make(ADMIN, PASSWORD, promote=False)
    for n in range(29):
        assert (await world.login("a wrong guess", email, f"198.51.100.{n}")).status_code == 401
        world.clock.advance(10 * SECOND)
    statuses = []
    for n in range(51):
        world.clock.advance(2 * SECOND)
        await world.login("a wrong guess", email, f"198.51.101.{n}")
        statuses.append((await world.login(email=email, client=OWN)).status_code)
    assert statuses == [200] * 51

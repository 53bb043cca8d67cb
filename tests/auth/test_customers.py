"""Accounts that are erased: by their users, by time, and again after a backup was put back."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from kassa.auth.codes import recovery_hash
from kassa.contracts.auth import StaffAccount
from kassa.kit.clock import DAY
from kassa.kit.problem import Unavailable
from tests.auth.factor import Person
from tests.auth.world import EMAIL, PASSWORD, World
from tests.trade.stores import FORMS, stores


class Till:
    def __init__(self, world: World) -> None:
        self.world, self.customers, self.outbox, self.buyers = world, world.customers, world.outbox, world.buyers

    async def is_erased(self, user_id: str) -> bool:
        user = await self.world.store.users.get(user_id)
        assert user is not None
        return user.erased_at is not None


@pytest.fixture(params=FORMS)
async def till(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Till]:
    async with stores(request.param, tmp_path) as (database, _):
        yield Till(await World.on(database, unused_days=30))


async def test_an_erased_account_keeps_its_id_and_lets_nobody_in(till: Till) -> None:
    session = await till.world.registered()
    user = await till.customers.of(EMAIL)
    assert user is not None
    await till.customers.erase(user, user.id)
    bare = await till.world.store.users.get(user.id)
    assert bare is not None
    assert (bare.email, bare.name, bare.password_hash, bare.audit[-1].what) == (user.id, "", "", "erased")
    assert (await till.world.get("/auth/verify", session["token"])).status_code == 401
    assert (await till.world.refresh(session["refreshToken"])).status_code == 401
    for email in (EMAIL, user.id):
        assert (await till.world.login(email=email)).status_code == 401
        assert (await till.world.login(email=email, password="")).status_code == 401
    assert await till.world.store.families.count({"user_id": user.id}) == 0
    assert till.buyers.erased == [user.id]
    assert (await till.world.registered())["user"]["id"] != user.id


async def test_what_the_address_waits_for_is_told_and_erased_with_the_account_or_nothing_is(till: Till) -> None:
    session = await till.world.registered()
    till.world.waiting.of = {EMAIL: ["prd_1"], "other@example.com": ["prd_2"]}
    user = await till.customers.of(EMAIL)
    assert user is not None
    assert [each.product_id for each in (await till.customers.export(user)).stock_notices] == ["prd_1"]
    till.world.waiting.is_down = True
    with pytest.raises(Unavailable):
        await till.customers.erase(user, user.id)
    assert not await till.is_erased(session["user"]["id"])
    till.world.waiting.is_down = False
    await till.customers.erase(user, user.id)
    assert await till.is_erased(user.id)
    assert till.world.waiting.of == {"other@example.com": ["prd_2"]}


async def test_of_a_second_factor_is_told_since_when_and_erased_with_the_account_is_all_of_it(till: Till) -> None:
    ada = await Person.with_factor(till.world, await till.world.registered())
    user = await till.customers.of(EMAIL)
    assert user is not None
    told = await till.customers.export(user)
    assert told.second_factor_since is not None
    exported = msgspec.json.encode(told).decode()
    assert [each for each in (ada.secret, *ada.recovery, *map(recovery_hash, ada.recovery)) if each in exported] == []
    await till.customers.erase(user, user.id)
    bare = await till.world.store.users.get(user.id)
    assert bare is not None
    assert bare.second_factor is None


async def test_what_cannot_be_erased_at_once_is_erased_later(till: Till) -> None:
    user_id = (await till.world.registered())["user"]["id"]
    till.buyers.is_down = True
    user = await till.world.store.users.get(user_id)
    assert user is not None
    await till.customers.erase(user, user_id)
    assert await till.is_erased(user_id)
    assert till.buyers.erased == []
    till.buyers.is_down = False
    till.world.clock.advance(60_000)
    await till.outbox.run_due()
    assert till.buyers.erased == [user_id]


async def test_an_administrator_is_not_erased(till: Till) -> None:
    await till.world.service.admins.make(EMAIL, PASSWORD, promote=False)
    user = await till.customers.of(EMAIL)
    assert user is not None
    with pytest.raises(StaffAccount):
        await till.customers.erase(user, "operator")


async def test_an_unused_account_is_erased(till: Till) -> None:
    unused, buyer, used, old = [
        (await till.world.registered(email=f"{name}@example.com"))["user"]["id"] for name in ("a", "b", "c", "d")
    ]
    till.buyers.with_orders = {buyer}
    of_old = await till.world.store.users.get(old)
    assert of_old is not None
    await till.world.store.users.save(msgspec.structs.replace(of_old, used_at=None))  # as former releases left it
    await till.customers.erase_unused()
    till.world.clock.advance(29 * DAY)
    assert (await till.world.login(email="c@example.com")).status_code == 200
    assert await till.customers.erase_unused() == 0
    till.world.clock.advance(DAY + 1)
    assert await till.customers.erase_unused() == 2
    assert [await till.is_erased(each) for each in (unused, buyer, used, old)] == [True, False, False, True]
    assert await till.customers.erase_unused() == 0


async def test_who_was_erased_is_listed_and_erased_again(till: Till) -> None:
    user_id = (await till.world.registered())["user"]["id"]
    user = await till.world.store.users.get(user_id)
    assert user is not None
    await till.customers.erase(user, user_id)
    assert [each.id async for each in till.customers.erased()] == [user_id]
    # As the backup has it.
    bare = await till.world.store.users.get(user_id)
    assert bare is not None
    await till.world.store.users.delete(user_id)
    await till.world.store.users.insert(user)
    assert await till.customers.erase_again(user_id)
    assert await till.is_erased(user_id)
    assert await till.customers.erase_again(user_id)
    assert not await till.customers.erase_again("usr_" + "0" * 26)

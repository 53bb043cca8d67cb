"""Administrators are seen and taken their power from: at once, everywhere, and never all of them."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from kassa.contracts.auth import LastAdministrator
from kassa.kit.clock import SECOND
from kassa.kit.documents import Database
from kassa.kit.problem import NotFound

from .world import EMAIL, PASSWORD, World

BOB = "bob@example.com"
ACTS = ("demote", "disable", "enable", "end-sessions")


@pytest.fixture(params=["sqlite", "mongo"])
def store(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def administrator(world: World, email: str = EMAIL) -> dict[str, Any]:
    """A new administrator's session."""
    await world.service.admins.make(email, PASSWORD, promote=False)
    answer = await world.login(email=email)
    session: dict[str, Any] = answer.json()
    assert answer.status_code == 200
    return session


async def act(world: World, what: str, token: str, on: str) -> tuple[int, Any]:
    answer = await world.post(f"/auth/admin/staff/{on}/{what}", token=token)
    return answer.status_code, answer.json().get("code") or answer.json()["member"]


async def is_good(world: World, token: str) -> bool:
    return (await world.get("/auth/verify", token)).status_code == 200


async def test_administrators_are_listed_and_buyers_are_not(world: World) -> None:
    ada, bob = await administrator(world), await administrator(world, BOB)
    await world.registered("eve@example.com")
    answer = (await world.get("/auth/admin/staff?limit=1", ada["token"])).json()
    assert [each["id"] for each in answer["staff"]] == [bob["user"]["id"]]
    assert answer["pagination"]["total"] == 2
    rest = await world.get(f"/auth/admin/staff?cursor={answer['pagination']['nextCursor']}", ada["token"])
    (member,) = rest.json()["staff"]
    assert (member["email"], member["role"], member["isDisabled"]) == (EMAIL, "admin", False)


@pytest.mark.parametrize("what", ["demote", "disable", "end-sessions"])
async def test_whom_it_is_done_to_is_out_at_once_everywhere(world: World, database: Database, what: str) -> None:
    ada, bob = await administrator(world), await administrator(world, BOB)
    other = await World.on(database)
    assert await is_good(other, bob["token"])
    status, member = await act(world, what, ada["token"], bob["user"]["id"])
    assert (status, member["role"], member["isDisabled"]) == (
        200,
        "user" if what == "demote" else "admin",
        what == "disable",
    )
    assert not await is_good(world, bob["token"])
    other.clock.advance(1 * SECOND)
    assert not await is_good(other, bob["token"])
    assert (await world.refresh(bob["refreshToken"])).status_code == 401
    assert await is_good(world, ada["token"])


async def test_who_is_demoted_is_a_buyer_like_any_other(world: World) -> None:
    ada, bob = await administrator(world), await administrator(world, BOB)
    await act(world, "demote", ada["token"], bob["user"]["id"])
    again = (await world.login(email=BOB)).json()
    assert again["user"]["role"] == "user"
    assert (await world.get("/auth/admin/staff", again["token"])).status_code == 403


async def test_a_buyer_is_not_demoted_once_more(world: World) -> None:
    ada, eve = await administrator(world), await world.registered("eve@example.com")
    for even_to_the_last in (False, True):
        with pytest.raises(NotFound, match="staff"):
            await world.service.staff.demote(eve["user"]["id"], "operator", even_to_the_last=even_to_the_last)
    assert await act(world, "demote", ada["token"], eve["user"]["id"]) == (404, "not_found")
    assert await is_good(world, eve["token"])


@pytest.mark.parametrize("what", ["demote", "disable"])
async def test_who_is_no_administrator_is_not_called_the_last_one(world: World, what: str) -> None:
    ada, bob = await administrator(world), await administrator(world, BOB)
    staff = world.service.staff
    await staff.give_role(bob["user"]["id"], "support", "operator")
    await staff.disable(ada["user"]["id"], "operator", even_to_the_last=True)
    doing = staff.demote if what == "demote" else staff.disable
    changed = await doing(bob["user"]["id"], "operator")
    assert (changed.role, changed.is_disabled) == (("user", False) if what == "demote" else ("support", True))


async def test_who_is_disabled_is_told_so_with_the_right_password_only_until_enabled(world: World) -> None:
    ada, bob = await administrator(world), await administrator(world, BOB)
    await act(world, "disable", ada["token"], bob["user"]["id"])
    right, wrong = await world.login(email=BOB), await world.login("wrong guess", BOB)
    assert (right.status_code, right.json()["code"]) == (403, "account_disabled")
    assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong_credentials")
    await act(world, "enable", ada["token"], bob["user"]["id"])
    assert (await world.login(email=BOB)).status_code == 200
    assert not await is_good(world, bob["token"])


@pytest.mark.parametrize("what", ACTS)
async def test_only_administrators_do_it_and_nobody_to_themselves(world: World, what: str) -> None:
    ada, eve = await administrator(world), await world.registered("eve@example.com")
    await administrator(world, BOB)
    assert await act(world, what, eve["token"], ada["user"]["id"]) == (403, "forbidden")
    assert await act(world, what, "", ada["user"]["id"]) == (401, "unauthenticated")
    assert await act(world, what, ada["token"], ada["user"]["id"]) == (409, "own_account")
    assert await act(world, what, ada["token"], "usr_nobody") == (404, "not_found")
    assert await is_good(world, ada["token"])


@pytest.mark.parametrize("what", ["demote", "disable"])
async def test_two_who_do_it_to_each_other_at_once_are_not_both_out(
    world: World, database: Database, what: str
) -> None:
    ada, bob = (each["user"]["id"] for each in (await administrator(world), await administrator(world, BOB)))
    other = await World.on(database)

    def doing(on: World) -> Callable[[str, str], Coroutine[Any, Any, Any]]:
        return on.service.staff.demote if what == "demote" else on.service.staff.disable

    both = await asyncio.gather(doing(world)(ada, bob), doing(other)(bob, ada), return_exceptions=True)
    assert any(isinstance(each, Exception) for each in both)
    left = [each for each in await world.service.staff.all() if not each.is_disabled]
    assert left


@pytest.mark.parametrize("what", ["demote", "disable"])
async def test_the_last_who_is_enabled_stays_unless_the_command_is_told(world: World, what: str) -> None:
    ada, bob = await administrator(world), await administrator(world, BOB)
    staff = world.service.staff
    await staff.disable(bob["user"]["id"], "operator")
    doing = staff.demote if what == "demote" else staff.disable
    with pytest.raises(Exception, match="last administrator"):
        await doing(ada["user"]["id"], "operator")
    assert await is_good(world, ada["token"])
    await doing(ada["user"]["id"], "operator", even_to_the_last=True)
    assert not await is_good(world, ada["token"])


async def test_another_role_of_the_staff_is_given_and_counts_from_the_next_log_in(world: World) -> None:
    ada, bob = await administrator(world), await administrator(world, BOB)
    path = f"/auth/admin/staff/{bob['user']['id']}/role"
    answer = await world.post(path, role="stock", token=ada["token"])
    assert (answer.status_code, answer.json()["member"]["role"]) == (200, "stock")
    assert answer.json()["member"]["sessions"] == 0
    assert not await is_good(world, bob["token"])
    again = (await world.login(email=BOB)).json()
    assert again["user"]["role"] == "stock"
    assert (await world.post(path, role="admin", token=again["token"])).status_code == 403
    user = await world.store.users.get(bob["user"]["id"])
    assert user is not None
    assert [(each.what, each.who) for each in user.audit][1:] == [("made stock", ada["user"]["id"])]


async def test_a_role_makes_nobody_of_the_staff_and_is_one_of_it(world: World) -> None:
    ada, eve = await administrator(world), await world.registered("eve@example.com")
    bob = await administrator(world, BOB)
    for user_id, role, status in (
        (eve["user"]["id"], "support", 404),
        ("usr_nobody", "support", 404),
        (bob["user"]["id"], "user", 422),
        (bob["user"]["id"], "owner", 422),
        (ada["user"]["id"], "support", 409),
    ):
        answer = await world.post(f"/auth/admin/staff/{user_id}/role", role=role, token=ada["token"])
        assert answer.status_code == status, (user_id, role, answer.text)
    assert (await world.login(email="eve@example.com")).json()["user"]["role"] == "user"


async def test_the_last_administrator_gets_no_lesser_role(world: World) -> None:
    ada, bob = await administrator(world), await administrator(world, BOB)
    await world.service.staff.disable(ada["user"]["id"], bob["user"]["id"])
    with pytest.raises(LastAdministrator):
        await world.service.staff.give_role(bob["user"]["id"], "support", "operator")
    assert await is_good(world, bob["token"])


async def test_the_list_says_where_each_is_logged_in(world: World) -> None:
    ada, bob = await administrator(world), await administrator(world, BOB)
    world.clock.advance(60 * SECOND)
    await world.login(email=BOB)
    listed = (await world.get("/auth/admin/staff", ada["token"])).json()["staff"]
    assert [(each["email"], each["sessions"]) for each in listed] == [(BOB, 2), (EMAIL, 1)]
    assert listed[0]["lastUsedAt"] > listed[1]["lastUsedAt"]
    await act(world, "end-sessions", ada["token"], bob["user"]["id"])
    listed = (await world.get("/auth/admin/staff", ada["token"])).json()["staff"]
    assert (listed[0]["sessions"], listed[0]["lastUsedAt"]) == (0, None)


async def test_it_is_in_the_audit_once_and_again_changes_nothing(world: World) -> None:
    ada, bob = await administrator(world), await administrator(world, BOB)
    for _ in range(2):
        await act(world, "disable", ada["token"], bob["user"]["id"])
    user = await world.store.users.get(bob["user"]["id"])
    assert user is not None
    assert [(each.what, each.who) for each in user.audit][1:] == [("disabled", ada["user"]["id"])]


async def test_whoever_is_taken_out_of_the_staff_is_not_brought_back_by_a_new_role_at_the_same_moment(
    world: World,
) -> None:
    await administrator(world)
    staff = world.service.staff
    for number in range(10):
        email = f"bob{number}@example.com"
        bob = (await administrator(world, email))["user"]["id"]
        steps = [staff.demote(bob, "operator"), staff.give_role(bob, "support", "operator")]
        await asyncio.gather(*(steps if number % 2 else reversed(steps)), return_exceptions=True)
        user = await world.service.user_of(email)
        assert user is not None
        assert user.role == "user"

"""Making administrators."""

import pytest

from kassa.kit.problem import Invalid

from .world import EMAIL, PASSWORD, World

NEW = "battery staple"


async def role_of(world: World, password: str = PASSWORD) -> str:
    """The role in a fresh log-in's token."""
    token = (await world.login(password)).json()["token"]
    role: str = (await world.get("/auth/verify", token)).json()["user"]["role"]
    return role


async def test_a_new_administrator_can_log_in(world: World) -> None:
    made = await world.service.admins.make(" Ada@example.com", PASSWORD, promote=False)
    assert (made.outcome, made.email, made.has_new_password) == ("created", EMAIL, True)
    assert await role_of(world) == "admin"


async def test_a_user_who_has_the_address_is_not_promoted_unasked(world: World) -> None:
    await world.registered()
    with pytest.raises(Invalid, match="registered already"):
        await world.service.admins.make(EMAIL, NEW, promote=False)
    assert await role_of(world) == "user"


@pytest.mark.parametrize("password", ["", PASSWORD])
async def test_nobody_is_promoted_with_the_password_that_whoever_registered_knows(world: World, password: str) -> None:
    session = await world.registered()
    with pytest.raises(Invalid, match="password: must"):
        await world.service.admins.make(EMAIL, password, promote=True)
    assert await role_of(world) == "user"
    assert (await world.refresh(session["refreshToken"])).status_code == 200


async def test_who_is_promoted_has_the_new_password_and_no_session_of_before(world: World) -> None:
    session = await world.registered()
    made = await world.service.admins.make(EMAIL, NEW, promote=True)
    assert (made.outcome, made.user_id, made.has_new_password) == ("promoted", session["user"]["id"], True)
    assert await role_of(world, NEW) == "admin"
    assert (await world.login(PASSWORD)).status_code == 401
    assert (await world.refresh(session["refreshToken"])).status_code == 401


async def test_making_the_same_administrator_again_changes_nothing(world: World) -> None:
    await world.service.admins.make(EMAIL, PASSWORD, promote=False)
    before = await world.store.users.first({"email": EMAIL})
    for promote in (False, True):
        made = await world.service.admins.make(EMAIL, PASSWORD, promote=promote)
        assert (made.outcome, made.has_new_password) == ("unchanged", False)
    assert await world.store.users.first({"email": EMAIL}) == before


async def test_an_administrator_can_be_given_another_password(world: World) -> None:
    await world.service.admins.make(EMAIL, PASSWORD, promote=False)
    session = (await world.login()).json()
    made = await world.service.admins.make(EMAIL, NEW, promote=False)
    assert (made.outcome, made.has_new_password) == ("unchanged", True)
    assert await role_of(world, NEW) == "admin"
    assert (await world.refresh(session["refreshToken"])).status_code == 401


async def test_a_new_administrator_needs_a_password(world: World) -> None:
    with pytest.raises(Invalid, match="password: must not be empty"):
        await world.service.admins.make(EMAIL, "", promote=False)


async def test_a_bad_address_or_password_is_refused(world: World) -> None:
    with pytest.raises(Invalid):
        await world.service.admins.make("nobody", PASSWORD, promote=False)
    with pytest.raises(Invalid):
        await world.service.admins.make(EMAIL, "short", promote=False)


async def test_the_promotion_is_in_the_audit(world: World) -> None:
    await world.registered()
    await world.service.admins.make(EMAIL, NEW, promote=True)
    user = await world.store.users.first({"email": EMAIL})
    assert user is not None
    assert [(entry.what, entry.who, entry.from_state, entry.to_state) for entry in user.audit] == [
        ("registered", user.id, "", "user"),
        ("address verification wanted", user.id, "user", "user"),
        ("password changed", "operator", "user", "user"),
        ("promoted", "operator", "user", "admin"),
    ]

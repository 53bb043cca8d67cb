"""Making administrators."""

import pytest

from kassa.kit.problem import Invalid

from .world import EMAIL, PASSWORD, World


async def role_of(world: World, password: str = PASSWORD) -> str:
    """The role in a fresh log-in's token."""
    token = (await world.login(password)).json()["token"]
    role: str = (await world.get("/auth/verify", token)).json()["user"]["role"]
    return role


async def test_a_new_administrator_can_log_in(world: World) -> None:
    made = await world.service.create_admin(" Ada@example.com", PASSWORD)
    assert (made.outcome, made.email, made.has_new_password) == ("created", EMAIL, True)
    assert await role_of(world) == "admin"


async def test_a_user_is_promoted_and_keeps_the_password(world: World) -> None:
    session = await world.registered()
    made = await world.service.create_admin(EMAIL, None)
    assert (made.outcome, made.user_id, made.has_new_password) == ("promoted", session["user"]["id"], False)
    assert await role_of(world) == "admin"


async def test_a_session_of_before_becomes_an_administrators_when_it_is_refreshed(world: World) -> None:
    session = await world.registered()
    await world.service.create_admin(EMAIL, None)
    assert (await world.refresh(session["refreshToken"])).json()["user"]["role"] == "admin"


async def test_a_password_given_when_promoting_counts_from_then_on(world: World) -> None:
    session = await world.registered()
    made = await world.service.create_admin(EMAIL, "battery staple")
    assert (made.outcome, made.has_new_password) == ("promoted", True)
    assert await role_of(world, "battery staple") == "admin"
    assert (await world.login(PASSWORD)).status_code == 401
    assert (await world.refresh(session["refreshToken"])).status_code == 401


async def test_making_the_same_administrator_again_changes_nothing(world: World) -> None:
    await world.service.create_admin(EMAIL, PASSWORD)
    before = await world.store.users.first({"email": EMAIL})
    made = await world.service.create_admin(EMAIL, PASSWORD)
    assert (made.outcome, made.has_new_password) == ("unchanged", False)
    assert await world.store.users.first({"email": EMAIL}) == before


async def test_a_new_administrator_needs_a_password(world: World) -> None:
    with pytest.raises(Invalid):
        await world.service.create_admin(EMAIL, None)


async def test_a_bad_address_or_password_is_refused(world: World) -> None:
    with pytest.raises(Invalid):
        await world.service.create_admin("nobody", PASSWORD)
    with pytest.raises(Invalid):
        await world.service.create_admin(EMAIL, "short")


async def test_the_promotion_is_in_the_audit(world: World) -> None:
    await world.registered()
    await world.service.create_admin(EMAIL, None)
    user = await world.store.users.first({"email": EMAIL})
    assert user is not None
    assert [(entry.what, entry.from_state, entry.to_state) for entry in user.audit] == [
        ("registered", "", "user"),
        ("promoted", "user", "admin"),
    ]

"""Refresh tokens: rotated, revoked, expired."""

import asyncio
import hashlib
from pathlib import Path

import msgspec
import pytest

from kassa.kit.clock import SECOND
from kassa.storage.documents_sqlite import SqliteDatabase

from .world import EMAIL, PASSWORD, World

DAY_SECONDS = 24 * 60 * 60


async def test_a_refresh_token_gets_a_fresh_pair(world: World) -> None:
    session = await world.registered()
    answer = await world.refresh(session["refreshToken"])

    fresh = answer.json()
    assert answer.status_code == 200
    assert fresh["user"] == session["user"]
    assert fresh["refreshToken"] != session["refreshToken"]
    assert fresh["token"] != session["token"]
    assert (await world.refresh(fresh["refreshToken"])).status_code == 200


async def test_two_tabs_that_refresh_at_once_both_go_on(world: World) -> None:
    session = await world.registered()
    answers = await asyncio.gather(*(world.refresh(session["refreshToken"]) for _ in range(5)))
    assert [answer.status_code for answer in answers] == [200] * 5
    (token,) = {answer.json()["refreshToken"] for answer in answers}
    world.clock.advance(3600 * SECOND)
    assert (await world.refresh(token)).status_code == 200


async def test_an_old_token_within_the_grace_gets_the_same_successor(world: World) -> None:
    session = await world.registered()
    first = (await world.refresh(session["refreshToken"])).json()
    world.clock.advance(30 * SECOND)
    again = await world.refresh(session["refreshToken"])
    assert (again.status_code, again.json()["refreshToken"]) == (200, first["refreshToken"])


@pytest.mark.parametrize("seconds", [0, 10, 60])
async def test_a_thief_who_refreshes_within_the_grace_has_no_chain_of_his_own(world: World, seconds: int) -> None:
    """Whoever comes second with a token that was used ends the session: the copy is noticed, at once."""
    owner = await world.registered()
    owner, thief = [(await world.refresh(owner["refreshToken"])).json() for _ in range(2)]
    world.clock.advance(900 * SECOND)
    owner = (await world.refresh(owner["refreshToken"])).json()
    world.clock.advance(900 * SECOND)
    owner = (await world.refresh(owner["refreshToken"])).json()
    world.clock.advance(seconds * SECOND)
    assert (await world.get("/auth/verify", owner["token"])).status_code == 200

    stolen = await world.refresh(thief["refreshToken"])

    assert (stolen.status_code, stolen.json()["code"]) == (401, "invalid_refresh_token")
    for token in (owner["token"], thief["token"]):
        assert (await world.get("/auth/verify", token)).status_code == 401
    assert (await world.refresh(owner["refreshToken"])).status_code == 401


async def test_a_token_is_not_given_again_once_its_successor_was_used(world: World) -> None:
    session = await world.registered()
    fresh = (await world.refresh(session["refreshToken"])).json()
    assert (await world.refresh(fresh["refreshToken"])).status_code == 200
    assert (await world.refresh(session["refreshToken"])).status_code == 401


async def test_of_two_chains_of_a_former_release_one_lives_on(world: World) -> None:
    session = await world.registered()
    first, second = session["refreshToken"], f"{session['refreshToken'].partition('.')[0]}.{'0' * 64}"
    family = await world.store.families.get(first.partition(".")[0])
    assert family is not None
    more = msgspec.structs.replace(family.tokens[0], hash=hashlib.sha256(second.encode()).hexdigest())
    await world.store.families.save(msgspec.structs.replace(family, tokens=(*family.tokens, more)))
    fresh = await world.refresh(first)
    assert fresh.status_code == 200
    assert (await world.refresh(second)).status_code == 401
    assert (await world.refresh(fresh.json()["refreshToken"])).status_code == 401


async def test_a_log_in_lasts_for_ninety_days_however_often_it_is_used(world: World) -> None:
    session = await world.registered()
    for _ in range(89):
        world.clock.advance(DAY_SECONDS * SECOND)
        answer = await world.refresh(session["refreshToken"])
        assert answer.status_code == 200
        session = answer.json()
    world.clock.advance(DAY_SECONDS * SECOND)
    assert (await world.refresh(session["refreshToken"])).status_code == 401
    assert await world.service.remove_expired() == 1


async def test_asking_again_within_the_grace_does_not_lengthen_it(world: World) -> None:
    session = await world.registered()
    for _ in range(2):
        await world.refresh(session["refreshToken"])
        world.clock.advance(20 * SECOND)
    assert (await world.refresh(session["refreshToken"])).status_code == 401


async def test_an_old_token_after_the_grace_revokes_its_family(world: World) -> None:
    session = await world.registered()
    fresh = (await world.refresh(session["refreshToken"])).json()
    world.clock.advance(31 * SECOND)

    stolen = await world.refresh(session["refreshToken"])

    assert (stolen.status_code, stolen.json()["code"]) == (401, "invalid_refresh_token")
    assert (await world.refresh(fresh["refreshToken"])).status_code == 401


async def test_a_token_that_was_old_long_ago_still_revokes_its_family(world: World) -> None:
    first = (await world.registered())["refreshToken"]
    current = first
    for _ in range(30):
        current = (await world.refresh(current)).json()["refreshToken"]
        world.clock.advance(60 * SECOND)
    assert (await world.refresh(first)).status_code == 401
    assert (await world.refresh(current)).status_code == 401


async def test_revoking_one_family_leaves_the_users_others_alone(world: World) -> None:
    session = await world.registered()
    other = (await world.login()).json()
    await world.post("/auth/logout", refreshToken=session["refreshToken"])
    assert (await world.refresh(other["refreshToken"])).status_code == 200


async def test_a_refresh_token_is_good_for_thirty_days(world: World) -> None:
    session = await world.registered()
    other = (await world.login()).json()
    world.clock.advance((30 * DAY_SECONDS - 1) * SECOND)
    fresh = await world.refresh(session["refreshToken"])
    assert fresh.status_code == 200
    world.clock.advance(SECOND)
    assert (await world.refresh(other["refreshToken"])).status_code == 401
    assert (await world.refresh(fresh.json()["refreshToken"])).status_code == 200


@pytest.mark.parametrize("token", ["", "x", ".", "fam_0123456789abcdefghjkmnpqrs.00", "fam_\u00e9.\u0000"])
async def test_an_unknown_refresh_token_is_refused_and_can_be_logged_out(world: World, token: str) -> None:
    assert (await world.refresh(token)).status_code == 401
    assert (await world.post("/auth/logout", refreshToken=token)).status_code == 204


async def test_logging_out_revokes_the_family_and_may_be_repeated(world: World) -> None:
    session = await world.registered()
    fresh = (await world.refresh(session["refreshToken"])).json()
    for _ in range(2):
        answer = await world.post("/auth/logout", refreshToken=fresh["refreshToken"])
        assert (answer.status_code, answer.content) == (204, b"")
    assert (await world.refresh(fresh["refreshToken"])).status_code == 401
    assert (await world.refresh(session["refreshToken"])).status_code == 401


async def test_a_changed_password_counts_and_ends_all_sessions(world: World) -> None:
    session = await world.registered()
    other = (await world.login()).json()

    answer = await world.post("/auth/password", token=session["token"], current=PASSWORD, new="battery staple")

    assert answer.status_code == 204
    assert (await world.login(PASSWORD)).status_code == 401
    assert (await world.login("battery staple")).status_code == 200
    assert (await world.refresh(session["refreshToken"])).status_code == 401
    assert (await world.refresh(other["refreshToken"])).status_code == 401


async def test_changing_the_password_needs_the_current_one(world: World) -> None:
    session = await world.registered()
    answer = await world.post("/auth/password", token=session["token"], current="wrong one", new="battery staple")
    assert (answer.status_code, answer.json()["code"]) == (401, "wrong_credentials")
    assert (await world.refresh(session["refreshToken"])).status_code == 200


async def test_changing_the_password_needs_a_token(world: World) -> None:
    await world.registered()
    answer = await world.post("/auth/password", current=PASSWORD, new="battery staple")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_the_new_password_must_be_long_enough(world: World) -> None:
    session = await world.registered()
    answer = await world.post("/auth/password", token=session["token"], current=PASSWORD, new="short")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "new")


async def test_of_two_password_changes_at_once_one_wins(world: World) -> None:
    token = (await world.registered())["token"]
    answers = await asyncio.gather(
        *(world.post("/auth/password", token=token, current=PASSWORD, new=f"battery staple {n}") for n in range(2))
    )
    assert sorted(answer.status_code for answer in answers) == [204, 401]


async def test_expired_families_are_removed(world: World) -> None:
    session = await world.registered()
    world.clock.advance(10 * DAY_SECONDS * SECOND)
    kept = (await world.login()).json()
    world.clock.advance(20 * DAY_SECONDS * SECOND)

    assert await world.service.remove_expired() == 1

    assert await world.store.families.get(session["refreshToken"].partition(".")[0]) is None
    assert (await world.refresh(kept["refreshToken"])).status_code == 200


async def test_no_secret_is_stored_in_clear(world: World, database: SqliteDatabase, tmp_path: Path) -> None:
    session = await world.registered()
    await database.close()
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert EMAIL.encode() in stored
    for secret in (PASSWORD, session["token"], session["refreshToken"].partition(".")[2]):
        assert secret.encode() not in stored


async def test_a_token_whose_account_is_gone_changes_no_password(world: World) -> None:
    session = await world.registered()
    await world.store.users.delete(session["user"]["id"])
    answer = await world.post("/auth/password", token=session["token"], current=PASSWORD, new="battery staple")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert (await world.refresh(session["refreshToken"])).status_code == 401

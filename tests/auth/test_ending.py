"""What was ended is ended at once: no token of it is taken any more, wherever it is shown."""

import asyncio
import signal
import time

import jwt
import msgspec
import pytest

from kassa.kit.clock import MINUTE, SECOND
from kassa.kit.ended import Ended, EndedTokens
from kassa.kit.identity import TokenVerifier
from kassa.kit.patience import deadline
from kassa.kit.problem import Unauthenticated, Unavailable
from tests.support import FakeClock

from .world import EMAIL, PASSWORD, World, cheap_passwords


async def is_good(world: World, token: str) -> bool:
    return (await world.get("/auth/verify", token)).status_code == 200


async def test_logged_out_is_out_at_once_and_elsewhere_one_is_still_in(world: World) -> None:
    session, other = await world.registered(), (await world.login()).json()
    fresh = (await world.refresh(session["refreshToken"])).json()
    await world.post("/auth/logout", refreshToken=fresh["refreshToken"])
    assert not await is_good(world, session["token"])
    assert not await is_good(world, fresh["token"])
    assert await is_good(world, other["token"])


async def test_a_changed_password_ends_all_sessions_at_once_and_new_ones_are_good(world: World) -> None:
    session, other = await world.registered(), (await world.login()).json()
    await world.post("/auth/password", token=session["token"], current=PASSWORD, new="battery staple")
    assert not await is_good(world, session["token"])
    assert not await is_good(world, other["token"])
    assert await is_good(world, (await world.login("battery staple")).json()["token"])


async def test_who_is_promoted_is_out_at_once(world: World) -> None:
    """Within a second: the command runs beside the server."""
    session = await world.registered()
    assert await is_good(world, session["token"])
    beside = World(world.store, cheap_passwords())
    beside.clock.at = world.clock.at
    await beside.service.admins.make(EMAIL, "battery staple", promote=True)
    world.clock.advance(1 * SECOND)
    assert not await is_good(world, session["token"])
    assert await is_good(world, (await world.login("battery staple")).json()["token"])


async def test_a_token_of_a_former_release_is_good_until_it_expires_or_the_password_is_changed(world: World) -> None:
    session = await world.registered()
    user = session["user"]
    now = world.clock.now() // SECOND
    claims = {"iss": "kassa", "sub": user["id"], "email": user["email"], "role": "user", "iat": now, "exp": now + 900}
    kid = world.tokens.keys().keys[0]["kid"]
    old = jwt.encode({**claims, "jti": "jwt_1"}, world.tokens._key, "EdDSA", headers={"kid": kid})
    assert await is_good(world, old)
    await world.post("/auth/password", token=old, current=PASSWORD, new="battery staple")
    assert not await is_good(world, old)


async def test_one_sees_one_s_sessions_and_ends_one_of_them(world: World) -> None:
    session = await world.registered()
    world.clock.advance(60 * SECOND)
    other = (await world.login(client="2001:db8:1:2::3")).json()
    listed = (await world.get("/auth/sessions", session["token"])).json()["sessions"]
    assert [(each["place"], each["isCurrent"]) for each in listed] == [
        ("2001:db8:1::/48", False),
        ("192.0.2.0/24", True),
    ]
    assert all(each["program"].startswith("python-httpx/") for each in listed)
    assert listed[0]["createdAt"] > listed[1]["createdAt"]

    gone = await world.delete(f"/auth/sessions/{listed[0]['id']}", session["token"])
    assert (gone.status_code, gone.content) == (204, b"")
    assert not await is_good(world, other["token"])
    assert (await world.refresh(other["refreshToken"])).status_code == 401
    assert await is_good(world, session["token"])
    assert len((await world.get("/auth/sessions", session["token"])).json()["sessions"]) == 1


async def test_all_others_are_ended_and_the_one_that_asks_is_not(world: World) -> None:
    session = await world.registered()
    others = [(await world.login()).json() for _ in range(3)]
    assert (await world.delete("/auth/sessions", session["token"])).status_code == 204
    assert [await is_good(world, each["token"]) for each in (session, *others)] == [True, False, False, False]


async def test_nobody_ends_or_sees_somebody_else_s_session(world: World) -> None:
    ada, bob = await world.registered(), await world.registered("bob@example.com")
    (hers,) = (await world.get("/auth/sessions", ada["token"])).json()["sessions"]
    for session_id in (hers["id"], "ses_unknown", ada["refreshToken"].partition(".")[0]):
        assert (await world.delete(f"/auth/sessions/{session_id}", bob["token"])).status_code == 404
    assert (await world.delete("/auth/sessions", bob["token"])).status_code == 204
    assert await is_good(world, ada["token"])
    for method in (world.get, world.delete):
        assert (await method("/auth/sessions", "")).status_code == 401


async def test_the_family_is_not_told_by_the_session_s_name(world: World) -> None:
    session = await world.registered()
    (listed,) = (await world.get("/auth/sessions", session["token"])).json()["sessions"]
    assert session["refreshToken"].partition(".")[0].removeprefix("fam_") not in f"{listed}"
    assert (await world.post("/auth/logout", refreshToken=listed["id"])).status_code == 204
    assert await is_good(world, session["token"])


async def test_one_more_session_than_a_user_may_have_ends_the_oldest(world: World) -> None:
    first = await world.registered()
    for _ in range(100):
        world.clock.advance(2 * SECOND)
        last = (await world.login()).json()
    assert not await is_good(world, first["token"])
    assert len((await world.get("/auth/sessions", last["token"])).json()["sessions"]) == 100


class Elsewhere:
    """A process that verifies tokens and is not the one that ends them."""

    def __init__(self, world: World) -> None:
        self.asked: list[int] = []
        self.is_down = False
        self._world = world
        self.ended = EndedTokens(self._ended, world.clock)
        self.verifier = TokenVerifier(world._keys, world.clock, self.ended)

    async def _ended(self, since: int) -> Ended:
        self.asked.append(since)
        if self.is_down:
            raise Unavailable
        answer: Ended = msgspec.convert((await self._world.get(f"/auth/ended?since={since}")).json(), Ended)
        return answer

    async def takes(self, token: str) -> bool:
        try:
            await self.verifier.principal(f"Bearer {token}")
        except Unauthenticated:
            return False
        return True


async def test_another_process_knows_a_second_later_and_asks_once_a_second(world: World) -> None:
    elsewhere, session = Elsewhere(world), await world.registered()
    assert await elsewhere.takes(session["token"])
    await world.post("/auth/logout", refreshToken=session["refreshToken"])
    asked = len(elsewhere.asked)
    for _ in range(50):
        assert await elsewhere.takes(session["token"])
    assert len(elsewhere.asked) == asked
    world.clock.advance(1 * SECOND)
    for _ in range(50):
        assert not await elsewhere.takes(session["token"])
    assert len(elsewhere.asked) == asked + 1


async def test_the_process_through_which_it_was_ended_knows_at_once(world: World) -> None:
    elsewhere, session = Elsewhere(world), await world.registered()
    assert await elsewhere.takes(session["token"])
    await world.post("/auth/logout", refreshToken=session["refreshToken"])
    elsewhere.verifier.expect_ends()
    assert not await elsewhere.takes(session["token"])


async def test_a_process_that_starts_learns_of_all_that_was_ended_while_tokens_live(world: World) -> None:
    sessions = [await world.registered()]
    for _ in range(14):
        sessions.append((await world.login()).json())
        world.clock.advance(60 * SECOND)
        await world.post("/auth/logout", refreshToken=sessions[-1]["refreshToken"])
    elsewhere = Elsewhere(world)
    assert [await elsewhere.takes(each["token"]) for each in sessions[1:]] == [False] * 14


async def test_what_was_ended_is_forgotten_when_its_tokens_have_expired(world: World) -> None:
    session = await world.registered()
    await world.post("/auth/logout", refreshToken=session["refreshToken"])
    assert (await world.get(f"/auth/ended?since={world.clock.now() - 1000}")).json()["marks"]
    world.clock.advance(17 * 60 * SECOND)
    assert await is_good(world, (await world.login()).json()["token"])
    assert world.service.ended_tokens._marks == {}
    assert await world.service.remove_expired() == 1


async def test_while_auth_does_not_answer_what_is_known_counts_for_ten_seconds(world: World) -> None:
    elsewhere, session = Elsewhere(world), await world.registered()
    assert await elsewhere.takes(session["token"])
    elsewhere.is_down = True
    for _ in range(9):
        world.clock.advance(1 * SECOND)
        assert await elsewhere.takes(session["token"])
    world.clock.advance(1 * SECOND)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await elsewhere.takes(session["token"])
    elsewhere.is_down = False
    assert await elsewhere.takes(session["token"])


async def test_who_was_waited_for_in_vain_is_not_waited_for_again_by_the_same_request() -> None:
    clock, asked = FakeClock(), 0

    async def fetch(_: int) -> Ended:
        nonlocal asked
        asked += 1
        clock.advance(10 * SECOND)
        raise Unavailable("nobody answers")

    ended = EndedTokens(fetch, clock)
    for _ in range(2):  # At the door, and behind it.
        with pytest.raises(Unavailable):
            await ended.refresh()
    assert asked == 1
    clock.advance(1 * SECOND)
    with pytest.raises(Unavailable):
        await ended.refresh()
    assert asked == 2


class Silent:
    """Auth that has answered once, and for some seconds each time does not any more."""

    def __init__(self, seconds: int) -> None:
        self.clock = FakeClock()
        self.asked = 0
        self._seconds = seconds

    async def fetch(self, _: int) -> Ended:
        self.asked += 1
        if self.asked == 1:
            return Ended([], self.clock.now(), latest=True)
        await asyncio.sleep(0)
        self.clock.advance(self._seconds * SECOND)
        raise Unavailable("nobody answers")


async def test_what_is_known_does_not_count_longer_because_nobody_answered_for_long() -> None:
    auth = Silent(10)
    ended = EndedTokens(auth.fetch, auth.clock)
    await ended.refresh()
    auth.clock.advance(3 * SECOND)
    for _ in range(2):  # At the door, and behind it.
        with pytest.raises(Unavailable):
            await ended.refresh()
    assert auth.asked == 2


async def test_whoever_comes_while_nobody_answers_waits_once_and_is_in_a_hurry_then() -> None:
    auth = Silent(5)
    ended = EndedTokens(auth.fetch, auth.clock)
    await ended.refresh()
    auth.clock.advance(2 * SECOND)

    async def late() -> float | None:
        auth.clock.advance(2 * SECOND)  # What was known when the asking began is not fresh to this one.
        await ended.refresh()
        return deadline.get()

    async def first() -> float | None:
        await ended.refresh()
        await ended.refresh()  # Behind the door.
        return deadline.get()

    begun = time.monotonic()
    for until in await asyncio.gather(first(), late()):
        assert until is not None
        assert begun <= until <= time.monotonic() + 2
    assert auth.asked == 2


async def test_nobody_waits_for_auth_longer_than_for_the_whole_answer_and_others_go_on_waiting() -> None:
    clock, is_back, left = FakeClock(), asyncio.Event(), list[float | None]()

    async def fetch(_: int) -> Ended:
        left.append(deadline.get())
        await is_back.wait()
        return Ended([], clock.now(), latest=True)

    ended = EndedTokens(fetch, clock)

    async def hurried() -> None:
        deadline.set(time.monotonic() + 0.01)
        await ended.refresh()

    async with asyncio.timeout(5):
        first = asyncio.create_task(hurried())
        await asyncio.sleep(0)
        patient = asyncio.create_task(ended.refresh())
        with pytest.raises(Unavailable):
            await first
        is_back.set()
        await patient
    assert left == [None]


async def test_an_answer_that_took_long_is_fresh_to_who_has_waited_for_it() -> None:
    clock, asked = FakeClock(), 0

    async def fetch(_: int) -> Ended:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        clock.advance(3 * SECOND)
        return Ended([], clock.now(), latest=True)

    ended = EndedTokens(fetch, clock)
    async with asyncio.timeout(5):
        await asyncio.gather(*(ended.refresh() for _ in range(3)))
    assert asked == 1


@pytest.mark.parametrize("since", [-(10**18), 0, 10**18])
async def test_whatever_is_asked_no_more_is_told_than_of_some_minutes(world: World, since: int) -> None:
    answer = (await world.get(f"/auth/ended?since={since}")).json()
    assert world.clock.now() - 16 * MINUTE <= answer["until"] <= world.clock.now()


async def test_who_comes_just_as_the_answer_does_is_not_waited_for_without_end() -> None:
    """The answer is there, and nobody has been told of it yet: a loop that never lets go held a whole process."""
    came: list[bool] = []
    clock = FakeClock()

    def come() -> None:
        coming = ended.refresh()
        try:
            coming.send(None)
        except StopIteration:
            came.append(True)
        finally:
            coming.close()

    async def fetch(_: int) -> Ended:
        asyncio.get_running_loop().call_soon(come)  # Before those who are told that this is done.
        return Ended([], clock.now(), latest=True)

    def give_up(*_: object) -> None:
        raise AssertionError("it loops")

    ended = EndedTokens(fetch, clock)
    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(5)
    try:
        await ended.refresh()
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    assert came == [True]

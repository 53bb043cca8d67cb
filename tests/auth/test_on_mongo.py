"""Several processes on one MongoDB: a session that one of them ends is ended for all of them."""

from kassa.kit.clock import SECOND
from tests.storage.worlds import mongo

from .world import PASSWORD, World


async def test_what_one_process_ends_the_others_know_a_second_later() -> None:
    async with mongo() as database:
        one, other = await World.on(database), await World.on(database)

        async def takes(token: str) -> list[bool]:
            return [(await each.get("/auth/verify", token)).status_code == 200 for each in (one, other)]

        session = await one.registered()
        other.clock.advance(1 * SECOND)
        second = (await other.login()).json()
        assert await takes(session["token"]) == await takes(second["token"]) == [True, True]
        listed = (await one.get("/auth/sessions", session["token"])).json()["sessions"]
        assert [each["isCurrent"] for each in listed] == [False, True]

        assert (await one.delete(f"/auth/sessions/{listed[0]['id']}", session["token"])).status_code == 204
        assert await takes(second["token"]) == [False, True]
        other.clock.advance(1 * SECOND)
        assert await takes(second["token"]) == [False, False]

        changed = {"current": PASSWORD, "new": "battery staple"}
        assert (await other.post("/auth/password", token=session["token"], **changed)).status_code == 204
        assert await takes(session["token"]) == [True, False]
        one.clock.advance(1 * SECOND)
        assert await takes(session["token"]) == [False, False]

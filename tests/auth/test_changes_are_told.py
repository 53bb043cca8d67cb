"""What guards an account has changed: its holder is told, for it may have been somebody else."""

import pytest

from kassa.auth.domain import MOST_AN_HOUR
from kassa.contracts.mail import Mail, MailRefused
from kassa.kit.clock import DAY, HOUR, MINUTE, rfc3339
from kassa.kit.problem import Unavailable
from tests.auth.factor import Person
from tests.auth.world import EMAIL, PASSWORD, World, stored_user
from tests.storage.worlds import DATABASES

CHANGED = "account_changed"


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


async def changed(world: World, number: int = 1) -> None:
    """Log in, and choose another password: the one before with a number more."""
    session = (await world.login(PASSWORD + "!" * (number - 1))).json()
    body = {"current": PASSWORD + "!" * (number - 1), "new": PASSWORD + "!" * number}
    assert (await world.post("/auth/password", token=session["token"], **body)).status_code == 204


async def told(world: World) -> list[Mail]:
    """All mails of changes, once what is due is done."""
    world.clock.advance(MINUTE)
    await world.outbox.run_due()
    await world.outbox.settle()
    return world.mailbox.of(CHANGED)


async def test_another_password_is_told_once_with_the_way_to_a_new_one(world: World) -> None:
    session = await world.registered()
    at = world.clock.now()
    await changed(world)
    [mail] = await told(world)
    assert (mail.to, mail.about, mail.locale, mail.at) == (EMAIL, session["user"]["id"], "en", at)
    assert mail.says == {
        "what": "password changed",
        "at": rfc3339(at),
        "link": "https://shop.example/account/forgotten",
    }
    assert await told(world) == [mail]


async def test_who_set_it_by_a_link_or_had_an_operator_set_it_is_told_too(world: World) -> None:
    await world.registered()
    await world.post("/auth/password/forgotten", email=EMAIL)
    token = world.mailbox.token("reset_password")
    assert (await world.send("/auth/password/reset", {"token": token, "new": "four other words"})).status_code == 204
    await world.service.admins.make(EMAIL, "another four words", promote=True)
    assert [each.says["what"] for each in await told(world)] == ["password reset", "password changed"]


async def test_a_second_factor_that_comes_or_goes_is_told(world: World) -> None:
    ada = await Person.with_factor(world, await world.registered())
    assert (await ada.change("second-factor/remove", ada.next_code())).status_code == 200
    assert [each.says["what"] for each in await told(world)] == ["second factor on", "second factor off"]


async def test_who_changes_it_again_and_again_fills_no_mailbox(world: World) -> None:
    await world.registered()
    for number in range(1, MOST_AN_HOUR + 3):
        await changed(world, number)
    assert len(await told(world)) == MOST_AN_HOUR
    world.clock.advance(HOUR)
    await changed(world, MOST_AN_HOUR + 3)
    assert len(await told(world)) == MOST_AN_HOUR + 1


@pytest.mark.parametrize("why", ["refused", "down for days"])
async def test_what_cannot_be_sent_is_given_up_and_noted(world: World, why: str) -> None:
    session = await world.registered()
    world.mailbox.trouble = MailRefused("550") if why == "refused" else Unavailable("down")
    await changed(world)
    assert await told(world) == []
    if why != "refused":
        world.clock.advance(3 * DAY)
        assert await told(world) == []
    user = await world.store.users.get(session["user"]["id"])
    assert user is not None
    assert user.due_at is None
    assert "mail not sent: password changed" in user.audit[-1].what


async def test_a_shop_without_mail_and_an_erased_account_are_left_alone(world: World) -> None:
    silent = World(world.store, world.service._passwords, has_mail=False)
    ada = await silent.registered()
    await changed(silent)
    assert await told(silent) == []
    user = await silent.store.users.get(ada["user"]["id"])
    assert user is not None
    assert [each.what for each in user.audit] == ["registered", "password changed"]

    stored = await world.store.users.insert(stored_user("usr_1", "bob@example.com", user.password_hash))
    await world.service.admins.make("bob@example.com", "another four words", promote=True)
    await world.customers.erase(stored, "operator")
    assert await told(world) == []

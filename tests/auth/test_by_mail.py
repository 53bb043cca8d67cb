"""What users do by links that are mailed to them: set a new password, show that their address is theirs."""

import asyncio
import re
from typing import Any

import httpx
import pytest

from kassa.auth.domain import MOST_AN_HOUR, User
from kassa.auth.links import Links
from kassa.contracts.auth import InvalidLink
from kassa.contracts.mail import MailRefused
from kassa.kit.clock import HOUR, MINUTE, SECOND
from kassa.kit.documents import Database
from kassa.kit.problem import Unavailable
from kassa.kit.security import EMAIL_VERIFIED, EVENTS, LINK_REFUSED, RESET_ASKED
from tests.auth.factor import Person
from tests.auth.world import EMAIL, MASTER_SECRET, PASSWORD, World, stored_user
from tests.storage.worlds import DATABASES

RESET, VERIFY = "reset_password", "verify_email"
NEW = "four other words here"
FORGOTTEN = {"message": "If this address has an account, a link was sent to it. It is good for an hour."}


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


async def user_of(world: World, email: str = EMAIL) -> User:
    user = await world.store.users.first({"email": email})
    assert user is not None
    return user


async def forgotten(world: World, email: str = EMAIL, client: str = "192.0.2.1") -> httpx.Response:
    return await world.post("/auth/password/forgotten", email=email, client=client)


async def reset(world: World, token: str, new: str = NEW) -> httpx.Response:
    return await world.send("/auth/password/reset", {"token": token, "new": new})


async def verify(world: World, token: str, session: dict[str, Any] | None = None) -> httpx.Response:
    """As whoever has this session, or logs in."""
    session = session or (await world.login()).json()
    return await world.send("/auth/email/verify", {"token": token}, token=session["token"])


def is_refused(answer: httpx.Response) -> bool:
    return (answer.status_code, answer.json()["code"]) == (400, "invalid_link")


# A new password


async def test_who_has_forgotten_the_password_sets_a_new_one_by_link(world: World) -> None:
    session = await world.registered()
    assert (await forgotten(world)).status_code == 202
    [mail] = world.mailbox.of(RESET)
    assert (mail.to, mail.about, mail.locale, mail.says["hours"]) == (EMAIL, session["user"]["id"], "en", 1)
    assert re.fullmatch(r"https://shop\.example/account/reset/usr_\w{26}\.[\w-]{43}", mail.says["link"])
    answer = await reset(world, world.mailbox.token(RESET))
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await world.login()).status_code == 401
    assert (await world.login(NEW)).status_code == 200


async def test_a_new_password_ends_all_sessions_and_shows_that_the_address_is_theirs(world: World) -> None:
    session = await world.registered()
    assert session["user"]["emailVerified"] is False
    await forgotten(world)
    await reset(world, world.mailbox.token(RESET))
    assert (await world.get("/auth/verify", session["token"])).status_code == 401
    assert (await world.refresh(session["refreshToken"])).status_code == 401
    assert (await world.login(NEW)).json()["user"]["emailVerified"] is True
    user = await user_of(world)
    assert [each.what for each in user.audit[-2:]] == ["password reset wanted", "password reset"]
    assert user.links == ()
    assert world.buyers.claimed[0] == (EMAIL, user.id)


async def test_a_device_that_was_known_before_is_a_stranger_after_it(world: World) -> None:
    device = (await world.registered())["deviceToken"]
    await forgotten(world)
    await reset(world, world.mailbox.token(RESET))
    assert world.service._devices.device(device, await user_of(world)) == ""


async def test_a_weak_password_is_refused_and_the_link_stays_good(world: World) -> None:
    await world.registered()
    await forgotten(world)
    token = world.mailbox.token(RESET)
    for weak in ("short", "password1", EMAIL):
        answer = await reset(world, token, weak)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "new")
    assert (await reset(world, token)).status_code == 204


async def test_a_second_factor_stays_and_is_asked_for_as_before(world: World) -> None:
    ada = await Person.with_factor(world, await world.registered())
    await forgotten(world)
    assert (await reset(world, world.mailbox.token(RESET))).status_code == 204
    answer = await world.login(NEW)
    assert (answer.status_code, answer.json()["code"]) == (401, "second_factor_required")
    second = {"challenge": answer.json()["challenge"], "code": ada.next_code()}
    assert (await world.post("/auth/login/second-factor", **second)).status_code == 200


# What a link is good for


async def test_a_link_is_good_once(world: World) -> None:
    await world.registered()
    await forgotten(world)
    token = world.mailbox.token(RESET)
    assert (await reset(world, token)).status_code == 204
    assert is_refused(await reset(world, token, "and another one yet"))
    assert (await world.login(NEW)).status_code == 200


async def test_of_two_who_use_a_link_at_once_one_is_refused(world: World) -> None:
    await world.registered()
    await forgotten(world)
    token = world.mailbox.token(RESET)
    answers = await asyncio.gather(*(reset(world, token, f"word number {each} of mine") for each in range(3)))
    assert sorted(each.status_code for each in answers) == [204, 400, 400]


async def test_a_link_is_good_for_an_hour(world: World) -> None:
    await world.registered()
    await forgotten(world)
    token = world.mailbox.token(RESET)
    world.clock.advance(HOUR)
    assert is_refused(await reset(world, token))
    await forgotten(world)
    world.clock.advance(HOUR - 1)
    assert (await reset(world, world.mailbox.token(RESET))).status_code == 204


async def test_asking_again_replaces_the_link(world: World) -> None:
    await world.registered()
    await forgotten(world)
    first = world.mailbox.token(RESET)
    await forgotten(world)
    assert world.mailbox.token(RESET) != first
    assert is_refused(await reset(world, first))
    assert (await reset(world, world.mailbox.token(RESET))).status_code == 204


async def test_a_link_is_good_for_its_own_purpose_alone(world: World) -> None:
    await world.registered()
    await forgotten(world)
    assert is_refused(await reset(world, world.mailbox.token(VERIFY)))
    assert is_refused(await verify(world, world.mailbox.token(RESET)))
    assert (await world.login()).status_code == 200
    assert (await user_of(world)).verified_at is None


@pytest.mark.parametrize("why", ["changed", "disabled", "disabled and enabled", "promoted", "erased"])
async def test_what_ends_all_sessions_ends_the_links_as_well(world: World, why: str) -> None:
    session = await world.registered()
    await forgotten(world)
    tokens = {kind: world.mailbox.token(kind) for kind in (RESET, VERIFY)}
    if why == "changed":
        body = {"current": PASSWORD, "new": NEW}
        assert (await world.post("/auth/password", token=session["token"], **body)).status_code == 204
    elif why == "promoted":
        await world.service.admins.make(EMAIL, NEW, promote=True)
    elif why == "erased":
        await world.customers.erase(await user_of(world), "operator")
    else:
        await world.service.admins.make(EMAIL, NEW, promote=True, role="support")
        await forgotten(world)
        tokens[RESET] = world.mailbox.token(RESET)
        await world.service.staff.disable(session["user"]["id"], "operator")
        if why != "disabled":
            await world.service.staff.enable(session["user"]["id"], "operator")
    assert is_refused(await reset(world, tokens[RESET], "five more words of mine"))
    with pytest.raises(InvalidLink):
        await world.service.by_mail.verify(tokens[VERIFY], session["user"]["id"])


async def test_a_second_factor_that_is_set_up_leaves_the_links_good(world: World) -> None:
    session = await world.registered()
    await Person.with_factor(world, session)
    verified = await world.service.by_mail.verify(world.mailbox.token(VERIFY), session["user"]["id"])
    assert verified.verified_at is not None


async def test_tokens_that_are_none_are_refused_like_old_ones(world: World) -> None:
    session = await world.registered()
    await forgotten(world)
    right = world.mailbox.token(RESET)
    user_id, _, secret = right.partition(".")
    other = (await world.registered("eve@example.com"))["user"]["id"]
    forged = Links(["another secret"]).new((await user_of(world)).links[0].purpose, user_id, "00")
    wrong = ("", ".", "nonsense", user_id, f"{user_id}.", f".{secret}", f"{other}.{secret}", forged, f"{right}x")
    for token in (*wrong, right[:-1], "\x00", "ü" * 40, session["token"][:128]):
        assert is_refused(await reset(world, token)), token
        assert is_refused(await verify(world, token, session)), token
    assert (await reset(world, "x" * 129)).status_code == 422
    assert (await reset(world, right)).status_code == 204


async def test_of_a_token_nothing_is_kept_but_its_hash(world: World) -> None:
    await world.registered()
    await forgotten(world)
    stored = str([(each.hash, each.until) for each in (await user_of(world)).links])
    effects = str([each.args for each in (await user_of(world)).effects])
    for kind in (RESET, VERIFY):
        secret = world.mailbox.token(kind).partition(".")[2]
        assert secret not in stored + effects
    assert "hash" not in repr((await user_of(world)).links)


async def test_wrong_links_are_security_events(world: World) -> None:
    before = EVENTS.counts[LINK_REFUSED.name]
    await world.registered()
    assert is_refused(await reset(world, f"{(await user_of(world)).id}.{'a' * 43}"))
    assert EVENTS.counts[LINK_REFUSED.name] == before + 1


async def test_a_link_outlives_a_new_master_secret(database: Database) -> None:
    before = await World.on(database, master_secret="an older secret")
    await before.registered()
    before.mailbox.trouble = Unavailable("down")
    await forgotten(before)
    user = await user_of(before)
    effect = next(each for each in user.effects if each.kind == "mail_reset")
    both = Links([MASTER_SECRET, "an older secret"])
    purpose = next(each.purpose for each in user.links if each.purpose == RESET)
    sent = both.again(user, effect, purpose)
    assert sent is not None
    assert sent == Links(["an older secret"]).again(user, effect, purpose)
    assert Links([MASTER_SECRET]).again(user, effect, purpose) is None


# Who is told what


async def test_nobody_is_told_whether_an_address_has_an_account(world: World) -> None:
    await world.registered()
    await world.service.admins.make("disabled@example.com", PASSWORD, promote=False, role="support")
    disabled = await user_of(world, "disabled@example.com")
    await world.service.staff.disable(disabled.id, "operator")
    gone = (await world.registered("gone@example.com"))["user"]["id"]
    await world.customers.erase(await user_of(world, "gone@example.com"), gone)
    world.mailbox.mails.clear()
    answers = [
        await forgotten(world, email)
        for email in (EMAIL, "nobody@example.com", "disabled@example.com", "gone@example.com")
    ]
    assert {(each.status_code, each.content) for each in answers} == {(202, answers[0].content)}
    assert answers[0].json() == FORGOTTEN
    assert [each.to for each in world.mailbox.mails] == [EMAIL]


async def test_the_answer_is_there_before_any_account_was_looked_at(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it takes as long for one that has none: there is no other way through it."""
    await world.registered()
    looked: list[str] = []
    known = world.service._accounts.of

    async def noted(email: str) -> User | None:
        looked.append(email)
        return await known(email)

    monkeypatch.setattr(world.service._accounts, "of", noted)
    for email in (EMAIL, "nobody@example.com"):
        world.service.by_mail.forgotten(email, "192.0.2.1")
        assert looked == []
        await world.outbox.settle()
        assert looked == [email]
        looked.clear()


async def test_that_somebody_asked_is_a_security_event_for_unknown_addresses_too(world: World) -> None:
    await world.registered()
    before = EVENTS.counts[RESET_ASKED.name]
    await forgotten(world)
    await forgotten(world, "nobody@example.com")
    assert EVENTS.counts[RESET_ASKED.name] == before + 2


@pytest.mark.parametrize("email", ["", "ada", "ada@", "@example.com", "a b@example.com", f"{'a' * 250}@example.com"])
async def test_what_is_no_address_is_refused(world: World, email: str) -> None:
    answer = await forgotten(world, email)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "email")


async def test_the_mail_goes_to_the_address_as_it_is_stored(world: World) -> None:
    """Not to what was typed, which only looks like it."""
    await world.registered()
    for typed in ("ADA@EXAMPLE.COM", "\uff41da@example.com"):
        await forgotten(world, typed)
    assert {each.to for each in world.mailbox.of(RESET)} == {EMAIL}


# Who is written to, and how often


async def test_nobody_fills_a_mailbox(world: World) -> None:
    await world.registered()
    for number in range(10):
        answer = await forgotten(world, client=f"198.51.100.{number}")
        assert (answer.status_code, answer.json()) == (202, FORGOTTEN)
    # One of those was the link that shows that the address is theirs.
    assert len(world.mailbox.mails) == 3
    world.clock.advance(20 * MINUTE)
    await forgotten(world)
    assert len(world.mailbox.mails) == 4


async def test_nor_by_way_of_several_processes(world: World, database: Database) -> None:
    await world.registered()
    for _ in range(2 * MOST_AN_HOUR):
        beside = await World.on(database)
        await forgotten(beside)
        world.mailbox.mails += beside.mailbox.mails
    assert len(world.mailbox.of(RESET)) == MOST_AN_HOUR


async def test_nor_by_registering_and_erasing_again_and_again(world: World) -> None:
    for number in range(6):
        session = await world.post("/auth/register", email=EMAIL, password=PASSWORD, client=f"198.51.100.{number}")
        await world.customers.erase(await user_of(world), session.json()["user"]["id"])
    world.mailbox.mails.clear()
    await world.registered()
    assert world.mailbox.mails == []


async def test_a_household_writes_to_few(world: World) -> None:
    for number in range(30):
        await world.service.admins.make(f"user{number}@example.com", PASSWORD, promote=False, role="support")
    for number in range(30):
        assert (await forgotten(world, f"user{number}@example.com")).status_code == 202
    assert len(world.mailbox.of(RESET)) == 20
    await forgotten(world, "user29@example.com", client="198.51.100.7")
    assert len(world.mailbox.of(RESET)) == 21


async def test_nothing_that_a_stranger_has_typed_is_in_a_mail(world: World) -> None:
    name = "Buy pills at https://pills.example"
    await world.post("/auth/register", email=EMAIL, password=PASSWORD, name=name)
    await forgotten(world)
    assert {tuple(sorted(each.says)) for each in world.mailbox.mails} == {("hours", "link")}
    assert "pills" not in str([each.says for each in world.mailbox.mails])


async def test_mails_are_in_the_language_that_was_registered(world: World) -> None:
    for email, locale in ((EMAIL, "de-AT,de;q=0.9,en;q=0.8"), ("fay@example.com", "tlh"), ("gil@example.com", "de")):
        body = {"email": email, "password": PASSWORD, "locale": locale}
        assert (await world.post("/auth/register", **body)).status_code == 201
    assert [each.locale for each in world.mailbox.of(VERIFY)] == ["de", "en", "de"]
    await forgotten(world)
    assert world.mailbox.of(RESET)[0].locale == "de"
    assert (await world.service.contact((await user_of(world)).id)).locale == "de"


# What becomes of a mail


async def test_a_mail_that_cannot_be_sent_now_is_sent_later_with_the_same_link(world: World) -> None:
    await world.registered()
    world.mailbox.trouble = Unavailable("the mail server is down")
    assert (await forgotten(world)).status_code == 202
    assert world.mailbox.of(RESET) == []
    world.mailbox.trouble = None
    world.clock.advance(10 * SECOND)
    await world.outbox.run_due()
    assert (await reset(world, world.mailbox.token(RESET))).status_code == 204


@pytest.mark.parametrize("why", ["refused", "too late", "replaced"])
async def test_a_mail_for_which_nobody_waits_is_given_up(world: World, why: str) -> None:
    await world.registered()
    world.mailbox.trouble = MailRefused("550 no such user") if why == "refused" else Unavailable("down")
    await forgotten(world)
    world.mailbox.trouble = None
    if why == "replaced":
        await forgotten(world)
    world.clock.advance(HOUR if why == "too late" else 10 * SECOND)
    await world.outbox.run_due()
    await world.outbox.settle()
    user = await user_of(world)
    assert [each for each in user.effects if each.done_at is None] == []
    assert not user.needs_attention
    noted = [each.what for each in user.audit if each.what.startswith("mail not sent")]
    said = {"refused": ", the mail server refuses it", "too late": ", its hour is over"}
    assert noted == ([f"mail not sent: password reset wanted{said[why]}"] if why in said else [])
    assert len(world.mailbox.of(RESET)) == (1 if why == "replaced" else 0)
    assert "550" not in str(user.audit)


async def test_what_is_kept_of_mails_is_forgotten_with_the_account(world: World) -> None:
    session = await world.registered()
    await forgotten(world)
    await world.customers.erase(await user_of(world), session["user"]["id"])
    bare = await world.store.users.get(session["user"]["id"])
    assert bare is not None
    assert (bare.verified_at, bare.locale, bare.links) == (None, "", ())
    assert world.mailbox.forgotten == [session["user"]["id"]]


# An address that is theirs


async def test_registering_sends_a_link_that_shows_that_the_address_is_theirs(world: World) -> None:
    session = await world.registered()
    before = EVENTS.counts[EMAIL_VERIFIED.name]
    [mail] = world.mailbox.mails
    assert (mail.kind, mail.to) == (VERIFY, EMAIL)
    assert mail.says["link"].startswith("https://shop.example/account/verify/usr_")
    assert (await verify(world, world.mailbox.token(VERIFY))).status_code == 204
    assert EVENTS.counts[EMAIL_VERIFIED.name] == before + 1
    shown = (await world.get("/auth/email/verification", session["token"])).json()
    assert shown == {"email": EMAIL, "emailVerified": True, "canSend": True}
    assert (await world.service.contact(session["user"]["id"])).is_verified
    assert (await world.refresh(session["refreshToken"])).json()["user"]["emailVerified"] is True
    assert is_refused(await verify(world, world.mailbox.token(VERIFY)))


async def test_who_opens_the_link_of_an_account_that_a_stranger_made_does_not_verify_it(
    world: World,
) -> None:
    eve = await world.registered()
    token = world.mailbox.token(VERIFY)
    ada = await world.registered("ada.lovelace@example.com")
    assert (await world.send("/auth/email/verify", {"token": token})).status_code == 401
    assert is_refused(await verify(world, token, ada))
    assert (await user_of(world)).verified_at is None
    # Whoever reads the mail gets the account: nobody else is in it any more.
    await forgotten(world)
    assert (await reset(world, world.mailbox.token(RESET))).status_code == 204
    assert (await world.refresh(eve["refreshToken"])).status_code == 401
    assert (await user_of(world)).verified_at is not None


async def test_the_link_is_sent_again_to_whoever_asks_three_times_an_hour(world: World) -> None:
    token = (await world.registered())["token"]
    world.clock.advance(2 * HOUR)
    token = (await world.login()).json()["token"]
    for _ in range(3):
        answer = await world.post("/auth/email/verification", token=token)
        assert (answer.status_code, answer.json()["emailVerified"]) == (202, False)
    refused = await world.post("/auth/email/verification", token=token)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 3600
    assert len(world.mailbox.of(VERIFY)) == 4
    assert (await verify(world, world.mailbox.token(VERIFY))).status_code == 204
    again = await world.post("/auth/email/verification", token=token)
    assert (again.status_code, again.json()["code"]) == (409, "already_verified")


async def test_accounts_of_former_releases_are_not_verified(world: World) -> None:
    await world.store.users.insert(stored_user("usr_01jd0000000000000000000000", "old@example.com"))
    old = await user_of(world, "old@example.com")
    assert (old.verified_at, old.locale, old.links) == (None, "", ())
    assert not (await world.service.contact(old.id)).is_verified


async def test_guest_orders_are_claimed_at_each_log_in_after_that_and_nobody_waits_for_it(world: World) -> None:
    session = await world.registered()
    await world.login()
    assert world.buyers.claimed == []
    await verify(world, world.mailbox.token(VERIFY))
    mine = (EMAIL, session["user"]["id"])
    assert world.buyers.claimed == [mine]
    before = await user_of(world)
    await world.login()
    assert world.buyers.claimed == [mine, mine]
    assert (await user_of(world)).version == before.version, "a log-in with nothing to remember writes nothing"
    world.buyers.is_down = True
    assert (await world.login()).status_code == 200
    world.buyers.is_down = False
    world.clock.advance(10 * SECOND)
    await world.outbox.run_due()
    assert world.buyers.claimed == [mine, mine, mine]


async def test_an_export_tells_the_language_and_whether_the_address_is_verified(world: World) -> None:
    await world.post("/auth/register", email=EMAIL, password=PASSWORD, locale="de")
    told = await world.customers.export(await user_of(world))
    assert (told.locale, told.account.email_verified) == ("de", False)


# A shop without mails


async def test_a_shop_that_sends_no_mails_says_so_and_looks_at_no_account(database: Database) -> None:
    world = await World.on(database, has_mail=False)
    session = await world.registered()
    assert world.mailbox.mails == []
    user = await user_of(world)
    assert (user.links, user.effects) == ((), ())
    answers = [
        await forgotten(world),
        await forgotten(world, "nobody@example.com"),
        await reset(world, f"{user.id}.{'a' * 43}"),
        await verify(world, "nonsense", session),
        await world.post("/auth/email/verification", token=session["token"]),
    ]
    assert {(each.status_code, each.json()["code"]) for each in answers} == {(409, "mail_off")}
    shown = (await world.get("/auth/email/verification", session["token"])).json()
    assert shown == {"email": EMAIL, "emailVerified": False, "canSend": False}
    assert await user_of(world) == user

"""A second factor: set up, asked for, used once, slowed down, lost, turned off. On both stores."""

import asyncio
from collections import Counter
from urllib.parse import parse_qs, urlsplit

import jwt
import msgspec
import pytest
from pyotp import TOTP

from kassa.auth import codes
from kassa.auth.codes import STEP
from kassa.auth.domain import SecondFactor
from kassa.auth.service import Visitor
from kassa.contracts.auth import WrongCode
from kassa.kit.clock import DAY, MINUTE, SECOND
from kassa.kit.documents import Database
from kassa.kit.problem import TooManyRequests
from kassa.kit.security import EVENTS, SECOND_FACTOR_OFF

from .factor import Person
from .world import EMAIL, PASSWORD, World

BOB = "bob@example.com"


@pytest.fixture(params=["sqlite", "mongo"])
def store(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def ada(world: World) -> Person:
    """A user with a second factor."""
    return await Person.with_factor(world, await world.registered())


async def administrator(world: World, email: str = EMAIL) -> Person:
    await world.service.admins.make(email, PASSWORD, promote=False)
    return await Person.with_factor(world, (await world.login(email=email)).json(), email)


async def is_good(world: World, token: str) -> bool:
    return (await world.get("/auth/verify", token)).status_code == 200


def test_the_codes_are_those_of_the_rfc() -> None:
    """RFC 6238, appendix B, for SHA-1; of its eight digits the last six."""
    secret = codes.new_secret(b"12345678901234567890")
    for seconds, code in ((59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")):
        tried = codes.tried(SecondFactor(secret=secret), code, seconds * SECOND)
        assert (tried.outcome, tried.factor.last_step) == ("one-time", seconds // 30)


async def test_it_is_on_after_its_first_code_and_not_before(world: World) -> None:
    session, elsewhere = await world.registered(), (await world.login()).json()
    begun = (await world.post("/auth/second-factor", token=session["token"], password=PASSWORD)).json()
    parts = urlsplit(begun["uri"])
    assert (parts.scheme, parts.netloc, parts.path) == ("otpauth", "totp", "/shop.example:ada%40example.com")
    assert parse_qs(parts.query) == {"secret": [begun["secret"]], "issuer": ["shop.example"]}
    assert len(begun["secret"]) * 5 == 160
    assert (await world.login()).status_code == 200
    wrong = await world.post("/auth/second-factor/confirm", token=session["token"], code="12345")
    assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong_code")
    state = (await world.get("/auth/second-factor", session["token"])).json()
    assert state == {"isOn": False, "since": None, "recoveryCodesLeft": 0, "isMissing": False}

    ada = await Person.with_factor(world, session)
    state = (await world.get("/auth/second-factor", ada.token)).json()
    assert (state["isOn"], state["since"] is None, state["recoveryCodesLeft"]) == (True, False, 10)
    assert len(set(ada.recovery)) == 10
    assert all(len(codes.typed(each)) == 24 for each in ada.recovery)
    for token in (session["token"], elsewhere["token"]):
        assert not await is_good(world, token)
    assert (await world.refresh(elsewhere["refreshToken"])).status_code == 401
    assert (await world.refresh(ada.session["refreshToken"])).status_code == 200
    again = await world.post("/auth/second-factor", token=ada.token, password=PASSWORD)
    assert (again.status_code, again.json()["code"]) == (409, "second_factor_on")


async def test_it_takes_the_password_to_begin_and_a_secret_to_go_on(world: World) -> None:
    session = await world.registered()
    wrong = await world.post("/auth/second-factor", token=session["token"], password="wrong guess")
    assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong_credentials")
    early = await world.post("/auth/second-factor/confirm", token=session["token"], code="123456")
    assert (early.status_code, early.json()["code"]) == (409, "second_factor_off")


async def test_what_was_begun_ends_with_the_sessions(world: World) -> None:
    """Whoever knew the password may have begun it: with a new password their secret is worth nothing."""
    session = await world.registered()
    begun = (await world.post("/auth/second-factor", token=session["token"], password=PASSWORD)).json()
    changed = {"current": PASSWORD, "new": "battery staple"}
    assert (await world.post("/auth/password", token=session["token"], **changed)).status_code == 204
    token = (await world.login("battery staple")).json()["token"]
    code = TOTP(begun["secret"]).generate_otp(world.clock.now() // STEP)
    refused = await world.post("/auth/second-factor/confirm", token=token, code=code)
    assert (refused.status_code, refused.json()["code"]) == (409, "second_factor_off")


async def test_a_log_in_takes_the_password_and_then_a_code(world: World, ada: Person) -> None:
    challenge = await ada.challenge()
    assert (await world.login("wrong guess")).json()["code"] == "wrong_credentials"
    world.clock.advance(STEP)
    answer = await ada.answer(challenge, f" {ada.code()[:3]} {ada.code()[3:]} ")
    assert answer.status_code == 200
    assert answer.json().keys() == ada.session.keys()
    assert await is_good(world, answer.json()["token"])


async def test_whoever_has_none_logs_in_as_ever(world: World, ada: Person) -> None:
    bob = await world.registered(BOB)
    answer = await world.login(email=BOB)
    assert answer.status_code == 200
    assert answer.json().keys() == bob.keys()
    assert "needs_second_factor" not in jwt.decode(bob["token"], options={"verify_signature": False})


@pytest.mark.parametrize(("steps", "status"), [(-2, 401), (-1, 200), (0, 200), (1, 200), (2, 401)])
async def test_a_clock_may_differ_by_one_step(world: World, ada: Person, steps: int, status: int) -> None:
    world.clock.advance(10 * STEP)
    assert (await ada.try_code(ada.code(steps))).status_code == status


async def test_a_code_is_good_once_and_so_are_those_before_it(world: World, ada: Person) -> None:
    world.clock.advance(10 * STEP)
    code, before = ada.code(), ada.code(-1)
    assert (await ada.try_code(code)).status_code == 200
    for used in (code, before):
        assert (await ada.try_code(used)).json()["code"] == "wrong_code"
    assert (await ada.try_code(ada.next_code())).status_code == 200


async def test_of_many_who_show_one_code_at_once_one_gets_in(world: World, database: Database, ada: Person) -> None:
    other = await World.on(database)
    world.clock.advance(STEP)
    other.clock.at = world.clock.at
    for code in (ada.code(), ada.recovery[0]):
        challenge = await ada.challenge()
        both = (world, other) * 4
        answers = await asyncio.gather(
            *(each.post("/auth/login/second-factor", challenge=challenge, code=code) for each in both)
        )
        assert sorted(answer.status_code for answer in answers)[:2] in ([200, 401], [200, 429])


async def test_a_challenge_is_good_for_five_minutes_and_one_epoch(world: World, ada: Person) -> None:
    late = await ada.challenge()
    world.clock.advance(5 * MINUTE)
    for challenge in (late, "", "a.b.c", ada.token):
        answer = await ada.answer(challenge, ada.code())
        assert (answer.status_code, answer.json()["code"]) == (401, "challenge_expired")
    old = await ada.challenge()
    changed = {"current": PASSWORD, "new": "battery staple"}
    assert (await world.post("/auth/password", token=ada.token, **changed)).status_code == 204
    fresh = await world.login("battery staple")
    assert fresh.json()["code"] == "second_factor_required"
    assert (await ada.answer(old, ada.code())).json()["code"] == "challenge_expired"
    assert (await ada.answer(fresh.json()["challenge"], ada.code())).status_code == 200


async def test_a_challenge_is_no_access_token(world: World, ada: Person) -> None:
    assert not await is_good(world, await ada.challenge())


async def test_a_recovery_code_is_good_once(world: World, ada: Person) -> None:
    first = ada.recovery[0]
    assert (await ada.try_code(first.upper().replace("-", " "))).status_code == 200
    assert (await ada.try_code(first)).json()["code"] == "wrong_code"
    session = (await ada.try_code(ada.recovery[1])).json()
    assert (await world.get("/auth/second-factor", session["token"])).json()["recoveryCodesLeft"] == 8


async def test_new_recovery_codes_end_the_old_ones(world: World, ada: Person) -> None:
    for password, code, refusal in (
        ("wrong guess", ada.next_code(), "wrong_credentials"),
        (PASSWORD, "12345", "wrong_code"),
    ):
        refused = await ada.change("second-factor/recovery-codes", code, password)
        assert (refused.status_code, refused.json()["code"]) == (401, refusal)
    answer = await ada.change("second-factor/recovery-codes", ada.code())
    fresh = answer.json()["recoveryCodes"]
    assert len(set(fresh) - set(ada.recovery)) == 10
    assert (await ada.try_code(ada.recovery[0])).status_code == 401
    assert (await ada.try_code(fresh[0])).status_code == 200


async def test_it_is_turned_off_with_password_and_code(world: World, ada: Person) -> None:
    for password, code, refusal in (
        ("wrong guess", ada.next_code(), "wrong_credentials"),
        (PASSWORD, "12345", "wrong_code"),
    ):
        refused = await ada.change("second-factor/remove", code, password)
        assert (refused.status_code, refused.json()["code"]) == (401, refusal)
    world.clock.advance(STEP)
    elsewhere = (await ada.try_code(ada.code())).json()
    here = (await ada.change("second-factor/remove", ada.next_code())).json()
    assert await is_good(world, here["token"])
    assert not await is_good(world, elsewhere["token"])
    assert (await world.login()).status_code == 200
    for what in ("remove", "recovery-codes"):
        off = await world.post(f"/auth/second-factor/{what}", token=here["token"], password=PASSWORD, code="123456")
        assert (off.status_code, off.json()["code"]) == (409, "second_factor_off")


async def test_of_ten_thousand_guesses_at_once_in_two_processes_five_are_looked_at(
    world: World, database: Database, ada: Person
) -> None:
    other = await World.on(database)
    challenge, right = await ada.challenge(), {ada.code(each) for each in (-1, 0, 1)}
    guesses = [guess for number in range(10_003) if (guess := f"{number:06}") not in right][:10_000]

    async def outcome(number: int, guess: str) -> str:
        try:
            await (world, other)[number % 2].service.login_with_code(challenge, guess, Visitor(""))
        except (WrongCode, TooManyRequests) as refused:
            return refused.code
        return "in"

    outcomes: Counter[str] = Counter()
    for begin in range(0, len(guesses), 100):
        outcomes.update(await asyncio.gather(*(outcome(*each) for each in enumerate(guesses[begin : begin + 100]))))
    assert outcomes == {"wrong_code": 5, "too_many_requests": 9_995}


def test_a_guesser_who_never_rests_has_some_dozens_of_guesses_a_month() -> None:
    factor, now, guesses = SecondFactor(secret=codes.new_secret(bytes(20)), since=0), 10 * DAY, 0
    end = now + 30 * DAY
    while now < end:
        right = {TOTP(factor.secret).generate_otp(now // STEP + each) for each in (-1, 0, 1)}
        guess = next(each for each in ("000000", "111111", "222222", "333333") if each not in right)
        try:
            factor, outcome = codes.tried(factor, guess, now)
            assert outcome == "wrong"
            guesses += 1
        except TooManyRequests as early:
            now += early.members["retryAfter"] * SECOND
    assert 40 < guesses < 60


async def test_who_is_slowed_down_is_told_when_and_a_recovery_code_lets_in_all_the_same(
    world: World, ada: Person
) -> None:
    challenge = await ada.challenge()
    wrong = ada.wrong_code()
    for _ in range(5):
        assert (await ada.answer(challenge, wrong)).status_code == 401
    early = await ada.answer(challenge, ada.code())
    assert (early.status_code, early.json()["code"], early.headers["Retry-After"]) == (429, "too_many_requests", "1")
    assert (await ada.answer(challenge, ada.recovery[0])).status_code == 200
    assert (await ada.answer(challenge, ada.next_code())).status_code == 200


async def test_a_stranger_without_the_password_locks_nobody_out(world: World, ada: Person) -> None:
    for _ in range(20):
        assert (await ada.answer("a.b.c", "000000")).json()["code"] == "challenge_expired"
        await world.login("wrong guess", client="203.0.113.1")
    assert (await ada.try_code(ada.next_code())).status_code == 200


async def test_an_administrator_helps_another_with_password_and_code(world: World) -> None:
    ada, bob = await administrator(world), await administrator(world, BOB)
    path = f"admin/staff/{bob.session['user']['id']}/reset-second-factor"
    for password, code, refusal in (
        ("wrong guess", ada.next_code(), "wrong_credentials"),
        (PASSWORD, "12345", "wrong_code"),
    ):
        refused = await ada.change(path, code, password)
        assert (refused.status_code, refused.json()["code"]) == (401, refusal)
    own = await ada.change(f"admin/staff/{ada.session['user']['id']}/reset-second-factor", ada.code())
    assert (own.status_code, own.json()["code"]) == (409, "own_account")
    done = await ada.change(path, ada.code())
    assert (done.status_code, done.json()["member"]["hasSecondFactor"]) == (200, False)
    assert not await is_good(world, bob.token)
    assert (await world.login(email=BOB)).status_code == 200
    again = await ada.change(path, ada.next_code())
    assert (again.status_code, again.json()["code"]) == (409, "second_factor_off")


async def test_an_administrator_without_one_helps_nobody(world: World) -> None:
    bob = await administrator(world, BOB)
    await world.service.admins.make(EMAIL, PASSWORD, promote=False)
    session = (await world.login()).json()
    path = f"/auth/admin/staff/{bob.session['user']['id']}/reset-second-factor"
    refused = await world.post(path, token=session["token"], password=PASSWORD, code="123456")
    assert (refused.status_code, refused.json()["code"]) == (403, "second_factor_missing")
    assert await is_good(world, bob.token)


async def test_who_registered_the_address_before_it_was_promoted_has_no_say(world: World, ada: Person) -> None:
    before = EVENTS.counts[SECOND_FACTOR_OFF.name]
    await world.service.admins.make(EMAIL, "battery staple", promote=True)
    assert EVENTS.counts[SECOND_FACTOR_OFF.name] == before + 1
    answer = await world.login("battery staple")
    assert (answer.status_code, answer.json()["user"]["role"]) == (200, "admin")


async def test_a_shop_that_wants_one_of_its_staff_gives_them_nothing_without(database: Database) -> None:
    world = await World.on(database, wants_second_factor=True)
    await world.service.admins.make(EMAIL, PASSWORD, promote=False)
    session, buyer = (await world.login()).json(), await world.registered(BOB)
    refused = await world.get("/auth/admin/staff", session["token"])
    assert (refused.status_code, refused.json()["code"]) == (403, "second_factor_missing")
    key = await world.post("/auth/keys", token=session["token"], name="till", scopes=["orders:read"])
    assert key.json()["code"] == "second_factor_missing"
    assert (await world.get("/auth/second-factor", session["token"])).json()["isMissing"] is True
    assert (await world.get("/auth/second-factor", buyer["token"])).json()["isMissing"] is False
    assert (await world.get("/auth/admin/staff", buyer["token"])).json()["code"] == "forbidden"
    again = (await world.refresh(session["refreshToken"])).json()
    assert (await world.get("/auth/admin/staff", again["token"])).status_code == 403

    ada = await Person.with_factor(world, again)
    assert (await world.get("/auth/admin/staff", ada.token)).status_code == 200
    made = await world.post("/auth/keys", token=ada.token, name="till", scopes=["orders:read"])
    holder = await world.verifier.principal(f"Bearer {made.json()['secret']}")
    assert (made.status_code, holder.needs_second_factor) == (201, False)
    off = (await ada.change("second-factor/remove", ada.next_code())).json()
    assert (await world.get("/auth/admin/staff", off["token"])).json()["code"] == "second_factor_missing"
    assert (await world.verifier.principal(f"Bearer {made.json()['secret']}")).scopes == frozenset(["orders:read"])


async def test_nobody_sees_the_secret_again(world: World, ada: Person) -> None:
    user = await world.store.users.get(ada.session["user"]["id"])
    assert user is not None
    stored = msgspec.json.encode(user).decode()
    assert ada.secret in stored
    assert not any(each in stored or codes.typed(each) in stored for each in ada.recovery)
    shown = [(await world.get(f"/auth/{path}", ada.token)).text for path in ("verify", "second-factor", "sessions")]
    assert ada.secret not in "".join([*shown, repr(user), repr(user.second_factor)])

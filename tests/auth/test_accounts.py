"""Registering, logging in, verifying."""

import asyncio
from typing import Any

import jwt
import pytest

from kassa.auth.passwords import NOBODY, Passwords
from kassa.auth.queue import Turn
from kassa.auth.routes import HANDLERS
from kassa.gateway.description import described
from kassa.kit.clock import SECOND, rfc3339
from kassa.kit.email import one_spelling
from kassa.kit.ids import is_id
from kassa.storage.documents_sqlite import SqliteDatabase

from .world import EMAIL, PASSWORD, World

_ANY_TIME: Any = {"verify_exp": False, "verify_iat": False}


async def test_registering_answers_with_a_session_of_the_new_user(world: World) -> None:
    answer = await world.post("/auth/register", name=" Ada ", email=" ADA@Example.com", password=PASSWORD)

    session = answer.json()
    assert answer.status_code == 201
    assert set(session) == {"token", "tokenType", "expiresIn", "refreshToken", "user", "deviceToken"}
    assert (session["tokenType"], session["expiresIn"]) == ("Bearer", 900)
    user = session["user"]
    assert is_id("usr", user.pop("id"))
    made = {"createdAt": rfc3339(world.clock.now()), "emailVerified": False}
    assert user == {"name": "Ada", "email": EMAIL, "role": "user", **made}


async def test_no_cache_may_keep_an_answer_with_tokens(world: World) -> None:
    answer = await world.post("/auth/register", email=EMAIL, password=PASSWORD)
    assert answer.headers["cache-control"] == "no-store"


async def test_a_name_need_not_be_given(world: World) -> None:
    assert (await world.registered())["user"]["name"] is None


async def test_an_address_can_be_registered_once_however_it_is_written(world: World) -> None:
    await world.registered("ada@example.com")
    answer = await world.post("/auth/register", email=" Ada@EXAMPLE.com ", password=PASSWORD)
    assert (answer.status_code, answer.json()["code"]) == (409, "email_taken")


async def test_of_many_who_register_one_address_at_once_one_gets_it(world: World) -> None:
    answers = await asyncio.gather(*(world.post("/auth/register", email=EMAIL, password=PASSWORD) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7


@pytest.mark.parametrize("role", ["admin", "operator", ""])
async def test_only_the_role_user_can_be_registered(world: World, role: str) -> None:
    answer = await world.post("/auth/register", email=EMAIL, password=PASSWORD, role=role)
    assert (answer.status_code, answer.json()["code"]) == (403, "role_not_allowed")


async def test_the_role_user_may_be_named(world: World) -> None:
    answer = await world.post("/auth/register", email=EMAIL, password=PASSWORD, role="user")
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "ada"),
        ("email", "ada@example"),
        ("email", "a da@example.com"),
        ("email", "ada@-example.com"),
        ("email", "@example.com"),
        ("email", "ada@exa mple.com"),
        ("email", f"{'a' * 65}@example.com"),
        ("email", f"ada@{'a.' * 130}com"),
        ("email", "ada@example.com\u0000"),
        ("password", "seven77"),
        ("password", f"{'x' * 1016}and more."),
        ("name", "x" * 201),
        ("name", "A\u0000da"),
        ("favouriteColour", "blue"),
    ],
)
async def test_what_is_wrong_with_a_registration_is_named(world: World, field: str, value: str) -> None:
    body: dict[str, Any] = {"email": EMAIL, "password": PASSWORD} | {field: value}
    answer = await world.post("/auth/register", **body)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize(
    "password", ["пароль!!", "🔑🚪🔑🏠🔑🌧🔑🔦", f"{'x' * 1016}and ten.", "k e y \t 77", "null\u0000byte"]
)
async def test_a_password_may_have_any_characters(world: World, password: str) -> None:
    await world.registered(password=password)
    assert (await world.login(password)).status_code == 200


async def test_logging_in_answers_like_registering(world: World) -> None:
    registered = await world.registered()
    answer = await world.login()
    assert answer.status_code == 200
    assert answer.json()["user"] == registered["user"]
    assert answer.json()["refreshToken"] != registered["refreshToken"]


async def test_the_address_may_be_written_otherwise_when_logging_in(world: World) -> None:
    await world.registered()
    assert (await world.login(email="  ADA@example.COM ")).status_code == 200


SAME_ADDRESS = [
    "zoë@bücher.example",
    "ZOE\u0308@Bücher.example",
    "zo\u200bë@bücher.example\ufeff",
    "zoë@xn--bcher-kva.example",
    "zoë@bu\u0308cher。example",
]


@pytest.mark.parametrize("first", SAME_ADDRESS)
@pytest.mark.parametrize("second", SAME_ADDRESS)
async def test_addresses_that_look_the_same_are_one_account(world: World, first: str, second: str) -> None:
    registered = await world.post("/auth/register", email=first, password=PASSWORD)
    assert registered.json()["user"]["email"] == SAME_ADDRESS[0]
    again = await world.post("/auth/register", email=second, password=PASSWORD)
    assert (again.status_code, again.json()["code"]) == (409, "email_taken")
    assert (await world.login(email=second)).json()["user"] == registered.json()["user"]
    made = await world.service.admins.make(second, "battery staple", promote=True)
    assert (made.outcome, made.user_id) == ("promoted", registered.json()["user"]["id"])


async def test_failed_log_ins_are_counted_for_all_spellings_together(world: World) -> None:
    await world.post("/auth/register", email=SAME_ADDRESS[0], password=PASSWORD)
    statuses = [(await world.login("wrong password", email=each)).status_code for each in SAME_ADDRESS * 2]
    assert 429 in statuses


async def test_an_address_that_is_far_too_long_costs_nothing(world: World) -> None:
    answer = await world.post("/auth/register", email="e\u0301" * 100_000 + "@example.com", password=PASSWORD)
    assert answer.status_code == 422
    assert (await world.login(email="e\u0301" * 100_000 + "@example.com")).status_code == 401


LONGEST = f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 58}.de"


async def test_an_address_may_have_254_characters_and_no_more(world: World) -> None:
    assert len(LONGEST) == 254
    answer = await world.post("/auth/register", email=f"{LONGEST}x", password=PASSWORD)
    assert (answer.status_code, answer.json()["detail"]) == (422, "email: must have at most 254 characters")
    assert (await world.post("/auth/register", email=LONGEST, password=PASSWORD)).status_code == 201
    assert (await world.login(email=LONGEST)).status_code == 200


async def test_what_begins_like_an_address_is_not_counted_as_it(world: World) -> None:
    await world.post("/auth/register", email=LONGEST, password=PASSWORD)
    tried = [await world.login("wrong password", email=f"{LONGEST}{more}") for more in ("x", "y", ".fr") * 4]
    assert {answer.status_code for answer in tried} == {401, 429}
    assert (await world.login(email=LONGEST)).status_code == 200


@pytest.mark.parametrize("domain", [f"{'b.' * 200}de", f"{'ü.' * 200}de", f"{'xn--bcher-kva.' * 20}de"])
def test_the_one_spelling_is_never_cut(domain: str) -> None:
    assert one_spelling(f"Ada@{domain}") == f"ada@{domain}"


async def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(world: World) -> None:
    await world.registered()
    wrong, unknown = await world.login("wrong password"), await world.login(email="bob@example.com")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.content == unknown.content
    assert wrong.json()["code"] == "wrong_credentials"


async def test_an_unknown_address_costs_a_password_check_too(database: SqliteDatabase) -> None:
    checked: list[str] = []

    class Counted(Passwords):
        async def _in_thread(self, work: Any, turn: Turn = NOBODY) -> Any:
            checked.append("one")
            return await super()._in_thread(work, turn)

    world = await World.on(database, Counted(memory_kib=8, time_cost=1))
    await world.login(email="bob@example.com")
    await world.login(email="no address at all")
    assert len(checked) == 2


@pytest.mark.parametrize(("body", "status"), [(b"{", 400), (b'{"email":1,"password":"x"}', 422), (b"{}", 422)])
async def test_a_log_in_that_is_not_one_is_refused(world: World, body: bytes, status: int) -> None:
    async with world._http("192.0.2.1") as http:
        answer = await http.post("/auth/login", content=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_verify_tells_whose_token_it_is(world: World) -> None:
    session = await world.registered()
    answer = await world.get("/auth/verify", session["token"])
    assert answer.json() == {
        "valid": True,
        "user": {
            "sub": session["user"]["id"],
            "email": EMAIL,
            "role": "user",
            "exp": world.clock.now() // 1000 + 900,
        },
    }


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
async def test_verify_refuses_what_is_no_token(world: World, token: str) -> None:
    answer = await world.get("/auth/verify", token)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_token_is_good_for_fifteen_minutes(world: World) -> None:
    token = (await world.registered())["token"]
    world.clock.advance(899 * SECOND)
    assert (await world.get("/auth/verify", token)).status_code == 200
    world.clock.advance(SECOND)
    assert (await world.get("/auth/verify", token)).status_code == 401


async def test_a_token_of_another_shop_is_refused(world: World) -> None:
    session = await world.registered()
    other = World(world.store, world.service._passwords, "another master secret")
    assert (await other.get("/auth/verify", session["token"])).status_code == 401


async def test_the_published_key_verifies_a_token_by_its_id_and_holds_nothing_private(world: World) -> None:
    token = (await world.registered())["token"]
    keys = (await world.get("/.well-known/jwks.json")).json()["keys"]

    [key] = keys
    assert set(key) == {"kty", "crv", "x", "kid", "alg", "use"}
    assert jwt.get_unverified_header(token) == {"alg": "EdDSA", "typ": "at+jwt", "kid": key["kid"]}
    claims = jwt.decode(token, jwt.PyJWK(key), algorithms=["EdDSA"], audience="kassa", options=_ANY_TIME)
    assert set(claims) == {"iss", "aud", "sub", "email", "role", "iat", "exp", "jti", "sid", "epoch"}
    assert claims["iss"] == "kassa"


async def test_the_key_is_the_same_after_a_restart(world: World) -> None:
    restarted = World(world.store, world.service._passwords)
    assert restarted.tokens.keys() == world.tokens.keys()
    token = (await world.registered())["token"]
    assert (await restarted.get("/auth/verify", token)).status_code == 200


async def test_registering_leaves_an_entry_in_the_audit(world: World) -> None:
    session = await world.registered()
    user = await world.store.users.get(session["user"]["id"])
    assert user is not None
    made, wanted = user.audit
    assert (made.what, made.to_state, made.at, made.who) == ("registered", "user", world.clock.now(), user.id)
    assert wanted.what == "address verification wanted"


async def test_the_api_document_says_what_is_taken_and_answered(world: World) -> None:
    document = described(HANDLERS)
    operations = {(method, path) for path, item in document["paths"].items() for method in item}
    assert operations == {
        ("post", "/auth/register"),
        ("post", "/auth/login"),
        ("get", "/auth/verify"),
        ("post", "/auth/refresh"),
        ("post", "/auth/logout"),
        ("post", "/auth/password"),
        ("post", "/auth/password/forgotten"),
        ("post", "/auth/password/reset"),
        ("post", "/auth/email/verify"),
        ("get", "/auth/email/verification"),
        ("post", "/auth/email/verification"),
        ("get", "/auth/sessions"),
        ("delete", "/auth/sessions"),
        ("delete", "/auth/sessions/{session_id}"),
        ("get", "/auth/ended"),
        ("get", "/.well-known/jwks.json"),
        ("get", "/auth/admin/staff"),
        ("post", "/auth/admin/staff/{user_id}/demote"),
        ("post", "/auth/admin/staff/{user_id}/disable"),
        ("post", "/auth/admin/staff/{user_id}/role"),
        ("post", "/auth/admin/staff/{user_id}/enable"),
        ("post", "/auth/admin/staff/{user_id}/end-sessions"),
        ("post", "/auth/admin/staff/{user_id}/reset-second-factor"),
        ("post", "/auth/login/second-factor"),
        ("get", "/auth/second-factor"),
        ("post", "/auth/second-factor"),
        ("post", "/auth/second-factor/confirm"),
        ("post", "/auth/second-factor/recovery-codes"),
        ("post", "/auth/second-factor/remove"),
        ("get", "/auth/acts"),
        ("get", "/auth/keys"),
        ("post", "/auth/keys"),
        ("delete", "/auth/keys/{key_id}"),
        ("post", "/auth/account/export"),
        ("post", "/auth/account/erase"),
    }
    taken = document["components"]["schemas"]["Registration"]
    assert set(taken["properties"]) == {"name", "email", "password", "role", "locale"}
    assert taken["required"] == ["email", "password"]

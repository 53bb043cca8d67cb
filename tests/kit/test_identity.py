"""Nobody is believed without a signature that is good now, for us."""

import time
from typing import Any

import jwt
import pytest

from kassa.kit.access import ADMIN, Permission
from kassa.kit.clock import SECOND
from kassa.kit.identity import ISSUER, TokenVerifier, derived_key
from kassa.kit.problem import Forbidden, Unauthenticated, Unavailable
from kassa.kit.service_keys import ServiceIdentity, ServiceKeys
from tests.support import FakeClock, Signer


@pytest.fixture
def signer(clock: FakeClock) -> Signer:
    made = Signer(clock)
    made.new_key("k1")
    return made


@pytest.fixture
def verifier(signer: Signer, clock: FakeClock) -> TokenVerifier:
    return TokenVerifier(signer.published, clock)


async def test_a_token_tells_who_its_user_is(verifier: TokenVerifier, signer: Signer) -> None:
    principal = await verifier.principal(signer.bearer(role=ADMIN))
    assert (principal.id, principal.email, principal.may(Permission.WRITE_PRODUCTS)) == ("usr_1", "a@b.c", True)
    assert not (await verifier.principal(signer.bearer())).may(Permission.WRITE_PRODUCTS)


async def test_a_verified_token_is_remembered(verifier: TokenVerifier, signer: Signer) -> None:
    bearer = signer.bearer()
    assert await verifier.principal(bearer) is await verifier.principal(bearer)
    assert signer.fetched == 1


async def test_a_token_expires_by_our_clock_remembered_or_not(
    verifier: TokenVerifier, signer: Signer, clock: FakeClock
) -> None:
    known, unseen = signer.bearer(), signer.bearer(sub="usr_2")
    clock.advance(900 * SECOND - 1)
    assert (await verifier.principal(known)).id == "usr_1"
    clock.advance(1)
    for bearer in (known, unseen, known):
        with pytest.raises(Unauthenticated, match="expired"):
            await verifier.principal(bearer)


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic abc", "Bearer abc", "Bearer a.b.c", "Bearer é"]
)
async def test_what_is_no_token_is_refused(verifier: TokenVerifier, header: str | None) -> None:
    with pytest.raises(Unauthenticated):
        await verifier.principal(header)


@pytest.mark.parametrize("claims", [{"iss": "other"}, {"exp": None}, {"sub": None}, {"email": None}, {"role": None}])
async def test_a_token_that_lacks_something_is_refused(
    verifier: TokenVerifier, signer: Signer, claims: dict[str, Any]
) -> None:
    with pytest.raises(Unauthenticated):
        await verifier.principal(signer.bearer(**claims))


@pytest.mark.parametrize("claims", [{"aud": "other"}, {"aud": ["kassa", "other"]}, {"headers": {"typ": "dpop+jwt"}}])
async def test_a_token_for_something_else_is_refused(
    verifier: TokenVerifier, signer: Signer, claims: dict[str, Any]
) -> None:
    with pytest.raises(Unauthenticated):
        await verifier.principal(signer.bearer(**claims))
    assert await verifier.principal(signer.bearer(aud="kassa", headers={"typ": "at+jwt"}))


async def test_a_token_signed_by_another_key_under_our_name_is_refused(
    verifier: TokenVerifier, signer: Signer, clock: FakeClock
) -> None:
    forger = Signer(clock)
    forger.new_key("k1")
    with pytest.raises(Unauthenticated):
        await verifier.principal(forger.bearer(role=ADMIN))


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
async def test_another_algorithm_is_refused(verifier: TokenVerifier, signer: Signer, algorithm: str) -> None:
    public: str = (await signer.published())[0]["x"]
    claims = {"iss": ISSUER, "sub": "usr_1", "email": "a@b.c", "role": ADMIN, "exp": 9_999_999_999}
    token = jwt.encode(claims, public if algorithm == "HS256" else "", algorithm, headers={"kid": "k1"})
    with pytest.raises(Unauthenticated):
        await verifier.principal(f"Bearer {token}")


async def test_unknown_keys_are_looked_for_at_most_every_ten_seconds(
    verifier: TokenVerifier, signer: Signer, clock: FakeClock
) -> None:
    await verifier.principal(signer.bearer())
    signer.new_key("k2")
    rotated = signer.bearer("k2")
    for _ in range(5):
        with pytest.raises(Unauthenticated, match="unknown key"):
            await verifier.principal(rotated)
    assert signer.fetched == 1
    clock.advance(10 * SECOND)
    assert (await verifier.principal(rotated)).id == "usr_1"
    assert signer.fetched == 2


async def test_a_token_without_a_key_id_is_refused(verifier: TokenVerifier, signer: Signer) -> None:
    with pytest.raises(Unauthenticated):
        await verifier.principal(signer.bearer(headers={"kid": ""}))


async def test_when_the_keys_cannot_be_had_the_answer_is_unknown_and_comes_later(
    verifier: TokenVerifier, signer: Signer
) -> None:
    signer.is_down = True
    with pytest.raises(Unavailable):
        await verifier.principal(signer.bearer())
    signer.is_down = False
    assert (await verifier.principal(signer.bearer())).id == "usr_1"


KEYS = ServiceKeys("secret")
ORDER = ServiceIdentity("order", KEYS)
INVENTORY = ServiceIdentity("inventory", KEYS)


def check(headers: dict[str, str], allowed: tuple[str, ...] = ("order",)) -> str:
    return INVENTORY.check(headers.get("x-internal-service"), headers.get("x-internal-token"), allowed)


def forged(secret: str = "secret", key: tuple[str, str] = ("order", "inventory"), **claims: Any) -> dict[str, str]:
    wanted = {"iss": "order", "aud": "inventory", "exp": int(time.time()) + 60, **claims}
    present = {name: value for name, value in wanted.items() if value is not None}
    token = jwt.encode(present, derived_key(secret, f"service:{key[0]}:{key[1]}"), "HS256")
    return {"x-internal-service": "order-service", "x-internal-token": token}


def test_a_service_is_known_by_its_token() -> None:
    assert check(ORDER.headers("inventory")) == "order"
    assert check(forged()) == "order"


def test_a_services_token_is_used_again_while_it_is_fresh() -> None:
    assert ORDER.headers("inventory") == ORDER.headers("inventory")
    assert ORDER.headers("inventory") != ORDER.headers("payment")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-internal-service": "order-service"},
        {"x-internal-service": "order-service", "x-internal-token": "x"},
        {"x-internal-token": ORDER.headers("inventory")["x-internal-token"]},
        ORDER.headers("payment"),
        ServiceIdentity("order", ServiceKeys("another secret")).headers("inventory"),
        ServiceIdentity("payment", KEYS).headers("inventory"),
        ServiceIdentity("payment", KEYS).headers("inventory") | {"x-internal-service": "order-service"},
        ServiceIdentity("inventory", KEYS).headers("order") | {"x-internal-service": "order-service"},
        forged(exp=int(time.time()) - 1),
        forged(exp=None),
        forged(aud="payment"),
        forged(aud=None),
        forged(iss="payment"),
        forged(secret="other"),
        forged(key=("payment", "inventory")),
    ],
)
def test_any_other_caller_is_forbidden(headers: dict[str, str]) -> None:
    with pytest.raises(Forbidden):
        check(headers)


def test_a_service_that_the_endpoint_does_not_list_is_forbidden() -> None:
    with pytest.raises(Forbidden):
        check(ORDER.headers("inventory"), ("payment", "product"))


def test_each_purpose_has_a_key_of_its_own() -> None:
    keys = {derived_key("m", "a"), derived_key("m", "b"), derived_key("n", "a")}
    assert len(keys) == 3
    assert {len(key) for key in keys} == {32}

"""What holds at every endpoint between services: who may call, what arrives, and how refusals come back."""

import time
from collections.abc import AsyncIterator
from importlib import import_module
from typing import Any

import aiohttp
import jwt
import pytest

from kassa.contracts.auth import Auth
from kassa.contracts.inventory import InsufficientStock, Inventory
from kassa.contracts.order import Orders
from kassa.contracts.payment import Closing, Payments
from kassa.contracts.product import Product
from kassa.kit.identity import derived_key
from kassa.kit.problem import FieldError, Problem, Unavailable
from kassa.kit.service_keys import ServiceIdentity, ServiceKeys
from kassa.kit.wire import Endpoint, connect, endpoints
from tests.contract.ways import SECRET, TWICE, Reach, raw, serving

for _name in ("idempotency", "web"):
    import_module(f"kassa.kit.{_name}")

SERVICES: dict[str, Any] = {
    "auth": Auth, "product": Product, "inventory": Inventory, "order": Orders, "payment": Payments,
}  # fmt: skip
GUARDED = [
    (callee, endpoint)
    for callee, contract in SERVICES.items()
    for endpoint in endpoints(contract)
    if endpoint.mark.callers
]
WITH_BODY = [(callee, endpoint) for callee, endpoint in GUARDED if endpoint.mark.verb != "GET"]


def named(value: object) -> str:
    return value.name if isinstance(value, Endpoint) else str(value)


class Reached(Exception):
    """A call got through."""


class Nobody:
    """Stands behind an endpoint that nobody may get through to."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        async def answer(**_: Any) -> None:
            self.calls.append(name)
            raise Reached

        return answer


@pytest.fixture
def nobody() -> Nobody:
    return Nobody()


@pytest.fixture
async def url(callee: str, nobody: Nobody) -> AsyncIterator[str]:
    async with serving(SERVICES[callee], callee, nobody) as address:
        yield address


def token(secret: str, issuer: str, audience: str, *, lives: int = 60, key: tuple[str, str] | None = None) -> str:
    caller, called = key or (issuer, audience)
    claims = {"iss": issuer, "aud": audience, "exp": int(time.time()) + lives}
    return jwt.encode(claims, derived_key(secret, f"service:{caller}:{called}"), "HS256")


def wrong_identities(callee: str, caller: str) -> dict[str, dict[str, str]]:
    """Headers of everybody who may not call."""

    def headers(name: str, signed: str) -> dict[str, str]:
        return {"x-internal-service": name, "x-internal-token": signed}

    stranger = "auth" if callee == "auth" else "gateway"
    good = token(SECRET, caller, callee)
    return {
        "nobody": {},
        "a name without a token": {"x-internal-service": caller},
        "a token without a name": {"x-internal-token": good},
        "nonsense": headers(caller, "nonsense"),
        "a service that is not listed": ServiceIdentity(stranger, ServiceKeys(SECRET)).headers(callee),
        "a stranger under another's name": headers(caller, token(SECRET, stranger, callee)),
        "another's token": headers(stranger, good),
        "a token for another service": ServiceIdentity(caller, ServiceKeys(SECRET)).headers("elsewhere"),
        "an expired token": headers(caller, token(SECRET, caller, callee, lives=-1)),
        "another shop's token": headers(caller, token("another secret", caller, callee)),
        "a user's token": {"authorization": f"Bearer {good}"},
        "unsigned": headers(caller, jwt.encode({"iss": caller, "aud": callee, "exp": 2**33}, "", "none")),
    }


def path_of(endpoint: Endpoint) -> str:
    return endpoint.mark.path.replace("{order_id}", "ord_1")


@pytest.mark.parametrize(("callee", "endpoint"), GUARDED, ids=named)
async def test_only_the_listed_services_get_through(url: str, callee: str, endpoint: Endpoint, nobody: Nobody) -> None:
    body = b"{}" if endpoint.mark.verb != "GET" else None
    for caller in endpoint.mark.callers:
        for who, headers in wrong_identities(callee, caller).items():
            status, document = await raw(url, endpoint.mark.verb, path_of(endpoint), headers, body)
            assert (status, document["code"]) == (403, "forbidden"), who
    assert nobody.calls == []


@pytest.mark.parametrize(("callee", "endpoint"), WITH_BODY, ids=named)
async def test_a_body_that_does_not_fit_gets_no_further(
    url: str, callee: str, endpoint: Endpoint, nobody: Nobody
) -> None:
    headers = ServiceIdentity(endpoint.mark.callers[0], ServiceKeys(SECRET)).headers(callee)
    for body in (b"", b"{", b"\xff", b"a=1"):
        if body or len(endpoint.arguments.__struct_fields__) > 1:
            status, document = await raw(url, endpoint.mark.verb, path_of(endpoint), headers, body)
            assert (status, document["code"]) == (400, "malformed_request"), body
    for body in (b"[]", b"7", b"null", b'{"colour": "red"}', b'{"lines": [{"productId": 1}]}'):
        status, document = await raw(url, endpoint.mark.verb, path_of(endpoint), headers, body)
        assert (status, document["code"]) == (422, "validation_failed"), body
    assert nobody.calls == []


@pytest.mark.parametrize("callee", ["inventory"])
async def test_a_query_that_does_not_fit_gets_no_further(url: str, callee: str, nobody: Nobody) -> None:
    headers = ServiceIdentity("order", ServiceKeys(SECRET)).headers(callee)
    for query in ("", "?olderThan=", "?olderThan=soon", "?olderThan=1.5", "?older_than=1"):
        status, document = await raw(url, "GET", f"/inventory/orphans{query}", headers, None)
        assert (status, document["errors"][0]["field"]) == (422, "olderThan"), query
    assert nobody.calls == []


@pytest.mark.parametrize("callee", ["inventory"])
async def test_a_bug_shows_nothing_of_itself(url: str, callee: str, nobody: Nobody) -> None:
    headers = ServiceIdentity("order", ServiceKeys(SECRET)).headers(callee)
    status, document = await raw(url, "GET", "/inventory/levels", headers, None)
    assert (status, document["code"]) == (500, "internal_error")
    assert "Reached" not in str(document)
    assert nobody.calls == ["levels"]


@pytest.mark.parametrize("callee", ["inventory"])
async def test_what_is_not_there_is_a_problem_too(url: str, callee: str) -> None:
    for verb, path, expected in (("GET", "/inventory/nothing", 404), ("DELETE", "/inventory/reserve", 405)):
        status, document = await raw(url, verb, path, {}, None)
        assert (status, document["status"]) == (expected, expected)


class Straight:
    """A transport that asks as a service of that name."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self._url = url
        self._headers = headers

    async def call(self, verb: str, path: str, query: dict[str, list[str]], body: bytes | None) -> tuple[int, bytes]:
        async with (
            aiohttp.ClientSession() as session,
            session.request(verb, self._url + path, data=body, headers=self._headers) as answer,
        ):
            return answer.status, await answer.read()


class Counting:
    """A service that is not idempotent: it answers differently each time."""

    def __init__(self) -> None:
        self.calls = 0

    async def close(self, order_id: str) -> Closing:
        self.calls += 1
        return Closing("closed" if self.calls == 1 else "paid")

    async def refund_late(self, order_id: str, reason: str) -> None:
        """Not asked here."""

    async def history(self, order_id: str) -> None:
        """Not asked here."""

    async def record(self, order_id: str) -> None:
        """Not asked here."""

    async def hand_over(self, order_id: str, user_id: str) -> None:
        """Not asked here."""

    async def erase(self, order_id: str) -> None:
        """Not asked here."""

    async def order_of(self, stripe_id: str) -> None:
        """Not asked here."""

    async def disputed(self, limit: int, skip: int, after: str) -> None:
        """Not asked here."""

    async def disputed_among(self, order_ids: list[str]) -> None:
        """Not asked here."""


async def test_what_is_not_idempotent_shows_when_each_call_is_sent_twice(reach: Reach) -> None:
    service = Counting()
    payments: Payments = await reach(Payments, "payment", service, "order")
    closing = await payments.close("ord_1")
    assert (service.calls, closing.outcome) == ((2, "paid") if reach.way == TWICE else (1, "closed"))


class Refusing:
    """A service that says no."""

    def __init__(self) -> None:
        self.problem: Problem = InsufficientStock("prd_1", 5, 2)

    async def close(self, order_id: str) -> None:
        raise self.problem

    async def refund_late(self, order_id: str, reason: str) -> None:
        raise self.problem

    async def history(self, order_id: str) -> None:
        raise self.problem

    async def record(self, order_id: str) -> None:
        raise self.problem

    async def hand_over(self, order_id: str, user_id: str) -> None:
        raise self.problem

    async def erase(self, order_id: str) -> None:
        raise self.problem

    async def order_of(self, stripe_id: str) -> None:
        raise self.problem

    async def disputed(self, limit: int, skip: int, after: str) -> None:
        raise self.problem

    async def disputed_among(self, order_ids: list[str]) -> None:
        raise self.problem


async def test_every_refusal_comes_back_as_itself_and_all_else_as_unknown() -> None:
    service = Refusing()
    contract: Any = Payments
    async with serving(contract, "payment", service) as url:
        payments = connect(contract, Straight(url, ServiceIdentity("order", ServiceKeys(SECRET)).headers("payment")))
        for kind in Problem.by_code.values():
            problem = kind.__new__(kind)
            Problem.__init__(problem, "says why", errors=(FieldError("a", "b"),), productId="prd_1", asked=5)
            service.problem = problem
            with pytest.raises(Problem) as refused:
                await payments.close("ord_1")
            is_unknown = kind.status in (401, 403, 429) or kind.status >= 500
            assert type(refused.value) is (Unavailable if is_unknown else kind)
            assert refused.value.detail == "says why"
            if not is_unknown:
                assert refused.value.members == problem.members
                assert refused.value.errors == problem.errors


async def test_a_caller_without_a_good_token_does_not_take_that_for_an_answer() -> None:
    contract: Any = Payments
    async with serving(contract, "payment", Refusing()) as url:
        payments = connect(contract, Straight(url, {}))
        with pytest.raises(Unavailable):
            await payments.close("ord_1")

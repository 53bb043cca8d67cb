"""Whatever is sent to a running shop, by whomever: an answer as documented, never a 500, every error a problem."""

import asyncio
import json
import math
from collections.abc import AsyncIterator
from itertools import product
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kassa.auth.tokens import Tokens
from kassa.gateway.middleware import CONTRACTS
from kassa.kit.clock import HOUR, SystemClock
from kassa.kit.ids import Ids
from kassa.kit.wire import endpoints
from tests.journey.running import Buyer, RunningShop
from tests.support import FakeClock

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
PROBLEM = {"type": str, "title": str, "status": int, "detail": str, "code": str, "requestId": str}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
STRANGE = ("BREW", "PROPFIND")
"""Methods that nobody knows."""


class Answer(msgspec.Struct):
    """What came back, to the last byte."""

    status: int
    headers: dict[str, str]
    body: bytes


class Target:
    """A shop with one of everything in it, and who may call it."""

    def __init__(self, shop: RunningShop, admin: Buyer, buyer: Buyer) -> None:
        self.shop = shop
        self.tokens = {"stranger": None, "buyer": buyer.token, "admin": admin.token}
        self.operations: list[tuple[str, str, dict[str, Any]]] = []
        self.ids: list[str] = []
        self.mug = ""

    async def send(self, method: str, path: str, body: bytes = b"", **headers: Any) -> Answer:
        """A request byte by byte: nothing is put right on its way. The answer keeps to the contract."""
        given = {"Host": "shop", "Content-Length": str(len(body)), **headers}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items() if value)]
        reader, writer = await asyncio.open_connection("127.0.0.1", self.shop.port)
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)).decode("latin-1")
        first, *rest = head.strip().split("\r\n")
        read = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
        length = 0 if method == "HEAD" else int(read.get("content-length", 0))
        answer = Answer(int(first.split()[1]), read, await asyncio.wait_for(reader.readexactly(length), 20))
        writer.close()
        keeps_to_the_contract(method, path, answer)
        return answer

    async def ask(self, who: str, method: str, path: str, body: bytes = b"", **headers: Any) -> Answer:
        """The same with somebody's token, as JSON."""
        token = self.tokens[who]
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        return await self.send(method, path, body, **{"Content-Type": "application/json", **bearer, **headers})


def keeps_to_the_contract(method: str, path: str, answer: Answer) -> None:
    """No 5xx but of Stripe, and of a method that nobody knows (RFC 9110, 15.6.2); every error a problem document (RFC
    9457) that tells nothing of the inside."""
    is_of_stripe = answer.status in (502, 503) and b"stripe" in answer.body
    assert answer.status < 500 or is_of_stripe or (answer.status == 501 and method in STRANGE), (path, answer)
    assert method not in STRANGE or answer.status == 501, (method, path, answer)
    if answer.status < 400 or method == "HEAD" or "x-request-id" not in answer.headers:
        assert answer.status < 400 or method == "HEAD" or answer.body == b"Invalid HTTP request received.", answer
        return
    assert answer.headers["content-type"] == "application/problem+json", (method, path, answer)
    problem = json.loads(answer.body)
    assert {name: type(problem.get(name)) for name in PROBLEM} == PROBLEM, problem
    assert (problem["status"], problem["requestId"]) == (answer.status, answer.headers["x-request-id"])
    told = answer.body.replace(problem["requestId"].encode(), b"")  # which is random, and may spell anything
    assert not any(word in told for word in (b"Traceback", b"site-packages", b".py", b"apsw", b"SELECT"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def target(shop: RunningShop) -> AsyncIterator[Target]:
    admin, buyer = await shop.admin(), await shop.buyer()
    made = Target(shop, admin, buyer)
    made.mug, mug = [await admin.product(stock=1000) for _ in range(2)]
    order_id, session_id = await buyer.checkout(mug)
    made.ids = [mug, order_id, session_id, "ord_0", "prd_" + "0" * 26, "ord_" + "z" * 26, "x" * 300, "null", "-1", "."]
    document = (await shop.call("GET", "/openapi.json")).body
    for path, methods in document["paths"].items():
        made.operations += [(method.upper(), path, operation) for method, operation in methods.items()]
    yield made
    code, printed = await shop.command("audit")
    assert code == 0, printed


# Any request that the API document can be understood to allow, and many that it does not

NASTY = st.sampled_from(
    ["", " ", "\x00", "\ud800", "é\u202e", "'; DROP TABLE orders; --", "%00", "9" * 5000, "1e400", "NaN", "x" * 5000]
)  # fmt: skip
NUMBERS = st.sampled_from([0, -1, 1, 2, 2**31, 2**53 + 1, 2**63, 10**400, 0.1, 1e308, -0.0, math.nan, math.inf])
LEAVES = st.none() | st.booleans() | NUMBERS | NASTY | st.text(max_size=8)
ANYTHING = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NASTY, inner, max_size=3))
RIGHT = {"price": "19.99", "amount": 0.01, "email": "a@b.example", "password": "correct horse", "category": "things"}


def value_of(schema: dict[str, Any], ids: list[str], name: str = "") -> st.SearchStrategy[Any]:
    """Mostly what the schema and the name ask for; sometimes anything."""
    kind = schema.get("type")
    right: st.SearchStrategy[Any] = st.just(RIGHT.get(name, ids[0] if name == "productId" else ids[1]))
    if kind == "object":
        members = {each: value_of(member, ids, each) for each, member in schema.get("properties", {}).items()}
        right = st.fixed_dictionaries({}, optional=members) | st.fixed_dictionaries(members)
    elif kind == "array":
        right = st.lists(value_of(schema["items"], ids), min_size=1, max_size=2)
    elif kind in ("integer", "boolean"):
        right = st.integers(1, 5) if kind == "integer" else st.booleans()
    return st.integers(0, 11).flatmap(lambda dice: ANYTHING if dice == 7 else right)


def request_of(operation: dict[str, Any], path: str, ids: list[str]) -> st.SearchStrategy[tuple[str, bytes, Any]]:
    """A path with its query, a body, and sometimes an idempotency key."""
    text = (st.sampled_from(ids) | NASTY | st.integers(-1, 200).map(str)).map(lambda it: quote(it, errors="replace"))
    named = [each["name"] for each in operation.get("parameters", []) if each["in"] == "query"]
    query = st.dictionaries(st.sampled_from([*named, "other"]), text, max_size=3)
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    body = value_of(content, ids).map(lambda it: json.dumps(it).encode("utf-8", "surrogatepass"))
    key = st.none() | st.sampled_from(["k1", "k2", "k" * 255, "k" * 256, "\xe9"])
    parts = [st.just(part) if "{" not in part else text for part in path.split("/")]
    whole = st.tuples(*parts).map("/".join)
    return st.tuples(st.tuples(whole, query).map(_with_query), body, key)


def _with_query(parts: tuple[str, dict[str, str]]) -> str:
    path, query = parts
    return f"{path}?{'&'.join(f'{name}={value}' for name, value in query.items())}" if query else path


async def test_any_request_is_answered_as_documented(target: Target) -> None:
    loop = asyncio.get_running_loop()

    @settings(max_examples=400, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def any_request(data: st.DataObject) -> None:
        method, path, operation = data.draw(st.sampled_from(target.operations))
        who = data.draw(st.sampled_from(["admin", "admin", "buyer", "stranger"]))
        whole, body, key = data.draw(request_of(operation, path, target.ids))
        headers = {"Idempotency-Key": key} if key else {}
        asked = target.ask(who, method, whole, body if method in ("POST", "PUT", "PATCH") else b"", **headers)
        asyncio.run_coroutine_threadsafe(asked, loop).result(30)

    await asyncio.to_thread(any_request)


BODIES = {
    b"": 400, b"{": 400, b"nonsense": 400,
    b"\xff\xfe": 400,
    b'{"items": [{"productId": "\xff", "quantity": 1}]}': 400,
    b"\xef\xbb\xbf{}": 400,
    b"[" * 100_000: (400, 422),
    b'{"items": ' + b'{"a": ' * 50_000: (400, 422),
    b"null": 422, b"[]": 422, b'"items"': 422, b"{}": 422,
    b'{"items": {}}': 422, b'{"items": []}': 422,
    b'{"items": [{"productId": "MUG", "quantity": 1}], "total": 1}': 422,
    b'{"items": [{"productId": "MUG", "quantity": 1, "price": 0}]}': 422,
    b'{"items": [{"productId": "MUG", "quantity": 0}]}': 422,
    b'{"items": [{"productId": "MUG", "quantity": -1}]}': 422,
    b'{"items": [{"productId": "MUG", "quantity": 1.5}]}': 422,
    b'{"items": [{"productId": "MUG", "quantity": "1"}]}': 422,
    b'{"items": [{"productId": "MUG", "quantity": true}]}': 422,
    b'{"items": [{"productId": "MUG", "quantity": 1e400}]}': (400, 422),
    b'{"items": [{"productId": "MUG", "quantity": NaN}]}': 400,
    b'{"items": [{"productId": "MUG", "quantity": ' + b"9" * 5000 + b"}]}": (400, 422),
    b'{"items": [{"productId": "\\u0000", "quantity": 1}]}': 422,
    b'{"items": [{"productId": "\\ud800", "quantity": 1}]}': (400, 422),
    b'{"items": [{"productId": "MUG", "quantity": 1}], "items": []}': 422,
    b'{"items": [' + b",".join([b'{"productId": "MUG", "quantity": 1}'] * 101) + b"]}": 422,
}  # fmt: skip


async def test_no_body_but_an_order_is_taken_for_one(target: Target) -> None:
    for body, expected in BODIES.items():
        answer = await target.ask("buyer", "POST", "/orders", body.replace(b"MUG", target.mug.encode()))
        assert answer.status in (expected if isinstance(expected, tuple) else (expected,)), (body[:80], answer)


async def test_a_price_is_read_exactly_or_refused(target: Target) -> None:
    prices = {
        b"19.99": 201, b'"19.99"': 201, b"1999e-2": 201, b"19.990": 201, b'"0.50"': 201, b"1e1": 201,
        b"19.999": 422, b'"19,99"': 422, b"-1": 422, b'"NaN"': 422, b'"Infinity"': 422, b"1e400": 422, b'""': 422,
        b"1e-400": 422, b'"1e999999999"': 422, b"true": 422, b"null": 422, b"{}": 422, b"NaN": 400, b"+1": 400,
        b"0.1e": 400, b"0.50000000000000000000000000001": 422,
    }  # fmt: skip
    wrong: dict[bytes, Any] = {}
    for price, expected in prices.items():
        body = b'{"name": "Mug", "description": "", "category": "things", "price": ' + price + b"}"
        answer = await target.ask("admin", "POST", "/products", body)
        if answer.status != expected:
            wrong[price] = (expected, answer.status, answer.body)
    assert wrong == {}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"), ("limit=101", "limit"), ("limit=x", "limit"), ("limit=1.5", "limit"), ("limit=", "limit"),
        (f"limit={'9' * 5000}", "limit"), ("skip=-1", "skip"), ("skip=99999999999999999999", "skip"),
        ("cursor=%00", "cursor"), ("cursor=%F0%9F%A6%86", "cursor"), ("cursor=/w", "cursor"), ("cursor=_w", "cursor"),
    ],
)  # fmt: skip
async def test_a_wrong_part_of_a_list_is_refused_by_name(target: Target, query: str, field: str) -> None:
    for path in ("/products", "/orders", "/orders/admin/all", "/payments/admin/events"):
        answer = await target.ask("admin", "GET", f"{path}?{query}")
        assert (answer.status, field in answer.body.decode()) == (422, True), (path, answer)


async def test_what_nobody_has_made_is_not_found(target: Target) -> None:
    paths = ("GET /products/{}", "PUT /products/{}", "DELETE /products/{}", "GET /inventory/{}", "GET /orders/{}",
             "GET /orders/{}/timeline", "POST /orders/{}/cancel", "GET /payments/status/{}", "POST /payments/{}/refund",
             "POST /payments/admin/events/{}/replay")  # fmt: skip
    for each in paths:
        for id in ("x", "ord_", "%00", "%ff", "%F0%9F%A6%86", "..%2f..%2fetc%2fpasswd", "ord_" + "0" * 26, "a" * 4000):
            method, path = each.format(id).split(" ")
            answer = await target.ask("admin", method, path, b'{"name": "Cup"}' if method == "PUT" else b"")
            assert answer.status == 404, (method, path, answer)


async def test_what_is_between_services_is_not_there_for_anybody(target: Target) -> None:
    forged = {
        "x-internal-service": "order-service",
        "x-internal-token": "x",
        "x-user-id": "usr_1",
        "x-user-role": "admin",
    }
    inner = [each.mark.path for contract in CONTRACTS for each in endpoints(contract) if each.mark.callers]
    for path in (*inner, "/metrics"):
        plain = path.replace("{order_id}", target.ids[1])
        for form in (plain, f"{plain}/", f"/{plain}", plain.replace("s", "%73"), f"{plain}?x=1", f"/x/..{plain}"):
            for method in METHODS:
                answer = await target.ask("admin", method, form, b"{}", **forged)
                assert answer.status in (404, 405), (method, form, answer)
                assert answer.status == 404 or form not in (plain, f"{plain}/"), (method, form, answer)


async def test_pretending_to_be_somebody_changes_nothing(target: Target) -> None:
    forged: dict[str, Any] = {"X-User-Id": "usr_1", "X-User-Role": "admin", "X-Internal-Service": "payment-service"}
    assert (await target.send("GET", "/orders/admin/all", **forged)).status == 401
    assert (await target.ask("buyer", "GET", "/orders/admin/all", **forged)).status == 403


async def test_a_token_that_is_not_good_opens_nothing(target: Target) -> None:
    good = str(target.tokens["buyer"])
    secret = (target.shop.data / "jwt-secret").read_text().strip()
    past = FakeClock(SystemClock().now() - HOUR)
    expired = Tokens([secret], Ids(past), past).issue("usr_1", "a@b.example", "admin")
    forged = Tokens(["another secret"], Ids(past), SystemClock()).issue("usr_1", "a@b.example", "admin")
    header, claims, signature = good.split(".")
    unsigned = "eyJhbGciOiJub25lIn0." + claims + "."
    mixed = f"{header}.{forged.split('.')[1]}.{signature}"
    for token in (expired, forged, unsigned, mixed, good[:-4], good + "x", "", ".", "..", "a.b.c", "\xff", "x" * 7000):
        answer = await target.send("GET", "/orders", Authorization=f"Bearer {token}")
        assert answer.status == 401, (token, answer)
    for scheme in (f"Basic {good}", good, "Bearer", f"Token {good}"):
        assert (await target.send("GET", "/orders", Authorization=scheme)).status == 401


async def test_a_body_over_one_mebibyte_is_too_large_however_it_comes(target: Target) -> None:
    whole = b'{"items": "' + b"x" * 2**20 + b'"}'
    assert (await target.ask("buyer", "POST", "/orders", whole)).status == 413
    pieces = b"".join(b"10000\r\n" + b"x" * 65536 + b"\r\n" for _ in range(17)) + b"0\r\n\r\n"
    chunked = {"Content-Length": "", "Transfer-Encoding": "chunked"}
    assert (await target.ask("buyer", "POST", "/orders", pieces, **chunked)).status == 413
    assert (await target.send("POST", "/payments/webhook", pieces, **chunked)).status == 413


async def test_methods_paths_and_types_that_nobody_expects_are_refused(target: Target) -> None:
    paths = ["/orders", "/products/x", "/auth/login", "/payments/webhook", "/health", "/x/y", "//orders", "/%"]
    paths += ["/products/../orders", "/static/..%2f..%2f..%2fetc%2fpasswd", "/..%2f.kassa%2fjwt-secret"]
    for method, path in product((*METHODS, "TRACE", *STRANGE), paths):
        assert b"root:" not in (await target.send(method, path)).body
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "x", ""):
        answer = await target.ask("buyer", "POST", "/orders", b"a=1", **{"Content-Type": kind})
        assert answer.status == 400, (kind, answer)


async def test_an_idempotency_key_has_1_to_255_characters(target: Target) -> None:
    body = json.dumps({"items": [{"productId": target.mug, "quantity": 1}]}).encode()
    for key, status in (("k" * 255, 201), ("k" * 256, 422), ("\xe9\xff", 201), ("k" * 5000, 422)):
        assert (await target.ask("buyer", "POST", "/orders", body, **{"Idempotency-Key": key})).status == status


async def test_a_refusal_that_is_repeated_names_the_request_that_it_answers(target: Target) -> None:
    key = {"Idempotency-Key": "refused"}
    body = json.dumps({"items": [{"productId": target.mug, "quantity": 2000}]}).encode()
    first, again = [await target.ask("buyer", "POST", "/orders", body, **key) for _ in range(2)]
    assert (first.status, again.status, again.headers["idempotent-replayed"]) == (409, 409, "true")
    assert json.loads(first.body)["requestId"] != json.loads(again.body)["requestId"]

"""What HTTP itself asks of whoever answers it, byte by byte, of one process and of six: header fields, methods, and
connections that stay in step."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable

import pytest
import pytest_asyncio

from tests.gateway.asgi import Answer
from tests.journey.running import RunningShop

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
JSON = "Content-Type: application/json"


class Wire:
    """One connection, on which requests may lie behind each other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, first: str, *lines: str, body: bytes = b"") -> None:
        """A request, with these header lines and no others but Host."""
        self._writer.write("\r\n".join([f"{first} HTTP/1.1", "Host: shop", *lines, "", ""]).encode("latin-1") + body)

    def send_bytes(self, body: bytes) -> None:
        self._writer.write(body)

    async def answer(self, *, to_head: bool = False) -> Answer:
        """The next answer."""
        head = (await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), 20)).decode("latin-1")
        first, *rest = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
        assert "transfer-encoding" not in headers
        length = 0 if to_head else int(headers.get("content-length", 0))
        return Answer(int(first.split()[1]), headers, await asyncio.wait_for(self._reader.readexactly(length), 20))

    async def is_closed(self) -> bool:
        """Whether the server has nothing more to say and closed; waits for either."""
        return await asyncio.wait_for(self._reader.read(1), 20) == b""


class Target:
    """A running shop with a buyer and a product."""

    def __init__(self, shop: RunningShop, token: str, product: str) -> None:
        self.port = shop.port
        self.shop = shop
        self.bearer = f"Authorization: Bearer {token}"
        self.order = json.dumps({"items": [{"productId": product, "quantity": 1}]}).encode()
        self._writers: list[asyncio.StreamWriter] = []

    async def wire(self) -> Wire:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._writers.append(writer)
        return Wire(reader, writer)

    async def ask(self, first: str, *lines: str, body: bytes = b"") -> Answer:
        """One request on a connection of its own."""
        wire = await self.wire()
        wire.send(first, *lines, *([length_of(body)] if body else []), body=body)
        return await wire.answer(to_head=first.startswith("HEAD"))

    def close(self) -> None:
        for writer in self._writers:
            writer.close()


def length_of(body: bytes) -> str:
    return f"Content-Length: {len(body)}"


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["one process", "six processes"])
async def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    options = ("--split",) if request.param == "six processes" else ()
    async with RunningShop(tmp_path_factory.mktemp("shop") / "data", *options) as shop:
        admin, buyer = await shop.admin(), await shop.buyer()
        made = Target(shop, buyer.token, await admin.product(stock=100))
        yield made
        made.close()


async def test_white_space_behind_a_value_is_no_part_of_it(target: Target) -> None:
    ids = set()
    for blank in ("", " ", "\t", " \t "):
        key = f"Idempotency-Key: the-same{blank}"
        answer = await target.ask("POST /orders", target.bearer + blank, JSON + blank, key, body=target.order)
        ids.add(answer.document["order"]["id"])
        assert (await target.ask("GET /orders", f"X-Request-Id: mine{blank}")).headers["x-request-id"] == "mine"
    assert len(ids) == 1


async def test_several_lines_of_a_list_are_one_list(target: Target) -> None:
    page = await target.ask("GET /no/such/page", "Accept: application/xml", "Accept: text/html")
    assert (page.status, page.headers["content-type"].partition(";")[0]) == (404, "text/html")
    css = (await target.ask("GET /", "Accept: text/html")).body.partition(b'rel="stylesheet" href="')[2]
    path = css.partition(b'"')[0].decode()
    etag = (await target.ask(f"GET {path}")).headers["etag"]
    for known in ([f"If-None-Match: {etag} "], ['If-None-Match: "other"', f"If-None-Match: W/{etag}"]):
        assert (await target.ask(f"GET {path}", *known)).status == 304


@pytest.mark.parametrize("name", ["Authorization", "Idempotency-Key", "Content-Type", "Stripe-Signature", "Host"])
async def test_two_values_where_one_is_meant_are_refused(target: Target, name: str) -> None:
    one = {"Authorization": target.bearer, "Content-Type": JSON, "Host": "Host: shop"}.get(name, f"{name}: x")
    lines = {target.bearer, JSON, one} - {"Host: shop"}
    answer = await target.ask("POST /orders", *lines, one if name != "Host" else "Host: other", body=target.order)
    assert (answer.status, answer.document["code"]) == (400, "malformed_request")
    assert name in answer.document["detail"]


@pytest.mark.parametrize("lines", [("X: " + "x" * 33_000,), ("X: x",) * 100], ids=["of 32 KiB", "of 100 lines"])
async def test_a_head_beyond_the_limit_is_refused(target: Target, lines: tuple[str, ...]) -> None:
    for path in ("/products", "/", "/health"):
        answer = await target.ask(f"GET {path}", *lines)
        assert (answer.status, answer.document["code"]) == (431, "header_too_large")


async def test_two_lengths_are_refused(target: Target) -> None:
    wire = await target.wire()
    wire.send("POST /orders", target.bearer, JSON, length_of(target.order), "Content-Length: 3", body=target.order)
    assert (await wire.answer()).status == 400


async def test_a_method_that_is_not_taken_is_told_which_are(target: Target) -> None:
    document = (await target.shop.call("GET", "/openapi.json")).body
    for template in (*document["paths"], "/health", "/openapi.json", "/", "/cart", "/no-such-path"):
        path = template.replace("{", "").replace("}", "")
        answers = {method: await target.ask(f"{method} {path}") for method in METHODS}
        taken = {method for method, answer in answers.items() if answer.status != 405}
        if answers["GET"].status == 404 and template == "/no-such-path":
            assert {answer.status for answer in answers.values()} == {404}
            continue
        told = {answer.headers.get("allow") for method, answer in answers.items() if method not in taken}
        assert told | {answers["OPTIONS"].headers["allow"]} == {", ".join(sorted(taken))}, template
        assert {method.upper() for method in document["paths"].get(template, {})} <= taken
        assert ("HEAD" in taken) == ("GET" in taken)


async def test_a_method_that_nobody_has_is_told_too(target: Target) -> None:
    answer = await target.ask("TRACE /orders")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")


@pytest.mark.parametrize("method", ["BREW", "get", "PROPFIND"])
async def test_a_method_that_nobody_knows_is_so_at_every_path(target: Target, method: str) -> None:
    for path in ("/orders", "/products/prd_1", "/health", "/", "/cart", "/no-such-path"):
        answer = await target.ask(f"{method} {path}", "Accept: text/html")
        assert (answer.status, answer.document["code"]) == (501, "method_unknown"), path
        assert "allow" not in answer.headers


async def test_a_number_in_a_query_is_digits(target: Target) -> None:
    document = (await target.shop.call("GET", "/openapi.json")).body
    admin = f"Authorization: Bearer {(await target.shop.admin()).token}"
    asked = [
        (path.replace("{", "").replace("}", ""), parameter["name"])
        for path, methods in document["paths"].items()
        for parameter in methods.get("get", {}).get("parameters", [])
        if parameter["in"] == "query" and parameter["schema"].get("type") == "integer"
    ]
    assert len(asked) > 10
    for path, name in asked:
        for text in ("1e1", "1.0", "+1", "%2B1", "%201", "1%20", "0x1", "1_0", "%D9%A1", "", f"5&{name}=1e1"):
            answer = await target.ask(f"GET {path}?{name}={text}", admin)
            assert answer.status == 422, (path, text, answer.document)
            assert answer.document["errors"][0]["field"] == name, (path, text)
            assert answer.document["detail"] == f"{name}: must be a whole number, in digits"
    assert (await target.ask("GET /products?limit=1&skip=0")).status == 200


async def test_head_is_answered_as_get_is_without_the_body(target: Target) -> None:
    for path in ("/products", "/health", "/orders", "/"):
        lines = (target.bearer, "Accept: text/html, application/json")
        whole, head = await target.ask(f"GET {path}", *lines), await target.ask(f"HEAD {path}", *lines)
        assert (whole.status, head.status, head.body) == (200, 200, b"")
        assert head.headers.get("content-length") == whole.headers.get("content-length")


def refused_early(target: Target) -> Iterable[tuple[str, tuple[str, ...], int, int]]:
    """Requests that need not be read to be refused: first line, lines, how much they would send, status."""
    yield "POST /orders", (), 100, 401
    yield "POST /orders", ("Authorization: Bearer x",), 100, 401
    yield "POST /products", (target.bearer,), 100, 403
    yield "POST /orders", (target.bearer,), 2**20 + 1, 413
    yield "POST /nowhere", (), 100, 404
    yield "PATCH /orders", (target.bearer,), 100, 405
    yield "POST /orders", (target.bearer, "Idempotency-Key: a", "Idempotency-Key: b"), 100, 400


async def test_who_waits_to_be_told_to_go_on_and_is_refused_is_not_waited_for(target: Target) -> None:
    """RFC 9110, 10.1.1: the client need not send its body any more, so what it sends next would be taken for it."""
    for first, lines, length, status in refused_early(target):
        for expect in ("100-continue", "100-Continue"):
            wire = await target.wire()
            wire.send(first, *lines, JSON, f"Content-Length: {length}", f"Expect: {expect}")
            answer = await wire.answer()
            if answer.status == 100:  # a proxy reads on before it knows
                wire.send_bytes(b"x" * length)
                answer = await wire.answer()
                assert answer.status == status, (first, answer)
                wire.send("GET /health")
                assert (await wire.answer()).document["status"] == "ok"
                continue
            assert (answer.status, answer.headers.get("connection")) == (status, "close"), (first, answer)
            assert await wire.is_closed()


async def test_who_waits_to_be_told_to_go_on_is_told(target: Target) -> None:
    wire = await target.wire()
    wire.send("POST /orders", target.bearer, JSON, length_of(target.order), "Expect: 100-continue")
    assert (await wire.answer()).status == 100
    wire.send_bytes(target.order)
    assert (await wire.answer()).status == 201
    wire.send("GET /health")
    assert (await wire.answer()).document["status"] == "ok"


async def test_what_lies_behind_a_refused_request_is_answered(target: Target) -> None:
    """An answer before the body was read: the rest of it must not be taken for the next request, nor that for it."""
    for first, lines, length, status in refused_early(target):
        wire = await target.wire()
        half = min(length, 2**20) // 2
        wire.send(first, *lines, JSON, f"Content-Length: {length}", body=b"x" * half)
        await asyncio.sleep(0.01)
        wire.send_bytes(b"x" * (length - half))
        wire.send("GET /health")
        refused = await wire.answer()
        assert refused.status == status, (first, refused)
        assert (await wire.answer()).document["status"] == "ok", first

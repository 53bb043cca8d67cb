"""The straight way and the long one give the same answer, to whatever is asked."""

import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from structlog.testing import capture_logs

from kassa.app import web
from kassa.app.straight import STRAIGHT, Straight
from kassa.contracts.order import Orders
from kassa.gateway.arrival import App, Message, Receive, Scope, Send
from kassa.kit.service_keys import ServiceIdentity
from kassa.kit.wire import endpoints
from tests.app.whole import Answer, Lines, Whole, whole

TIMES = 1200
NAMES = re.compile(rb"(ord|pay|req)_[0-9a-z]{26}|\d{4}-\d\d-\d\dT[0-9:.]+Z|\d{13}|(?<=\"number\":)\d+")
QUERIES = (
    "",
    "limit=1",
    "limit=0",
    "limit=x",
    "limit=",
    "limit=01",
    "limit=%31",
    "limit=1&limit=2",
    "limit=1&skip=1",
    "skip=-1",
    "cursor=zz",
    "cursor=70726431",
    "category=things",
    "category=a%20b",
    "category=null",
    "category=",
    "q=mug",
    "q=",
    "q=M+g",
    "active=false",
    "active=true",
    "active=1",
    "active=False",
    "includeInactive=true",
    "includeInactive=no",
    "maxStock=3",
    "maxStock=x",
    "option=red",
    "waiting=true",
    "status=parked",
    "orderId=ord_1",
    "since=2026-01-01",
    "colour=red",
    "limit=2&colour=red",
    "limit",
    "&",
    "=",
    "limit=1&",
    "cursor=null",
    "skip=9999999999",
    "limit=١",
)


GETS = sorted(each.removeprefix("GET ") for each in STRAIGHT if each.startswith("GET ") and "{" not in each)


class Counted:
    """The straight way, which counts what it leaves to the long one."""

    left = asked = 0

    def __init__(self, straight: Any, app: App, *given: Any) -> None:
        self._straight = straight(self._counted, *given)
        self._app = app

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        Counted.left += 1
        await self._app(scope, receive, send)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        Counted.asked += 1
        await self._straight(scope, receive, send)


@dataclass
class Both:
    """A shop with something in it, and both ways to it: from outside, and to the service orders alone."""

    shop: Whole
    product: str
    order: str
    straight: App
    long: App
    straight_inside: App
    long_inside: App

    def outside(self, chosen: random.Random) -> tuple[str, str, Lines, bytes]:
        """Some request, good or bad."""
        method = chosen.choice(("GET", "GET", "POST", "POST", "HEAD", "PUT", "OPTIONS"))
        path = chosen.choice(
            (
                "/health",
                "/orders",
                "/orders",
                "/orders",
                "/orders",
                "/orders/",
                "//orders",
                f"/orders/{self.order}",
                f"/orders/{self.order}",
                "/orders/ord_01kg8v3y6dqz4m2n7r5t9w1x0c",
                "/orders/x",
                "/orders/admin",
                "/orders/a b",
                "/products",
                "/products",
                "/payments/create-session",
                "/payments/webhook",
                "/webhook",
                f"/orders/{self.order}/",
                "/Products",
                *GETS,
            )
        )
        token = chosen.choice(
            ("", "bad", self.shop.tokens["buyer"], self.shop.tokens["buyer"], self.shop.tokens["admin"])
        )
        lines: Lines = [(b"authorization", f"Bearer {token}".encode())] if token else []
        if chosen.random() < 0.1:
            lines.append((b"stripe-signature", chosen.choice((b"", b"t=1,v1=2", b"\xff"))))
        if chosen.random() < 0.1:
            lines.append((b"idempotency-key", chosen.choice((b"", b"x" * 300))))
        query = chosen.choice(QUERIES) if chosen.random() < 0.5 else ""
        return (
            method,
            f"{path}?{query}" if query else path,
            lines,
            b"" if method in ("GET", "HEAD") else self.body(chosen),
        )

    def body(self, chosen: random.Random) -> bytes:
        items = [{"productId": self.product, "quantity": 1}]
        return chosen.choice(
            (
                b"",
                b"{",
                b"[]",
                b"null",
                b"\xff",
                b"{}",
                b'{"items": []}',
                b'{"items": [{"productId": "prd_x", "quantity": 1}]}',
                *[json.dumps({"items": items}).encode()] * 6,
                json.dumps({"items": items, "colour": "red"}).encode(),
                json.dumps({"items": items, "expectedTotalMinor": 1}).encode(),
                json.dumps({"orderId": self.order}).encode(),
                b'{"orderId": "ord_x"}',
                b'{"orderId": 7}',
                b'{"orderIds": ["%b"]}' % self.order.encode(),
                b'{"since": 0, "after": ""}',
                b'{"ids": []}',
                b'{"ids": [1]}',
                b'{"userId": "usr_x", "after": ""}',
                b'{"userIds": ["usr_x"]}',
                b'{"status": "CANCELLED", "inputId": "x", "paymentId": "pay_x", "reason": "no"}',
            )
        )

    def inside(self, chosen: random.Random) -> tuple[str, str, Lines, bytes]:
        """Some request of another service, or of nobody."""
        endpoint = chosen.choice([each for each in endpoints(Orders) if each.mark.callers])
        order = chosen.choice((self.order, self.order, "ord_x", "a%20b", "x.y"))
        path = endpoint.mark.path.replace("{order_id}", order) + chosen.choice(("", "", "/", "?since=1"))
        caller = chosen.choice((endpoint.mark.callers[0], endpoint.mark.callers[0], "order", "product"))
        named = ServiceIdentity(caller, self.shop.shop.service_keys).headers("order")
        lines = [(name.encode(), value.encode()) for name, value in named.items()]
        if chosen.random() < 0.2:
            lines = chosen.choice(
                ([], lines[:1], [(b"x-internal-service", b"payment-service"), (b"x-internal-token", b"x")])
            )
        return chosen.choice((endpoint.mark.verb,) * 9 + ("DELETE",)), path, lines, self.body(chosen)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    limits = {"BUYER_MAX_OPEN_ORDERS": "off", "ADDRESS_MAX_OPEN_ORDERS": "off", "ORDER_MAX_PIECES_IN_ALL": "off"}
    with whole(tmp_path_factory.mktemp("straight"), **limits) as shop, pytest.MonkeyPatch.context() as patch:
        new = {"name": "Mug", "description": "", "price": "19.99", "category": "things", "stock": 100_000}
        product = json.loads(shop.as_json("POST", "/products", new, "admin").body)["product"]["id"]
        asked = {"items": [{"productId": product, "quantity": 1}]}
        order = json.loads(shop.as_json("POST", "/orders", asked, "buyer").body)["order"]["id"]
        patch.setattr(web, "calls", lambda *_: ())
        with patch.context() as counting:
            counting.setattr(web, "Straight", partial(Counted, Straight))
            ways = [web.public_app(shop.shop), web.service_app(shop.shop, "order")]
        with patch.context() as without:
            without.setattr(web, "Straight", lambda app, *_: app)
            ways += [web.public_app(shop.shop), web.service_app(shop.shop, "order")]
        yield Both(shop, product, order, ways[0], ways[2], ways[1], ways[3])


def seen(answer: Answer) -> tuple[int, dict[str, str], bytes]:
    """All of it, but for names and times, which are new each time."""
    headers = dict(answer.headers)
    body = NAMES.sub(rb"\1", answer.body)
    if body != answer.body:
        headers.pop("content-length")
    return answer.status, headers, body


def compared(shop: Whole, apps: Sequence[App], asked: Callable[[], tuple[str, str, Lines, bytes]]) -> set[int]:
    """Ask both many times; the statuses that came. Enough go each way."""
    Counted.left = Counted.asked = 0
    answered = set()
    for number in range(TIMES):
        method, path, lines, body = asked()
        named = [(b"x-request-id", b"req-%d" % number), (b"traceparent", b"00-%032x-%016x-01" % (1, 1)), *lines]
        one, other = (shop.ask(method, path, list(named), body, app) for app in apps)
        assert seen(one) == seen(other), (method, path, lines, body)
        answered.add(one.status)
    assert Counted.left > 100
    assert Counted.asked - Counted.left > 100
    return answered


@pytest.mark.parametrize("seed", range(2))
def test_what_comes_from_outside_is_answered_the_same_both_ways(both: Both, seed: int) -> None:
    chosen = random.Random(seed)
    answered = compared(both.shop, (both.straight, both.long), lambda: both.outside(chosen))
    assert answered >= {200, 201, 400, 401, 404, 405, 422}


@pytest.mark.parametrize("seed", range(2))
def test_what_services_ask_is_answered_the_same_both_ways(both: Both, seed: int) -> None:
    chosen = random.Random(seed)
    answered = compared(both.shop, (both.straight_inside, both.long_inside), lambda: both.inside(chosen))
    assert answered >= {200, 400, 403, 404, 405, 422}


def test_a_repeated_request_is_answered_from_memory_both_ways(both: Both) -> None:
    body = json.dumps({"items": [{"productId": both.product, "quantity": 1}]}).encode()
    token = (b"authorization", f"Bearer {both.shop.tokens['buyer']}".encode())
    for app, key in ((both.straight, b"straight"), (both.long, b"long")):
        first, again = (
            both.shop.ask("POST", "/orders", [token, (b"idempotency-key", key)], body, app) for _ in range(2)
        )
        assert (first.status, again.status, first.body) == (201, 201, again.body)
        assert again.headers["idempotent-replayed"] == "true"
    taken = [token, (b"idempotency-key", b"long")]
    assert both.shop.ask("POST", "/orders", list(taken), body, both.straight).body == first.body


@pytest.mark.parametrize("app", ["straight", "long"])
def test_a_webhook_is_taken_both_ways(both: Both, app: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(both.shop, "public", getattr(both, app))
    event = {
        "id": f"evt_{app}",
        "object": "event",
        "type": "x.y",
        "created": 1,
        "livemode": False,
        "data": {"object": {"id": "x"}},
    }
    answer = both.shop.hook(json.dumps(event).encode())
    assert (answer.status, answer.body) == (200, b'{"received":true}')


def test_each_straight_endpoint_is_declared(both: Both) -> None:
    declared = {
        f"{method} /{path.strip('/').replace(':str', '')}"
        for handlers in (*web.HANDLERS.values(), *web.OWN_PORT_HANDLERS.values())
        for handler in handlers
        if hasattr(handler, "http_methods")
        for method in handler.http_methods
        for path in handler.paths
    }
    assert declared | {"GET /health"} >= STRAIGHT


async def _broken_off(app: App, scope: Scope, left: list[Message], sent: list[Message]) -> None:
    async def receive() -> Message:
        return left.pop()

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)


@pytest.mark.parametrize("path", ["/payments/webhook", "/orders"])
def test_who_goes_away_amid_a_request_writes_no_line_in_the_log(both: Both, path: str) -> None:
    bearer = f"Bearer {both.shop.tokens['buyer']}".encode()
    lines = [(b"host", b"shop.example"), (b"authorization", bearer), (b"stripe-signature", b"t=1,v1=0")]
    for app in (both.straight, both.long):
        messages: list[Message] = [
            {"type": "http.disconnect"},
            {"type": "http.request", "body": b"{", "more_body": True},
        ]
        sent: list[Message] = []

        scope = {
            "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"",
            "headers": list(lines), "client": ("192.0.2.1", 1), "server": ("shop.example", 80), "scheme": "http",
            "http_version": "1.1", "root_path": "", "state": {},
        }  # fmt: skip
        with capture_logs() as told:
            both.shop.run(_broken_off(app, scope, messages, sent))
        assert told == []
        assert sent[0]["status"] >= 400

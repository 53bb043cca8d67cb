"""What a process does for those whom it can do nothing for: next to nothing, and at once."""

import asyncio
import json
import socket
from contextlib import ExitStack

import uvloop

from kassa.app.answering import answering
from kassa.app.connections import Bounds
from kassa.app.files import bound
from kassa.gateway.arrival import Headers, Receive, Scope, Send
from kassa.gateway.shedding import Shedding
from kassa.gateway.turning_away import TurningAway
from kassa.kit.clock import SystemClock
from kassa.kit.ids import Ids
from tests.app.test_connections import door
from tests.gateway.asgi import Echo

GET = b"GET /orders HTTP/1.1\r\nHost: shop\r\n\r\n"
POST = b"POST /orders HTTP/1.1\r\nHost: shop\r\nContent-Length: 9\r\n"
HOST = (b"host", b"shop")


class Full(Shedding):
    """Has room for nobody at /orders."""

    def __init__(self) -> None:
        super().__init__(Echo())
        self.asked = 0

    def refuses(self, method: str, path: str) -> bool:
        self.asked += 1
        return path == "/orders"


def turning_away(full: Full | None = None) -> TurningAway:
    return TurningAway(full or Full(), Ids(SystemClock()), is_https=True)


def test_many_that_connect_at_once_are_accepted_in_a_few_turns_of_the_loop() -> None:
    heard = 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal heard
        heard += 1
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def turns() -> int:
        (listener,) = bound("127.0.0.1", 0)
        async with answering(app, listener, Bounds()):
            with ExitStack() as stack:
                for _ in range(160):
                    caller = stack.enter_context(socket.create_connection(listener.getsockname()))
                    caller.sendall(GET)
                count = 0
                while heard < 160:
                    count += 1
                    await asyncio.sleep(0)
        return count

    assert uvloop.run(turns()) < 40


async def test_who_is_turned_away_is_told_why_and_may_go_on_with_the_same_connection() -> None:
    async with door(turn_away=turning_away()) as here:
        caller = await here.call(POST + b"X-Request-Id: mine\r\n\r\n123456789")
        status, headers, body = await caller.answer()
        document = json.loads(body)
        assert (status, headers["retry-after"], document["code"]) == (503, "1", "overloaded")
        assert (headers["x-request-id"], document["requestId"]) == ("mine", "mine")
        assert headers["content-type"] == "application/problem+json"
        assert {"traceparent", "strict-transport-security", "x-content-type-options"} <= headers.keys()
        await caller.send(POST + b"\r\n", b"1234")
        await asyncio.sleep(0.05)  # Answered while the body is still on its way.
        assert (await caller.answer())[0] == 503
        await caller.send(b"56789", GET.replace(b"orders", b"else"))
        assert (await caller.answer())[::2] == (200, b"/else1")
        await caller.send(b"GET /orders HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n")
        assert (await caller.answer())[0] == 503
        assert await caller.is_closed()


async def test_who_comes_behind_another_on_one_connection_waits_for_its_turn() -> None:
    async with door(turn_away=turning_away()) as here:
        caller = await here.call(GET.replace(b"orders", b"slow") + GET)
        assert [(await caller.answer())[0] for _ in range(2)] == [200, 200]


async def test_a_body_that_never_comes_is_not_waited_for() -> None:
    async with door(turn_away=turning_away()) as here:
        caller = await here.call(POST + b"\r\n", b"1234")
        assert (await caller.answer())[0] == 503
        assert await caller.is_closed()


def test_a_name_that_json_must_escape_is_given_back_as_it_is() -> None:
    answer = turning_away()("GET", b"/orders?limit=1", [HOST, (b"x-request-id", b'a"b\\c')])
    assert answer is not None
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b'\r\nx-request-id: a"b\\c\r\n' in head
    assert json.loads(body)["requestId"] == 'a"b\\c'


def test_what_more_is_to_be_known_of_is_left_to_those_who_know_it() -> None:
    full = Full()
    away = turning_away(full)
    others: list[tuple[str, bytes, Headers]] = [
        ("HEAD", b"/orders", [HOST]),
        ("OPTIONS", b"/orders", [HOST]),
        ("GET", b"/orders", [HOST, (b"origin", b"https://shop.example")]),
        ("POST", b"/orders", [HOST, (b"expect", b"100-continue")]),
        ("GET", b"/orders", [HOST, HOST]),
        ("GET", b"http://shop/orders", [HOST]),
        ("GET", b"/%6frders", [HOST]),
    ]
    assert [away(*each) for each in others] == [None] * len(others)
    assert full.asked == 0
    assert away("GET", b"/orders", [HOST]) is not None

"""The door's limits: how large a request's head may be, how long a request may take to come, how many connections
somebody may have."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
import structlog.testing

from kassa.app import connections as module
from kassa.app.answering import answering
from kassa.app.connections import OF_HOUSEHOLD, Bounds, Connections, TurnAway, public_bounds
from kassa.app.files import bound
from kassa.app.settings import read_settings
from kassa.gateway.arrival import Message, Receive, Scope, Send
from kassa.gateway.limits import Addresses
from kassa.kit.household import household

BOUNDS = Bounds(head_seconds=0.4, body_seconds=0.4, answer_seconds=0.4)
GET = b"GET /%b HTTP/1.1\r\nHost: shop\r\n\r\n"


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the body to its end and answers with the path; `/long` with more than anybody's buffer takes, `/slow`
    after a while, `/early` without reading."""
    message: Message = {"more_body": scope["path"] != "/early"}
    while message.get("more_body"):
        message = await receive()
    if scope["path"] == "/slow":
        await asyncio.sleep(1)
    body = (
        b"x" * 64_000_000 if scope["path"] == "/long" else scope["path"].encode() + str(len(scope["headers"])).encode()
    )
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


@dataclass
class Caller:
    """One connection of a client."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return int(first.split()[1]), headers, await self.reader.readexactly(int(headers["content-length"]))

    async def problem(self) -> str:
        """The problem that is answered, after which the connection is closed."""
        status, headers, body = await self.answer()
        document = json.loads(body)
        assert (headers["content-type"], document["status"]) == ("application/problem+json", status)
        assert (headers["x-request-id"], headers["connection"]) == (document["requestId"], "close")
        assert await self.is_closed()
        return f"{status} {document['code']}"

    async def is_closed(self) -> bool:
        """Whether it is closed without another word; waits for it."""
        try:
            return await asyncio.wait_for(self.reader.read(1), 10) == b""
        except ConnectionResetError:
            return True


class Door:
    """A server behind its door."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._callers: list[Caller] = []

    async def call(self, *pieces: bytes, of: str = "127.0.0.1") -> Caller:
        """A connection of somebody at this address, who sends this."""
        caller = Caller(*await asyncio.open_connection("127.0.0.1", self._port, local_addr=(of, 0), limit=2**27))
        self._callers.append(caller)
        await caller.send(*pieces)
        return caller

    def close(self) -> None:
        for each in self._callers:
            each.writer.close()


@asynccontextmanager
async def door(bounds: Bounds = BOUNDS, turn_away: TurnAway | None = None) -> AsyncIterator[Door]:
    (listener,) = bound("127.0.0.1", 0)
    async with answering(app, listener, bounds, turn_away=turn_away):
        made = Door(listener.getsockname()[1])
        yield made
        made.close()


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SWEEP_SECONDS", 0.05)


HEAD = b"GET / HTTP/1.1\r\nHost: shop\r\n"
TOO_LARGE = {
    "one long line": (HEAD + b"X: ", *[b"a" * 4096] * 13),
    "one long line that never ends, at once": (HEAD + b"X: " + b"a" * 300_000,),
    "many short lines": (HEAD, *[b"X: a\r\n"] * 101, b"\r\n"),
    "a long path": (b"GET /" + b"a" * 33_000 + b" HTTP/1.1\r\nHost: shop\r\n\r\n",),
    "a long path that never ends": (b"GET /", *[b"a" * 4096] * 13),
    "a long method's name": (b"GET / HTTP/1.1\r\n", *[b"a" * 4096] * 13),
}


@pytest.mark.parametrize("pieces", TOO_LARGE.values(), ids=TOO_LARGE)
async def test_a_head_that_is_too_large_is_refused(pieces: tuple[bytes, ...]) -> None:
    async with door() as here:
        first = await here.call(*pieces)
        assert await first.problem() == "431 header_too_large"
        second = await here.call(GET % b"before")  # The same behind a request that was answered.
        assert (await second.answer())[0] == 200
        await second.send(*pieces)
        assert await second.problem() == "431 header_too_large"


async def test_what_is_sent_on_after_a_refusal_is_thrown_away_and_then_cut_off() -> None:
    async with door() as here:
        caller = await here.call(HEAD + b"X: ")
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(_drip(caller, b"a" * 65_536), 10)


async def test_as_large_a_head_as_is_taken_is_taken() -> None:
    lines = b"".join(b"X-%d: %b\r\n" % (number, b"a" * 300) for number in range(99))
    async with door() as here:
        caller = await here.call(HEAD + lines + b"\r\n")
        assert (await caller.answer())[2] == b"/100"
        await caller.send(b"GET /" + b"a" * 30_000 + b" HTTP/1.1\r\nHost: shop\r\n\r\n")
        assert (await caller.answer())[0] == 200


async def test_many_requests_at_once_are_not_taken_for_a_large_one() -> None:
    async with door() as here:
        caller = await here.call(b"".join(GET % b"%d" % number for number in range(3000)))
        answers = [(await caller.answer())[2] for _ in range(3000)]
    assert answers == [b"/%d1" % number for number in range(3000)]


async def test_a_large_body_is_taken_and_the_next_head_is_not_counted_with_it() -> None:
    body = b"a" * 1_000_000
    request = b"POST /large HTTP/1.1\r\nHost: shop\r\nContent-Length: 1000000\r\n\r\n" + body
    async with door() as here:
        caller = await here.call(request + GET % b"next" + request)
        assert [(await caller.answer())[2] for _ in range(3)] == [b"/large2", b"/next1", b"/large2"]


CHUNKED = b"POST /chunked HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n"


async def test_what_surrounds_a_body_is_bounded_too_and_trailers_are_no_header_fields() -> None:
    async with door() as here:
        caller = await here.call(CHUNKED + b"1\r\na\r\n0\r\nX-Internal-Service: order\r\n\r\n" + GET % b"next")
        assert [(await caller.answer())[2] for _ in range(2)] == [b"/chunked2", b"/next1"]
        for endless in (b"0\r\nX: ", b"1;x="):
            caller = await here.call(CHUNKED + endless, *[b"a" * 65_536] * 40)
            assert await caller.problem() == "413 body_too_large"


HALF = {
    "half a head": (HEAD, "408 request_timeout"),
    "half a line": (b"GET /", "408 request_timeout"),
    "half a body": (HEAD + b"Content-Length: 2000\r\n\r\na", "408 request_timeout"),
    "half a body in chunks": (CHUNKED + b"5000\r\na", "408 request_timeout"),
    "half a request behind one": (GET % b"x" + HEAD, "408 request_timeout"),
    "nothing": (b"", ""),
    "what may stand before a request": (b"\r\n", ""),
    "the rest of what was answered already": (b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\na", ""),
}


@pytest.mark.parametrize(("half", "answer"), HALF.values(), ids=HALF)
@pytest.mark.parametrize("drips", [False, True])
async def test_a_request_that_does_not_come_to_its_end_is_ended(half: bytes, answer: str, drips: bool) -> None:
    async with door() as here:
        caller = await here.call(half)
        if half.startswith((GET % b"x", b"POST /early")):
            assert (await caller.answer())[0] == 200
        dripping = asyncio.create_task(_drip(caller, b"\r\n" if half in (b"", b"\r\n") else b"a")) if drips else None
        assert await (caller.problem() if answer else caller.is_closed()) == (answer or True)
        if dripping:
            dripping.cancel()


async def _drip(caller: Caller, drop: bytes) -> None:
    while True:
        await asyncio.sleep(0.05)
        await caller.send(drop)


async def test_who_waits_for_an_answer_is_not_ended() -> None:
    async with door() as here:
        caller = await here.call(GET % b"slow")
        assert (await caller.answer())[2] == b"/slow1"
        behind = await here.call(GET % b"slow" + HEAD)
        assert (await behind.answer())[2] == b"/slow1"


async def test_who_does_not_read_its_answer_is_ended() -> None:
    async with door() as here:
        caller = await here.call()
        wire: Any = caller.writer.transport
        wire.pause_reading()
        await caller.send(GET % b"long")
        await asyncio.sleep(1)
        wire.resume_reading()
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await caller.answer()


async def test_a_household_has_so_many_connections_and_nobody_else_is_kept_out() -> None:
    async with door(replace(BOUNDS, of_household=3, head_seconds=20)) as here:
        busy = [await here.call(HEAD) for _ in range(3)]
        refused = await here.call()
        assert await refused.problem() == "503 too_many_connections"
        assert (await (await here.call(GET % b"x", of="127.0.0.2")).answer())[0] == 200
        await busy[0].send(b"\r\n")  # Answered, it only waits for the next request: so it gives way.
        assert (await busy[0].answer())[0] == 200
        assert (await (await here.call(GET % b"x")).answer())[0] == 200
        assert await busy[0].is_closed()


async def test_a_proxy_of_ours_has_as_many_as_it_needs() -> None:
    bounds = replace(BOUNDS, of_household=3, head_seconds=20, trusted=Addresses(("127.0.0.0/30",)))
    async with door(bounds) as here:
        for _ in range(10):
            await here.call(HEAD)
        assert (await (await here.call(GET % b"x")).answer())[0] == 200


async def test_in_all_there_are_so_many_and_who_only_waits_gives_way() -> None:
    async with door(replace(BOUNDS, in_all=3, head_seconds=20)) as here:
        waiting = [await here.call(), await here.call()]
        await here.call(HEAD, of="127.0.0.2")
        assert (await (await here.call(GET % b"x")).answer())[0] == 200
        assert await waiting[0].is_closed()
        assert (await (await here.call(GET % b"x")).answer())[0] == 200
        assert await waiting[1].is_closed()


class _Open:
    def __init__(self, address: str) -> None:
        self.household = household(address)

    def look(self, now: float) -> None: ...

    def give_way(self) -> None: ...


def test_an_ipv6_household_is_its_network() -> None:
    connections = Connections(Bounds(of_household=2))
    one, two, three = (_Open(f"2001:db8:1:2:{number}::1") for number in (1, 2, 3))
    for each in (one, two):
        assert connections.take(each)
        del connections.waiting[each]
    assert not connections.take(three)
    assert connections.take(_Open("2001:db8:1:3::1"))
    connections.drop(one)
    assert connections.take(three)


def test_the_public_door_s_limits_follow_the_settings() -> None:
    ours = public_bounds(read_settings({"TRUSTED_PROXIES": "10.0.0.0/8"}))
    assert (ours.of_household, ours.head_bytes, ours.head_lines) == (OF_HOUSEHOLD, 32 * 1024, 100)
    assert ours.trusted.is_trusted("10.1.2.3")
    assert 100 <= ours.in_all <= 10_000
    assert public_bounds(read_settings({"RATE_LIMIT": "off"})).of_household is None


async def test_a_request_behind_one_that_asks_to_speak_another_protocol_is_not_read() -> None:
    asks = b"POST / HTTP/1.1\r\nHost: shop\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 40\r\n\r\n"
    async with door() as here:
        caller = await here.call(asks)
        await caller.send(GET % b"behind")
        status, headers, _ = await caller.answer()
        assert (status, headers["connection"]) == (200, "close")
        assert await caller.is_closed()


async def test_what_is_refused_is_told_in_one_line_however_much_it_is(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """And not by uvicorn, which has a line for each."""
    monkeypatch.setattr(module, "LOG_SECONDS", 0.5)
    with structlog.testing.capture_logs() as told:
        async with door() as here:
            for _ in range(50):
                assert await (await here.call(b"nonsense\r\n\r\n")).problem() == "400 malformed_http"
            await (await here.call(HEAD)).problem()
            await asyncio.sleep(0.6)
    lines: list[Any] = [each["refused"] for each in told if each["event"] == "requests refused at the door"]
    assert 1 <= len(lines) <= 4
    assert sum(each.get("malformed_http", 0) for each in lines) == 50
    assert sum(each.get("request_timeout", 0) for each in lines) == 1
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("method", [b"BREW", b"get", b"GETS", b"M-SEARCHES", b"x"])
async def test_a_method_that_nobody_knows_is_told_from_what_is_no_request(method: bytes) -> None:
    async with door() as here:
        assert await (await here.call(method + b" /x HTTP/1.1\r\nHost: shop\r\n\r\n")).problem() == "501 method_unknown"
        for nonsense in (b"\x16\x03\x01\x02\x00\x01", method + b"\xff / HTTP/1.1\r\n\r\n", method + b"\r\n\r\n"):
            assert await (await here.call(nonsense)).problem() == "400 malformed_http"


async def test_what_was_asked_before_nonsense_is_answered_first() -> None:
    async with door() as here:
        caller = await here.call(GET % b"slow" + b"nonsense\r\n\r\n")
        assert (await caller.answer())[2] == b"/slow1"
        assert await caller.is_closed()

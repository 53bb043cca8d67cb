"""Answers on the wire: the straight way that nearly all take, and those that must not take it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from kassa.app.answering import answering
from kassa.app.connections import Bounds
from kassa.app.cycle import Cycle
from kassa.app.files import bound
from kassa.gateway.arrival import Headers, Receive, Scope, Send
from tests.app.test_connections import Caller

TWO = (b"content-length", b"2")
ANSWERS: dict[str, tuple[Headers, list[bytes]]] = {
    "/whole": ([TWO], [b"ok"]),
    "/pieces": ([TWO], [b"o", b"k"]),
    "/unknown": ([], [b"ok"]),
    "/closing": ([TWO, (b"Connection", b"close")], [b"ok"]),
    "/longer": ([TWO], [b"more"]),
    "/shorter": ([TWO], [b"o"]),
    "/split": ([TWO, (b"x-mine", b"a\r\nx-yours: b")], [b"ok"]),
    "/ended": ([TWO, (b"x-mine", b"a\nb")], [b"ok"]),
    "/nothing": ([(b"content-length", b"0")], [b""]),
}


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers as its path says."""
    headers, pieces = ANSWERS[scope["path"]]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for number, piece in enumerate(pieces, 1):
        await send({"type": "http.response.body", "body": piece, "more_body": number < len(pieces)})


@asynccontextmanager
async def calling(path: str, method: str = "GET", more: str = "") -> AsyncIterator[Caller]:
    (listener,) = bound("127.0.0.1", 0)
    async with answering(app, listener, Bounds()):
        caller = Caller(*await asyncio.open_connection(*listener.getsockname()))
        await caller.send(f"{method} {path} HTTP/1.1\r\nHost: shop\r\n{more}\r\n".encode())
        yield caller
        caller.writer.close()


@pytest.mark.parametrize("path", ["/whole", "/pieces"])
async def test_an_answer_comes_whole_and_the_connection_goes_on(path: str) -> None:
    async with calling(path) as caller:
        for _ in range(2):
            status, headers, body = await caller.answer()
            assert (status, body, headers["content-length"]) == (200, b"ok", "2")
            assert {"date"} <= headers.keys()
            await caller.send(f"GET {path} HTTP/1.1\r\nHost: shop\r\n\r\n".encode())


async def test_an_answer_without_a_body_is_one() -> None:
    async with calling("/nothing") as caller:
        assert (await caller.answer())[::2] == (200, b"")


async def test_an_answer_of_unknown_length_comes_in_chunks() -> None:
    async with calling("/unknown") as caller:
        head = await asyncio.wait_for(caller.reader.readuntil(b"\r\n\r\n"), 10)
        assert b"transfer-encoding: chunked" in head
        assert await caller.reader.readexactly(12) == b"2\r\nok\r\n0\r\n\r\n"


@pytest.mark.parametrize(("path", "more"), [("/closing", ""), ("/whole", "Connection: close\r\n")])
async def test_who_wants_the_connection_closed_finds_it_closed(path: str, more: str) -> None:
    async with calling(path, more=more) as caller:
        _, headers, body = await caller.answer()
        assert (headers["connection"], body) == ("close", b"ok")
        assert await caller.is_closed()


async def test_the_answer_to_head_has_the_length_and_no_body() -> None:
    async with calling("/whole", "HEAD", "Connection: close\r\n") as caller:
        answer = await asyncio.wait_for(caller.reader.read(), 10)
        assert b"content-length: 2\r\n" in answer
        assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("path", ["/longer", "/shorter", "/split", "/ended"])
async def test_an_answer_that_is_wrong_is_none_and_ends_the_connection(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        async with calling(path) as caller:
            answer = await asyncio.wait_for(caller.reader.read(), 10)
    assert b"x-yours" not in answer
    assert b"more" not in answer
    assert not answer.endswith(b"ok")
    assert "Exception in ASGI application" in caplog.text


async def test_a_whole_answer_is_written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []

    class Noting:
        def __init__(self, transport: asyncio.Transport) -> None:
            self._transport = transport

        def write(self, data: bytes) -> None:
            written.append(data)
            self._transport.write(data)

    run = Cycle.run_asgi

    async def noted(self: Cycle, app: Any) -> None:
        self.transport = Noting(self.transport)  # type: ignore[assignment]
        await run(self, app)

    monkeypatch.setattr("uvicorn.protocols.http.httptools_impl.RequestResponseCycle.run_asgi", noted)
    async with calling("/whole") as caller:
        await caller.answer()
    assert len(written) == 1

"""The streaming reverse proxy, over real sockets."""

import asyncio
import socket
from typing import Any

import aiohttp
import pytest

from kassa.gateway import proxy, system
from kassa.kit.access import API
from kassa.kit.service_keys import ServiceIdentity, ServiceKeys
from kassa.kit.web import MAX_BODY
from tests.gateway.upstream import SECRET, Reader, Writer, asking, client_session, head_of, proxied, upstream

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def test_every_part_of_the_api_has_a_service() -> None:
    assert {*proxy.OWNERS, system.PATH.strip("/")} == {*API, ".well-known"}


async def test_what_is_no_service_s_is_answered_here() -> None:
    async with proxied("http://127.0.0.1:1") as url, client_session() as client:
        answer = await client.get(f"{url}/shop")
        assert (await answer.json(content_type=None))["client"] == "127.0.0.1"


async def test_a_request_goes_on_as_it_came_without_what_is_for_the_connection() -> None:
    seen: list[Any] = []

    async def talk(reader: Reader, writer: Writer) -> None:
        seen.append(await head_of(reader))
        seen.append(await reader.readexactly(7))
        writer.write(OK)
        await writer.drain()

    async with upstream(talk) as order, proxied(order) as url:
        await _raw(
            url,
            b"POST /orders/a%2Fb/..%2e?x=%20y HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 7\r\n"
            b"Content-Type: application/json\r\nX-Forwarded-For: 203.0.113.9\r\nTE: trailers\r\n"
            b'Idempotency-Key: k\r\nConnection: close\r\n\r\n{"a":1}',
        )
    (line, headers), body = seen
    given = dict(headers)
    assert line == "POST /orders/a%2Fb/..%2e?x=%20y HTTP/1.1"
    assert body == b'{"a":1}'
    assert given["idempotency-key"] == "k"
    assert given["content-length"] == "7"
    assert given["x-forwarded-for"] == "127.0.0.1"
    assert given["x-forwarded-host"] == "shop.example"
    assert not {"te", "transfer-encoding", "user-agent"} & set(given)
    assert (
        ServiceIdentity("order", ServiceKeys(SECRET)).check("gateway-service", given["x-internal-token"], ("gateway",))
        == "gateway"
    )


async def test_an_answer_comes_back_as_it_is_without_what_is_for_the_connection() -> None:
    async def talk(reader: Reader, writer: Writer) -> None:
        await head_of(reader)
        writer.write(
            b"HTTP/1.1 201 Created\r\nServer: inside\r\nDate: yesterday\r\nKeep-Alive: timeout=5\r\n"
            b"Connection: close\r\n"
            b"Content-Encoding: gzip\r\nX-Own: 1\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
            b"Content-Length: 3\r\n\r\n\x1f\x8b\x08"
        )
        await writer.drain()

    async with asking(talk) as (url, client):
        answer = await client.get(f"{url}/orders")
        assert answer.status == 201
        assert await answer.read() == b"\x1f\x8b\x08"
        assert answer.headers["X-Own"] == "1"
        assert answer.headers.getall("Set-Cookie") == ["a=1", "b=2"]
        assert "inside" not in answer.headers.get("Server", "")
        assert "Keep-Alive" not in answer.headers
        assert "yesterday" not in answer.headers.getall("Date", [])


async def test_an_answer_is_passed_on_piece_by_piece() -> None:
    first_arrived = asyncio.Event()

    async def talk(reader: Reader, writer: Writer) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n")
        await writer.drain()
        await first_arrived.wait()
        writer.write(b"3\r\ntwo\r\n0\r\n\r\n")
        await writer.drain()

    async with asking(talk) as (url, client):
        answer = await client.get(f"{url}/orders")
        assert await asyncio.wait_for(answer.content.readany(), 10) == b"one"
        first_arrived.set()
        assert await answer.content.read() == b"two"


async def test_a_body_is_passed_on_piece_by_piece() -> None:
    first_arrived = asyncio.Event()
    rest: list[bytes] = []

    async def talk(reader: Reader, writer: Writer) -> None:
        await head_of(reader)
        assert await reader.readline() == b"3\r\n"
        assert await reader.readexactly(3) == b"one"
        first_arrived.set()
        rest.append(await reader.readuntil(b"0\r\n\r\n"))
        writer.write(OK)
        await writer.drain()

    async def body() -> Any:
        yield b"one"
        await asyncio.wait_for(first_arrived.wait(), 10)
        yield b"two"

    async with asking(talk) as (url, client):
        answer = await client.post(f"{url}/orders", data=body())
        assert answer.status == 200
    assert b"two" in rest[0]


async def test_a_body_that_grows_too_large_on_its_way_is_refused() -> None:
    async def talk(reader: Reader, writer: Writer) -> None:
        while await reader.read(65536):
            pass

    async def body() -> Any:
        for _ in range(MAX_BODY // 65536 + 1):
            yield b"x" * 65536

    async with asking(talk) as (url, client):
        answer = await client.post(f"{url}/orders", data=body())
        assert answer.status == 413
        assert (await answer.json(content_type=None))["code"] == "body_too_large"


async def test_a_service_that_is_down_is_503() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    assert await _problem(f"http://127.0.0.1:{port}") == (503, "unavailable")


async def test_a_service_that_breaks_off_is_502() -> None:
    async def talk(reader: Reader, writer: Writer) -> None:
        await head_of(reader)

    async with upstream(talk) as order:
        assert await _problem(order) == (502, "bad_gateway")


async def test_a_service_that_talks_nonsense_is_502() -> None:
    async def talk(reader: Reader, writer: Writer) -> None:
        await head_of(reader)
        writer.write(b"HELLO\r\n\r\n")
        await writer.drain()

    async with upstream(talk) as order:
        assert await _problem(order) == (502, "bad_gateway")


async def test_a_service_that_is_too_slow_is_504(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "ANSWER_SECONDS", 0.1)

    async def talk(reader: Reader, writer: Writer) -> None:
        await head_of(reader)
        await reader.read()

    async with upstream(talk) as order:
        assert await _problem(order) == (504, "gateway_timeout")


async def test_half_an_answer_is_not_taken_for_a_whole_one() -> None:
    async def talk(reader: Reader, writer: Writer) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
        await writer.drain()

    async with asking(talk) as (url, client):
        answer = await client.get(f"{url}/orders")
        with pytest.raises(aiohttp.ClientError):
            await answer.read()


async def _problem(order: str) -> tuple[int, str]:
    async with proxied(order) as url, client_session() as client:
        answer = await client.post(f"{url}/orders", json={})
        assert answer.content_type == "application/problem+json"
        return answer.status, (await answer.json(content_type=None))["code"]


async def _raw(url: str, request: bytes) -> bytes:
    port = int(url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer

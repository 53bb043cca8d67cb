"""Calls between services: how long they wait, how often they ask."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from kassa.app.transport import HttpTransport, new_session
from kassa.kit.patience import deadline
from kassa.kit.problem import Unavailable
from kassa.kit.service_keys import ServiceIdentity, ServiceKeys

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def calling(handler: Handler) -> AsyncIterator[HttpTransport]:
    """Calls of the order service to a product service that answers so."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        async with new_session() as session:
            yield HttpTransport(
                "product", f"http://{host}:{port}", ServiceIdentity("order", ServiceKeys("s" * 32)), lambda: session
            )
    finally:
        await runner.cleanup()


async def test_a_call_says_how_long_it_will_wait() -> None:
    said: list[int] = []

    async def answer(request: web.Request) -> web.Response:
        said.append(int(request.headers["x-internal-deadline"]))
        return web.json_response({})

    async with calling(answer) as transport:
        await transport.call("GET", "/", {}, None)
        deadline.set(time.monotonic() + 2)
        await transport.call("POST", "/", {}, b"{}")
    assert 2_000 < said[0] <= 10_000
    assert 0 < said[1] <= 2_000


async def test_a_call_for_which_no_time_is_left_is_not_made() -> None:
    calls = 0

    async def answer(_: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        return web.json_response({})

    async with calling(answer) as transport:
        deadline.set(time.monotonic() - 1)
        with pytest.raises(Unavailable, match="no time left"):
            await transport.call("GET", "/", {}, None)
    assert calls == 0


async def test_nobody_is_waited_for_beyond_the_deadline() -> None:
    never = asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        await never.wait()
        raise AssertionError

    async with calling(hang) as transport:
        deadline.set(time.monotonic() + 0.2)
        with pytest.raises(Unavailable):
            await asyncio.wait_for(transport.call("GET", "/", {}, None), 30)


@pytest.mark.parametrize(("verb", "calls"), [("GET", 2), ("POST", 1), ("PATCH", 1)])
async def test_a_read_that_broke_off_is_asked_once_more_and_a_change_is_not(verb: str, calls: int) -> None:
    made = 0

    async def break_off(request: web.Request) -> web.Response:
        nonlocal made
        made += 1
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with calling(break_off) as transport:
        with pytest.raises(Unavailable):
            await transport.call(verb, "/", {}, None if verb == "GET" else b"{}")
    assert made == calls

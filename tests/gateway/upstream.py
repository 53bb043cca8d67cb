"""A service behind the proxy, down to the bytes, and the proxy on a port of its own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import aiohttp
import uvicorn

from kassa.gateway.arrival import Door
from kassa.gateway.proxy import Proxy, new_session
from kassa.kit.clock import SystemClock
from kassa.kit.ids import Ids
from kassa.kit.service_keys import ServiceIdentity, ServiceKeys
from tests.gateway.asgi import Echo

SECRET = "the secret that all services share"
Reader: TypeAlias = asyncio.StreamReader
Writer: TypeAlias = asyncio.StreamWriter
Talk: TypeAlias = Callable[[Reader, Writer], Awaitable[None]]


@contextlib.asynccontextmanager
async def upstream(talk: Talk) -> AsyncIterator[str]:
    """A server that talks as told on each connection; gives its address."""

    async def answer(reader: Reader, writer: Writer) -> None:
        try:
            await talk(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@contextlib.asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """A real server for an application; gives its address."""
    config = uvicorn.Config(
        app, http="httptools", ws="none", lifespan="off", log_config=None, proxy_headers=False, port=0
    )
    config.load()
    # Without `serve`, which would take the signals and look only ten times a second whether it shall stop.
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        await server.shutdown()


@contextlib.asynccontextmanager
async def proxied(url_of_it: str, service: str = "order") -> AsyncIterator[str]:
    """The proxy in front of one service; gives its address. What is no service's, an echo answers."""
    async with new_session() as session:
        proxy = Proxy(Echo(), {service: url_of_it}, ServiceIdentity("gateway", ServiceKeys(SECRET)), lambda: session)
        async with serving(Door(proxy, Ids(SystemClock()))) as url:
            yield url


async def head_of(reader: Reader) -> tuple[str, list[tuple[str, str]]]:
    """The request line and the headers of a request."""
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = [line.partition(": ")[::2] for line in lines[1:] if line]
    return lines[0], [(name.lower(), value) for name, value in headers]


@contextlib.asynccontextmanager
async def asking(talk: Talk) -> AsyncIterator[tuple[str, aiohttp.ClientSession]]:
    """The proxy in front of an order service that talks as told, and a client that reads answers as they come."""
    async with upstream(talk) as order, proxied(order) as url, client_session() as client:
        yield url, client


def client_session() -> aiohttp.ClientSession:
    """A client that unpacks nothing."""
    return aiohttp.ClientSession(auto_decompress=False, trust_env=False)

"""Three ways to reach a service: in process, over HTTP, and over HTTP with every call sent twice.

What is idempotent does not show a difference; what is not, fails in the third.
"""

import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import uvicorn
from litestar import Litestar

from kassa.app.transport import HttpTransport, new_session
from kassa.kit.service_keys import ServiceIdentity, ServiceKeys
from kassa.kit.web import EXCEPTION_HANDLERS, internal_router
from kassa.kit.wire import Transport, connect

SECRET = "the secret that all services share"

IN_PROCESS, OVER_HTTP, TWICE = "in process", "over HTTP", "over HTTP, each call twice"
WAYS = (IN_PROCESS, OVER_HTTP, TWICE)


class Twice:
    """Sends every call twice, as a network or a caller in doubt may, and gives the second answer."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def call(self, verb: str, path: str, query: dict[str, list[str]], body: bytes | None) -> tuple[int, bytes]:
        await self._transport.call(verb, path, query, body)
        return await self._transport.call(verb, path, query, body)


class Reach:
    """Brings services within reach of their callers, in one of the ways."""

    def __init__(self, way: str, closing: contextlib.AsyncExitStack) -> None:
        self.way = way
        self._closing = closing
        self._urls: dict[str, str] = {}

    async def __call__(self, contract: Any, callee: str, service: object, caller: str) -> Any:
        """Something that satisfies the contract and ends up at `service`."""
        if self.way == IN_PROCESS:
            return service
        if callee not in self._urls:
            self._urls[callee] = await self._closing.enter_async_context(serving(contract, callee, service))
        session = await self._closing.enter_async_context(new_session())
        http = HttpTransport(callee, self._urls[callee], ServiceIdentity(caller, ServiceKeys(SECRET)), lambda: session)
        return connect(contract, Twice(http) if self.way == TWICE else http)


@contextlib.asynccontextmanager
async def serving(contract: Any, callee: str, service: object) -> AsyncIterator[str]:
    """A real server for the contract's endpoints between services; gives its address."""
    router = internal_router(contract, service, ServiceIdentity(callee, ServiceKeys(SECRET)))
    app: Any = Litestar([router], exception_handlers=EXCEPTION_HANDLERS)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http="httptools", ws="none", lifespan="off", log_config=None)
    config.load()
    # Without `serve`, which would take the signals and look only ten times a second whether it shall stop.
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup([listener])
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        await server.shutdown([listener])


async def raw(url: str, verb: str, path: str, headers: dict[str, str], body: bytes | None) -> tuple[int, Any]:
    """One call by hand: status and document."""
    async with (
        aiohttp.ClientSession() as session,
        session.request(verb, url + path, data=body, headers=headers) as answer,
    ):
        return answer.status, await answer.json(content_type=None)

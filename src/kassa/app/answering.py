"""Answering HTTP on a socket that listens already."""

import asyncio
import contextlib
import functools
import gc
import socket
import ssl
from collections.abc import AsyncIterator, Collection, Iterator
from typing import Any, cast

import uvicorn

from kassa.app.connections import Bounds, Connections, TurnAway
from kassa.app.cycle import Cycle
from kassa.app.protocol import BoundedProtocol
from kassa.app.stopping import FINISH_SECONDS
from kassa.gateway.arrival import App, Receive, Scope, Send, send_problem
from kassa.kit import security
from kassa.kit.problem import Problem

# Longer than any client of ours keeps an idle connection.
KEEP_ALIVE_SECONDS = 75
# New objects that are not freed by themselves, until the collector looks at them. By default 700: fewer than a few
# requests under way have.
_GARBAGE = 10_000
# With every turn of the loop uvloop accepts one connection of a listener, however many wait: with turns of 5 ms that is
# 200 a second, and who finds the queue full tries again a second later. Each copy of the listener is one more.
_LISTENERS = 16


class Stopping(Problem):
    """The process ends before the request was read or answered. Whether it was carried out is unknown."""

    code, title, status = "stopping", "The shop is being restarted; try again", 503

    def __init__(self) -> None:
        super().__init__(retryAfter=5)


@contextlib.asynccontextmanager
async def answering(
    app: App,
    listener: socket.socket,
    bounds: Bounds,
    tls: ssl.SSLContext | None = None,
    turn_away: TurnAway | None = None,
) -> AsyncIterator["asyncio.Task[None]"]:
    """Answer requests within these bounds, but for those that are turned away; afterwards those in flight are finished
    first, or told to come again."""
    drain = _Drain(app)
    connections = Connections(bounds, turn_away) if turn_away else Connections(bounds)
    config = uvicorn.Config(
        drain,
        http=cast(Any, functools.partial(BoundedProtocol, connections)),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(FINISH_SECONDS) + 1,
        ssl_context_factory=None if tls is None else lambda *_: tls,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=several(listener)), name="server")
    watching = asyncio.create_task(connections.watch(), name="connections")
    await server.ready.wait()
    # What is there now stays: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GARBAGE)
    try:
        yield task
    finally:
        drain.begin(server.server_state.tasks)
        server.should_exit = True
        await task
        watching.cancel()
        security.EVENTS.tell(is_last=True)


def several(listener: socket.socket) -> list[socket.socket]:
    """The listener and copies of it, with one queue: so many connections are accepted at once."""
    return [listener, *(listener.dup() for _ in range(_LISTENERS - 1))]


class _Drain:
    """Passes requests on to `app`. Once the drain has begun, who is not answered in time is told to come again,
    for neither a client that sends slowly nor a handler that waits must hold up the end."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._late: set[asyncio.Task[Any]] = set()
        self._is_over = False

    def begin(self, under_way: Collection["asyncio.Task[Any]"]) -> None:
        """From now on there is a limit. `under_way` are the requests, at any moment."""
        asyncio.get_running_loop().call_later(FINISH_SECONDS, self._end, under_way)

    def _end(self, under_way: Collection["asyncio.Task[Any]"]) -> None:
        self._is_over = True
        self._late = set(under_way)
        for task in self._late:
            task.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if not self._is_over:
            try:
                await self._app(scope, receive, send)
            except asyncio.CancelledError:
                task = cast("asyncio.Task[Any]", asyncio.current_task())
                if task not in self._late:
                    raise
                task.uncancel()
            else:
                return
        cycle: Cycle = cast(Any, send).__self__
        if not cycle.response_started:
            # Else the server cuts the connection: half an answer must not look like a whole one.
            await send_problem(send, Stopping(), ((b"connection", b"close"),))


class _Server(uvicorn.Server):
    """Leaves the signals to us: after the last request there is more to be done. Says when it answers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        try:
            await super().startup(sockets)
        finally:
            self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures none."""
        yield

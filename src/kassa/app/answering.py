"""Answering HTTP on a socket that listens already."""

import asyncio
import contextlib
import gc
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn

from kassa.gateway.arrival import App

# Longer than any client of ours keeps an idle connection.
KEEP_ALIVE_SECONDS = 75
FINISH_SECONDS = 30


@contextlib.asynccontextmanager
async def answering(app: App, listener: socket.socket) -> AsyncIterator["asyncio.Task[None]"]:
    """Answer requests; afterwards those in flight are finished first."""
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=FINISH_SECONDS,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]), name="server")
    await server.ready.wait()
    # What is there now stays: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    try:
        yield task
    finally:
        server.should_exit = True
        await task


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

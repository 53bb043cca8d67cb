"""The sandbox with a server of its own, inside a running event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import Any, cast

import uvicorn

from kassa.sandbox.app import SandboxApp, create_app
from kassa.sandbox.config import SandboxConfig


class _EmbeddedServer(uvicorn.Server):
    """A server that leaves the process's signal handlers alone: they belong to whoever embeds it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.told_to_stop = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        """Tick once a second for the Date header, and stop at once when told."""
        ticks = 0
        while not await self.on_tick(ticks):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self.told_to_stop.wait()
            ticks += 10  # uvicorn counts tenths of a second

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening; uvicorn's pause for open connections is left out where there is none."""
        await asyncio.sleep(0)
        if self.server_state.connections:
            await super().shutdown(sockets)
            return
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()


class Sandbox:
    """A stand-in for Stripe on a port of its own. `http` makes uvicorn's protocol of each connection, if it is to be
    another than uvicorn's own.

    `url` is the address for `StripeClient(..., base_addresses={"api": url})`; empty while it does not run.
    """

    def __init__(self, config: SandboxConfig, http: Callable[..., asyncio.Protocol] | None = None) -> None:
        self.config = config
        self.url = ""
        self._http = http
        self._app: SandboxApp = create_app(config)
        self._server: _EmbeddedServer | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 12111) -> None:
        """Bind, open the database and serve; port 0 takes a free one. Raises `OSError` if the port is taken."""
        listener = _listen(host, port)
        try:
            address = "127.0.0.1" if host in ("0.0.0.0", "") else host  # noqa: S104 - compared, not bound
            url = f"http://{address}:{listener.getsockname()[1]}"
            await self._app.start(url)
        except BaseException:
            listener.close()
            raise
        settings = uvicorn.Config(
            self._app,
            http=cast(Any, self._http or "auto"),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=5,
            server_header=False,
        )
        self._server = _EmbeddedServer(settings)
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]), name="sandbox-server")
        while not self._server.started:
            if self._task.done():
                await self._task
                raise OSError("the sandbox's server stopped before it began")
            await asyncio.sleep(0.005)
        self.url = url

    async def stop(self) -> None:
        """Finish running calls, then stop. Deliveries that are not done are taken up at the next start."""
        if self._server is None or self._task is None:
            return
        self._server.should_exit = True
        self._server.told_to_stop.set()
        await self._task
        await self._app.stop()
        self._server = self._task = None
        self.url = ""


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named, for asyncio turns off Nagle's delay (40 ms for each answer) only where it is.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener

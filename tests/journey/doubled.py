"""The six processes, with a network between them that carries every call twice and gives the second answer."""

import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from secrets import token_hex
from typing import Any

import aiohttp
from aiohttp import web

from kassa.app.settings import SERVICES
from tests.journey.running import RunningShop, free_port, until

_NOT_SENT_ON = {"host", "content-length", "transfer-encoding", "connection"}


class DoubledShop(RunningShop):
    """Six processes of `kassa serve`, on SQLite, that reach each other only through `Doubling`."""

    def __init__(self, data: Path, **settings: str) -> None:
        super().__init__(data, **settings, JWT_SECRET=token_hex(32), INTERNAL_SECRET=token_hex(32))
        self._ports = {service: free_port() for service in SERVICES}
        self._others: list[asyncio.subprocess.Process] = []
        self._network = AsyncExitStack()
        self.doubled = 0

    async def start(self, *options: str) -> None:
        """Start the network, then all processes, and wait until the gateway finds everybody."""
        session = await self._network.enter_async_context(aiohttp.ClientSession(auto_decompress=False))
        for service, port in self._ports.items():
            self._settings[f"{service.upper()}_SERVICE_URL"] = await self._double(session, port)
        with (self.data.parent / f"{self.data.name}.log").open("ab") as log:
            for name, port in {**self._ports, "gateway": self.port}.items():
                command = (sys.executable, "-m", "kassa.cli.main", "serve", name, "--port", str(port))
                started = await asyncio.create_subprocess_exec(
                    *command, "--host", "127.0.0.1", env=self.environment(), stdout=log, stderr=log
                )
                self._others.append(started)
        self._process = self._others.pop()
        await until(self._is_ready, "the six processes to be ready")

    async def stop(self) -> int:
        """Stop all; the worst exit status."""
        statuses = [await super().stop()]
        for process in self._others:
            process.terminate()
        statuses += [await process.wait() for process in self._others]
        self._others.clear()
        await self._network.aclose()
        return max(statuses)

    async def _double(self, session: aiohttp.ClientSession, port: int) -> str:
        async def carry(request: web.Request) -> web.Response:
            return await self._carry(session, port, request)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", carry)
        runner = web.AppRunner(app, shutdown_timeout=1, auto_decompress=False)
        await runner.setup()
        self._network.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    async def _carry(self, session: aiohttp.ClientSession, port: int, request: web.Request) -> web.Response:
        body = await request.read()
        caller = request.headers.get("x-internal-service", "")
        # What the gateway passes on is a buyer's own call, which it is not the network's to repeat.
        is_between_services = caller not in ("", "gateway-service")
        if is_between_services:
            self.doubled += 1
            await self._send(session, port, request, body)
        return await self._send(session, port, request, body)

    async def _send(self, session: aiohttp.ClientSession, port: int, request: web.Request, body: bytes) -> web.Response:
        kept: Any = [(name, value) for name, value in request.headers.items() if name.lower() not in _NOT_SENT_ON]
        url = f"http://127.0.0.1:{port}{request.raw_path}"
        asking = session.request(request.method, url, headers=kept, data=body or None, allow_redirects=False)
        try:
            async with asking as answer:
                headers = [(each, value) for each, value in answer.headers.items() if each.lower() not in _NOT_SENT_ON]
                return web.Response(status=answer.status, headers=headers, body=await answer.read())
        except aiohttp.ClientError:
            return web.Response(status=503)

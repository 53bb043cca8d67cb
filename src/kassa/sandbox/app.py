"""The sandbox as an ASGI application, and what runs beside it: timers and deliveries."""

from __future__ import annotations

import asyncio
import contextlib

import apsw

from kassa.sandbox import endpoints, idempotency
from kassa.sandbox.api import Api, error_answer
from kassa.sandbox.checkout import Checkout
from kassa.sandbox.config import END_OF_TIME, Clock, SandboxConfig
from kassa.sandbox.control import Control
from kassa.sandbox.control_page import ControlPage, moment, span
from kassa.sandbox.delivery import Deliveries
from kassa.sandbox.errors import ApiError, unreachable
from kassa.sandbox.faults import Faults
from kassa.sandbox.guard import check_caller
from kassa.sandbox.http import (
    Answer,
    BodyTooLarge,
    ConnectionCut,
    Receive,
    Request,
    Scope,
    Send,
    read_request,
    send_answer,
)
from kassa.sandbox.interference import Interference
from kassa.sandbox.page import CardPage
from kassa.sandbox.rendering import Rendering, redirect
from kassa.sandbox.store import Store
from kassa.sandbox.timers import Timers


class SandboxApp:
    """The application. It must be started on the event loop that serves it: by `start()` or by ASGI's lifespan."""

    def __init__(self, config: SandboxConfig) -> None:
        self.config = config
        self._parts: _Parts | None = None
        self._public_url = config.public_url.rstrip("/")

    async def start(self, public_url: str = "") -> None:
        """Open the database and go on with what was left. `public_url` is used where the configuration names none."""
        self._public_url = self._public_url or public_url
        self._parts = _Parts(self.config, self._public_url)
        await self._parts.start()

    async def stop(self) -> None:
        """Stop delivering, finish the writes and close the database. What is undelivered waits for the next start."""
        parts, self._parts = self._parts, None
        if parts is not None:
            await parts.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        try:
            answer = await self._answer(await read_request(scope, receive))
        except BodyTooLarge:
            answer = error_answer(ApiError("The body is over 1 MiB.", status=413))
        with contextlib.suppress(ConnectionCut):
            await send_answer(answer, send)

    async def _answer(self, request: Request) -> Answer:
        if self._parts is None:
            return error_answer(ApiError("The sandbox is not running.", status=503, type="api_error"))
        try:
            check_caller(request, self.config.hosts)
        except ApiError as problem:
            return error_answer(problem)
        if request.path.startswith(("/v1/", "/v2/")):
            return await self._parts.api.answer(request)
        try:
            if request.path.startswith("/c/"):
                return await self._parts.answer_page(request)
            if request.path.rstrip("/") == "/sandbox" or request.path.startswith("/sandbox/form/"):
                return await self._parts.control_page.answer(request)
            if request.path.startswith("/sandbox/"):
                return await self._parts.control.answer(request)
        except ApiError as problem:
            return error_answer(problem)
        except apsw.Error:
            return error_answer(unreachable())
        if request.path == "/" and "text/html" in request.headers.get("accept", ""):
            return redirect("/sandbox")
        if request.path in ("/", "/health"):
            return Answer(200, b'{"status":"ok","service":"stripe-sandbox"}')
        return error_answer(ApiError(f"Unrecognized request URL ({request.method}: {request.path}).", status=404))

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self.start()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return


class _Parts:
    """Everything that lives between a start and a stop."""

    def __init__(self, config: SandboxConfig, public_url: str) -> None:
        self._config = config
        self.clock = Clock(config.wall_clock)
        self.store = Store(config.database, self.clock, config.lock_patience)
        offset = float(self.store.reader.setting("clock_offset") or 0.0)
        # Former releases moved it as far as they were told, where nothing has a date: such a time starts anew.
        self.clock.offset = offset if self.clock.now() + offset < END_OF_TIME else 0.0
        self.faults = Faults()
        self.deliveries = Deliveries(self.store, config)
        self.timers = Timers(self.store)
        self.checkout = Checkout(self.store, config.later, config.bank_delay)
        self.interference = Interference(self.store, self.checkout, self.deliveries)
        self.api = Api(self.store, config, self.faults, self.timers, self.interference)
        self.api.public_url = public_url
        rendering = Rendering(moment=moment, span=span)
        self.page = CardPage(self.store, self.checkout, self.deliveries, rendering, config.redirect_hold)
        self.control = Control(
            self.store, self.checkout, self.faults, self.api.limits, self.deliveries, self.timers, config.later
        )
        self.control_page = ControlPage(self.store, self.control, self.deliveries, rendering)
        self.store.on_commit = self._on_commit

    async def answer_page(self, request: Request) -> Answer:
        """Answer a call of the card page, late or after what somebody else does meanwhile, if that was ordered."""
        fault = self.faults.take(request.method, request.path)
        if fault is not None:
            await asyncio.sleep(fault.seconds)
            await self.interference.meanwhile(fault, request.path.split("/")[3])
        return await self.page.answer(request)

    async def start(self) -> None:
        await self.store.write(lambda tx: endpoints.apply_configuration(tx, self._config.webhooks))
        await self.store.write(idempotency.forget_old)
        await self.deliveries.start()
        self.timers.start()

    async def stop(self) -> None:
        await self.timers.stop()
        await self.deliveries.stop()
        await self.store.close()

    def _on_commit(self, touched: set[str]) -> None:
        if "event" in touched:
            self.deliveries.wake()
        if "timer" in touched:
            self.timers.wake()


def create_app(config: SandboxConfig) -> SandboxApp:
    """The sandbox as an ASGI application; nothing is opened before it is started."""
    return SandboxApp(config)

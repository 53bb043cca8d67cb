"""Running a process of the shop: from the lock on its data to its last write."""

import asyncio
import contextlib
import errno
import gc
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog
import uvicorn
import uvloop

from kassa.app.files import DataInUse, Lock, bound
from kassa.app.logs import configure_logs
from kassa.app.settings import DEFAULT_PORTS, Settings
from kassa.app.shop import Place, Shop
from kassa.app.web import CALLS, public_app, service_app
from kassa.app.wiring import all_here, open_shop
from kassa.app.worker import Worker
from kassa.gateway.arrival import App

# Longer than any client of ours keeps an idle connection.
KEEP_ALIVE_SECONDS = 75
FINISH_SECONDS = 30
SAME_SIGNAL_SECONDS = 1.0

log = structlog.get_logger()
Prepare = Callable[[Shop], Awaitable[None]]
Announce = Callable[[Shop, str], None]


class StartRefused(Exception):
    """The process cannot start; the text is one line that says why and what to do."""


@dataclass(frozen=True)
class Address:
    """Where the process listens, and where others find it."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """For programs on the same machine."""
        shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104 - compared, not bound
        return f"http://{f'[{shown}]' if ':' in shown and not shown.startswith('[') else shown}:{self.port}"

    @property
    def for_people(self) -> str:
        """For browsers: the name that people type, so that they keep their cookies on the way back from paying."""
        return self.url.replace("//127.0.0.1:", "//localhost:")


def up(settings: Settings, host: str, port: int | None, prepare: Prepare, announce: Announce) -> None:
    """Everything in one process, until it is told to stop. StartRefused, SettingError."""
    here = all_here(settings)
    if len(here) < len(CALLS):
        settings.require_services_form()
    address = Address(host, port or settings.port or DEFAULT_PORTS["gateway"])
    place = Place(
        here,
        "kassa",
        host,
        frontend_url=address.for_people,
        webhook_url=f"{address.url}/payments/webhook",
    )
    _run(settings, place, address, public_app, prepare, announce)


def serve(settings: Settings, service: str, host: str, port: int | None, announce: Announce) -> None:
    """One service alone, or the gateway, until it is told to stop. StartRefused, SettingError."""
    address = Address(host, port or settings.port or DEFAULT_PORTS[service])

    async def nothing(_: Shop) -> None:
        """A service begins with what is there."""

    if service == "gateway":
        settings.require_services_form(*CALLS)
        _run(settings, Place({}, service, host), address, public_app, nothing, announce)
        return
    settings.require_services_form(*CALLS[service])
    place = Place({service: service}, service, host, webhook_url=f"{address.url}/webhook")
    _run(settings, place, address, lambda shop: service_app(shop, service), nothing, announce)


def _run(
    settings: Settings,
    place: Place,
    address: Address,
    app_of: Callable[[Shop], App],
    prepare: Prepare,
    announce: Announce,
) -> None:
    configure_logs(settings.log_level, settings.log_format)
    with _owned(settings.data, place), _listening(address) as listener:
        uvloop.run(_serve(settings, place, address, listener, app_of, prepare, announce))


@contextlib.contextmanager
def _owned(data: Path, place: Place) -> Iterator[None]:
    if not place.here:
        yield  # the gateway has no data
        return
    name = "lock" if place.name == "kassa" else f"{place.name}.lock"
    try:
        lock = Lock(data / name)
    except DataInUse as error:
        raise StartRefused(str(error)) from None
    except OSError as error:
        raise StartRefused(f"the data directory {data} cannot be used: {error.strerror}") from None
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _listening(address: Address) -> Iterator[socket.socket]:
    try:
        listener = bound(address.host, address.port)
    except OSError as error:
        reason = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        raise StartRefused(f"port {address.port} {reason}; choose another one with --port or PORT") from None
    try:
        yield listener
    finally:
        listener.close()


async def _serve(
    settings: Settings,
    place: Place,
    address: Address,
    listener: socket.socket,
    app_of: Callable[[Shop], App],
    prepare: Prepare,
    announce: Announce,
) -> None:
    stopping = _stop_signal()
    async with open_shop(settings, place) as shop:
        await prepare(shop)
        worker = Worker(list(shop.outboxes.values()), shop.jobs, shop.ids)
        async with _answering(app_of(shop), listener) as server:
            worker.start()
            warming = _warm_up(shop)
            announce(shop, address.for_people)
            await asyncio.wait({server, asyncio.ensure_future(stopping.wait())}, return_when=asyncio.FIRST_COMPLETED)
            log.info("stopping")
        await worker.stop()
        await warming
    log.info("stopped")


@contextlib.asynccontextmanager
async def _answering(app: App, listener: socket.socket) -> AsyncIterator["asyncio.Task[None]"]:
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


def _stop_signal() -> asyncio.Event:
    """Set by the first SIGTERM or Ctrl-C; another one ends the process at once. Nothing stored is lost by that.

    Make, shells and supervisors may pass one signal on twice: what comes within a second is the same one.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    first_at = 0.0

    def stop() -> None:
        nonlocal first_at
        if not stopping.is_set():
            first_at = loop.time()
            stopping.set()
        elif loop.time() - first_at > SAME_SIGNAL_SECONDS:
            os._exit(1)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    return stopping


def _warm_up(shop: Shop) -> "asyncio.Task[None]":
    """Import what the first buyer would wait for."""

    async def warm() -> None:
        with contextlib.suppress(Exception):  # an order will say what is wrong, if anything is
            if shop.warm_up is not None:
                await shop.warm_up()

    return asyncio.create_task(warm())

"""Running a process of the shop: from the lock on its data to its last write."""

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import structlog

from kassa.app import several
from kassa.app.address import Address
from kassa.app.answering import answering
from kassa.app.connections import INNER, Bounds, public_bounds
from kassa.app.files import DataInUse, Lock, bound
from kassa.app.logs import configure_logs
from kassa.app.sandboxing import last_sandbox_url, sandbox_running, sandbox_usable
from kassa.app.secrets import secret_texts
from kassa.app.settings import DEFAULT_PORTS, SettingError, Settings
from kassa.app.shop import Place, Shop
from kassa.app.stopping import run_and_exit, stop_signal
from kassa.app.stores import missing_files
from kassa.app.supervisor import Role, Ties
from kassa.app.tls import answering_with, trusting
from kassa.app.web import CALLS, calls, figures_app, public_app, service_app
from kassa.app.wiring import all_here, open_shop
from kassa.app.worker import Worker
from kassa.gateway.arrival import App
from kassa.kit.problem import Unavailable

ASK_AGAIN_SECONDS = 1.0
_HOW = "--port or PORT; with make: make up ARGS='--port 4000'"

log = structlog.get_logger()
Prepare = Callable[[Shop], Awaitable[None]]
Announce = Callable[[str, str | None], None]
"""Told where the process answers, and where the sandbox is, if it stands in for Stripe."""


class StartRefused(Exception):
    """The process cannot start; the text is one line that says why and what to do."""


@dataclass(frozen=True)
class Server:
    """A process of the shop: what it consists of, where it is, and what it answers."""

    settings: Settings
    place: Place
    address: Address
    app_of: Callable[[Shop], App]
    tls: ssl.SSLContext | None = None

    @property
    def sandbox_url(self) -> str | None:
        """Where the sandbox is; None if there is a key for Stripe, or no payment is made here."""
        is_used = self.settings.has_sandbox and "payment" in self.place.here
        return last_sandbox_url(self.settings.data) if is_used else None

    def run(self, listener: socket.socket, ready: Callable[[], None], life: int | None = None) -> None:
        """Answer until told to stop. `ready` is called when it does; `life` is a pipe whose end is the end of this."""
        run_and_exit(self._serve(listener, ready, life))

    @property
    def _bounds(self) -> Bounds:
        return public_bounds(self.settings) if self.app_of is public_app else INNER

    async def prepare(self, prepare: Prepare | None) -> None:
        """Make the collections, and do what is to be done before anybody is answered."""
        place = replace(self.place, serves=False, brings_sandbox=False)
        async with open_shop(self.settings, place) as shop:
            if prepare is not None:
                await prepare(shop)

    async def wait_for_stores(self) -> bool:
        """Return when MongoDB and Redis answer; False if this is told to stop meanwhile."""
        stopping = stop_signal()
        while not stopping.is_set():
            try:
                await self.prepare(None)
            except Unavailable as error:
                log.warning("waiting for a store", problem=error.detail)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), ASK_AGAIN_SECONDS)
            else:
                return True
        return False

    def run_sandbox(self, ties: Ties) -> None:
        """Run the sandbox alone, for several processes."""
        run_and_exit(self._bring_sandbox(ties.ready, ties.life))

    async def _bring_sandbox(self, ready: Callable[[], None], life: int) -> None:
        stopping = stop_signal(life)
        async with sandbox_running(self.settings, self.place.sandbox_host, self.place.webhook_url):
            ready()
            await stopping.wait()

    async def _serve(self, listener: socket.socket, ready: Callable[[], None], life: int | None) -> None:
        stopping = stop_signal(life)
        async with open_shop(self.settings, self.place) as shop:
            if shop.is_alone:
                await shop.take_over()
            worker = Worker(shop.relays, shop.jobs, shop.ids, shop.turns)
            app = self.app_of(shop)
            serving = answering(app, listener, self._bounds, self.tls, shop.turn_away)
            async with self._figures(shop), serving as server:
                worker.start()
                warming = _warm_up(shop)
                ready()
                ends = {server, asyncio.ensure_future(stopping.wait())}
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                log.info("stopping")
                if shop.streams is not None:
                    shop.streams.end()
            await worker.stop()
            await warming
        log.info("stopped")

    @contextlib.asynccontextmanager
    async def _figures(self, shop: Shop) -> AsyncIterator[None]:
        """Tell them meanwhile, if the public port is this process's, and they have a port of their own."""
        port = self.settings.metrics_port
        if port is None or self.app_of is not public_app:
            yield
            return
        address = Address(self.address.host, port, self.address.scheme)
        with _listening(address, how="METRICS_PORT") as (listener,):
            async with answering(figures_app(shop), listener, INNER, self.tls):
                yield


def up(
    settings: Settings,
    host: str,
    port: int | None,
    prepare: Prepare | None,
    announce: Announce,
    *,
    workers: int = 1,
    split: bool = False,
    sandbox_host: str,
) -> None:
    """Everything in one process; in `workers` that do the same; or, `split`, in one a service and one of the gateway.
    `prepare` is done first, once. Ends when told to stop. StartRefused, SettingError."""
    here = all_here(settings)
    settings.require_key(here, host)
    _check_form(settings, here, workers=workers, split=split)
    address = Address(host, port or settings.port or DEFAULT_PORTS["gateway"])
    place = Place(
        here,
        sandbox_host=sandbox_host,
        frontend_url=address.for_people,
        webhook_url=f"{address.url}/payments/webhook",
    )
    configure_logs(settings.log_level, settings.log_format, secret_texts(settings))
    with _owned(settings, place), _listening(address, workers) as listeners:
        is_one = workers == 1 and not split
        server = Server(settings, replace(place, brings_sandbox=is_one), address, public_app)
        if not is_one:
            roles = _split(server, listeners[0]) if split else several.workers(server.run, listeners)
            several.run(
                roles,
                lambda: asyncio.run(server.prepare(prepare)),
                lambda: announce(address.for_people, server.sandbox_url),
                server.run_sandbox if settings.has_sandbox else None,
                several.in_common(settings, are_alike=not split),
            )
        if prepare is not None:
            asyncio.run(server.prepare(prepare))
        server.run(listeners[0], lambda: announce(address.for_people, server.sandbox_url))


def serve(
    settings: Settings, service: str, host: str, port: int | None, announce: Announce, *, sandbox_host: str
) -> None:
    """One service alone, or the gateway, until it is told to stop. StartRefused, SettingError."""
    tls = answering_with(settings)
    trusting(settings)  # So that what is wrong with it is told now.
    address = Address(host, port or settings.port or DEFAULT_PORTS[service], "http" if tls is None else "https")
    if service == "gateway":
        settings.require_services_form(("gateway",), *CALLS)
        server = Server(settings, Place({}, service), address, public_app, tls)
    else:
        # Auth asks the orders for a customer's data alone: who upgrades is not kept from starting for that.
        settings.require_services_form((service,), *(calls(service, settings) if service != "auth" else ()))
        settings.require_key((service,), host)
        place = Place({service: service}, service, sandbox_host, webhook_url=f"{address.url}/webhook")
        server = Server(settings, place, address, lambda shop: service_app(shop, service), tls)
    configure_logs(settings.log_level, settings.log_format, secret_texts(settings))
    with _owned(settings, server.place):
        # Before it listens: whoever calls is refused at once, and does not wait along.
        if settings.mongo_uri is not None and server.place.here and not asyncio.run(server.wait_for_stores()):
            return
        with _listening(address) as (listener,):
            server.run(listener, lambda: announce(address.for_people, server.sandbox_url))


def _split(server: Server, public: socket.socket) -> list[Role]:
    def run_of(settings: Settings, place: Place, app_of: several.AppOf) -> several.Run:
        return replace(server, settings=settings, place=place, app_of=app_of).run

    return several.split(server.settings, server.place, run_of, public)


def _check_form(settings: Settings, here: Mapping[str, str], *, workers: int, split: bool) -> None:
    if settings.tls.certificate is not None:
        raise SettingError("TLS_CERTIFICATE", "is for `kassa serve`; put a reverse proxy before `kassa up`")
    if len(here) < len(CALLS):
        if split:
            name = f"{next(iter(settings.service_urls)).upper()}_SERVICE_URL"
            raise SettingError(name, "must not be set with --split, which runs all services itself")
        settings.require_services_form((*here, "gateway"))
        _check_callers(settings, here)
    if workers > 1 and split:
        raise StartRefused("choose --workers or --split")
    if workers > 1 and settings.metrics_port is not None:
        raise SettingError("METRICS_PORT", "is the port of one process, and cannot be that of several workers")
    if workers > 1 and not settings.shares_stores(here):
        missing = "MONGO_URI" if settings.mongo_uri is None else "REDIS_URL"
        raise SettingError(missing, "must be set for more than one worker: SQLite is for one process")


def _check_callers(settings: Settings, here: Mapping[str, str]) -> None:
    """What is in this process can be called from within it alone; the keys of auth are for everybody."""
    for caller in settings.service_urls:
        for callee in calls(caller, settings):
            if callee in here and callee != "auth":
                text = f"must be set too: the {caller} service, which runs elsewhere, calls {callee}"
                raise SettingError(f"{callee.upper()}_SERVICE_URL", text)


@contextlib.contextmanager
def _owned(settings: Settings, place: Place) -> Iterator[None]:
    """Another server on the data directory is refused, unless the stores are shared."""
    if not place.here:
        yield  # the gateway has no data
        return
    _check_files(settings, place)
    name = "lock" if place.name == "kassa" else f"{place.name}.lock"
    try:
        lock = Lock(settings.data / name)
    except DataInUse as error:
        if not settings.shares_stores(place.here):
            raise StartRefused(str(error)) from None
        lock = None
    try:
        yield
    finally:
        if lock is not None:
            lock.release()


def _check_files(settings: Settings, place: Place) -> None:
    """What is no shop's is refused before anything is put beside it."""
    missing_files(settings, place.files)
    if settings.has_sandbox and "payment" in place.here:
        with sandbox_usable(settings.data):
            pass


@contextlib.contextmanager
def _listening(address: Address, sockets: int = 1, how: str = _HOW) -> Iterator[list[socket.socket]]:
    try:
        listeners = bound(address.host, address.port, sockets)
    except OSError as error:
        reason = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        raise StartRefused(f"port {address.port} {reason}; choose another one with {how}") from None
    try:
        yield listeners
    finally:
        for listener in listeners:
            listener.close()


def _warm_up(shop: Shop) -> "asyncio.Task[None]":
    """Import what the first buyer would wait for."""

    async def warm() -> None:
        with contextlib.suppress(Exception):  # an order will say what is wrong, if anything is
            if shop.warm_up is not None:
                await shop.warm_up()

    return asyncio.create_task(warm())

"""The whole shop in several processes on one machine: all alike, or one for each service."""

import gc
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import NoReturn

from kassa.app.files import bound
from kassa.app.settings import DEFAULT_PORTS, SERVICES, Settings
from kassa.app.shop import Place, Shop
from kassa.app.supervisor import Role, Supervisor, Ties
from kassa.app.web import public_app, service_app
from kassa.gateway.arrival import App

AppOf = Callable[[Shop], App]
Run = Callable[[socket.socket, Callable[[], None], int], None]
"""Answers at a socket, says when it does, and ends when it is told to or when the pipe ends."""


def run(
    roles: Sequence[Role],
    prepare: Callable[[], None],
    announce: Callable[[], None],
    bring_sandbox: Callable[[Ties], None] | None,
    shared: Sequence[str],
) -> NoReturn:
    """Run the roles, with what they need before them, until told to stop. `shared` are the modules that they have in
    common: what is imported before the processes part is in memory once for all."""
    for name in shared:
        import_module(name)
    gc.collect()
    gc.freeze()  # The collector writes to what it looks at, and what is written to is a copy of one's own.
    supervisor = Supervisor()
    if bring_sandbox is not None:
        supervisor.start([Role("sandbox", bring_sandbox)])
    supervisor.once(Role("preparation", lambda _: prepare()))
    supervisor.start(roles)
    announce()
    supervisor.watch()


def in_common(settings: Settings, *, are_alike: bool) -> list[str]:
    """What all processes import, or most of them; what one alone needs is imported there."""
    names = ["kassa.app.metrics"]
    if settings.mongo_uri is not None:
        names.append("kassa.storage.documents_mongo")
    if are_alike:
        names.append("kassa.payment.processor_http")
        names += ["kassa.inventory.stock_redis"] * (settings.redis_url is not None)
    return names


def workers(run: Run, listeners: Sequence[socket.socket]) -> list[Role]:
    """Processes that do the same, each with a socket of its own on the same port."""
    return _roles({f"worker {number}": (run, listener) for number, listener in enumerate(listeners, 1)})


def split(
    settings: Settings, place: Place, run_of: Callable[[Settings, Place, AppOf], Run], public: socket.socket
) -> list[Role]:
    """A process for each service, on a port of its own on this machine only, and one for the gateway before them."""
    listeners = {service: _anywhere(DEFAULT_PORTS[service]) for service in SERVICES}
    urls = {service: f"http://127.0.0.1:{listener.getsockname()[1]}" for service, listener in listeners.items()}
    settings = replace(settings, service_urls=urls)
    processes = {"gateway": (run_of(settings, replace(place, files={}, name="gateway"), public_app), public)}
    for service, listener in listeners.items():
        # The file that the one process has: SQLite lets several processes on a machine share it.
        own = replace(place, files={service: place.files[service]}, name=service)
        processes[service] = (run_of(settings, own, _app_of(service)), listener)
    return _roles(processes)


def _roles(processes: Mapping[str, tuple[Run, socket.socket]]) -> list[Role]:
    def role(name: str) -> Role:
        def run_it(ties: Ties) -> None:
            for other, (_, listener) in processes.items():
                if other != name:
                    listener.close()  # The supervisor keeps it for whoever comes in that one's place.
            run, listener = processes[name]
            run(listener, ties.ready, ties.life)

        return Role(name, run_it)

    return [role(name) for name in processes]


def _app_of(service: str) -> AppOf:
    return lambda shop: service_app(shop, service)


def _anywhere(port: int) -> socket.socket:
    """A socket on this port if it is free, else on one that is."""
    try:
        return bound("127.0.0.1", port)[0]
    except OSError:
        return bound("127.0.0.1", 0)[0]

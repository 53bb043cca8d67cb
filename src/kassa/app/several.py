"""The whole shop in several processes on one machine: all alike, or one for each service."""

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

import uvloop

from kassa.app.files import bound
from kassa.app.settings import DEFAULT_PORTS, SERVICES
from kassa.app.supervisor import Role, Supervisor, Ties
from kassa.app.web import public_app, service_app

if TYPE_CHECKING:
    from kassa.app.server import Announce, Prepare, Server
    from kassa.app.shop import Shop
    from kassa.gateway.arrival import App


def run(
    server: "Server",
    roles: Sequence[Role],
    prepare: "Prepare | None",
    announce: "Announce",
    *,
    with_sandbox: bool,
) -> NoReturn:
    """Run the roles, with what they need before them, until told to stop."""
    supervisor = Supervisor()
    if with_sandbox:
        supervisor.start([Role("sandbox", lambda ties: uvloop.run(server.bring_sandbox(ties.ready, ties.life)))])
    supervisor.once(Role("preparation", lambda _: asyncio.run(server.prepare(prepare))))
    supervisor.start(roles)
    announce(server.address.for_people, server.sandbox_url)
    supervisor.watch()


def workers(server: "Server", listeners: Sequence[socket.socket]) -> list[Role]:
    """Processes that do the same, each with a socket of its own on the same port."""
    return _roles({f"worker {number}": (server, listener) for number, listener in enumerate(listeners, 1)})


def split(server: "Server", public: socket.socket) -> list[Role]:
    """A process for each service, on a port of its own on this machine only, and one for the gateway before them."""
    listeners = {service: _anywhere(DEFAULT_PORTS[service]) for service in SERVICES}
    urls = {service: f"http://127.0.0.1:{listener.getsockname()[1]}" for service, listener in listeners.items()}
    settings = replace(server.settings, service_urls=urls)
    gateway = replace(server, settings=settings, place=replace(server.place, files={}, name="gateway"))
    processes = {"gateway": (replace(gateway, app_of=public_app), public)}
    for service, listener in listeners.items():
        # The file that the one process has: SQLite lets several processes on a machine share it.
        place = replace(server.place, files={service: server.place.files[service]}, name=service)
        one = replace(server, settings=settings, place=place, app_of=_app_of(service))
        processes[service] = (one, listener)
    return _roles(processes)


def _roles(processes: "Mapping[str, tuple[Server, socket.socket]]") -> list[Role]:
    def role(name: str) -> Role:
        def run_it(ties: Ties) -> None:
            for other, (_, listener) in processes.items():
                if other != name:
                    listener.close()  # The supervisor keeps it for whoever comes in that one's place.
            server, listener = processes[name]
            server.run(listener, ties.ready, ties.life)

        return Role(name, run_it)

    return [role(name) for name in processes]


def _app_of(service: str) -> "Callable[[Shop], App]":
    return lambda shop: service_app(shop, service)


def _anywhere(port: int) -> socket.socket:
    """A socket on this port if it is free, else on one that is."""
    try:
        return bound("127.0.0.1", port)[0]
    except OSError:
        return bound("127.0.0.1", 0)[0]

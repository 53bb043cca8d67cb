"""How the shop's services are doing, for staff: the same that each of them tells whatever watches over it."""

from typing import Any, Protocol

import msgspec
from litestar import Request, Response, get

from kassa.kit.web import JsonResponse, principal_of

PATH = "/system"


class NeedOut(msgspec.Struct, frozen=True, rename="camel"):
    """Something that a service needs: the `database`, the `stock`, `stripe`, or another service; and what is wrong."""

    name: str
    is_ok: bool
    trouble: str


class ServiceOut(msgspec.Struct, frozen=True, rename="camel"):
    """A service, or the one process of all; without a `version` it did not answer."""

    name: str
    is_ready: bool
    version: str
    checks: list[NeedOut]


class SystemOut(msgspec.Struct, frozen=True):
    """All services, as seen from the gateway, and its own version."""

    version: str
    services: list[ServiceOut]


class System(Protocol):
    """Knows it."""

    async def told(self) -> SystemOut:
        """How all services are doing."""


@get(PATH, tags=["system"])
async def system(request: Request[Any, Any, Any]) -> Response[SystemOut]:
    """Whether each service and what it needs does what it must."""
    await principal_of(request)
    known: System = request.app.state["system"]
    return JsonResponse(await known.told(), media_type="application/json")


HANDLERS = (system,)

"""The door of a service that runs alone: it believes what the gateway says of the client, if the gateway signed it."""

import time

from kassa.gateway.arrival import App, Arrival, Door, Receive, Scope, Send
from kassa.gateway.shedding import Overloaded
from kassa.kit import security
from kassa.kit.ids import Ids
from kassa.kit.patience import deadline
from kassa.kit.problem import Forbidden
from kassa.kit.service_keys import ServiceIdentity

GATEWAY = "gateway"
MOST_AT_ONCE = 2_000
_ALWAYS = ("/health", "/ready", "/metrics")


class InnerDoor(Door):
    """Lets the gateway's and the other services' requests in. `identity` is that of the service behind it.

    More than `MOST_AT_ONCE` are refused at once: to be told so is better than to wait for what comes too late.
    """

    def __init__(self, app: App, ids: Ids, identity: ServiceIdentity) -> None:
        super().__init__(app, ids)
        self._identity = identity
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        self._inside += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._inside -= 1

    async def _admit(self, scope: Scope, arrival: Arrival, send: Send) -> bool:
        if self._inside > MOST_AT_ONCE and scope["path"] not in _ALWAYS:
            raise Overloaded(retryAfter=1)
        if (left := arrival.headers.get(b"x-internal-deadline", b"")).isdigit():  # Of bytes: ASCII digits alone.
            deadline.set(time.monotonic() + int(left[:9]) / 1000)
        client = arrival.text(b"x-forwarded-for")
        if client and self._is_from_gateway(arrival):
            scope["client"] = (client, 0)
            security.is_told.set(True)  # The gateway tells what it was refused.
        security.source.set((scope["client"] or ("",))[0])
        return True

    def _is_from_gateway(self, arrival: Arrival) -> bool:
        caller = arrival.text(b"x-internal-service")
        if caller != f"{GATEWAY}-service":
            return False
        try:
            self._identity.check(caller, arrival.text(b"x-internal-token"), (GATEWAY,))
        except Forbidden:
            return False
        return True

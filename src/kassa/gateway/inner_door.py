"""The door of a service that runs alone: it believes what the gateway says of the client, if the gateway signed it."""

import time

from kassa.gateway.arrival import App, Arrival, Door, Scope, Send
from kassa.kit.identity import SERVICE_TOKEN_SECONDS, ServiceIdentity
from kassa.kit.ids import Ids
from kassa.kit.problem import Forbidden

GATEWAY = "gateway"
_REMEMBERED = 1_000


class InnerDoor(Door):
    """Lets the gateway's and the other services' requests in. `identity` is that of the service behind it."""

    def __init__(self, app: App, ids: Ids, identity: ServiceIdentity) -> None:
        super().__init__(app, ids)
        self._identity = identity
        self._checked: dict[str, float] = {}

    async def _admit(self, scope: Scope, arrival: Arrival, send: Send) -> bool:
        client = arrival.text(b"x-forwarded-for")
        if client and self._is_from_gateway(arrival):
            scope["client"] = (client, 0)
        return True

    def _is_from_gateway(self, arrival: Arrival) -> bool:
        caller = arrival.text(b"x-internal-service")
        if caller != f"{GATEWAY}-service":
            return False
        token, now = arrival.text(b"x-internal-token"), time.monotonic()
        if self._checked.get(token, 0.0) > now:
            return True
        try:
            self._identity.check(caller, token, (GATEWAY,))
        except Forbidden:
            return False
        if len(self._checked) >= _REMEMBERED:
            self._checked.clear()
        # One half of its life: the token says nothing of a client but that the gateway speaks.
        self._checked[token] = now + SERVICE_TOKEN_SECONDS / 2
        return True

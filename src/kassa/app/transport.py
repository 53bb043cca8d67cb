"""Calls to services that run elsewhere: HTTP with kept connections, signed, with a deadline."""

import ssl
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from kassa.kit.patience import passed_on, seconds_left
from kassa.kit.peer import Client, Limits, Origin, PeerError, written
from kassa.kit.problem import Unavailable
from kassa.kit.service_keys import ServiceIdentity
from kassa.kit.wire import request_id, trace_parent

DEADLINE_SECONDS = 10.0
CONNECT_SECONDS = 2.0
# Shorter than a service keeps an idle connection, so that none is used just as it is closed.
IDLE_SECONDS = 15.0
MOST_CONNECTIONS = 256
"""To one service."""


def new_session(trusted: ssl.SSLContext | bool = True) -> Client:
    """Connections to the other services, whose certificates must be `trusted`."""
    return Client(trusted, Limits(MOST_CONNECTIONS, IDLE_SECONDS, CONNECT_SECONDS))


def new_proxying_session(trusted: ssl.SSLContext | bool = True) -> Client:
    """The gateway's connections, on which it passes requests on."""
    from kassa.gateway import proxy  # Commands pass nothing on, and would wait for all that it imports.

    return proxy.new_session(trusted)


class HttpTransport:
    """Satisfies kit.wire.Transport: calls the service `callee` at `url`, as `identity`."""

    def __init__(self, callee: str, url: str, identity: ServiceIdentity, session: Callable[[], Client]) -> None:
        self._callee = callee
        self._origin = Origin.of(url)
        self._before = urlsplit(url).path.rstrip("/")
        self._identity = identity
        self._session = session

    async def call(self, verb: str, path: str, query: dict[str, list[str]], body: bytes | None) -> tuple[int, bytes]:
        """One call. Unavailable: no answer, so that it is unknown whether it was done."""
        left = seconds_left(DEADLINE_SECONDS)
        asked = f"?{urlencode(query, doseq=True)}" if query else ""
        target = f"{self._before}{path}{asked}".encode("ascii")
        # A read that breaks off is asked once more; changes are tried again by whoever wants them, the relay above all.
        try:
            answer = await self._session().call(
                verb, self._origin, target, self._fields(left, has_body=body is not None), body, left
            )
        except (PeerError, TimeoutError, OSError) as error:
            raise Unavailable(f"the {self._callee} service did not answer") from error
        return answer.status, answer.body

    def _fields(self, left: float, *, has_body: bool) -> bytes:
        fields = [*self._identity.fields(self._callee), passed_on(left)]
        if name := request_id.get():
            fields.append((b"x-request-id", name.encode("ascii")))
        if trace := trace_parent.get():
            fields.append((b"traceparent", trace.encode("ascii")))
        if has_body:
            fields.append((b"content-type", b"application/json"))
        return written(fields)

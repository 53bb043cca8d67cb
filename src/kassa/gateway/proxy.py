"""The gateway in services form: a streaming reverse proxy. Bodies pass untouched, piece by piece."""

import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from urllib.parse import urlsplit

import structlog

from kassa.gateway import security_txt, system
from kassa.gateway.arrival import HOP_BY_HOP, App, Headers, Message, Receive, Scope, Send, send_problem
from kassa.kit.patience import passed_on, seconds_left
from kassa.kit.peer import CannotConnect, Client, Limits, Origin, PeerError, written
from kassa.kit.problem import Problem, Unavailable
from kassa.kit.service_keys import ServiceIdentity

# Which service answers for the first part of a path.
OWNERS = {
    "auth": "auth",
    ".well-known": "auth",
    "products": "product",
    "families": "product",
    "pictures": "product",
    "inventory": "inventory",
    "orders": "order",
    "withdrawals": "order",
    "quotes": "order",
    "selling": "order",
    "shop-profile": "order",
    "discounts": "order",
    "events": "order",
    "mails": "order",
    "stock-notices": "order",
    "invoices": "order",
    "payments": "payment",
}
# What the gateway answers itself.
_OWN = frozenset((security_txt.PATH, system.PATH))
CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 60.0
# Shorter than a service keeps an idle connection, so that none is used just as it is closed.
IDLE_SECONDS = 15.0
MOST_CONNECTIONS = 4_000
"""To one service: more than it lets in at once, so that it is the service that says so."""

_NOT_SENT_ON = HOP_BY_HOP | {b"host", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"expect"}
# The server adds its own.
_NOT_SENT_BACK = HOP_BY_HOP | {b"server", b"date"}

log = structlog.get_logger()


class BadGateway(Problem):
    """A service broke its answer off, or gave one that is no HTTP. Whether it did its work is unknown."""

    code, title, status = "bad_gateway", "A part of the shop did not answer properly; look before trying again", 502


class GatewayTimeout(Problem):
    """A service took too long. Whether it did its work is unknown."""

    code, title, status = "gateway_timeout", "A part of the shop took too long; look before trying again", 504


class ClientGone(Exception):
    """The client went away before it had sent its whole body."""


def new_session(trusted: ssl.SSLContext | bool = True) -> Client:
    """Connections to the services, whose certificates must be `trusted`."""
    return Client(trusted, Limits(MOST_CONNECTIONS, IDLE_SECONDS, CONNECT_SECONDS))


class Proxy:
    """Passes API requests on to the service that owns the path; everything else is `local`'s.

    `upstreams` are the services' addresses by name. The gateway signs what it says of the client.
    """

    def __init__(
        self,
        local: App,
        upstreams: Mapping[str, str],
        identity: ServiceIdentity,
        session: Callable[[], Client],
    ) -> None:
        self._local = local
        self._upstreams = {
            name: (Origin.of(url), urlsplit(url).path.rstrip("/").encode("ascii")) for name, url in upstreams.items()
        }
        self._identity = identity
        self._session = session

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        service = _owner(scope["path"]) if scope["type"] == "http" else None
        if service not in self._upstreams:
            await self._local(scope, receive, send)
            return
        has_started = False

        async def answer(message: Message) -> None:
            nonlocal has_started
            has_started = True
            await send(message)

        try:
            await self._pass(service, scope, receive, answer)
        except ClientGone:
            return
        except (PeerError, TimeoutError, OSError) as error:
            if has_started:
                raise  # the server cuts the connection: the client must not take half an answer for a whole one
            log.warning("service did not answer", service=service, error=repr(error))
            await send_problem(send, _problem_of(error))

    async def _pass(self, service: str, scope: Scope, receive: Receive, send: Send) -> None:
        origin, before = self._upstreams[service]
        path = scope.get("raw_path") or scope["path"].encode()
        query = b"?" + scope["query_string"] if scope["query_string"] else b""
        # The path as it came: one that is read anew could come out as another one.
        target = before + path.partition(b"?")[0] + query
        body = await _body(receive)
        stream = await self._session().open(
            scope["method"], origin, target, self._fields(service, scope), body, seconds_left(ANSWER_SECONDS)
        )
        try:
            kept = [field for field in stream.fields if field[0] not in _NOT_SENT_BACK]
            await send({"type": "http.response.start", "status": stream.status, "headers": kept})
            is_over = False
            while not is_over:
                piece, is_over = await stream.piece()
                await send({"type": "http.response.body", "body": piece, "more_body": not is_over})
        finally:
            stream.close()

    def _fields(self, service: str, scope: Scope) -> bytes:
        given: Headers = scope["headers"]
        fields = [field for field in given if field[0] not in _NOT_SENT_ON]
        host = next((value for name, value in given if name == b"host"), b"")
        client = scope["client"][0] if scope["client"] else ""
        fields.append((b"x-forwarded-for", client.encode("latin-1")))
        fields.append((b"x-forwarded-proto", scope.get("scheme", "http").encode("ascii")))
        fields.append((b"x-forwarded-host", host))
        fields.append(passed_on(seconds_left(ANSWER_SECONDS)))
        fields.extend(self._identity.fields(service))
        return written(fields)


def _owner(path: str) -> str | None:
    """The service that answers for the path; None: the gateway itself."""
    return None if path in _OWN else OWNERS.get(path.lstrip("/").split("/", 1)[0])


async def _body(receive: Receive) -> bytes | AsyncIterator[bytes] | None:
    """A request's body: one that came in one piece, one that is still coming, or None."""
    piece, is_last = await _piece(receive)
    if is_last:
        return piece or None
    return _rest(piece, receive)


async def _rest(piece: bytes, receive: Receive) -> AsyncIterator[bytes]:
    yield piece
    is_last = False
    while not is_last:
        piece, is_last = await _piece(receive)
        yield piece


async def _piece(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    return message.get("body", b""), not message.get("more_body", False)


def _problem_of(error: Exception) -> Problem:
    if isinstance(error, CannotConnect):
        return Unavailable("this part of the shop cannot be reached right now; try again")
    if isinstance(error, TimeoutError):
        return GatewayTimeout()
    return BadGateway()

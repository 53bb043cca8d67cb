"""The gateway in services form: a streaming reverse proxy. Bodies pass untouched, piece by piece."""

import ssl
from collections.abc import AsyncIterator, Callable, Mapping

import aiohttp
import structlog
from yarl import URL

from kassa.gateway import security_txt
from kassa.gateway.arrival import HOP_BY_HOP, App, Headers, Message, Receive, Scope, Send, send_problem
from kassa.kit.problem import Problem, Unavailable
from kassa.kit.service_keys import ServiceIdentity

# Which service answers for the first part of a path.
OWNERS = {
    "auth": "auth",
    ".well-known": "auth",
    "products": "product",
    "inventory": "inventory",
    "orders": "order",
    "payments": "payment",
}
# What the gateway answers itself.
_OWN = frozenset((security_txt.PATH,))
CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 60.0
# Shorter than a service keeps an idle connection, so that none is used just as it is closed.
IDLE_SECONDS = 15.0

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


def new_session(trusted: ssl.SSLContext | bool = True) -> aiohttp.ClientSession:
    """Connections to the services, whose certificates must be `trusted`: kept, uncompressed, without cookies, redirects
    or the environment's proxies."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=trusted, keepalive_timeout=IDLE_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS, sock_read=ANSWER_SECONDS),
        auto_decompress=False,
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        trust_env=False,
    )


class Proxy:
    """Passes API requests on to the service that owns the path; everything else is `local`'s.

    `upstreams` are the services' addresses by name. The gateway signs what it says of the client.
    """

    def __init__(
        self,
        local: App,
        upstreams: Mapping[str, str],
        identity: ServiceIdentity,
        session: Callable[[], aiohttp.ClientSession],
    ) -> None:
        self._local = local
        self._upstreams = {name: url.rstrip("/") for name, url in upstreams.items()}
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

        body = _Body(receive)
        try:
            await self._pass(service, scope, body, answer)
        except ClientGone:
            return
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if has_started:
                raise  # the server cuts the connection: the client must not take half an answer for a whole one
            if isinstance(body.failure, Problem):
                raise body.failure from error
            log.warning("service did not answer", service=service, error=repr(error))
            await send_problem(send, _problem_of(error))

    async def _pass(self, service: str, scope: Scope, body: "_Body", send: Send) -> None:
        path = scope.get("raw_path") or scope["path"].encode()
        query = f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else ""
        # `encoded`: a path that is read anew could come out as another one.
        url = URL(f"{self._upstreams[service]}{path.decode('latin-1').partition('?')[0]}{query}", encoded=True)
        async with self._session().request(
            scope["method"],
            url,
            headers=self._headers(service, scope),
            data=await body.data(),
            allow_redirects=False,
        ) as answer:
            headers = [(name.lower(), value) for name, value in answer.raw_headers]
            kept = [(name, value) for name, value in headers if name not in _NOT_SENT_BACK]
            await send({"type": "http.response.start", "status": answer.status, "headers": kept})
            async for piece in answer.content.iter_any():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    def _headers(self, service: str, scope: Scope) -> list[tuple[str, str]]:
        given: Headers = scope["headers"]
        headers = [
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in given if name not in _NOT_SENT_ON
        ]
        host = next((value.decode("latin-1") for name, value in given if name == b"host"), "")
        headers.append(("x-forwarded-for", scope["client"][0] if scope["client"] else ""))
        headers.append(("x-forwarded-proto", scope.get("scheme", "http")))
        headers.append(("x-forwarded-host", host))
        headers.append(("x-internal-deadline", str(int(ANSWER_SECONDS * 1000))))
        headers.extend(self._identity.headers(service).items())
        return headers


def _owner(path: str) -> str | None:
    """The service that answers for the path; None: the gateway itself."""
    return None if path in _OWN else OWNERS.get(path.lstrip("/").split("/", 1)[0])


class _Body:
    """A request's body on its way through. `failure` is why it could not be read to its end."""

    def __init__(self, receive: Receive) -> None:
        self.failure: Exception | None = None
        self._receive = receive

    async def data(self) -> bytes | AsyncIterator[bytes] | None:
        """A body that came in one piece, one that is still coming, or None."""
        piece, is_last = await self._piece()
        if is_last:
            return piece or None
        return self._all(piece)

    async def _all(self, piece: bytes) -> AsyncIterator[bytes]:
        yield piece
        is_last = False
        while not is_last:
            try:
                piece, is_last = await self._piece()
            except Exception as error:
                self.failure = error
                raise
            yield piece

    async def _piece(self) -> tuple[bytes, bool]:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        return message.get("body", b""), not message.get("more_body", False)


def _problem_of(error: Exception) -> Problem:
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return Unavailable("this part of the shop cannot be reached right now; try again")
    if isinstance(error, TimeoutError):
        return GatewayTimeout()
    return BadGateway()

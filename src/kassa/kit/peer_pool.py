"""The connections to one address: so many at most, kept for the next question."""

import asyncio
import ssl
from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

from kassa.kit.peer_connection import CannotConnect, Connection, Origin, PeerError
from kassa.kit.peer_tunnel import Proxy

_WITHOUT_BODY = frozenset(("GET", "OPTIONS", "TRACE", "DELETE"))
_UNABLE = frozenset(("HEAD", "CONNECT"))
"""Their answers are framed in their own way."""


class Limits(NamedTuple):
    """Connections to one address at most, how long one may be idle before it is used again, and how long is waited for
    a new one (or, if there may be no more, for another's)."""

    most: int = 256
    idle_seconds: float = 15.0
    connect_seconds: float = 2.0


class Pool:
    """The connections to one address."""

    def __init__(self, origin: Origin, proxy: Proxy | None, trusted: ssl.SSLContext | None, limits: Limits) -> None:
        self._origin = origin
        self._proxy = proxy
        self._trusted = trusted
        self._limits = limits
        self.loop = asyncio.get_running_loop()
        self._idle: deque[Connection] = deque()
        self._all: set[Connection] = set()
        self._coming = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        own = b"host: %b\r\n" % origin.authority
        # RFC 9112, 3.2.2: a proxy is asked for the whole address, where it does not only pass bytes on.
        is_asked_whole = proxy is not None and not origin.is_secure
        self._before = b"http://" + origin.authority if is_asked_whole else b""
        self._own = own + (proxy.credentials if proxy is not None and is_asked_whole else b"")

    def request(self, verb: str, target: bytes, fields: bytes, body: bytes | None, *, is_open: bool = False) -> bytes:
        """The bytes of a request; of its head alone, if it `is_open`. ValueError if it would not be one request."""
        if verb in _UNABLE or not verb.isalpha() or len(target.split()) > 1 or not target.isascii():
            raise ValueError("this request cannot be sent")
        whole = self._before + target or b"/"
        head = b"%b %b HTTP/1.1\r\n%b%b" % (verb.encode("ascii"), whole, self._own, fields)
        has_length = b"\r\ncontent-length:" in head
        if is_open:
            return head + (b"\r\n" if has_length else b"transfer-encoding: chunked\r\n\r\n")
        if has_length or (body is None and verb in _WITHOUT_BODY):
            return b"%b\r\n%b" % (head, body or b"")
        return b"%bcontent-length: %d\r\n\r\n%b" % (head, len(body or b""), body or b"")

    def idle_one(self) -> Connection | None:
        """A connection that waits for something to do, if there is one. The one that was used last is the surest."""
        fresh = self.loop.time() - self._limits.idle_seconds
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable and connection.idle_since >= fresh:
                return connection
            connection.close()
        return None

    async def take(self, until: float) -> Connection:
        """A new connection, or one that another gives back; CannotConnect if there is none in time."""
        limit = min(until, self.loop.time() + self._limits.connect_seconds)
        try:
            async with asyncio.timeout_at(limit):
                while len(self._all) + self._coming >= self._limits.most:
                    await self._turn()
                    if (connection := self.idle_one()) is not None:
                        return connection
                return await self._connect()
        except (OSError, TimeoutError, ValueError, PeerError) as error:
            raise CannotConnect(f"{self._origin.host} cannot be reached: {error!r}") from error

    def give_back(self, connection: Connection) -> None:
        """It is used no more. If it cannot be used again, it is closed."""
        if connection.end():
            connection.idle_since = now = self.loop.time()
            self._idle.append(connection)
            if self._idle[0].idle_since < now - self._limits.idle_seconds:
                self._idle.popleft().close()
            self._next()

    def close(self) -> None:
        """Close them all."""
        for connection in list(self._all):
            connection.close()

    async def _connect(self) -> Connection:
        self._coming += 1
        try:
            connection = await self._made()
            self._all.add(connection)
            return connection
        finally:
            self._coming -= 1
            self._next()

    async def _made(self) -> Connection:
        origin, trusted = self._origin, self._trusted if self._origin.is_secure else None
        if self._proxy is not None:
            return await self._proxy.connected(self._gone, (origin.host, origin.port), trusted)
        where = origin.address or origin.host
        tls: Mapping[str, object] = {"ssl": trusted, "server_hostname": origin.host} if trusted else {}
        made = await self.loop.create_connection(lambda: Connection(self._gone), where, origin.port, **tls)  # type: ignore[call-overload]
        connection: Connection = made[1]
        return connection

    def _gone(self, connection: Connection) -> None:
        self._all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._next()

    async def _turn(self) -> None:
        waiter = self.loop.create_future()
        self._waiting.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._next()  # It was our turn, and we do not take it.
            raise

    def _next(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

"""Calls over HTTP/1.1 to those whom this process knows: the other services, and Stripe. Connections are kept open and
bounded; nothing is redirected, unpacked, remembered or taken from the environment.

What a general client does for every call costs several times as much as the call itself (ADR 43).
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from types import TracebackType
from urllib.parse import urlsplit

from kassa.kit.peer_connection import Answer, BrokenOff, CannotConnect, Connection, Origin, PeerError
from kassa.kit.peer_pool import Limits, Pool
from kassa.kit.peer_tunnel import Proxy

__all__ = ["Answer", "BrokenOff", "CannotConnect", "Client", "Limits", "Origin", "PeerError", "Stream", "written"]

IDEMPOTENT = frozenset(("GET", "OPTIONS", "TRACE", "PUT", "DELETE"))
"""RFC 9110, 9.2.2: asking once more does no harm."""


def written(fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The lines of header fields. ValueError if one of them would be more than one line."""
    lines = [b"%b: %b\r\n" % field for field in fields]
    text = b"".join(lines)
    if text.count(b"\r") != len(lines) or text.count(b"\n") != len(lines) or b"\0" in text:
        raise ValueError("a header field must be one line")
    return text


class Client:
    """Calls whoever is `trusted`: a TLS context, or True for those that the system's authorities have signed."""

    def __init__(
        self, trusted: ssl.SSLContext | bool = True, limits: Limits | None = None, proxy: str | None = None
    ) -> None:
        self._trusted = trusted if isinstance(trusted, ssl.SSLContext) else None
        self._limits = limits or Limits()
        self._proxy = Proxy.of(proxy) if proxy else None
        self._pools: dict[Origin, Pool] = {}

    async def call(
        self, verb: str, origin: Origin, target: bytes, fields: bytes, body: bytes | None, seconds: float
    ) -> Answer:
        """Ask and read the whole answer. CannotConnect, BrokenOff; TimeoutError if it takes longer than so many
        seconds. What is idempotent and broke off before an answer began is asked once more, nothing else is."""
        pool = self._pool(origin)
        request = pool.request(verb, target, fields, body)
        until = pool.loop.time() + seconds
        for is_first in (True, False):
            connection = (pool.idle_one() if is_first else None) or await pool.take(until)
            try:
                connection.begin(request, is_whole=True)
                return await connection.answer(until - pool.loop.time())
            except BrokenOff:
                if not is_first or verb not in IDEMPOTENT or connection.has_head:
                    raise
            finally:
                pool.give_back(connection)
        raise AssertionError("the second time is the last")

    async def open(
        self,
        verb: str,
        origin: Origin,
        target: bytes,
        fields: bytes,
        body: bytes | AsyncIterator[bytes] | None,
        seconds: float,
    ) -> "Stream":
        """The same, but return when the answer begins; its body is read from the stream, which must be closed. A body
        that is an iterator is sent as it comes, in chunks unless `fields` has its length. TimeoutError: nothing was
        heard for so many seconds."""
        pool = self._pool(origin)
        rest = None if body is None or isinstance(body, bytes) else body
        request = pool.request(
            verb, target, fields, body if isinstance(body, bytes) else None, is_open=rest is not None
        )
        for is_first in (True, False):
            connection = (pool.idle_one() if is_first else None) or await pool.take(pool.loop.time() + seconds)
            stream = Stream(pool.give_back, connection, seconds)
            try:
                await stream.begin(request, rest, is_chunked=b"\r\ncontent-length:" not in request)
                return stream
            except BaseException as error:
                stream.close()
                is_harmless = verb in IDEMPOTENT and rest is None and not connection.has_head
                if not (is_first and is_harmless and isinstance(error, BrokenOff)):
                    raise
        raise AssertionError("the second time is the last")

    @asynccontextmanager
    async def get(self, url: str, proxy: str | None = None, seconds: float = 10.0) -> AsyncIterator[Answer]:
        """What an address answers; a proxy, if one is named, is asked for it."""
        if proxy:
            async with Client(self._trusted or True, self._limits, proxy) as through, through.get(url) as answer:
                yield answer
            return
        parts = urlsplit(url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        yield await self.call("GET", Origin.of(url), target.encode("ascii"), b"", None, seconds)

    async def close(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()
        await asyncio.sleep(0)  # So that they are told.

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _pool(self, origin: Origin) -> Pool:
        pool = self._pools.get(origin)
        if pool is None:
            if origin.is_secure and self._trusted is None:
                self._trusted = ssl.create_default_context()
            pool = self._pools[origin] = Pool(origin, self._proxy, self._trusted, self._limits)
        return pool


class Stream:
    """An answer on its way. `status` and `fields` are there when it has begun."""

    def __init__(self, give_back: Callable[[Connection], None], connection: Connection, seconds: float) -> None:
        self._give_back = give_back
        self._connection = connection
        self._seconds = seconds
        self._sending: asyncio.Task[None] | None = None

    async def begin(self, request: bytes, rest: AsyncIterator[bytes] | None, *, is_chunked: bool) -> None:
        """Send the request, and return when the answer's head is there."""
        connection = self._connection
        connection.begin(request, is_whole=False)
        if rest is not None:
            self._sending = asyncio.ensure_future(connection.send(rest, is_chunked=is_chunked))
        await connection.head(self._seconds)
        self.status, self.fields = connection.status, connection.fields

    async def piece(self) -> tuple[bytes, bool]:
        """What has come of the body since, and whether that was the last of it."""
        return await self._connection.piece(self._seconds)

    def close(self) -> None:
        """Done with it, at its end or before."""
        if self._sending is not None and not self._sending.done():
            self._sending.cancel()
            self._connection.close()  # Half a request is on its way.
        self._give_back(self._connection)

"""A connection by way of an HTTP proxy: what is for TLS goes through a tunnel, what is not is asked of the proxy."""

import asyncio
import base64
import ssl
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from kassa.kit.peer_connection import BrokenOff, Connection, Origin

ANSWER_SECONDS = 10.0


class Proxy(NamedTuple):
    """Where it is, and what it is told of who asks."""

    origin: Origin
    credentials: bytes

    @classmethod
    def of(cls, url: str) -> "Proxy":
        """The proxy of an `http` or `https` address, with user and password if it names them."""
        parts = urlsplit(url)
        credentials = b""
        if parts.username is not None:
            both = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            credentials = b"Proxy-Authorization: Basic %b\r\n" % base64.b64encode(both)
        return cls(Origin.of(url), credentials)

    def __repr__(self) -> str:
        return f"Proxy({self.origin.host}:{self.origin.port})"

    async def connected(
        self, gone: Callable[[Connection], None], place: tuple[str, int], trusted: ssl.SSLContext | None
    ) -> Connection:
        """A connection to `place`, in a tunnel with TLS if there is somebody to be `trusted`; otherwise to the proxy
        itself. OSError, BrokenOff, TimeoutError."""
        loop = asyncio.get_running_loop()
        # The proxy's own certificate is for the system's authorities to sign: it is no peer of ours.
        is_secure, host, port, _ = self.origin
        tls = {"ssl": ssl.create_default_context(), "server_hostname": host} if is_secure else {}
        to_proxy = Connection(gone)
        transport, _ = await loop.create_connection(lambda: to_proxy, host, port, **tls)  # type: ignore[call-overload]
        if trusted is None:
            return to_proxy
        try:
            await self._tunnelled(to_proxy, place)
            through = Connection(gone)
            secure = await loop.start_tls(transport, through, trusted, server_hostname=place[0])
            if secure is None:
                raise BrokenOff("the tunnel was closed")
            through.connection_made(secure)
        except BaseException:
            transport.abort()
            raise
        return through

    async def _tunnelled(self, to_proxy: Connection, place: tuple[str, int]) -> None:
        host, port = place
        target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        line = target.encode("idna")
        to_proxy.begin(b"CONNECT %b HTTP/1.1\r\nhost: %b\r\n%b\r\n" % (line, line, self.credentials), is_whole=False)
        await to_proxy.head(ANSWER_SECONDS)
        if not 200 <= to_proxy.status < 300:
            raise BrokenOff(f"the proxy opened no tunnel: {to_proxy.status}")

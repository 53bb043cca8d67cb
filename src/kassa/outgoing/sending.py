"""Sending to addresses that others have chosen: nowhere within the shop's own network, unless that is allowed; what the
name says when it is looked up is where it is sent. Nothing is followed anywhere else, and little is read of answers.
"""

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from types import TracebackType
from typing import NamedTuple, Protocol, Self
from urllib.parse import urlsplit

from kassa.kit.peer import Client, Limits, Origin, PeerError, written
from kassa.kit.problem import Invalid

SECONDS = 10.0
"""For everything: looking up the name, connecting, sending, and the answer."""
CONNECT_SECONDS = 5.0
MOST_READ = 16 * 1024
LONGEST_URL = 2000
_GLOBAL = IPv6Network("2000::/3")
"""All that IANA has given out for the public internet; what lies elsewhere leads into networks of one's own."""
_EXAMPLES = IPv6Network("3fff::/20")  # RFC 9637; older versions of Python do not know it.
_LOOPBACK_NAMES = ("localhost",)
Ip = IPv4Address | IPv6Address


class Sent(NamedTuple):
    """What came of it: the status of the answer (0: none came), and what went wrong."""

    status: int
    error: str = ""


class Refused(Exception):
    """Nothing is sent there; the text says why."""


class Sending(Protocol):
    """What sends."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def send(self, url: str, fields: Sequence[tuple[bytes, bytes]], body: bytes) -> Sent:
        """Send it once."""


class Sender:
    """Sends one thing after the other; connections are kept until it is closed."""

    def __init__(self, *, to_private: bool, seconds: float = SECONDS) -> None:
        self._to_private = to_private
        self._seconds = seconds
        self._client = Client(True, Limits(8, 15.0, CONNECT_SECONDS))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()

    async def send(self, url: str, fields: Sequence[tuple[bytes, bytes]], body: bytes) -> Sent:
        """Send it once."""
        try:
            async with asyncio.timeout(self._seconds):
                return Sent(await self._sent(url, fields, body))
        except TimeoutError:
            return Sent(0, "there was no answer in time")
        except Refused as refused:
            return Sent(0, str(refused))
        except (PeerError, OSError, UnicodeError) as error:
            return Sent(0, f"there was no answer: {type(error).__name__}")

    async def _sent(self, url: str, fields: Sequence[tuple[bytes, bytes]], body: bytes) -> int:
        origin = Origin.of(url)
        address = await self._address(origin)
        head = written(
            (
                (b"content-type", b"application/json"),
                (b"user-agent", b"Kassa (Standard Webhooks 1.0)"),
                *fields,
            )
        )
        there = origin._replace(address=address)
        stream = await self._client.open("POST", there, _target(url), head, body, self._seconds)
        try:
            read, is_over = 0, False
            while not is_over and read < MOST_READ:
                piece, is_over = await stream.piece()
                read += len(piece)
            return int(stream.status)
        finally:
            stream.close()

    async def _address(self, origin: Origin) -> str:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
        addresses = [str(each[4][0]) for each in found]
        if not addresses:
            raise Refused(f"{origin.host} has no address")
        if not self._to_private and (private := next((each for each in addresses if not is_public(each)), None)):
            raise Refused(f"{origin.host} is at {private}, which is not an address of the public internet")
        return addresses[0]


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet; what only stands for another one is not."""
    ip: Ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if ip not in _GLOBAL or ip in _EXAMPLES or ip.sixtofour is not None or ip.teredo is not None:
            return False
    return ip.is_global and not ip.is_multicast


def checked_url(url: str, *, to_private: bool) -> str:
    """The address, if events may be sent there; Invalid else."""
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.hostname) and (parts.port is None or parts.port > 0)
        written_host = (parts.hostname or "").encode("idna")
    except (ValueError, UnicodeError):
        is_whole, written_host = False, b""
    is_written = len(url) <= LONGEST_URL and url.isascii() and not any(each <= " " or each == "\x7f" for each in url)
    if not (is_whole and is_written):
        raise Invalid.field("url", "must be an address such as https://shop.example/events")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise Invalid.field("url", "must have no user, no password and no fragment")
    host = written_host.decode("ascii")
    is_here = host in _LOOPBACK_NAMES or (_is_ip(host) and ip_address(host).is_loopback)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_here and to_private):
        raise Invalid.field("url", "must begin with https://")
    if not to_private and (is_here or (_is_ip(host) and not is_public(host))):
        raise Invalid.field("url", "must be an address of the public internet")
    return url


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _target(url: str) -> bytes:
    parts = urlsplit(url)
    return (f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/").encode("ascii")

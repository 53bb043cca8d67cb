"""One HTTP/1.1 connection to somebody who answers: one question at a time, with bounds on what comes back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple
from urllib.parse import urlsplit

import httptools

Fields = list[tuple[bytes, bytes]]

MOST_HEAD_BYTES = 64 * 1024
MOST_HEAD_LINES = 200
MOST_BODY_BYTES = 32 * 1024 * 1024
"""Of an answer that is read as a whole; many times the largest page that services ask each other for."""
_PIECE = 16 * 1024
_ENOUGH_WAITS = 256 * 1024
"""Of an answer that is passed on: so much is kept until it is taken."""


class Origin(NamedTuple):
    """Whom to call: what an `http` or `https` address says, apart from its path. `address` is where it is, if the name
    was looked up already."""

    is_secure: bool
    host: str
    port: int
    address: str = ""

    @classmethod
    def of(cls, url: str) -> "Origin":
        """The origin of an address."""
        parts = urlsplit(url)
        is_secure = parts.scheme == "https"
        return cls(is_secure, parts.hostname or "", parts.port or (443 if is_secure else 80))

    @property
    def authority(self) -> bytes:
        """As it stands in the field `Host`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (host if self.port == (443 if self.is_secure else 80) else f"{host}:{self.port}").encode("idna")


class PeerError(Exception):
    """There was no answer, or none that is to be believed."""


class CannotConnect(PeerError):
    """Nobody answers there, or not whom we believe; nothing was sent."""


class BrokenOff(PeerError):
    """The connection ended, or what came is no HTTP, or too much. Whether anything was done is unknown."""


class Answer(NamedTuple):
    """A whole answer; the names of its fields are in lower case."""

    status: int
    fields: Fields
    body: bytes

    def field(self, name: bytes) -> str:
        """A field's text; empty if it was not sent."""
        return next((value.decode("latin-1") for each, value in self.fields if each == name), "")


class Connection(asyncio.Protocol):
    """Sends requests and hears answers. `gone` is told of its end."""

    def __init__(self, gone: Callable[["Connection"], None]) -> None:
        self._gone = gone
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._error: BaseException | None = None
        self._is_asked = self._is_spoilt = False
        self.is_open = False
        self.idle_since = 0.0
        self._reset(is_whole=True)

    def _reset(self, *, is_whole: bool) -> None:
        self.status = 0
        self.fields: Fields = []
        self.has_head = self.is_over = False
        self._pieces: list[bytes] = []
        self._size = self._came = 0
        self._is_whole = is_whole
        self._is_interim = self._ends_with_connection = False

    @property
    def is_usable(self) -> bool:
        """Whether another question may be asked on it."""
        return self.is_open and not (self._is_asked or self._is_spoilt or self._transport.is_closing())

    # What is asked

    def begin(self, request: bytes, *, is_whole: bool) -> None:
        """Send a request, or its beginning. `is_whole`: its answer is waited for to its end."""
        self._reset(is_whole=is_whole)
        self._is_asked = True
        self._transport.write(request)

    async def answer(self, seconds: float) -> Answer:
        """The whole answer. BrokenOff; TimeoutError if it is not there in so many seconds."""
        if not self.is_over:
            await self._wait(seconds)
        return Answer(self.status, self.fields, b"".join(self._pieces))

    async def head(self, seconds: float) -> None:
        """Return when status and fields are there."""
        while not self.has_head:
            await self._wait(seconds)

    async def piece(self, seconds: float) -> tuple[bytes, bool]:
        """What has come of the body since, and whether that was the last of it."""
        while not (self._pieces or self.is_over):
            await self._wait(seconds)
        found = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        if not self.is_over:
            self._check_broken()
            self._transport.resume_reading()
        return found, self.is_over

    async def send(self, pieces: AsyncIterator[bytes], *, is_chunked: bool) -> None:
        """Send the rest of a request's body as it comes, no faster than it is taken. What `pieces` raises is raised
        where the answer is waited for."""
        try:
            async for piece in pieces:
                if self._room is not None:
                    await self._room
                if self._transport.is_closing():
                    return  # Whoever waits for the answer is told.
                if piece:
                    self._transport.write(b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece)
            if is_chunked:
                self._transport.write(b"0\r\n\r\n")
        except Exception as error:
            self._fail(error)

    def end(self) -> bool:
        """The answer was taken. Whether the connection can be used again; if not, it is closed."""
        is_over, self._is_asked = self.is_over, False
        self.fields, self._pieces = [], []
        if is_over and self.is_usable and not self._ends_with_connection:
            return True
        self.close()
        return False

    def close(self) -> None:
        """Close it, whatever is under way."""
        self._is_spoilt = True
        if self.is_open:
            self._transport.abort()

    async def _wait(self, seconds: float) -> None:
        self._check_broken()
        waiter = self._waiter = self._loop.create_future()
        timer = self._loop.call_later(seconds, self._fail, TimeoutError())
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiter = None
        self._check_broken()

    def _check_broken(self) -> None:
        if self._error is not None and not self.is_over:
            raise self._error

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, error: BaseException) -> None:
        self._error = self._error or error
        self.close()
        self._wake()

    # What the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is there."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.is_open = True

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self.is_open = False
        if self._is_asked and self._ends_with_connection and exc is None and self._error is None:
            self.is_over = True  # RFC 9112, 6.3: a body without a length ends with the connection.
            self._wake()
        else:
            self._fail(BrokenOff(f"the connection was closed: {exc or 'by the other side'}"))
        self.resume_writing()
        self._gone(self)

    def pause_writing(self) -> None:
        """What was written is not taken yet."""
        if self._room is None:
            self._room = self._loop.create_future()

    def resume_writing(self) -> None:
        """It is."""
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        self._room = None

    def data_received(self, data: bytes) -> None:
        """Some bytes of an answer."""
        if not self._is_asked or self.is_over:
            self.close()  # Nobody has asked for that.
            return
        try:
            if len(data) <= _PIECE:
                self._feed(data)
            else:
                for start in range(0, len(data), _PIECE):
                    self._feed(data[start : start + _PIECE])
        except (httptools.HttpParserError, httptools.HttpParserUpgrade, BrokenOff) as error:
            self._fail(error if isinstance(error, BrokenOff) else BrokenOff(f"this is no answer of HTTP/1.1: {error}"))
            return
        if self.is_over or (not self._is_whole and (self._pieces or self.has_head)):
            self._wake()
        if not self._is_whole and self._size > _ENOUGH_WAITS and not self.is_over:
            self._transport.pause_reading()

    def _feed(self, data: bytes) -> None:
        if not self.has_head:
            self._came += len(data)
        self._parser.feed_data(data)
        if not self.has_head and self._came > MOST_HEAD_BYTES:
            raise BrokenOff("the head of the answer is too large")

    # What the parser finds

    def on_message_begin(self) -> None:
        """The first byte of an answer."""
        if self.is_over:
            self._is_spoilt = True  # A second one: nobody has asked for it.

    def on_header(self, name: bytes, value: bytes) -> None:
        """One field; those that stand behind a body count for nothing."""
        if not self.has_head:
            self.fields.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Status and fields are there."""
        if self.is_over:
            return
        if len(self.fields) > MOST_HEAD_LINES:
            raise BrokenOff("the head of the answer has too many lines")
        status = self._parser.get_status_code()
        if status < 200:
            self._is_interim = True  # RFC 9110, 15.2: the answer itself is still to come.
            return
        names = {name for name, _ in self.fields}
        has_length = b"content-length" in names or b"transfer-encoding" in names or status in (204, 304)
        self.status, self.has_head, self._ends_with_connection = status, True, not has_length

    def on_body(self, piece: bytes) -> None:
        """Some of the body."""
        if self.is_over:
            return
        self._pieces.append(piece)
        self._size += len(piece)
        if self._is_whole and self._size > MOST_BODY_BYTES:
            raise BrokenOff("the answer is too large")

    def on_message_complete(self) -> None:
        """The answer is whole."""
        if self._is_interim:
            self._is_interim, self.fields, self._came = False, [], 0
            return
        self.is_over = True
        if not self._parser.should_keep_alive():
            self._is_spoilt = True

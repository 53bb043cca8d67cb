"""HTTP as the drivers speak it: kept connections, and little of the cores that they share with the shop."""

import asyncio
import time
from typing import Any, NamedTuple

import httptools

PATIENCE_SECONDS = 60.0
# Shorter than any server keeps an idle connection, so that none is used just as it is closed.
_IDLE_SECONDS = 3.0


class Answer(NamedTuple):
    """What a server has answered. Names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Calls:
    """Calls to any servers, by HTTP/1.1. Nothing is followed, tried again or kept but connections. `async with` closes
    them."""

    def __init__(self) -> None:
        self._idle: dict[str, list[_Connection]] = {}

    async def __aenter__(self) -> "Calls":
        return self

    async def __aexit__(self, *_: object) -> None:
        for connection in [each for idle in self._idle.values() for each in idle]:
            connection.close()
        await asyncio.sleep(0)  # The transports go with the next turn of the loop.

    async def request(self, method: str, url: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Answer:
        """One call of `http://HOST:PORT/PATH`. OSError: no answer, or none within a minute."""
        place, _, path = url.partition("://")[2].partition("/")
        fields = {"Host": place, "Content-Length": str(len(body)), **(headers or {})}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        connection = self._kept(place) or await _connected(place)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                answer = await connection.asked(f"{method} /{path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        except BaseException:
            connection.close()
            raise
        if connection.is_open:
            self._idle.setdefault(place, []).append(connection)
        return answer

    def _kept(self, place: str) -> "_Connection | None":
        idle = self._idle.get(place)
        while idle:
            connection = idle.pop()
            if connection.is_open and time.monotonic() - connection.used_at < _IDLE_SECONDS:
                return connection
            connection.close()
        return None


async def _connected(place: str) -> "_Connection":
    host, _, port = place.partition(":")
    _, connection = await asyncio.get_running_loop().create_connection(_Connection, host, int(port or 80))
    return connection


class _Connection(asyncio.Protocol):
    """One connection, with one question at a time."""

    def __init__(self) -> None:
        self.is_open = False
        self.used_at = 0.0
        self._answered: asyncio.Future[Answer] | None = None

    def asked(self, question: bytes) -> "asyncio.Future[Answer]":
        """Ask; the answer will be there."""
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(question)
        return self._answered

    def close(self) -> None:
        """Close it, if it is not."""
        self.is_open = False
        self._transport.close()

    def connection_made(self, transport: Any) -> None:
        """As asyncio has it."""
        self._transport: asyncio.Transport = transport
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        """As asyncio has it."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._end(ConnectionError(f"what came is no answer: {error}"))

    def connection_lost(self, exc: Exception | None) -> None:
        """As asyncio has it."""
        self._end(exc or ConnectionError("closed without an answer"))

    def on_header(self, name: bytes, value: bytes) -> None:
        """As httptools has it."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        """As httptools has it."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """As httptools has it."""
        self.used_at = time.monotonic()
        self.is_open = self._parser.should_keep_alive()
        answer = Answer(self._parser.get_status_code(), self._headers, b"".join(self._body))
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(answer)

    def _end(self, error: Exception) -> None:
        self.is_open = False
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(error)

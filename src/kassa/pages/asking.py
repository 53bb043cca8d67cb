"""One question to an ASGI application in this process, and its whole answer, by nothing but the ASGI specification
(asgi.readthedocs.io, HTTP & WebSocket message format)."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote, urlencode

Query = Mapping[str, str | int | Sequence[str]]

_HOST = "shop.internal"


class Answer(NamedTuple):
    """What was answered: the names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


class _Exchange:
    """What the application reads from and writes to."""

    def __init__(self, content: bytes) -> None:
        self._content: bytes | None = content
        self._is_over = asyncio.Event()
        self._pieces: list[bytes] = []
        self._status = 500  # what a server answers for an application that fails
        self._headers: Iterable[tuple[bytes, bytes]] = ()

    async def receive(self) -> dict[str, Any]:
        if self._content is None:
            await self._is_over.wait()
            return {"type": "http.disconnect"}
        content, self._content = self._content, None
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self._status, self._headers = message["status"], message.get("headers", ())
            return
        self._pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            self._is_over.set()

    def answer(self) -> Answer:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in self._headers}
        return Answer(self._status, headers, b"".join(self._pieces))


async def ask(
    app: Any, ip: str, method: str, path: str, headers: Mapping[bytes, bytes], query: Query, content: bytes | None
) -> Answer:
    """The application's answer to the caller at this address. `path` is quoted as in a URL; the names of `headers` are
    in lower case. What the application raises is raised."""
    sent = [(b"host", _HOST.encode()), *headers.items()]
    if content is not None:
        kind = () if b"content-type" in headers else ((b"content-type", b"application/json"),)
        sent += [*kind, (b"content-length", b"%d" % len(content))]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": urlencode(query, doseq=True).encode(),
        "root_path": "",
        "headers": sent,
        "client": (ip, 0),
        "server": (_HOST, None),
    }
    exchange = _Exchange(content or b"")
    await app(scope, exchange.receive, exchange.send)
    return exchange.answer()

"""Just enough of ASGI for the sandbox: a request, an answer, a connection cut off."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
MAX_BODY = 1024 * 1024


class BodyTooLarge(Exception):
    """The request's body is over 1 MiB."""


@dataclass(frozen=True)
class Request:
    """A request whose body has been read; header names are lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass
class Answer:
    """What goes back. `cuts_connection` closes the connection instead, without a word."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    cuts_connection: bool = False


async def read_request(scope: Scope, receive: Receive) -> Request:
    """Read a whole request. Raises `BodyTooLarge`."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= MAX_BODY:
            chunks.append(chunk)  # the rest is read and thrown away, so that the answer can be heard
        if not message.get("more_body", False):
            break
    if size > MAX_BODY:
        raise BodyTooLarge
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        # RFC 9110, 5.5 and 5.3: white space around a value is no part of it, and several lines are one list.
        text = value.decode("latin-1").strip(" \t")
        known = headers.get(name.decode("latin-1"))
        headers[name.decode("latin-1")] = text if known is None else f"{known}, {text}"
    return Request(
        method=scope["method"],
        path=unquote(scope["path"]),
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=b"".join(chunks),
    )


async def send_answer(answer: Answer, send: Send) -> None:
    """Send an answer, or cut the connection."""
    if answer.cuts_connection:
        _cut(send)
        return
    headers = [
        (b"content-type", answer.content_type.encode("latin-1")),
        (b"content-length", str(len(answer.body)).encode()),
        *((name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


class ConnectionCut(Exception):
    """The server's transport could not be reached; the server closes the connection because of this."""


def _cut(send: Send) -> None:
    # ASGI has no word for this: uvicorn's `send` is a method of the object that holds the transport.
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionCut
    transport.abort()

"""Asks an ASGI application without a server, and shows what an application behind a door was given."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kassa.gateway.arrival import App, Message, Receive, Scope, Send
from kassa.kit.wire import request_id, trace_parent


@dataclass
class Answer:
    """An answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of the problem that this answer is."""
        assert self.headers["content-type"] == "application/problem+json"
        assert self.document["status"] == self.status
        return str(self.document["code"])


async def ask(
    app: App,
    path: str = "/products",
    method: str = "GET",
    headers: dict[str, str] | list[tuple[str, str]] | None = None,
    pieces: Sequence[bytes] = (b"",),
    client: str = "192.0.2.1",
) -> Answer:
    """One request, its body in pieces. Headers are given as pairs where a name comes twice."""
    left = list(pieces)

    async def receive() -> Message:
        piece = left.pop(0) if left else b""
        return {"type": "http.request", "body": piece, "more_body": bool(left)}

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    lines = headers if isinstance(headers, list) else list((headers or {}).items())
    given = [(name.lower().encode(), value.encode("latin-1")) for name, value in lines]
    plain, _, query = path.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "path": plain,
        "query_string": query.encode("latin-1"),
        "headers": given,
        "client": (client, 50_000),
        "scheme": "http",
    }
    await app(scope, receive, send)
    start = sent[0]
    received: dict[str, str] = {}
    for name, value in start["headers"]:
        text = value.decode("latin-1")
        received[name.decode().lower()] = ", ".join(filter(None, (received.get(name.decode().lower()), text)))
    return Answer(start["status"], received, b"".join(message.get("body", b"") for message in sent[1:]))


class Echo:
    """Answers with what it was given; `headers` are its own."""

    def __init__(self, headers: dict[str, str] | None = None) -> None:
        self.asked = 0
        self._headers = headers or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        size, more = 0, True
        while more:
            message = await receive()
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
        seen = {
            "headers": {name.decode(): value.decode("latin-1") for name, value in scope["headers"]},
            "client": scope["client"][0],
            "request_id": request_id.get(),
            "trace_parent": trace_parent.get(),
            "size": size,
        }
        own = [(name.encode(), value.encode()) for name, value in self._headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": own})
        await send({"type": "http.response.body", "body": json.dumps(seen).encode()})

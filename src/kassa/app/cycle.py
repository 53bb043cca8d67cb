"""A request and its answer on uvicorn's protocol, with a straight way for the answer that nearly all are."""

import re
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

# What no header field may have in it (RFC 9110, 5.5), lines being ended by CR and LF.
_UNSOUND = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Cycle(RequestResponseCycle):
    """uvicorn's, but for an answer of a length that is told. Its head waits for the body, and both are one call of the
    system; uvicorn looks through each field twice, and the two writes are two packets. Everything else goes uvicorn's
    way: answers to HEAD, of unknown length, in pieces, with a field about the connection, or that are wrong."""

    _head: bytes | None = None

    async def send(self, message: Any) -> None:
        """See ASGI."""
        if self._head is not None:
            await self._send_body(message, self._head)
            return
        is_first = message["type"] == "http.response.start" and not self.response_started and not self.disconnected
        head = self._head_of(message) if is_first else None
        if head is None:
            await super().send(message)
            return
        self.response_started = True
        self.waiting_for_100_continue = False
        self.chunked_encoding = False
        self._head = head

    async def _send_body(self, message: Any, head: bytes) -> None:
        self._head = None
        body = message.get("body", b"")
        is_whole = message["type"] == "http.response.body" and not message.get("more_body")
        if not is_whole or len(body) != self.expected_content_length or self.flow.write_paused:
            if not self.disconnected:
                self.transport.write(head)
            await super().send(message)
            return
        self.response_complete = True
        self.message_event.set()
        if not self.disconnected:
            self.transport.write(head + body)
            if not self.keep_alive:
                self.transport.close()
        self.on_response()

    def _head_of(self, message: Any) -> bytes | None:
        """The whole head; None if it is for uvicorn."""
        parts = [STATUS_LINE[message["status"]]]
        length = None
        for name, value in (*self.default_headers, *message.get("headers", ())):
            name = name.lower()
            if name == b"content-length":
                length = int(value)
            elif name in (b"connection", b"transfer-encoding"):
                return None
            parts += (name, b": ", value, b"\r\n")
        if length is None or self.scope["method"] == "HEAD":
            return None
        lines = (len(parts) - 1) // 4 + (2 if self.keep_alive else 3)
        parts.append(b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n")
        head = b"".join(parts)
        if head.count(b"\n") != lines or _UNSOUND.search(head):
            return None
        self.expected_content_length = length
        return head

"""HTTP on one connection, with limits: uvicorn's protocol on httptools has none. The parser, in C, collects a header of
any size before anybody in Python hears of it; so what comes is counted where it comes in."""

import asyncio
import re
from itertools import chain
from math import inf
from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from kassa.app.connections import Connections
from kassa.app.cycle import Cycle
from kassa.gateway.arrival import too_large
from kassa.kit.clock import SystemClock
from kassa.kit.household import household
from kassa.kit.ids import REQUEST, Ids
from kassa.kit.problem import Problem, UnknownVerb
from kassa.kit.web import MAX_BODY, PROBLEM_JSON, most_bytes
from kassa.kit.wire import encode

LINGER_SECONDS = 2.0
_PIECE = 16 * 1024
# RFC 9112, 3: a method is any token (RFC 9110, 5.6.2).
_REQUEST_LINE = re.compile(rb"[!#$%&'*+.^_`|~\w-]+ [!-~]+ HTTP/1\.[01]\r?\n", re.ASCII)

_ids = Ids(SystemClock())


class NotHttp(Problem):
    """What came is no request of HTTP/1.1."""

    code, title, status = "malformed_http", "This is no HTTP request that can be read", 400


class TooSlow(Problem):
    """The request did not come to its end in time; nothing was done."""

    code, title, status = "request_timeout", "The request took too long to come", 408


class HeaderTooLarge(Problem):
    """The request line and the header fields are over the limit."""

    code, title, status = "header_too_large", "The request line and the header fields are too large", 431


class TooManyConnections(Problem):
    """This address, or this process, has as many connections as it may."""

    code, title, status = "too_many_connections", "Too many connections; use those that are open", 503

    def __init__(self) -> None:
        super().__init__(retryAfter=1)


class BoundedProtocol(HttpToolsProtocol):
    """One connection. `household` is whose it is; empty if nobody counts it."""

    household = ""

    def __init__(self, connections: Connections, **given: Any) -> None:
        super().__init__(**given)
        self._shared = connections
        self._bounds = connections.bounds
        self._is_in_head = self._is_in_body = self._is_deaf = False
        self._came = self._turns = 0
        self._most = self._bounds.request_bytes
        self._why: Problem | None = None
        self._due = self._writing_until = self._gone_by = inf

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody has come."""
        super().connection_made(transport)
        self._due = self.loop.time() + self._bounds.head_seconds
        address = self.client[0] if self.client else ""
        if address and not self._bounds.trusted.is_trusted(address):
            self.household = household(address)
        if not self._shared.take(self):
            self._refuse(TooManyConnections())
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed."""
        self._shared.drop(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes; the parser is fed with no more of them at once than can be counted."""
        if self._shared.waiting.pop(self, self) is None:
            self._due = inf
        if len(data) <= _PIECE:
            self._feed(data)
        else:
            for start in range(0, len(data), _PIECE):
                self._feed(data[start : start + _PIECE])
        if self._due == inf and not self._is_busy():
            self._due = self.loop.time() + self._bounds.head_seconds  # for what may stand before a request

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._is_in_head = True
        self._turns += 1
        self._due = self.loop.time() + self._bounds.head_seconds

    def on_headers_complete(self) -> None:
        """The head is whole: from here on there is a request."""
        bounds = self._bounds
        size = len(self.url) + sum(map(len, chain.from_iterable(self.headers)))
        if len(self.headers) > bounds.head_lines or size > bounds.head_bytes:
            self._why = self._header_too_large()
            raise self._why
        method = self.parser.get_method().decode()
        self._most = bounds.request_bytes * most_bytes(method, self.url.decode("latin-1")) // MAX_BODY
        is_next = not self._has_to_answer()
        answer = self._shared.turn_away(method, self.url, self.headers) if is_next else None
        if answer is not None:
            self._turn_away(answer)
        else:
            super().on_headers_complete()
            self.cycle.__class__ = Cycle  # It has not begun; uvicorn has no way to name another class.
        self.headers = _Forgotten()  # What comes as a trailer is no header field (RFC 9110, 6.5.1).
        if self.parser.should_upgrade():
            self.cycle.keep_alive = False  # To nothing; but the parser cannot tell where the next request begins.
        self._is_in_head, self._is_in_body = False, True
        self._turns += 1
        self._due = self.loop.time() + bounds.body_seconds

    def on_message_complete(self) -> None:
        """The request is whole."""
        super().on_message_complete()
        self._is_in_body = False
        self._due = inf
        self._rest()

    def on_response_complete(self) -> None:
        """The answer was given. uvicorn would set a clock for each connection that rests; here all are looked at."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self._rest()

    def pause_writing(self) -> None:
        """Who is answered does not read."""
        super().pause_writing()
        self._writing_until = self.loop.time() + self._bounds.answer_seconds

    def resume_writing(self) -> None:
        """It goes on."""
        super().resume_writing()
        self._writing_until = inf

    def look(self, now: float) -> None:
        """End what takes too long."""
        if self.transport.is_closing():
            self._gone_by = min(self._gone_by, now + LINGER_SECONDS)
        if now >= min(self._gone_by, self._writing_until):
            self.transport.abort()
        elif now >= self._due and not self.flow.read_paused and not self._is_deaf:
            if self._is_in_head or self._is_in_body:
                self._refuse(TooSlow())
            else:
                self.transport.close()

    def give_way(self) -> None:
        """Another one needs the place."""
        self.transport.close()

    def _feed(self, data: bytes) -> None:
        if self._is_deaf or self.transport.is_closing():
            return
        before = self._turns
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass
        except httptools.HttpParserInvalidMethodError:
            # The parser says the same of what is no request at all.
            self._refuse(UnknownVerb() if _REQUEST_LINE.match(data) else NotHttp())
            return
        except httptools.HttpParserError:
            self._refuse(self._why or NotHttp())
            return
        # Of a head or body that has begun within `data` nothing is counted yet.
        self._came = self._came + len(data) if before == self._turns else 0
        if self._is_in_head and self._came > self._bounds.head_bytes:
            self._refuse(self._header_too_large())
        elif self._is_in_body and self._came > self._most:
            self._refuse(too_large())

    def _rest(self) -> None:
        """Wait for the next request, for a while, if there is nothing left to do."""
        if not self._is_busy():
            self._due = self.loop.time() + self.timeout_keep_alive
            self._shared.waiting[self] = None

    def _is_busy(self) -> bool:
        return self._is_in_head or self._is_in_body or self._has_to_answer()

    def _turn_away(self, answer: bytes) -> None:
        """Answer at once; a body that is still to come is heard, and forgotten."""
        self.cycle = cast(RequestResponseCycle, _TurnedAway())
        self.transport.write(answer)
        if self.parser.get_http_version() == "1.1" and self.parser.should_keep_alive():
            self.on_response_complete()
        else:
            self.transport.close()

    def _has_to_answer(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _header_too_large(self) -> Problem:
        bounds = self._bounds
        return HeaderTooLarge(f"send at most {bounds.head_bytes} bytes, at most {bounds.head_lines} header lines")

    def _refuse(self, problem: Problem) -> None:
        """Hear no more, say why unless an answer is on its way, and close."""
        self._is_deaf = True
        self._shared.note(problem.code, self.household)
        if self._is_in_body and (self.cycle.response_started or self.pipeline):
            self.transport.close()  # Answered before it had come; or half of it.
            return
        if self._has_to_answer():
            if not self._is_in_body:
                self.cycle.keep_alive = False  # The one before it is answered first; then the connection is closed.
                return
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.write(_answer(problem))
        # Who is still sending would not hear the answer, if the connection were closed at once.
        self._gone_by = self.loop.time() + LINGER_SECONDS
        self.transport.write_eof()


class _TurnedAway:
    """In place of a request's cycle: it has its answer."""

    keep_alive = response_started = response_complete = True


class _Forgotten(list[tuple[bytes, bytes]]):
    """Keeps nothing."""

    def append(self, _: tuple[bytes, bytes]) -> None:
        """Nothing."""


def _answer(problem: Problem) -> bytes:
    name = _ids.new(REQUEST)
    body = encode(problem.document(name))
    lines = [f"x-request-id: {name}", f"content-type: {PROBLEM_JSON}", f"content-length: {len(body)}"]
    if "retryAfter" in problem.members:
        lines.append(f"retry-after: {problem.members['retryAfter']}")
    return STATUS_LINE[problem.status] + "\r\n".join([*lines, "connection: close", "", ""]).encode() + body

"""What every process does with an arriving request: name it, bound its body, and answer trouble as a problem.

Plain ASGI, for it is on every request's way.
"""

import os
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, TypeAlias

import structlog

from kassa.kit import security
from kassa.kit.ids import REQUEST, Ids
from kassa.kit.problem import Malformed, Problem, TooLarge, Unavailable
from kassa.kit.web import MAX_BODY, PROBLEM_JSON, InternalError, most_bytes
from kassa.kit.wire import encode, request_id, trace_parent

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers: TypeAlias = list[tuple[bytes, bytes]]

MOST_LARGE = 6
"""Of requests with a large body, how many are inside at once: it stays in memory."""

# RFC 9110, 7.6.1, and those that are as old as HTTP/1.0: for the connection, not for us.
HOP_BY_HOP = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)
# Fields that are one value (RFC 9110, 5.5: no list): two of them are two opinions, and a guess would be wrong for one.
_SINGLE = frozenset(
    (
        b"authorization",
        b"content-length",
        b"content-type",
        b"host",
        b"idempotency-key",
        b"origin",
        b"stripe-signature",
    )
)
_OWN = frozenset((b"x-request-id", b"traceparent"))
_SANE_ID = re.compile(rb"[!-~]{1,128}")
_TRACE = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_TOLD = {403: security.FORBIDDEN, 429: security.LIMITED}
_WITHOUT_BODY = frozenset(("GET", "HEAD", "OPTIONS", "DELETE"))

log = structlog.get_logger()


def fields(lines: Headers) -> tuple[dict[bytes, bytes], bytes | None]:
    """What the header's lines mean, by name, and the name of a field that is there twice and must not be.

    The server hands on lines as they came. White space around a value is no part of it (RFC 9110, 5.5), and several
    lines of one name are one list (5.3; cookies are joined in their own way: RFC 6265, 5.4).
    """
    found: dict[bytes, bytes] = {}
    doubled = None
    for name, value in lines:
        text = value.strip(b" \t")
        if name in found:
            if name in _SINGLE:
                doubled = name
            text = (b"; " if name == b"cookie" else b", ").join((found[name], text))
        found[name] = text
    return found, doubled


def names(headers: dict[bytes, bytes], ids: Ids) -> tuple[bytes, bytes]:
    """A request's id and its trace (W3C Trace Context): those that it brings, if they are sound, or new ones."""
    name, trace = headers.get(b"x-request-id"), headers.get(b"traceparent")
    if name is None or not _SANE_ID.fullmatch(name):
        name = ids.name(REQUEST).encode()
    if trace is None or not _TRACE.fullmatch(trace):
        trace = _new_trace()
    return name, trace


class Arrival:
    """An arriving request's header, by name."""

    __slots__ = ("doubled", "headers", "name", "trace")

    def __init__(self, scope: Scope, ids: Ids) -> None:
        self.headers, self.doubled = fields(scope["headers"])
        self.name, self.trace = names(self.headers, ids)
        request_id.set(self.name.decode("ascii"))
        trace_parent.set(self.trace.decode("ascii"))

    def text(self, name: bytes) -> str:
        """A header's text; empty if it was not sent."""
        return self.headers.get(name, b"").decode("latin-1")

    def pass_on(self, scope: Scope, dropped: frozenset[bytes], prefixes: tuple[bytes, ...]) -> None:
        """The request goes on under its name, without these headers and those that begin so."""
        kept = [item for item in self.headers.items() if item[0] not in dropped and not item[0].startswith(prefixes)]
        scope["headers"] = [*kept, (b"x-request-id", self.name), (b"traceparent", self.trace)]


class Door:
    """Lets requests in to `app`. Subclasses say who may enter, and what else an answer carries."""

    forgeable: tuple[bytes, ...] = ()
    """How the headers begin that nobody who comes in by this door may set."""

    def __init__(self, app: App, ids: Ids) -> None:
        self._app = app
        self._ids = ids
        self._large = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "HEAD":
            # RFC 9110, 9.3.2: answered as GET is; the server, which keeps its own scope, leaves the body out.
            scope = {**scope, "method": "GET"}
        arrival = Arrival(scope, self._ids)
        security.is_told.set(False)  # Nothing of this request, whatever was told before it where it is served.
        arrival.pass_on(scope, self._dropped(arrival), self.forgeable)
        has_started = False
        if b"expect" in arrival.headers:
            receive, send = _closing_if_unread(receive, send)

        async def answer(message: Message) -> None:
            nonlocal has_started
            if message["type"] == "http.response.start":
                has_started = True
                if message["status"] in _TOLD and not security.is_told.get():
                    security.event(_TOLD[message["status"]], method=scope["method"], path=_route(scope))
                message["headers"] = self._with_extras(message["headers"], arrival)
            await send(message)

        try:
            if arrival.doubled is not None:
                raise Malformed(f"send one {arrival.doubled.decode().title()} header, not several")
            enters = await self._admit(scope, arrival, answer)
            if enters:
                await self._enter(scope, arrival, receive, answer)
        except Exception as error:
            if has_started:
                raise
            await send_problem(answer, _as_problem(error))

    def _most(self, scope: Scope) -> int:
        """How many bytes the request's body may have."""
        return most_bytes(scope["method"], scope["path"])

    async def _enter(self, scope: Scope, arrival: Arrival, receive: Receive, send: Send) -> None:
        most = self._most(scope)
        bounded = _bounded(scope, arrival, receive, most)
        declared = arrival.headers.get(b"content-length")
        if most == MAX_BODY or (declared is not None and int(declared) <= MAX_BODY):
            await self._app(scope, bounded, send)
            return
        if self._large >= MOST_LARGE:
            raise Unavailable("others are sending pictures just now; send yours again in a moment")
        self._large += 1
        try:
            await self._app(scope, bounded, send)
        finally:
            self._large -= 1

    def _dropped(self, arrival: Arrival) -> frozenset[bytes]:
        """The headers that do not go on; the names among them are put back anew."""
        return _OWN

    async def _admit(self, scope: Scope, arrival: Arrival, send: Send) -> bool:
        """Whether the request goes on to the application; False if it was answered here. Raises problems."""
        return True

    def _extras(self, arrival: Arrival) -> Iterable[tuple[bytes, bytes]]:
        """Headers for the answer; what the application has set itself stays."""
        return ((b"x-request-id", arrival.name), (b"traceparent", arrival.trace))

    def _with_extras(self, headers: Iterable[tuple[bytes, bytes]], arrival: Arrival) -> Headers:
        given = list(headers)
        names = {name.lower() for name, _ in given}
        # `Vary` adds to what is there; everything else is the application's to say first.
        given.extend(item for item in self._extras(arrival) if item[0] not in names or item[0] == b"vary")
        return given


def _route(scope: Scope) -> str:
    """Which route was asked for, without anything that the client made up."""
    return str(scope.get("path_template", ""))


def _closing_if_unread(receive: Receive, send: Send) -> tuple[Receive, Send]:
    """Close the connection with an answer that comes before the client was told to go on (`Expect: 100-continue`).

    It need not send the body any more (RFC 9110, 10.1.1): the next request would be taken for it.
    """
    is_read = False

    async def noted() -> Message:
        nonlocal is_read
        is_read = True
        return await receive()

    async def closing(message: Message) -> None:
        if message["type"] == "http.response.start" and not is_read:
            message["headers"] = [*message["headers"], (b"connection", b"close")]
        await send(message)

    return noted, closing


def _bounded(scope: Scope, arrival: Arrival, receive: Receive, most: int) -> Receive:
    """The same body, but TooLarge as soon as it is over the limit."""
    declared = arrival.headers.get(b"content-length")
    if declared is not None:
        # The server's parser sees to it that no more comes than was declared.
        if not declared.isdigit() or int(declared) > most:
            raise too_large(most)
        return receive
    if scope["method"] in _WITHOUT_BODY and b"transfer-encoding" not in arrival.headers:
        return receive
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > most:
            raise too_large(most)
        return message

    return counted


async def whole_body(receive: Receive) -> tuple[bytes, Receive]:
    """The body, and the same messages once more."""
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    waiting = iter(list(messages))

    async def again() -> Message:
        message = next(waiting, None)
        return message if message is not None else await receive()

    return b"".join(each.get("body", b"") for each in messages), again


def too_large(most: int = MAX_BODY) -> TooLarge:
    """The body is over the limit."""
    return TooLarge(f"send at most {most} bytes")


async def send_problem(send: Send, problem: Problem, more: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """Answer with the problem's document, and `more` headers."""
    body = encode(problem.document(request_id.get()))
    headers = [
        *more,
        (b"content-type", PROBLEM_JSON.encode()),
        (b"content-length", str(len(body)).encode()),
    ]
    if "retryAfter" in problem.members:
        headers.append((b"retry-after", str(problem.members["retryAfter"]).encode()))
    if problem.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _as_problem(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    log.exception("unexpected error", exc_info=error)
    return InternalError()


def _new_trace() -> bytes:
    number = os.urandom(24).hex()
    return f"00-{number[:32]}-{number[32:]}-01".encode()

"""The straight way: what is asked most often is answered without the web framework's routing, reading and writing.

The handlers are the framework's own, with all that is declared of them; only the way to them is another one. It is for
requests of the plain form that nearly all have. Whatever looks different in any way goes the long way, so that there is
one place alone that says what is wrong with a request (ADR 42).
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, get_type_hints

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from kassa.gateway.arrival import App, Receive, Scope, Send, too_large
from kassa.kit.problem import Malformed, Problem
from kassa.kit.web import MAX_BODY, on_bug, problem_response

STRAIGHT = frozenset(
    (
        "GET /health",
        "POST /orders",
        "POST /quotes",
        "GET /orders/{order_id}",
        "POST /payments/create-session",
        "POST /payments/webhook",
        "POST /webhook",
        "GET /products",
        # What the console's first page asks for, all at once.
        "GET /auth/verify",
        "GET /orders/admin/attention",
        "GET /orders/admin/analytics/orders",
        "GET /orders/admin/analytics/sales",
        "GET /payments/admin/attention",
        "GET /payments/admin/events",
        "GET /payments/admin/disputes",
        "GET /payments/admin/unclaimed",
        "GET /payments/admin/analytics/payments",
        "GET /inventory/admin/analytics/inventory",
        "GET /events/endpoints",
    )
)
"""Which of the public endpoints; of those between services, all."""

_PLAIN_ID = "[a-z]{2,4}_[0-9A-Za-z]{4,64}"
_PLAIN_HOST = re.compile(rb"[A-Za-z0-9]{1,63}(?:[.-][A-Za-z0-9]{1,63}){0,9}(?::[0-9]{1,5})?")
_PLAIN_TEXT = re.compile(r"[A-Za-z0-9_.~-]+")
_PLAIN_WHOLE = re.compile(r"0|[1-9][0-9]{0,8}")
_LONGEST_QUERY = 256
_REMEMBERED = 1024
_FEW = 64
NO_CONTENT = 204
_TRUTHS = {"true": True, "false": False}

Handle = Callable[..., Awaitable[Response[Any]]]


class PlainRequest:
    """Of the framework's request, what those handlers ask of it."""

    __slots__ = ("_body", "_receive", "app", "method", "scope")

    def __init__(self, scope: Scope, receive: Receive, app: Any) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.app = app
        self._receive = receive
        self._body: bytes | None = None

    @property
    def url(self) -> Any:
        """What was asked for."""
        return SimpleNamespace(path=self.scope["path"])

    @property
    def client(self) -> Any:
        """Who asks: an address."""
        client = self.scope["client"]
        return SimpleNamespace(host=client[0], port=client[1]) if client else None

    async def body(self) -> bytes:
        """The whole body. TooLarge, or Malformed if the client goes away before."""
        if self._body is None:
            message = await self._receive()
            body, pieces = message.get("body", b""), []
            while message.get("more_body", False):
                pieces.append(body)
                message = await self._receive()
                body = message.get("body", b"")
                if sum(map(len, pieces)) + len(body) > MAX_BODY:
                    raise too_large()
            if message["type"] == "http.disconnect":
                raise Malformed("the body did not come to its end")
            self._body = b"".join((*pieces, body))
        return self._body


class _Way:
    """One endpoint: which handler, with which of a query's parameters."""

    def __init__(self, handler: HTTPRouteHandler, template: str) -> None:
        self.template = template
        self.status = handler.status_code
        self.handle: Handle = handler.fn
        hints = get_type_hints(handler.fn, include_extras=True)
        hints.pop("return", None)
        self.takes_request = hints.pop("request", None) is not None
        in_path = re.findall(r"\{(\w+)\}", template)
        self.takes_path = bool(in_path) and in_path[0] in hints
        self._parameters = dict(_parameter(name, hint) for name, hint in hints.items() if name not in in_path)
        self.query = lru_cache(_REMEMBERED)(self._read) if self._parameters else None

    def _read(self, query: bytes) -> Mapping[str, Any] | None:
        """The arguments that a plain query stands for; None for any other."""
        found: dict[str, Any] = {}
        for part in query.decode("latin-1").split("&"):
            name, _, text = part.partition("=")
            known = self._parameters.get(name)
            value = known and known[1](text)
            if known is None or value is None or known[0] in found:
                return None
            found[known[0]] = value
        return found


class Straight:
    """Answers what it can, and leaves the rest to `app`. `state` is what handlers find there."""

    def __init__(self, app: App, handlers: Iterable[Any], state: Mapping[str, Any]) -> None:
        self._app = app
        self._place = SimpleNamespace(state=state)
        self._exact: dict[tuple[str, str], _Way] = {}
        self._by_id: dict[str, list[tuple[re.Pattern[str], _Way]]] = {}
        for handler in handlers:
            for path in handler.paths:
                self._add(handler, re.sub(r":\w+\}", "}", f"/{path.strip('/')}"))

    def _add(self, handler: HTTPRouteHandler, template: str) -> None:
        (method,) = handler.http_methods
        way = _Way(handler, template)
        if "{" in template:
            pattern = re.compile(re.sub(r"\{(\w+)\}", rf"(?P<\1>{_PLAIN_ID})", template))
            self._by_id.setdefault(method, []).append((pattern, way))
        else:
            self._exact[method, template] = way

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        found = self._found(scope) if scope["type"] == "http" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        way, arguments = found
        scope["path_template"] = way.template
        request: Any = PlainRequest(scope, receive, self._place)
        if way.takes_request:
            arguments["request"] = request
        try:
            response = await way.handle(**arguments)
        except Problem as problem:
            response = problem_response(problem)
        except Exception as error:
            response = on_bug(request, error)
        await _answer(response, way.status, send)

    def _found(self, scope: Scope) -> tuple[_Way, dict[str, Any]] | None:
        """The way, and what its handler is given; None if this is not for here."""
        method, path = scope["method"], scope["path"]
        in_path: dict[str, Any] = {}
        way = self._exact.get((method, path))
        if way is None:
            for pattern, candidate in self._by_id.get(method, ()):
                if match := pattern.fullmatch(path):
                    way, in_path = candidate, match.groupdict()
                    break
            else:
                return None
        if not _is_host_plain(scope) or scope.get("root_path"):
            return None
        scope["path_params"] = in_path
        arguments = dict(in_path) if way.takes_path else {}
        query = scope["query_string"]
        if query and way.query is not None:
            read = way.query(query) if len(query) <= _LONGEST_QUERY else None
            if read is None:
                return None
            arguments |= read
        return way, arguments


def straight(handlers: Iterable[Any]) -> list[Any]:
    """Those of the handlers that STRAIGHT names."""
    return [each for each in handlers if isinstance(each, HTTPRouteHandler) and not _names(each).isdisjoint(STRAIGHT)]


def _names(handler: HTTPRouteHandler) -> set[str]:
    paths = {re.sub(r":\w+\}", "}", f"/{path.strip('/')}") for path in handler.paths}
    return {f"{method} {path}" for method in handler.http_methods for path in paths}


def _is_host_plain(scope: Scope) -> bool:
    for name, value in scope["headers"]:
        if name == b"host":
            return _is_plain(value)
    return True


@lru_cache(_FEW)
def _is_plain(host: bytes) -> bool:
    return _PLAIN_HOST.fullmatch(host) is not None


def _parameter(name: str, hint: Any) -> tuple[str, tuple[str, Callable[[str], Any]]]:
    """How a parameter is called in a query, and as an argument; and how its text is read: None if it is not plain."""
    kind, marks = hint.__origin__, hint.__metadata__
    sent = next((each.name for each in marks if isinstance(each, QueryParameter) and each.name), name)
    readers: dict[Any, Callable[[str], Any]] = {int: _whole, int | None: _whole, bool: _TRUTHS.get}
    read = readers.get(kind, _text)
    return sent, (name, read)


def _whole(text: str) -> int | None:
    return int(text) if _PLAIN_WHOLE.fullmatch(text) else None


def _text(text: str) -> str | None:
    return text if _PLAIN_TEXT.fullmatch(text) and text.lower() != "null" else None


async def _answer(response: Response[Any], status: int, send: Send) -> None:
    media_type = str(response.media_type or "application/json")
    body = response.render(response.content, media_type)
    status = response.status_code or status
    # What has no content has no length of it either (RFC 9110, 8.6).
    of_content = [(b"content-type", media_type.encode("ascii")), (b"content-length", b"%d" % len(body))]
    headers = [
        *(of_content if status != NO_CONTENT else ()),
        *((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

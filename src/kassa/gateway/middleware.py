"""The gateway: the only public door. Routing aside, all that happens to a request before a service sees it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from kassa.contracts.auth import Auth
from kassa.contracts.events import Events
from kassa.contracts.facts import Facts
from kassa.contracts.inventory import Inventory
from kassa.contracts.order import Orders
from kassa.contracts.payment import Payments
from kassa.contracts.product import Product
from kassa.contracts.stock_notices import StockNotices
from kassa.gateway.acts import ASKER, is_noted
from kassa.gateway.arrival import HOP_BY_HOP, App, Arrival, Door, Message, Receive, Scope, Send
from kassa.gateway.limits import Addresses, Limiter, cost_of
from kassa.kit import security
from kassa.kit.access import API
from kassa.kit.household import household
from kassa.kit.identity import Principal, TokenVerifier
from kassa.kit.ids import Ids
from kassa.kit.patience import waited_in_vain
from kassa.kit.problem import Forbidden, Malformed, NotFound, TooManyRequests, Unauthenticated, Unavailable
from kassa.kit.web import MAX_BODY
from kassa.kit.wire import endpoints

CONTRACTS: tuple[type, ...] = (Auth, Product, Inventory, Orders, Events, Facts, StockNotices, Payments)
# Health answers probes, and Stripe would count a 429 as a failed delivery.
_UNLIMITED = frozenset(("/health", "/ready", "/payments/webhook", "/webhook"))
# Whoever asks for these has no valid token yet, or not any more.
_FOR_STRANGERS = frozenset(
    (
        "/auth/register",
        "/auth/login",
        "/auth/login/second-factor",
        "/auth/refresh",
        "/auth/logout",
        "/auth/password/forgotten",
        "/auth/password/reset",
        *_UNLIMITED,
    )
)
_REGISTRATION = "/auth/register"
_WITHDRAWALS = "/withdrawals"
_NOTICES = "/stock-notices"
MOST_PARAMETERS = 100
LONGEST_QUERY = 8 * 1024
MOST_COOKIES = 200
# RFC 3986, 3.2.2 and 3.2.3: a name or an address, and a port.
_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._~%-]{1,255})(?::[0-9]{0,5})?")
_ENDING = frozenset(("POST", "DELETE"))
_DROPPED = HOP_BY_HOP | {b"x-request-id", b"traceparent"}

_PREFLIGHT: tuple[tuple[bytes, bytes], ...] = (
    (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE"),
    (
        b"access-control-allow-headers",
        b"Authorization, Content-Type, Idempotency-Key, X-Request-Id, traceparent",
    ),
    (b"access-control-max-age", b"600"),
)
_EXPOSED = (
    b"access-control-expose-headers",
    b"X-Request-Id, Retry-After, Idempotent-Replayed, traceparent",
)
_SECURITY: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
_HTTPS_ONLY = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
_PRIVATE = (b"cache-control", b"no-store")


@dataclass(frozen=True)
class Rules:
    """How strict the door is. None instead of a limiter: no limit."""

    limiter: Limiter | None = None
    registrations: Limiter | None = None
    statements: Limiter | None = None
    notices: Limiter | None = None
    addresses: Addresses = field(default_factory=Addresses)
    origins: frozenset[str] = frozenset()
    is_https: bool = False


class Gateway(Door):
    """Cleans headers, checks tokens, limits rates, hides what is between services; then `app` answers."""

    # What outsiders could pretend to be one of us with.
    forgeable = (b"x-internal-", b"x-user-")

    def __init__(self, app: App, ids: Ids, verifier: TokenVerifier, rules: Rules) -> None:
        super().__init__(app, ids)
        self._verifier = verifier
        self._rules = rules
        self._hidden = _hidden_paths()
        self._security = security_headers(rules.is_https)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. What may end a session is known here before its answer is."""
        if scope["type"] == "http" and scope["method"] in _ENDING and scope["path"].lstrip("/").startswith("auth/"):
            send = self._expecting_ends(send)
        await super().__call__(scope, receive, send)

    def _expecting_ends(self, send: Send) -> Send:
        async def answer(message: Message) -> None:
            self._verifier.expect_ends()
            await send(message)

        return answer

    def _most(self, scope: Scope) -> int:
        """Large bodies are for staff and programs; the console's pages find out themselves who comes."""
        is_known = ASKER in scope or scope["path"].startswith("/console/")
        return super()._most(scope) if is_known else MAX_BODY

    def _dropped(self, arrival: Arrival) -> frozenset[bytes]:
        named = arrival.headers.get(b"connection", b"close")
        if named in (b"keep-alive", b"close"):
            return _DROPPED
        return _DROPPED.union(part.strip().lower() for part in named.split(b","))

    async def _admit(self, scope: Scope, arrival: Arrival, send: Send) -> bool:
        _check_header(scope, arrival)
        rules, path = self._rules, _plain(scope["path"])
        peer = scope["client"] or ("", 0)
        address = rules.addresses.client(peer[0], arrival.text(b"x-forwarded-for"))
        scope["client"] = (address, peer[1])
        security.source.set(address)
        if self._is_preflight(scope, arrival):
            await self._answer_preflight(arrival, send)
            return False
        principal = await self._principal(scope, path, arrival, address)
        if principal is not None and is_noted(principal):
            scope[ASKER] = principal
        if path not in _UNLIMITED:
            self._limit(scope, path, principal, address)
        if self._hidden.fullmatch(path):
            raise NotFound("there is nothing at this path")
        return True

    async def _principal(self, scope: Scope, path: str, arrival: Arrival, address: str) -> Principal | None:
        """Who asks; None for a stranger. A token that is no good is refused here, before it costs a service; it counts
        as a stranger's request, and of whoever may make none at this moment only known tokens are looked at."""
        authorization = arrival.headers.get(b"authorization")
        if authorization is None or path in _FOR_STRANGERS or authorization[:7].lower() != b"bearer ":
            return None
        text, limiter = authorization.decode("latin-1"), self._rules.limiter
        if limiter is not None and not self._verifier.knows(text) and (wait := limiter.wait(household(address))):
            raise TooManyRequests(wait)
        try:
            return await self._verifier.principal(text)
        except Unavailable:
            # The service asks for itself, and says so; it need not wait as long as was waited here.
            waited_in_vain()
            return None
        except Unauthenticated:
            if _is_of_api(path):
                self._limit(scope, path, None, address)
                raise
            return None

    def _limit(self, scope: Scope, path: str, principal: Principal | None, address: str) -> None:
        rules = self._rules
        if rules.limiter is not None:
            # Anybody can make up a guest's token.
            key = household(address) if principal is None or principal.is_guest else principal.id
            # A page asks the API itself, through this door.
            cost = cost_of(scope["query_string"]) if _is_of_api(path) else 1
            if wait := rules.limiter.retry_after(key, cost):
                raise TooManyRequests(wait)
        limiters = {_REGISTRATION: rules.registrations, _WITHDRAWALS: rules.statements, _NOTICES: rules.notices}
        scarce = limiters.get(path)
        if scarce is not None and scope["method"] == "POST" and (wait := scarce.retry_after(household(address))):
            raise TooManyRequests(wait)

    def _is_preflight(self, scope: Scope, arrival: Arrival) -> bool:
        asks = scope["method"] == "OPTIONS" and b"access-control-request-method" in arrival.headers
        return asks and bool(self._rules.origins)

    async def _answer_preflight(self, arrival: Arrival, send: Send) -> None:
        if not self._allowed_origin(arrival):
            raise Forbidden("this origin may not call; CORS_ORIGINS names those that may")
        await send({"type": "http.response.start", "status": 204, "headers": list(_PREFLIGHT)})
        await send({"type": "http.response.body", "body": b""})

    def _allowed_origin(self, arrival: Arrival) -> bytes | None:
        origin = arrival.headers.get(b"origin")
        if origin is None:
            return None
        origins = self._rules.origins
        return origin if "*" in origins or origin.decode("latin-1") in origins else None

    def _extras(self, arrival: Arrival) -> Iterable[tuple[bytes, bytes]]:
        extras = [*super()._extras(arrival), *self._security]
        if b"authorization" in arrival.headers:
            extras.append(_PRIVATE)
        if self._rules.origins:
            extras.append((b"vary", b"Origin"))
            if origin := self._allowed_origin(arrival):
                extras += [(b"access-control-allow-origin", origin), _EXPOSED]
        return extras


def security_headers(is_https: bool) -> tuple[tuple[bytes, bytes], ...]:
    """What every answer carries that the application has not set itself."""
    return (*_SECURITY, _HTTPS_ONLY) if is_https else _SECURITY


def _check_header(scope: Scope, arrival: Arrival) -> None:
    """Malformed, if whoever is behind this door would have more to do than a request may cost, or would have to guess
    whom it is for (RFC 9112, 3.2)."""
    query, host = scope["query_string"], arrival.headers.get(b"host")
    if len(query) > LONGEST_QUERY or query.count(b"&") >= MOST_PARAMETERS:
        raise Malformed(f"send at most {MOST_PARAMETERS} parameters, in {LONGEST_QUERY} bytes")
    if arrival.headers.get(b"cookie", b"").count(b";") >= MOST_COOKIES:
        raise Malformed(f"send at most {MOST_COOKIES} cookies")
    if (host is None and scope.get("http_version") == "1.1") or (host and not _HOST.fullmatch(host)):
        raise Malformed("send a Host header with the name that you have called")


def _is_of_api(path: str) -> bool:
    return path[1:].split("/", 1)[0] in API


def _plain(path: str) -> str:
    """The path as routers see it: no empty parts, no slash at the end."""
    if "//" in path:
        path = re.sub("/{2,}", "/", path)
    return path.rstrip("/") or "/"


def _hidden_paths() -> re.Pattern[str]:
    """The endpoints between services, told from the contracts; and the metrics."""
    paths = [each.mark.path for contract in CONTRACTS for each in endpoints(contract) if each.mark.callers]
    return re.compile("|".join(re.sub(r"\{\w+\}", "[^/]+", path) for path in (*paths, "/metrics")))

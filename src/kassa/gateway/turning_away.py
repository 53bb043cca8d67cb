"""Turning away: the answer to a request that is refused as soon as its header has come.

At several times the load that a process can carry it refuses several times as much as it answers. Each refusal that
costs as much as a part of an order is taken from the orders; so these are bytes that are ready but for the names.
"""

import msgspec

from kassa.gateway.arrival import Headers, fields, names
from kassa.gateway.middleware import security_headers
from kassa.gateway.shedding import Overloaded, Shedding
from kassa.kit.ids import Ids
from kassa.kit.web import PROBLEM_JSON
from kassa.kit.wire import encode

# A preflight is no request yet, and the answer to HEAD has no body.
_METHODS = frozenset(("GET", "POST", "PUT", "PATCH", "DELETE"))
_NAME = "-"


class TurningAway:
    """Says which requests are turned away, and with what."""

    def __init__(self, shedding: Shedding, ids: Ids, *, is_https: bool) -> None:
        self._shedding = shedding
        self._ids = ids
        before, _, after = encode(Overloaded(retryAfter=1).document(_NAME)).partition(encode(_NAME))
        self._before, self._after = before, after
        lines = [*security_headers(is_https), (b"content-type", PROBLEM_JSON.encode()), (b"retry-after", b"1")]
        self._head = b"HTTP/1.1 503 Service Unavailable\r\n" + b"".join(b"%b: %b\r\n" % line for line in lines)

    def __call__(self, method: str, target: bytes, headers: Headers) -> bytes | None:
        """The whole answer (RFC 9112) if this request is turned away; None if it may come in, or if whoever sees more
        of it shall say: pages of other origins must be told which may read the answer, and one who waits to be told
        to go on (`Expect`) has not sent a body."""
        path = target.partition(b"?")[0]
        if method not in _METHODS or path[:1] != b"/" or b"%" in path or not path.isascii():
            return None
        given, doubled = fields(headers)
        if doubled or b"origin" in given or b"expect" in given or b"upgrade" in given:
            return None
        if not self._shedding.refuses(method, path.decode("ascii")):
            return None
        name, trace = names(given, self._ids)
        body = self._before + msgspec.json.encode(name.decode("ascii")) + self._after
        return b"%bx-request-id: %b\r\ntraceparent: %b\r\ncontent-length: %d\r\n\r\n%b" % (
            self._head,
            name,
            trace,
            len(body),
            body,
        )

"""Calls to services that run elsewhere: HTTP with kept connections, signed, with a deadline.

aiohttp is imported with the first call: it takes a fifth of a second, and a shop in one process may not need it.
"""

from __future__ import annotations

import math
import ssl
import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from kassa.kit.problem import Unavailable
from kassa.kit.service_keys import ServiceIdentity
from kassa.kit.wire import deadline, request_id, trace_parent

if TYPE_CHECKING:
    import aiohttp

DEADLINE_SECONDS = 10.0
CONNECT_SECONDS = 2.0
# Shorter than a service keeps an idle connection, so that none is used just as it is closed.
IDLE_SECONDS = 15.0


def new_session(trusted: ssl.SSLContext | bool = True) -> aiohttp.ClientSession:
    """Connections to the other services, whose certificates must be `trusted`."""
    import aiohttp

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=256, ssl=trusted, keepalive_timeout=IDLE_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=DEADLINE_SECONDS, connect=CONNECT_SECONDS),
        trust_env=False,
    )


def new_proxying_session(trusted: ssl.SSLContext | bool = True) -> aiohttp.ClientSession:
    """The gateway's connections, on which it passes requests on."""
    from kassa.gateway import proxy

    return proxy.new_session(trusted)


class HttpTransport:
    """Satisfies kit.wire.Transport: calls the service `callee` at `url`, as `identity`."""

    def __init__(
        self, callee: str, url: str, identity: ServiceIdentity, session: Callable[[], aiohttp.ClientSession]
    ) -> None:
        self._callee = callee
        self._url = url.rstrip("/")
        self._identity = identity
        self._session = session

    async def call(self, verb: str, path: str, query: dict[str, list[str]], body: bytes | None) -> tuple[int, bytes]:
        """One call. Unavailable: no answer, so that it is unknown whether it was done."""
        import aiohttp
        from yarl import URL

        headers = self._identity.headers(self._callee)
        if name := request_id.get():
            headers["x-request-id"] = name
        if trace := trace_parent.get():
            headers["traceparent"] = trace
        if body is not None:
            headers["content-type"] = "application/json"
        asked = f"?{urlencode(query, doseq=True)}" if query else ""
        url = URL(f"{self._url}{path}{asked}", encoded=True)
        left = min(DEADLINE_SECONDS, (deadline.get() or math.inf) - time.monotonic())
        if left <= 0:
            raise Unavailable(f"there is no time left to ask the {self._callee} service")
        headers["x-internal-deadline"] = str(int(left * 1000))
        timeout = aiohttp.ClientTimeout(total=left, connect=min(left, CONNECT_SECONDS))
        # aiohttp asks once more by itself when the connection of a GET breaks off; changes are tried again by whoever
        # wants them, the relay above all.
        asking = self._session().request(verb, url, data=body, headers=headers, allow_redirects=False, timeout=timeout)
        try:
            async with asking as answer:
                return answer.status, await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(f"the {self._callee} service did not answer") from error

"""The calls of Stripe's SDK over our own client, and the SDK without what it does for each of them and nobody reads."""

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from importlib import import_module
from typing import Any
from urllib.parse import quote_plus

import msgspec
import stripe

from kassa.kit.peer import Client, Limits, Origin, PeerError, written

MOST_CONNECTIONS = 100
_MOST_QUOTED = 1_000
IDLE_SECONDS = 15.0


class PeerHTTPClient(stripe.HTTPClient):
    """What the SDK sends with. Whom it believes is what the SDK's list of authorities says; `proxy` is the address of
    one to go through."""

    name = "kassa"

    def __init__(self, seconds: float, proxy: str | None) -> None:
        super().__init__()
        self._seconds = seconds
        self._through = proxy
        self._client: Client | None = None

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """One call, whole, within the time. APIConnectionError if there is no answer."""
        try:
            before, target = _parted(url)
            fields = written((name.lower().encode("ascii"), value.encode("latin-1")) for name, value in headers.items())
            body = post_data.encode() if isinstance(post_data, str) else post_data
            client = self._client or self._opened()
            answer = await client.call(method.upper(), _origin(before), target, fields, body, self._seconds)
        except (PeerError, TimeoutError, OSError, ValueError) as error:
            raise _no_answer(error) from error
        found = _Headers((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.fields)
        return answer.body, answer.status, found

    def sleep_async(self, seconds: float) -> Any:
        """Between two tries of the SDK's own."""
        return asyncio.sleep(seconds)

    async def close_async(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()

    def _opened(self) -> Client:
        trusted = ssl.create_default_context(cafile=stripe.ca_bundle_path)
        self._client = Client(trusted, Limits(MOST_CONNECTIONS, IDLE_SECONDS, self._seconds), self._through)
        return self._client


def lighten() -> None:
    """The SDK writes a log line before and after each call, with all that was sent and answered, for a level that no
    log of ours has (see `kassa.app.logs`); it reads each answer by the standard library, at several times the cost;
    and it quotes the same names of parameters, and ids, again and again."""
    requestor: Any = import_module("stripe._api_requestor")
    requestor.log_info = requestor.log_debug = _unread
    requestor.urlencode = _form
    response: Any = import_module("stripe._stripe_response")
    response.json = _Json


class _Headers(dict[str, str]):
    """Fields by name, however it is spelled; given in lower case."""

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())

    def get(self, name: str, default: Any = None) -> Any:
        """The field's text, or the default."""
        return super().get(name.lower(), default)


class _Json:
    """In place of the standard library's module, where the SDK reads answers."""

    @staticmethod
    def loads(text: str, **_: Any) -> Any:
        """What the text says. ValueError if it is no JSON."""
        try:
            return msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError) as error:
            raise ValueError("this is no JSON") from error


def _form(parameters: Iterable[tuple[Any, Any]]) -> str:
    """As the standard library's `urlencode` writes it."""
    return "&".join(f"{_quoted(str(name))}={_quoted(str(value))}" for name, value in parameters)


_quoted = lru_cache(_MOST_QUOTED)(quote_plus)


def _unread(_message: str, **_: Any) -> None:
    """Nobody reads it."""


def _parted(url: str) -> tuple[str, bytes]:
    path = url.index("/", url.index("//") + 2)
    return url[:path], url[path:].encode("ascii")


@cache
def _origin(address: str) -> Origin:
    return Origin.of(address)


def _no_answer(error: Exception) -> Exception:
    kind: Any = stripe.APIConnectionError
    made: Exception = kind(f"Stripe gave no answer: {type(error).__name__}")
    return made

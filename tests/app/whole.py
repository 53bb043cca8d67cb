"""A whole shop in this process, asked without sockets: what tests throw anything at."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from kassa.app.sandboxing import webhook_secrets
from kassa.app.settings import read_settings
from kassa.app.shop import Place, Shop
from kassa.app.web import public_app
from kassa.app.wiring import Parts, all_here, open_shop
from kassa.gateway.arrival import App, Message
from kassa.gateway.inner_door import InnerDoor
from kassa.kit.service_keys import ServiceIdentity, ServiceKeys

Lines = list[tuple[bytes, bytes]]
T = TypeVar("T")


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class Whole:
    """The shop and what its doors answer: `public`, and `inner` of the service orders."""

    def __init__(self, loop: asyncio.AbstractEventLoop, shop: Shop) -> None:
        self._loop = loop
        self.shop = shop
        self.public = public_app(shop)
        self.inner = InnerDoor(
            self.public, shop.ids, ServiceIdentity("order", ServiceKeys("a secret of this test, long enough"))
        )
        self._secret = webhook_secrets(shop.settings)[0].encode()
        self.tokens: dict[str, str] = {}

    def ask(
        self, method: str, path: str, lines: Lines | None = None, body: bytes = b"", app: App | None = None
    ) -> Answer:
        """One request. The path is sent as it is; a query may be behind it."""
        return self.run(self.asking(method, path, lines, body, app))

    async def asking(
        self, method: str, path: str, lines: Lines | None = None, body: bytes = b"", app: App | None = None
    ) -> Answer:
        """The same, in the shop's loop."""
        plain, _, query = path.partition("?")
        given = [(b"host", b"shop.example"), *(lines or [])]
        if body:
            given.append((b"content-length", str(len(body)).encode()))
        scope = {
            "type": "http", "method": method, "path": plain, "raw_path": plain.encode("utf-8", "replace"),
            "query_string": query.encode("latin-1", "replace"), "headers": given, "client": ("192.0.2.1", 1),
            "server": ("shop.example", 80), "scheme": "http", "http_version": "1.1", "root_path": "", "state": {},
        }  # fmt: skip
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        await (app or self.public)(scope, receive, send)
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in sent[0]["headers"]}
        # As the server has it: what cannot be written as a header's value is a 500.
        assert not any(set(value) & set("\r\n\0") for value in headers.values())
        return Answer(sent[0]["status"], headers, b"".join(each.get("body", b"") for each in sent[1:]))

    def as_json(self, method: str, path: str, value: Any = None, who: str = "") -> Answer:
        """A request of somebody with a token."""
        return self.run(self.asking_as(method, path, value, who))

    async def asking_as(self, method: str, path: str, value: Any = None, who: str = "") -> Answer:
        """The same, in the shop's loop."""
        lines = [(b"content-type", b"application/json")]
        if who:
            lines.append((b"authorization", f"Bearer {self.tokens[who]}".encode()))
        body = b"" if value is None else value if isinstance(value, bytes) else json.dumps(value).encode()
        return await self.asking(method, path, lines, body)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it in the shop's loop."""
        return self._loop.run_until_complete(work)

    def hook(self, body: bytes) -> Answer:
        """A webhook, rightly signed."""
        at = int(time.time())
        signed = hmac.new(self._secret, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        return self.ask("POST", "/payments/webhook", [(b"stripe-signature", f"t={at},v1={signed}".encode())], body)

    def log_in(self, who: str, email: str) -> None:
        """Make an account of this role."""
        auth = self.shop.auth
        assert auth is not None
        password = "four words that nobody has"
        if who == "admin":
            self._loop.run_until_complete(auth.admins.make(email, password, promote=False))
        else:
            self.as_json("POST", "/auth/register", {"email": email, "password": password})
        made = self.as_json("POST", "/auth/login", {"email": email, "password": password})
        self.tokens[who] = json.loads(made.body)["token"]


@contextmanager
def whole(directory: Path, parts: Parts | None = None, /, **given: str) -> Iterator[Whole]:
    """The shop of one process, on SQLite unless it is given others, with an administrator and a buyer; nothing stands
    in for Stripe."""
    settings = read_settings({"KASSA_DATA": str(directory), "RATE_LIMIT": "off", **given})
    loop = asyncio.new_event_loop()
    stack = AsyncExitStack()
    place = Place(all_here(settings), brings_sandbox=False)
    made = Whole(loop, loop.run_until_complete(stack.enter_async_context(open_shop(settings, place, parts))))
    try:
        made.log_in("admin", "admin@shop.example")
        made.log_in("buyer", "buyer@shop.example")
        yield made
    finally:
        loop.run_until_complete(stack.aclose())
        loop.close()

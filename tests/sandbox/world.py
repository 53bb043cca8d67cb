"""A sandbox, a receiver of its webhooks and the official Stripe SDK, through real sockets."""

from __future__ import annotations

import asyncio
import inspect
import io
import time
from collections.abc import Awaitable, Callable
from typing import Any

import stripe
from aiohttp import ClientSession, web

from kassa.sandbox import Sandbox
from tests.support import WEBHOOK_SECRET

SECRET = WEBHOOK_SECRET
PERMISSIONS = (
    "rak_checkout_session_write",
    "rak_payment_intent_read",
    "rak_charge_write",
    "rak_dispute_read",
    "rak_event_read",
)
"""What a shop's key must be allowed to do (docs/operations.md)."""
PATIENCE = 15.0
Json = dict[str, Any]


async def until(check: Callable[[], object | Awaitable[object]], patience: float = PATIENCE) -> Any:
    """Ask again and again until the answer is true; fail after `patience` seconds."""
    deadline = time.monotonic() + patience
    while True:
        answer = check()
        if inspect.isawaitable(answer):
            answer = await answer
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"did not come true within {patience:g} s")
        await asyncio.sleep(0.01)


class Receiver:
    """A shop's webhook endpoint: checks signatures and keeps the events. `status` is what it answers."""

    def __init__(self, secret: str = SECRET) -> None:
        self.secret = secret
        self.status = 200
        self.pause = 0.0
        self.events: list[Json] = []
        self.attempts: list[tuple[str, str]] = []
        self.url = ""
        app = web.Application()
        app.router.add_post("/webhook", self._take)
        self._runner = web.AppRunner(app)

    async def start(self, port: int = 0) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/webhook"

    async def stop(self) -> None:
        await self._runner.cleanup()

    def types(self) -> list[str]:
        return [event["type"] for event in self.events]

    def of(self, kind: str) -> list[Json]:
        return [event for event in self.events if event["type"] == kind]

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        signature = request.headers["Stripe-Signature"]
        stripe.WebhookSignature.verify_header(body, signature, self.secret, 300)
        event = await request.json()
        self.attempts.append((event["id"], signature))
        await asyncio.sleep(self.pause)
        if self.status < 300:
            self.events.append(event)
        headers = {"Location": self.url} if 300 <= self.status < 400 else {}
        return web.Response(status=self.status, headers=headers)


class World:
    """What a test acts on."""

    def __init__(self, sandbox: Sandbox, receiver: Receiver, http: ClientSession) -> None:
        self.sandbox = sandbox
        self.receiver = receiver
        self.http = http
        self.stripe = self.client()

    def client(self, key: str = "sk_test_kassa", **options: Any) -> stripe.StripeClient:
        transport = stripe.AIOHTTPClient(session=self.http)
        return stripe.StripeClient(key, base_addresses={"api": self.sandbox.url}, http_client=transport, **options)

    async def open_session(self, amount: int = 1999, options: Json | None = None, **changes: Any) -> Any:
        """A session over one line; `changes` are parameters, `options` those of the request."""
        given: Any = {**session_params(amount), **changes}
        return await self.stripe.v1.checkout.sessions.create_async(given, options)  # type: ignore[arg-type]

    async def session(self, session_id: str, *expand: str) -> Any:
        return await self.stripe.v1.checkout.sessions.retrieve_async(session_id, {"expand": list(expand)})

    async def pay(self, session_id: str, card: str = "4242424242424242", **more: Any) -> Json:
        return await self.control("POST", f"sessions/{session_id}/pay", {"card": card, **more})

    async def charge(self, card: str = "4242424242424242", amount: int = 1999) -> Any:
        """The charge of a new session that was paid with this card."""
        session = await self.open_session(amount)
        await self.pay(session.id, card)
        paid = await self.session(session.id, "payment_intent.latest_charge")
        return paid.payment_intent.latest_charge

    async def control(self, method: str, path: str, given: Json | None = None) -> Json:
        async with self.http.request(method, f"{self.sandbox.url}/sandbox/{path}", json=given or {}) as response:
            answer: Json = await response.json()
            assert response.status == 200, answer
            return answer

    async def advance(self, seconds: float) -> None:
        await self.control("POST", "clock/advance", {"seconds": seconds})

    async def raw(
        self, method: str, path: str, body: str = "", key: str = "sk_test_x", **headers: str
    ) -> tuple[int, Json]:
        """A call without the SDK: status and JSON."""
        sent = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-www-form-urlencoded", **headers}
        async with self.http.request(
            method, self.sandbox.url + path, data=io.BytesIO(body.encode()), headers=sent
        ) as response:
            return response.status, await response.json()

    async def types(self) -> list[str]:
        """All events so far, oldest first."""
        listed = await self.stripe.v1.events.list_async({"limit": 100})
        return [event.type for event in reversed(listed.data)]


def session_params(amount: int = 1999, currency: str = "usd", quantity: int = 1) -> Json:
    price = {"currency": currency, "unit_amount": amount, "product_data": {"name": "Mug"}}
    return {
        "mode": "payment",
        "success_url": "http://127.0.0.1:1/return?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://127.0.0.1:1/cart",
        "line_items": [{"price_data": price, "quantity": quantity}],
        "metadata": {"order": "ord_1"},
        "payment_intent_data": {"metadata": {"payment": "pay_1"}},
    }

"""The buyer of `kassa demo`: three ways that an order can go, and what must come of each."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from rich.console import Console
from rich.table import Table

from kassa.cli.trouble import Refusal
from kassa.kit.money import major

GOOD_CARD = "4242424242424242"
DECLINED_CARD = "4000000000000002"
PATIENCE_SECONDS = 30.0
# A decline ends the order at once; if it has not by now, the shop lets the buyer try again.
DECLINE_SECONDS = 10.0


class Unexpected(Exception):
    """Something ended as it must not; the text says what."""


class Walk:
    """One buyer's walk through the shop at `base`."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._console = Console(highlight=False)
        self._session: aiohttp.ClientSession | None = None
        self._token = ""
        self._results: list[tuple[str, str, str, str, bool]] = []

    async def take(self, rounds: int) -> bool:
        """Buy `rounds` times in each way; whether all ended as they must."""
        kinds: list[tuple[str, Callable[[str], Awaitable[str]], int]] = [
            ("paid", self._paid, 1),
            ("declined", self._declined, 0),
            ("abandoned", self._abandoned, 0),
        ]
        timeout = aiohttp.ClientTimeout(total=PATIENCE_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as self._session:
            try:
                await self._register()
                products = await self._in_stock()
                for number in range(rounds):
                    for name, way, sold in kinds:
                        await self._go(name, way, sold, products[number % len(products)])
            except aiohttp.ClientError as error:
                raise Refusal(
                    f"{self._base} cannot be reached ({type(error).__name__}); does a shop run there?"
                ) from None
            except Unexpected as error:
                raise Refusal(str(error)) from None
        self._show()
        return all(is_well for *_, is_well in self._results)

    async def _go(self, name: str, way: Callable[[str], Awaitable[str]], sold: int, product: dict[str, Any]) -> None:
        self._console.rule(f"An order that is {name}")
        before = await self._stock(product["id"])
        try:
            ended = await way(product["id"])
        except Unexpected as error:
            self._say(str(error))
            self._results.append((name, "not as it must", str(before), str(await self._stock(product["id"])), False))
            return
        after = await self._stock_settled(product["id"], before - sold)
        self._say(f"stock of {product['name']}: {before} before, {after} now")
        self._results.append((name, ended, str(before), str(after), after == before - sold))

    # The three ways

    async def _paid(self, product_id: str) -> str:
        order_id = await self._order(product_id)
        outcome = await self._pay(await self._checkout(order_id), GOOD_CARD)
        self._say(f"card 4242… {outcome}")
        order = await self._until(order_id, "CONFIRMED")
        payment = await self._ask("GET", f"/payments/status/{order_id}")
        if payment["status"] != "SUCCESS" or payment["amountMinor"] != order["totalAmountMinor"]:
            raise Unexpected(f"CONFIRMED, but the payment is {payment['status']}")
        return str(order["status"])

    async def _declined(self, product_id: str) -> str:
        order_id = await self._order(product_id)
        outcome = await self._pay(await self._checkout(order_id), DECLINED_CARD)
        self._say(f"card 4000…0002 {outcome}")
        try:
            order = await self._until(order_id, "CANCELLED", DECLINE_SECONDS)
        except Unexpected:
            self._say("the shop lets a buyer try again after a decline; this one gives up")
            await self._ask("POST", f"/orders/{order_id}/cancel")
            order = await self._until(order_id, "CANCELLED")
        return f"{order['status']} ({order.get('reason')})"

    async def _abandoned(self, product_id: str) -> str:
        order_id = await self._order(product_id)
        sandbox, session_id = await self._checkout(order_id)
        url = f"{sandbox}/v1/checkout/sessions/{session_id}/expire"
        await self._ask("POST", url, headers={"Authorization": "Bearer sk_test_sandbox"})
        self._say("nobody pays, the session expires")
        order = await self._until(order_id, "CANCELLED")
        return f"{order['status']} ({order.get('reason')})"

    # The steps

    async def _register(self) -> None:
        email = f"buyer-{secrets.token_hex(6)}@example.com"
        account = {"name": "Demo buyer", "email": email, "password": secrets.token_urlsafe(18)}
        self._token = (await self._ask("POST", "/auth/register", account))["token"]
        self._say(f"registered {email}")

    async def _in_stock(self) -> list[dict[str, Any]]:
        listed = (await self._ask("GET", "/products?limit=100"))["products"]
        found = [product for product in listed if (product["stock"] or 0) >= 2]
        if not found:
            raise Unexpected("no product has two pieces in stock; `kassa up --sample` fills an empty shop")
        return found

    async def _order(self, product_id: str) -> str:
        body = {"items": [{"productId": product_id, "quantity": 1}]}
        order = (await self._ask("POST", "/orders", body))["order"]
        total, currency = major(order["totalAmountMinor"], order["currency"]), order["currency"].upper()
        self._say(f"ordered {order['items'][0]['name']} for {total} {currency}: {order['id']}")
        return str(order["id"])

    async def _checkout(self, order_id: str) -> tuple[str, str]:
        """The sandbox's address, and the session to be paid there."""
        session = await self._ask("POST", "/payments/create-session", {"orderId": order_id})
        parts = urlsplit(session["checkoutUrl"])
        sandbox = f"{parts.scheme}://{parts.netloc}"
        if parts.netloc.endswith("stripe.com"):
            raise Refusal("this shop takes payments by Stripe itself; the demo pays in the sandbox only")
        self._say(f"checkout at {session['checkoutUrl']}")
        return sandbox, str(session["sessionId"])

    async def _pay(self, session: tuple[str, str], card: str) -> str:
        sandbox, session_id = session
        answer = await self._ask("POST", f"{sandbox}/sandbox/sessions/{session_id}/pay", {"card": card})
        return str(answer["outcome"])

    async def _until(self, order_id: str, status: str, seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        until = time.monotonic() + seconds
        while True:
            order: dict[str, Any] = (await self._ask("GET", f"/orders/{order_id}"))["order"]
            if order["status"] == status:
                self._say(f"the order is {status}")
                return order
            if time.monotonic() > until:
                raise Unexpected(f"the order is {order['status']} and not {status}")
            await asyncio.sleep(0.1)

    async def _stock(self, product_id: str) -> int:
        return int((await self._ask("GET", f"/inventory/{product_id}"))["stock"])

    async def _stock_settled(self, product_id: str, expected: int) -> int:
        """The stock, once it is as expected or will not become so."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            stock = await self._stock(product_id)
            if stock == expected or time.monotonic() > until:
                return stock
            await asyncio.sleep(0.1)

    async def _ask(
        self, method: str, path: str, body: dict[str, Any] | None = None, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        if self._session is None:
            raise RuntimeError("not on the way")
        given = headers or ({"Authorization": f"Bearer {self._token}"} if self._token and path.startswith("/") else {})
        if method == "POST" and path.startswith("/"):
            given = {**given, "Idempotency-Key": secrets.token_urlsafe(16)}
        url = f"{self._base}{path}" if path.startswith("/") else path
        async with self._session.request(method, url, json=body, headers=given) as answer:
            document: dict[str, Any] = await answer.json(content_type=None)
            if answer.status >= 300:
                raise Unexpected(f"{method} {path} was answered {answer.status}: {document.get('detail', document)}")
            return document

    # What is shown

    def _say(self, text: str) -> None:
        self._console.print(f"  {text}", soft_wrap=True)

    def _show(self) -> None:
        table = Table("Order", "Ended as", "Stock before", "Stock after", "As it must")
        for name, ended, before, after, is_well in self._results:
            table.add_row(name, ended, before, after, "✓" if is_well else "✗")
        self._console.print(table)

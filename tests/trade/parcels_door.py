"""A shop's API before staff, its buyer, another buyer and guests, with orders that are paid."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from litestar import Litestar

from kassa.kit.idempotency import RECORDS, Idempotency
from kassa.kit.identity import GUEST_PREFIX, Principal, guest
from kassa.kit.problem import Unauthenticated
from kassa.kit.web import EXCEPTION_HANDLERS
from kassa.order.domain import Order
from kassa.order.guests import GuestTokens
from kassa.order.quoting import Asked
from kassa.order.routes import HANDLERS
from kassa.payment.routes import HANDLERS as PAYMENT_HANDLERS
from kassa.storage.documents_sqlite import SqliteDatabase
from tests.trade.test_attention import Doorman
from tests.trade.world import ADMIN, BUYER, OTHER, World

SUPPORT = Principal("usr_support", "support@shop.example", "support", 2**40)
WHO = {"admin": ADMIN, "support": SUPPORT, "user": BUYER, "other": OTHER}


class Door(Doorman):
    """Takes names for tokens, and knows guests by theirs."""

    async def principal(self, authorization: str | None) -> Principal:
        token = (authorization or "").rpartition(" ")[2]
        if token.startswith(GUEST_PREFIX):
            return guest(token)
        if token not in WHO:
            raise Unauthenticated
        return WHO[token]


class Api:
    """Asks, and settles what follows."""

    def __init__(self, shop: World, http: httpx.AsyncClient) -> None:
        self.shop, self.http = shop, http

    async def __call__(
        self, verb: str, path: str, body: Any = None, who: str = "admin", key: str | None = None
    ) -> httpx.Response:
        headers = ({"authorization": who} if who else {}) | ({"idempotency-key": key} if key else {})
        answer = await self.http.request(verb, path, json=body, headers=headers)
        await self.shop.settle()
        return answer

    async def order(self, order_id: str, who: str = "admin") -> dict[str, Any]:
        """The order as who asks sees it."""
        found: dict[str, Any] = (await self("GET", f"/orders/{order_id}", who=who)).json()["order"]
        return found

    async def ship(self, order_id: str, *lines: tuple[str, int], **more: Any) -> httpx.Response:
        """Send so many pieces."""
        items = [{"productId": product_id, "quantity": quantity} for product_id, quantity in lines]
        return await self("POST", f"/orders/{order_id}/shipments", {"items": items, **more})

    async def paid(self, *lines: tuple[str, int], asked: Asked | None = None) -> Order:
        """An order of the buyer's that is paid."""
        order = await self.shop.place(*lines, asked=asked)
        await self.shop.pay(await self.shop.open(order))
        return await self.shop.order_now(order)


@asynccontextmanager
async def api(shop: World, directory: Path) -> AsyncIterator[Api]:
    """The shop's API."""
    database = await SqliteDatabase.open(directory / "keys.db")
    keys = Idempotency(await database.collection(RECORDS), shop.clock, "test", is_alone=True)
    app: Any = Litestar([*HANDLERS, *PAYMENT_HANDLERS], openapi_config=None, exception_handlers=EXCEPTION_HANDLERS)
    app.state.update(
        order=shop.order,
        fulfilling=shop.fulfilling,
        withdrawals=shop.withdrawals,
        payment=shop.payment,
        profiles=shop.profiles,
        answers=shop.answers,
        allowances=None,
        guests=GuestTokens("a secret of the shop's"),
        verifier=Door(),
        ids=shop.ids,
        idempotency=keys,
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.test") as http:
        yield Api(shop, http)
    await database.close()

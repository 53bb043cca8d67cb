"""The inventory service behind its routes."""

from typing import Any

import httpx
from litestar import Litestar

from kassa.contracts.inventory import Inventory
from kassa.inventory.routes import HANDLERS
from kassa.inventory.service import InventoryService
from kassa.inventory.stock_sqlite import SqliteStock
from kassa.kit.access import ADMIN, USER
from kassa.kit.idempotency import RECORDS, Idempotency
from kassa.kit.identity import TokenVerifier
from kassa.kit.ids import PRODUCT, Ids
from kassa.kit.web import EXCEPTION_HANDLERS
from kassa.kit.wire import encode
from kassa.storage.documents_sqlite import SqliteDatabase
from tests.support import FakeClock, Signer

LOW = 10


class World:
    """The service, its stock, and how administrators, users and strangers see it."""

    def __init__(self, stock: SqliteStock, idempotency: Idempotency, clock: FakeClock) -> None:
        self.clock = clock
        self.stock = stock
        self.ids = Ids(clock)
        self.service = InventoryService(stock, clock, self.ids, LOW)
        self.contract: Inventory = self.service
        self.signer = Signer(clock)
        self.signer.new_key("k1")
        self.app = Litestar(list(HANDLERS), exception_handlers=EXCEPTION_HANDLERS)
        self.app.state["inventory"] = self.service
        self.app.state["idempotency"] = idempotency
        self.app.state["verifier"] = TokenVerifier(self.signer.published, clock)

    @classmethod
    async def on(cls, database: SqliteDatabase) -> "World":
        """A world without any stock."""
        clock = FakeClock()
        records = await database.collection(RECORDS)
        return cls(await SqliteStock.open(database), Idempotency(records, clock, "test", is_alone=True), clock)

    def product(self) -> str:
        """A new product's id."""
        return self.ids.new(PRODUCT)

    async def stocked(self, quantity: int) -> str:
        """A product of which there are so many pieces."""
        product_id = self.product()
        await self.service.init(product_id, quantity, self.service.new_operation_id(), "usr_admin")
        return product_id

    async def get(self, path: str, role: str | None = None) -> httpx.Response:
        """GET as a stranger, or as somebody with that role."""
        return await self.send("GET", path, role=role)

    async def post(self, path: str, body: Any, role: str | None = ADMIN, key: str = "") -> httpx.Response:
        """POST as an administrator unless said otherwise."""
        return await self.send("POST", path, body, role, key)

    async def send(
        self, verb: str, path: str, body: Any = None, role: str | None = None, key: str = ""
    ) -> httpx.Response:
        """One request."""
        headers = {"authorization": self.signer.bearer(role=role)} if role else {}
        if key:
            headers["idempotency-key"] = key
        content = body if isinstance(body, bytes | None) else encode(body)
        app: Any = self.app
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.test") as http:
            return await http.request(verb, path, content=content, headers=headers)


__all__ = ["ADMIN", "LOW", "USER", "World"]

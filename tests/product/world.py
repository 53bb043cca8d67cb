"""A real product service behind its real routes, on a real database; only the inventory is a stand-in."""

from typing import Any, cast

import httpx
from litestar import Litestar

from kassa.app.effects import product_effects
from kassa.contracts.inventory import Inventory, Level, StockExists
from kassa.kit.access import ADMIN, USER
from kassa.kit.clock import SECOND
from kassa.kit.documents import Database
from kassa.kit.idempotency import RECORDS, Idempotency
from kassa.kit.identity import Principal, TokenVerifier
from kassa.kit.ids import Ids
from kassa.kit.outbox import Outbox
from kassa.kit.patience import deadline
from kassa.kit.problem import Unauthenticated, Unavailable
from kassa.kit.web import EXCEPTION_HANDLERS
from kassa.product.domain import Product
from kassa.product.effects import ProductEffects
from kassa.product.routes import HANDLERS
from kassa.product.service import ProductService
from kassa.product.store import ProductStore
from tests.support import FakeClock


class Shelf:
    """An inventory of products that nobody buys. Counts its calls; `is_down`: it cannot be reached. Notes how long its
    levels are waited for."""

    def __init__(self) -> None:
        self.stock: dict[str, int] = {}
        self.operations: dict[str, str] = {}
        self.is_down = False
        self.calls: list[str] = []
        self.waited_for_until: float | None = None

    async def open_stock(self, operation_id: str, product_id: str, quantity: int) -> None:
        self._called("open_stock")
        if self.operations.get(product_id) == operation_id:
            return
        if product_id in self.stock:
            raise StockExists(product_id)
        self.stock[product_id] = quantity
        self.operations[product_id] = operation_id

    async def levels(self, ids: list[str]) -> list[Level]:
        self._called("levels")
        self.waited_for_until = deadline.get()
        return [Level(id, self.stock[id], 0, 0, self.stock[id]) for id in ids if id in self.stock]

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if self.is_down:
            raise Unavailable("the inventory is down")


class Doorman(TokenVerifier):
    """Takes the name of a role for a token."""

    def __init__(self) -> None:
        """Needs no keys."""

    async def principal(self, authorization: str | None) -> Principal:
        role = (authorization or "").removeprefix("Bearer ")
        if role not in (ADMIN, USER):
            raise Unauthenticated("log in")
        return Principal(f"usr_{role}", f"{role}@example.com", role, 2_000_000_000)


def stored_product(id: str, sku: str, category: str = "Tea") -> Product:
    """A product as a former release stored it."""
    return Product(
        id=id,
        sku=sku,
        name="Tea\u200b",
        description="",
        price_minor=100,
        currency="usd",
        category=category,
        images=(),
        search="tea\u200b",
        created_at=0,
        updated_at=0,
    )


class World:
    """The service, its store, clock and inventory, and how a client sees them."""

    def __init__(self, store: ProductStore, idempotency: Idempotency, clock: FakeClock, currency: str) -> None:
        self.clock = clock
        self.store = store
        self.shelf = Shelf()
        ids = Ids(clock)
        shelf = cast(Inventory, self.shelf)
        effects = product_effects(ProductEffects(shelf, store.prices))
        self.outbox = Outbox(store.products, effects, clock, jitter=lambda: 0.5)
        self.service = ProductService(store, self.outbox, shelf, ids, clock, currency)
        self.app = Litestar(list(HANDLERS), exception_handlers=EXCEPTION_HANDLERS)
        self.app.state["product"] = self.service
        self.app.state["verifier"] = Doorman()
        self.app.state["idempotency"] = idempotency
        self.app.state["ids"] = ids

    @classmethod
    async def on(cls, database: Database, currency: str = "usd") -> "World":
        """A world whose catalogue is in this database."""
        clock = FakeClock()
        records = await database.collection(RECORDS)
        return cls(
            await ProductStore.open(database, clock),
            Idempotency(records, clock, "test", is_alone=True),
            clock,
            currency,
        )

    async def ask(
        self, method: str, path: str, body: Any = None, *, role: str = "", content: bytes | None = None, key: str = ""
    ) -> httpx.Response:
        """One request, as a user of this role."""
        headers = ({"authorization": f"Bearer {role}"} if role else {}) | ({"idempotency-key": key} if key else {})
        app: Any = self.app
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.test") as http:
            if content is not None:
                return await http.request(method, path, content=content, headers=headers)
            return await http.request(method, path, json=body, headers=headers)

    async def create(self, **fields: Any) -> dict[str, Any]:
        """A new product, as the wire shows it."""
        answer = await self.ask("POST", "/products", mug(**fields), role="admin")
        assert answer.status_code == 201, answer.text
        product: dict[str, Any] = answer.json()["product"]
        self.clock.advance(SECOND)
        return product

    async def names(self, query: str = "", role: str = "") -> list[str]:
        """The names in a list of products."""
        answer = await self.ask("GET", f"/products{query}", role=role)
        assert answer.status_code == 200, answer.text
        return [product["name"] for product in answer.json()["products"]]


def mug(**fields: Any) -> dict[str, Any]:
    """What an administrator sends for a mug."""
    return {"name": "Mug", "description": "Holds tea", "price": 12.5, "category": "kitchen"} | fields

"""The catalogue: products are made, changed, withdrawn, listed, imported and exported."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import msgspec

from kassa.contracts.inventory import Inventory
from kassa.contracts.product import Snapshot
from kassa.kit.audit import Cause
from kassa.kit.clock import SECOND, Clock, Millis
from kassa.kit.documents import Contains, Duplicate, Test, change
from kassa.kit.ids import PRODUCT, REQUEST, Ids, is_id
from kassa.kit.money import major
from kassa.kit.outbox import Outbox
from kassa.kit.problem import FieldError, Invalid, NotFound, Unavailable
from kassa.kit.wire import request_id
from kassa.product import domain
from kassa.product.catalogue_csv import Row, refusal
from kassa.product.domain import Fields, Product
from kassa.product.store import ProductStore

CHUNK = 100
TOTAL_KEPT: Millis = SECOND
MOST_TOTALS = 1000


class Wanted(msgspec.Struct, frozen=True):
    """What part of the catalogue is asked for: a category, a text in name, description or category, a page."""

    limit: int
    skip: int = 0
    after: str | None = None
    category: str | None = None
    text: str | None = None
    with_inactive: bool = False


class Imported(msgspec.Struct, frozen=True):
    """What an import did. `stock_ignored` are the products that were there already and whose stock is not what the
    file says: an import gives a stock to new products only; change it with POST /inventory/adjust."""

    created: int
    updated: int
    unchanged: int
    stock_ignored: tuple[str, ...]


class ProductService:
    """The catalogue. Satisfies kassa.contracts.product.Product."""

    def __init__(
        self,
        store: ProductStore,
        outbox: Outbox[Product],
        inventory: Inventory,
        ids: Ids,
        clock: Clock,
        currency: str,
    ) -> None:
        self._products = store.products
        self._outbox = outbox
        self._inventory = inventory
        self._ids = ids
        self._clock = clock
        self._currency = currency
        self._totals: dict[tuple[tuple[str, Test], ...], tuple[Millis, int]] = {}

    async def snapshot(self, ids: list[str]) -> list[Snapshot]:
        """Those of the products that exist and are on sale; the others are left out."""
        found = await self._products.many(ids)
        return [
            Snapshot(product.id, product.name, product.price_minor, product.currency)
            for product in found
            if product.is_active
        ]

    async def create(self, product_id: str, fields: Fields, who: str) -> Product:
        """Put a new product on sale, under this id; `stock` among the fields initialises its stock. If the id is
        there already, that product is answered. When the inventory cannot be reached it gets the stock later."""
        good, errors = domain.checked(fields, self._currency)
        _refuse(errors)
        return await self._insert(product_id, good, who)

    async def update(self, product_id: str, fields: Fields, who: str) -> Product:
        """Replace the given fields; NotFound if there is no such product."""
        good, errors = domain.checked(fields, self._currency)
        _refuse(errors)
        return await self._edit(product_id, good, who, "edited")

    async def withdraw(self, product_id: str, who: str) -> Product:
        """Take the product off sale; it stays in the catalogue. Asking again is a no-op. NotFound."""
        return await self._edit(product_id, {"is_active": False}, who, "withdrawn")

    async def on_sale(self, product_id: str) -> Product:
        """The product; NotFound if there is none or it was withdrawn."""
        product = await self._products.get(product_id) if is_id(PRODUCT, product_id) else None
        if product is None or not product.is_active:
            raise _unknown(product_id)
        return product

    async def page(self, wanted: Wanted) -> tuple[list[Product], int]:
        """The wanted products, the newest first, one more than `limit` if there are more; and how many there are.

        To count takes longer the more products there are, so that a number is good for a second, unless this process
        changes a product.
        """
        where: dict[str, Test] = {}
        if wanted.category is not None:
            where["category"] = wanted.category
        if not wanted.with_inactive:
            where["is_active"] = True
        if wanted.text:
            where["search"] = Contains(wanted.text.lower())
        found = await self._products.find(where, limit=wanted.limit + 1, skip=wanted.skip, after=wanted.after)
        return found, await self._total(where)

    async def stocks(self, products: Sequence[Product]) -> dict[str, int | None]:
        """What can still be bought of each product; None if that is not known now, 0 without a stock record."""
        try:
            levels = await self._inventory.levels([product.id for product in products]) if products else []
        except Unavailable:
            return dict.fromkeys((product.id for product in products), None)
        stocks: dict[str, int | None] = {product.id: None if product.awaits_stock else 0 for product in products}
        stocks.update((level.product_id, level.available) for level in levels)
        return stocks

    async def import_rows(
        self, rows: Sequence[Row], who: str, on_progress: Callable[[int], object] = lambda done: None
    ) -> Imported:
        """Make and change products as the rows say; Invalid, with nothing done, if any of them is wrong.

        A row with an id sets that product's fields, or makes it if there is none (so that importing again after an
        interruption goes on); one without makes a new product. `on_progress` hears how many rows are done.
        """
        prepared = self._prepared(rows)
        outcomes: list[str] = []
        stock_ignored: list[str] = []
        for start in range(0, len(prepared), CHUNK):
            chunk = prepared[start : start + CHUNK]
            known = {product.id: product for product in await self._products.many([row_id for row_id, _ in chunk])}
            outcomes += await asyncio.gather(*(self._import(row_id, good, known, who) for row_id, good in chunk))
            stock_ignored += await self._with_other_stock(chunk, known)
            on_progress(len(outcomes))
        counts = {outcome: outcomes.count(outcome) for outcome in ("created", "updated", "unchanged")}
        return Imported(**counts, stock_ignored=tuple(stock_ignored))

    async def export_rows(self) -> AsyncIterator[Row]:
        """All products on sale, the oldest first, with their stock; importing them changes nothing."""
        after: str | None = None
        while found := await self._products.find({"is_active": True}, limit=CHUNK, after=after, order="oldest"):
            stocks = await self.stocks(found)
            for product in found:
                yield Row(
                    id=product.id,
                    name=product.name,
                    description=product.description,
                    category=product.category,
                    price=major(product.price_minor, product.currency),
                    stock=stocks[product.id],
                    images=product.images,
                )
            after = found[-1].id

    async def _total(self, where: Mapping[str, Test]) -> int:
        key, now = tuple(where.items()), self._clock.now()
        good_until, total = self._totals.get(key, (0, 0))
        if not now < good_until <= now + TOTAL_KEPT:
            total = await self._products.count(where)
            if len(self._totals) >= MOST_TOTALS:
                self._totals.clear()
            self._totals[key] = (now + TOTAL_KEPT, total)
        return total

    def _prepared(self, rows: Sequence[Row]) -> list[tuple[str, dict[str, Any]]]:
        """For each row an id and the checked fields."""
        prepared: list[tuple[str, dict[str, Any]]] = []
        errors: list[FieldError] = []
        seen: set[str] = set()
        for row in rows:
            good, wrong = domain.checked(_fields(row), self._currency)
            errors += [FieldError(row.place(error.field), error.message) for error in wrong]
            row_id = row.id or self._ids.new(PRODUCT)
            if not is_id(PRODUCT, row_id):
                errors.append(FieldError(row.place("id"), "is no product id; leave it empty for a new product"))
            if row_id in seen:
                errors.append(FieldError(row.place("id"), f"{row_id} is in the file twice; leave one out"))
            seen.add(row_id)
            prepared.append((row_id, good))
        if errors:
            raise refusal(errors)
        return prepared

    async def _import(self, row_id: str, good: dict[str, Any], known: Mapping[str, Product], who: str) -> str:
        before = known.get(row_id)
        if before is None:
            await self._insert(row_id, good, who)
            return "created"
        after = await self._edit(row_id, {name: good[name] for name in good if name != "stock"}, who, "imported")
        return "unchanged" if after.version == before.version else "updated"

    async def _with_other_stock(
        self, chunk: Sequence[tuple[str, dict[str, Any]]], known: Mapping[str, Product]
    ) -> list[str]:
        asked = {row_id: good["stock"] for row_id, good in chunk if row_id in known and "stock" in good}
        stocks = await self.stocks([known[row_id] for row_id in asked])
        return [row_id for row_id, stock in asked.items() if stocks[row_id] not in (None, stock)]

    async def _insert(self, product_id: str, good: Fields, who: str) -> Product:
        product = domain.made(product_id, good, self._cause(who, "created"), self._clock.now())
        try:
            stored = await self._outbox.insert(product)
        except Duplicate:
            known = await self._products.get(product_id)
            if known is None:
                raise
            stored = known
        self._totals.clear()
        return await self._outbox.carry_out(stored)

    async def _edit(self, product_id: str, good: Fields, who: str, why: str) -> Product:
        cause, now = self._cause(who, why), self._clock.now()
        changed = await change(self._products, product_id, lambda known: domain.edited(known, good, cause, now))
        if changed is None:
            raise _unknown(product_id)
        self._totals.clear()
        return changed

    def _cause(self, who: str, why: str) -> Cause:
        return Cause(self._ids.new(REQUEST), who, why, request_id.get())


def _fields(row: Row) -> dict[str, Any]:
    fields = {name: getattr(row, name) for name in ("name", "description", "category", "price", "stock", "images")}
    return {name: value for name, value in fields.items() if value is not None}


def _refuse(errors: list[FieldError]) -> None:
    if errors:
        detail = "; ".join(f"{error.field}: {error.message}" for error in errors)
        raise Invalid(detail, errors=tuple(errors))


def _unknown(product_id: str) -> NotFound:
    return NotFound(f"there is no product {product_id[:60]}")

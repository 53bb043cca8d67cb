"""The catalogue: products are made, changed, withdrawn and listed."""

from collections.abc import Sequence
from typing import Any

from kassa.contracts.inventory import Inventory
from kassa.contracts.product import ProductChanged, SkuTaken, Snapshot, VariantTaken
from kassa.kit.audit import Cause
from kassa.kit.clock import SECOND, Clock, Millis, rfc3339
from kassa.kit.documents import Duplicate
from kassa.kit.figures import Figures
from kassa.kit.ids import PRODUCT, REQUEST, Ids, is_id
from kassa.kit.lists import Pagination, Paging, listed
from kassa.kit.outbox import Outbox
from kassa.kit.patience import no_longer_than
from kassa.kit.problem import FieldError, NotFound, Unavailable
from kassa.kit.spelling import Twins, twins
from kassa.kit.wire import request_id
from kassa.product import domain
from kassa.product.domain import Fields, Product
from kassa.product.facets import Counting
from kassa.product.family_service import PLACE, Families
from kassa.product.listing import Listing
from kassa.product.pictures import Pictures
from kassa.product.prices import WINDOW, PriceChange, at_odds
from kassa.product.refusing import refuse
from kassa.product.store import BY_VARIANT, ProductStore

_STOCK_SECONDS = 2.0
_ENTRIES = 50
"""Of a price history, at once: prices seldom change so often in 30 days."""


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
        self.products = store.products
        self._prices = store.prices
        self._left = store.left
        self._outbox = outbox
        self._inventory = inventory
        self._ids = ids
        self._clock = clock
        self.currency = currency
        self._figures = Figures(clock, least=SECOND)
        self.listing = Listing(self.products, store.families, self._figures, self.stocks)
        self.facets = Counting(self.products, self.listing, self._figures)
        self.families = Families(store, ids, clock)
        self.pictures = Pictures(store.pictures, store.picture_files, store.products, clock)

    async def snapshot(self, ids: list[str]) -> list[Snapshot]:
        """Those of the products that exist and are on sale; the others are left out."""
        found = await self.products.many(ids)
        return [_snapshot(product) for product in found if product.is_active]

    async def create(self, product_id: str, fields: Fields, who: str) -> Product:
        """Put a new product on sale, under this id; `stock` among the fields initialises its stock. If the id is
        there already, that product is answered. When the inventory cannot be reached it gets the stock later. A variant
        of a family (`family_id`, `option_values`) without a name is named after both. SkuTaken, VariantTaken."""
        good, errors = await self._checked(fields, None)
        if "name" not in fields and fields.get("family_id") is None:
            errors.append(FieldError("name", "is missing; only a variant of a family can be named after it"))
        refuse(errors)
        return await self._insert(product_id, good, who)

    async def update(self, product_id: str, fields: Fields, who: str, expected: Millis | None = None) -> Product:
        """Replace the given fields; NotFound if there is no such product, SkuTaken, VariantTaken; Invalid too if a
        price is given alone that does not go with the other one. `expected` is when it was changed last, as the caller
        has read it: ProductChanged if that is not so any more."""
        known = await self.get(product_id, with_inactive=True) if fields.keys() & set(PLACE) else None
        good, errors = await self._checked(fields, known)
        refuse(errors)
        return await self._edit(product_id, good, who, "edited", expected)

    async def put(self, product_id: str, good: Fields, who: str, known: Product | None) -> Product:
        """Make the product of checked fields; or give them to the `known` one, all but the stock."""
        if known is None:
            return await self._insert(product_id, good, who)
        return await self._edit(product_id, {name: good[name] for name in good if name != "stock"}, who, "imported")

    def new_id(self) -> str:
        """An id for a new product."""
        return self._ids.new(PRODUCT)

    async def withdraw(self, product_id: str, who: str) -> Product:
        """Take the product off sale; it stays in the catalogue. Asking again is a no-op. NotFound."""
        return await self._edit(product_id, {"is_active": False}, who, "withdrawn")

    async def get(self, product_id: str, *, with_inactive: bool = False) -> Product:
        """The product; NotFound if there is none, or it was withdrawn and those are not asked for."""
        product = await self.products.get(product_id) if is_id(PRODUCT, product_id) else None
        if product is None or not (product.is_active or with_inactive):
            raise _unknown(product_id)
        return product

    async def prices(self, product_id: str, asked: Paging) -> tuple[list[PriceChange], Pagination]:
        """A page of what the product has cost, on sale or not, the newest first; NotFound."""
        await self.get(product_id, with_inactive=True)
        return await listed(self._prices, {"product_id": product_id}, asked, self._figures)

    async def stocks(self, products: Sequence[Product]) -> dict[str, int | None]:
        """What can still be bought of each product; None if that is not known now, 0 without a stock record."""
        try:
            with no_longer_than(_STOCK_SECONDS):  # It is shown beside; whoever looks around does not wait for it.
                levels = await self._inventory.levels([product.id for product in products]) if products else []
        except Unavailable:
            return dict.fromkeys((product.id for product in products), None)
        stocks: dict[str, int | None] = {product.id: None if product.awaits_stock else 0 for product in products}
        stocks.update((level.product_id, level.available) for level in levels)
        return stocks

    async def twins(self) -> list[Twins]:
        """The products of former releases whose SKU looks like another one's."""
        return await twins(self.products, self._left, "sku", domain.sku_line)

    async def _insert(self, product_id: str, good: Fields, who: str) -> Product:
        product = domain.made(product_id, good, self.cause(who, "created"), self._clock.now())
        try:
            stored = await self._outbox.insert(product)
        except Duplicate as duplicate:
            known = await self.products.get(product_id)
            if known is None:
                raise await self._taken(duplicate, good) from duplicate
            stored = known
        self._figures.forget()
        return await self._outbox.carry_out(stored)

    async def _edit(self, product_id: str, good: Fields, who: str, why: str, expected: Millis | None = None) -> Product:
        cause, now = self.cause(who, why), self._clock.now()
        # Read before the product is: what is entered later, its effects tell.
        history = await self._history(product_id, now - WINDOW) if domain.OF_THE_PRICE & good.keys() else []

        def edit(known: Product) -> Product:
            if expected not in (None, known.updated_at):
                raise ProductChanged(product_id, rfc3339(known.updated_at))
            refuse(at_odds(known, good))
            return domain.edited(known, good, cause, now, history)

        try:
            changed = await self._outbox.see_through(product_id, edit)
        except Duplicate as duplicate:
            raise await self._taken(duplicate, good) from duplicate
        if changed is None:
            raise _unknown(product_id)
        self._figures.forget()
        return changed

    async def _history(self, product_id: str, opened: Millis) -> list[PriceChange]:
        """The newest entries of the product, back to the one that was in force at this moment."""
        found: list[PriceChange] = []
        while not found or found[-1].at > opened:
            after = found[-1].id if found else None
            page = await self._prices.find({"product_id": product_id}, limit=_ENTRIES, after=after)
            found += page
            if len(page) < _ENTRIES:
                break
        return found

    async def _checked(self, fields: Fields, known: Product | None) -> tuple[dict[str, Any], list[FieldError]]:
        placed, wrong = await self.families.placed(fields, known)
        named = {"name": placed["name"]} if "name" in placed else {}
        said = {name: value for name, value in fields.items() if name not in PLACE}
        good, errors = domain.checked({**said, **named}, self.currency)
        return {**placed, **good}, errors + wrong

    async def _taken(self, duplicate: Duplicate, good: Fields) -> Exception:
        field = "variant" if duplicate.index == BY_VARIANT else "sku"
        holder = await self.products.first({field: good[field]}) if good.get(field) else None
        if holder is None:
            return Unavailable("it was being changed; try again")
        if field == "sku":
            return SkuTaken(good["sku"], holder.id)
        return VariantTaken(" / ".join(good["option_values"]), holder.id)

    def cause(self, who: str, why: str) -> Cause:
        """Who does something now, in answer to the request under way."""
        return Cause(self._ids.new(REQUEST), who, why, request_id.get())


def _snapshot(product: Product) -> Snapshot:
    return Snapshot(
        product.id,
        product.name,
        product.price_minor,
        product.currency,
        product.category,
        product.weight_grams or 0,
        product.tax_class,
        product.is_digital,
        product.withdrawal_excluded,
    )


def _unknown(product_id: str) -> NotFound:
    return NotFound(f"there is no product {product_id[:60]}")

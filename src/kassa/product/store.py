"""Where the catalogue is kept."""

from collections.abc import Sequence
from typing import Self

from kassa.kit.clock import Clock
from kassa.kit.documents import Collection, CollectionSpec, Database, Index, Words, pages, save_all
from kassa.kit.spelling import respell
from kassa.product.domain import Product, folded_anew, respelled
from kassa.product.families import Family
from kassa.product.pictures import PICTURE_FILES, PICTURES, Picture, PictureFile
from kassa.product.prices import PriceChange
from kassa.product.search import IS_FOLDED

BY_VARIANT = "by_variant"
PRODUCTS = CollectionSpec(
    "products",
    Product,
    (
        Index("by_activity", ("is_active",)),
        Index("by_price", ("is_active", "price_minor", "id")),
        Index("by_name", ("is_active", "name_key", "id")),
        Index("by_category", ("category", "is_active")),
        Index("by_sku", ("sku",), unique=True),
        Index("by_attention", ("needs_attention", "id")),
        Index("by_untold", ("untold_from",), sparse=True),
        Index("by_family", ("family_id", "is_active")),
        Index(BY_VARIANT, ("variant",), unique=True),
    ),
    searched="search",
    is_read_often=True,
)

FAMILIES = CollectionSpec("families", Family, (Index("by_name", ("name",), unique=True),), is_read_often=True)

PRICES = CollectionSpec("prices", PriceChange, (Index("by_product", ("product_id", "id")),))


class ProductStore:
    """The collections of the product service: the catalogue, the families in it, what everything cost, to which is only
    added, and its pictures. `left` are the products whose SKU is another one's by now, and who keep the spelling in
    which a former release stored it."""

    def __init__(
        self,
        products: Collection[Product],
        families: Collection[Family],
        prices: Collection[PriceChange],
        pictures: Collection[Picture],
        picture_files: Collection[PictureFile],
        left: Sequence[str],
    ) -> None:
        self.products = products
        self.families = families
        self.prices = prices
        self.pictures = pictures
        self.picture_files = picture_files
        self.left = left

    @classmethod
    async def open(cls, database: Database, clock: Clock) -> Self:
        """Open the collections in the database, and bring what products are found by to its one spelling, and what a
        search looks in to what it looks for by now."""
        products = await database.collection(PRODUCTS)
        left = await respell(
            database,
            products,
            lambda product: respelled(product, ("name", "category"), clock.now()),
            lambda product: respelled(product, ("sku",), clock.now()),
        )
        await _fold(products)
        return cls(
            products,
            await database.collection(FAMILIES),
            await database.collection(PRICES),
            await database.collection(PICTURES),
            await database.collection(PICTURE_FILES),
            left,
        )


async def _fold(products: Collection[Product]) -> None:
    """Fold what is not folded by the rule of this release: all products of a former one, and those that it has stored
    while it was being replaced. Several processes may do so at once."""
    async for page in pages(products, {"search": Words((), but=IS_FOLDED)}):
        await save_all(products, [folded_anew(product) for product in page])

"""Where the catalogue is kept."""

from typing import Self

from kassa.kit.documents import Collection, CollectionSpec, Database, Index
from kassa.product.domain import Product

PRODUCTS = CollectionSpec(
    "products",
    Product,
    (
        Index("by_activity", ("is_active",)),
        Index("by_category", ("category", "is_active")),
        Index("by_sku", ("sku",), unique=True),
        Index("by_attention", ("needs_attention", "id")),
    ),
    searched="search",
)


class ProductStore:
    """The collection of the product service."""

    def __init__(self, products: Collection[Product]) -> None:
        self.products = products

    @classmethod
    async def open(cls, database: Database) -> Self:
        """Open the collection in the database."""
        return cls(await database.collection(PRODUCTS))

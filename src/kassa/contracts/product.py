"""Product: the catalogue. The order service reads prices here, once, when an order is placed."""

from typing import Protocol

import msgspec

from kassa.kit.problem import Problem
from kassa.kit.wire import get


class UnknownProduct(Problem):
    """A product that does not exist or is not on sale any more."""

    code, title, status = "unknown_product", "A product of the order cannot be bought", 422

    def __init__(self, product_id: str) -> None:
        super().__init__(f"product {product_id} does not exist or is not on sale", productId=product_id)


class SkuTaken(Problem):
    """Another product of the shop has this SKU, on sale or not."""

    code, title, status = "sku_taken", "Another product has this SKU", 409

    def __init__(self, sku: str, product_id: str) -> None:
        super().__init__(f"product {product_id} has the SKU {sku!r} already", sku=sku, productId=product_id)


class ProductChanged(Problem):
    """Somebody else has changed the product since it was read; nothing was changed."""

    code, title, status = "product_changed", "The product has been changed meanwhile", 409

    def __init__(self, product_id: str, updated_at: str) -> None:
        super().__init__(
            f"product {product_id} was changed at {updated_at}; read it again",
            productId=product_id,
            updatedAt=updated_at,
        )


class Snapshot(msgspec.Struct, frozen=True, rename="camel"):
    """A product on sale as it is at this moment; the price in minor units of `currency`."""

    id: str
    name: str
    price_minor: int
    currency: str


class Product(Protocol):
    """The catalogue."""

    @get("/products/snapshot", callers=("order", "product"))
    async def snapshot(self, ids: list[str]) -> list[Snapshot]:
        """Those of the products that exist and are on sale; the others are left out."""

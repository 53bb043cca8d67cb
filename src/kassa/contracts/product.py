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


class CatalogueRefused(Problem):
    """A file of products that something is wrong with; nothing was imported. `errors` say what, and where."""

    code, title, status = "catalogue_refused", "The file was not imported", 422


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


class VariantTaken(Problem):
    """Another product is this variant of the family, on sale or not."""

    code, title, status = "variant_taken", "Another product is this variant of the family", 409

    def __init__(self, values: str, product_id: str) -> None:
        super().__init__(f"product {product_id} is the variant {values} already", productId=product_id)


class FamilyNameTaken(Problem):
    """Another family has this name."""

    code, title, status = "family_name_taken", "Another family has this name", 409

    def __init__(self, name: str, family_id: str) -> None:
        super().__init__(f"family {family_id} has the name {name!r} already", familyId=family_id)


class FamilyChanged(Problem):
    """Somebody else has changed the family since it was read; nothing was changed."""

    code, title, status = "family_changed", "The family has been changed meanwhile", 409

    def __init__(self, family_id: str, updated_at: str) -> None:
        super().__init__(
            f"family {family_id} was changed at {updated_at}; read it again", familyId=family_id, updatedAt=updated_at
        )


class OptionInUse(Problem):
    """A variant of the family, on sale or not, has a value of what would not be there any more."""

    code, title, status = "option_in_use", "A variant needs what would be taken from the family", 409

    def __init__(self, detail: str, product_id: str) -> None:
        super().__init__(f"{detail}; change it first, or take it out of the family", productId=product_id)


class Snapshot(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A product on sale as it is at this moment; the price in minor units of `currency`. `weight_grams` is 0 where
    nobody knows it, too; of what `is_digital` nothing is sent. `withdrawal_excluded`: why it cannot be withdrawn from,
    as contracts.withdrawals says it."""

    id: str
    name: str
    price_minor: int
    currency: str
    category: str = ""
    weight_grams: int = 0
    tax_class: str = "standard"
    is_digital: bool = False
    withdrawal_excluded: str = ""


class Product(Protocol):
    """The catalogue."""

    @get("/products/snapshot", callers=("order", "product"))
    async def snapshot(self, ids: list[str]) -> list[Snapshot]:
        """Those of the products that exist and are on sale; the others are left out."""

"""Products over the wire: what is sent and what is answered."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kassa.kit.clock import Timestamp, rfc3339
from kassa.kit.lists import Pagination, documented
from kassa.kit.money import major
from kassa.kit.text import ONE_LINE
from kassa.kit.wire import encode
from kassa.product.domain import (
    IMAGE,
    LINES,
    LONGEST_CATEGORY,
    LONGEST_DESCRIPTION,
    LONGEST_IMAGE,
    LONGEST_NAME,
    LONGEST_SKU,
    MOST_IMAGES,
    MOST_STOCK,
    Product,
)
from kassa.product.prices import PriceChange

Sku = Annotated[
    str,
    documented(
        "The shop's own name for it, which no other product has", minLength=1, maxLength=LONGEST_SKU, pattern=ONE_LINE
    ),
]
Name = Annotated[str, documented("One line", minLength=1, maxLength=LONGEST_NAME, pattern=ONE_LINE)]
Description = Annotated[str, documented("Plain text", maxLength=LONGEST_DESCRIPTION, pattern=LINES)]
Price = Annotated[
    Decimal,
    Meta(
        description="Major units of the shop's currency, exact: a number or a string",
        extra_json_schema={"examples": [19.99]},
    ),
]
CompareAtPrice = Annotated[
    Price | None,
    Meta(description="What it costs when it is not reduced, above the price; null: it is not reduced"),
]
Category = Annotated[str, documented("One line", minLength=1, maxLength=LONGEST_CATEGORY, pattern=ONE_LINE)]
Image = Annotated[str, documented("An http or https URL, or a path", maxLength=LONGEST_IMAGE, pattern=IMAGE)]
Images = Annotated[list[Image], documented("http or https URLs, or paths that begin with /", maxItems=MOST_IMAGES)]
Stock = Annotated[int, documented("Pieces at the start", minimum=0, maximum=MOST_STOCK)]


class NewProduct(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A product to be sold. With `stock` its stock is initialised, too."""

    name: Name
    description: Description
    price: Price
    category: Category
    images: Images = []
    stock: Stock | UnsetType = UNSET
    sku: Sku | None = None
    compare_at_price: CompareAtPrice = None


class ProductChange(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What to replace: at least one of these."""

    name: Name | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    price: Price | UnsetType = UNSET
    category: Category | UnsetType = UNSET
    images: Images | UnsetType = UNSET
    is_active: Annotated[bool, Meta(description="Whether it is on sale")] | UnsetType = UNSET
    sku: Sku | UnsetType | None = UNSET
    compare_at_price: CompareAtPrice | UnsetType = UNSET
    expected_updated_at: (
        Annotated[datetime, Meta(tz=True, description="The `updatedAt` that was read: refused if it was changed since")]
        | UnsetType
    ) = UNSET


REPLACEABLE = [name for name in ProductChange.__struct_encode_fields__ if name != "expectedUpdatedAt"]


CompareAtOut = Annotated[
    Decimal | None, Meta(description="What it costs when it is not reduced; null: it is not reduced")
]
PriorOut = Annotated[
    Decimal | None,
    Meta(
        description="The lowest price of the 30 days before the reduction (Directive 98/6/EC, Article 6a). Announce a "
        "reduction from this price and no other, and only if it is above the price; null: it is not reduced, or was "
        "never sold at another price"
    ),
]


class ProductOut(msgspec.Struct, frozen=True, rename="camel"):
    """A product. `stock` is what can still be bought; null when the inventory cannot be reached."""

    id: str
    sku: str | None
    name: str
    description: str
    price: Decimal
    price_minor: int
    compare_at_price: CompareAtOut
    compare_at_price_minor: int | None
    prior_price: PriorOut
    prior_price_minor: int | None
    currency: str
    category: str
    images: tuple[str, ...]
    is_active: bool
    stock: int | None
    created_at: Timestamp
    updated_at: Timestamp


class CategoryOut(msgspec.Struct, frozen=True):
    """A category, and how many products of it are on sale."""

    category: str
    products: int


class CategoriesAnswer(msgspec.Struct, frozen=True):
    """The categories of all products on sale, by name."""

    categories: list[CategoryOut]


class PriceOut(msgspec.Struct, frozen=True, rename="camel"):
    """What a product cost since `at`, until the next change; `who` made it so."""

    price: Decimal
    price_minor: int
    compare_at_price: CompareAtOut
    compare_at_price_minor: int | None
    currency: str
    at: Timestamp
    who: str


class PricesAnswer(msgspec.Struct, frozen=True):
    """A page of a product's price history, the newest first."""

    prices: list[PriceOut]
    pagination: Pagination


class ProductAnswer(msgspec.Struct, frozen=True):
    """One product."""

    product: ProductOut


class ProductsAnswer(msgspec.Struct, frozen=True):
    """A page of products, the newest first."""

    products: list[ProductOut]
    pagination: Pagination


def given(body: msgspec.Struct) -> dict[str, Any]:
    """The fields that were sent."""
    members = {name: getattr(body, name) for name in body.__struct_fields__}
    return {name: value for name, value in members.items() if value is not UNSET}


class ProductBody(msgspec.Struct, frozen=True):
    """A ProductAnswer, its product encoded already."""

    product: msgspec.Raw


class ProductsBody(msgspec.Struct, frozen=True):
    """A ProductsAnswer, its products encoded already."""

    products: list[msgspec.Raw]
    pagination: Pagination


class _Encoded(msgspec.Struct, frozen=True):
    """A product and its JSON, before and after the stock."""

    product: Product
    before: bytes
    after: bytes


REMEMBERED = 4096
_encoded: dict[str, _Encoded] = {}


def shown(product: Product, stock: int | None) -> msgspec.Raw:
    """The product as the wire shows it.

    To build and encode a page of products costs more than all the rest of the request. So the JSON of each one,
    all but its stock, is remembered for as long as the product stays exactly as it is.
    """
    known = _encoded.get(product.id)
    if known is None or (known.product is not product and known.product != product):
        known = _remember(product)
    return msgspec.Raw(b"%b%b%b" % (known.before, b"null" if stock is None else b"%d" % stock, known.after))


def _remember(product: Product) -> _Encoded:
    # Inside a text this sequence would have backslashes.
    before, _, after = encode(_out(product)).partition(b'"stock":null')
    while len(_encoded) >= REMEMBERED:
        del _encoded[next(iter(_encoded))]
    known = _encoded[product.id] = _Encoded(product, before + b'"stock":', after)
    return known


def _out(product: Product) -> ProductOut:
    return ProductOut(
        product.id,
        product.sku,
        product.name,
        product.description,
        major(product.price_minor, product.currency),
        product.price_minor,
        _major(product.compare_at_minor, product.currency),
        product.compare_at_minor,
        _major(product.prior_minor, product.currency),
        product.prior_minor,
        product.currency,
        product.category,
        product.images,
        product.is_active,
        None,
        rfc3339(product.created_at),
        rfc3339(product.updated_at),
    )


def price_shown(change: PriceChange) -> PriceOut:
    """An entry of the price history as the wire shows it."""
    return PriceOut(
        major(change.price_minor, change.currency),
        change.price_minor,
        _major(change.compare_at_minor, change.currency),
        change.compare_at_minor,
        change.currency,
        rfc3339(change.at),
        change.who,
    )


def _major(minor: int | None, currency: str) -> Decimal | None:
    return None if minor is None else major(minor, currency)

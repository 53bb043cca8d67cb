"""Products as the wire shows them: encoded once, and remembered."""

from decimal import Decimal

import msgspec
from msgspec import UNSET

from kassa.kit.clock import rfc3339
from kassa.kit.lists import Pagination
from kassa.kit.money import major
from kassa.kit.wire import encode
from kassa.product.domain import Product
from kassa.product.families import Family
from kassa.product.family_wire import FamilyOut, PriceRange, part_shown, values_shown
from kassa.product.listing import Entry
from kassa.product.prices import PriceChange
from kassa.product.wire import PriceOut, ProductOut


class ProductBody(msgspec.Struct, frozen=True):
    """A ProductAnswer, its product encoded already."""

    product: msgspec.Raw


class ProductsBody(msgspec.Struct, frozen=True):
    """A ProductsAnswer, its products encoded already."""

    products: list[msgspec.Raw]
    pagination: Pagination


class VariantsBody(msgspec.Struct, frozen=True):
    """A VariantsAnswer, its products encoded already."""

    family: FamilyOut
    variants: list[msgspec.Raw]


class _Encoded(msgspec.Struct, frozen=True):
    """A product, its family, and their JSON before and after the stock."""

    product: Product
    family: Family | None
    before: bytes
    after: bytes


class _Summary(msgspec.Struct, frozen=True, rename="camel"):
    price_range: PriceRange
    variants: int


REMEMBERED = 4096
_encoded: dict[str, _Encoded] = {}


def shown(product: Product, stock: int | None, family: Family | None = None) -> msgspec.Raw:
    """The product as the wire shows it, with its family if it is a variant.

    To build and encode a page of products costs more than all the rest of the request. So the JSON of each one,
    all but its stock, is remembered for as long as the product and its family stay exactly as they are.
    """
    known = _encoded.get(product.id)
    if (
        known is None
        or (known.product is not product and known.product != product)
        or (known.family is not family and known.family != family)
    ):
        known = _remember(product, family)
    return msgspec.Raw(b"%b%b%b" % (known.before, b"null" if stock is None else b"%d" % stock, known.after))


def entry_shown(entry: Entry, stock: int | None, family: Family | None) -> msgspec.Raw:
    """An entry of a list in which each family is once: with what its variants cost and how many they are."""
    one = shown(entry.product, stock, family)
    if not entry.variants:
        return one
    low, high = (choose(each.price_minor for each in entry.variants) for choose in (min, max))
    currency = entry.product.currency
    summary = _Summary(PriceRange(major(low, currency), major(high, currency), low, high), len(entry.variants))
    return msgspec.Raw(b"%b,%b" % (bytes(one)[:-1], encode(summary)[1:]))


def _remember(product: Product, family: Family | None) -> _Encoded:
    # Inside a text this sequence would have backslashes.
    before, _, after = encode(_out(product, family)).partition(b'"stock":null')
    while len(_encoded) >= REMEMBERED:
        del _encoded[next(iter(_encoded))]
    known = _encoded[product.id] = _Encoded(product, family, before + b'"stock":', after)
    return known


def _out(product: Product, family: Family | None) -> ProductOut:
    return ProductOut(
        product.id,
        product.sku,
        product.gtin,
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
        product.weight_grams,
        product.tax_class,
        product.is_digital,
        None if family is None else part_shown(family),
        [] if family is None else values_shown(family, product.option_values),
        product.is_active,
        None,
        rfc3339(product.created_at),
        rfc3339(product.updated_at),
        withdrawal_excluded=product.withdrawal_excluded or UNSET,
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

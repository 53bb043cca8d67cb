"""A product: what may be said of it, and what may become of it. Pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec

from kassa.kit import inputs
from kassa.kit.audit import Cause, entry, newest
from kassa.kit.clock import Millis
from kassa.kit.effects import planned, with_todos
from kassa.kit.money import maximum, minor, most_major, to_stripe
from kassa.kit.problem import FieldError
from kassa.kit.text import normalised
from kassa.product.goods import CHECKS, STANDARD
from kassa.product.lines import line
from kassa.product.prices import PriceChange, Priced, entry_of, in_order, not_above, reckoned, told
from kassa.product.search import text_of, words_of

LONGEST_SKU = 64
LONGEST_NAME = 200
LONGEST_DESCRIPTION = 5000
LONGEST_CATEGORY = 100
LONGEST_IMAGE = 2000
MOST_IMAGES = 10
MOST_STOCK = 1_000_000_000
FORMER = "product"
"""Who has set a price that a former release stored: nobody knows any more."""


class Kind(StrEnum):
    """What can happen to a product that something follows from. Append only."""

    STOCKED = "a product is made with a first stock"
    PRICED = "a price is set"


class Todo(StrEnum):
    """The effects of a product. Append only."""

    OPEN_STOCK = "open_stock"
    ENTER_PRICE = "enter_price"


FOLLOWS: dict[Kind, tuple[Todo, ...]] = {Kind.STOCKED: (Todo.OPEN_STOCK,), Kind.PRICED: (Todo.ENTER_PRICE,)}
"""What follows from it, in whatever state: a product has no stages that it could come too late for."""

# As JSON Schema writes them, for the API's description: these forms are what is checked, too.
# No two repeats of them in a row take the same character, so that none of them is gone back to.
LINES = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
# What RFC 3986 lets stand in a URL after the scheme, and letters of all scripts; so a blank or a bar separates images.
IMAGE = r'^(?:https?://[^\s/?#\\"<>^`{|}\x00-\x1f\x7f]|/(?!/))[^\s\\"<>^`{|}\x00-\x1f\x7f]*$'
_LINES, _IMAGE = re.compile(LINES), re.compile(IMAGE)


class Product(Priced, frozen=True, kw_only=True):
    """Something that is, or was, for sale. `sku` is the shop's own name for it, which no other product has; `gtin` its
    number in trade; without `weight_grams` nobody knows what it weighs; of what `is_digital` nothing is sent;
    `withdrawal_excluded` is why it cannot be withdrawn from. A variant
    of a family has one value of each of its options, and `variant` says that as no other product does. `search` is what
    a search looks in, in words, and `name_key` what names are sorted by."""

    sku: str | None = None
    name: str
    description: str
    category: str
    images: tuple[str, ...]
    gtin: str | None = None
    weight_grams: int | None = None
    tax_class: str = STANDARD
    is_digital: bool = False
    withdrawal_excluded: str = ""
    family_id: str | None = None
    option_values: tuple[str, ...] = ()
    variant: str | None = None
    search: str
    name_key: str = ""
    created_at: Millis
    updated_at: Millis
    is_active: bool = True

    @property
    def awaits_stock(self) -> bool:
        """Whether the inventory has not taken the product's first stock yet."""
        return any(effect.kind == Todo.OPEN_STOCK and effect.done_at is None for effect in self.effects)


Fields = Mapping[str, Any]
"""Members of a product by name, as they were sent: `price` and `compare_at_price` are Decimals in major units."""


def checked(fields: Fields, currency: str) -> tuple[dict[str, Any], list[FieldError]]:
    """The fields as a product stores them, and what is wrong with the others. Prices are in `currency`."""
    good: dict[str, Any] = {}
    errors: list[FieldError] = []
    for field, value in fields.items():
        try:
            if field == "price":
                good |= {"price_minor": checked_price(value, currency), "currency": currency}
            elif field == "compare_at_price":
                good["compare_at_minor"] = None if value is None else checked_price(value, currency)
            else:
                good[field] = _CHECKS[field](value)
        except ValueError as error:
            errors.append(FieldError(_ON_THE_WIRE.get(field, field), str(error)))
    if {"price_minor", "compare_at_minor"} <= good.keys():
        errors += not_above(good["compare_at_minor"], good["price_minor"])
    return good, errors


def checked_price(price: Decimal, currency: str) -> int:
    """The price in minor units. ValueError if it is not above zero, or more than Stripe takes.

    Stripe's minimum is for a whole order: cheap things may be bought by the dozen.
    """
    units = minor(price, currency)
    if units <= 0:
        raise ValueError("must be above 0")
    if to_stripe(units, currency) > maximum(currency):
        raise ValueError(f"must be at most {most_major(currency)} {currency}")
    return units


def checked_stock(stock: int) -> int:
    """A first stock; ValueError if it is out of bounds."""
    if not 0 <= stock <= MOST_STOCK:
        raise ValueError(f"must be from 0 to {MOST_STOCK}")
    return stock


# Full-width digits and letters come from other keyboards; on a label they are the same.
sku_line = line(LONGEST_SKU, is_label=True)


def _checked_sku(text: str | None) -> str | None:
    return None if text is None else sku_line(text)


def _checked_description(text: str) -> str:
    if len(text) > LONGEST_DESCRIPTION:
        raise ValueError(f"must have at most {LONGEST_DESCRIPTION} characters")
    if not _LINES.fullmatch(text):
        raise ValueError("must not have control characters")
    return text


def _checked_images(images: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    if len(images) > MOST_IMAGES:
        raise ValueError(f"must be at most {MOST_IMAGES}")
    for number, image in enumerate(images, 1):
        if len(image) > LONGEST_IMAGE or not _IMAGE.fullmatch(image):
            raise ValueError(f"number {number} must be an http or https URL, or a path that begins with /")
    return tuple(images)


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "sku": _checked_sku,
    "name": line(LONGEST_NAME),
    "description": _checked_description,
    "category": line(LONGEST_CATEGORY),
    "images": _checked_images,
    "is_active": bool,
    "stock": checked_stock,
    **CHECKS,
}
_ON_THE_WIRE = {
    "compare_at_price": "compareAtPrice",
    "weight_grams": "weightGrams",
    "tax_class": "taxClass",
    "withdrawal_excluded": "withdrawalExcluded",
}
OF_THE_PRICE = {"price_minor", "compare_at_minor"}


def made(product_id: str, good: Fields, cause: Cause, now: Millis) -> Product:
    """The new product of checked fields. With `stock` it has the effect to open its stock."""
    members = {"images": (), **{name: value for name, value in good.items() if name != "stock"}}
    product = Product(
        id=product_id,
        search="",
        created_at=now,
        updated_at=now,
        audit=(entry(cause, "created", "", "active", now),),
        # What was never sold at another price has no prior one.
        reduced_since=None if good.get("compare_at_minor") is None else now,
        **members,
    )
    product = folded_anew(product)
    if (stock := good.get("stock")) is not None:
        quantity = str(stock)
        product = with_todos(product, FOLLOWS[Kind.STOCKED], lambda it, todo: planned(it, todo, now, quantity=quantity))
    return _entered(product, told(product, now, cause.who), now)


def edited(product: Product, good: Fields, cause: Cause, now: Millis, history: Sequence[PriceChange] = ()) -> Product:
    """The product with other checked fields; the very same one if that changes nothing. Where a price is among them,
    `history` is what of the price history was stored before the product was read, back to what it cost 30 days ago."""
    changes = {name: value for name, value in good.items() if getattr(product, name) != value}
    if not changes:
        return product
    changed = msgspec.structs.replace(product, **changes, updated_at=now)
    before, after = _state(product), _state(changed)
    what = "edited" if before == after else {"active": "put on sale", "inactive": "withdrawn"}[after]
    change = entry(cause, what, before, after, now)
    changed = folded_anew(msgspec.structs.replace(changed, audit=newest(product.audit, change)))
    return changed if OF_THE_PRICE.isdisjoint(changes) else _priced(product, changed, cause.who, now, history)


def entered(product: Product) -> list[PriceChange]:
    """The entries of the price history that the product's effects tell of, stored by now or not."""
    return [entry_of(product.id, effect) for effect in product.effects if effect.kind == Todo.ENTER_PRICE]


def _priced(before: Product, product: Product, who: str, now: Millis, history: Sequence[PriceChange]) -> Product:
    known = in_order(history, entered(before))
    if not known:  # A former release kept no history; the price has been this one since then, or longer.
        product = _entered(product, told(before, before.updated_at, FORMER), now)
        known = entered(product)
    return reckoned(before, _entered(product, told(product, now, who), now), known, now)


def _entered(product: Product, said: dict[str, str], now: Millis) -> Product:
    return with_todos(product, FOLLOWS[Kind.PRICED], lambda it, todo: planned(it, todo, now, at=None, **said))


def respelled(product: Product, fields: Sequence[str], now: Millis) -> Product:
    """The product with these fields in their one spelling; the very same one if they are in that. What has none, as a
    name of which nothing is seen, stays."""
    good, _ = checked({field: getattr(product, field) for field in fields}, product.currency)
    former = ", ".join(f"{name} {getattr(product, name)!a}" for name in good)
    cause = Cause(inputs.respelled(product.version), "product", f"a former release stored {former}")
    return edited(product, good, cause, now)


def folded_anew(product: Product) -> Product:
    """The product with what a search looks in, and what it is sorted by, as it is folded now; the very same one if it
    is."""
    description = normalised(product.description, LONGEST_DESCRIPTION)
    search = text_of(product.name, product.category, product.sku, description, product.option_values)
    key = " ".join(words_of(product.name))
    is_known = (search, key) == (product.search, product.name_key)
    return product if is_known else msgspec.structs.replace(product, search=search, name_key=key)


def _state(product: Product) -> str:
    return "active" if product.is_active else "inactive"

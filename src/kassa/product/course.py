"""What part of the catalogue is asked for, and in what order it goes. Pure."""

from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

from kassa.kit.documents import Between, In, Order, Test, Words
from kassa.kit.text import normalised
from kassa.product.domain import LONGEST_CATEGORY, LONGEST_DESCRIPTION, Product

LEVELS = (" / ", " > ")
"""What stands between the levels of a category's name."""


class Sort(StrEnum):
    """In what order a list can be asked for."""

    NEWEST = "newest"
    CHEAPEST = "price"
    DEAREST = "-price"
    NAME = "name"


ORDERS: dict[Sort, tuple[str, Order]] = {
    Sort.CHEAPEST: ("price_minor", "oldest"),
    Sort.DEAREST: ("price_minor", "newest"),
    Sort.NAME: ("name_key", "oldest"),
}
"""The field by which a list is sorted, and which way; the newest first has none."""


class Wanted(msgspec.Struct, frozen=True):
    """What part of the catalogue is asked for: a category, or one with all below it; words; prices from and to, in
    minor units; what variants have of options, by name; a page; what is on sale, what is not, or (None) both; without
    what is known to be sold out; only what has at most so many pieces. Without `sort` the newest is first, and of what
    has words the best."""

    limit: int = 0
    skip: int = 0
    after: str | None = None
    category: str | None = None
    text: str | None = None
    is_active: bool | None = True
    within: str | None = None
    prices: Between = Between()
    options: tuple[tuple[str, str], ...] = ()
    in_stock: bool = False
    max_stock: int | None = None
    sort: Sort | None = None

    @property
    def is_by_stock(self) -> bool:
        """Whether what is passed over is told by the inventory alone."""
        return self.in_stock or self.max_stock is not None

    def passes_over(self, stock: int | None) -> bool:
        """Whether a product with this stock is. Of one whose stock nobody knows it is not said that it is sold out."""
        if stock is None:
            return self.max_stock is not None
        return (self.in_stock and stock <= 0) or (self.max_stock is not None and stock > self.max_stock)

    def where(self) -> dict[str, Test]:
        """The tests that a product must pass, as far as they are of it alone."""
        where: dict[str, Test] = {}
        if self.category is not None:
            where["category"] = normalised(self.category, LONGEST_CATEGORY)
        if self.is_active is not None:
            where["is_active"] = self.is_active
        if self.prices != Between():
            where["price_minor"] = self.prices
        return where

    @property
    def looked_for(self) -> str:
        """The text in its one spelling; empty if everything is meant."""
        return normalised(self.text or "", LONGEST_DESCRIPTION)


class Course(NamedTuple):
    """In what order a list goes: the tests of its parts, one after the other, and those that all of it passes; the
    field by which each part is sorted, if it is not the newest first, and which way."""

    parts: tuple[dict[str, Test], ...]
    whole: dict[str, Test]
    by: str = ""
    order: Order = "newest"

    def place(self, product: Product) -> int | None:
        """In which part the product stands; None if in none."""
        return next((place for place, part in enumerate(self.parts) if _passes(product, part)), None)

    def comes_first(self, one: Product, other: Product) -> bool:
        """Whether one product stands before the other; not if it is in no part."""
        first, second = self.place(one), self.place(other)
        if first is None or second is None:
            return first is not None
        if first != second:
            return first < second
        mine, its = ((getattr(each, self.by) if self.by else 0, each.id) for each in (one, other))
        return bool(mine > its if self.order == "newest" else mine < its)


def is_within(category: str, within: str) -> bool:
    """Whether a category is this one, or below it: `Kitchen / Pots` is below `Kitchen`, and so is `Kitchen > Pots`."""
    return category == within or category.startswith(tuple(f"{within}{sign}" for sign in LEVELS))


def _passes(product: Product, where: dict[str, Test]) -> bool:
    """Whether a product passes the tests, but for whether it is on sale."""
    return all(_has(getattr(product, field), test) for field, test in where.items() if field != "is_active")


def _has(value: Any, test: Test) -> bool:
    match test:
        case Words():
            return test.passes(value)
        case In(values):
            return value in values
        case Between():
            return test.holds(value)
        case _:
            return bool(value == test)

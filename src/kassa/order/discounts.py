"""Discounts: what takes something off an order, and when it applies. Pure.

How often one can be used is a stock like that of goods: a use is held with the order, sold with it, or given back.
"""

import re
from collections.abc import Sequence
from enum import StrEnum

from kassa.kit.clock import Millis
from kassa.kit.documents import Document
from kassa.kit.effects import Aggregate
from kassa.kit.text import normalised

LONGEST_CODE = 40
LONGEST_NAME = 40
MOST_CATEGORIES = 50
MOST_USES = 1_000_000_000
MOST_PER_BUYER = 100
MOST_AUTOMATIC = 50
CODE = r"^[A-Z0-9][A-Z0-9._-]*$"
_CODE = re.compile(CODE)


class DiscountKind(StrEnum):
    """What a discount takes off. Append only."""

    PERCENTAGE = "percentage"
    AMOUNT = "amount"
    FREE_SHIPPING = "freeShipping"


class Todo(StrEnum):
    """The effects of a discount. Append only."""

    OPEN_USES = "open_uses"
    ADD_USES = "add_uses"


class Happened(StrEnum):
    """What can happen to a discount that something follows from. Append only."""

    LIMITED = "its uses are limited"
    RAISED = "it may be used more often"


FOLLOWS: dict[Happened, tuple[Todo, ...]] = {Happened.LIMITED: (Todo.OPEN_USES,), Happened.RAISED: (Todo.ADD_USES,)}
"""What follows from it."""


class Discount(Aggregate, frozen=True, kw_only=True):
    """Something off an order. Without a `code` it applies by itself. `millionths`: 150000 is 15 %. `categories`: only
    goods of these; none: all goods. `minimum_minor` is what these goods must cost at least. `limit`: so many orders in
    all may have it, `limit_per_buyer` so many of one buyer. `combines`: together with others that combine, too."""

    code: str | None = None
    name: str
    kind: DiscountKind
    millionths: int = 0
    amount_minor: int = 0
    currency: str = ""
    categories: tuple[str, ...] = ()
    minimum_minor: int = 0
    starts_at: Millis | None = None
    ends_at: Millis | None = None
    limit: int | None = None
    limit_per_buyer: int | None = None
    combines: bool = False
    is_active: bool = True
    is_automatic: bool = False
    created_at: Millis
    updated_at: Millis

    def is_for(self, category: str) -> bool:
        """Whether goods of the category are meant."""
        return not self.categories or category in self.categories

    def is_on(self, now: Millis) -> bool:
        """Whether it can be used at this time."""
        begun = self.starts_at is None or self.starts_at <= now
        return self.is_active and begun and (self.ends_at is None or now < self.ends_at)


class Use(Document, frozen=True, kw_only=True):
    """That an order has used a discount of which each buyer may have so many. `generation` is that of the order's
    reservation: what frees a use late does not free one that was taken again."""

    order_id: str
    generation: int = 1
    made_at: Millis


def spelled(code: str) -> str:
    """The code as it is stored: what buyers type in small letters, full width or with blanks around is the same."""
    return normalised(code, LONGEST_CODE, is_label=True).upper()


def is_code(text: str) -> bool:
    """Whether a discount can be called so."""
    return len(text) <= LONGEST_CODE and _CODE.fullmatch(text) is not None


def _in_order(discounts: Sequence[Discount]) -> list[Discount]:
    """Percentages first: they are of the whole price."""
    return sorted(discounts, key=lambda each: (each.kind is not DiscountKind.PERCENTAGE, each.id))


def choices(discounts: Sequence[Discount]) -> list[Sequence[Discount]]:
    """Which of them may be had together. One with a code was asked for, and is in all of the choices: what does not
    combine with it is left out. Without one it is each that stands alone, or all that combine."""
    discounts = _in_order(discounts)
    combining = [each for each in discounts if each.combines]
    asked = next((each for each in discounts if not each.is_automatic), None)
    if asked is not None:
        return [combining if asked.combines else [asked]]
    return [combining, *([each] for each in discounts if not each.combines)]


def lacking(discount: Discount, categories: Sequence[str], amounts: Sequence[int], now: Millis) -> str | None:
    """Why the discount cannot be had for lines of these categories that cost this; None if it can."""
    if not discount.is_active:
        return "is not valid any more"
    if discount.starts_at is not None and now < discount.starts_at:
        return "is not valid yet"
    if discount.ends_at is not None and now >= discount.ends_at:
        return "is not valid any more"
    meant = [amount for category, amount in zip(categories, amounts, strict=True) if discount.is_for(category)]
    if not meant:
        return "is for none of these goods"
    if sum(meant) < discount.minimum_minor:
        return "is for larger orders"
    return None

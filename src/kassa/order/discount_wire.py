"""Discounts over the wire: what is sent and what is answered."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kassa.kit.clock import Timestamp, rfc3339
from kassa.kit.lists import Pagination, documented
from kassa.kit.money import major
from kassa.kit.text import ONE_LINE
from kassa.order.discounts import (
    CODE,
    LONGEST_CODE,
    LONGEST_NAME,
    MOST_CATEGORIES,
    MOST_PER_BUYER,
    MOST_USES,
    Discount,
    DiscountKind,
)
from kassa.order.parts_wire import percent, percent_documented

KINDS = tuple(str(each) for each in DiscountKind)
Kind = Literal["percentage", "amount", "freeShipping"]
Code = Annotated[
    str | None,
    documented(
        "What buyers type, in any case; null: it applies by itself", minLength=1, maxLength=LONGEST_CODE, pattern=CODE
    ),
]
Name = Annotated[str, documented("What buyers read", minLength=1, maxLength=LONGEST_NAME, pattern=ONE_LINE)]
Percent = Annotated[Decimal | None, percent_documented("Above 0, at most 100, with four decimals at most", 100)]
Price = Annotated[Decimal | None, Meta(description="Major units of the shop's currency, exact: a number or a string")]
_Category = Annotated[str, documented("Exactly as products have it", minLength=1, maxLength=100, pattern=ONE_LINE)]
Categories = Annotated[list[_Category], documented("Only goods of these; none: all goods", maxItems=MOST_CATEGORIES)]
Time = Annotated[datetime, Meta(tz=True)] | None
Limit = Annotated[int | None, documented("So many orders in all", minimum=1, maximum=MOST_USES)]
PerBuyer = Annotated[int | None, documented("So many orders of one e-mail address", minimum=1, maximum=MOST_PER_BUYER)]


class NewDiscount(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A discount: a `percentage` has `percent`, an `amount` has `amount`, `freeShipping` has neither."""

    name: Name
    kind: Kind
    code: Code = None
    percent: Percent = None
    amount: Price = None
    categories: Categories = []
    minimum: Annotated[Price, Meta(description="What the goods that it is for must cost at least")] = None
    starts_at: Time = None
    ends_at: Time = None
    limit: Limit = None
    limit_per_buyer: PerBuyer = None
    combines: Annotated[bool, Meta(description="Together with others that combine, too")] = False


class DiscountChange(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What to replace: at least one of these. What a discount takes off stays: make another one. A limit can be set or
    raised, and not lowered: uses may be held."""

    name: Name | UnsetType = UNSET
    starts_at: Annotated[datetime, Meta(tz=True)] | UnsetType | None = UNSET
    ends_at: Annotated[datetime, Meta(tz=True)] | UnsetType | None = UNSET
    limit: Annotated[int, documented("So many orders in all", minimum=1, maximum=MOST_USES)] | UnsetType = UNSET
    limit_per_buyer: PerBuyer | UnsetType = UNSET
    combines: bool | UnsetType = UNSET
    is_active: Annotated[bool, Meta(description="false: nobody can use it any more")] | UnsetType = UNSET


class DiscountOut(msgspec.Struct, frozen=True, rename="camel"):
    """A discount. `usesLeft` is how often it can still be used; null: any number of times, or not known right now."""

    id: str
    name: str
    kind: str
    code: str | None
    percent: Decimal | None
    amount: Decimal | None
    amount_minor: int | None
    categories: tuple[str, ...]
    minimum: Decimal | None
    minimum_minor: int | None
    currency: str
    starts_at: Timestamp | None
    ends_at: Timestamp | None
    limit: int | None
    limit_per_buyer: int | None
    uses_left: int | None
    combines: bool
    is_active: bool
    created_at: Timestamp
    updated_at: Timestamp


class DiscountAnswer(msgspec.Struct, frozen=True):
    """One discount."""

    discount: DiscountOut


class DiscountsAnswer(msgspec.Struct, frozen=True):
    """A page of discounts, the newest first."""

    discounts: list[DiscountOut]
    pagination: Pagination


def discount_shown(discount: Discount, left: int | None) -> DiscountOut:
    """The discount as the wire shows it; `left` is how often it can still be used."""
    currency, is_amount = discount.currency, discount.kind is DiscountKind.AMOUNT
    minimum = discount.minimum_minor or None
    return DiscountOut(
        id=discount.id,
        name=discount.name,
        kind=discount.kind,
        code=discount.code,
        percent=percent(discount.millionths) if discount.kind is DiscountKind.PERCENTAGE else None,
        amount=major(discount.amount_minor, currency) if is_amount else None,
        amount_minor=discount.amount_minor if is_amount else None,
        categories=discount.categories,
        minimum=None if minimum is None else major(minimum, currency),
        minimum_minor=minimum,
        currency=currency,
        starts_at=_time(discount.starts_at),
        ends_at=_time(discount.ends_at),
        limit=discount.limit,
        limit_per_buyer=discount.limit_per_buyer,
        uses_left=left,
        combines=discount.combines,
        is_active=discount.is_active,
        created_at=rfc3339(discount.created_at),
        updated_at=rfc3339(discount.updated_at),
    )


def _time(at: int | None) -> str | None:
    return None if at is None else rfc3339(at)

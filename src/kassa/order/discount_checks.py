"""What may be said of a discount, and what may become of it. Pure."""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from kassa.kit.audit import Cause, entry, newest
from kassa.kit.clock import SECOND, Millis
from kassa.kit.effects import planned, with_todos
from kassa.kit.money import InvalidMoney, minor
from kassa.kit.problem import FieldError, Invalid
from kassa.kit.text import ONE_LINE, normalised
from kassa.order.discount_wire import NewDiscount
from kassa.order.discounts import (
    FOLLOWS,
    LONGEST_CODE,
    LONGEST_NAME,
    MOST_CATEGORIES,
    MOST_PER_BUYER,
    MOST_USES,
    Discount,
    DiscountKind,
    Happened,
    is_code,
    spelled,
)
from kassa.order.parts_wire import has_fine_percent
from kassa.order.selling import MILLION

_ONE_LINE = re.compile(ONE_LINE)
_LONGEST_CATEGORY = 100
_NEEDS = {DiscountKind.PERCENTAGE: "percent", DiscountKind.AMOUNT: "amount", DiscountKind.FREE_SHIPPING: ""}


def made(id: str, new: NewDiscount, currency: str, cause: Cause, now: Millis) -> Discount:
    """The new discount, with the effect to open its uses if they are limited; Invalid with all that is wrong."""
    kind = DiscountKind(new.kind)
    errors = _of_kind(new, kind)
    code = None if new.code is None else spelled(new.code)
    if code is not None and not is_code(code):
        errors.append(FieldError("code", f"must be 1 to {LONGEST_CODE} letters and digits, with - . _ between them"))
    if len(new.categories) > MOST_CATEGORIES:
        errors.append(FieldError("categories", f"must be at most {MOST_CATEGORIES}"))
    categories = tuple(normalised(each, _LONGEST_CATEGORY) for each in new.categories)
    if not all(1 <= len(each) <= _LONGEST_CATEGORY and _ONE_LINE.fullmatch(each) for each in categories):
        errors.append(FieldError("categories", f"must be lines of 1 to {_LONGEST_CATEGORY} characters, as of products"))
    amount = _money(new.amount, "amount", currency, errors)
    minimum = _money(new.minimum, "minimum", currency, errors)
    millionths = _percent(new.percent, errors)
    name = normalised(new.name, LONGEST_NAME)
    limits: dict[str, Any] = {"limit": new.limit, "limit_per_buyer": new.limit_per_buyer}
    times: dict[str, Any] = {"starts_at": millis(new.starts_at), "ends_at": millis(new.ends_at)}
    errors += wrong({"name": name, **limits, **times})
    if errors:
        raise Invalid.fields(errors)
    discount = Discount(
        id=id,
        code=code,
        name=name,
        kind=kind,
        millionths=millionths,
        amount_minor=amount,
        currency=currency,
        categories=categories,
        minimum_minor=minimum,
        combines=new.combines,
        is_automatic=code is None,
        audit=(entry(cause, "created", "", "active", now),),
        created_at=now,
        updated_at=now,
        **limits,
        **times,
    )
    return _with_uses(discount, Happened.LIMITED, new.limit, now)


def _of_kind(new: NewDiscount, kind: DiscountKind) -> list[FieldError]:
    """What is there that its kind does not have, or is not there that it has."""
    needed = _NEEDS[kind]
    errors = [
        FieldError(field, f"is what a discount of the kind {kind} does not have")
        for field in ("percent", "amount")
        if field != needed and getattr(new, field) is not None
    ]
    if needed and getattr(new, needed) is None:
        errors.append(FieldError(needed, f"is missing: a discount of the kind {kind} has one"))
    return errors


def edited(discount: Discount, changes: Mapping[str, Any], cause: Cause, now: Millis) -> Discount:
    """The discount with other members; the very same one if that changes nothing. Invalid if that cannot be."""
    if "name" in changes:
        changes = {**changes, "name": normalised(changes["name"], LONGEST_NAME)}
    changes = {name: value for name, value in changes.items() if getattr(discount, name) != value}
    if not changes:
        return discount
    members = {"name": discount.name, "starts_at": discount.starts_at, "ends_at": discount.ends_at, **changes}
    errors = wrong(members)
    limit, known = changes.get("limit"), discount.limit
    if limit is not None and known is not None and limit < known:
        errors.append(FieldError("limit", f"must be more than {known}: it can be raised, for uses may be held"))
    if errors:
        raise Invalid.fields(errors)
    was, will = (
        ("active" if each else "ended") for each in (discount.is_active, changes.get("is_active", discount.is_active))
    )
    audit = newest(discount.audit, entry(cause, "edited", was, will, now))
    changed = msgspec.structs.replace(discount, **changes, audit=audit, updated_at=now)
    if limit is None:
        return changed
    return _with_uses(changed, Happened.LIMITED if known is None else Happened.RAISED, limit - (known or 0), now)


def wrong(members: Mapping[str, Any]) -> list[FieldError]:
    """What is wrong with the members that can be changed."""
    errors = []
    name, starts_at, ends_at = members["name"], members["starts_at"], members["ends_at"]
    if not 1 <= len(name) <= LONGEST_NAME or not _ONE_LINE.fullmatch(name):
        errors.append(FieldError("name", f"must be one line of 1 to {LONGEST_NAME} characters"))
    if starts_at is not None and ends_at is not None and ends_at <= starts_at:
        errors.append(FieldError("endsAt", "must be after startsAt"))
    for field, most, shown in (("limit", MOST_USES, "limit"), ("limit_per_buyer", MOST_PER_BUYER, "limitPerBuyer")):
        if (limit := members.get(field)) is not None and not 1 <= limit <= most:
            errors.append(FieldError(shown, f"must be from 1 to {most}"))
    return errors


def millis(at: datetime | None) -> Millis | None:
    """The time as it is stored."""
    return None if at is None else round(at.timestamp() * SECOND)


def _with_uses(discount: Discount, happened: Happened, uses: int | None, now: Millis) -> Discount:
    if not uses:
        return discount
    count = str(uses)
    return with_todos(discount, FOLLOWS[happened], lambda it, todo: planned(it, todo, now, uses=count))


def _money(amount: Decimal | None, field: str, currency: str, errors: list[FieldError]) -> int:
    if amount is None:
        return 0
    try:
        units = minor(amount, currency)
    except InvalidMoney as error:
        errors.append(FieldError(field, str(error)))
        return 0
    if not 0 < units < 10**12:
        errors.append(FieldError(field, "must be above 0, of a sensible size"))
    return units


def _percent(percent: Decimal | None, errors: list[FieldError]) -> int:
    if percent is None:
        return 0
    exact = percent * MILLION / 100 if percent.is_finite() else Decimal(-1)
    if not 0 < exact <= MILLION or has_fine_percent(percent):
        errors.append(FieldError("percent", "must be above 0 and at most 100, with at most four decimals"))
        return 0
    return int(exact)

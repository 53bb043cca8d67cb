"""What an order costs, and why: the one function that quotes and orders are reckoned by. Pure, in whole minor units.

First what is taken off, then the shipping, by what is left of the goods, then the tax of both.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

from kassa.contracts.order import OrderItem
from kassa.contracts.parts import Address, DiscountPart, LinePart, Parts, ShippingPart, TaxPart
from kassa.kit.money import split, step
from kassa.order.discounts import Discount, DiscountKind, choices
from kassa.order.domain import total_minor
from kassa.order.selling import MILLION, STANDARD, Offer, Selling, TaxRate, offers, rate_of

TaxMode = Literal["none", "rates", "stripe"]


class Good(NamedTuple):
    """A line of an order, and what of its product decides of discounts, shipping and tax. `weight` is one piece's, in
    grams."""

    item: OrderItem
    category: str = ""
    weight: int = 0
    tax_class: str = STANDARD
    is_digital: bool = False

    @property
    def amount_minor(self) -> int:
        """What the line costs before anything is taken off."""
        return self.item.price_minor * self.item.quantity


class Wish(NamedTuple):
    """How goods are to be sent, and with which discounts: a code's, and those that need none."""

    destination: Address | None = None
    method_id: str | None = None
    discounts: tuple[Discount, ...] = ()


class Reckoned(NamedTuple):
    """The parts, and the methods that there were to choose from. `is_sent`: something of it is no digital good.
    `needs_method`: none was chosen yet, or one that does not take these goods there."""

    parts: Parts
    offers: list[Offer]
    is_sent: bool
    needs_method: bool


def reckon(goods: Sequence[Good], currency: str, selling: Selling, tax: TaxMode, wish: Wish) -> Reckoned:
    """All parts of what the goods cost. The discounts are those that apply (discounts.py says which do); of those that
    exclude each other the ones are taken that take most off."""
    chosen = [_with_discounts(goods, currency, selling, each, wish) for each in choices(wish.discounts)]
    best = min(chosen, key=lambda found: found.parts.change_minor())
    return best._replace(parts=_taxed(goods, best.parts, currency, selling, tax, wish))


def share(amount: int, millionths: int, of: int, unit: int) -> int:
    """`amount × millionths / of`, rounded half up to whole units of `unit`."""
    return (2 * amount * millionths + of * unit) // (2 * of * unit) * unit


def _with_discounts(
    goods: Sequence[Good], currency: str, selling: Selling, discounts: Sequence[Discount], wish: Wish
) -> Reckoned:
    """Everything but the tax."""
    unit, left = step(currency), [good.amount_minor for good in goods]
    found = [_off_the_goods(discount, goods, left, unit) for discount in discounts]
    value = sum(left)
    is_sent = any(not good.is_digital for good in goods)
    weight = sum(good.weight * good.item.quantity for good in goods if not good.is_digital)
    there = offers(selling, wish.destination, weight, value) if is_sent else []
    offer = next((each for each in there if each.method.id == wish.method_id), None)
    shipping = _shipping(offer)
    free = next((part for part, each in enumerate(discounts) if each.kind is DiscountKind.FREE_SHIPPING), None)
    if shipping is not None and free is not None:
        found[free] = msgspec.structs.replace(found[free], shipping_minor=shipping.amount_minor)
        shipping = msgspec.structs.replace(shipping, discount_minor=shipping.amount_minor)
    lines = tuple(LinePart(good.amount_minor - rest) for good, rest in zip(goods, left, strict=True))
    # What takes nothing off is not used by that.
    taking = tuple(part for part in found if part.amount_minor or part.shipping_minor)
    parts = Parts(lines=lines, discounts=taking, shipping=shipping)
    return Reckoned(parts, there, is_sent, is_sent and bool(selling.methods) and offer is None)


def _off_the_goods(discount: Discount, goods: Sequence[Good], left: list[int], unit: int) -> DiscountPart:
    """What the discount takes off what is left of the lines, which is less afterwards."""
    meant = [rest if discount.is_for(good.category) else 0 for good, rest in zip(goods, left, strict=True)]
    whole = sum(meant)
    amount = 0
    if discount.kind is DiscountKind.PERCENTAGE:
        amount = min(whole, share(whole, discount.millionths, MILLION, unit))
    elif discount.kind is DiscountKind.AMOUNT:
        amount = min(whole, discount.amount_minor)
    for place, part in enumerate(split(amount, meant, unit)):
        left[place] -= part
    return DiscountPart(
        discount_id=discount.id,
        name=discount.name,
        code=discount.code or "",
        amount_minor=amount,
        is_limited=discount.limit is not None,
    )


def _shipping(offer: Offer | None) -> ShippingPart | None:
    if offer is None:
        return None
    method = offer.method
    return ShippingPart(method.id, method.name, method.kind, offer.price_minor)


def _taxed(goods: Sequence[Good], parts: Parts, currency: str, selling: Selling, tax: TaxMode, wish: Wish) -> Parts:
    if tax == "none":
        return parts
    if tax == "stripe" and total_minor([good.item for good in goods], parts):
        return msgspec.structs.replace(parts, is_tax_open=True, is_tax_contained=selling.prices_contain_tax)
    if tax == "stripe":
        return parts  # Nothing is to be paid, so that nothing comes to Stripe.
    is_picked_up = parts.shipping is not None and parts.shipping.kind == "pickup"
    to = None if is_picked_up else wish.destination
    country, region = (selling.home, "") if to is None else (to.country, to.region)
    unit, taxes = step(currency), _Taxes()
    lines = []
    for good, line in zip(goods, parts.lines, strict=True):
        rate = rate_of(selling.rates, country, region, good.tax_class)
        tax_minor, number = taxes.add(rate, good.amount_minor - line.discount_minor, unit)
        lines.append(msgspec.structs.replace(line, tax_minor=tax_minor, rate=number))
    shipping = parts.shipping
    if shipping is not None and selling.taxes_shipping:
        rate = rate_of(selling.rates, country, region, STANDARD)
        tax_minor, number = taxes.add(rate, shipping.amount_minor - shipping.discount_minor, unit)
        shipping = msgspec.structs.replace(shipping, tax_minor=tax_minor, rate=number)
    return msgspec.structs.replace(parts, lines=tuple(lines), shipping=shipping, taxes=taxes.parts())


class _Taxes:
    """The taxes of all lines, by rate: each is rounded by itself, so that their sum is exact."""

    def __init__(self) -> None:
        self._by_rate: dict[tuple[str, int, bool], int] = {}

    def add(self, rate: TaxRate | None, amount: int, unit: int) -> tuple[int, int]:
        """The tax of this amount, which is in the sum from now on; and the how manieth of the parts' taxes it is."""
        if rate is None:
            return 0, 0
        # A contained tax is told and not paid, so that it needs no whole units.
        whole = MILLION + rate.millionths if rate.is_included else MILLION
        tax = share(amount, rate.millionths, whole, 1 if rate.is_included else unit)
        key = (rate.name, rate.millionths, rate.is_included)
        self._by_rate[key] = self._by_rate.get(key, 0) + tax
        return tax, list(self._by_rate).index(key) + 1

    def parts(self) -> tuple[TaxPart, ...]:
        """One for each rate that there is."""
        return tuple(
            TaxPart(name, amount, millionths, is_included)
            for (name, millionths, is_included), amount in self._by_rate.items()
        )

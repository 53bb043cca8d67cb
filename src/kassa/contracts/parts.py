"""Parts: what an order's total is made of, besides the prices of its lines. Amounts are in minor units.

Always: the lines − their discounts + the shipping − its discount + the taxes that come on top = the total.
"""

from typing import Literal

import msgspec


class Address(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Where a parcel or a bill goes. `country` is ISO 3166-1 alpha-2, `region` what the country's post calls a state,
    province or prefecture, by its code."""

    name: str
    country: str
    lines: tuple[str, ...] = ()
    city: str = ""
    region: str = ""
    postal_code: str = ""


class LinePart(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """What is taken off one line of the order, and the tax of what is left: on top of it, or contained. `rate`: which
    one of the parts' taxes that is, counted from 1; 0 for none, or where it was not noted."""

    discount_minor: int = 0
    tax_minor: int = 0
    rate: int = 0


class DiscountPart(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A discount: what it takes off the lines, and off the shipping. `is_limited`: it can be used so many times, and
    one of them is held with the order's stock. `use` is the one of the buyer's that the order has, if those
    are limited."""

    discount_id: str
    name: str
    code: str = ""
    amount_minor: int = 0
    shipping_minor: int = 0
    is_limited: bool = False
    use: str = ""


class ShippingPart(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """How the goods come to the buyer, and what that costs before its discount; the tax of what is left, and its rate
    as in LinePart."""

    method_id: str
    name: str
    kind: Literal["delivery", "pickup"]
    amount_minor: int
    discount_minor: int = 0
    tax_minor: int = 0
    rate: int = 0


class TaxPart(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """All tax of one rate. `millionths`: 190000 is 19 %; 0 where Stripe has reckoned it. `is_included`: contained in
    the prices, so that it is told and not added."""

    name: str
    amount_minor: int
    millionths: int = 0
    is_included: bool = False


class Parts(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """How a total comes about. `lines` are those of the order, in its order. `is_tax_open`: Stripe reckons the tax when
    the buyer pays, and adds it, unless the prices contain it (`is_tax_contained`)."""

    lines: tuple[LinePart, ...] = ()
    discounts: tuple[DiscountPart, ...] = ()
    shipping: ShippingPart | None = None
    taxes: tuple[TaxPart, ...] = ()
    is_tax_open: bool = False
    is_tax_contained: bool = False

    @property
    def discount_minor(self) -> int:
        """All that is taken off."""
        return sum(each.amount_minor + each.shipping_minor for each in self.discounts)

    @property
    def shipping_minor(self) -> int:
        """The shipping, before its discount."""
        return 0 if self.shipping is None else self.shipping.amount_minor

    @property
    def added_tax_minor(self) -> int:
        """The taxes that come on top."""
        return sum(each.amount_minor for each in self.taxes if not each.is_included)

    def change_minor(self) -> int:
        """What the parts add to the prices of the lines; below zero if they take more off."""
        return self.added_tax_minor + self.shipping_minor - self.discount_minor

"""The API's answers about what an order is made of besides its goods, as far as the pages read them."""

from decimal import Decimal

import msgspec


class Answer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Common ground of all answers: camelCase on the wire."""


class Address(Answer, frozen=True):
    """Where a parcel goes."""

    name: str
    country: str
    lines: tuple[str, ...] = ()
    city: str = ""
    region: str = ""
    postal_code: str = ""

    @property
    def shown(self) -> tuple[str, ...]:
        """Line by line, as a label has it."""
        place = " ".join(each for each in (self.postal_code, self.city, self.region) if each)
        return tuple(each for each in (self.name, *self.lines, place, self.country) if each)


class DiscountPart(Answer, frozen=True):
    """What a discount takes off, off the goods and off the shipping."""

    name: str
    amount_minor: int
    code: str | None = None
    shipping_minor: int = 0


class ShippingPart(Answer, frozen=True):
    """How the goods come to the buyer."""

    id: str
    name: str
    kind: str
    amount_minor: int


class TaxPart(Answer, frozen=True):
    """All tax of one rate; `is_included` in the prices, or on top."""

    name: str
    amount_minor: int
    percent: Decimal | None = None
    is_included: bool = False


class Parts(Answer, frozen=True):
    """What a total is made of."""

    subtotal_minor: int
    discounts: tuple[DiscountPart, ...] = ()
    shipping: ShippingPart | None = None
    taxes: tuple[TaxPart, ...] = ()
    is_tax_open: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing but the goods' prices."""
        return not (self.discounts or self.shipping or self.taxes or self.is_tax_open)

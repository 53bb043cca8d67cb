"""Addresses and the parts of a total over the wire: what is sent and what is answered."""

from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from kassa.contracts.parts import Address, Parts, TaxPart
from kassa.kit.lists import documented
from kassa.kit.money import major
from kassa.kit.text import ONE_LINE
from kassa.order.destination import (
    LONGEST_CITY,
    LONGEST_CODE,
    LONGEST_LINE,
    LONGEST_REGION,
    MOST_LINES,
    checked,
)
from kassa.order.selling import MILLION

_Line = Annotated[str, documented("One line", maxLength=LONGEST_LINE, pattern=ONE_LINE)]


class AddressIn(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """An address, as its country's post writes it."""

    name: Annotated[str, documented("Who lives there", minLength=1, maxLength=LONGEST_LINE, pattern=ONE_LINE)]
    country: Annotated[str, documented("ISO 3166-1 alpha-2", minLength=2, maxLength=2, examples=["DE"])]
    lines: Annotated[list[_Line], documented("Street, house number and so on", maxItems=MOST_LINES)] = []
    city: Annotated[str, documented("Where the country's addresses have one", maxLength=LONGEST_CITY)] = ""
    region: Annotated[str, documented("State, province or prefecture, by code or name", maxLength=LONGEST_REGION)] = ""
    postal_code: Annotated[str, documented("Where the country has them", maxLength=LONGEST_CODE)] = ""


class WhereIn(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Where goods would go: an address, or as much of it as is known. The country is enough, with the region and the
    postal code where the shop's zones or tax rates go by them."""

    country: Annotated[str, documented("ISO 3166-1 alpha-2", minLength=2, maxLength=2, examples=["DE"])]
    region: Annotated[str, documented("State, province or prefecture, by code or name", maxLength=LONGEST_REGION)] = ""
    postal_code: Annotated[str, documented("Where the country has them", maxLength=LONGEST_CODE)] = ""
    name: Annotated[str, documented("Who lives there", maxLength=LONGEST_LINE)] = ""
    lines: Annotated[list[_Line], documented("Street, house number and so on", maxItems=MOST_LINES)] = []
    city: Annotated[str, documented("Where the country's addresses have one", maxLength=LONGEST_CITY)] = ""


class AddressOut(msgspec.Struct, frozen=True, rename="camel"):
    """An address, in one spelling."""

    name: str
    country: str
    lines: tuple[str, ...]
    city: str
    region: str
    postal_code: str


class Amount(msgspec.Struct, frozen=True, rename="camel"):
    """An amount of the order's currency: exact in major units, and in minor units."""

    amount: Decimal
    amount_minor: int


class DiscountPartOut(Amount, frozen=True, rename="camel"):
    """What a discount takes off, off the goods and off the shipping; `code` is null where it applies by itself."""

    name: str
    code: str | None
    shipping: Decimal
    shipping_minor: int


class ShippingOut(Amount, frozen=True, rename="camel"):
    """How the goods come to the buyer, and what that costs before its discount."""

    id: str
    name: str
    kind: str


class TaxOut(Amount, frozen=True, rename="camel"):
    """All tax of one rate; `percent` is null where Stripe reckons it. Where `isIncluded`, prices contain it, and it is
    not added."""

    name: str
    percent: Decimal | None
    is_included: bool


class PartsOut(msgspec.Struct, frozen=True, rename="camel"):
    """Lines − discounts + shipping + taxes that are not included = total. `isTaxOpen`: Stripe reckons the tax when the
    buyer pays, and adds it."""

    subtotal: Decimal
    subtotal_minor: int
    discounts: list[DiscountPartOut]
    discount_total: Decimal
    discount_total_minor: int
    shipping: ShippingOut | None
    taxes: list[TaxOut]
    tax_total: Annotated[Decimal, Meta(description="All taxes, those that prices contain among them")]
    tax_total_minor: int
    is_tax_open: bool


def read_address(given: AddressIn | WhereIn | None, field: str) -> Address | None:
    """The address in one spelling, if one was sent; Invalid with all that is wrong with it."""
    if given is None:
        return None
    lines = tuple(given.lines)
    address = Address(given.name, given.country, lines, given.city, given.region, given.postal_code)
    return checked(address, field, is_whole=isinstance(given, AddressIn))


def address_shown(address: Address | None) -> AddressOut | None:
    """The address as the wire shows it."""
    return None if address is None else AddressOut(**msgspec.structs.asdict(address))


def parts_shown(subtotal: int, parts: Parts, currency: str) -> PartsOut:
    """The parts of a total as the wire shows them; `subtotal` is what the lines cost, in minor units."""
    tax = sum(each.amount_minor for each in parts.taxes)
    discounts = [
        DiscountPartOut(
            **_amount(each.amount_minor, currency),
            name=each.name,
            code=each.code or None,
            shipping=major(each.shipping_minor, currency),
            shipping_minor=each.shipping_minor,
        )
        for each in parts.discounts
    ]
    of = parts.shipping
    return PartsOut(
        subtotal=major(subtotal, currency),
        subtotal_minor=subtotal,
        discounts=discounts,
        discount_total=major(parts.discount_minor, currency),
        discount_total_minor=parts.discount_minor,
        shipping=None
        if of is None
        else ShippingOut(**_amount(of.amount_minor, currency), id=of.method_id, name=of.name, kind=of.kind),
        taxes=[_tax(each, currency) for each in parts.taxes],
        tax_total=major(tax, currency),
        tax_total_minor=tax,
        is_tax_open=parts.is_tax_open,
    )


def percent_documented(description: str, most: int) -> Meta:
    """What JSON Schema says of a percentage that is sent: it is no money."""
    schema = {"type": ["number", "string"], "format": "percent", "minimum": 0, "maximum": most, "examples": [19]}
    return Meta(description=description, extra_json_schema=schema)


def has_fine_percent(percent: Decimal) -> bool:
    """Whether it has more than the four decimals that are kept; to reckon with more of them would round in silence."""
    return int(percent.as_tuple().exponent) < -4


def percent(millionths: int) -> Decimal:
    """190000 is 19, 88750 is 8.875."""
    exact = Decimal(millionths * 100) / MILLION
    return exact.to_integral_value() if exact == exact.to_integral_value() else exact.normalize()


def _tax(tax: TaxPart, currency: str) -> TaxOut:
    rate = percent(tax.millionths) if tax.millionths else None
    return TaxOut(**_amount(tax.amount_minor, currency), name=tax.name, percent=rate, is_included=tax.is_included)


def _amount(minor: int, currency: str) -> dict[str, Any]:
    return {"amount": major(minor, currency), "amount_minor": minor}

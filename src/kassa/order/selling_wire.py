"""How the shop sells, over the wire and in a file: what is sent and what is answered. Amounts are in major units."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from kassa.kit.clock import Timestamp, rfc3339
from kassa.kit.email import LONGEST_EMAIL
from kassa.kit.lists import documented
from kassa.kit.money import major
from kassa.kit.text import ONE_LINE
from kassa.order.invoices_wire import SellerOut, seller_shown
from kassa.order.parts_wire import AddressIn, percent, percent_documented
from kassa.order.selling import STANDARD, Bracket, Method, Place, Selling, TaxRate, Zone

MOST_ZONES = 200
MOST_PLACES = 300
MOST_METHODS = 500
MOST_RATES = 2_000
MOST_BRACKETS = 50
MOST_PREFIXES = 200
LONGEST_NAME = 60
LONGEST_TAX_ID = 40
LONGEST_NOTICE = 300
SLUG = "^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$"

Slug = Annotated[str, documented("Small letters, digits and hyphens", pattern=SLUG, maxLength=64)]
Name = Annotated[str, documented("What buyers read", minLength=1, maxLength=LONGEST_NAME, pattern=ONE_LINE)]
# What may cost nothing is described apart from what is sold.
_MONEY = {"type": ["number", "string"], "format": "money", "minimum": 0, "examples": [4.9]}
Price = Annotated[Decimal, Meta(description="Major units of the shop's currency, exact", extra_json_schema=_MONEY)]
_Region = Annotated[str, documented("Its code or name", maxLength=100)]
_Prefix = Annotated[str, documented("Of a postal code", minLength=1, maxLength=100)]
Country = Annotated[str, documented("ISO 3166-1 alpha-2", minLength=2, maxLength=2)]


class PlaceIn(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A country, or a part of it. `country` is `*` for wherever no other place is."""

    country: Annotated[str, documented("ISO 3166-1 alpha-2, or `*`", minLength=1, maxLength=2)]
    regions: Annotated[
        list[_Region], documented("Codes of states, provinces, prefectures", maxItems=MOST_PREFIXES)
    ] = []
    postal_prefixes: Annotated[list[_Prefix], documented("What postal codes begin with", maxItems=MOST_PREFIXES)] = []


class ZoneIn(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Places that cost the same to send to."""

    id: Slug
    name: Name
    places: Annotated[list[PlaceIn], documented("At least one", minItems=1, maxItems=MOST_PLACES)]


class WeightBracket(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The price up to a weight in grams; without `upTo` of all that is heavier."""

    price: Price
    up_to: Annotated[int, documented("Grams", minimum=1)] | None = None


class ValueBracket(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The price up to a value of the goods; without `upTo` of all that cost more."""

    price: Price
    up_to: Price | None = None


class MethodIn(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A shipping method. A `delivery` has a zone; a `pickup` has none. The price is `price`, or that of the first
    bracket that holds the goods; above the last bracket the method does not take them. From `freeFrom` on it is
    free."""

    id: Slug
    name: Name
    kind: Literal["delivery", "pickup"] = "delivery"
    zone: Slug | None = None
    price: Price = Decimal(0)
    free_from: Price | None = None
    by_weight: Annotated[list[WeightBracket], documented("By grams", maxItems=MOST_BRACKETS)] = []
    by_value: Annotated[list[ValueBracket], documented("By what the goods cost", maxItems=MOST_BRACKETS)] = []


class RateIn(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The tax on goods of one class that go to a country, or to a region of it. `isIncluded`: prices contain it; else
    it comes on top."""

    country: Country
    percent: Annotated[Decimal, percent_documented("With at most four decimals: 19, 8.875", most=1000)]
    name: Name
    region: Annotated[str, documented("Its code; empty for the whole country", maxLength=100)] = ""
    tax_class: Annotated[str, documented("That of products", pattern=SLUG, maxLength=64)] = STANDARD
    is_included: bool = False


class SellerIn(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Who sells, as it stands on invoices. Without a number by which it is taxed they are called receipts."""

    address: AddressIn
    tax_id: Annotated[str, documented("Such as the VAT identification number", maxLength=LONGEST_TAX_ID)] = ""
    email: Annotated[str, documented("Where buyers can ask", maxLength=LONGEST_EMAIL)] = ""
    notice: Annotated[
        str,
        documented("What stands on each: the register of companies, why no tax is charged", maxLength=LONGEST_NOTICE),
    ] = ""


class SellingIn(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """How the shop sells, all of it: what is left out is not there any more. `needsDestination`: what is sent is not
    ordered without one. `home` is the country whose tax is due on what is picked up, or goes nowhere."""

    zones: Annotated[list[ZoneIn], documented("Where the shop sends to", maxItems=MOST_ZONES)] = []
    shipping_methods: Annotated[list[MethodIn], documented("How", maxItems=MOST_METHODS)] = []
    tax_rates: Annotated[list[RateIn], documented("For `TAX=rates`", maxItems=MOST_RATES)] = []
    home: Annotated[str, documented("ISO 3166-1 alpha-2, or empty", maxLength=2)] = ""
    needs_destination: bool = False
    taxes_shipping: Annotated[bool, Meta(description="Whether shipping is taxed, at the standard rate")] = True
    prices_contain_tax: Annotated[
        bool, Meta(description="For `TAX=stripe`: prices contain the tax that Stripe reckons; else it comes on top")
    ] = False
    seller: Annotated[SellerIn | None, Meta(description="Who sells; null: nothing is said of that")] = None
    expected_updated_at: (
        Annotated[datetime, Meta(tz=True, description="The `updatedAt` that was read: refused if it was changed since")]
        | None
    ) = None


class PlaceOut(msgspec.Struct, frozen=True, rename="camel"):
    """See PlaceIn."""

    country: str
    regions: tuple[str, ...]
    postal_prefixes: tuple[str, ...]


class ZoneOut(msgspec.Struct, frozen=True, rename="camel"):
    """See ZoneIn."""

    id: str
    name: str
    places: list[PlaceOut]


class BracketOut(msgspec.Struct, frozen=True, rename="camel"):
    """See WeightBracket and ValueBracket."""

    price: Decimal
    up_to: Decimal | None


class ShippingMethodOut(msgspec.Struct, frozen=True, rename="camel"):
    """See MethodIn."""

    id: str
    name: str
    kind: str
    zone: str | None
    price: Decimal
    free_from: Decimal | None
    by_weight: list[BracketOut]
    by_value: list[BracketOut]


class RateOut(msgspec.Struct, frozen=True, rename="camel"):
    """See RateIn."""

    country: str
    region: str
    tax_class: str
    percent: Decimal
    name: str
    is_included: bool


class SellingOut(msgspec.Struct, frozen=True, rename="camel"):
    """How the shop sells. `tax` is the setting TAX; `updatedAt` is null where nothing was set yet."""

    currency: str
    tax: str
    home: str
    needs_destination: bool
    taxes_shipping: bool
    prices_contain_tax: bool
    zones: list[ZoneOut]
    shipping_methods: list[ShippingMethodOut]
    tax_rates: list[RateOut]
    seller: SellerOut | None
    updated_at: Timestamp | None


class SellingAnswer(msgspec.Struct, frozen=True):
    """How the shop sells."""

    selling: SellingOut


class RegionOut(msgspec.Struct, frozen=True):
    """A state, province or prefecture."""

    code: str
    name: str


class CountryOut(msgspec.Struct, frozen=True):
    """A country that the shop sends to; which parts of an address it needs, by the names of a destination; its regions,
    where addresses name one."""

    code: str
    name: str
    needs: list[str]
    regions: list[RegionOut]


class DestinationsAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """Where the shop sends to. `isAnywhere`: also to countries that are not here by name."""

    countries: list[CountryOut]
    is_anywhere: bool


def selling_shown(selling: Selling, currency: str, tax: str) -> SellingOut:
    """How the shop sells, as the wire shows it."""
    return SellingOut(
        currency=currency,
        tax=tax,
        home=selling.home,
        needs_destination=selling.needs_destination,
        taxes_shipping=selling.taxes_shipping,
        prices_contain_tax=selling.prices_contain_tax,
        zones=[_zone(each) for each in selling.zones],
        shipping_methods=[_method(each, currency) for each in selling.methods],
        tax_rates=[_rate(each) for each in selling.rates],
        seller=seller_shown(selling.seller),
        updated_at=rfc3339(selling.updated_at) if selling.updated_at else None,
    )


def _zone(zone: Zone) -> ZoneOut:
    return ZoneOut(zone.id, zone.name, [_place(each) for each in zone.places])


def _place(place: Place) -> PlaceOut:
    return PlaceOut(place.country, place.regions, place.postal_prefixes)


def _method(method: Method, currency: str) -> ShippingMethodOut:
    free_from = method.free_from_minor
    return ShippingMethodOut(
        id=method.id,
        name=method.name,
        kind=method.kind,
        zone=method.zone or None,
        price=major(method.price_minor, currency),
        free_from=None if free_from is None else major(free_from, currency),
        by_weight=[_bracket(each, currency, Decimal) for each in method.by_weight],
        by_value=[_bracket(each, currency, lambda up_to: major(up_to, currency)) for each in method.by_value],
    )


def _bracket(bracket: Bracket, currency: str, measured: Callable[[int], Decimal]) -> BracketOut:
    up_to = None if bracket.up_to is None else measured(bracket.up_to)
    return BracketOut(major(bracket.price_minor, currency), up_to)


def _rate(rate: TaxRate) -> RateOut:
    return RateOut(rate.country, rate.region, rate.tax_class, percent(rate.millionths), rate.name, rate.is_included)

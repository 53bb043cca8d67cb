"""How the shop sells: where it sends to, by which methods, for what; and its tax rates. Pure.

All of it is one document, so that it is changed as a whole, and a quote is reckoned by what stood together.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import msgspec

from kassa.contracts.invoicing import Seller
from kassa.contracts.parts import Address
from kassa.kit.audit import AuditEntry
from kassa.kit.clock import Millis
from kassa.kit.documents import Document

ANYWHERE = "*"
STANDARD = "standard"
MILLION = 1_000_000
ID = "selling"


class Place(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A country, or a part of it: its regions, by their codes, or what postal codes begin with. `country` is `*` for
    wherever no other place is."""

    country: str
    regions: tuple[str, ...] = ()
    postal_prefixes: tuple[str, ...] = ()


class Zone(msgspec.Struct, frozen=True, rename="camel"):
    """Places that cost the same to send to."""

    id: str
    name: str
    places: tuple[Place, ...]


class Bracket(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A price up to a weight in grams, or to a value in minor units; `up_to` is None for all above the one before."""

    price_minor: int
    up_to: int | None = None


class Method(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A shipping method: what it costs to bring goods to a zone, or to let them be picked up. The price is
    `price_minor`, or that of the first bracket that the weight or the value is not above; above the last one the method
    is not there. `free_from_minor`: the value from which it costs nothing."""

    id: str
    name: str
    kind: Literal["delivery", "pickup"] = "delivery"
    zone: str = ""
    price_minor: int = 0
    free_from_minor: int | None = None
    by_weight: tuple[Bracket, ...] = ()
    by_value: tuple[Bracket, ...] = ()


class TaxRate(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """The tax on goods of one class that go to a country, or to a region of it. `millionths`: 190000 is 19 %.
    `is_included`: prices contain it; else it comes on top."""

    country: str
    name: str
    millionths: int
    region: str = ""
    tax_class: str = STANDARD
    is_included: bool = False


class Selling(Document, frozen=True, kw_only=True):
    """How the shop sells. `seller`: who sells, as its invoices say. `home`: the country whose tax is due where goods
    are picked up or sent by wire to nowhere. `needs_destination`: what is sent is not ordered without one.
    `prices_contain_tax`: the tax that Stripe reckons; of the shop's own rates each says so itself."""

    home: str = ""
    needs_destination: bool = False
    taxes_shipping: bool = True
    prices_contain_tax: bool = False
    zones: tuple[Zone, ...] = ()
    methods: tuple[Method, ...] = ()
    rates: tuple[TaxRate, ...] = ()
    seller: Seller | None = None
    currency: str = ""
    updated_at: Millis = 0
    audit: tuple[AuditEntry, ...] = ()


NOTHING_SET = Selling(id=ID)
"""A shop that has set nothing: it sends wherever it is told, for nothing, and takes no tax."""


class Offer(NamedTuple):
    """A shipping method, and what it costs for these goods."""

    method: Method
    price_minor: int


def zone_of(selling: Selling, to: Address) -> Zone | None:
    """The zone that names the destination most closely: by postal code, by region, by country, or as anywhere; among
    equals the first. None if the shop does not send there."""
    best: tuple[int, Zone] | None = None
    for zone in selling.zones:
        close = max((closeness(place, to) for place in zone.places), default=0)
        if close and (best is None or close > best[0]):
            best = (close, zone)
    return None if best is None else best[1]


def closeness(place: Place, to: Address) -> int:
    """How closely a place names a destination; 0 if it does not. Of two postal prefixes the longer is closer."""
    if place.country == ANYWHERE:
        return 1
    if place.country != to.country:
        return 0
    if place.regions and to.region not in place.regions:
        return 0
    if place.postal_prefixes:
        code = plain_code(to.postal_code)
        prefixes = map(plain_code, place.postal_prefixes)
        fits = [len(each) for each in prefixes if code.startswith(each)]
        return 10 + max(fits) if fits else 0
    return 3 if place.regions else 2


def plain_code(postal_code: str) -> str:
    """A postal code without what people write in it for reading."""
    return "".join(each for each in postal_code.upper() if each.isalnum())


def offers(selling: Selling, to: Address | None, weight: int, value_minor: int) -> list[Offer]:
    """The methods that bring goods of this weight (grams) and value to the destination, and those of picking them up,
    the cheapest first."""
    zone = zone_of(selling, to) if to is not None else None
    found = []
    for method in selling.methods:
        if method.kind == "pickup" or (zone is not None and method.zone == zone.id):
            price = price_of(method, weight, value_minor)
            if price is not None:
                found.append(Offer(method, price))
    return sorted(found, key=lambda offer: (offer.method.kind != "delivery", offer.price_minor))


def price_of(method: Method, weight: int, value_minor: int) -> int | None:
    """What the method costs for goods of this weight (grams) and value; None if it does not take them."""
    brackets, measure = (method.by_weight, weight) if method.by_weight else (method.by_value, value_minor)
    price: int | None = method.price_minor
    if brackets:
        price = next((each.price_minor for each in brackets if each.up_to is None or measure <= each.up_to), None)
    if price is not None and method.free_from_minor is not None and value_minor >= method.free_from_minor:
        return 0
    return price


def rate_of(rates: Sequence[TaxRate], country: str, region: str, tax_class: str) -> TaxRate | None:
    """The rate for goods of this class that go there: the region's before the country's, and where the class has none,
    that of the standard class."""
    here = [rate for rate in rates if rate.country == country]
    for of_place in (_in(here, region) if region else [], _in(here, "")):
        for wanted in (tax_class, STANDARD):
            found = next((rate for rate in of_place if rate.tax_class == wanted), None)
            if found is not None:
                return found
    return None


def _in(rates: Iterable[TaxRate], region: str) -> list[TaxRate]:
    return [rate for rate in rates if rate.region == region]

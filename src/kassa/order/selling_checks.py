"""What is wrong with how a shop is to sell, all of it at once; and what is stored where nothing is. Pure."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from kassa.contracts.invoicing import Seller
from kassa.kit.clock import Millis
from kassa.kit.email import normalised_email
from kassa.kit.money import minor
from kassa.kit.problem import FieldError, Invalid
from kassa.kit.text import ONE_LINE, normalised
from kassa.order.destination import country_code, narrow, region_code, regions
from kassa.order.parts_wire import has_fine_percent, read_address
from kassa.order.selling import ANYWHERE, ID, MILLION, Bracket, Method, Place, Selling, TaxRate, Zone, plain_code
from kassa.order.selling_wire import (
    LONGEST_NAME,
    LONGEST_NOTICE,
    LONGEST_TAX_ID,
    MOST_BRACKETS,
    MOST_METHODS,
    MOST_PLACES,
    MOST_PREFIXES,
    MOST_RATES,
    MOST_ZONES,
    SLUG,
    MethodIn,
    PlaceIn,
    RateIn,
    SellerIn,
    SellingIn,
    ValueBracket,
    WeightBracket,
    ZoneIn,
)

_SLUG, _ONE_LINE = re.compile(SLUG), re.compile(ONE_LINE)
MOST_ERRORS = 100
_HIGHEST_PERCENT = 1000
_HEAVIEST = 10**12


class _Checks:
    """Collects what is wrong, under the name of where it stands."""

    def __init__(self, currency: str) -> None:
        self.currency = currency
        self.errors: list[FieldError] = []

    def of(self, field: str, work: Callable[[], Any], instead: Any = None) -> Any:
        """What `work` returns; `instead`, if that cannot be."""
        try:
            return work()
        except Invalid as invalid:
            self.wrong(field, invalid.errors[0].message if invalid.errors else invalid.detail)
        except ValueError as error:
            self.wrong(field, str(error))
        return instead

    def wrong(self, field: str, message: str) -> None:
        if len(self.errors) < MOST_ERRORS:
            self.errors.append(FieldError(field, message))

    def most(self, field: str, many: Sequence[Any], most: int) -> None:
        if len(many) > most:
            self.wrong(field, f"must be at most {most}")

    def name(self, field: str, text: str) -> str:
        line = normalised(text, LONGEST_NAME)
        if not 1 <= len(line) <= LONGEST_NAME or not _ONE_LINE.fullmatch(line):
            self.wrong(field, f"must be one line of 1 to {LONGEST_NAME} characters")
        return line

    def line(self, field: str, text: str, longest: int) -> str:
        line = normalised(text, longest)
        if len(line) > longest or (line and not _ONE_LINE.fullmatch(line)):
            self.wrong(field, f"must be one line of at most {longest} characters")
        return line

    def slug(self, field: str, text: str) -> str:
        if not _SLUG.fullmatch(text):
            self.wrong(field, "must be small letters, digits and hyphens between them, 64 at most")
        return text

    def price(self, field: str, price: Decimal | None) -> int:
        units = self.of(field, lambda: minor(price if price is not None else Decimal(0), self.currency), 0)
        if not 0 <= units < 10**12:
            self.wrong(field, "must be 0 or more, of a sensible size")
        return int(units)

    def unique(self, field: str, names: Iterable[Any]) -> None:
        seen: set[Any] = set()
        for place, name in enumerate(names):
            if name in seen:
                self.wrong(f"{field}[{place}]", "is there a second time")
            seen.add(name)


def checked(given: SellingIn, currency: str, now: Millis) -> Selling:
    """How the shop is to sell, as it is stored; Invalid with all that is wrong."""
    checks = _Checks(currency)
    checks.most("zones", given.zones, MOST_ZONES)
    checks.most("shippingMethods", given.shipping_methods, MOST_METHODS)
    checks.most("taxRates", given.tax_rates, MOST_RATES)
    zones = tuple(_zone(checks, f"zones[{place}]", each) for place, each in enumerate(given.zones[:MOST_ZONES]))
    for field, message in said_twice(zones):
        checks.wrong(field, message)
    known = {zone.id for zone in zones}
    methods = tuple(
        _method(checks, f"shippingMethods[{place}]", each, known)
        for place, each in enumerate(given.shipping_methods[:MOST_METHODS])
    )
    rates = tuple(_rate(checks, f"taxRates[{place}]", each) for place, each in enumerate(given.tax_rates[:MOST_RATES]))
    checks.unique("zones", [zone.id for zone in zones])
    checks.unique("shippingMethods", [method.id for method in methods])
    checks.unique("taxRates", [(rate.country, rate.region, rate.tax_class) for rate in rates])
    home = checks.of("home", lambda: country_code(given.home, "home"), "") if given.home else ""
    seller = _seller(checks, given.seller)
    if checks.errors:
        raise Invalid.fields(checks.errors)
    return Selling(
        id=ID,
        home=home,
        needs_destination=given.needs_destination,
        taxes_shipping=given.taxes_shipping,
        prices_contain_tax=given.prices_contain_tax,
        zones=zones,
        methods=methods,
        rates=rates,
        seller=seller,
        currency=currency,
        updated_at=now,
    )


def _seller(checks: _Checks, given: SellerIn | None) -> Seller | None:
    if given is None:
        return None
    try:
        address = read_address(given.address, "seller.address")
    except Invalid as invalid:
        checks.errors += invalid.errors
        address = None
    texts = {"taxId": (given.tax_id, LONGEST_TAX_ID), "notice": (given.notice, LONGEST_NOTICE)}
    tax_id, notice = (checks.line(f"seller.{name}", *each) for name, each in texts.items())
    email = checks.of("seller.email", lambda: normalised_email(given.email), "") if given.email else ""
    return None if address is None else Seller(address, tax_id, email, notice)


def _zone(checks: _Checks, field: str, given: ZoneIn) -> Zone:
    checks.most(f"{field}.places", given.places, MOST_PLACES)
    if not given.places:
        checks.wrong(f"{field}.places", "must be at least one")
    places = tuple(
        _place(checks, f"{field}.places[{number}]", each) for number, each in enumerate(given.places[:MOST_PLACES])
    )
    return Zone(checks.slug(f"{field}.id", given.id), checks.name(f"{field}.name", given.name), places)


def _place(checks: _Checks, field: str, given: PlaceIn) -> Place:
    checks.most(f"{field}.regions", given.regions, MOST_PREFIXES)
    checks.most(f"{field}.postalPrefixes", given.postal_prefixes, MOST_PREFIXES)
    prefixes = tuple(narrow(each).upper() for each in given.postal_prefixes[:MOST_PREFIXES])
    if not all(1 <= len(plain_code(each)) <= len(each) <= 12 and each.isascii() for each in prefixes):
        checks.wrong(f"{field}.postalPrefixes", "must have 1 to 12 characters each, with a letter or a digit")
    if not all(given.regions):
        checks.wrong(f"{field}.regions", "must not be empty texts")
    if given.country == ANYWHERE:
        if given.regions or prefixes:
            checks.wrong(field, "anywhere has neither regions nor postal codes")
        return Place(ANYWHERE)
    country = checks.of(f"{field}.country", lambda: country_code(given.country, "country"), "")
    found = [_region(checks, f"{field}.regions", country, each) for each in given.regions[:MOST_PREFIXES]]
    checks.unique(f"{field}.regions", [each for each in found if each])
    checks.unique(f"{field}.postalPrefixes", [each for each in map(plain_code, prefixes) if each])
    return Place(country, tuple(found), prefixes)


def said_twice(zones: Sequence[Zone]) -> Iterator[tuple[str, str]]:
    """Where a part of a country is named that a zone before names just as closely, and which: a destination there would
    be that zone's without a word."""
    known: dict[tuple[str, str], list[tuple[frozenset[str], int]]] = {}
    for number, zone in enumerate(zones):
        for at, place in enumerate(zone.places):
            parts = frozenset(place.regions or [""])
            for prefix in dict.fromkeys(map(plain_code, place.postal_prefixes)) or [""]:
                there = known.setdefault((place.country, prefix), [])
                again = next((each for each in there if parts & each[0]), None)
                if again is not None:
                    what = " ".join([*sorted(filter(None, parts & again[0]))[:1], *filter(None, [prefix])])
                    message = f"is there already, in zones[{again[1]}]" + (f": {what}" if what else "")
                    yield f"zones[{number}].places[{at}]", message
                    break
                there.append((parts, number))


def _region(checks: _Checks, field: str, country: str, text: str) -> str:
    """The region's code, as destinations have it."""
    if not country or not text:
        return text
    found = region_code(country, text)
    if found is None:
        some = ", ".join(list(regions(country))[:6])
        checks.wrong(
            field, f"{text[:40]!r} is no region of {country}" + (f": some are {some}" if some else ", which has none")
        )
    return found or ""


def _method(checks: _Checks, field: str, given: MethodIn, zones: set[str]) -> Method:
    if given.kind == "delivery" and given.zone not in zones:
        checks.wrong(f"{field}.zone", "must be the id of one of the zones")
    if given.kind == "pickup" and given.zone is not None:
        checks.wrong(f"{field}.zone", "must be left out: what is picked up is not sent")
    if given.by_weight and given.by_value:
        checks.wrong(field, "has a price by weight or by value, not by both")
    return Method(
        id=checks.slug(f"{field}.id", given.id),
        name=checks.name(f"{field}.name", given.name),
        kind=given.kind,
        zone=given.zone or "",
        price_minor=checks.price(f"{field}.price", given.price),
        free_from_minor=None if given.free_from is None else checks.price(f"{field}.freeFrom", given.free_from),
        by_weight=_brackets(checks, f"{field}.byWeight", given.by_weight),
        by_value=_brackets(checks, f"{field}.byValue", given.by_value),
    )


def _brackets(checks: _Checks, field: str, given: Sequence[WeightBracket | ValueBracket]) -> tuple[Bracket, ...]:
    checks.most(field, given, MOST_BRACKETS)
    found: list[Bracket] = []
    for number, each in enumerate(given[:MOST_BRACKETS]):
        at = f"{field}[{number}]"
        up_to = each.up_to if not isinstance(each.up_to, Decimal) else checks.price(f"{at}.upTo", each.up_to)
        if isinstance(each, WeightBracket) and up_to is not None and not 1 <= up_to <= _HEAVIEST:
            checks.wrong(f"{at}.upTo", f"must be from 1 to {_HEAVIEST} grams")
        if found and (found[-1].up_to is None or (up_to is not None and up_to <= (found[-1].up_to or 0))):
            checks.wrong(f"{at}.upTo", "must be more than that of the bracket before, which must have one")
        found.append(Bracket(checks.price(f"{at}.price", each.price), up_to))
    return tuple(found)


def _rate(checks: _Checks, field: str, given: RateIn) -> TaxRate:
    country = checks.of(f"{field}.country", lambda: country_code(given.country, "country"), "")
    percent = given.percent if given.percent.is_finite() else Decimal(-1)
    millionths = percent * MILLION / 100
    if not 0 <= percent <= _HIGHEST_PERCENT or has_fine_percent(percent):
        checks.wrong(f"{field}.percent", f"must be from 0 to {_HIGHEST_PERCENT}, with at most four decimals")
        millionths = Decimal(0)
    return TaxRate(
        country=country,
        name=checks.name(f"{field}.name", given.name),
        millionths=int(millionths),
        region=_region(checks, f"{field}.region", country, given.region),
        tax_class=checks.slug(f"{field}.taxClass", given.tax_class),
        is_included=given.is_included,
    )

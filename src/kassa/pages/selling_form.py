"""What a shopkeeper types about zones, shipping methods and tax rates, as the API takes it, and the other way round."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from kassa.pages.client import ApiProblem
from kassa.pages.countries import country_code
from kassa.pages.selling_models import Bracket, Method, Place, Rate, Seller, Selling, Zone

MEMBERS = {"zones": "zones", "methods": "shippingMethods", "rates": "taxRates"}
"""What of a page's address is which member of how the shop sells."""
FIELDS = {
    "zones": ("name", "places"),
    "methods": ("name", "kind", "zone", "price", "freeFrom", "byWeight", "byValue"),
    "rates": ("name", "country", "region", "percent", "taxClass", "isIncluded"),
    "general": ("home", "needsDestination", "taxesShipping"),
}
_NUMBER = re.compile(r"[0-9]{1,12}([.,][0-9]{1,6})?")
_PARTED = re.compile(r"([A-Za-z]{0,40})(?:\[(\d{1,6})\])?")
_ABOVE = ("more", "*")


def values_of(part: str, one: Zone | Method | Rate | None) -> dict[str, str]:
    """What the form shows of one of them; of a new one what most shops have."""
    if isinstance(one, Zone):
        return {"name": one.name, "places": "\n".join(_place_text(each) for each in one.places)}
    if isinstance(one, Method):
        return {
            "name": one.name,
            "kind": one.kind,
            "zone": one.zone or "",
            "price": "" if one.by_weight or one.by_value else f"{one.price:f}",
            "freeFrom": "" if one.free_from is None else f"{one.free_from:f}",
            "byWeight": "\n".join(_bracket_text(each) for each in one.by_weight),
            "byValue": "\n".join(_bracket_text(each) for each in one.by_value),
        }
    if isinstance(one, Rate):
        included = "yes" if one.is_included else ""
        values = {"name": one.name, "country": one.country, "region": one.region, "percent": f"{one.percent:f}"}
        return {**values, "taxClass": one.tax_class, "isIncluded": included}
    return {**dict.fromkeys(FIELDS[part], ""), "kind": "delivery", "taxClass": "standard"}


def seller_values(seller: Seller | None) -> dict[str, str]:
    """What the form shows of who sells."""
    known = seller or Seller()
    address = known.address
    return {
        "sellerName": address.name,
        "sellerLines": "\n".join(address.lines),
        "sellerPostalCode": address.postal_code,
        "sellerCity": address.city,
        "sellerRegion": address.region,
        "sellerCountry": address.country,
        "sellerTaxId": known.tax_id,
        "sellerEmail": known.email,
        "sellerNotice": known.notice,
    }


def seller_body(typed: Mapping[str, str]) -> dict[str, Any] | None:
    """Who sells, as the API takes it; None where nothing was typed."""
    if not any(typed.values()):
        return None
    address = {
        "name": typed["sellerName"],
        "country": country_code(typed["sellerCountry"]),
        "lines": [line.strip() for line in typed["sellerLines"].splitlines() if line.strip()],
        "city": typed["sellerCity"],
        "region": typed["sellerRegion"],
        "postalCode": typed["sellerPostalCode"],
    }
    others = {"taxId": typed["sellerTaxId"], "email": typed["sellerEmail"], "notice": typed["sellerNotice"]}
    return {"address": address, **others}


def body_of(part: str, typed: Mapping[str, str], known: Selling, number: int | None) -> dict[str, Any]:
    """One of them as the API takes it. What has an id keeps it, whatever it is called from now on. ApiProblem."""
    errors: dict[str, str] = {}
    made = {"zones": _zone, "methods": _method, "rates": _rate}[part](typed, errors)
    if not typed["name"]:
        errors["name"] = "Give it a name: buyers read it."
    if errors:
        raise ApiProblem(422, "validation_failed", errors=errors)
    if part != "rates":
        there = known.zones if part == "zones" else known.shipping_methods
        made["id"] = there[number].id if number is not None else _new_id(typed["name"], {each.id for each in there})
    return made


def at_fields(problem: ApiProblem, place: str) -> dict[str, str]:
    """What the API says of the one that stands at `place`, such as `zones[2]`, by the fields of its form."""
    found: dict[str, str] = {}
    for name, message in problem.errors.items():
        rest = name.removeprefix(place)
        field, line = _PARTED.match(rest.lstrip(".")).groups() if rest != name else (name, None)  # type: ignore[union-attr]
        words = (f"it {message}" if message[:1].islower() else message).removesuffix(".")
        told = f"{words[:1].upper()}{words[1:]}." if line is None else f"Line {int(line) + 1}: {words}."
        found[field or "name"] = f"{found[field]} {told}" if field in found else told
    return found


def _zone(typed: Mapping[str, str], errors: dict[str, str]) -> dict[str, Any]:
    places = [place for line in typed["places"].splitlines() if line.strip() for place in _places(line)]
    if not places:
        errors["places"] = "Name at least one place, such as DE."
    return {"name": typed["name"], "places": places}


def _places(line: str) -> list[dict[str, Any]]:
    """`US: CA, OR` are regions, `DE; 26, 27` what postal codes begin with; `DE, AT` are two countries."""
    rest, _, prefixes = line.partition(";")
    country, mark, regions = rest.partition(":")
    countries = [country] if mark or prefixes else country.split(",")
    part = {"regions": _listed(regions), "postalPrefixes": _listed(prefixes)}
    return [{"country": country_code(each), **part} for each in countries if each.strip()]


def _place_text(place: Place) -> str:
    regions = f": {', '.join(place.regions)}" if place.regions else ""
    return f"{place.country}{regions}" + (f"; {', '.join(place.postal_prefixes)}" if place.postal_prefixes else "")


def _listed(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def _method(typed: Mapping[str, str], errors: dict[str, str]) -> dict[str, Any]:
    made: dict[str, Any] = {"name": typed["name"], "kind": typed["kind"] or "delivery"}
    made["price"] = _number(typed["price"] or "0", "price", errors)
    if typed["freeFrom"]:
        made["freeFrom"] = _number(typed["freeFrom"], "freeFrom", errors)
    if made["kind"] == "delivery":
        if not typed["zone"]:
            errors["zone"] = "Choose where it goes. If there is no zone yet, add one first."
        made["zone"] = typed["zone"]
    for name in ("byWeight", "byValue"):
        made[name] = [_bracket(line, name, errors) for line in typed[name].splitlines() if line.strip()]
    return made


def _bracket(line: str, name: str, errors: dict[str, str]) -> dict[str, Any]:
    """`1000: 4.90` is 4.90 up to 1000, `more: 9.90` is that for all above."""
    up_to, mark, price = (each.strip() for each in line.partition(":"))
    if not mark:
        errors[name] = "Write a line such as 1000: 4.90, and the last one as more: 9.90."
        return {}
    bracket: dict[str, Any] = {"price": _number(price, name, errors)}
    if up_to.casefold() not in _ABOVE:
        limit = _number(up_to, name, errors)
        if name == "byWeight" and not limit.isdigit():
            errors[name] = "Write weights in whole grams, such as 1000: 4.90."
        bracket["upTo"] = int(limit) if name == "byWeight" and limit.isdigit() else limit
    return bracket


def _bracket_text(bracket: Bracket) -> str:
    return f"{'more' if bracket.up_to is None else format(bracket.up_to, 'f')}: {bracket.price:f}"


def _rate(typed: Mapping[str, str], errors: dict[str, str]) -> dict[str, Any]:
    percent = _number(typed["percent"].removesuffix("%").strip(), "percent", errors)
    made = {"name": typed["name"], "country": country_code(typed["country"]), "percent": percent}
    if not made["country"]:
        errors["country"] = "Say which country, such as Germany or DE."
    tax_class = typed["taxClass"] or "standard"
    return {**made, "region": typed["region"], "taxClass": tax_class, "isIncluded": bool(typed["isIncluded"])}


def _number(text: str, name: str, errors: dict[str, str]) -> str:
    if not _NUMBER.fullmatch(text):
        errors[name] = "Write it with digits, such as 4.90."
    return text.replace(",", ".")


def _new_id(name: str, taken: set[str]) -> str:
    """An id that tells what it is called, and that no other has."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:50].strip("-") or "one"
    names = (slug, *(f"{slug}-{number}" for number in range(2, len(taken) + 3)))
    return next(each for each in names if each not in taken)

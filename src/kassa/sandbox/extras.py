"""What a session has besides its lines: a discount, ways of shipping, tax, texts of the shop's own, questions to the
buyer.

What amounts follow from is kept in the private part of the session, and `reckoning` makes them of it. A session that
has nothing of it has no such part.
"""

from __future__ import annotations

from kassa.sandbox import countries, coupons, params, shipping, taxes
from kassa.sandbox.errors import ApiError, Json, missing
from kassa.sandbox.tables import Tx

_AMOUNTS = params.words("automatic_tax discounts shipping_options")
TAKEN = _AMOUNTS | {"custom_text", "shipping_address_collection"}
_SHOWN = params.words("automatic_tax custom_text phone_number_collection shipping_address_collection")
_TEXTS = ("after_submit", "shipping_address", "submit")
_LONGEST_TEXT = 1200


def read(tx: Tx, given: Json, lines: list[Json], currency: str) -> Json:
    """What of it a call asks for; empty if nothing."""
    if _AMOUNTS.isdisjoint(given) and not any(line["tax_rates"] for line in lines):
        return {}
    discount = coupons.applied(tx, given, currency)
    rates = shipping.options(tx, given, currency)
    behavior = taxes.default_behavior(tx.account, currency)
    if wants_tax(given):
        prices = [(line["price"]["tax_behavior"], f"line_items[{at}]") for at, line in enumerate(lines)]
        prices += [(rate["tax_behavior"], f"shipping_options[{at}]") for at, rate in enumerate(rates)]
        taxes.check_behaviors(behavior, prices)
        _refuse_own_rates(lines)
    return {
        "behavior": behavior,
        "chosen": 0,
        "coupon": tx.get(discount["source"]["coupon"], "coupon") if discount else None,
        "discount": discount,
        "rates": rates,
        "tax": None,
    }


def of_items(items: list[Json], lines: list[Json]) -> Json:
    """Which items are not taxable at all, and which have rates of their own, by their ids."""
    pairs = list(zip(items, lines, strict=True))
    return {
        "untaxed": [item["id"] for item, line in pairs if line["product"]["tax_code"] == taxes.NOT_TAXABLE],
        "own_rates": {item["id"]: line["tax_rates"] for item, line in pairs if line["tax_rates"]},
    }


def _refuse_own_rates(lines: list[Json]) -> None:
    for at, line in enumerate(lines):
        if line["tax_rates"]:
            text = "You may only specify one of these parameters: automatic_tax[enabled], tax_rates."
            raise ApiError(text, param=f"line_items[{at}][tax_rates]")


def wants_tax(given: Json) -> bool:
    """Whether tax is to be reckoned."""
    asked = params.section(given, "automatic_tax", ("enabled",))
    return bool(params.boolean(asked, "enabled", "automatic_tax[enabled]"))


def fields(given: Json) -> Json:
    """The fields of a session that repeat what was asked of it."""
    found: Json = {}
    if _SHOWN.isdisjoint(given):
        return found
    if "custom_text" in given:
        found["custom_text"] = _custom_text(given)
    if wants_tax(given):
        found["automatic_tax"] = dict(taxes.PENDING)
    if given.get("shipping_address_collection"):
        found["shipping_address_collection"] = {"allowed_countries": _allowed_countries(given)}
    phone = params.section(given, "phone_number_collection", ("enabled",))
    if params.boolean(phone, "enabled", "phone_number_collection[enabled]"):
        found["phone_number_collection"] = {"enabled": True}
    return found


def _custom_text(given: Json) -> Json:
    asked = params.section(given, "custom_text", _TEXTS)
    texts: Json = {"after_submit": None, "shipping_address": None, "submit": None, "terms_of_service_acceptance": None}
    for name in asked:
        text = params.section(asked, name, ("message",), f"custom_text[{name}]")
        if text:
            label = f"custom_text[{name}][message]"
            texts[name] = {"message": params.required_text(text, "message", label, _LONGEST_TEXT)}
    return texts


def _allowed_countries(given: Json) -> list[str]:
    label = "shipping_address_collection[allowed_countries]"
    asked = params.section(given, "shipping_address_collection", ("allowed_countries",))
    allowed = params.sequence(asked, "allowed_countries", label)
    if not allowed:
        raise missing(label)
    for position, country in enumerate(allowed):
        if country not in countries.names():
            known = ", ".join(sorted(countries.names()))
            raise ApiError(f"Invalid {label}[{position}]: must be one of {known}", param=f"{label}[{position}]")
    return [str(country) for country in allowed]

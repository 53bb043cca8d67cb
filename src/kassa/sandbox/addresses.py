"""Reading what a buyer says: from a program's JSON, and from the form of the card page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kassa.sandbox import countries
from kassa.sandbox.buyers import Buyer, asks_billing
from kassa.sandbox.errors import ApiError, Json
from kassa.sandbox.params import is_email

PARTS = ("city", "country", "line1", "line2", "postal_code", "state")
FIELDS = {
    "country": "Country",
    "line1": "AddressLine1",
    "line2": "AddressLine2",
    "postal_code": "PostalCode",
    "city": "Locality",
    "state": "AdministrativeArea",
}
"""How the form calls the parts of an address, behind `shipping` or `billing`."""
LONGEST = 200
_TOLD = ("address", "email", "phone", "shipping", "shipping_rate")


def from_json(given: Json) -> Buyer | None:
    """`{"address": {"country": "DE", …}, "shipping": {"name": …, "address": {…}}, "email": …, "phone": …,
    "shipping_rate": "shr_…"}`; None if nothing of it is said. `ApiError` 400 if it is no address."""
    if not any(name in given for name in _TOLD):
        return None
    shipping = given.get("shipping") or {}
    if not isinstance(shipping, dict):
        raise ApiError("`shipping` is an object with `name` and `address`.", param="shipping")
    return Buyer(
        name=_text(given, "name"),
        email=_text(given, "email"),
        phone=_text(given, "phone"),
        billing=_address(given.get("address"), "address"),
        shipping_name=_text(shipping, "name"),
        shipping=_address(shipping.get("address"), "shipping"),
        rate=_text(given, "shipping_rate"),
    )


def from_form(session: Json, fields: dict[str, str]) -> tuple[Buyer, dict[str, str]]:
    """The buyer as the card page's fields tell, and what is wrong with them, by field."""
    errors: dict[str, str] = {}
    shipping = billing = None
    collection = session["shipping_address_collection"]
    if collection:
        shipping = _typed(fields, "shipping", errors, is_whole=True, allowed=collection["allowed_countries"])
        if not _typed_text(fields, "shippingName"):
            errors["shippingName"] = "Enter the name of the recipient."
    if asks_billing(session) and not (collection and fields.get("billingSame")):
        is_whole = session["billing_address_collection"] == "required"
        billing = _typed(fields, "billing", errors, is_whole=is_whole, allowed=())
    phone = _typed_text(fields, "phoneNumber")
    if session["phone_number_collection"]["enabled"] and not phone:
        errors["phoneNumber"] = "Enter your phone number."
    email = _typed_text(fields, "email")
    if email and not is_email(email):
        errors["email"] = "Enter an e-mail address, such as name@example.com."
    buyer = Buyer(
        name=_typed_text(fields, "name"),
        email=email,
        phone=phone,
        billing=billing or shipping,
        shipping_name=_typed_text(fields, "shippingName"),
        shipping=shipping,
        rate=fields.get("shippingRate") or None,
    )
    errors |= {name: "This is too long." for name, value in fields.items() if len(value) > LONGEST}
    return buyer, errors


def so_far(session: Json, fields: dict[str, str]) -> Buyer:
    """The buyer as far as the fields tell: an address only if the tax there is known."""
    buyer, _ = from_form(session, fields)
    shipping = buyer.shipping if _is_located(buyer.shipping) else None
    billing = buyer.billing if _is_located(buyer.billing) and not session["shipping_address_collection"] else None
    return replace(buyer, shipping=shipping, billing=billing)


def _is_located(address: Json | None) -> bool:
    """Whether an address says enough for its tax: in some countries it is another in each state."""
    if address is None or address["country"] not in countries.names():
        return False
    return bool(address["state"] or not countries.has_regions(address["country"]))


def _typed(
    fields: dict[str, str], kind: str, errors: dict[str, str], *, is_whole: bool, allowed: tuple[str, ...] | list[str]
) -> Json:
    address: Json = {part: _typed_text(fields, kind + name) for part, name in FIELDS.items()}
    address = {part: address[part] for part in PARTS}
    country = address["country"]
    if country not in (allowed or countries.names()):
        errors[f"{kind}Country"] = "Choose a country."
    needed = {"line1": "Enter the street and number.", "city": "Enter the city."} if is_whole else {}
    if country is not None and countries.has_regions(country):
        needed |= {"state": "Enter the state or province, such as CA.", "postal_code": "Enter the postal code."}
    errors |= {kind + FIELDS[part]: text for part, text in needed.items() if not address[part]}
    return address


def _typed_text(fields: dict[str, str], name: str) -> str | None:
    return fields.get(name, "").strip() or None


def _address(given: Any, name: str) -> Json | None:
    if given is None:
        return None
    if not isinstance(given, dict) or given.keys() - set(PARTS):
        raise ApiError(f"`{name}` is an address: an object of {', '.join(PARTS)}.", param=name)
    address = {part: _text(given, part) for part in PARTS}
    if address["country"] not in countries.names():
        raise ApiError("An address needs a `country`: two letters, as in DE.", param=name)
    return address


def _text(given: Json, name: str) -> str | None:
    value = given.get(name)
    if value is not None and (not isinstance(value, str) or len(value) > LONGEST):
        raise ApiError(f"`{name}` is a text of at most {LONGEST} characters.", param=name)
    return value or None

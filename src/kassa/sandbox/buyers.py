"""Who buys: what a session asks the buyer besides for money, and what follows from the answers."""

from __future__ import annotations

from dataclasses import dataclass

from kassa.sandbox import countries, taxes
from kassa.sandbox.errors import ApiError, Json
from kassa.sandbox.objects_checkout import billing_details
from kassa.sandbox.reckoning import reckon
from kassa.sandbox.tables import Tx


@dataclass(frozen=True)
class Buyer:
    """What the buyer says; addresses have all keys of Stripe's. `rate` is the id of a shipping rate that is offered."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    billing: Json | None = None
    shipping_name: str | None = None
    shipping: Json | None = None
    rate: str | None = None


NOBODY = Buyer()
_MADE_UP: Json = {"city": "Testville", "line1": "1 Test Street", "line2": None, "postal_code": "12345", "state": None}


def asks(session: Json) -> bool:
    """Whether a session asks for anything that a program has to say, or have made up."""
    return bool(
        session["automatic_tax"]["enabled"]
        or session["shipping_address_collection"]
        or session["billing_address_collection"] == "required"
        or session["phone_number_collection"]["enabled"]
    )


def asks_billing(session: Json) -> bool:
    """Whether the billing address is asked for: in full, or as far as the tax depends on it."""
    is_needed = session["automatic_tax"]["enabled"] and not session["shipping_address_collection"]
    return bool(session["billing_address_collection"] == "required" or (is_needed and session["customer"] is None))


def completed(session: Json, buyer: Buyer | None) -> Buyer:
    """The buyer with made-up answers to what a program has left open, as its card's expiry is made up too."""
    buyer = buyer or NOBODY
    collection = session["shipping_address_collection"]
    shipping, name = buyer.shipping, buyer.shipping_name
    if collection:
        allowed = collection["allowed_countries"]
        shipping = shipping or buyer.billing or made_up("US" if "US" in allowed else allowed[0])
        if shipping["country"] not in allowed:
            raise ApiError(f"This Checkout Session does not ship to {shipping['country']}.", param="shipping")
        name = name or buyer.name or "Test Buyer"
    billing = buyer.billing or shipping or (made_up("US") if asks_billing(session) else None)
    phone = buyer.phone or ("+15555550123" if session["phone_number_collection"]["enabled"] else None)
    return Buyer(buyer.name, buyer.email, phone, billing, name, shipping, buyer.rate)


def made_up(country: str) -> Json:
    """An address in a country."""
    return {**_MADE_UP, "country": country, "state": "CA" if countries.has_regions(country) else None}


def of_details(billing: Json) -> Buyer:
    """The buyer as the billing details of a payment method tell."""
    address = billing["address"] if billing["address"]["country"] else None
    return Buyer(billing["name"], billing["email"], billing["phone"], address)


def enter(tx: Tx, session: Json, buyer: Buyer, typed: dict[str, str] | None = None) -> Json:
    """Take the answers: the session, stored with the amounts that follow from them, comes back. `typed` are fields of
    the card page, to be shown there again."""
    session = {**session, **_collected(session, buyer)}
    return quote(tx, session, buyer, {"phone": buyer.phone, **({} if typed is None else {"typed": typed})})


def quote(tx: Tx, session: Json, buyer: Buyer, kept: Json) -> Json:
    """The session with the amounts that follow from where a buyer is and how they want it sent, stored; so is what is
    `kept` with it."""
    private = tx.private(session["id"]) | kept
    extras = private.get("extras")
    if extras:
        chosen = extras["chosen"] if buyer.rate is None else _position(extras["rates"], buyer.rate)
        tax = extras["tax"]
        location = buyer.shipping or buyer.billing
        if session["automatic_tax"]["enabled"] and session["customer"] is None and location:
            tax = taxes.at(tx, location, "none")
        session, private = reckon(session, {**private, "extras": {**extras, "chosen": chosen, "tax": tax}})
    tx.update_private(session["id"], private)
    return tx.update(session)


def located(tx: Tx, session: Json, private: Json) -> tuple[Json, Json]:
    """A new session of a customer with automatic tax: it is that of the address that is known of the customer."""
    customer = tx.get(session["customer"], "customer", "customer")
    address = (customer["shipping"] or {}).get("address") or customer["address"]
    if not address or not address["country"]:
        text = (
            "Automatic tax calculation in Checkout requires a valid address on the Customer. Add a valid address to"
            " the Customer, or leave `customer` out."
        )
        raise ApiError(text, code="customer_tax_location_invalid")
    extras = {**private["extras"], "tax": taxes.at(tx, address, customer["tax_exempt"])}
    return reckon(session, {**private, "extras": extras})


def billing_of(buyer: Buyer | None, card_name: str | None, email: str | None) -> Json:
    """The billing details of what is paid with."""
    found = billing_details(card_name, email)
    if buyer is None:
        return found
    found["address"] = buyer.billing or found["address"]
    return found | {
        "email": email or buyer.email,
        "name": card_name or buyer.name or buyer.shipping_name,
        "phone": buyer.phone,
    }


def shipping_of(session: Json, private: Json) -> Json | None:
    """Where a payment's goods go, if the session has asked the buyer."""
    collected = session["collected_information"]
    if not collected or not collected["shipping_details"]:
        return None
    told = {"carrier": None, "phone": private.get("phone"), "tracking_number": None}
    return {**collected["shipping_details"], **told}


def _position(rates: list[Json], rate_id: str) -> int:
    for position, rate in enumerate(rates):
        if rate["id"] == rate_id:
            return position
    raise ApiError("This Checkout Session does not offer this shipping option.", param="shipping_rate")


def _collected(session: Json, buyer: Buyer) -> Json:
    if not session["shipping_address_collection"] or buyer.shipping is None:
        return {}
    details = {"address": buyer.shipping, "name": buyer.shipping_name}
    return {"collected_information": {"business_name": None, "individual_name": None, "shipping_details": details}}

"""What the card page shows of a session that is more than its lines: sums, ways of shipping, questions to the buyer."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from kassa.sandbox import countries
from kassa.sandbox.addresses import FIELDS
from kassa.sandbox.buyers import asks, asks_billing
from kassa.sandbox.currencies import show
from kassa.sandbox.errors import Json
from kassa.sandbox.reckoning import breakdown

TYPED = (
    "email",
    "phoneNumber",
    "shippingName",
    "billingSame",
    *(f"{kind}{name}" for kind in ("shipping", "billing") for name in FIELDS.values()),
)
"""The fields of the form that are about the buyer; what was typed there is kept, as what is typed of a card is not."""
_NO_STATE = "ZZ"


class Row(NamedTuple):
    """A sum: what it is called, the amount as text, and what there is to say of it. What is aside is not added."""

    label: str
    amount: str
    note: str = ""
    is_aside: bool = False


def view(session: Json, private: Json, email: str | None) -> Json:
    """The words and lists that the template shows, by name; empty ones for a session that is only its lines."""
    extras = private.get("extras")
    rates = extras["rates"] if extras else []
    collection = session["shipping_address_collection"]
    return {
        "is_asked": asks(session) or len(rates) > 1,
        "asks_billing": asks_billing(session),
        "asks_whole_billing": session["billing_address_collection"] == "required",
        "asks_phone": session["phone_number_collection"]["enabled"],
        "countries": _billing_countries() if asks_billing(session) else {},
        "email": email,
        "is_free": not session["amount_total"],
        "is_quoted": session["automatic_tax"]["enabled"] or len(rates) > 1,
        "rates": [_option(rate, position == extras["chosen"]) for position, rate in enumerate(rates)] if extras else [],
        "shipping_countries": {code: countries.names()[code] for code in collection["allowed_countries"]}
        if collection
        else {},
        "sums": _sums(session, private) if extras else [],
        "texts": {name: text["message"] if text else "" for name, text in session["custom_text"].items()},
    }


@cache
def _billing_countries() -> dict[str, str]:
    return {code: name for code, name in countries.names().items() if code != _NO_STATE}


def _sums(session: Json, private: Json) -> list[Row]:
    """The rows between the lines and the total."""
    extras, currency, details = private["extras"], session["currency"], session["total_details"]
    rows = [Row("Subtotal", show(session["amount_subtotal"], currency))]
    if extras["coupon"]:
        coupon = extras["coupon"]
        note = f"{coupon['percent_off']:g}% off" if coupon["percent_off"] else ""
        rows.append(Row(coupon["name"] or coupon["id"], f"−{show(details['amount_discount'], currency)}", note))
    if extras["rates"]:
        rate = extras["rates"][extras["chosen"]]
        rows.append(Row("Shipping", _price(rate["fixed_amount"]["amount"], currency), rate["display_name"]))
    if session["automatic_tax"]["enabled"] or extras["own_rates"]:
        rows += _tax_rows(session, private)
    return rows


def _tax_rows(session: Json, private: Json) -> list[Row]:
    if session["automatic_tax"]["status"] == "requires_location_inputs":
        return [Row("Tax", "enter your address", is_aside=True)]
    rows = []
    for part in breakdown(session, private)["taxes"]:
        if part["amount"]:
            rate = part["rate"]
            note = f"{rate['percentage']:g}%" + (", included" if rate["inclusive"] else "")
            amount = show(part["amount"], session["currency"])
            rows.append(Row(rate["display_name"], amount, note, is_aside=rate["inclusive"]))
    return sorted(rows, key=lambda row: row.is_aside) or [Row("Tax", show(0, session["currency"]))]


def _option(rate: Json, is_chosen: bool) -> Json:
    fixed = rate["fixed_amount"]
    return {
        "id": rate["id"],
        "name": rate["display_name"],
        "amount": _price(fixed["amount"], fixed["currency"]),
        "estimate": _estimate(rate["delivery_estimate"] or {}),
        "is_chosen": is_chosen,
    }


def _price(amount: int, currency: str) -> str:
    return show(amount, currency) if amount else "Free"


def _estimate(estimate: Json) -> str:
    """`2 to 5 days`, `at least 1 week`, `up to 3 business days`; empty if nothing is said."""
    least, most = estimate.get("minimum"), estimate.get("maximum")
    if least and most and least["unit"] == most["unit"]:
        same = least["value"] == most["value"]
        return _span(most) if same else f"{least['value']} to {_span(most)}"
    if least and most:
        return f"{_span(least)} to {_span(most)}"
    return f"at least {_span(least)}" if least else f"up to {_span(most)}" if most else ""


def _span(bound: Json) -> str:
    unit = bound["unit"].replace("_", " ")
    return f"{bound['value']} {unit}{'' if bound['value'] == 1 else 's'}"

"""Tax rates of the shop's own, which lines of a session name (Stripe docs: api/tax_rates, payments/checkout/
use-manual-tax-rates)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from kassa.sandbox import amounts, events, params
from kassa.sandbox.call import Call
from kassa.sandbox.errors import ApiError, Json, missing
from kassa.sandbox.ids import new_id
from kassa.sandbox.tables import Tx

_CHANGES = params.words("active country description display_name expand jurisdiction metadata state tax_type")
_TEXTS = (("country", 2), ("description", 500), ("display_name", 50), ("jurisdiction", 50), ("state", 3))
_KINDS = (
    "admissions_tax", "amusement_tax", "attendance_tax", "communications_tax", "digital_excise_tax",
    "entertainment_tax", "get_fund", "gross_receipts_tax", "gst", "hospitality_tax", "hst", "igst", "jct", "lease_tax",
    "luxury_tax", "mass_transit_parking_tax", "nhil", "parking_tax", "pst", "qst", "resort_tax",
    "retail_delivery_fee", "rst", "sales_tax", "service_tax", "tourism_tax", "utility_users_tax", "vat",
)  # fmt: skip


def create(tx: Tx, call: Call) -> Json:
    """A tax rate, on top of prices or contained in them."""
    given = call.params
    params.only(given, _CHANGES | {"inclusive", "percentage"})
    params.required_text(given, "display_name")
    percent, is_inclusive = params.decimal(given, "percentage"), params.boolean(given, "inclusive")
    if percent is None or is_inclusive is None:
        raise missing("percentage" if percent is None else "inclusive")
    if not 0 <= percent <= 100:
        raise ApiError("Invalid percentage: must be from 0 to 100.", param="percentage")
    rate = new_rate(new_id("tax_rate"), percent, is_inclusive, tx.now) | _fields(given)
    rate["metadata"] = params.metadata(given)
    events.record(tx, "tax_rate.created", tx.insert(rate), call.cause)
    return rate


def change(tx: Tx, call: Call) -> Json:
    """Change what can be changed of a rate: its percentage cannot."""
    params.only(call.params, _CHANGES)
    return events.change(
        tx, tx.get(call.object_id, "tax_rate", "tax_rate"), _fields(call.params), call.params, call.cause
    )


def new_rate(rate_id: str, percent: Decimal, is_inclusive: bool, created: int) -> Json:
    """A rate that says no more than how much it is."""
    return {
        "id": rate_id,
        "object": "tax_rate",
        "active": True,
        "country": None,
        "created": created,
        "description": None,
        "display_name": "Tax",
        "effective_percentage": None,
        "flat_amount": None,
        "inclusive": is_inclusive,
        "jurisdiction": None,
        "jurisdiction_level": None,
        "livemode": False,
        "metadata": {},
        "percentage": float(percent),
        "rate_type": "percentage",
        "state": None,
        "tax_type": None,
    }


def named(tx: Tx, raw: Any, label: str) -> list[Json]:
    """The rates that a line names."""
    found = []
    for position, rate_id in enumerate(params.sequence(raw, "tax_rates", label)):
        rate = tx.find(str(rate_id), "tax_rate")
        param = f"{label}[{position}]"
        if rate is None:
            raise ApiError(f"No such tax rate: '{rate_id}'", code="resource_missing", param=param)
        if rate in found:
            raise ApiError(f"The tax rate {rate_id} is there twice.", param=param)
        if not rate["active"]:
            raise ApiError(f"The tax rate {rate_id} is archived. Use an active one.", param=param)
        found.append(rate)
    return found


def on(amount: int, rates: list[Json], step: int) -> list[Json]:
    """The taxes on a discounted amount, one for each rate: what is on top is of the amount without what is in it."""
    inside = sum((_percent(rate) for rate in rates if rate["inclusive"]), Decimal(0))
    left = contained = amounts.contained(amount, inside, step)
    parts: dict[str, int] = {}
    for rate in rates:
        due = amounts.percentage(amount - contained, _percent(rate), step)
        parts[rate["id"]] = min(due, left) if rate["inclusive"] else due
        left -= parts[rate["id"]] if rate["inclusive"] else 0
    last = next((rate["id"] for rate in reversed(rates) if rate["inclusive"]), None)
    if last is not None:
        parts[last] += left
    base = amount - contained
    return [
        {"amount": parts[rate["id"]], "rate": rate, "taxability_reason": None, "taxable_amount": base} for rate in rates
    ]


def _percent(rate: Json) -> Decimal:
    return Decimal(str(rate["percentage"]))


def _fields(given: Json) -> Json:
    fields: Json = {name: params.text(given, name, limit=limit) for name, limit in _TEXTS if name in given}
    if "active" in given:
        fields["active"] = params.boolean(given, "active")
    if "tax_type" in given:
        fields["tax_type"] = params.one_of(given, "tax_type", _KINDS)
    return fields

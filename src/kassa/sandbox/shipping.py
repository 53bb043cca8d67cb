"""Shipping rates, and those that a session offers for choice (Stripe docs: payments/during-payment/charge-shipping)."""

from __future__ import annotations

from typing import Any

from kassa.sandbox import events, params
from kassa.sandbox.call import Call
from kassa.sandbox.currencies import check_currency, check_digits
from kassa.sandbox.errors import ApiError, Json, missing
from kassa.sandbox.ids import new_id
from kassa.sandbox.tables import Tx

TAX_BEHAVIORS = ("exclusive", "inclusive", "unspecified")
MAX_OPTIONS = 5
_DATA = params.words("delivery_estimate display_name fixed_amount metadata tax_behavior tax_code type")
_UNITS = ("business_day", "day", "hour", "month", "week")
_LONGEST_NAME = 100


def create(tx: Tx, call: Call) -> Json:
    """A shipping rate that sessions can name."""
    params.only(call.params, _DATA | {"expand"})
    return tx.insert(_new_rate(call.params, "", tx.now))


def change(tx: Tx, call: Call) -> Json:
    """Change what can be changed of a rate: its amount cannot. Stripe has no event of it."""
    params.only(call.params, {"active", "expand", "metadata", "tax_behavior"})
    rate = tx.get(call.object_id, "shipping_rate", "shipping_rate_token")
    changed = {**rate, "metadata": params.merged_metadata(rate["metadata"], call.params)}
    if "active" in call.params:
        changed["active"] = params.boolean(call.params, "active")
    behavior = params.one_of(call.params, "tax_behavior", TAX_BEHAVIORS)
    if behavior is not None:
        if rate["tax_behavior"] not in ("unspecified", behavior):
            raise ApiError("The `tax_behavior` of a shipping rate cannot be changed.", param="tax_behavior")
        changed["tax_behavior"] = behavior
    return tx.update(changed) if events.changes(rate, changed) else rate


def options(tx: Tx, given: Json, currency: str) -> list[Json]:
    """The rates that a new session offers, the first of them chosen at first; those that it describes are stored."""
    asked = params.sequence(given, "shipping_options")
    if len(asked) > MAX_OPTIONS:
        text = f"Checkout accepts up to {MAX_OPTIONS} shipping options; you passed {len(asked)}."
        raise ApiError(text, param="shipping_options")
    return [_option(tx, each, f"shipping_options[{position}]", currency) for position, each in enumerate(asked)]


def _option(tx: Tx, raw: Any, label: str, currency: str) -> Json:
    option = params.mapping({label: raw}, label)
    params.only(option, {"shipping_rate", "shipping_rate_data"}, label)
    named = f"{label}[shipping_rate]"
    if "shipping_rate" in option and "shipping_rate_data" in option:
        text = "You may only specify one of these parameters: shipping_rate, shipping_rate_data."
        raise ApiError(text, param=named)
    if "shipping_rate_data" in option:
        data = params.section(option, "shipping_rate_data", _DATA, f"{label}[shipping_rate_data]")
        rate = tx.insert(_new_rate(data, f"{label}[shipping_rate_data]", tx.now))
    else:
        rate_id = params.required_text(option, "shipping_rate", named)
        found = tx.find(rate_id, "shipping_rate")
        if found is None:
            raise ApiError(f"No such shipping rate: '{rate_id}'", code="resource_missing", param=named)
        if not found["active"]:
            raise ApiError(f"The shipping rate {rate_id} is archived. Use an active one.", param=named)
        rate = found
    if rate["fixed_amount"]["currency"] != currency:
        text = f"Shipping rates must be in the currency of the session, which is {currency}."
        raise ApiError(text, param=label)
    return rate


def _new_rate(given: Json, label: str, created: int) -> Json:
    path = params.below
    params.one_of(given, "type", ("fixed_amount",), path(label, "type"))
    return {
        "id": new_id("shipping_rate"),
        "object": "shipping_rate",
        "active": True,
        "created": created,
        "delivery_estimate": _estimate(given, path(label, "delivery_estimate")),
        "display_name": params.required_text(given, "display_name", path(label, "display_name"), _LONGEST_NAME),
        "fixed_amount": _fixed_amount(given, path(label, "fixed_amount")),
        "livemode": False,
        "metadata": params.metadata(given, label=path(label, "metadata")),
        "tax_behavior": params.one_of(given, "tax_behavior", TAX_BEHAVIORS, path(label, "tax_behavior"))
        or "unspecified",
        "tax_code": params.text(given, "tax_code", path(label, "tax_code")),
        "type": "fixed_amount",
    }


def _fixed_amount(given: Json, label: str) -> Json:
    if not given.get("fixed_amount"):
        raise missing(label)
    fixed = params.section(given, "fixed_amount", ("amount", "currency"), label)
    amount = params.integer(fixed, "amount", f"{label}[amount]")
    if amount is None:
        raise missing(f"{label}[amount]")
    if amount < 0:
        text = "This value must be greater than or equal to 0."
        raise ApiError(text, code="parameter_invalid_integer", param=f"{label}[amount]")
    currency = params.required_text(fixed, "currency", f"{label}[currency]")
    currency = check_currency(currency, f"{label}[currency]")
    check_digits(amount, currency, f"{label}[amount]")
    return {"amount": amount, "currency": currency}


def _estimate(given: Json, label: str) -> Json | None:
    asked = params.section(given, "delivery_estimate", ("maximum", "minimum"), label)
    bounds = {name: _bound(asked, name, f"{label}[{name}]") for name in ("maximum", "minimum")}
    return bounds if any(bounds.values()) else None


def _bound(given: Json, name: str, label: str) -> Json | None:
    bound = params.section(given, name, ("unit", "value"), label)
    if not bound:
        return None
    unit = params.one_of(bound, "unit", _UNITS, f"{label}[unit]")
    value = params.integer(bound, "value", f"{label}[value]")
    if unit is None or value is None:
        raise missing(f"{label}[{'value' if unit else 'unit'}]")
    if value < 1:
        text = "This value must be greater than or equal to 1."
        raise ApiError(text, code="parameter_invalid_integer", param=f"{label}[value]")
    return {"unit": unit, "value": value}

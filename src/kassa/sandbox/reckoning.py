"""The amounts of a session that is more than its lines: total = subtotal - discount + shipping + tax that is on top.

An amount off is spread over the lines in proportion, shipping is not discounted, and tax is on what is left (Stripe
docs: payments/checkout/discounts, api/checkout/sessions/object#total_details).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kassa.sandbox import amounts, coupons, tax_rates, taxes
from kassa.sandbox.currencies import step_of
from kassa.sandbox.errors import Json

_NO_EXTRAS: Json = {"discount": None, "own_rates": {}, "tax": None, "rates": []}


def reckon(session: Json, private: Json) -> tuple[Json, Json]:
    """A session and its private part with the amounts that follow from its extras."""
    extras, currency = private["extras"], session["currency"]
    items = [_item(item, share, extras, currency) for item, share in _shares(session, private)]
    shipping = _shipping_cost(extras, currency)
    discount = sum(item["amount_discount"] for item in items)
    amount_shipping = shipping["amount_subtotal"] if shipping else 0
    tax = sum(item["amount_tax"] for item in items) + (shipping["amount_tax"] if shipping else 0)
    changes = {
        "amount_total": sum(item["amount_total"] for item in items) + (shipping["amount_total"] if shipping else 0),
        "discounts": _named(extras["discount"]),
        "shipping_cost": shipping,
        "shipping_options": [
            {"shipping_amount": rate["fixed_amount"]["amount"], "shipping_rate": rate["id"]} for rate in extras["rates"]
        ],
        "total_details": {"amount_discount": discount, "amount_shipping": amount_shipping, "amount_tax": tax},
    }
    if extras["tax"]:
        changes["automatic_tax"] = {**session["automatic_tax"], "status": "complete"}
    return {**session, **changes}, {**private, "line_items": items}


def breakdown(session: Json, private: Json) -> Json:
    """`total_details.breakdown`, which Stripe tells only to those who expand it."""
    extras, currency = private.get("extras") or _NO_EXTRAS, session["currency"]
    parts = [part for item in private["line_items"] for part in _taxes_of_item(item, extras, currency)]
    by_rate: dict[tuple[str, str | None], Json] = {}
    for part in parts + shipping_taxes(session, private):
        same = by_rate.setdefault((part["rate"]["id"], part["taxability_reason"]), {**part, **_NOTHING})
        for name in _NOTHING:
            same[name] += part[name]
    discounts = _of_discount(extras["discount"], session["total_details"]["amount_discount"])
    return {"discounts": discounts, "taxes": list(by_rate.values())}


def with_parts(item: Json, private: Json, names: Sequence[Any]) -> Json:
    """A line item with those of its `discounts` and `taxes` that are expanded."""
    extras = private.get("extras") or _NO_EXTRAS
    parts = {
        "discounts": _of_discount(extras["discount"], item["amount_discount"]),
        "taxes": _taxes_of_item(item, extras, item["currency"]),
    }
    return {**item, **{name: parts[name] for name in parts if name in names}}


def shipping_taxes(session: Json, private: Json) -> list[Json]:
    """`shipping_cost.taxes`, told likewise."""
    extras = private.get("extras") or _NO_EXTRAS
    if not extras["tax"] or not extras["rates"]:
        return []
    return [_shipping_tax(extras["rates"][extras["chosen"]], extras, session["currency"])]


_NOTHING = {"amount": 0, "taxable_amount": 0}


def _shares(session: Json, private: Json) -> list[tuple[Json, int]]:
    """Each line item with its share of the discount."""
    items, coupon = private["line_items"], private["extras"]["coupon"]
    if coupon is None:
        return [(item, 0) for item in items]
    currency = session["currency"]
    whole = coupons.amount_off(coupon, session["amount_subtotal"], currency)
    parts = amounts.shares(whole, [item["amount_subtotal"] for item in items], step_of(currency))
    return list(zip(items, parts, strict=True))


def _item(item: Json, share: int, extras: Json, currency: str) -> Json:
    paid = item["amount_subtotal"] - share
    discounted = {**item, "amount_discount": share, "amount_tax": 0, "amount_total": paid}
    for tax in _taxes_of_item(discounted, extras, currency):
        discounted["amount_tax"] += tax["amount"]
        discounted["amount_total"] += _on_top(tax)
    return discounted


def _taxes_of_item(item: Json, extras: Json, currency: str) -> list[Json]:
    amount = item["amount_subtotal"] - item["amount_discount"]
    if item["id"] in extras["own_rates"]:
        return tax_rates.on(amount, extras["own_rates"][item["id"]], step_of(currency))
    if not extras["tax"]:
        return []
    behavior = _behavior(item["price"], extras)
    is_taxable = item["id"] not in extras["untaxed"]
    return [taxes.on(amount, behavior, extras["tax"], step_of(currency), is_taxable=is_taxable)]


def _shipping_cost(extras: Json, currency: str) -> Json | None:
    if not extras["rates"]:
        return None
    rate = extras["rates"][extras["chosen"]]
    amount = rate["fixed_amount"]["amount"]
    tax = _shipping_tax(rate, extras, currency) if extras["tax"] else None
    return {
        "amount_subtotal": amount,
        "amount_tax": tax["amount"] if tax else 0,
        "amount_total": amount + (_on_top(tax) if tax else 0),
        "shipping_rate": rate["id"],
    }


def _shipping_tax(rate: Json, extras: Json, currency: str) -> Json:
    amount, behavior = rate["fixed_amount"]["amount"], _behavior(rate, extras)
    is_taxable = rate["tax_code"] != taxes.NOT_TAXABLE
    return taxes.on(amount, behavior, extras["tax"], step_of(currency), is_taxable=is_taxable)


def _behavior(priced: Json, extras: Json) -> str:
    said = priced["tax_behavior"]
    return str(extras["behavior"] if said == "unspecified" else said)


def _on_top(tax: Json) -> int:
    return 0 if tax["rate"]["inclusive"] else int(tax["amount"])


def _named(discount: Json | None) -> list[Json]:
    return [{"coupon": discount["source"]["coupon"], "promotion_code": None}] if discount else []


def _of_discount(discount: Json | None, amount: int) -> list[Json]:
    return [{"amount": amount, "discount": discount}] if discount else []

"""Automatic tax (Stripe docs: tax/checkout): one rate for each country or state, which the account is told.

What depends on the kind of product at Stripe does not here, but for what is not taxable at all.
"""

from __future__ import annotations

from decimal import Decimal

from kassa.sandbox import amounts, countries
from kassa.sandbox.account import Account
from kassa.sandbox.errors import ApiError, Json
from kassa.sandbox.tables import Tx
from kassa.sandbox.tax_rates import new_rate

NOT_TAXABLE = "txcd_00000000"
"""Stripe's tax code of what is never taxed (Stripe docs: tax/tax-codes)."""
PENDING: Json = {
    "enabled": True,
    "liability": {"type": "self"},
    "provider": "stripe",
    "status": "requires_location_inputs",
}
_BEHAVIORS = ("exclusive", "inclusive")
_BEFORE_TAX = ("usd", "cad")
"""In these currencies prices are quoted without tax (Stripe docs: tax/products-prices-tax-codes-tax-behavior)."""
_KINDS = {
    "US": ("Sales Tax", "sales_tax"),
    "JP": ("JCT", "jct"),
    **dict.fromkeys(("AU", "CA", "IN", "NZ", "SG"), ("GST", "gst")),
}
_REASONS = {"exempt": "customer_exempt", "reverse": "reverse_charge"}


def default_behavior(account: Account, currency: str) -> str | None:
    """What an unspecified tax behavior stands for, in this currency; None if it stands for nothing."""
    if account.tax_behavior != "inferred_by_currency":
        return account.tax_behavior
    return "exclusive" if currency in _BEFORE_TAX else "inclusive"


def check_behaviors(behavior: str | None, prices: list[tuple[str, str]]) -> None:
    """`ApiError` 400 if a price, given with the name of its parameter, does not say whether it contains the tax."""
    for said, label in prices:
        if said not in _BEHAVIORS and behavior is None:
            text = (
                "The price has an unspecified `tax_behavior`, and automatic tax needs one. Set it, or a default for it"
                " in your tax settings (in the sandbox: POST /sandbox/account)."
            )
            raise ApiError(text, param=label)


def at(tx: Tx, address: Json, exemption: str) -> Json:
    """The tax at a place for a customer who is exempt or not: the tax rate for each behavior, and the reason for it."""
    country, state = address["country"], address["state"]
    percents = tx.account.tax_rates
    by_state = percents.get(f"{country}-{(state or '').upper()}")
    percent = percents.get(country) if by_state is None else by_state
    reason = _REASONS.get(exemption) or ("not_collecting" if percent is None else "standard_rated")
    region = None if by_state is None else state.upper()
    taxed = Decimal(str(percent)) if percent and reason == "standard_rated" else Decimal(0)
    rates = {behavior: _rate(tx, country, region, taxed, behavior) for behavior in _BEHAVIORS}
    return {"rates": rates, "reason": reason}


def on(amount: int, behavior: str, tax: Json, step: int, *, is_taxable: bool) -> Json:
    """The tax on an amount that is discounted already, with its rate and the reason for it, as Stripe shows it."""
    rate = tax["rates"][behavior]
    percent = Decimal(str(rate["percentage"])) if is_taxable else Decimal(0)
    reckoned = amounts.percentage if behavior == "exclusive" else amounts.contained
    due = reckoned(amount, percent, step)
    is_taxed = is_taxable and tax["reason"] == "standard_rated"
    return {
        "amount": due,
        "rate": rate,
        "taxability_reason": tax["reason"] if is_taxable else "product_exempt",
        "taxable_amount": (amount - due * rate["inclusive"]) if is_taxed else 0,
    }


def _rate(tx: Tx, country: str, state: str | None, percent: Decimal, behavior: str) -> Json:
    """The tax rate object, which is the same for the same tax."""
    digits = f"{percent:f}".replace(".", "_")
    rate_id = f"txr_1{country}{state or ''}{digits}{behavior}"
    found = tx.find(rate_id, "tax_rate")
    if found is not None:
        return found
    name, kind = _KINDS.get(country, ("VAT", "vat"))
    rate = new_rate(rate_id, percent, behavior == "inclusive", tx.now)
    rate |= {
        "country": country,
        "display_name": name,
        "effective_percentage": float(percent),
        "jurisdiction": state or countries.names().get(country, country),
        "jurisdiction_level": "state" if state else "country",
        "state": state,
        "tax_type": kind,
    }
    return tx.insert(rate)

"""What Stripe is asked with for an order: its lines, and all parts of its total, each shown to the buyer as what it is,
so that Stripe's total is the order's to the unit. Pure.

What is taken off the goods is a coupon made for this order alone: it takes a fixed amount off all lines together, so
that nothing is divided (docs: payments/checkout/discounts). Shipping is a shipping rate, less what a discount takes off
it. Taxes on top are a line each, for they are reckoned here.
"""

import re
from collections.abc import Sequence
from typing import Any

from kassa.contracts.order import OrderForPayment, Sale
from kassa.contracts.parts import Address, Parts, TaxPart
from kassa.kit.clock import SECOND, Millis
from kassa.kit.inputs import coupon_of
from kassa.kit.money import major, to_stripe

LONGEST_COUPON_NAME = 40
LONGEST_TEXT = 1200
"""Of what a pay page says besides (API reference: checkout sessions, custom_text)."""
# Stripe refuses some addresses that can be: the buyer types it there then, and the order can still be paid.
_PLAIN_EMAIL = re.compile(
    r"[A-Za-z0-9_%+-]{1,64}(?:\.[A-Za-z0-9_%+-]{1,64}){0,9}@(?:[A-Za-z0-9-]{1,63}\.){1,9}[A-Za-z]{2,63}"
)


def session_params(order: OrderForPayment, metadata: dict[str, str], back: str, expires_at: Millis) -> dict[str, Any]:
    """The parameters of the order's Checkout Session. `back` is where the buyer comes back to."""
    plain: dict[str, Any] = {
        "mode": "payment",
        "client_reference_id": order.id,
        "metadata": metadata,
        # Session metadata does not reach the PaymentIntent (Stripe SDK: checkout sessions).
        "payment_intent_data": {"metadata": metadata},
        "adaptive_pricing": {"enabled": False},
        "allow_promotion_codes": False,
        "expires_at": expires_at // SECOND,
        "success_url": back,
        "cancel_url": f"{back}&unpaid=1",
        "line_items": [_line(item.name, item.quantity, item.price_minor, order.currency) for item in order.items],
    }
    if order.number is not None:
        plain["payment_intent_data"] = {"metadata": metadata, "description": f"Order {order.number}"}
    return plain if order.sale is None else _with_sale(plain, order, order.sale)


def coupon_params(order: OrderForPayment, metadata: dict[str, str]) -> dict[str, Any] | None:
    """The parameters of the coupon that the order's session has; None if nothing is taken off its goods."""
    off = 0 if order.sale is None else _off_the_goods(order.sale.parts)
    if order.sale is None or not off:
        return None
    names = [each.code or each.name for each in order.sale.parts.discounts if each.amount_minor]
    return {
        "id": coupon_of(order.id),
        "amount_off": to_stripe(off, order.currency),
        "currency": order.currency,
        "duration": "once",
        "max_redemptions": 1,
        "name": " + ".join(names)[:LONGEST_COUPON_NAME],
        "metadata": metadata,
    }


def _with_sale(plain: dict[str, Any], order: OrderForPayment, sale: Sale) -> dict[str, Any]:
    parts, currency = sale.parts, order.currency
    params = dict(plain)
    params["line_items"] = plain["line_items"] + [
        _line(_called(tax), 1, tax.amount_minor, currency)
        for tax in parts.taxes
        if tax.amount_minor and not tax.is_included
    ]
    if _PLAIN_EMAIL.fullmatch(sale.email):
        params["customer_email"] = sale.email
    if _off_the_goods(parts):
        # The one and the other are not taken together.
        del params["allow_promotion_codes"]
        params["discounts"] = [{"coupon": coupon_of(order.id)}]
    if parts.shipping is not None:
        params["shipping_options"] = [_shipping(parts, currency)]
    contained = [tax for tax in parts.taxes if tax.is_included and tax.amount_minor]
    if contained:
        params["custom_text"] = {"submit": {"message": _contains(contained, currency)}}
    params |= _to(params, sale)
    return _with_tax_open(params, parts) if parts.is_tax_open else params


def _with_tax_open(params: dict[str, Any], parts: Parts) -> dict[str, Any]:
    """With the tax to be reckoned by Stripe. Whether prices contain it is said: an account need have no default."""
    behavior = {"tax_behavior": "inclusive" if parts.is_tax_contained else "exclusive"}
    lines = [{**line, "price_data": line["price_data"] | behavior} for line in params["line_items"]]
    taxed = {"automatic_tax": {"enabled": True}, "line_items": lines}
    if "shipping_options" in params:
        rates = [{"shipping_rate_data": each["shipping_rate_data"] | behavior} for each in params["shipping_options"]]
        taxed["shipping_options"] = rates
    return params | taxed


def _to(params: dict[str, Any], sale: Sale) -> dict[str, Any]:
    """Where the goods go. Where Stripe reckons the tax it asks for the address itself: it taxes by no other."""
    to, shipping = sale.destination, sale.parts.shipping
    if to is None or (shipping is not None and shipping.kind == "pickup"):
        return {}
    if sale.parts.is_tax_open:
        return {"shipping_address_collection": {"allowed_countries": [to.country]}}
    return {"payment_intent_data": {**params["payment_intent_data"], "shipping": _address(to)}}


def _address(to: Address) -> dict[str, Any]:
    lines = [*to.lines, "", ""]
    written = {
        "line1": lines[0] or to.city,
        "line2": ", ".join(each for each in lines[1:] if each),
        "city": to.city,
        "state": to.region,
        "postal_code": to.postal_code,
        "country": to.country,
    }
    return {"name": to.name, "address": {name: text for name, text in written.items() if text}}


def _shipping(parts: Parts, currency: str) -> dict[str, Any]:
    shipping = parts.shipping
    if shipping is None:
        return {}
    amount = to_stripe(shipping.amount_minor - shipping.discount_minor, currency)
    return {
        "shipping_rate_data": {
            "type": "fixed_amount",
            "display_name": shipping.name,
            "fixed_amount": {"amount": amount, "currency": currency},
        }
    }


def _line(name: str, quantity: int, price_minor: int, currency: str) -> dict[str, Any]:
    return {
        "quantity": quantity,
        "price_data": {
            "currency": currency,
            "unit_amount": to_stripe(price_minor, currency),
            "product_data": {"name": name},
        },
    }


def _contains(taxes: Sequence[TaxPart], currency: str) -> str:
    """What the buyer reads of the taxes that prices contain: each of them, or, of more than Stripe takes, their sum."""
    told = ", ".join(f"{_called(tax)}: {major(tax.amount_minor, currency)} {currency.upper()}" for tax in taxes)
    if len(f"The total contains {told}.") > LONGEST_TEXT:
        told = f"taxes: {major(sum(tax.amount_minor for tax in taxes), currency)} {currency.upper()}"
    return f"The total contains {told}."


def _called(tax: TaxPart) -> str:
    percent = f"{tax.millionths / 10_000:.4f}".rstrip("0").rstrip(".")
    return f"{tax.name} ({percent} %)"


def _off_the_goods(parts: Parts) -> int:
    return sum(each.amount_minor for each in parts.discounts)

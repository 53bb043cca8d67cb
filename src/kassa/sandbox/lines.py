"""The lines of a session: prices that are named, or described (Stripe docs: api/checkout/sessions/create)."""

from __future__ import annotations

from typing import Any

from kassa.sandbox import catalogue, params, tax_rates
from kassa.sandbox.currencies import check_currency
from kassa.sandbox.errors import ApiError, Json, missing
from kassa.sandbox.tables import Tx

MAX_LINES = 100
_LINE = {"price_data", "quantity", "metadata", "price", "tax_rates"}
_PRICE = {"currency", "product", "product_data", "unit_amount", "unit_amount_decimal", "recurring", "tax_behavior"}
_PRODUCT = {"name", "description", "images", "metadata", "tax_code", "unit_label"}


def read_lines(tx: Tx, given: Json) -> tuple[list[Json], str]:
    """The line items and the one currency that they share."""
    raw = params.sequence(given, "line_items")
    if not raw:
        raise missing("line_items")
    if len(raw) > MAX_LINES:
        raise ApiError(f"Checkout accepts up to {MAX_LINES} line items; you passed {len(raw)}.", param="line_items")
    lines = [_line(tx, line, f"line_items[{position}]") for position, line in enumerate(raw)]
    currencies = {line["currency"] for line in lines}
    asked = params.text(given, "currency")
    if asked is not None:
        currencies.add(check_currency(asked, "currency"))
    if len(currencies) > 1:
        raise ApiError("All line items and the session must use the same currency.", param="line_items")
    return lines, currencies.pop()


def _line(tx: Tx, raw: Any, label: str) -> Json:
    if not isinstance(raw, dict):
        raise ApiError(f"Invalid object: {label}", param=label)
    params.only(raw, _LINE, label)
    quantity = params.integer(raw, "quantity", f"{label}[quantity]")
    if quantity is None:
        raise missing(f"{label}[quantity]")
    if quantity < 1:
        raise ApiError("This value must be greater than or equal to 1.", param=f"{label}[quantity]")
    priced = _stored_price(tx, raw, label) if "price" in raw else _price(tx, raw, f"{label}[price_data]")
    return {
        **priced,
        "quantity": quantity,
        "total": catalogue.line_total(priced["price"], quantity),
        "metadata": params.metadata(raw, "metadata", f"{label}[metadata]"),
        "tax_rates": tax_rates.named(tx, raw, f"{label}[tax_rates]") if "tax_rates" in raw else [],
    }


def _stored_price(tx: Tx, raw: Json, label: str) -> Json:
    """A line that names a price instead of describing one."""
    if "price_data" in raw:
        raise ApiError("You may only specify one of these parameters: price, price_data.", param=f"{label}[price]")
    price = tx.get(params.required_text(raw, "price", f"{label}[price]"), "price", f"{label}[price]")
    if not price["active"]:
        text = f"The price specified is inactive. This field only accepts active prices. (`{price['id']}`)"
        raise ApiError(text, param=f"{label}[price]")
    if price["type"] != "one_time":
        text = "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use"
        raise ApiError(f"{text} only one-time prices.", param=f"{label}[price]")
    product = tx.get(price["product"], "product")
    return {"currency": price["currency"], "price": price, "product": product}


def _price(tx: Tx, raw: Json, label: str) -> Json:
    if "price_data" not in raw:
        raise missing(label)
    data = params.section(raw, "price_data", _PRICE, label)
    if "recurring" in data:
        raise ApiError("You specified `payment` mode but passed a recurring price.", param=f"{label}[recurring]")
    amount, currency = catalogue.amount_of(data, label)
    if "product" in data:
        param = f"{label}[product]"
        product = tx.get(params.required_text(data, "product", param), "product", param)
    else:
        product = _product(data, f"{label}[product_data]", tx.now)
    price = catalogue.new_price(amount, currency, product["id"], tx.now)
    price |= {**catalogue.price_fields(data, label), "active": False}
    return {"currency": currency, "price": price, "product": product}


def _product(raw: Json, label: str, created: int) -> Json:
    """The product that a line describes; it is not for use anywhere else."""
    if "product_data" not in raw:
        raise missing(label)
    data = params.section(raw, "product_data", _PRODUCT, label)
    product = catalogue.new_product(params.required_text(data, "name", f"{label}[name]"), created)
    return {
        **product,
        "active": False,
        "description": params.text(data, "description", f"{label}[description]"),
        "images": params.sequence(data, "images", f"{label}[images]")[:8],
        "metadata": params.metadata(data, "metadata", f"{label}[metadata]"),
        "tax_code": params.text(data, "tax_code", f"{label}[tax_code]"),
        "unit_label": params.text(data, "unit_label", f"{label}[unit_label]", 12),
    }

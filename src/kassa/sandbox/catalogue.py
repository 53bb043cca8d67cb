"""Products and prices (Stripe docs: api/products, api/prices): what a line item may name instead of describing it."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from kassa.sandbox import events, params
from kassa.sandbox.call import Call
from kassa.sandbox.currencies import check_currency, check_digits
from kassa.sandbox.errors import ApiError, Json, missing
from kassa.sandbox.ids import new_id
from kassa.sandbox.tables import Tx

_OF_PRODUCT = params.words("active description images metadata shippable statement_descriptor tax_code unit_label url")
_PRODUCT = _OF_PRODUCT | {"default_price_data", "expand", "id", "name"}
_PRODUCT_TEXTS = ("description", "statement_descriptor", "tax_code", "unit_label", "url")
_PRODUCT_DATA = params.words("active id metadata name statement_descriptor tax_code unit_label")
_AMOUNT = params.words("currency metadata recurring tax_behavior unit_amount unit_amount_decimal")
_PRICE = _AMOUNT | params.words("active billing_scheme expand lookup_key nickname product product_data")
_PRICE_CHANGES = {"active", "expand", "lookup_key", "metadata", "nickname", "tax_behavior"}
_TAX_BEHAVIORS = ("exclusive", "inclusive", "unspecified")


def create_product(tx: Tx, call: Call) -> Json:
    """A new product, with a default price if `default_price_data` describes one."""
    params.only(call.params, _PRODUCT)
    product_id = params.text(call.params, "id", limit=200)
    if product_id is not None and tx.find(product_id) is not None:
        raise ApiError("Product already exists.", code="resource_already_exists", param="id")
    name = params.required_text(call.params, "name")
    default = params.section(call.params, "default_price_data", _AMOUNT)
    product = new_product(name, tx.now, product_id)
    product = tx.insert({**product, **_product_fields(call.params)})
    events.record(tx, "product.created", product, call.cause)
    if default:
        price = _insert_price(tx, default, product["id"], "default_price_data", call)
        product = tx.update({**product, "default_price": price["id"]})
    return product


def change_product(tx: Tx, call: Call) -> Json:
    """Change the given fields of a product."""
    params.only(call.params, _OF_PRODUCT | {"default_price", "expand", "name"})
    product = tx.get(call.object_id, "product")
    changes = _product_fields(call.params)
    if "name" in call.params:
        changes["name"] = params.required_text(call.params, "name")
    default = params.text(call.params, "default_price")
    if default is not None:
        changes["default_price"] = tx.get(default, "price", "default_price")["id"]
    return events.change(tx, product, {**changes, "updated": tx.now}, call.params, call.cause)


def delete_product(tx: Tx, call: Call) -> Json:
    """Delete a product that has no prices; others are only made inactive (Stripe docs: api/products/delete)."""
    product = tx.get(call.object_id, "product")
    if tx.rows("SELECT 1 FROM object WHERE kind = 'price' AND body ->> '$.product' = ? LIMIT 1", product["id"]):
        text = "This product cannot be deleted because it has one or more user-created prices."
        raise ApiError(text, is_saved=True)
    return events.delete(tx, product, call.cause)


def create_price(tx: Tx, call: Call) -> Json:
    """A new price of a product, or of a product that is made with it. A recurring one can be kept, not paid."""
    params.only(call.params, _PRICE)
    if "product" in call.params and "product_data" in call.params:
        text = "You may only specify one of these parameters: product, product_data."
        raise ApiError(text, param="product_data")
    data = params.section(call.params, "product_data", _PRODUCT_DATA)
    if data:
        name, product_id = params.required_text(data, "name", "product_data[name]"), params.text(data, "id")
        product = tx.insert({**new_product(name, tx.now, product_id), **_product_fields(data, "product_data")})
        events.record(tx, "product.created", product, call.cause)
        return _insert_price(tx, call.params, product["id"], "", call)
    product_id = params.required_text(call.params, "product")
    return _insert_price(tx, call.params, tx.get(product_id, "product", "product")["id"], "", call)


def change_price(tx: Tx, call: Call) -> Json:
    """Change what can be changed of a price: its amount cannot."""
    params.only(call.params, _PRICE_CHANGES)
    price = tx.get(call.object_id, "price")
    return events.change(tx, price, price_fields(call.params), call.params, call.cause)


def new_product(name: str, created: int, product_id: str | None = None) -> Json:
    """An active product."""
    return {
        "id": product_id or new_id("product"),
        "object": "product",
        "active": True,
        "created": created,
        "default_price": None,
        "description": None,
        "images": [],
        "livemode": False,
        "marketing_features": [],
        "metadata": {},
        "name": name,
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": None,
        "unit_label": None,
        "updated": created,
        "url": None,
    }


def new_price(amount: Decimal, currency: str, product_id: str, created: int) -> Json:
    """A price for one piece, in minor units; `unit_amount` is null if there are parts of one."""
    return {
        "id": new_id("price"),
        "object": "price",
        "active": True,
        "billing_scheme": "per_unit",
        "created": created,
        "currency": currency,
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": product_id,
        "recurring": None,
        "tax_behavior": "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time",
        "unit_amount": int(amount) if amount == int(amount) else None,
        "unit_amount_decimal": f"{amount.normalize():f}",
    }


def amount_of(given: Json, label: str) -> tuple[Decimal, str]:
    """`unit_amount` or `unit_amount_decimal`, in minor units, and `currency` of a price; `label` is its name."""
    path = f"{label}[%s]" if label else "%s"
    currency = params.required_text(given, "currency", path % "currency")
    currency = check_currency(currency, path % "currency")
    whole = params.integer(given, "unit_amount", path % "unit_amount")
    exact = params.decimal(given, "unit_amount_decimal", path % "unit_amount_decimal")
    if whole is not None and exact is not None:
        text = "You may only specify one of these parameters: unit_amount, unit_amount_decimal."
        raise ApiError(text, param=path % "unit_amount")
    amount = exact if whole is None else Decimal(whole)
    if amount is None:
        raise missing(path % "unit_amount")
    if amount < 0:
        text, code = "This value must be greater than or equal to 0.", "parameter_invalid_integer"
        raise ApiError(text, code=code, param=path % ("unit_amount" if exact is None else "unit_amount_decimal"))
    return amount, currency


def line_total(price: Json, quantity: int) -> int:
    """What so many pieces cost in minor units: parts of one are rounded once for the whole line, halves up (Stripe
    docs: products-prices/how-products-and-prices-work)."""
    return int((Decimal(price["unit_amount_decimal"]) * quantity).to_integral_value(ROUND_HALF_UP))


def _insert_price(tx: Tx, given: Json, product_id: str, label: str, call: Call) -> Json:
    amount, currency = amount_of(given, label)
    if amount == int(amount):
        check_digits(int(amount), currency, params.below(label, "unit_amount"))
    recurring = params.below(label, "recurring")
    fields = price_fields(given, label) | _recurring(params.mapping(given, "recurring", recurring), recurring)
    price = tx.insert({**new_price(amount, currency, product_id, tx.now), **fields})
    events.record(tx, "price.created", price, call.cause)
    return price


def _product_fields(given: Json, label: str = "") -> Json:
    fields: Json = {
        name: params.text(given, name, params.below(label, name)) for name in _PRODUCT_TEXTS if name in given
    }
    for name in ("active", "shippable"):
        if name in given:
            fields[name] = params.boolean(given, name, params.below(label, name))
    if "images" in given:
        fields["images"] = params.sequence(given, "images")[:8]
    return fields | params.given_metadata(given, label)


def price_fields(given: Json, label: str = "") -> Json:
    """The fields of a price that repeat what was asked."""
    fields: Json = {name: params.text(given, name) for name in ("nickname", "lookup_key") if name in given}
    if "active" in given:
        fields["active"] = params.boolean(given, "active")
    if "tax_behavior" in given:
        path = params.below(label, "tax_behavior")
        fields["tax_behavior"] = params.one_of(given, "tax_behavior", _TAX_BEHAVIORS, path)
    return fields | params.given_metadata(given, label)


def _recurring(given: Json, label: str) -> Json:
    if not given:
        return {}
    params.only(given, ("interval", "interval_count", "usage_type"), label)
    interval = params.one_of(given, "interval", ("day", "week", "month", "year"), f"{label}[interval]")
    if interval is None:
        raise missing(f"{label}[interval]")
    count = params.integer(given, "interval_count", f"{label}[interval_count]") or 1
    usage = {"meter": None, "usage_type": "licensed"}
    return {"type": "recurring", "recurring": {"interval": interval, "interval_count": count, **usage}}

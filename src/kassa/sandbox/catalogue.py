"""Products and prices (Stripe docs: api/products, api/prices): what a line item may name instead of describing it."""

from __future__ import annotations

from kassa.sandbox import events, params
from kassa.sandbox.call import Call
from kassa.sandbox.currencies import check_currency, check_digits
from kassa.sandbox.errors import ApiError, Json, missing, unsupported
from kassa.sandbox.ids import new_id
from kassa.sandbox.tables import Tx

_PRODUCT = params.words(
    """active default_price_data description expand id images marketing_features metadata name package_dimensions
    shippable statement_descriptor tax_code tax_details unit_label url"""
)
_PRODUCT_TEXTS = ("description", "statement_descriptor", "tax_code", "unit_label", "url")
_PRODUCT_UNSUPPORTED = {"marketing_features", "package_dimensions", "tax_details"}
_PRICE = params.words(
    """active billing_scheme currency currency_options custom_unit_amount expand lookup_key metadata nickname product
    product_data recurring tax_behavior tiers tiers_mode transfer_lookup_key transform_quantity unit_amount
    unit_amount_decimal"""
)
_PRICE_UNSUPPORTED = {
    "currency_options", "custom_unit_amount", "tiers", "tiers_mode", "transfer_lookup_key", "transform_quantity",
}  # fmt: skip
_PRICE_CHANGES = {"active", "expand", "lookup_key", "metadata", "nickname", "tax_behavior"}
_TAX_BEHAVIORS = ("exclusive", "inclusive", "unspecified")


def create_product(tx: Tx, call: Call) -> Json:
    """A new product, with a default price if `default_price_data` describes one."""
    _refuse(call.params, _PRODUCT, _PRODUCT_UNSUPPORTED)
    product_id = params.text(call.params, "id", limit=200)
    if product_id is not None and tx.find(product_id) is not None:
        raise ApiError("Product already exists.", code="resource_already_exists", param="id")
    name = params.required_text(call.params, "name")
    default = params.mapping(call.params, "default_price_data")
    product = new_product(name, tx.now, product_id)
    product = tx.insert({**product, **_product_fields(call.params)})
    events.record(tx, "product.created", product, call.cause)
    if default:
        price = _insert_price(tx, default, product["id"], "default_price_data", call)
        product = tx.update({**product, "default_price": price["id"]})
    return product


def change_product(tx: Tx, call: Call) -> Json:
    """Change the given fields of a product."""
    _refuse(call.params, (_PRODUCT | {"default_price"}) - {"id", "default_price_data"}, _PRODUCT_UNSUPPORTED)
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
    _refuse(call.params, _PRICE, _PRICE_UNSUPPORTED)
    data = params.mapping(call.params, "product_data")
    if data:
        product = tx.insert(new_product(params.required_text(data, "name", "product_data[name]"), tx.now))
        events.record(tx, "product.created", product, call.cause)
        return _insert_price(tx, call.params, product["id"], "", call)
    product_id = params.text(call.params, "product")
    if product_id is None:
        raise missing("product")
    return _insert_price(tx, call.params, tx.get(product_id, "product", "product")["id"], "", call)


def change_price(tx: Tx, call: Call) -> Json:
    """Change what can be changed of a price: its amount cannot."""
    params.only(call.params, _PRICE_CHANGES)
    price = tx.get(call.object_id, "price")
    return events.change(tx, price, _price_fields(call.params), call.params, call.cause)


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


def new_price(amount: int, currency: str, product_id: str, created: int) -> Json:
    """A price for one piece, in minor units."""
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
        "unit_amount": amount,
        "unit_amount_decimal": str(amount),
    }


def amount_of(given: Json, label: str) -> tuple[int, str]:
    """`unit_amount` (or `unit_amount_decimal`, without decimals) and `currency` of a price; `label` is its name."""
    path = f"{label}[%s]" if label else "%s"
    currency = params.required_text(given, "currency", path % "currency")
    currency = check_currency(currency, path % "currency")
    name = "unit_amount" if "unit_amount" in given else "unit_amount_decimal"
    amount = params.integer(given, name, path % name)
    if amount is None:
        raise missing(path % "unit_amount")
    if amount < 0:
        text, code = "This value must be greater than or equal to 0.", "parameter_invalid_integer"
        raise ApiError(text, code=code, param=path % name)
    return amount, currency


def _insert_price(tx: Tx, given: Json, product_id: str, label: str, call: Call) -> Json:
    amount, currency = amount_of(given, label)
    check_digits(amount, currency, f"{label}[unit_amount]" if label else "unit_amount")
    fields = _price_fields(given) | _recurring(params.mapping(given, "recurring"))
    price = tx.insert({**new_price(amount, currency, product_id, tx.now), **fields})
    events.record(tx, "price.created", price, call.cause)
    return price


def _product_fields(given: Json) -> Json:
    fields: Json = {name: params.text(given, name) for name in _PRODUCT_TEXTS if name in given}
    for name in ("active", "shippable"):
        if name in given:
            fields[name] = params.boolean(given, name)
    if "images" in given:
        fields["images"] = params.sequence(given, "images")[:8]
    return fields | params.given_metadata(given)


def _price_fields(given: Json) -> Json:
    fields: Json = {name: params.text(given, name) for name in ("nickname", "lookup_key") if name in given}
    if "active" in given:
        fields["active"] = params.boolean(given, "active")
    if "tax_behavior" in given:
        fields["tax_behavior"] = params.one_of(given, "tax_behavior", _TAX_BEHAVIORS)
    return fields | params.given_metadata(given)


def _recurring(given: Json) -> Json:
    if not given:
        return {}
    params.only(given, ("interval", "interval_count", "usage_type"), "recurring")
    interval = params.one_of(given, "interval", ("day", "week", "month", "year"), "recurring[interval]")
    if interval is None:
        raise missing("recurring[interval]")
    count = params.integer(given, "interval_count", "recurring[interval_count]") or 1
    usage = {"meter": None, "usage_type": "licensed"}
    return {"type": "recurring", "recurring": {"interval": interval, "interval_count": count, **usage}}


def _refuse(given: Json, allowed: frozenset[str] | set[str], unsupported_names: set[str]) -> None:
    for name in given:
        if name in unsupported_names:
            raise unsupported(name)
    params.only(given, allowed)

"""Customers, as far as payments name them (Stripe docs: api/customers): no subscriptions, balances or sources."""

from __future__ import annotations

from kassa.sandbox import events, methods, params
from kassa.sandbox.call import Call
from kassa.sandbox.errors import Json
from kassa.sandbox.ids import new_id
from kassa.sandbox.tables import Tx

_TAKEN = params.words(
    "address description email expand metadata name payment_method phone preferred_locales shipping tax_exempt"
)
_TEXTS = ("description", "email", "name", "phone")


def create(tx: Tx, call: Call) -> Json:
    """A new customer; `payment_method` is attached to it."""
    fields = _fields(call.params)
    customer = tx.insert({**new_customer(tx.now), **fields})
    method_id = params.text(call.params, "payment_method")
    if method_id is not None:
        methods.give_to(tx, methods.find(tx, method_id, "payment_method"), customer["id"], call.cause)
    events.record(tx, "customer.created", customer, call.cause)
    return customer


def change(tx: Tx, call: Call) -> Json:
    """Change the given fields of a customer."""
    return events.change(tx, tx.get(call.object_id, "customer"), _fields(call.params), call.params, call.cause)


def remove(tx: Tx, call: Call) -> Json:
    """Delete a customer; its payments stay."""
    return events.delete(tx, tx.get(call.object_id, "customer"), call.cause)


def new_customer(created: int) -> Json:
    """A customer of whom nothing is known yet."""
    customer_id = new_id("customer")
    return {
        "id": customer_id,
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": created,
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": customer_id[-8:].upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }


def _fields(given: Json) -> Json:
    params.only(given, _TAKEN)
    fields: Json = {name: params.text(given, name) for name in _TEXTS if name in given}
    if "address" in given:
        fields["address"] = params.address(given, "address", "address")
    if "shipping" in given:
        fields["shipping"] = params.shipping(given)
    if "preferred_locales" in given:
        fields["preferred_locales"] = params.sequence(given, "preferred_locales")
    if "tax_exempt" in given:
        fields["tax_exempt"] = params.one_of(given, "tax_exempt", ("exempt", "none", "reverse"))
    return fields | params.given_metadata(given)

"""Checkout sessions, their line items and payment intents, with every key that Stripe's answers carry."""

from __future__ import annotations

from kassa.sandbox.cards import brand_of
from kassa.sandbox.errors import Json
from kassa.sandbox.ids import client_secret, new_id

BANK = "sepa_debit"
"""The delayed method that stands for all of them."""

_SESSION: Json = {
    "adaptive_pricing": {"enabled": False},
    "after_expiration": None,
    "allow_promotion_codes": None,
    "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
    "billing_address_collection": None,
    "cancel_url": None,
    "client_reference_id": None,
    "client_secret": None,
    "collected_information": None,
    "consent": None,
    "consent_collection": None,
    "currency_conversion": None,
    "custom_fields": [],
    "custom_text": {
        "after_submit": None,
        "shipping_address": None,
        "submit": None,
        "terms_of_service_acceptance": None,
    },
    "customer": None,
    "customer_account": None,
    "customer_creation": "if_required",
    "customer_details": None,
    "customer_email": None,
    "discounts": [],
    "integration_identifier": None,
    "invoice": None,
    "invoice_creation": {
        "enabled": False,
        "invoice_data": {
            "account_tax_ids": None,
            "custom_fields": None,
            "description": None,
            "footer": None,
            "issuer": None,
            "metadata": {},
            "rendering_options": None,
        },
    },
    "livemode": False,
    "locale": None,
    "managed_payments": {"enabled": False},
    "metadata": {},
    "mode": "payment",
    "origin_context": None,
    "payment_intent": None,
    "payment_link": None,
    "payment_method_collection": "if_required",
    "payment_method_configuration_details": None,
    "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
    "payment_method_types": ["card", BANK],
    "payment_status": "unpaid",
    "permissions": None,
    "phone_number_collection": {"enabled": False},
    "recovered_from": None,
    "saved_payment_method_options": None,
    "setup_intent": None,
    "shipping_address_collection": None,
    "shipping_cost": None,
    "shipping_options": [],
    "status": "open",
    "submit_type": None,
    "subscription": None,
    "ui_mode": "hosted_page",
    "wallet_options": None,
}


def new_session(total: int, currency: str, created: int, given: Json) -> Json:
    """An open session over `total`; `given` are the fields taken from the request."""
    return {
        "id": new_id("checkout.session"),
        "object": "checkout.session",
        **_SESSION,
        "amount_subtotal": total,
        "amount_total": total,
        "created": created,
        "currency": currency,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        **given,
    }


def new_line_item(line: Json, currency: str) -> Json:
    """A line of an order; `line` has a price, its product, quantity, total and metadata."""
    total = line["total"]
    return {
        "id": new_id("item"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": total,
        "amount_tax": 0,
        "amount_total": total,
        "currency": currency,
        "description": line["product"]["name"],
        "metadata": line["metadata"],
        "price": line["price"],
        "quantity": line["quantity"],
    }


_INTENT: Json = {
    "amount_capturable": 0,
    "amount_details": {"tip": {}},
    "amount_received": 0,
    "application": None,
    "application_fee_amount": None,
    "automatic_payment_methods": None,
    "canceled_at": None,
    "cancellation_reason": None,
    "capture_method": "automatic_async",
    "confirmation_method": "automatic",
    "customer": None,
    "customer_account": None,
    "excluded_payment_method_types": None,
    "last_payment_error": None,
    "latest_charge": None,
    "livemode": False,
    "managed_payments": {"enabled": False},
    "next_action": None,
    "on_behalf_of": None,
    "payment_method": None,
    "payment_method_configuration_details": None,
    "payment_method_options": {
        "card": {
            "installments": None,
            "mandate_options": None,
            "network": None,
            "request_three_d_secure": "automatic",
        }
    },
    "processing": None,
    "review": None,
    "setup_future_usage": None,
    "shipping": None,
    "status": "requires_payment_method",
    "transfer_data": None,
    "transfer_group": None,
}


def new_payment_intent(amount: int, currency: str, method_types: list[str], given: Json, created: int) -> Json:
    """A payment intent before its first payment method; `given` are fields taken from the request."""
    intent_id = new_id("payment_intent")
    return {
        "id": intent_id,
        "object": "payment_intent",
        **_INTENT,
        "amount": amount,
        "client_secret": client_secret(intent_id),
        "created": created,
        "currency": currency,
        "description": None,
        "metadata": {},
        "payment_method_types": method_types,
        "receipt_email": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        **given,
    }


def billing_details(name: str | None, email: str | None) -> Json:
    address = {"city": None, "country": None, "line1": None, "line2": None, "postal_code": None, "state": None}
    return {"address": address, "email": email, "name": name, "phone": None, "tax_id": None}


def new_payment_method(number: str, month: int, year: int, billing: Json, created: int) -> Json:
    """A card as a payment method; the full number is not kept."""
    brand = brand_of(number)
    card = {
        "brand": brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": "US",
        "display_brand": brand,
        "exp_month": month,
        "exp_year": year,
        "fingerprint": f"KassaSandbox{number[-4:]}",
        "funding": "credit",
        "generated_from": None,
        "last4": number[-4:],
        "networks": {"available": [brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }
    return _method("card", card, billing, created)


def new_bank_debit(iban: str, billing: Json, created: int) -> Json:
    """A bank account to be debited as a payment method; the full number is not shown."""
    account = {
        "bank_code": iban[4:9],
        "branch_code": "",
        "country": iban[:2],
        "fingerprint": f"KassaSandbox{iban[-4:]}",
        "generated_from": {"charge": None, "setup_attempt": None},
        "last4": iban[-4:],
    }
    return _method(BANK, account, billing, created)


def _method(kind: str, details: Json, billing: Json, created: int) -> Json:
    return {
        "id": new_id("payment_method"),
        "object": "payment_method",
        "allow_redisplay": "limited",
        "billing_details": billing,
        kind: details,
        "created": created,
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": kind,
    }

"""Charges, refunds, disputes and balance transactions, with every key that Stripe's answers carry."""

from __future__ import annotations

from kassa.sandbox.currencies import decimals
from kassa.sandbox.errors import Json
from kassa.sandbox.ids import new_id
from kassa.sandbox.params import words

_TWO_DAYS = 2 * 86400


_CHARGE: Json = {
    "amount_refunded": 0,
    "application": None,
    "application_fee": None,
    "application_fee_amount": None,
    "balance_transaction": None,
    "captured": True,
    "customer": None,
    "disputed": False,
    "failure_balance_transaction": None,
    "failure_code": None,
    "failure_message": None,
    "fraud_details": {},
    "livemode": False,
    "on_behalf_of": None,
    "outcome": {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": "normal",
        "risk_score": 20,
        "seller_message": "Payment complete.",
        "type": "authorized",
    },
    "paid": True,
    "receipt_number": None,
    "receipt_url": None,
    "refunded": False,
    "refunds": None,
    "review": None,
    "shipping": None,
    "source_transfer": None,
    "status": "succeeded",
    "transfer_data": None,
    "transfer_group": None,
}


def new_charge(intent: Json, method: Json, created: int) -> Json:
    """A charge that succeeded; it inherits the payment intent's metadata (Stripe docs: metadata)."""
    charge_id = new_id("charge")
    return {
        "id": charge_id,
        "object": "charge",
        **_CHARGE,
        "amount": intent["amount"],
        "amount_captured": intent["amount"],
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": _on_the_statement(intent),
        "created": created,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "metadata": intent["metadata"],
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": _method_details(intent, method),
        "receipt_email": intent["receipt_email"],
        "shipping": intent["shipping"],
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
    }


def _on_the_statement(intent: Json) -> str:
    """At most 22 characters; a suffix stands behind the account's own name (Stripe docs: get-started/account/
    statement-descriptors)."""
    suffix = intent["statement_descriptor_suffix"]
    return f"KASSA SANDBOX* {suffix}"[:22] if suffix else intent["statement_descriptor"] or "KASSA SANDBOX"


def _method_details(intent: Json, method: Json) -> Json:
    kind = method["type"]
    if kind == "card":
        return {"card": _card_details(intent, method), "type": kind}
    same = ("bank_code", "branch_code", "country", "fingerprint", "last4")
    return {kind: {**{key: method[kind][key] for key in same}, "mandate": None}, "type": kind}


def _card_details(intent: Json, method: Json) -> Json:
    card = method["card"]
    same = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4")
    return {
        "amount_authorized": intent["amount"],
        "authorization_code": None,
        **{key: card[key] for key in same},
        "extended_authorization": {"status": "disabled"},
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": card["brand"],
        "network_token": {"used": False},
        "network_transaction_id": None,
        "overcapture": {"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
        "regulated_status": "unregulated",
        "three_d_secure": None,
        "wallet": None,
    }


def decline_charge(charge: Json, code: str, decline_code: str, message: str, *, is_blocked: bool) -> Json:
    """Turn a new charge into one that failed: at the bank, or blocked before it got there (Radar)."""
    seller = (
        "Stripe blocked this payment as too risky." if is_blocked else "The bank did not return any further details."
    )
    return {
        **charge,
        "amount_captured": 0,
        "captured": False,
        "failure_code": code,
        "failure_message": message,
        "outcome": {
            **charge["outcome"],
            "advice_code": "do_not_try_again" if is_blocked else "try_again_later",
            "network_status": "not_sent_to_network" if is_blocked else "declined_by_network",
            "reason": "highest_risk_level" if is_blocked else decline_code,
            "risk_level": "highest" if is_blocked else "normal",
            "risk_score": 90 if is_blocked else 20,
            "seller_message": seller,
            "type": "blocked" if is_blocked else "issuer_declined",
        },
        "paid": False,
        "status": "failed",
    }


def fail_debit(charge: Json, code: str, message: str) -> Json:
    """A pending debit that the bank refused."""
    return {
        **charge,
        "amount_captured": 0,
        "captured": False,
        "failure_code": code,
        "failure_message": message,
        "outcome": {
            **charge["outcome"],
            "network_status": "declined_by_network",
            "reason": code,
            "seller_message": message,
            "type": "issuer_declined",
        },
        "status": "failed",
    }


def fee_of(amount: int, currency: str) -> int:
    """Stripe's fee for a card, about 2.9 % and 30 cents, in minor units."""
    fixed = {0: 30, 2: 30, 3: 300}[decimals(currency)]
    return min(amount, (amount * 29 + 500) // 1000 + fixed)


def new_balance_transaction(kind: str, source: Json, amount: int, fee: int, created: int) -> Json:
    """Money moving into (positive) or out of (negative) the balance; `kind` is charge, refund, adjustment…"""
    currency = source["currency"]
    fees = [{"amount": fee, "application": None, "currency": currency, "description": "Fees", "type": "stripe_fee"}]
    return {
        "id": new_id("balance_transaction"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": created + _TWO_DAYS,
        "balance_type": "payments",
        "created": created,
        "currency": currency,
        "description": None,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": fees if fee else [],
        "net": amount - fee,
        "reporting_category": "dispute" if kind == "adjustment" else kind,
        "source": source["id"],
        "status": "pending",
        "type": kind,
    }


def new_refund(charge: Json, amount: int, reason: str | None, metadata: dict[str, str], created: int) -> Json:
    """A refund that succeeded, as card refunds do at once."""
    return {
        "id": new_id("refund"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": created,
        "currency": charge["currency"],
        "customer": None,
        "customer_account": None,
        "destination_details": _destination(charge),
        "metadata": metadata,
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }


def _destination(charge: Json) -> Json:
    """Where a refund goes: back to where the money came from."""
    if charge["payment_method_details"]["type"] != "card":
        return {"eu_bank_transfer": {"reference": None, "reference_status": "pending"}, "type": "eu_bank_transfer"}
    card = {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"}
    return {"card": card, "type": "card"}


_EVIDENCE = words(
    "access_activity_log billing_address cancellation_policy cancellation_policy_disclosure cancellation_rebuttal "
    "customer_communication customer_email_address customer_name customer_purchase_ip customer_signature "
    "duplicate_charge_documentation duplicate_charge_explanation duplicate_charge_id product_description receipt "
    "refund_policy refund_policy_disclosure refund_refusal_explanation service_date service_documentation "
    "shipping_address shipping_carrier shipping_date shipping_documentation shipping_tracking_number "
    "uncategorized_file uncategorized_text"
)


def new_dispute(charge: Json, reason: str, status: str, created: int) -> Json:
    """A dispute over a whole charge; a status that starts with `warning_` is an inquiry and moves no money."""
    brand = charge["payment_method_details"]["card"]["brand"]
    is_inquiry = status.startswith("warning_")
    card = {"brand": brand, "case_type": "inquiry" if is_inquiry else "chargeback", "network_reason_code": "10.4"}
    return {
        "id": new_id("dispute"),
        "object": "dispute",
        "amount": charge["amount"],
        "balance_transactions": [],
        "charge": charge["id"],
        "created": created,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(sorted(_EVIDENCE)), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": created + 9 * 86400,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "is_charge_refundable": is_inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {"card": {**card, "network": brand}, "type": "card"},
        "reason": reason,
        "status": status,
    }

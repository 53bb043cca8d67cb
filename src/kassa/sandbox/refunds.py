"""Refunds (Stripe docs: api/refunds). A refund that succeeded can still fail later."""

from __future__ import annotations

from kassa.sandbox import events, params
from kassa.sandbox.call import Call
from kassa.sandbox.cards import find_card
from kassa.sandbox.currencies import check_digits, show
from kassa.sandbox.errors import ApiError, Json, missing
from kassa.sandbox.objects_money import new_balance_transaction, new_refund
from kassa.sandbox.tables import Tx

_TAKEN = {"amount", "charge", "expand", "metadata", "payment_intent", "reason"}
_REASONS = ("duplicate", "fraudulent", "requested_by_customer")


def create(tx: Tx, call: Call, later: float) -> Json:
    """Refund a charge, or the charge of a payment intent: all that is left of it, or `amount`."""
    params.only(call.params, _TAKEN)
    amount = params.integer(call.params, "amount")
    reason = params.one_of(call.params, "reason", _REASONS)
    metadata = params.metadata(call.params)
    charge = _charge_of(tx, call.params)
    amount = _checked_amount(charge, amount)
    if not tx.account.has_funds:  # Stripe's words for it; it gives no code.
        raise ApiError("Insufficient funds in your Stripe balance to refund this amount.", is_saved=True)
    refund = new_refund(charge, amount, reason, metadata, tx.now)
    after = find_card(tx.private(charge["id"]).get("card", "")).after
    if after == "refund_pending":
        refund["status"] = "pending"
        refund["pending_reason"] = "processing"
    balance = tx.insert(new_balance_transaction("refund", refund, -amount, 0, tx.now))
    refund["balance_transaction"] = balance["id"]
    tx.insert(refund)
    if after.startswith("refund_"):
        tx.add_timer(tx.clock.now() + later, after, refund["id"])
    changed = _with_refunded(charge, charge["amount_refunded"] + amount)
    tx.update(changed)
    events.record(tx, "refund.created", refund, call.cause)
    events.record(tx, "charge.refunded", changed, call.cause, events.changes(charge, changed))
    return refund


def change(tx: Tx, call: Call) -> Json:
    """Change a refund's metadata."""
    params.only(call.params, {"metadata", "expand"})
    refund = tx.get(call.object_id, "refund", "refund")
    return events.change(tx, refund, {}, call.params, call.cause)


def succeed_later(tx: Tx, refund_id: str) -> None:
    """A pending refund goes through."""
    refund = tx.get(refund_id, "refund")
    if refund["status"] != "pending":
        return
    changed = {**refund, "status": "succeeded"}
    changed.pop("pending_reason", None)
    tx.update(changed)
    events.record(tx, "refund.updated", changed, events.BY_ITSELF, events.changes(refund, changed))


def fail_later(tx: Tx, refund_id: str) -> None:
    """A refund that looked done comes back: the charge counts as not refunded by it."""
    refund = tx.get(refund_id, "refund")
    if refund["status"] != "succeeded":
        return
    balance = tx.insert(new_balance_transaction("refund_failure", refund, refund["amount"], 0, tx.now))
    changed = {
        **refund,
        "status": "failed",
        "failure_reason": "expired_or_canceled_card",
        "failure_balance_transaction": balance["id"],
    }
    tx.update(changed)
    charge = tx.get(refund["charge"], "charge")
    tx.update(_with_refunded(charge, charge["amount_refunded"] - refund["amount"]))
    previous = events.changes(refund, changed)
    events.record(tx, "refund.updated", changed, events.BY_ITSELF, previous)
    events.record(tx, "refund.failed", changed, events.BY_ITSELF)


def _with_refunded(charge: Json, amount_refunded: int) -> Json:
    is_all = amount_refunded >= charge["amount"]
    return {**charge, "amount_refunded": amount_refunded, "refunded": is_all}


def _charge_of(tx: Tx, given: Json) -> Json:
    charge_id = params.text(given, "charge")
    intent_id = params.text(given, "payment_intent")
    if charge_id is None and intent_id is None:
        raise missing("charge")
    if charge_id is not None:
        charge = tx.get(charge_id, "charge", "charge")
        if intent_id not in (None, charge["payment_intent"]):
            raise ApiError("The charge does not belong to the payment intent.", param="payment_intent")
        return charge
    intent = tx.get(intent_id or "", "payment_intent", "payment_intent")
    if intent["latest_charge"] is None:
        text = f"This PaymentIntent ({intent_id}) does not have a successful charge to refund."
        raise ApiError(text, param="payment_intent", is_saved=True)
    return tx.get(intent["latest_charge"], "charge")


def _checked_amount(charge: Json, amount: int | None) -> int:
    """The amount to refund in minor units; the refusals are those of the docs page refunds."""
    if charge["status"] != "succeeded":
        raise ApiError(f"Charge {charge['id']} has not succeeded and cannot be refunded.", is_saved=True)
    left: int = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        text = f"Charge {charge['id']} has already been refunded."
        raise ApiError(text, code="charge_already_refunded", is_saved=True)
    if charge["disputed"]:
        text = f"Charge {charge['id']} has been charged back; cannot issue a refund."
        raise ApiError(text, code="charge_disputed", is_saved=True)
    if amount is None:
        return left
    if amount < 1:
        code = "parameter_invalid_integer"
        raise ApiError("This value must be greater than or equal to 1.", code=code, param="amount")
    check_digits(amount, charge["currency"], "amount")
    if amount > left:
        asked, unrefunded = show(amount, charge["currency"]), show(left, charge["currency"])
        text = f"Refund amount ({asked}) is greater than unrefunded amount on charge ({unrefunded})"
        raise ApiError(text, param="amount", is_saved=True)
    return amount

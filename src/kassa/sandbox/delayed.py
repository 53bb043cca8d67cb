"""Delayed methods: the session completes unpaid, and hours or days later the bank says yes or no.

A SEPA direct debit stands for all of them (Stripe docs: payments/payment-methods/async, payments/sepa-debit).
"""

from __future__ import annotations

from kassa.sandbox import buyers, coupons, events, params, sessions
from kassa.sandbox.buyers import Buyer
from kassa.sandbox.errors import ApiError, Json
from kassa.sandbox.events import Cause
from kassa.sandbox.objects_checkout import BANK, new_bank_debit
from kassa.sandbox.objects_money import fail_debit, fee_of, new_balance_transaction, new_charge
from kassa.sandbox.payments import (
    Outcome,
    complete,
    complete_free,
    entered,
    failed_intent,
    intent_of,
    keep_method,
    payment_error,
)
from kassa.sandbox.tables import Tx

GOOD_IBAN = "AT611904300234573201"
BAD_IBANS = params.words(
    """AT861904300235473202 BE61539007547034 DE62370400440532013001 ES1621000418401234567891
    FR8420041010050500013M02607 IT60X0542811101000000123456 NL36ABNA0417164301"""
)
"""Test accounts whose bank refuses the debit (Stripe docs: payments/sepa-debit/accept-a-payment)."""

_REFUSED = "The customer's bank refused the debit."


def submit(
    tx: Tx, session_id: str, name: str | None, cause: Cause, delay: float, buyer: Buyer | None = None
) -> Outcome:
    """Pay by bank. After `delay` seconds the money comes, unless `settle` decides before."""
    session = sessions.current(tx, session_id)
    if session["status"] != "open" or BANK not in session["payment_method_types"]:
        return Outcome("not_open", session, "This checkout session cannot be paid by bank.")
    session, buyer = entered(tx, session, buyer, name)
    if not session["amount_total"]:
        return complete_free(tx, session, buyer, name, cause)
    billing = buyers.billing_of(buyer, name, sessions.email_of(tx, session))
    method = tx.insert(new_bank_debit(GOOD_IBAN, billing, tx.now))
    return pay_with(tx, session, method, cause, delay)


def pay_with(tx: Tx, session: Json, method: Json, cause: Cause, delay: float) -> Outcome:
    """The same with a bank account that a program made; a debit from one of `BAD_IBANS` will be refused."""
    trouble = coupons.trouble_of(tx, session)
    if trouble:
        return Outcome("invalid", session, trouble, "coupon_expired")
    private = tx.private(session["id"])
    intent = intent_of(tx, session, private["payment_intent_data"], cause)
    charge = tx.insert({**new_charge(intent, method, tx.now), "paid": False, "status": "pending"})
    waiting = {"status": "processing", "payment_method": method["id"], "latest_charge": charge["id"]}
    intent = tx.put({**intent, **waiting, "next_action": None, "last_payment_error": None})
    keep_method(tx, session, intent, method, cause)
    completed = complete(tx, session, method["billing_details"], intent["id"], "unpaid")
    will_fail = tx.private(method["id"]).get("iban") in BAD_IBANS
    tx.update_private(session["id"], {**private, "challenge": None, "debit_fails": will_fail})
    events.record(tx, "charge.pending", charge, cause)
    events.record(tx, "payment_intent.processing", intent, cause)
    event_id = events.record(tx, "checkout.session.completed", completed, cause)
    tx.add_timer(tx.clock.now() + delay, "settle_debit", session["id"])
    return Outcome("processing", completed, event_id=event_id)


def settle(tx: Tx, session_id: str, is_paid: bool) -> Json:
    """The bank's answer; the session comes back. `ApiError` 400 if none is awaited."""
    session = tx.get(session_id, "checkout.session", "session")
    intent = tx.find(session["payment_intent"]) if session["payment_intent"] else None
    if intent is None or intent["status"] != "processing":
        raise ApiError("This Checkout Session does not wait for a delayed payment.", param="session")
    charge = tx.get(intent["latest_charge"], "charge")
    return _succeed(tx, session, intent, charge) if is_paid else _fail(tx, session, intent, charge)


def settle_by_itself(tx: Tx, session_id: str) -> None:
    """The time of a debit has come, unless its end was decided before: the money is there, or the bank says no."""
    session = tx.get(session_id, "checkout.session")
    if tx.get(session["payment_intent"], "payment_intent")["status"] == "processing":
        settle(tx, session_id, is_paid=not tx.private(session_id).get("debit_fails"))


def _succeed(tx: Tx, session: Json, intent: Json, charge: Json) -> Json:
    fee = fee_of(charge["amount"], charge["currency"])
    balance = tx.insert(new_balance_transaction("charge", charge, charge["amount"], fee, tx.now))
    charge = tx.update({**charge, "balance_transaction": balance["id"], "paid": True, "status": "succeeded"})
    intent = tx.update({**intent, "amount_received": intent["amount"], "status": "succeeded"})
    paid = tx.update({**session, "payment_status": "paid"})
    events.record(tx, "charge.succeeded", charge, events.BY_ITSELF)
    events.record(tx, "payment_intent.succeeded", intent, events.BY_ITSELF)
    events.record(tx, "checkout.session.async_payment_succeeded", paid, events.BY_ITSELF)
    return paid


def _fail(tx: Tx, session: Json, intent: Json, charge: Json) -> Json:
    """The money does not come: the session stays complete and unpaid, and cannot be paid again."""
    method = tx.get(intent["payment_method"], "payment_method")
    error = payment_error("payment_intent_payment_attempt_failed", "", _REFUSED, method)
    error["charge"] = charge["id"]
    error["type"] = "invalid_request_error"
    charge = tx.update(fail_debit(charge, error["code"], _REFUSED))
    intent = tx.update(failed_intent(intent, error))
    events.record(tx, "charge.failed", charge, events.BY_ITSELF)
    events.record(tx, "payment_intent.payment_failed", intent, events.BY_ITSELF)
    events.record(tx, "checkout.session.async_payment_failed", session, events.BY_ITSELF)
    return session

"""Paying a session: what happens when the buyer presses Pay, and when 3-D Secure answers.

A decline does not end a session: the payment intent goes back to `requires_payment_method`, and the same page
takes another card until the session is paid or expires (Stripe docs: payments/checkout).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kassa.sandbox import events, sessions
from kassa.sandbox.cards import TestCard, find_card, passes_luhn
from kassa.sandbox.errors import Json
from kassa.sandbox.events import Cause
from kassa.sandbox.objects_checkout import billing_details, new_payment_intent, new_payment_method
from kassa.sandbox.objects_money import decline_charge, fee_of, new_balance_transaction, new_charge
from kassa.sandbox.tables import Tx

Kind = Literal["succeeded", "processing", "declined", "requires_action", "invalid", "not_open"]


@dataclass(frozen=True)
class CardEntry:
    """What the buyer typed; `number` without blanks, `year` in full."""

    number: str
    month: int
    year: int
    cvc: str
    name: str | None = None


@dataclass(frozen=True)
class Outcome:
    """How an attempt to pay ended. `event_id` is that of `checkout.session.completed`, if there was one."""

    kind: Kind
    session: Json
    message: str = ""
    code: str = ""
    decline_code: str = ""
    event_id: str = ""
    field: str = ""


def submit(tx: Tx, session_id: str, entry: CardEntry, cause: Cause, later: float) -> Outcome:
    """Press Pay with this card. `later` is how many seconds a special card's aftermath takes."""
    session = sessions.current(tx, session_id)
    if session["status"] != "open":
        return Outcome("not_open", session, "This checkout session is not open any more.")
    card = find_card(entry.number)
    # A mistyped number never leaves the page: no payment intent, no event (Stripe docs: testing).
    if card.outcome == "client_error" or not passes_luhn(entry.number):
        return Outcome("invalid", session, "Your card number is incorrect.", "incorrect_number", field="cardNumber")
    private = tx.private(session_id)
    intent = intent_of(tx, session, private["payment_intent_data"], cause)
    session = {**session, "payment_intent": intent["id"]}
    billing = billing_details(entry.name, session["customer_email"])
    method = tx.insert(new_payment_method(entry.number, entry.month, entry.year, billing, tx.now))
    if card.is_challenged:
        tx.update_private(session_id, {**private, "challenge": {"card": card.number, "method": method["id"]}})
        return _challenge(tx, session, intent, method, cause)
    if private.get("challenge"):
        tx.update_private(session_id, {**private, "challenge": None})
    return _attempt(tx, session, intent, method, card, cause, later)


def authenticate(tx: Tx, session_id: str, is_passed: bool, cause: Cause, later: float) -> Outcome:
    """Answer the 3-D Secure question of a session that asks one."""
    session = sessions.current(tx, session_id)
    private = tx.private(session_id)
    challenge = private.get("challenge")
    if session["status"] != "open" or not challenge:
        return Outcome("not_open", session, "This checkout session is not waiting for authentication.")
    tx.update_private(session_id, {**private, "challenge": None})
    intent = tx.get(session["payment_intent"], "payment_intent")
    method = tx.get(challenge["method"], "payment_method")
    if is_passed:
        return _attempt(tx, session, intent, method, find_card(challenge["card"]), cause, later)
    text = "We are unable to authenticate your payment method. Please choose a different payment method and try again."
    error = payment_error("payment_intent_authentication_failure", "", text, method)
    error["type"] = "invalid_request_error"
    _fail_intent(tx, session, intent, error, cause)
    return Outcome("declined", tx.get(session_id, "checkout.session"), text, error["code"])


def intent_of(tx: Tx, session: Json, data: Json, cause: Cause) -> Json:
    """The payment intent of a session, made at the first attempt to pay; whoever calls this must `put` it."""
    if session["payment_intent"]:
        return tx.get(session["payment_intent"], "payment_intent")
    intent = new_payment_intent(session, data, tx.now)
    events.record(tx, "payment_intent.created", intent, cause)
    return intent


def _challenge(tx: Tx, session: Json, intent: Json, method: Json, cause: Cause) -> Outcome:
    tx.update(session)
    action = {
        "type": "redirect_to_url",
        "redirect_to_url": {"return_url": session["success_url"], "url": f"{session['url']}/authenticate"},
    }
    waiting = {"status": "requires_action", "payment_method": method["id"], "next_action": action}
    asked = tx.put({**intent, **waiting, "last_payment_error": None})
    events.record(tx, "payment_intent.requires_action", asked, cause)
    return Outcome("requires_action", session)


def _attempt(tx: Tx, session: Json, intent: Json, method: Json, card: TestCard, cause: Cause, later: float) -> Outcome:
    is_challenged_decline = card.outcome == "challenge_then_decline"
    if card.outcome in ("decline", "blocked") or is_challenged_decline:
        return _decline(tx, session, intent, method, card, cause)
    return _succeed(tx, session, intent, method, card, cause, later)


def _succeed(tx: Tx, session: Json, intent: Json, method: Json, card: TestCard, cause: Cause, later: float) -> Outcome:
    charge = new_charge(intent, method, tx.now)
    fee = fee_of(charge["amount"], charge["currency"])
    balance = tx.insert(new_balance_transaction("charge", charge, charge["amount"], fee, tx.now))
    charge["balance_transaction"] = balance["id"]
    tx.insert(charge, {"card": card.number})
    paid_intent = {
        **intent,
        "amount_received": intent["amount"],
        "last_payment_error": None,
        "latest_charge": charge["id"],
        "next_action": None,
        "payment_method": method["id"],
        "status": "succeeded",
    }
    tx.put(paid_intent)
    paid = tx.update(complete_session(session, method["billing_details"], paid_intent["id"], "paid"))
    events.record(tx, "charge.succeeded", charge, cause)
    events.record(tx, "payment_intent.succeeded", paid_intent, cause)
    event_id = events.record(tx, "checkout.session.completed", paid, cause)
    if card.after in ("dispute", "early_fraud_warning"):
        tx.add_timer(tx.clock.now() + later, card.after, charge["id"])
    return Outcome("succeeded", paid, event_id=event_id)


def complete_session(session: Json, billing: Json, intent_id: str, payment_status: str) -> Json:
    """A session that the buyer is done with."""
    details = {
        "address": billing["address"],
        "business_name": None,
        "email": billing["email"],
        "individual_name": None,
        "name": billing["name"],
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
    }
    return {
        **session,
        "customer_details": details,
        "payment_intent": intent_id,
        "payment_status": payment_status,
        "status": "complete",
        "url": None,
    }


def _decline(tx: Tx, session: Json, intent: Json, method: Json, card: TestCard, cause: Cause) -> Outcome:
    is_blocked = card.outcome == "blocked"
    charge = new_charge(intent, method, tx.now)
    charge = decline_charge(charge, card.code, card.decline_code, card.message, is_blocked=is_blocked)
    tx.insert(charge, {"card": card.number})
    events.record(tx, "charge.failed", charge, cause)
    error = payment_error(card.code, card.decline_code, card.message, method)
    error["charge"] = charge["id"]
    _fail_intent(tx, session, {**intent, "latest_charge": charge["id"]}, error, cause)
    return Outcome("declined", session, card.message, card.code, card.decline_code)


def payment_error(code: str, decline_code: str, message: str, method: Json) -> Json:
    """What a payment intent keeps as `last_payment_error`."""
    error: Json = {
        "code": code,
        "doc_url": f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}",
        "message": message,
        "payment_method": method,
        "type": "card_error",
    }
    if decline_code:
        error["decline_code"] = decline_code
    return error


def _fail_intent(tx: Tx, session: Json, intent: Json, error: Json, cause: Cause) -> None:
    failed = tx.put(failed_intent(intent, error))
    tx.update(session)
    events.record(tx, "payment_intent.payment_failed", failed, cause)


def failed_intent(intent: Json, error: Json) -> Json:
    """A payment intent whose attempt failed: it takes another payment method."""
    ended = {"next_action": None, "payment_method": None, "status": "requires_payment_method"}
    return {**intent, **ended, "last_payment_error": error}

"""Paying a session: what happens when the buyer presses Pay, and when 3-D Secure answers.

A decline does not end a session: the payment intent goes back to `requires_payment_method`, and the same page
takes another card until the session is paid or expires (Stripe docs: payments/checkout).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kassa.sandbox import buyers, coupons, customers, disputes, events, methods, sessions
from kassa.sandbox.buyers import Buyer
from kassa.sandbox.cards import TestCard, find_card, passes_luhn
from kassa.sandbox.errors import Json
from kassa.sandbox.events import Cause
from kassa.sandbox.objects_checkout import new_payment_intent, new_payment_method
from kassa.sandbox.objects_money import decline_charge, fee_of, new_balance_transaction, new_charge
from kassa.sandbox.tables import Tx

Kind = Literal["succeeded", "processing", "declined", "requires_action", "invalid", "not_open"]


@dataclass(frozen=True)
class CardEntry:
    """What the buyer typed; `number` without blanks, `year` in full. `buyer` is None where nothing else was asked."""

    number: str
    month: int
    year: int
    cvc: str
    name: str | None = None
    buyer: Buyer | None = None


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


def submit(tx: Tx, session_id: str, entry: CardEntry, cause: Cause, later: float, *, is_late: bool = False) -> Outcome:
    """Press Pay with this card. `later` is how many seconds a special card's aftermath takes.

    `is_late` lets the money come although the session has expired: a fault that Stripe rules out and shops fear.
    """
    session = sessions.current(tx, session_id)
    if is_late and session["status"] == "expired":
        session = {**session, "payment_intent": None}  # The one there is was cancelled.
    elif session["status"] != "open":
        return Outcome("not_open", session, "This checkout session is not open any more.")
    session, buyer = entered(tx, session, entry.buyer, entry.name)
    if not session["amount_total"]:
        return complete_free(tx, session, buyer, entry.name, cause)
    if "card" not in session["payment_method_types"]:
        return Outcome(
            "invalid", session, "This checkout session cannot be paid by card.", "payment_method_not_available"
        )
    card = find_card(entry.number)
    # A mistyped number never leaves the page: no payment intent, no event (Stripe docs: testing).
    if card.outcome == "client_error" or not passes_luhn(entry.number):
        return Outcome("invalid", session, "Your card number is incorrect.", "incorrect_number", field="cardNumber")
    billing = buyers.billing_of(buyer, entry.name, sessions.email_of(tx, session))
    method = tx.insert(new_payment_method(entry.number, entry.month, entry.year, billing, tx.now))
    return pay_with(tx, session, card, method, cause, later)


def entered(tx: Tx, session: Json, buyer: Buyer | None, name: str | None = None) -> tuple[Json, Buyer | None]:
    """A session with what the buyer answered to what it asks; as it is, and nobody, if it asks for nothing."""
    if buyer is None and not buyers.asks(session):
        return session, None
    buyer = buyers.completed(session, buyer or Buyer(name))
    return buyers.enter(tx, session, buyer), buyer


def pay_with(tx: Tx, session: Json, card: TestCard, method: Json, cause: Cause, later: float) -> Outcome:
    """Pay an open session with a payment method, whose card is this one."""
    trouble = coupons.trouble_of(tx, session) if session["discounts"] else ""
    if trouble:
        return Outcome("invalid", session, trouble, "coupon_expired")
    private = tx.private(session["id"])
    intent = intent_of(tx, session, private["payment_intent_data"], cause)
    session = {**session, "payment_intent": intent["id"]}
    if card.is_challenged:
        tx.update_private(session["id"], {**private, "challenge": {"card": card.number, "method": method["id"]}})
        tx.update(session)
        challenge(tx, intent, method, f"{session['url']}/authenticate", session["success_url"], cause)
        return Outcome("requires_action", session)
    if private.get("challenge"):
        tx.update_private(session["id"], {**private, "challenge": None})
    return _conclude(tx, session, charge(tx, intent, method, card, cause, later), method, cause)


def authenticate(tx: Tx, session_id: str, is_passed: bool, cause: Cause, later: float) -> Outcome:
    """Answer the 3-D Secure question of a session that asks one."""
    session = sessions.current(tx, session_id)
    private = tx.private(session_id)
    asked = private.get("challenge")
    if session["status"] != "open" or not asked:
        return Outcome("not_open", session, "This checkout session is not waiting for authentication.")
    tx.update_private(session_id, {**private, "challenge": None})
    intent = tx.get(session["payment_intent"], "payment_intent")
    method = tx.get(asked["method"], "payment_method")
    if is_passed:
        intent = charge(tx, intent, method, find_card(asked["card"]), cause, later)
    else:
        intent = fail_authentication(tx, intent, method, cause)
    return _conclude(tx, session, intent, method, cause)


def intent_of(tx: Tx, session: Json, data: Json, cause: Cause) -> Json:
    """The payment intent of a session, made at the first attempt to pay; whoever calls this must `put` it."""
    shipping = buyers.shipping_of(session, tx.private(session["id"])) if session["collected_information"] else None
    if session["payment_intent"]:
        intent = tx.get(session["payment_intent"], "payment_intent")
        # What the buyer answered after a decline can have changed it.
        return {**intent, "amount": session["amount_total"], "shipping": shipping or intent["shipping"]}
    given = {**data, "customer": session["customer"], **({"shipping": shipping} if shipping else {})}
    types = session["payment_method_types"]
    intent = new_payment_intent(session["amount_total"], session["currency"], types, given, tx.now)
    events.record(tx, "payment_intent.created", intent, cause)
    return intent


def challenge(tx: Tx, intent: Json, method: Json, url: str, return_url: str | None, cause: Cause) -> Json:
    """Have the buyer asked by 3-D Secure at `url`; the intent that waits for the answer comes back."""
    action = {"type": "redirect_to_url", "redirect_to_url": {"return_url": return_url, "url": url}}
    waiting = {"status": "requires_action", "payment_method": method["id"], "next_action": action}
    asked = tx.put({**intent, **waiting, "last_payment_error": None})
    events.record(tx, "payment_intent.requires_action", asked, cause)
    return asked


def charge(tx: Tx, intent: Json, method: Json, card: TestCard, cause: Cause, later: float) -> Json:
    """Try to take the money; the intent as it is afterwards, paid or with a `last_payment_error`."""
    if card.outcome in ("decline", "blocked", "challenge_then_decline"):
        return _decline(tx, intent, method, card, cause)
    taken = new_charge(intent, method, tx.now)
    fee = fee_of(taken["amount"], taken["currency"])
    balance = tx.insert(new_balance_transaction("charge", taken, taken["amount"], fee, tx.now))
    taken["balance_transaction"] = balance["id"]
    tx.insert(taken, {"card": card.number})
    paid = {
        **intent,
        "amount_received": intent["amount"],
        "last_payment_error": None,
        "latest_charge": taken["id"],
        "next_action": None,
        "payment_method": method["id"],
        "status": "succeeded",
    }
    tx.put(paid)
    events.record(tx, "charge.succeeded", taken, cause)
    events.record(tx, "payment_intent.succeeded", paid, cause)
    if card.after in disputes.AFTERMATH and later:
        tx.add_timer(tx.clock.now() + later, card.after, taken["id"])
    elif card.after in disputes.AFTERMATH:
        disputes.AFTERMATH[card.after](tx, taken["id"])
    return paid


def fail_authentication(tx: Tx, intent: Json, method: Json, cause: Cause) -> Json:
    """The buyer did not pass 3-D Secure: the intent takes another payment method."""
    text = "We are unable to authenticate your payment method. Please choose a different payment method and try again."
    error = payment_error("payment_intent_authentication_failure", "", text, method)
    error["type"] = "invalid_request_error"
    return _fail(tx, intent, error, cause)


def _decline(tx: Tx, intent: Json, method: Json, card: TestCard, cause: Cause) -> Json:
    is_blocked = card.outcome == "blocked"
    failed = new_charge(intent, method, tx.now)
    failed = decline_charge(failed, card.code, card.decline_code, card.message, is_blocked=is_blocked)
    tx.insert(failed, {"card": card.number})
    events.record(tx, "charge.failed", failed, cause)
    error = payment_error(card.code, card.decline_code, card.message, method)
    error["charge"] = failed["id"]
    return _fail(tx, {**intent, "latest_charge": failed["id"]}, error, cause)


def _fail(tx: Tx, intent: Json, error: Json, cause: Cause) -> Json:
    failed = tx.put(failed_intent(intent, error))
    events.record(tx, "payment_intent.payment_failed", failed, cause)
    return failed


def _conclude(tx: Tx, session: Json, intent: Json, method: Json, cause: Cause) -> Outcome:
    """What the session makes of an attempt: a decline does not end it."""
    if intent["status"] == "succeeded":
        keep_method(tx, session, intent, method, cause)
        paid = complete(tx, session, method["billing_details"], intent["id"], "paid")
        return Outcome("succeeded", paid, event_id=events.record(tx, "checkout.session.completed", paid, cause))
    tx.update(session)
    error = intent["last_payment_error"]
    return Outcome("declined", session, error["message"], error["code"], error.get("decline_code", ""))


def complete_free(tx: Tx, session: Json, buyer: Buyer | None, name: str | None, cause: Cause) -> Outcome:
    """Complete a session that costs nothing: there is no payment, and always a customer (Stripe docs: payments/
    checkout/no-cost-orders; stripe/stripe-ios pull request 7135 shows such a session)."""
    trouble = coupons.trouble_of(tx, session)
    if trouble:
        return Outcome("invalid", session, trouble, "coupon_expired")
    billing = buyers.billing_of(buyer, name, sessions.email_of(tx, session))
    if session["customer"] is None:
        told = {"email": billing["email"], "name": billing["name"], "phone": billing["phone"]}
        customer = tx.insert({**customers.new_customer(tx.now), **told})
        events.record(tx, "customer.created", customer, cause)
        session = {**session, "customer": customer["id"]}
    completed = complete(tx, session, billing, None, "no_payment_required")
    event_id = events.record(tx, "checkout.session.completed", completed, cause)
    return Outcome("succeeded", completed, event_id=event_id)


def keep_method(tx: Tx, session: Json, intent: Json, method: Json, cause: Cause) -> None:
    """With `setup_future_usage` what was paid with becomes the customer's, if the session has one (Stripe docs:
    payments/checkout/save-during-payment)."""
    if intent["setup_future_usage"] and session["customer"] and method["customer"] is None:
        methods.give_to(tx, method, session["customer"], cause)


def complete(tx: Tx, session: Json, billing: Json, intent_id: str | None, payment_status: str) -> Json:
    """Complete a session that the buyer is done with; its discount is redeemed."""
    customer = tx.find(session["customer"], "customer") if session["customer"] else None
    details = {
        "address": billing["address"],
        "business_name": None,
        "email": billing["email"],
        "individual_name": None,
        "name": billing["name"],
        "phone": billing["phone"] if session["phone_number_collection"]["enabled"] else None,
        "tax_exempt": customer["tax_exempt"] if customer else "none",
        "tax_ids": [],
    }
    completed = {
        **session,
        "customer_details": details,
        "payment_intent": intent_id,
        "payment_status": payment_status,
        "status": "complete",
        "url": None,
    }
    coupons.redeem(tx, completed)
    return tx.update(completed)


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


def failed_intent(intent: Json, error: Json) -> Json:
    """A payment intent whose attempt failed: it takes another payment method."""
    ended = {"next_action": None, "payment_method": None, "status": "requires_payment_method"}
    return {**intent, **ended, "last_payment_error": error}

"""Payment intents without a session (Stripe docs: api/payment_intents): created, confirmed, cancelled by programs.

The disputes and warnings of the special test cards come at once here: programs look for them with their next call.
"""

from __future__ import annotations

from kassa.sandbox import buyers, delayed, events, methods, params, payments
from kassa.sandbox.call import Call
from kassa.sandbox.currencies import check_currency, check_digits, check_total
from kassa.sandbox.errors import ApiError, Json, missing, unsupported
from kassa.sandbox.events import Cause
from kassa.sandbox.objects_checkout import BANK, new_payment_intent
from kassa.sandbox.tables import Tx

_CHANGES = params.words(
    """amount currency customer description expand metadata payment_method payment_method_data payment_method_types
    receipt_email shipping statement_descriptor statement_descriptor_suffix"""
)
_TAKEN = _CHANGES | params.words(
    """allowed_payment_method_types automatic_payment_methods capture_method confirm confirmation_method
    error_on_requires_action off_session return_url use_stripe_sdk"""
)
_CONFIRM = params.words(
    """error_on_requires_action expand off_session payment_method payment_method_data payment_method_types
    receipt_email return_url shipping use_stripe_sdk"""
)
_TEXTS = (("description", 1000), ("receipt_email", 800), ("statement_descriptor", 22))
_SUFFIX = ("statement_descriptor_suffix", 22)
_CANCELLABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
_REASONS = ("abandoned", "duplicate", "fraudulent", "requested_by_customer")
METHODS = ("allowed_payment_method_types", "payment_method_types")


def create(tx: Tx, call: Call, public_url: str) -> Json:
    """A new payment intent; with `confirm`, paid at once. A decline is a 402, and the intent stays (`is_saved`)."""
    given = call.params
    _check(given, _TAKEN, call)
    amount, currency = _amount(given)
    fields = _fields(tx, given)
    intent = tx.insert({**new_payment_intent(amount, currency, ["card"], fields, tx.now), **_automatic(given)})
    events.record(tx, "payment_intent.created", intent, call.cause)
    intent = _with_method(tx, intent, given)
    if params.boolean(given, "confirm"):
        return _confirm(tx, intent, call, public_url)
    for name in ("error_on_requires_action", "off_session", "return_url"):
        if name in given:
            raise ApiError(f"You can only pass `{name}` together with `confirm=true`.", param=name)
    return tx.update(intent)


def change(tx: Tx, call: Call) -> Json:
    """Change an intent that is not paid or cancelled."""
    _check(call.params, _CHANGES, call)
    intent = _of_its_own(tx, call.object_id)
    _must_be(intent, "update", (*_CANCELLABLE, "processing"))
    changes = _fields(tx, call.params)
    if "metadata" in call.params:
        changes["metadata"] = params.merged_metadata(intent["metadata"], call.params)
    if "amount" in call.params or "currency" in call.params:
        amount, currency = _amount({"amount": str(intent["amount"]), "currency": intent["currency"], **call.params})
        changes |= {"amount": amount, "currency": currency}
    return tx.update(_with_method(tx, {**intent, **changes}, call.params))


def confirm(tx: Tx, call: Call, public_url: str) -> Json:
    """Take the money with the payment method that is given now or was before."""
    _check(call.params, _CONFIRM, call)
    intent = _of_its_own(tx, call.object_id)
    _must_be(intent, "confirm", ("requires_payment_method", "requires_confirmation", "requires_action"))
    fields = {**intent, **_fields(tx, call.params)}
    return _confirm(tx, _with_method(tx, fields, call.params), call, public_url)


def cancel(tx: Tx, call: Call) -> Json:
    """Cancel an intent that is not paid."""
    params.only(call.params, {"cancellation_reason", "expand"})
    reason = params.one_of(call.params, "cancellation_reason", _REASONS)
    intent = _of_its_own(tx, call.object_id)
    _must_be(intent, "cancel", _CANCELLABLE)
    ended = {"status": "canceled", "canceled_at": tx.now, "cancellation_reason": reason, "next_action": None}
    canceled = tx.update({**intent, **ended})
    events.record(tx, "payment_intent.canceled", canceled, call.cause)
    return canceled


def authenticate(tx: Tx, intent: Json, is_passed: bool, cause: Cause) -> Json:
    """Answer the 3-D Secure question of an intent that asks one."""
    method = tx.get(intent["payment_method"], "payment_method")
    if is_passed:
        return payments.charge(tx, intent, method, methods.card_of(tx, method), cause, 0)
    return payments.fail_authentication(tx, intent, method, cause)


def confirm_page(tx: Tx, call: Call, bank_delay: float) -> Json:
    """Pay a session with a payment method, like its page does: what Stripe's CLI calls to trigger events."""
    params.only(call.params, {"payment_method", "expected_amount", "expand", "return_url"})
    session = tx.get(call.object_id, "checkout.session", "session")
    if session["status"] != "open":
        raise ApiError("This Checkout Session is not open any more.", is_saved=True)
    expected = params.integer(call.params, "expected_amount")
    if expected not in (None, session["amount_total"]):
        raise ApiError("The amount of the Checkout Session is not the expected one.", param="expected_amount")
    method = methods.find(tx, params.required_text(call.params, "payment_method"), "payment_method")
    if method["type"] not in session["payment_method_types"]:
        text = f"This Checkout Session cannot be paid with a payment method of type {method['type']}."
        raise ApiError(text, param="payment_method")
    billing = method["billing_details"]
    buyer = buyers.of_details(billing)
    if buyers.asks(session):
        session = payments.entered(tx, session, buyer)[0]
    if not session["amount_total"]:
        outcome = payments.complete_free(tx, session, buyer, billing["name"], call.cause)
    elif method["type"] == BANK:
        outcome = delayed.pay_with(tx, session, method, call.cause, bank_delay)
    else:
        outcome = payments.pay_with(tx, session, methods.card_of(tx, method), method, call.cause, 0)
    if outcome.kind == "invalid":
        raise ApiError(outcome.message, code=outcome.code)
    if outcome.kind == "declined":
        raise _card_error(tx.get(outcome.session["payment_intent"], "payment_intent"))
    return outcome.session


def _card_error(intent: Json) -> ApiError:
    """The refusal of a card, 402, with the intent that stays (Stripe docs: api/errors)."""
    error = dict(intent["last_payment_error"])
    more = {name: error[name] for name in ("charge", "decline_code", "payment_method") if name in error}
    more["payment_intent"] = intent
    return ApiError(error["message"], status=402, type="card_error", code=error["code"], is_saved=True, more=more)


def _confirm(tx: Tx, intent: Json, call: Call, public_url: str) -> Json:
    if intent["payment_method"] is None:
        text = (
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the"
            " PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a"
            " payment method."
        )
        raise ApiError(text, code="payment_intent_unexpected_state", more={"payment_intent": intent})
    method = tx.get(intent["payment_method"], "payment_method")
    if method["type"] != "card":
        raise unsupported("payment_method", method["id"])
    card = methods.card_of(tx, method)
    if not card.is_challenged:
        paid = payments.charge(tx, intent, method, card, call.cause, 0)
        if paid["status"] != "succeeded":
            raise _card_error(paid)
        return paid
    refusing = [
        name for name in ("error_on_requires_action", "off_session") if call.params.get(name, "false") != "false"
    ]
    if refusing:
        text = f"This payment required an authentication action to complete, but `{refusing[0]}` was set."
        code = "authentication_required"
        raise ApiError(text, status=402, type="card_error", code=code, more={"payment_intent": intent})
    url = f"{public_url}/c/intent/{intent['id']}"
    return payments.challenge(tx, intent, method, url, params.url(call.params, "return_url"), call.cause)


def _check(given: Json, allowed: frozenset[str], call: Call) -> None:
    # The API version in use has removed payment_method_types (Stripe docs: changelog/endive/2026-09-30).
    params.only(given, allowed if call.is_older else allowed - {"payment_method_types"})
    params.boolean(given, "error_on_requires_action")
    params.url(given, "return_url")
    params.one_of(given, "off_session", ("true", "false", "one_off", "recurring"))
    if "payment_method" in given and "payment_method_data" in given:
        text = "You may only specify one of these parameters: payment_method, payment_method_data."
        raise ApiError(text, param="payment_method_data")
    _check_method_types(given)


def _amount(given: Json) -> tuple[int, str]:
    amount = params.integer(given, "amount")
    if amount is None:
        raise missing("amount")
    currency = check_currency(params.required_text(given, "currency"), "currency")
    if amount < 1:
        code = "parameter_invalid_integer"
        raise ApiError("This value must be greater than or equal to 1.", code=code, param="amount")
    check_digits(amount, currency, "amount")
    check_total(amount, currency, "amount", "Amount")
    return amount, currency


def _fields(tx: Tx, given: Json) -> Json:
    """The fields of the answer that repeat what was asked."""
    fields: Json = {name: params.text(given, name, limit=limit) for name, limit in (*_TEXTS, _SUFFIX) if name in given}
    if "customer" in given:
        fields["customer"] = tx.get(params.required_text(given, "customer"), "customer", "customer")["id"]
    if "shipping" in given:
        fields["shipping"] = params.shipping(given)
    if "capture_method" in given:
        fields["capture_method"] = params.required_text(given, "capture_method")
    return fields | params.given_metadata(given)


def _check_method_types(given: Json) -> None:
    """Cards must be among them; every other type is not of this sandbox."""
    for name in METHODS:
        types = params.sequence(given, name)
        if types and "card" not in types:
            raise unsupported(name, str(types[0]))


def _automatic(given: Json) -> Json:
    automatic = params.section(given, "automatic_payment_methods", ("allow_redirects", "enabled"))
    if not automatic:
        return {}
    is_on = bool(params.boolean(automatic, "enabled", "automatic_payment_methods[enabled]"))
    redirects = params.one_of(
        automatic, "allow_redirects", ("always", "never"), "automatic_payment_methods[allow_redirects]"
    )
    return {"automatic_payment_methods": {"allow_redirects": redirects or "always", "enabled": is_on}}


def _with_method(tx: Tx, intent: Json, given: Json) -> Json:
    """The intent with the payment method that is named or described."""
    method_id = params.text(given, "payment_method")
    data = params.mapping(given, "payment_method_data")
    if method_id is None and not data:
        return intent
    method = (
        methods.find(tx, method_id, "payment_method") if method_id else methods.make(tx, data, "payment_method_data")
    )
    return {**intent, "payment_method": method["id"], "status": "requires_confirmation", "next_action": None}


def _of_its_own(tx: Tx, intent_id: str) -> Json:
    """An intent that belongs to no session: those are paid and ended by their page."""
    intent = tx.get(intent_id, "payment_intent", "intent")
    if tx.rows("SELECT 1 FROM object WHERE kind = 'checkout.session' AND payment_intent = ?", intent_id):
        text = (
            "This PaymentIntent belongs to a Checkout Session: it is paid on the session's page, and ends when the"
            " session is expired."
        )
        raise ApiError(text, code="payment_intent_unexpected_state", more={"payment_intent": intent})
    return intent


def _must_be(intent: Json, verb: str, statuses: tuple[str, ...]) -> None:
    if intent["status"] in statuses:
        return
    text = f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}."
    more = {"payment_intent": intent}
    raise ApiError(text, code="payment_intent_unexpected_state", is_saved=True, more=more)

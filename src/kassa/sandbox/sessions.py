"""Checkout sessions: created, expired, changed (Stripe docs: api/checkout/sessions)."""

from __future__ import annotations

from kassa.sandbox import buyers, events, extras, params
from kassa.sandbox.call import Call
from kassa.sandbox.config import Clock
from kassa.sandbox.currencies import check_digits, check_total, largest
from kassa.sandbox.errors import ApiError, Json, missing, unsupported
from kassa.sandbox.events import Cause
from kassa.sandbox.lines import read_lines
from kassa.sandbox.objects_checkout import BANK, new_line_item, new_session
from kassa.sandbox.reckoning import reckon
from kassa.sandbox.tables import Reader, Tx

SHORTEST = 30 * 60
LONGEST = 24 * 3600
MAX_REFERENCE = 200
_TAKEN = extras.TAKEN | params.words(
    """adaptive_pricing allow_promotion_codes allowed_payment_method_types billing_address_collection cancel_url
    client_reference_id currency customer customer_creation customer_email excluded_payment_method_types expand
    expires_at integration_identifier line_items locale metadata mode origin_context payment_intent_data
    phone_number_collection submit_type success_url ui_mode"""
)
_OFFERED = ("allowed_payment_method_types", "payment_method_types", "excluded_payment_method_types")
_INTENT_DATA = params.words(
    "description metadata receipt_email setup_future_usage shipping statement_descriptor statement_descriptor_suffix"
)


def create(tx: Tx, call: Call, public_url: str) -> Json:
    """Open a session from the request's parameters; its page is below `public_url`."""
    given = call.params
    _check(given, call.is_older)
    lines, currency = read_lines(tx, given)
    total = sum(line["total"] for line in lines)
    more = extras.read(tx, given, lines, currency)
    if not more:
        _check_total(total, currency)
    now = tx.clock.now()
    intent_data = _intent_data(given)
    fields = {**_fields(given), "customer": _customer(tx, given), "expires_at": _expires_at(given, tx.clock)}
    session = new_session(total, currency, int(now), fields)
    session["url"] = f"{public_url}/c/pay/{session['id']}"
    private: Json = {
        "line_items": [new_line_item(line, currency) for line in lines],
        "payment_intent_data": intent_data,
    }
    if more:
        more |= extras.of_items(private["line_items"], lines)
        session, private = _with_extras(tx, session, private, more)
    session["payment_method_types"] = _method_types(given, session["amount_total"], currency)
    for line in lines:
        for described in (line["product"], line["price"]):
            if not described["active"]:  # It was described in the call, and is kept with the session.
                tx.insert(described)
    tx.insert(session, private)
    tx.add_timer(session["expires_at"], "expire_session", session["id"])
    return session


def expire(tx: Tx, call: Call) -> Json:
    """End an open session by request; 400 if it is not open any more."""
    session = tx.get(call.object_id, "checkout.session", "session")
    if session["status"] != "open":
        text = (
            'Only Checkout Sessions with a status in ["open"] can be expired.'
            f" This Checkout Session has a status of `{session['status']}`."
        )
        raise ApiError(text, is_saved=True)
    return close(tx, session, call.cause)


def close(tx: Tx, session: Json, cause: Cause) -> Json:
    """Mark an open session expired; an unfinished payment intent is cancelled with it."""
    expired = tx.update({**session, "status": "expired", "url": None})
    intent = tx.find(session["payment_intent"]) if session["payment_intent"] else None
    if intent is not None and intent["status"] != "succeeded":
        ended = {"status": "canceled", "canceled_at": tx.now, "cancellation_reason": "expired", "next_action": None}
        events.record(tx, "payment_intent.canceled", tx.update({**intent, **ended}), cause)
    events.record(tx, "checkout.session.expired", expired, cause)
    return expired


def current(tx: Tx, session_id: str) -> Json:
    """A session as it stands at this moment: expired if its time is over, whether or not its timer ran."""
    session = tx.get(session_id, "checkout.session", "session")
    if session["status"] == "open" and session["expires_at"] <= tx.clock.now():
        return close(tx, session, events.BY_ITSELF)
    return session


def email_of(reader: Reader, session: Json) -> str | None:
    """The buyer's address, as far as the session or its customer tells it."""
    customer = reader.find(session["customer"]) if session["customer"] else None
    email: str | None = customer["email"] if customer else session["customer_email"]
    return email


def change(tx: Tx, call: Call) -> Json:
    """Change a session's metadata: given keys are set, empty ones removed."""
    params.only(call.params, {"metadata", "expand"})
    session = tx.get(call.object_id, "checkout.session", "session")
    return tx.update({**session, "metadata": params.merged_metadata(session["metadata"], call.params)})


def _check_total(total: int, currency: str) -> None:
    check_total(total, currency, "line_items")
    check_digits(total, currency, "line_items")


def _with_extras(tx: Tx, session: Json, private: Json, more: Json) -> tuple[Json, Json]:
    """The amounts of a session that is more than its lines. It may cost nothing (Stripe docs: payments/checkout/
    no-cost-orders)."""
    if more["discount"]:
        more["discount"]["checkout_session"] = session["id"]
    session, private = reckon(session, {**private, "extras": more})
    if session["automatic_tax"]["enabled"] and session["customer"]:
        session, private = buyers.located(tx, session, private)
    if session["amount_total"]:
        _check_total(session["amount_total"], session["currency"])
    return session, private


def _check(given: Json, is_older: bool) -> None:
    # The API version in use has removed payment_method_types (Stripe docs: changelog/endive/2026-09-30).
    params.only(given, _TAKEN | {"payment_method_types"} if is_older else _TAKEN)
    params.required_text(given, "mode")


def _fields(given: Json) -> Json:
    """The fields of the answer that repeat what was asked."""
    success_url = params.url(given, "success_url")
    if success_url is None:
        raise missing("success_url")
    fields: Json = {
        "success_url": success_url,
        "cancel_url": params.url(given, "cancel_url"),
        "client_reference_id": params.text(given, "client_reference_id", limit=MAX_REFERENCE),
        "customer_email": params.email(given, "customer_email"),
        "metadata": params.metadata(given),
        "locale": params.text(given, "locale"),
        "allow_promotion_codes": params.boolean(given, "allow_promotion_codes"),
        "integration_identifier": params.text(given, "integration_identifier"),
        "billing_address_collection": params.one_of(given, "billing_address_collection", ("auto", "required")),
        "submit_type": params.one_of(given, "submit_type", ("auto", "book", "donate", "pay", "subscribe")),
        "origin_context": params.one_of(given, "origin_context", ("mobile_app", "web")),
    }
    for name in ("allowed_payment_method_types", "excluded_payment_method_types"):
        if name in given:
            fields[name] = params.sequence(given, name)
    params.section(given, "adaptive_pricing", ("enabled",))
    fields.update(extras.fields(given))
    return fields


def _intent_data(given: Json) -> Json:
    data = params.section(given, "payment_intent_data", _INTENT_DATA)
    fields: Json = {
        name: params.text(data, name, f"payment_intent_data[{name}]", limit)
        for name, limit in (
            ("description", 1000),
            ("receipt_email", 800),
            ("statement_descriptor", 22),
            ("statement_descriptor_suffix", 22),
        )
    }
    fields["metadata"] = params.metadata(data, "metadata", "payment_intent_data[metadata]")
    usage = params.one_of(
        data, "setup_future_usage", ("off_session", "on_session"), "payment_intent_data[setup_future_usage]"
    )
    fields["setup_future_usage"] = usage
    fields["shipping"] = params.shipping(data, "payment_intent_data[shipping]")
    return fields


def _expires_at(given: Json, clock: Clock) -> int:
    """30 minutes to 24 hours after creation; 24 hours when left out. While the sandbox's time is ahead, a shop goes on
    to reckon by the real one: what is right by that is as long in the sandbox's."""
    now, expires_at = clock.now(), params.integer(given, "expires_at")
    if expires_at is None:
        return int(now) + LONGEST
    if expires_at < now + SHORTEST and clock.wall() + SHORTEST <= expires_at <= clock.wall() + LONGEST:
        return int(expires_at + clock.offset)
    if expires_at < now + SHORTEST:
        text = "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."
        raise ApiError(text, param="expires_at")
    if expires_at > now + LONGEST:
        text = "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."
        raise ApiError(text, param="expires_at")
    return expires_at


def _method_types(given: Json, total: int, currency: str) -> list[str]:
    """Which of card and bank debit are offered: both, if nothing is said and they take the amount."""
    allowed = params.sequence(given, _OFFERED[0]) or params.sequence(given, _OFFERED[1])
    refused = params.sequence(given, "excluded_payment_method_types")
    types = [kind for kind in ("card", BANK) if kind not in refused and (not allowed or kind in allowed)]
    if not types:
        name = next(name for name in _OFFERED if name in given)
        raise unsupported(name, str(given[name]))
    taking = [kind for kind in types if total <= largest(currency, kind)]
    if not taking:
        text = f"The total amount is more than a payment by {types[0]} can be in {currency}."
        raise ApiError(text, code="amount_too_large", param="line_items")
    return taking


def _customer(tx: Tx, given: Json) -> str | None:
    customer_id = params.text(given, "customer")
    if customer_id is not None:
        if "customer_email" in given:
            raise ApiError("You may only specify one of these parameters: customer, customer_email.", param="customer")
        tx.get(customer_id, "customer", "customer")
    return customer_id

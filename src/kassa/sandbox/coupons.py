"""Coupons: made, applied to a session, counted when it completes (Stripe docs: api/coupons, payments/checkout/
discounts)."""

from __future__ import annotations

from decimal import Decimal

from kassa.sandbox import amounts, events, params
from kassa.sandbox.call import Call
from kassa.sandbox.currencies import check_currency, check_digits, step_of
from kassa.sandbox.errors import ApiError, Json, missing
from kassa.sandbox.ids import new_id
from kassa.sandbox.tables import Tx

_CHANGES = params.words("expand metadata name")
_TAKEN = _CHANGES | params.words("amount_off currency duration id max_redemptions percent_off redeem_by")
_LONGEST_NAME = 40
_FARTHEST = 5 * 366 * 86_400


def create(tx: Tx, call: Call) -> Json:
    """A coupon of an amount or of so many per cent; its `id` can be the caller's own."""
    given = call.params
    params.only(given, _TAKEN)
    coupon_id = params.text(given, "id", limit=200)
    if coupon_id is not None and tx.find(coupon_id) is not None:
        raise ApiError("Coupon already exists.", code="resource_already_exists", param="id")
    coupon = {
        "id": coupon_id or new_id("coupon"),
        "object": "coupon",
        **_worth(given),
        "created": tx.now,
        "duration": params.text(given, "duration") or "once",
        "duration_in_months": None,
        "livemode": False,
        "max_redemptions": _at_least_one(given, "max_redemptions"),
        "metadata": params.metadata(given),
        "name": params.text(given, "name", limit=_LONGEST_NAME),
        "redeem_by": _redeem_by(given, tx.now),
        "times_redeemed": 0,
        "valid": True,
    }
    tx.insert(coupon)
    if coupon["redeem_by"] is not None:
        tx.add_timer(coupon["redeem_by"], "coupon_ends", coupon["id"])
    events.record(tx, "coupon.created", coupon, call.cause)
    return coupon


def change(tx: Tx, call: Call) -> Json:
    """Change the name and the metadata: what a coupon takes off stays as it is."""
    params.only(call.params, _CHANGES)
    coupon = tx.get(call.object_id, "coupon", "coupon")
    name = {"name": params.text(call.params, "name", limit=_LONGEST_NAME)} if "name" in call.params else {}
    return events.change(tx, coupon, name, call.params, call.cause)


def remove(tx: Tx, call: Call) -> Json:
    """Delete a coupon: it can be applied no more; sessions that have it keep it."""
    return events.delete(tx, tx.get(call.object_id, "coupon", "coupon"), call.cause)


def end(tx: Tx, coupon_id: str) -> None:
    """The time of a coupon is over."""
    coupon = tx.find(coupon_id, "coupon")
    if coupon is not None and coupon["redeem_by"] is not None and coupon["redeem_by"] <= tx.clock.now():
        tx.update({**coupon, "valid": False})


def applied(tx: Tx, given: Json, currency: str) -> Json | None:
    """The discount that a new session asks for; None if it asks for none. `ApiError` 400 if it cannot have it."""
    asked = params.sequence(given, "discounts")
    if not asked:
        return None
    # Even where it is false (laravel/cashier-stripe issue 1163).
    if given.get("allow_promotion_codes") not in (None, ""):
        text = "You may only specify one of these parameters: allow_promotion_codes, discounts."
        raise ApiError(text, param="allow_promotion_codes")
    if len(asked) > 1:
        raise ApiError("You may only specify one discount.", param="discounts")
    label = "discounts[0]"
    params.only(params.mapping({label: asked[0]}, label), {"coupon"}, label)
    coupon_id = params.required_text(asked[0], "coupon", f"{label}[coupon]")
    coupon = tx.find(coupon_id, "coupon")
    if coupon is None:
        raise ApiError(f"No such coupon: '{coupon_id}'", code="resource_missing", param=f"{label}[coupon]")
    trouble = _trouble(coupon, tx.clock.now())
    if trouble:
        raise ApiError(trouble, code="coupon_expired", param=f"{label}[coupon]")
    if coupon["amount_off"] is not None and coupon["currency"] != currency:
        text = f"The coupon default currency ({coupon['currency']}) does not match the line item currency ({currency})."
        raise ApiError(text, param=f"{label}[coupon]")
    return _new_discount(coupon, tx.now)


def amount_off(coupon: Json, subtotal: int, currency: str) -> int:
    """What a coupon takes off a subtotal; never more than that."""
    if coupon["amount_off"] is not None:
        return min(int(coupon["amount_off"]), subtotal)
    return min(amounts.percentage(subtotal, Decimal(str(coupon["percent_off"])), step_of(currency)), subtotal)


def trouble_of(tx: Tx, session: Json) -> str:
    """Why a session's discount cannot be redeemed any more, for the buyer; empty if it can, or if there is none.

    A coupon that was deleted meanwhile can: who has it applied keeps it (Stripe docs: api/coupons/delete). Money that
    comes late, for a session that has expired, comes all the same.
    """
    if session["status"] != "open":
        return ""
    return next((_trouble(coupon, tx.clock.now()) for coupon in _coupons_of(tx, session)), "")


def redeem(tx: Tx, session: Json) -> None:
    """Count the discount of a session that is complete."""
    for coupon in _coupons_of(tx, session):
        coupon["times_redeemed"] += 1
        tx.update({**coupon, "valid": not _trouble(coupon, tx.clock.now())})


def _coupons_of(tx: Tx, session: Json) -> list[Json]:
    found = [tx.find(discount["coupon"], "coupon") for discount in session["discounts"]]
    return [coupon for coupon in found if coupon is not None]


def _trouble(coupon: Json, now: float) -> str:
    if coupon["redeem_by"] is not None and coupon["redeem_by"] <= now:
        return f"Coupon expired: {coupon['id']}"
    if coupon["max_redemptions"] is not None and coupon["times_redeemed"] >= coupon["max_redemptions"]:
        return f"Coupon {coupon['id']} is used up and cannot be applied."
    return ""


def _new_discount(coupon: Json, start: int) -> Json:
    return {
        "id": new_id("discount"),
        "object": "discount",
        "checkout_session": None,
        "customer": None,
        "customer_account": None,
        "end": None,
        "invoice": None,
        "invoice_item": None,
        "promotion_code": None,
        "source": {"coupon": coupon["id"], "type": "coupon"},
        "start": start,
        "subscription": None,
        "subscription_item": None,
    }


def _worth(given: Json) -> Json:
    percent, amount = params.decimal(given, "percent_off"), _at_least_one(given, "amount_off")
    if percent is not None and amount is not None:
        raise ApiError("You may only specify one of these parameters: amount_off, percent_off.", param="percent_off")
    currency = params.text(given, "currency")
    if percent is not None:
        if not 0 < percent <= 100:
            raise ApiError("Invalid percent_off: must be greater than 0 and at most 100.", param="percent_off")
        if currency is not None:
            raise ApiError("You may only specify `currency` together with `amount_off`.", param="currency")
        return {"amount_off": None, "currency": None, "percent_off": float(percent)}
    if amount is None:
        text = "One of the following params should be provided for this request: percent_off or amount_off."
        raise ApiError(text, code="parameter_missing", param="percent_off")
    if currency is None:
        raise missing("currency")
    currency = check_currency(currency, "currency")
    check_digits(amount, currency, "amount_off")
    return {"amount_off": amount, "currency": currency, "percent_off": None}


def _at_least_one(given: Json, name: str) -> int | None:
    value = params.integer(given, name)
    if value is not None and value < 1:
        text = "This value must be greater than or equal to 1."
        raise ApiError(text, code="parameter_invalid_integer", param=name)
    return value


def _redeem_by(given: Json, now: int) -> int | None:
    redeem_by = params.integer(given, "redeem_by")
    if redeem_by is not None and not now < redeem_by <= now + _FARTHEST:
        text = "`redeem_by` must be in the future, and at most five years from now."
        raise ApiError(text, param="redeem_by")
    return redeem_by

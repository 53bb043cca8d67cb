"""Payment methods made by programs (Stripe docs: api/payment_methods): cards by number, token or test name."""

from __future__ import annotations

from kassa.sandbox import events, known, params
from kassa.sandbox.call import Call
from kassa.sandbox.cards import TestCard, find_card, number_of, passes_luhn
from kassa.sandbox.errors import ApiError, Json, missing, no_such, unsupported
from kassa.sandbox.events import Cause
from kassa.sandbox.objects_checkout import BANK, billing_details, new_bank_debit, new_payment_method
from kassa.sandbox.tables import Tx

_TAKEN = {"allow_redisplay", "billing_details", "card", "metadata", "sepa_debit", "type"}
_CARD = {"cvc", "exp_month", "exp_year", "number", "token"}
_BILLING = {"address", "email", "name", "phone", "tax_id"}
_REDISPLAY = ("always", "limited", "unspecified")


def create(tx: Tx, call: Call) -> Json:
    """A payment method: a card from `card[number]` or `card[token]`, a bank account from `sepa_debit[iban]`."""
    return make(tx, call.params, "")


def make(tx: Tx, given: Json, label: str) -> Json:
    """The same for parameters that stand below `label`, such as `payment_method_data`."""
    path = f"{label}[%s]" if label else "%s"
    kind = params.required_text(given, "type", path % "type")
    # Stripe takes a hash of its own for each type.
    if kind not in ("card", BANK) and known.has_parameter("POST", "/v1/payment_methods", kind):
        raise unsupported(path % "type", kind)
    params.one_of(given, "type", ("card", BANK), path % "type")
    params.only(given, _TAKEN - {"card", BANK} | {kind} | (set() if label else {"expand"}), label)
    billing = _billing(params.mapping(given, "billing_details", path % "billing_details"), path % "billing_details")
    fields = _fields(given, path % "allow_redisplay")
    if kind == BANK:
        return _bank_account(tx, given, path, billing, fields)
    card = params.section(given, "card", _CARD, path % "card")
    token = params.text(card, "token", path % "card[token]")
    if token and len(card) > 1:
        raise ApiError("A card is either a token or described, not both.", param=path % "card[token]")
    number = _number_of_token(token, path % "card[token]") if token else _number(card, path)
    month, year = (12, _next_years(tx)) if token else _expiry(card, path, tx)
    _check_cvc(card, path % "card[cvc]")
    return _insert(tx, number, month, year, billing, fields)


def change(tx: Tx, call: Call) -> Json:
    """Change the billing details and metadata of a payment method."""
    params.only(call.params, {"allow_redisplay", "billing_details", "expand", "metadata"})
    method = tx.get(call.object_id, "payment_method")
    changes = _fields(call.params, "allow_redisplay")
    if "billing_details" in call.params:
        given = params.mapping(call.params, "billing_details")
        new = {name: value for name, value in _billing(given, "billing_details").items() if name in given}
        changes["billing_details"] = method["billing_details"] | new
    return events.change(tx, method, changes, call.params, call.cause)


def attach(tx: Tx, call: Call) -> Json:
    """Attach a payment method to a customer."""
    params.only(call.params, {"customer", "expand"})
    customer_id = params.required_text(call.params, "customer")
    tx.get(customer_id, "customer", "customer")
    return give_to(tx, find(tx, call.object_id, "payment_method"), customer_id, call.cause)


def detach(tx: Tx, call: Call) -> Json:
    """Take a payment method away from its customer, for good."""
    params.only(call.params, {"expand"})
    method = tx.get(call.object_id, "payment_method")
    if method["customer"] is None:
        text = "The payment method you provided is not attached to a customer so detachment is impossible."
        raise ApiError(text, is_saved=True)
    detached = tx.update({**method, "customer": None})
    events.record(tx, "payment_method.detached", detached, call.cause, {"customer": method["customer"]})
    return detached


def give_to(tx: Tx, method: Json, customer_id: str, cause: Cause) -> Json:
    """Attach; `ApiError` 400 if it belongs to somebody already."""
    if method["customer"] is not None:
        text = "The payment method you provided has already been attached to a customer."
        raise ApiError(text, is_saved=True)
    attached = tx.update({**method, "customer": customer_id})
    events.record(tx, "payment_method.attached", attached, cause)
    return attached


def find(tx: Tx, method_id: str, param: str) -> Json:
    """A payment method by its id, or a new one by a test name such as `pm_card_visa` (Stripe docs: testing)."""
    number = number_of(method_id, "pm_card_")
    if number is not None:
        return _insert(tx, number, 12, _next_years(tx), billing_details(None, None), {})
    if known.is_test_name(method_id):
        raise unsupported(param, method_id)
    return tx.get(method_id, "payment_method", param)


def card_of(tx: Tx, method: Json) -> TestCard:
    """The test card behind a payment method."""
    return find_card(tx.private(method["id"]).get("card", ""))


def _insert(tx: Tx, number: str, month: int, year: int, billing: Json, fields: Json) -> Json:
    method = {**new_payment_method(number, month, year, billing, tx.now), **fields}
    # Only the number of a test card is kept: what it does is known by it.
    known = number if find_card(number).decline_code != "test_mode_live_card" else ""
    return tx.insert(method, {"card": known})


def _bank_account(tx: Tx, given: Json, path: str, billing: Json, fields: Json) -> Json:
    account = params.section(given, BANK, ("iban",), path % BANK)
    iban = params.required_text(account, "iban", path % f"{BANK}[iban]").replace(" ", "").upper()
    if not passes_mod_97(iban):
        raise ApiError(
            "The IBAN you provided is invalid.", code="invalid_bank_account_iban", param=path % f"{BANK}[iban]"
        )
    for name in ("name", "email"):
        if billing[name] is None:
            raise missing(path % f"billing_details[{name}]")
    method = {**new_bank_debit(iban, billing, tx.now), **fields}
    return tx.insert(method, {"iban": iban})


def passes_mod_97(iban: str) -> bool:
    """The check digits of an IBAN (ISO 13616)."""
    if not (iban.isascii() and iban.isalnum() and 15 <= len(iban) <= 34):
        return False
    return int("".join(str(int(letter, 36)) for letter in iban[4:] + iban[:4])) % 97 == 1


def _number_of_token(token: str, param: str) -> str:
    number = number_of(token, "tok_")
    if number is None:
        raise unsupported(param, token) if known.is_test_name(token) else no_such("token", token, param)
    return number


def _number(card: Json, path: str) -> str:
    number = params.required_text(card, "number", path % "card[number]").replace(" ", "")
    if find_card(number).outcome == "client_error" or not passes_luhn(number):
        code, param = "incorrect_number", path % "card[number]"
        raise ApiError("Your card number is incorrect.", status=402, type="card_error", code=code, param=param)
    return number


def _expiry(card: Json, path: str, tx: Tx) -> tuple[int, int]:
    month = params.integer(card, "exp_month", path % "card[exp_month]")
    year = params.integer(card, "exp_year", path % "card[exp_year]")
    if month is None or year is None:
        raise missing(path % ("card[exp_month]" if month is None else "card[exp_year]"))
    year = year if year > 99 else 2000 + year
    this_year = _next_years(tx) - 3
    for name, is_wrong in (("month", not 1 <= month <= 12), ("year", not this_year <= year <= this_year + 50)):
        if is_wrong:
            text, param = f"Your card's expiration {name} is invalid.", path % f"card[exp_{name}]"
            raise ApiError(text, status=402, type="card_error", code=f"invalid_expiry_{name}", param=param)
    return month, year


def _next_years(tx: Tx) -> int:
    return tx.year + 3


def _fields(given: Json, label: str) -> Json:
    """The fields of the answer that repeat what was asked."""
    redisplay = params.one_of(given, "allow_redisplay", _REDISPLAY, label)
    return params.given_metadata(given) | ({"allow_redisplay": redisplay} if redisplay else {})


def _check_cvc(card: Json, label: str) -> None:
    cvc = params.text(card, "cvc", label)
    if cvc is not None and not (cvc.isascii() and cvc.isdecimal() and 3 <= len(cvc) <= 4):
        text = "Your card's security code is invalid."
        raise ApiError(text, status=402, type="card_error", code="invalid_cvc", param=label)


def _billing(given: Json, label: str) -> Json:
    params.only(given, _BILLING, label)
    billing = billing_details(params.text(given, "name"), params.text(given, "email"))
    return {
        **billing,
        "phone": params.text(given, "phone"),
        "tax_id": params.text(given, "tax_id"),
        "address": params.address(given, "address", f"{label}[address]") or billing["address"],
    }

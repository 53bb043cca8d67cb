"""The buyer's side of a session: reading a card entry, paying, authenticating."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from kassa.sandbox import addresses, buyers, delayed, intents, payments, sessions
from kassa.sandbox.buyers import Buyer
from kassa.sandbox.cards import passes_luhn
from kassa.sandbox.errors import ApiError, Json
from kassa.sandbox.events import Cause
from kassa.sandbox.ids import new_id
from kassa.sandbox.payments import CardEntry, Outcome
from kassa.sandbox.store import Store
from kassa.sandbox.tables import Tx

_EXPIRY = re.compile(r"\A\s*(\d{1,2})\s*/\s*(\d{4}|\d{2})\s*\Z")
LONGEST_NAME = 200
NO_CARD = CardEntry("", 0, 0, "")
"""What costs nothing is paid with."""


class Checkout:
    """Pays sessions: one place for the card page and the JSON way."""

    def __init__(self, store: Store, later: float, bank_delay: float) -> None:
        self._store = store
        self._later = later
        self._bank_delay = bank_delay

    async def pay(self, session_id: str, entry: CardEntry, *, is_late: bool = False) -> Outcome:
        """Press Pay. Raises `ApiError` 404 for an unknown session."""
        cause = Cause(new_id("request"))
        return await self._store.write(
            lambda tx: payments.submit(tx, session_id, entry, cause, self._later, is_late=is_late)
        )

    async def enter(self, session_id: str, buyer: Buyer, typed: dict[str, str], *, is_whole: bool) -> Json:
        """Take what the buyer typed, before anything is paid: the session with its new total comes back. Unless it
        `is_whole`, only the total follows from it."""

        def take(tx: Tx) -> Json:
            session = sessions.current(tx, session_id)
            if session["status"] != "open":
                return session
            if is_whole:
                return buyers.enter(tx, session, buyer, typed)
            return buyers.quote(tx, session, buyer, {"typed": typed})

        return await self._store.write(take)

    async def pay_by_bank(self, session_id: str, name: str | None, buyer: Buyer | None = None) -> Outcome:
        """Choose the delayed method: the session completes, and the money comes later or not at all."""
        cause, delay = Cause(new_id("request")), self._bank_delay
        return await self._store.write(lambda tx: delayed.submit(tx, session_id, name, cause, delay, buyer))

    async def settle(self, session_id: str, is_paid: bool) -> Json:
        """Decide at once what becomes of a delayed payment."""
        return await self._store.write(lambda tx: delayed.settle(tx, session_id, is_paid))

    async def authenticate(self, session_id: str, is_passed: bool) -> Outcome:
        """Answer the 3-D Secure question."""
        cause = Cause(new_id("request"))
        return await self._store.write(lambda tx: payments.authenticate(tx, session_id, is_passed, cause, self._later))

    async def authenticate_intent(self, intent_id: str, is_passed: bool) -> Json:
        """The same for an intent without a session; it comes back as it is afterwards."""
        cause = Cause(new_id("request"))

        def answer(tx: Tx) -> Json:
            intent = tx.get(intent_id, "payment_intent", "intent")
            if intent["status"] != "requires_action":
                return intent
            return intents.authenticate(tx, intent, is_passed, cause)

        return await self._store.write(answer)


def digits_of(text: str) -> str:
    """A card number without blanks and dashes."""
    return re.sub(r"[\s-]", "", text)


def parse_expiry(text: str) -> tuple[int, int] | None:
    """`12/34` or `12 / 2034` as month and full year; None if it is neither."""
    match = _EXPIRY.match(text)
    if match is None:
        compact = re.fullmatch(r"\s*(\d{2})(\d{2})\s*", text)
        if compact is None:
            return None
        match = compact
    month, year = int(match[1]), int(match[2])
    return (month, year if year > 99 else 2000 + year) if 1 <= month <= 12 else None


def entry_errors(fields: dict[str, str], now: float) -> dict[str, str]:
    """What is wrong with the typed fields, by field name; empty when a payment can be tried."""
    errors: dict[str, str] = {}
    number = digits_of(fields.get("cardNumber", ""))
    if not number:
        errors["cardNumber"] = "Enter your card number."
    elif not passes_luhn(number):
        errors["cardNumber"] = "Your card number is incorrect."
    expiry = parse_expiry(fields.get("expiry", ""))
    today = datetime.fromtimestamp(now, UTC)
    if expiry is None:
        errors["expiry"] = "Enter the expiry date as MM / YY."
    elif (expiry[1], expiry[0]) < (today.year, today.month):
        errors["expiry"] = "Your card's expiration date is in the past."
    elif expiry[1] > today.year + 50:
        errors["expiry"] = "Your card's expiration year is invalid."
    cvc = fields.get("cvc", "").strip()
    length = 4 if number.startswith(("34", "37")) else 3
    if not (cvc.isascii() and cvc.isdecimal() and len(cvc) in (3, length)):
        errors["cvc"] = f"Enter the {length}-digit security code."
    if len(fields.get("name", "")) > LONGEST_NAME:
        errors["name"] = "This name is too long."
    return errors


def entry_from_fields(fields: dict[str, str]) -> CardEntry:
    """The card of fields that `entry_errors` found nothing wrong with."""
    month, year = parse_expiry(fields["expiry"]) or (0, 0)
    name = fields.get("name", "").strip() or None
    return CardEntry(digits_of(fields["cardNumber"]), month, year, fields["cvc"].strip(), name)


def entry_from_json(given: Json, now: float) -> CardEntry:
    """`{"card": "4242…"}` with optional `name` and what `addresses` reads; expiry and security code are made up."""
    number = given.get("card")
    if not isinstance(number, str):
        raise ApiError("Pass `card`: a card number.", param="card")
    name = given.get("name")
    year = datetime.fromtimestamp(now, UTC).year + 3
    buyer = addresses.from_json(given)
    return CardEntry(digits_of(number), 12, year, "123", name if isinstance(name, str) else None, buyer)

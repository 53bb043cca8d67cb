"""Idempotency keys (Stripe docs: api/idempotent_requests).

The first answer is kept for 24 hours in the same transaction as the change it speaks of, a 500 included; a refusal of
the parameters is not kept.
"""

from __future__ import annotations

import hashlib

import msgspec

from kassa.sandbox.call import Call
from kassa.sandbox.errors import ApiError
from kassa.sandbox.http import Answer
from kassa.sandbox.tables import Reader, Tx

_in_order = msgspec.json.Encoder(order="deterministic").encode  # A form's fields may come in any order.
KEPT_FOR = 24 * 3600.0
LONGEST_KEY = 255


def fingerprint(call: Call) -> bytes:
    """What must be the same for a key to be used again: the path and the parameters."""
    return hashlib.sha256(_in_order([call.method, call.path, call.params])).digest()


class Keys:
    """The keys that are being used at this moment; the saved ones are in the database."""

    def __init__(self) -> None:
        self._running: set[str] = set()

    def begin(self, reader: Reader, call: Call, now: float) -> Answer | None:
        """The saved answer of this key, or None if the call is to be executed; then `end` must follow.

        Raises `ApiError`: 409 while the key's first call runs, 400 for other parameters than the first time.
        """
        key = call.idempotency_key
        if key is None:
            return None
        if len(key) > LONGEST_KEY:
            text = f"Idempotency keys can be at most {LONGEST_KEY} characters."
            raise ApiError(text, type="idempotency_error")
        if key in self._running:
            text = (
                "There is currently another in-progress request using this Idempotent Key (that probably means you"
                " submitted twice, and the other request is still going through): please try again later."
            )
            raise ApiError(text, status=409, type="idempotency_error", code="idempotency_key_in_use")
        saved = _saved(reader, call, key, now)
        if saved is None:
            self._running.add(key)
        return saved

    def end(self, call: Call) -> None:
        self._running.discard(call.idempotency_key or "")


def _saved(reader: Reader, call: Call, key: str, now: float) -> Answer | None:
    rows = reader.rows("SELECT fingerprint, status, body, created FROM idempotency WHERE key = ?", key)
    if not rows or rows[0][3] < now - KEPT_FOR:
        return None
    if rows[0][0] != fingerprint(call):
        text = (
            "Keys for idempotent requests can only be used with the same parameters they were first used with."
            f" Try using a key other than '{key}' if you meant to execute a different request."
        )
        raise ApiError(text, type="idempotency_error")
    return Answer(rows[0][1], rows[0][2], headers={"Idempotent-Replayed": "true"})


def save(tx: Tx, call: Call, answer: Answer) -> None:
    """Keep the answer with the change; an outdated record of the same key is replaced."""
    if call.idempotency_key is None:
        return
    row = (call.idempotency_key, fingerprint(call), answer.status, answer.body, tx.clock.now())
    tx.connection.execute("INSERT OR REPLACE INTO idempotency VALUES (?, ?, ?, ?, ?)", row)


def forget_old(tx: Tx) -> None:
    """Remove the answers that are no longer kept."""
    tx.connection.execute("DELETE FROM idempotency WHERE created < ?", (tx.clock.now() - KEPT_FOR,))

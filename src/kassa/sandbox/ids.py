"""Identifiers that look like Stripe's and sort by the time they were made.

Time-ordered ids keep the database's index append-only, which about halves the cost of an insert.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from itertools import count

_PREFIXES = {
    "checkout.session": "cs_test_a1",
    "payment_intent": "pi_3",
    "charge": "ch_3",
    "refund": "re_3",
    "dispute": "du_1",
    "balance_transaction": "txn_3",
    "payment_method": "pm_1",
    "event": "evt_1",
    "webhook_endpoint": "we_1",
    "radar.early_fraud_warning": "issfr_1",
    "item": "li_1",
    "price": "price_1",
    "product": "prod_",
    "customer": "cus_",
    "coupon": "",
    "discount": "di_1",
    "shipping_rate": "shr_1",
    "tax_rate": "txr_1",
    "test_helpers.test_clock": "clock_1",
    "request": "req_",
}
_now_ns: Callable[[], int] = time.time_ns
_entropy: Callable[[int], bytes] = os.urandom
_sequence = count(int.from_bytes(os.urandom(1), "big"))


def use(now_ns: Callable[[], int], entropy: Callable[[int], bytes]) -> None:
    """Make ids of this time and this chance from now on: a simulation can then be repeated exactly."""
    global _now_ns, _entropy, _sequence
    _now_ns, _entropy, _sequence = now_ns, entropy, count()


def new_id(kind: str) -> str:
    """A fresh id for an object of this kind, such as `pi_3…` for `payment_intent`."""
    # Microseconds, then a counter for ids of the same microsecond, then chance, so that none can be guessed.
    return f"{_PREFIXES[kind]}{_now_ns() // 1000:013x}{next(_sequence) & 0xFFF:03x}{_entropy(6).hex()}"


def client_secret(object_id: str) -> str:
    """The client secret of a payment intent."""
    return f"{object_id}_secret_{_entropy(12).hex()}"


def signing_secret() -> str:
    """A fresh webhook signing secret."""
    return f"whsec_{_entropy(20).hex()}"

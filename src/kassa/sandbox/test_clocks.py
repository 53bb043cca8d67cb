"""Test clocks (Stripe docs: billing/testing/test-clocks): `advance` moves the whole sandbox's time forward.

Stripe's clocks hold only the customers that are put on them; here there is one time for all, so that a day of sessions,
debits and retries passes in a second.
"""

from __future__ import annotations

from kassa.sandbox import events, params
from kassa.sandbox.call import Call
from kassa.sandbox.config import FURTHEST
from kassa.sandbox.errors import ApiError, Json, missing
from kassa.sandbox.ids import new_id
from kassa.sandbox.tables import Tx

_KEPT_FOR = 30 * 86_400


def create(tx: Tx, call: Call) -> Json:
    """A clock. A `frozen_time` ahead of the sandbox's time moves that there; one behind it is taken as now."""
    params.only(call.params, {"expand", "frozen_time", "name"})
    frozen_time = params.integer(call.params, "frozen_time")
    if frozen_time is None:
        raise missing("frozen_time")
    move(tx, frozen_time - tx.clock.now())
    clock = {
        "id": new_id("test_helpers.test_clock"),
        "object": "test_helpers.test_clock",
        "created": tx.now,
        "deletes_after": tx.now + _KEPT_FOR,
        "frozen_time": tx.now,
        "livemode": False,
        "name": params.text(call.params, "name", limit=300),
        "status": "ready",
        "status_details": {},
    }
    events.record(tx, "test_helpers.test_clock.created", tx.insert(clock), call.cause)
    return clock


def advance(tx: Tx, call: Call) -> Json:
    """Move the time forward to `frozen_time`. What is due by then happens before any later call is answered."""
    params.only(call.params, {"expand", "frozen_time"})
    clock = tx.get(call.object_id, "test_helpers.test_clock", "test_clock")
    frozen_time = params.integer(call.params, "frozen_time")
    if frozen_time is None:
        raise missing("frozen_time")
    if frozen_time <= tx.clock.now():
        text = f"The `frozen_time` must be after the sandbox's time, which is {tx.now}."
        raise ApiError(text, param="frozen_time")
    move(tx, frozen_time - tx.clock.now())
    moved = tx.update({**clock, "frozen_time": frozen_time})
    for kind in ("advancing", "ready"):
        events.record(tx, f"test_helpers.test_clock.{kind}", moved, call.cause)
    return moved


def remove(tx: Tx, call: Call) -> Json:
    """Delete a clock; the time stays as it is."""
    return events.delete(tx, tx.get(call.object_id, "test_helpers.test_clock", "test_clock"), call.cause)


def move(tx: Tx, seconds: float) -> None:
    """Set the sandbox's time forward; it never goes back. `ApiError` 400 beyond the end of 2097."""
    if not tx.clock.now() + seconds < FURTHEST:
        raise ApiError("The sandbox's time can be moved as far as December 2097, and not back.", param="frozen_time")
    if seconds > 0:
        tx.set_setting("clock_offset", tx.clock.offset + seconds)
        tx.clock.offset += seconds
        tx.touched |= {"timer", "event"}

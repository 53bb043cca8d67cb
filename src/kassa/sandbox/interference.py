"""The faults that need more than an answer: what somebody else does meanwhile, and webhooks that come first."""

from __future__ import annotations

import contextlib

from kassa.sandbox import events, sessions
from kassa.sandbox.checkout import Checkout, entry_from_json
from kassa.sandbox.delivery import Deliveries
from kassa.sandbox.errors import ApiError
from kassa.sandbox.faults import Fault
from kassa.sandbox.store import Store
from kassa.sandbox.tables import Tx

_HOLD = 10.0
_EVENTS_OF = "SELECT id FROM object WHERE kind = 'event' AND CAST(body AS TEXT) ->> '$.request.id' = ?"
_CARD = "4242424242424242"


class Interference:
    """Makes such faults happen."""

    def __init__(self, store: Store, checkout: Checkout, deliveries: Deliveries) -> None:
        self._store = store
        self._checkout = checkout
        self._deliveries = deliveries

    async def meanwhile(self, fault: Fault, session_id: str) -> None:
        """Before a call about a session is carried out: it is paid, or expired, if the fault says so."""
        if fault.kind == "paid_meanwhile":
            entry = entry_from_json({"card": _CARD}, self._store.clock.now())
            with contextlib.suppress(ApiError):  # There is no such session: the call will say so.
                await self._checkout.pay(session_id, entry)
        elif fault.kind == "expired_meanwhile":
            await self._store.write(lambda tx: _expire(tx, session_id))

    async def webhooks_first(self, fault: Fault, request_id: str) -> None:
        """Wait until the events of a call were delivered, or tried to be."""
        for row in self._store.reader.rows(_EVENTS_OF, request_id):
            await self._deliveries.first_answer(row[0], fault.seconds or _HOLD)


def _expire(tx: Tx, session_id: str) -> None:
    session = tx.find(session_id, "checkout.session")
    if session is not None and session["status"] == "open":
        sessions.close(tx, session, events.BY_ITSELF)

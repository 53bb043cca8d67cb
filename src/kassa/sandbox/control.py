"""`/sandbox/…`: what tests and programs steer the sandbox with. JSON in, JSON out, no key needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from kassa.sandbox import disputes, events
from kassa.sandbox.checkout import Checkout, entry_from_json
from kassa.sandbox.delivery import Deliveries
from kassa.sandbox.errors import ApiError, Json, no_such
from kassa.sandbox.events import BY_ITSELF
from kassa.sandbox.faults import Faults
from kassa.sandbox.http import Answer, Request
from kassa.sandbox.store import Store
from kassa.sandbox.tables import Tx
from kassa.sandbox.timers import Timers

MODES = ("normal", "paused", "dropped", "duplicated", "reversed")
Handler = Callable[[str, Json], Awaitable[Json]]


class Control:
    """The handlers below `/sandbox`."""

    def __init__(
        self, store: Store, checkout: Checkout, faults: Faults, deliveries: Deliveries, timers: Timers
    ) -> None:
        self._store = store
        self._checkout = checkout
        self._faults = faults
        self._deliveries = deliveries
        self._timers = timers
        self._handlers: dict[tuple[str, str], Handler] = {
            ("POST", "clock/advance"): self._advance_clock,
            ("POST", "faults"): self._order_fault,
            ("DELETE", "faults"): self._clear_faults,
            ("POST", "deliveries"): self._set_deliveries,
            ("POST", "events"): self._emit,
            ("POST", "events/*/resend"): self._resend,
            ("POST", "sessions/*/pay"): self._pay,
            ("POST", "sessions/*/settle"): self._settle,
            ("POST", "disputes/*/close"): self._close_dispute,
            ("GET", "state"): self._state,
        }

    async def answer(self, request: Request) -> Answer:
        """Answer one call. Raises `ApiError`."""
        parts = request.path.removeprefix("/sandbox/").rstrip("/").split("/")
        object_id = parts[1] if len(parts) == 3 else ""
        name = f"{parts[0]}/*/{parts[2]}" if object_id else "/".join(parts)
        handler = self._handlers.get((request.method, name))
        if handler is None:
            raise ApiError(f"There is no {request.method} {request.path} here.", status=404)
        value = await handler(object_id, _json(request.body))
        return Answer(200, msgspec.json.encode(value))

    async def _advance_clock(self, _: str, given: Json) -> Json:
        seconds = _number(given, "seconds", 0)
        if seconds < 0:
            raise ApiError("The clock only goes forward.", param="seconds")
        clock = self._store.clock
        clock.offset += seconds
        await self._store.write(lambda tx: tx.set_setting("clock_offset", clock.offset))
        await self._timers.settle()
        self._timers.wake()
        self._deliveries.wake()
        return {"now": clock.now()}

    async def _order_fault(self, _: str, given: Json) -> Json:
        fault = self._faults.order(given)
        return {"match": fault.match, "kind": fault.kind, "times": fault.times, "seconds": fault.seconds}

    async def _clear_faults(self, _: str, __: Json) -> Json:
        self._faults.clear()
        return {}

    async def _set_deliveries(self, _: str, given: Json) -> Json:
        mode = given.get("mode", self._deliveries.mode)
        if mode not in MODES:
            raise ApiError(f"`mode` is one of {', '.join(MODES)}.", param="mode")
        self._deliveries.mode = mode
        self._deliveries.delay = _number(given, "delay", self._deliveries.delay)
        self._deliveries.skew = _number(given, "skew", self._deliveries.skew)
        self._deliveries.wake()
        return {"mode": mode, "delay": self._deliveries.delay, "skew": self._deliveries.skew}

    async def _emit(self, _: str, given: Json) -> Json:
        """Send an event of the test's own making: an unknown type, or another `api_version`."""
        kind, snapshot = given.get("type"), given.get("object")
        version = given.get("api_version")
        if not isinstance(kind, str) or not isinstance(snapshot, dict):
            raise ApiError("An event needs `type` and `object`.", param="type")

        def emit(tx: Tx) -> str:
            if isinstance(version, str):
                return events.record_versioned(tx, kind, snapshot, BY_ITSELF, version)
            return events.record(tx, kind, snapshot, BY_ITSELF)

        return {"id": await self._store.write(emit)}

    async def _resend(self, event_id: str, _: Json) -> Json:
        if self._store.reader.body(event_id, "event") is None:
            raise no_such("event", event_id)

        def resend(tx: Tx) -> int:
            for endpoint in tx.endpoints():
                events.queue_delivery(tx, event_id, endpoint["id"])
            return len(tx.endpoints())

        return {"id": event_id, "deliveries": await self._store.write(resend)}

    async def _pay(self, session_id: str, given: Json) -> Json:
        """Pay like the card page does, by `card` or with `method` bank; it waits for no webhook."""
        if given.get("method") == "bank":
            name = given.get("name")
            outcome = await self._checkout.pay_by_bank(session_id, name if isinstance(name, str) else None)
        else:
            outcome = await self._checkout.pay(session_id, entry_from_json(given, self._store.clock.now()))
        answer = given.get("outcome_3ds")
        if outcome.kind == "requires_action" and answer is not None:
            if answer not in ("complete", "fail"):
                raise ApiError("`outcome_3ds` is complete or fail.", param="outcome_3ds")
            outcome = await self._checkout.authenticate(session_id, answer == "complete")
        error = {"code": outcome.code, "decline_code": outcome.decline_code, "message": outcome.message}
        return {
            "outcome": outcome.kind,
            "session": outcome.session,
            "error": error if outcome.message else None,
        }

    async def _settle(self, session_id: str, given: Json) -> Json:
        """Decide at once what becomes of a delayed payment."""
        outcome = given.get("outcome", "succeed")
        if outcome not in ("succeed", "fail"):
            raise ApiError("`outcome` is succeed or fail.", param="outcome")
        return await self._checkout.settle(session_id, outcome == "succeed")

    async def _close_dispute(self, dispute_id: str, given: Json) -> Json:
        status = given.get("status", "lost")
        if status not in ("won", "lost"):
            raise ApiError("`status` is won or lost.", param="status")
        return await self._store.write(lambda tx: disputes.close_dispute(tx, dispute_id, status, BY_ITSELF))

    async def _state(self, _: str, __: Json) -> Json:
        rows = self._store.reader.rows("SELECT kind, count(*) FROM object GROUP BY kind")
        open_sessions = "SELECT count(*) FROM object WHERE kind = 'checkout.session' AND state = 'open'"
        return {
            "now": self._store.clock.now(),
            "clock_offset": self._store.clock.offset,
            "objects": dict(rows),
            "open_sessions": self._store.reader.rows(open_sessions)[0][0],
            "deliveries": {"mode": self._deliveries.mode, "states": self._deliveries.counts()},
            "faults": self._faults.open_orders(),
        }


def _json(body: bytes) -> Json:
    try:
        value: Any = msgspec.json.decode(body or b"{}")
    except msgspec.DecodeError as problem:
        raise ApiError("The body is not JSON.") from problem
    if not isinstance(value, dict):
        raise ApiError("The body must be a JSON object.")
    return value


def _number(given: Json, name: str, default: float) -> float:
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ApiError(f"`{name}` is a number.", param=name)
    return float(value)

"""`/sandbox/…`: what tests and programs steer the sandbox with. JSON in, JSON out, no key needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from kassa.sandbox import addresses, disputes, endpoints, events, refunds, sessions, test_clocks
from kassa.sandbox.call import Call
from kassa.sandbox.checkout import Checkout, entry_from_json
from kassa.sandbox.delivery import Deliveries
from kassa.sandbox.errors import ApiError, Json, no_such
from kassa.sandbox.events import BY_ITSELF
from kassa.sandbox.faults import Faults
from kassa.sandbox.http import Answer, Request
from kassa.sandbox.limits import RateLimits
from kassa.sandbox.payments import CardEntry
from kassa.sandbox.store import Store
from kassa.sandbox.tables import Tx
from kassa.sandbox.timers import Timers

MODES = ("normal", "paused", "dropped", "duplicated", "reversed")
_MOST = 100 * 366 * 86_400.0  # a hundred years, in seconds
Handler = Callable[[str, Json], Awaitable[Json]]


class Control:
    """The handlers below `/sandbox`."""

    def __init__(
        self,
        store: Store,
        checkout: Checkout,
        faults: Faults,
        limits: RateLimits,
        deliveries: Deliveries,
        timers: Timers,
        later: float,
    ) -> None:
        self._store = store
        self._later = later
        self._limits = limits
        self._checkout = checkout
        self._faults = faults
        self._deliveries = deliveries
        self._timers = timers
        self._handlers: dict[tuple[str, str], Handler] = {
            ("POST", "clock/advance"): self._advance_clock,
            ("POST", "faults"): self._order_fault,
            ("DELETE", "faults"): self._clear_faults,
            ("POST", "faults/clear"): self._clear_faults,
            ("POST", "rate_limit"): self._limit_rate,
            ("POST", "account"): self._change_account,
            ("POST", "deliveries"): self._set_deliveries,
            ("POST", "events"): self._emit,
            ("POST", "events/*/resend"): self._resend,
            ("POST", "sessions/*/pay"): self._pay,
            ("POST", "sessions/*/settle"): self._settle,
            ("POST", "sessions/*/expire"): self._expire,
            ("POST", "disputes/*/close"): self._close_dispute,
            ("POST", "charges/*/dispute"): self._dispute,
            ("POST", "charges/*/refund"): self._refund,
            ("POST", "webhook_endpoints/*/roll"): self._roll,
            ("GET", "state"): self._state,
        }

    async def answer(self, request: Request) -> Answer:
        """Answer one call. Raises `ApiError`."""
        value = await self.carry_out(request.method, request.path.removeprefix("/sandbox/"), _json(request.body))
        return Answer(200, msgspec.json.encode(value))

    async def carry_out(self, method: str, path: str, given: Json) -> Json:
        """One order: `POST`, `sessions/cs_1/pay`, its parameters. Raises `ApiError`."""
        parts = path.rstrip("/").split("/")
        object_id = parts[1] if len(parts) == 3 else ""
        name = f"{parts[0]}/*/{parts[2]}" if object_id else "/".join(parts)
        handler = self._handlers.get((method, name))
        if handler is None:
            raise ApiError(f"There is no {method} /sandbox/{path} here.", status=404)
        return await handler(object_id, given)

    async def _advance_clock(self, _: str, given: Json) -> Json:
        seconds = _number(given, "seconds", 0, least=0)
        await self._store.write(lambda tx: test_clocks.move(tx, seconds))
        await self._timers.settle()
        return {"now": self._store.clock.now()}

    async def _order_fault(self, _: str, given: Json) -> Json:
        fault = self._faults.order(given)
        return {"match": fault.match, "kind": fault.kind, "times": fault.times, "seconds": fault.seconds}

    async def _clear_faults(self, _: str, __: Json) -> Json:
        self._faults.clear()
        return {}

    async def _limit_rate(self, _: str, given: Json) -> Json:
        """From now on take so many API calls `per_second`; 0 lifts the limit."""
        per_second = _number(given, "per_second", 0, least=0, most=1_000_000)
        if not per_second.is_integer():
            raise ApiError("`per_second` is a whole number; 0 lifts the limit.", param="per_second")
        self._limits.per_second = int(per_second)
        return {"per_second": self._limits.per_second}

    async def _change_account(self, _: str, given: Json) -> Json:
        """Change what is given of the account; see `Account`."""

        def change(tx: Tx) -> Json:
            account = tx.account.changed(given)
            tx.set_account(account)
            return account.shown()

        return await self._store.write(change)

    async def _set_deliveries(self, _: str, given: Json) -> Json:
        mode = given.get("mode", self._deliveries.mode)
        if mode not in MODES:
            raise ApiError(f"`mode` is one of {', '.join(MODES)}.", param="mode")
        self._deliveries.mode = mode
        self._deliveries.delay = _number(given, "delay", self._deliveries.delay, least=0)
        self._deliveries.skew = _number(given, "skew", self._deliveries.skew)
        self._deliveries.wake()
        return {"mode": mode, "delay": self._deliveries.delay, "skew": self._deliveries.skew}

    async def _emit(self, _: str, given: Json) -> Json:
        """Send an event of the test's own making: an unknown type, or another `api_version`.

        It is about `object`, or about the stored object by this `id`.
        """
        kind, snapshot = given.get("type"), given.get("object")
        version = given.get("api_version")
        if "id" in given and snapshot is None:
            snapshot = self._store.reader.find(str(given["id"]))
            if snapshot is None:
                raise no_such("object", str(given["id"]))
        if not isinstance(kind, str) or not isinstance(snapshot, dict):
            raise ApiError("An event needs `type`, and `object` or the `id` of one.", param="type")

        def emit(tx: Tx) -> str:
            if isinstance(version, str):
                return events.record_versioned(tx, kind, snapshot, BY_ITSELF, version)
            return events.record(tx, kind, snapshot, BY_ITSELF)

        return {"id": await self._store.write(emit)}

    async def _resend(self, event_id: str, _: Json) -> Json:
        def resend(tx: Tx) -> int:
            return events.send_again(tx, tx.get(event_id, "event")["id"])

        return {"id": event_id, "deliveries": await self._store.write(resend)}

    async def _roll(self, endpoint_id: str, given: Json) -> Json:
        """A new signing secret; the old one signs as well for `overlap` seconds, a day if not said."""
        overlap = _number(given, "overlap", 86_400, least=0)
        return {"secret": await self._store.write(lambda tx: endpoints.roll(tx, endpoint_id, overlap))}

    async def _pay(self, session_id: str, given: Json) -> Json:
        """Pay like the card page does, by `card` or with `method` bank; it waits for no webhook.

        With `late` the money comes even if the session has expired.
        """
        if given.get("method") == "bank":
            name = given.get("name")
            buyer = addresses.from_json(given)
            outcome = await self._checkout.pay_by_bank(session_id, name if isinstance(name, str) else None, buyer)
        else:
            entry = self._entry(session_id, given)
            outcome = await self._checkout.pay(session_id, entry, is_late=given.get("late") is True)
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

    def _entry(self, session_id: str, given: Json) -> CardEntry:
        """The card that is given. What costs nothing needs none."""
        session = None if "card" in given else self._store.reader.find(session_id, "checkout.session")
        is_free = session is not None and not session["amount_total"]
        return entry_from_json({"card": "", **given} if is_free else given, self._store.clock.wall())

    async def _settle(self, session_id: str, given: Json) -> Json:
        """Decide at once what becomes of a delayed payment."""
        outcome = given.get("outcome", "succeed")
        if outcome not in ("succeed", "fail"):
            raise ApiError("`outcome` is succeed or fail.", param="outcome")
        return await self._checkout.settle(session_id, outcome == "succeed")

    async def _expire(self, session_id: str, _: Json) -> Json:
        """End an open session, as its time would."""

        def expire(tx: Tx) -> Json:
            session = tx.get(session_id, "checkout.session", "session")
            return sessions.close(tx, session, BY_ITSELF) if session["status"] == "open" else session

        return await self._store.write(expire)

    async def _dispute(self, charge_id: str, given: Json) -> Json:
        """The buyer disputes a charge now, whatever card paid it."""
        reason = given.get("reason", "fraudulent")
        if reason not in disputes.REASONS:
            raise ApiError(f"`reason` is one of {', '.join(disputes.REASONS)}.", param="reason")
        return await self._store.write(lambda tx: disputes.open_dispute_over(tx, charge_id, reason, "needs_response"))

    async def _refund(self, charge_id: str, given: Json) -> Json:
        """Refund a charge as from Stripe's dashboard: `amount`, or all that is left of it."""
        params = {"charge": charge_id, **({"amount": str(given["amount"])} if "amount" in given else {})}
        call = Call("POST", "/v1/refunds", params, "")
        return await self._store.write(lambda tx: refunds.create(tx, call, self._later))

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
            "rate_limit": self._limits.per_second,
            "account": self._store.reader.account.shown(),
        }


def _json(body: bytes) -> Json:
    try:
        value: Any = msgspec.json.decode(body or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise ApiError("The body is not JSON.") from problem
    if not isinstance(value, dict):
        raise ApiError("The body must be a JSON object.")
    return value


def _number(given: Json, name: str, default: float, *, least: float = -_MOST, most: float = _MOST) -> float:
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ApiError(f"`{name}` is a number from {least:g} to {most:g}.", param=name)
    return float(value)
